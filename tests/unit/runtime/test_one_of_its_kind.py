"""The SQLite files of one STATE_DIR have one gateway and one worker."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.approvals.model.errors import SettingsError
from bot.runtime.children import Channel, Child, Children
from bot.runtime.hints import GATEWAY, WORKER
from bot.runtime.one_bot import Held, Taken, one_bot, role_held
from bot.settings import Settings
from bot.stores import one_of_its_kind

NOON = datetime(2030, 1, 2, 12, tzinfo=UTC)
ROLES = (GATEWAY, WORKER)


def settings(folder: Path, redis: str | None = None) -> Settings:
    return Settings.model_validate(
        {"slack_bot_token": "xoxb-1", "slack_app_token": "xapp-1", "state_dir": folder, "redis_url": redis}
    )


@contextmanager
def elsewhere(hold: Callable[[], AbstractContextManager[object]]) -> Iterator[Child]:
    """Another process, which holds this while the block runs, or until it is told to end."""
    children, (read, write) = Children(), os.pipe()

    def holds(channel: Channel) -> int:
        try:
            with hold():
                os.write(write, b"held")
                channel.received(60)
        except SettingsError as error:
            os.write(write, str(error).encode())
        return 0

    child = children.fork("the other one", holds)
    said = os.read(read, 1000).decode()
    try:
        assert said == "held"
        yield child
    finally:
        child.channel.send(end=True)
        os.waitpid(child.pid, 0)
        child.channel.socket.close()
        os.close(read)
        os.close(write)


@contextmanager
def as_before(folder: Path, role: str) -> Iterator[None]:
    """The role of an earlier version, which locks the whole file."""
    with (folder / f"{role}.lock").open("a") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def test_a_second_one_is_refused_with_what_to_do(tmp_path: Path) -> None:
    sentence = f"STATE_DIR {tmp_path}: another worker works with these files.*Redis"

    with (
        elsewhere(lambda: one_of_its_kind(settings(tmp_path), WORKER)),
        pytest.raises(SettingsError, match=sentence),
        one_of_its_kind(settings(tmp_path), WORKER),
    ):
        pass


def test_the_two_roles_share_the_files(tmp_path: Path) -> None:
    with one_of_its_kind(settings(tmp_path), WORKER), one_of_its_kind(settings(tmp_path), GATEWAY):
        assert {each.name for each in tmp_path.iterdir()} == {"worker.lock", "gateway.lock"}


def test_after_the_end_of_one_the_next_may_begin(tmp_path: Path) -> None:
    for _ in range(2):
        with one_of_its_kind(settings(tmp_path), WORKER):
            pass


def test_on_redis_there_may_be_any_number(tmp_path: Path) -> None:
    shared = settings(tmp_path, "redis://localhost:6379/0")

    with one_of_its_kind(shared, WORKER), one_of_its_kind(shared, WORKER):
        assert list(tmp_path.iterdir()) == []


# --- The supervisor -----------------------------------------------------------------------------


def test_a_second_bot_is_told_who_has_the_folder_since_when(tmp_path: Path) -> None:
    with (
        elsewhere(lambda: one_bot(tmp_path, ROLES, NOON, wait=False)) as other,
        pytest.raises(
            Taken, match=rf"another gateway .* \(process {other.pid} on this machine, since 2030-01-02 12:00"
        ),
        one_bot(tmp_path, ROLES, NOON, wait=False),
    ):
        pass


def test_a_bot_keeps_no_role_that_it_cannot_use(tmp_path: Path) -> None:
    """Because its worker is taken, it leaves the gateway to others."""
    with elsewhere(lambda: one_bot(tmp_path, [WORKER], NOON, wait=False)):
        with pytest.raises(Taken, match="another worker"):
            Held.taken(tmp_path, ROLES, NOON)
        with elsewhere(lambda: one_bot(tmp_path, [GATEWAY], NOON, wait=False)):
            pass


def test_a_supervisor_leaves_its_roles_to_their_processes(tmp_path: Path) -> None:
    with one_bot(tmp_path, ROLES, NOON, wait=False), elsewhere(lambda: role_held(tmp_path, WORKER)):
        pass


def test_what_the_processes_of_a_killed_supervisor_hold_is_waited_for(tmp_path: Path) -> None:
    with elsewhere(lambda: role_held(tmp_path, WORKER)) as dying:
        with pytest.raises(Taken) as taken:
            Held.taken(tmp_path, ROLES, NOON)
        dying.channel.send(end=True)

        with one_bot(tmp_path, ROLES, NOON, wait=False) as held:
            assert held is not None

    assert not taken.value.supervised


def test_bots_of_earlier_versions_and_this_one_keep_each_other_out(tmp_path: Path) -> None:
    with elsewhere(lambda: as_before(tmp_path, WORKER)), pytest.raises(Taken) as taken:
        Held.taken(tmp_path, ROLES, NOON)
    with elsewhere(lambda: one_bot(tmp_path, ROLES, NOON, wait=False)), pytest.raises(OSError, match="temporarily"):
        as_before(tmp_path, WORKER).__enter__()

    assert taken.value.supervised


@pytest.mark.parametrize(
    "note",
    [
        b"",
        b"{",
        b"[1]",
        b'{"pid": "1"}',
        json.dumps({"pid": 2**22 + 1, "host": os.uname().nodename, "since": NOON.isoformat()}).encode(),
        json.dumps({"pid": 1, "host": "elsewhere", "since": "noon"}).encode(),
    ],
)
def test_a_note_of_nobody_names_nobody(tmp_path: Path, note: bytes) -> None:
    """An earlier version writes none, and what a killed bot wrote stays."""
    with elsewhere(lambda: role_held(tmp_path, WORKER)):
        (tmp_path / "worker.lock").write_bytes(note)

        with pytest.raises(Taken, match=r"works with these files\. Without"):
            Held.taken(tmp_path, ROLES, NOON)


def test_a_bot_in_another_container_is_named_with_its_host(tmp_path: Path) -> None:
    with elsewhere(lambda: role_held(tmp_path, WORKER)):
        (tmp_path / "worker.lock").write_text(json.dumps({"pid": 1, "host": "3fa9c1", "since": NOON.isoformat()}))

        with pytest.raises(Taken, match=r"\(process 1 on 3fa9c1, since 2030-01-02 12:00:00 UTC\)"):
            Held.taken(tmp_path, ROLES, NOON)


def test_after_its_end_a_bot_is_named_no_more(tmp_path: Path) -> None:
    with one_bot(tmp_path, ROLES, NOON, wait=False):
        pass

    assert [(tmp_path / f"{role}.lock").read_text() for role in ROLES] == ["", ""]


def test_a_lock_file_that_cannot_be_opened_is_said_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "worker.lock").mkdir()

    with pytest.raises(SettingsError, match=r"worker.lock, .* cannot be opened .*another user"):
        Held.taken(tmp_path, ROLES, NOON)


@pytest.mark.parametrize("change", ["moved", "deleted", "replaced"])
def test_a_folder_that_is_not_where_it_was_is_noticed(tmp_path: Path, change: str) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    with one_bot(folder, ROLES, NOON, wait=False) as held:
        assert held is not None
        assert held.lost() is None

        folder.rename(tmp_path / "moved")
        if change == "replaced":
            folder.mkdir()

        assert "the folder was moved or deleted while the bot ran" in str(held.lost())


def test_a_lock_file_that_somebody_removes_is_made_again(tmp_path: Path) -> None:
    with one_bot(tmp_path, ROLES, NOON, wait=False) as held:
        assert held is not None
        (tmp_path / "worker.lock").unlink()

        assert held.lost() is None

        with (
            pytest.raises(AssertionError, match="another worker works with these files"),
            elsewhere(lambda: one_bot(tmp_path, [WORKER], NOON, wait=False)),
        ):
            pass


def test_a_bot_that_lost_its_lock_file_to_another_one_ends(tmp_path: Path) -> None:
    with one_bot(tmp_path, ROLES, NOON, wait=False) as held:
        assert held is not None
        (tmp_path / "worker.lock").unlink()

        with elsewhere(lambda: one_bot(tmp_path, [WORKER], NOON, wait=False)):
            assert "another worker works with these files" in str(held.lost())


def test_records_in_redis_are_lost_with_no_folder(tmp_path: Path) -> None:
    with one_bot(tmp_path / "none", (), NOON, wait=True) as held:
        assert held is not None
        assert held.lost() is None
