"""The SQLite files of one STATE_DIR have one gateway and one worker."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bot.approvals.model.errors import SettingsError
from bot.runtime.children import Channel, Children
from bot.runtime.hints import GATEWAY, WORKER
from bot.settings import Settings
from bot.stores import one_of_its_kind


def settings(folder: Path, redis: str | None = None) -> Settings:
    return Settings.model_validate(
        {"slack_bot_token": "xoxb-1", "slack_app_token": "xapp-1", "state_dir": folder, "redis_url": redis}
    )


def test_a_second_one_is_refused_with_what_to_do(tmp_path: Path) -> None:
    sentence = f"STATE_DIR {tmp_path}: another worker works with these files.*Redis"
    children, (read, write) = Children(), os.pipe()

    def hold(channel: Channel) -> int:
        with one_of_its_kind(settings(tmp_path), WORKER):
            os.write(write, b".")
            channel.received(60)
        return 0

    holder = children.fork("the first one", hold)
    assert os.read(read, 1) == b"."
    with pytest.raises(SettingsError, match=sentence):
        one_of_its_kind(settings(tmp_path), WORKER).__enter__()
    holder.channel.send(end=True)
    os.waitpid(holder.pid, 0)
    holder.channel.socket.close()
    os.close(read)
    os.close(write)


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
