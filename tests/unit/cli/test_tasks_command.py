"""`countersign tasks`: what an operator sees and does beside a store that another process has open."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.__main__ import main
from bot.approvals.model.audit import PURGED
from bot.approvals.model.decision import Cancelled
from bot.approvals.model.ids import RequestId, TaskId, ThreadId
from bot.approvals.model.request import Decided, Delivered
from bot.approvals.model.task import Ended, Failed, Starting, TaskCancelled, Waiting
from bot.approvals.model.token import TOKENS, Token
from bot.approvals.model.webhook import Webhook, WebhookKind
from bot.approvals.ports.storage import Change, Storage
from bot.cli.operator import tables
from bot.runtime.hints import WORKER, bound
from bot.storage.redis.store import RedisStorage, client
from tests.support.builders import a_request, a_token, an_event
from tests.support.redis_server import RedisServer
from tests.unit.cli.operator_store import CALLED, ERROR, HOUR, NOW, ON_PROD, Terminal, asking, fill, keep
from tests.unit.docs.pages import codes, rows, section


def ids(found: list[dict[str, Any]]) -> list[str]:
    return [each["id"] for each in found]


# --- Lists --------------------------------------------------------------------------------------


def test_everybodys_tasks_are_listed_newest_first(desk: Terminal) -> None:
    found = desk.json("tasks", "list")

    assert ids(found) == [ON_PROD, CALLED, "aa01", "aa02", "aa03", "aa04", "aa05"]
    states = ["running", "stuck", "waiting", "stuck", "retrying", "lost", "ended"]
    assert [each["state"] for each in found] == states
    assert [each["needs_person"] for each in found] == [each in ("stuck", "lost") for each in states]


def test_a_list_has_what_was_asked_for(desk: Terminal) -> None:
    wanted = {
        "--state stuck": [CALLED, "aa02", "aa04"],
        "--state failed": ["aa02", "aa03", "aa04"],
        "--state waiting": ["aa01"],
        "--state running": [ON_PROD],
        "--state retrying": ["aa03"],
        "--state lost": ["aa04"],
        "--state ended": ["aa04", "aa05"],
        "--state open": [ON_PROD, CALLED, "aa01", "aa02", "aa03"],
        "--state cancelled": [],
        "--graph billing": [CALLED],
        "--graph 日本語の長い名前": ["aa05"],
        "--since 150m": [ON_PROD, CALLED, "aa01", "aa02"],
        "--state stuck --since 150m": [CALLED, "aa02"],
        "--state stuck --graph billing": [CALLED],
        "--limit 2": [ON_PROD, CALLED],
        "--state stuck --limit 1": [CALLED],
    }

    assert {words: ids(desk.json("tasks", "list", *words.split())) for words in wanted} == wanted


@pytest.mark.parametrize("columns", [80, 120])
def test_a_table_fits_the_terminal(desk: Terminal, columns: int) -> None:
    """Also with long ids and signs that take two columns. What is cut off an id can be typed all the same."""
    desk.width(columns)

    code, out, _ = desk.run("tasks", "list")

    lines = out.splitlines()
    assert code == 0
    assert all(tables.shown(line) <= columns for line in lines)
    assert lines[0].split() == ["TASK", "STATE", "GRAPH", "AGE", "WHAT", "IS", "GOING", "ON"]
    assert len(lines) == 8
    id = lines[1].split()[0]
    assert id.endswith(tables.CUT)
    assert desk.json("tasks", "show", id)["id"] == ON_PROD


def test_a_list_says_if_there_is_more_and_if_there_is_nothing(desk: Terminal) -> None:
    assert "more than these 3: --limit" in desk.run("tasks", "list", "--limit", "3")[1]
    assert "more than" not in desk.run("tasks", "list", "--limit", "7")[1]
    assert desk.run("tasks", "list", "--graph", "none") == (0, "There is no such task.\n", "")
    assert desk.json("tasks", "list", "--graph", "none") == []


@pytest.mark.parametrize("words", ["--limit 0", "--limit x", "--since yesterday", "--state odd"])
def test_what_is_no_filter_is_refused(desk: Terminal, words: str) -> None:
    with pytest.raises(SystemExit) as ended:
        desk.run("tasks", "list", *words.split())

    assert ended.value.code == 2


def test_an_empty_store_has_no_tasks(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / ".env").write_text(f"STATE_DIR={folder / 'none'}\n")

    assert main(["tasks", "list", "--env-file", str(folder / ".env")]) == 2

    assert "there are no records in it" in capsys.readouterr().err


# --- One task -----------------------------------------------------------------------------------


def test_a_stuck_task_says_why_and_what_can_be_done(desk: Terminal) -> None:
    code, out, _ = desk.run("tasks", "show", "aa02")

    assert code == 0
    assert "Task aa02 is stuck" in out
    assert "KeyError (error id e1e2e3e4)" in out
    assert "r-aa02  approved by UAPP; not delivered after 8 tries, and not tried again by itself" in out
    assert "  countersign tasks retry aa02\n" in out
    assert "  countersign tasks cancel aa02\n" in out


def test_one_that_is_tried_again_says_when(desk: Terminal) -> None:
    out = desk.run("tasks", "show", "aa03")[1]
    found = desk.json("tasks", "show", "aa03")

    assert "now         tried again in " in out
    assert found["next_try"] == (NOW + HOUR).isoformat()
    assert found["failure"] == {
        "error_id": "e1e2e3e4",
        "summary": "KeyError",
        "at": ERROR.at.isoformat(),
        "missing": None,
        "may_act_again": False,
    }
    assert found["requests"][0]["attempts"] == 3


def test_missing_code_is_named(desk: Terminal) -> None:
    assert "its code has changed: the step send is missing" in desk.run("tasks", "show", CALLED)[1]
    assert desk.json("tasks", "show", CALLED)["missing"] == {"part": "step", "name": "send"}


def test_a_lost_task_offers_nothing_that_would_be_refused(desk: Terminal) -> None:
    out = desk.run("tasks", "show", "aa04")[1]

    assert "has to be started anew" in out
    assert "tasks retry" not in out
    assert "tasks cancel" not in out


def test_a_task_that_no_process_runs_says_so_and_one_on_a_server_does_not(desk: Terminal) -> None:
    """Nobody holds the thread of a task on a server between two looks."""
    desk.stored(lambda storage: keep(storage, "ff01", Starting(), HOUR))

    assert "No process runs it now" in desk.run("tasks", "show", "ff01")[1]
    assert "No process" not in desk.run("tasks", "show", ON_PROD)[1]


def test_secrets_are_masked_as_on_cards(desk: Terminal) -> None:
    """What looks like one, and what the policy file hides; in the page, in lists and in JSON."""
    token = "sk_live_4eC39HqLyjWDarjtT1zdp7dc"
    inputs = {"api_key": token, "iban": "DE02 1203", "path": "logs"}
    ended = Ended(outcome=f"used {token}", at=NOW)
    desk.stored(lambda storage: keep(storage, "ff01", ended, HOUR / 100, inputs=inputs))

    for words in (["show", "ff01"], ["show", "ff01", "--json"], ["list"], ["list", "--json"]):
        out = desk.run("tasks", *words)[1]
        assert token not in out
        assert "DE02" not in out
    assert "path=logs" in desk.run("tasks", "show", "ff01")[1]


def test_without_the_policy_file_inputs_are_not_shown(desk: Terminal, folder: Path) -> None:
    """Nobody knows then which of them it hides."""
    (folder / "policies.yaml").unlink()

    assert "not shown, because the policy file cannot be read" in desk.run("tasks", "show", "aa01")[1]
    assert desk.json("tasks", "show", "aa01")["inputs"] is None


def test_what_an_agent_wrote_cannot_move_the_cursor(desk: Terminal) -> None:
    text = "\x1b[2J\x1b]0;owned\x07 \u202eevil\n\nTask aa01 is fine"
    ended = Ended(outcome=text, at=NOW)
    desk.stored(lambda storage: keep(storage, "ff01", ended, HOUR / 100, inputs={"note": text}, graph="a\x1b[31mb"))

    for words in (["show", "ff01"], ["list"], ["list", "--json"]):
        out = desk.run("tasks", *words)[1]
        assert "\x1b" not in out
        assert "\u202e" not in out
        assert "\nTask aa01 is fine" not in out


def test_a_webhook_that_was_given_up_is_told(desk: Terminal) -> None:
    webhook = Webhook(
        id="msg_1",  # type: ignore[arg-type]
        task_id=TaskId("ff01"),
        request_id=RequestId("r-ff01"),
        kind=WebhookKind.DECIDED,
        url="https://shop.example/secret-path",
        created_at=NOW,
        attempts=30,
        next_try=None,
        failure="it answered 500",
    )

    async def told(storage: Storage) -> None:
        task = await keep(storage, "ff01", Waiting(), HOUR, asking("r-ff01"))
        await storage.save_all([Change(record=task, event=an_event("touched", task), webhooks=[webhook])])

    desk.stored(told)

    out = desk.run("tasks", "show", "ff01")[1]
    assert "shop.example could not be told, and is not any more: it answered 500" in out
    assert "secret-path" not in out
    assert desk.json("tasks", "show", "ff01")["webhooks"][0]["given_up"] is True


# --- Ids ----------------------------------------------------------------------------------------


def test_the_beginning_of_an_id_is_enough_if_it_is_the_only_one(desk: Terminal) -> None:
    assert desk.json("tasks", "show", " `caller-` ")["id"] == CALLED
    assert desk.refusal("tasks", "show", "aa") == (
        "Several tasks begin with aa: aa01, aa02, aa03, aa04, aa05. Type more of the id.\n"
    )


def test_an_id_that_is_also_the_beginning_of_another_means_itself(desk: Terminal) -> None:
    desk.stored(lambda storage: keep(storage, "aa011", Waiting(), HOUR))

    assert desk.json("tasks", "show", "aa01")["id"] == "aa01"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("zz", "There is no task zz. `countersign tasks list` shows which there are.\n"),
        ("", "That is no id. `countersign tasks list` and `countersign requests list` show them.\n"),
        ("\udcff", "That is no id. `countersign tasks list` and `countersign requests list` show them.\n"),
        ("*", "There is no task *. `countersign tasks list` shows which there are.\n"),
        ("\x1b[31m", "There is no task \\x1b[31m. `countersign tasks list` shows which there are.\n"),
        (
            "r-aa01",
            "There is no task r-aa01, but a request begins with that: `countersign requests show r-aa01`.\n",
        ),
        (
            TOKENS,
            "tokens is no task: the audit log keeps under this name what happened to tokens. "
            "`countersign tokens list` shows them.\n",
        ),
    ],
)
def test_an_id_that_means_no_task_is_refused_in_a_sentence(desk: Terminal, typed: str, said: str) -> None:
    desk.stored(lambda storage: storage.add_token(a_token(), token_event(a_token())))

    assert desk.refusal("tasks", "show", typed) == said


def token_event(token: Token) -> Any:
    return replace(
        an_event("token_added", a_request()), task_id=TaskId(TOKENS), request_id=None, data={"name": token.name}
    )


def test_a_task_whose_records_were_removed_says_so(desk: Terminal) -> None:
    async def purge(storage: Storage) -> None:
        task = await storage.task(TaskId("aa05"))
        await storage.purge(task.id, an_event(PURGED, task))

    desk.stored(purge)

    assert desk.refusal("tasks", "cancel", "aa05", "--yes") == (
        "The records of task aa05 were removed, because they were past KEEP_RECORDS.\n"
    )


# --- Cancelling ---------------------------------------------------------------------------------


def test_cancelling_is_recorded_as_the_operators(desk: Terminal) -> None:
    code, out, err = desk.run("tasks", "cancel", "aa01", "--yes", "--reason", " stuck since Monday ")

    assert (code, out, err) == (0, "Task aa01 is cancelled.\n", "")
    state = desk.stored(lambda storage: storage.task(TaskId("aa01"))).state
    assert isinstance(state, TaskCancelled)
    assert (state.by.login, state.reason) == ("ölga", "stuck since Monday")  # type: ignore[union-attr]
    cancelled = [event for event in desk.history("aa01") if event.kind == "cancelled"]
    assert [event.data["by"] for event in cancelled] == ["ölga, by command"] * 2
    out = desk.run("tasks", "show", "aa01")[1]
    assert "cancelled by an operator (ölga)" in out
    assert "stuck since Monday" in out


def test_a_terminal_is_asked_and_only_yes_is_a_yes(desk: Terminal) -> None:
    for answer in ("n\n", "\n", "", "yess\n"):
        desk.types(answer)
        assert (
            desk.refusal("tasks", "cancel", "aa01")
            == "Cancel task aa01 (cleanup, waiting)? [y/N] Nothing was changed.\n"
        )
    desk.types("y\n")

    code, out, err = desk.run("tasks", "cancel", "aa01", "--json")

    assert (code, err) == (0, "Cancel task aa01 (cleanup, waiting)? [y/N] ")
    assert '"state": "cancelled"' in out


def test_without_a_terminal_yes_has_to_be_given(desk: Terminal) -> None:
    said = desk.refusal("tasks", "cancel", "aa01")

    assert said == "Nothing was changed: no terminal is there to ask whether you mean it. Add --yes.\n"
    assert isinstance(desk.stored(lambda storage: storage.task(TaskId("aa01"))).state, Waiting)


@pytest.mark.parametrize(
    ("id", "said"),
    [
        ("aa04", "Task aa04 cannot go on anyway: the graph's saved state is gone (error id e1e2e3e4) ended it"),
        ("aa05", "Task aa05 has ended already"),
    ],
)
def test_what_is_over_is_not_cancelled(desk: Terminal, id: str, said: str) -> None:
    before = desk.history(id)

    refused = desk.refusal("tasks", "cancel", id, "--yes")

    assert refused.startswith(said)
    assert refused.endswith("Nothing was changed.\n")
    assert desk.history(id) == before


def test_the_second_operator_is_told_who_was_first(desk: Terminal) -> None:
    desk.run("tasks", "cancel", "aa01", "--yes")

    assert "was cancelled already, by an operator (ölga), " in desk.refusal("tasks", "cancel", "aa01", "--yes")


def test_a_programs_request_is_closed_at_once_and_its_webhook_goes_with_it(desk: Terminal) -> None:
    desk.run("tasks", "cancel", CALLED, "--yes")

    request = desk.stored(lambda storage: storage.requests_of(CALLED))[0]
    assert isinstance(request.state, Delivered)
    assert isinstance(request.decision, Cancelled)
    (webhook,) = desk.stored(lambda storage: storage.webhooks_of(CALLED))
    assert webhook.kind is WebhookKind.CANCELLED


def test_a_task_on_a_server_is_left_to_whoever_stops_its_run(desk: Terminal) -> None:
    """What it asks stays to be closed, so that the next sweep comes to it and stops the run."""
    desk.stored(lambda storage: storage.open_request(asked_on_prod(), an_event("opened", asked_on_prod())))

    out = desk.run("tasks", "cancel", ON_PROD, "--yes")[1]

    assert "Its run is stopped within seconds" in out
    (request,) = desk.stored(lambda storage: storage.requests_of(ON_PROD))
    assert isinstance(request.state, Decided)
    assert request.state.next_try is not None


def asked_on_prod() -> Any:
    return replace(asking("r-prod"), task_id=ON_PROD, thread_id=ThreadId(f"thread-of-{ON_PROD}"))


# --- Retrying -----------------------------------------------------------------------------------


def test_a_failed_task_is_tried_again_and_recorded_as_the_operators(desk: Terminal) -> None:
    code, out, _ = desk.run("tasks", "retry", "aa02")

    assert (code, out) == (0, "Task aa02 is tried again, by the bot that runs or by the next one.\n")
    assert desk.stored(lambda storage: storage.task(TaskId("aa02"))).state == Starting()
    (request,) = desk.stored(lambda storage: storage.requests_of(TaskId("aa02")))
    assert isinstance(request.state, Decided)
    assert request.state.next_try is not None
    retried = [event for event in desk.history("aa02") if event.kind == "retried"]
    assert [event.data["by"] for event in retried] == ["ölga, by command"] * 2


@pytest.mark.parametrize(
    ("id", "said"),
    [
        ("aa01", "waits for people: request r-aa01 asks UAPP and @operators, by "),
        ("aa04", "cannot go on: the graph's state is gone or broken. It has to be started anew. Nothing was changed."),
        ("aa05", "has ended: its agent has finished. Nothing was changed."),
        (ON_PROD, "is running: no error has stopped it. Nothing was changed."),
        (CALLED, "its code has changed: the step send is missing"),
    ],
)
def test_what_no_error_has_stopped_is_not_tried_again(desk: Terminal, id: str, said: str) -> None:
    assert said in desk.refusal("tasks", "retry", id)


def test_a_step_that_may_have_acted_is_run_again_only_if_that_is_meant(desk: Terminal) -> None:
    unsaved = Failed(failure=replace(ERROR, unsaved=True), retryable=True)
    desk.stored(lambda storage: keep(storage, "ff01", unsaved, HOUR))

    assert "no terminal is there" in desk.refusal("tasks", "retry", "ff01")
    desk.types("y\n")
    code, _, err = desk.run("tasks", "retry", "ff01")
    assert code == 0
    assert "may act again" in err


def test_a_bot_on_this_machine_is_woken(desk: Terminal, folder: Path) -> None:
    with bound(folder, WORKER) as worker:
        desk.run("tasks", "retry", "aa02")

        assert worker.recv(1000) == b'{"deliver": "aa02", "of": ""}'


def test_whoever_has_seen_enough_ends_the_list_without_an_error(
    desk: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Closed:
        def write(self, _: str) -> int:
            raise BrokenPipeError

        def fileno(self) -> int:
            return spare

    with open("/dev/null", "w") as null:  # noqa: PTH123
        spare = null.fileno()
        with monkeypatch.context() as closed:
            closed.setattr("sys.stdout", Closed())
            assert main(["tasks", "list", "--env-file", str(desk.env_file)]) == 0


# --- On Redis -----------------------------------------------------------------------------------


def test_it_is_the_same_on_redis(
    redis_server: RedisServer, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    redis_server.start()
    (folder / ".env").write_text(f"REDIS_URL={redis_server.url}\nSTATE_DIR={folder}\n")

    async def opened() -> RedisStorage:
        return RedisStorage(client(redis_server.url))

    desk = Terminal(folder / ".env", opened, capsys, monkeypatch)
    desk.stored(fill)

    assert ids(desk.json("tasks", "list")) == [ON_PROD, CALLED, "aa01", "aa02", "aa03", "aa04", "aa05"]
    assert ids(desk.json("tasks", "list", "--state", "stuck")) == [CALLED, "aa02", "aa04"]
    assert desk.json("tasks", "cancel", "aa01", "--yes")["state"] == "cancelled"
    assert desk.run("tasks", "retry", "aa02")[0] == 0
    assert isinstance(desk.stored(lambda storage: storage.task(TaskId("aa02"))).state, Starting)
    assert "Several tasks begin with aa" in desk.refusal("tasks", "show", "aa")
    hints = asyncio.run(told(redis_server.url))
    assert {"deliver": "aa02", "of": ""} in hints


async def told(url: str) -> list[Any]:
    """What workers are told."""
    async with client(url) as redis:
        return [json.loads(hint) for hint in await redis.lrange("{countersign}:hints:worker", 0, -1)]


# --- The reference ------------------------------------------------------------------------------


def test_the_reference_names_every_key_of_the_json(desk: Terminal) -> None:
    """And no other: scripts rely on them."""
    told = section("docs/reference/commands.md", "### Tasks and requests of everybody")
    of_tasks, of_requests = told.split("| of a request |")

    assert keys(of_tasks) == set(desk.json("tasks", "show", "aa01"))
    assert keys(of_requests) == set(desk.json("requests", "show", "r-aa01"))
    assert set(desk.json("tasks", "list")[0]) < keys(of_tasks)
    assert set(desk.json("requests", "list")[0]) < keys(of_requests)


def keys(table: str) -> set[str]:
    return {code for row in rows(table) for code in codes(row[0])}
