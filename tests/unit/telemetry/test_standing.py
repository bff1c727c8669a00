"""How things stand, as metrics."""

from __future__ import annotations

from datetime import timedelta

from bot import __version__
from bot.approvals.model.census import Census, Some, Waiting
from bot.telemetry.metrics import MAX_NAMES, OTHER
from bot.telemetry.standing import Standing
from tests.support.builders import MINUTE, NOON


def values(standing: Standing, after: timedelta = MINUTE) -> dict[tuple[str, ...], float]:
    """The value of each sample by its name and the values of its labels."""
    return {
        (sample.name.removeprefix("countersign_"), *sample.labels.values()): sample.value
        for metric in standing.metrics(NOON + after)
        for sample in metric.samples
    }


def test_what_waits_is_shown_with_its_age() -> None:
    census = Census(
        pending={"cleanup": Waiting(count=3, since=NOON, overdue=1)},
        undelivered=Some(count=2, since=NOON),
        failed=4,
        stale=Some(count=5, since=NOON),
        entries=6,
        webhooks=Some(count=7, since=NOON - MINUTE),
    )

    found = values(Standing(sweep_interval=5, census=census, connected=True, waiting=8))

    assert found == {
        ("requests_pending", "cleanup"): 3,
        ("oldest_pending_seconds", "cleanup"): 60,
        ("overdue", "cleanup"): 1,
        ("undelivered",): 2,
        ("oldest_undelivered_seconds",): 60,
        ("tasks_failed",): 4,
        ("surfaces_stale",): 5,
        ("oldest_stale_seconds",): 60,
        ("audit_entries",): 6,
        ("oldest_webhook_seconds",): 120,
        ("slack_connected",): 1,
        ("api_waiting",): 8,
        ("sweep_interval_seconds",): 5,
        ("build_info", __version__): 1,
    }


def test_ages_are_those_of_the_last_counts_and_grow_while_storage_cannot_be_asked() -> None:
    """A card that was late for a moment when storage counted is not shown as late for a minute."""
    census = Census(undelivered=Some(count=1, since=NOON))
    counted = Standing(sweep_interval=5, census=census, counted_at=NOON + MINUTE)
    old = Standing(sweep_interval=5, census=census)

    assert values(counted, 9 * MINUTE)["oldest_undelivered_seconds",] == 60
    assert values(old, 9 * MINUTE)["oldest_undelivered_seconds",] == 540


def test_what_is_not_known_is_not_shown() -> None:
    """An alert would take a zero for good news."""
    assert set(values(Standing(sweep_interval=5))) == {("sweep_interval_seconds",), ("build_info", __version__)}


def test_nothing_waits_since_no_time() -> None:
    """Nor since a moment that the clock has not reached."""
    standing = Standing(sweep_interval=5, census=Census(stale=Some(count=1, since=NOON + 2 * MINUTE)))

    found = values(standing)

    assert found["oldest_undelivered_seconds",] == found["oldest_stale_seconds",] == 0


def test_graphs_without_end_are_added_up() -> None:
    """The largest are shown by name."""
    pending = {f"g{number:03}": Waiting(count=1, since=NOON, overdue=1) for number in range(MAX_NAMES + 4)}
    census = Census(pending={**pending, "large": Waiting(count=9, since=NOON - MINUTE, overdue=0)})

    found = values(Standing(sweep_interval=5, census=census))

    assert found["requests_pending", "large"] == 9
    assert found["requests_pending", OTHER] == found["overdue", OTHER] == 5
    assert len([key for key in found if key[0] == "requests_pending"]) == MAX_NAMES + 1
