"""Reads the app's manifest.yml: its commands, shortcuts, scopes and events.

Source: Slack, "App manifest reference", schema version 2.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


class ManifestError(Exception):
    """The manifest cannot be read. The message names the file and the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A slash command that the app registers."""

    name: str
    description: str
    usage_hint: str
    url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortcut:
    """A shortcut that the app registers: in the context menu of messages, or everywhere."""

    name: str
    callback_id: str
    description: str
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What the app's manifest asks Slack for."""

    app_name: str
    bot_name: str
    description: str
    scopes: frozenset[str]
    commands: tuple[Command, ...]
    shortcuts: tuple[Shortcut, ...]
    events: frozenset[str]
    interactivity: bool
    socket_mode: bool
    events_url: str | None
    interactivity_url: str | None
    home_tab: bool
    messages_tab: bool
    takes_messages: bool
    color: str

    def command(self, name: str) -> Command | None:
        """The registered command with that name, which includes the slash."""
        return next((command for command in self.commands if command.name == name), None)

    def request_url(self, kind: str, command: str = "") -> str | None:
        """The address for payloads of that kind, for an app without Socket Mode. Each command has its own address."""
        if kind == "slash_commands":
            known = self.command(command)
            return known.url if known else None
        return self.events_url if kind == "events_api" else self.interactivity_url

    @property
    def request_urls(self) -> list[str]:
        """Every address in the manifest."""
        named = [self.events_url, self.interactivity_url, *(command.url for command in self.commands)]
        return [url for url in named if url]

    def shortcut(self, callback_id: str) -> Shortcut | None:
        """The registered shortcut with that callback_id."""
        return next((shortcut for shortcut in self.shortcuts if shortcut.callback_id == callback_id), None)


def read(path: Path) -> Manifest:
    """The manifest in that file."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise ManifestError(f"{path}: {error}") from error
    if not isinstance(content, dict):
        raise ManifestError(f"{path}: a manifest must be a mapping")
    return parse(content)


def parse(content: dict[str, Any]) -> Manifest:
    """Builds the manifest from a loaded mapping."""
    display = _section(content, "display_information")
    features = _section(content, "features")
    settings = _section(content, "settings")
    home = _section(features, "app_home")
    scopes = _section(_section(content, "oauth_config"), "scopes").get("bot") or []
    name = str(display.get("name") or "App")
    shown = bool(home.get("messages_tab_enabled", True))
    events, interactivity = _section(settings, "event_subscriptions"), _section(settings, "interactivity")
    if (features.get("slash_commands") or features.get("shortcuts")) and "commands" not in scopes:
        raise ManifestError("manifest: slash commands and shortcuts need the scope commands")
    return Manifest(
        app_name=name,
        bot_name=str(_section(features, "bot_user").get("display_name") or name),
        description=str(display.get("description") or ""),
        scopes=frozenset(str(scope) for scope in scopes),
        commands=tuple(_command(entry) for entry in features.get("slash_commands") or []),
        shortcuts=tuple(_shortcut(entry) for entry in features.get("shortcuts") or []),
        events=frozenset(events.get("bot_events") or []),
        interactivity=bool(interactivity.get("is_enabled")),
        socket_mode=bool(settings.get("socket_mode_enabled")),
        events_url=events.get("request_url"),
        interactivity_url=interactivity.get("request_url"),
        home_tab=bool(home.get("home_tab_enabled")),
        messages_tab=shown,
        takes_messages=shown and not home.get("messages_tab_read_only_enabled"),
        color=str(display.get("background_color") or "#4a154b"),
    )


def _section(content: dict[str, Any], name: str) -> dict[str, Any]:
    section = content.get(name) or {}
    if not isinstance(section, dict):
        raise ManifestError(f"manifest: {name} must be a mapping")
    return section


def _command(entry: dict[str, Any]) -> Command:
    return Command(
        name=str(entry["command"]),
        description=str(entry.get("description") or ""),
        usage_hint=str(entry.get("usage_hint") or ""),
        url=entry.get("url"),
    )


def _shortcut(entry: dict[str, Any]) -> Shortcut:
    kind = str(entry.get("type"))
    if kind not in ("message", "global"):
        raise ManifestError(f"manifest: a shortcut's type must be message or global, not {kind}")
    return Shortcut(
        name=str(entry["name"]),
        callback_id=str(entry["callback_id"]),
        description=str(entry.get("description") or ""),
        type=kind,
    )
