"""The manifest asks for what the code needs, and for nothing else; the guide to security explains each scope."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, cast

import pytest
import yaml
from slack_bolt.async_app import AsyncApp

from bot.slack.inbox import task_list
from bot.slack.listeners import approvals_command, register, task_command
from bot.slack.listeners.context import Parts
from tests.unit.docs.pages import ROOT, codes, rows, section

MANIFEST: dict[str, Any] = yaml.safe_load((ROOT / "manifest.yml").read_text())

SCOPES: dict[str, frozenset[str]] = {
    "auth_test": frozenset(),
    "blocks_validate": frozenset(),
    "apps_connections_open": frozenset(),
    "views_open": frozenset(),
    "views_push": frozenset(),
    "views_update": frozenset(),
    "views_publish": frozenset(),
    "chat_postMessage": frozenset({"chat:write"}),
    "chat_update": frozenset({"chat:write"}),
    "chat_delete": frozenset({"chat:write"}),
    "chat_postEphemeral": frozenset({"chat:write"}),
    "conversations_open": frozenset({"im:write"}),
    "conversations_info": frozenset({"channels:read", "groups:read"}),
    "conversations_list": frozenset({"channels:read", "groups:read"}),
    "conversations_members": frozenset({"channels:read", "groups:read"}),
    "conversations_history": frozenset({"channels:history", "groups:history", "im:history"}),
    "conversations_replies": frozenset({"channels:history", "groups:history", "im:history"}),
    "users_info": frozenset({"users:read"}),
    "users_lookupByEmail": frozenset({"users:read.email"}),
    "files_getUploadURLExternal": frozenset({"files:write"}),
    "files_completeUploadExternal": frozenset({"files:write"}),
    "usergroups_list": frozenset({"usergroups:read"}),
    "usergroups_users_list": frozenset({"usergroups:read"}),
}
"""The bot scopes that each method needs where the bot calls it, from Slack's reference of its methods."""

COMMAND_SCOPE = "commands"
EVENTS: list[str] = MANIFEST["settings"]["event_subscriptions"]["bot_events"]
EVENT_SCOPES: dict[str, frozenset[str]] = {
    "app_home_opened": frozenset(),
    "app_mention": frozenset({"app_mentions:read"}),
    "message.channels": frozenset({"channels:history"}),
    "message.groups": frozenset({"groups:history"}),
    "message.im": frozenset({"im:history"}),
    "member_joined_channel": frozenset({"channels:read", "groups:read"}),
    "member_left_channel": frozenset({"channels:read", "groups:read"}),
    "channel_left": frozenset({"channels:read"}),
    "channel_archive": frozenset({"channels:read"}),
    "channel_unarchive": frozenset({"channels:read"}),
    "channel_deleted": frozenset({"channels:read"}),
    "group_left": frozenset({"groups:read"}),
    "group_archive": frozenset({"groups:read"}),
    "group_unarchive": frozenset({"groups:read"}),
    "group_deleted": frozenset({"groups:read"}),
}
"""The bot scope that each event needs, from Slack's reference of its events."""


def called() -> set[str]:
    """The Web API methods that the code calls, on anything that is a client."""
    source = "\n".join(file.read_text() for file in (ROOT / "bot" / "slack").rglob("*.py"))
    named = {name.replace(".", "_") for name in re.findall(r'client\.api_call\("([a-z.]+)"', source)}
    return named | set(re.findall(r"(?:client|web_client\([^()]*\))\.([a-z]\w+)\(", source)) - {"api_call"}


def test_every_method_that_the_bot_calls_is_known_with_its_scopes() -> None:
    assert called() == set(SCOPES)


def test_the_manifest_asks_for_the_scopes_that_the_calls_need_and_for_no_other() -> None:
    methods = (SCOPES[method] for method in called() & set(SCOPES))
    needed = frozenset({COMMAND_SCOPE}).union(*methods, *(EVENT_SCOPES[event] for event in EVENTS))

    assert set(MANIFEST["oauth_config"]["scopes"]["bot"]) == needed


class Recorder:
    """Stands for Bolt's app: what is registered with it, by kind."""

    def __init__(self) -> None:
        self.registered: dict[str, set[object]] = {}

    def __getattr__(self, kind: str) -> Callable[..., Any]:
        def register(constraint: object = None, *more: object, **named: object) -> Callable[[Any], Any]:
            self.registered.setdefault(kind, set()).add(constraint)
            return lambda listener: listener

        return register


def registered(kind: str) -> set[object]:
    recorder = Recorder()
    register.register(cast("AsyncApp", recorder), cast("Parts", None))
    return recorder.registered.get(kind, set())


def test_the_commands_of_the_manifest_are_those_that_are_listened_to() -> None:
    assert registered("command") == {command["command"] for command in MANIFEST["features"]["slash_commands"]}


def test_the_events_of_the_manifest_are_those_that_are_listened_to() -> None:
    assert registered("event") == {event.partition(".")[0] for event in EVENTS}


def test_the_bot_listens_to_nothing_that_the_manifest_does_not_switch_on() -> None:
    assert registered("shortcut") == {each["callback_id"] for each in MANIFEST["features"]["shortcuts"]}
    assert registered("global_shortcut") | registered("message_shortcut") == set()
    assert registered("options") == set()


@pytest.mark.parametrize(
    ("name", "subcommands"),
    [(task_command.COMMAND, task_list.SUBCOMMANDS), (approvals_command.COMMAND, approvals_command.SUBCOMMANDS)],
)
def test_a_commands_hint_names_every_subcommand(name: str, subcommands: Sequence[str]) -> None:
    (hint,) = (each["usage_hint"] for each in MANIFEST["features"]["slash_commands"] if each["command"] == name)

    assert [word for word in subcommands if word not in hint] == []


def test_the_bot_connects_as_the_manifest_says() -> None:
    assert MANIFEST["settings"]["socket_mode_enabled"] is True
    assert MANIFEST["settings"]["interactivity"]["is_enabled"] is True
    assert MANIFEST["settings"]["token_rotation_enabled"] is False


def test_the_guide_says_what_each_scope_is_for() -> None:
    table = rows(section("docs/guides/security.md", "## What the bot may do in Slack"))
    explained = [scope for row in table for scope in codes(row[0])]

    assert sorted(explained) == sorted(MANIFEST["oauth_config"]["scopes"]["bot"])
