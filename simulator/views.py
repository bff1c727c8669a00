"""Modals and Home tabs: what Slack accepts as a view, and the stack that each person sees.

Source: Slack, "Views" reference; views.open, views.update, views.push, views.publish.
"""

import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from simulator import blocks as block_kit
from simulator import forms, limits
from simulator.blocks import Place
from simulator.errors import SlackError, invalid
from simulator.feed import Feed
from simulator.people import APP_ID, BOT_ID
from simulator.schema import Anything, Choice, Fields, Flag, Spec, Str, Text, at, fields, violations

_COMMON: Final[Mapping[str, Spec]] = {
    "blocks": Anything(),
    "private_metadata": Str(limits.VIEW_PRIVATE_METADATA, 0),
    "callback_id": Str(limits.VIEW_CALLBACK_ID, 0),
    "external_id": Str(limits.VIEW_EXTERNAL_ID, 0),
}
_MODAL: Final = fields(
    {"type": Choice(("modal",)), "title": Text(limits.VIEW_TITLE), "blocks": Anything()},
    **_COMMON,
    close=Text(limits.VIEW_BUTTON),
    submit=Text(limits.VIEW_BUTTON),
    clear_on_close=Flag(),
    notify_on_close=Flag(),
    submit_disabled=Flag(),
)
_PREFIX: Final = "V0VIEW"
_HOME: Final[Fields] = fields({"type": Choice(("home",)), "blocks": Anything()}, **_COMMON)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One view as one person sees it."""

    id: str
    user_id: str
    team_id: str
    content: dict[str, Any]
    hash: str
    root_id: str
    previous_id: str | None
    values: forms.Values

    @property
    def blocks(self) -> list[dict[str, Any]]:
        """Its blocks, each with a block_id."""
        blocks: list[dict[str, Any]] = self.content["blocks"]
        return blocks

    def as_slack(self) -> dict[str, Any]:
        """The view object in payloads and answers (Slack: "View object")."""
        content = self.content
        return {
            "id": self.id,
            "team_id": self.team_id,
            "type": content["type"],
            "blocks": self.blocks,
            "private_metadata": content.get("private_metadata", ""),
            "callback_id": content.get("callback_id", ""),
            "external_id": content.get("external_id", ""),
            "state": {"values": self.values},
            "hash": self.hash,
            "title": content.get("title", {"type": "plain_text", "text": "View Title"}),
            "close": content.get("close"),
            "submit": content.get("submit"),
            "clear_on_close": content.get("clear_on_close", False),
            "notify_on_close": content.get("notify_on_close", False),
            "previous_view_id": self.previous_id,
            "root_view_id": self.root_id,
            "app_id": APP_ID,
            "app_installed_team_id": self.team_id,
            "bot_id": BOT_ID,
        }


def check(content: Any, place: Place) -> dict[str, Any]:
    """Checks a view and adds each block_id. Raises Slack's refusal, which names the limit."""
    if not isinstance(content, dict):
        raise invalid("invalid_arguments", [at("/view", "must be an object")])
    if len(json.dumps(content).encode()) > limits.VIEW_BYTES:
        raise SlackError("view_too_large")
    if found := list(complaints(content, place)):
        raise invalid("invalid_arguments", found)
    return {**content, "blocks": block_kit.with_ids(content["blocks"])}


def complaints(content: dict[str, Any], place: Place) -> Iterator[str]:
    """Every mistake in a view."""
    yield from violations(content, _MODAL if place is Place.MODAL else _HOME, "/view")
    blocks = content.get("blocks")
    if not isinstance(blocks, list):
        yield at("/view/blocks", "must be an array")
        return
    yield from block_kit.complaints_about(blocks, place, "/view/blocks")
    has_inputs = any(isinstance(block, dict) and block.get("type") == "input" for block in blocks)
    if place is Place.MODAL and has_inputs and "submit" not in content:
        yield at("/view", "missing required field: submit")


class Views:
    """Each person's modal stack (the top is last) and Home tab."""

    def __init__(self, feed: Feed, team_id: str) -> None:
        self._feed = feed
        self._team_id = team_id
        self._stacks: dict[str, list[View]] = {}
        self._homes: dict[str, View] = {}
        self._errors: dict[str, dict[str, str]] = {}
        self._made = 0

    def stack(self, user_id: str) -> list[View]:
        """This person's open modals. The top one is last."""
        return list(self._stacks.get(user_id, []))

    def top(self, user_id: str) -> View | None:
        """The modal that this person sees."""
        stack = self._stacks.get(user_id)
        return stack[-1] if stack else None

    def home(self, user_id: str) -> View | None:
        """The Home tab published for this person."""
        return self._homes.get(user_id)

    def stacks(self) -> dict[str, list[View]]:
        """All open modals, by person."""
        return {user_id: list(stack) for user_id, stack in self._stacks.items() if stack}

    def homes(self) -> dict[str, View]:
        """All Home tabs, by person."""
        return dict(self._homes)

    def restore(self, stacks: dict[str, list[View]], homes: dict[str, View]) -> None:
        """Restores modals and Home tabs."""
        self._stacks, self._homes = stacks, homes
        views = [*homes.values(), *(view for stack in stacks.values() for view in stack)]
        self._made = max((int(view.id.removeprefix(_PREFIX)) for view in views), default=0)

    def errors(self, user_id: str) -> dict[str, str]:
        """The errors at the fields of the top modal, by block_id. The key "" is for the whole modal."""
        return dict(self._errors.get(user_id, {}))

    def open(self, user_id: str, content: Any) -> View:
        """Starts a new stack with this view."""
        view = self._make(user_id, check(content, Place.MODAL), previous=None)
        self._set(user_id, [view])
        return view

    def push(self, user_id: str, content: Any) -> View:
        """Puts this view on top of the stack. Raises push_limit_reached if the stack is full."""
        stack = self.stack(user_id)
        if not stack:
            raise SlackError("not_found")
        if len(stack) >= limits.VIEW_STACK:
            raise SlackError("push_limit_reached")
        view = self._make(user_id, check(content, Place.MODAL), previous=stack[-1])
        self._set(user_id, [*stack, view])
        return view

    def update(self, view: View, content: Any, *, expected_hash: str | None = None) -> View:
        """Replaces the content of an open view. Raises hash_conflict if it changed since `expected_hash`."""
        if expected_hash is not None and expected_hash != view.hash:
            raise SlackError("hash_conflict")
        checked = check(content, Place.MODAL)
        self._check_external_id(checked, but=view)
        changed = replace(view, content=checked, hash=_hash(), values=forms.carried(checked["blocks"], view.values))
        self._set(view.user_id, [changed if one.id == view.id else one for one in self.stack(view.user_id)])
        return changed

    def find(self, *, view_id: str | None, external_id: str | None) -> View:
        """The open modal with this id or external_id. Raises not_found if there is none."""
        for stack in self._stacks.values():
            for view in stack:
                if view.id == view_id or (external_id and view.content.get("external_id") == external_id):
                    return view
        raise SlackError("not_found")

    def publish(self, user_id: str, content: Any, *, expected_hash: str | None = None) -> View:
        """Publishes this person's Home tab. Raises hash_conflict if it changed since `expected_hash`."""
        checked = check(content, Place.HOME)
        before = self._homes.get(user_id)
        if expected_hash is not None and (before is None or before.hash != expected_hash):
            raise SlackError("hash_conflict")
        view = self._make(user_id, checked, previous=None)
        self._homes[user_id] = replace(view, id=before.id, root_id=before.id) if before else view
        self._feed.add("home", user=user_id)
        return self._homes[user_id]

    def fill(self, view: View, values: forms.Values) -> View:
        """Stores what was typed into the view."""
        filled = replace(view, values=values)
        if self._homes.get(view.user_id) == view:
            self._homes[view.user_id] = filled
        else:
            self._stacks[view.user_id] = [filled if one.id == view.id else one for one in self.stack(view.user_id)]
        return filled

    def pop(self, user_id: str) -> None:
        """Closes the top modal."""
        self._set(user_id, self.stack(user_id)[:-1])

    def clear(self, user_id: str) -> None:
        """Closes all modals."""
        self._set(user_id, [])

    def complain(self, user_id: str, errors: dict[str, str]) -> None:
        """Shows errors at the fields of the top modal."""
        self._errors[user_id] = errors
        self._feed.add("modal", user=user_id)

    def _set(self, user_id: str, stack: list[View]) -> None:
        self._stacks[user_id] = stack
        self._errors.pop(user_id, None)
        self._feed.add("modal", user=user_id)

    def _make(self, user_id: str, content: dict[str, Any], *, previous: View | None) -> View:
        self._check_external_id(content, but=None)
        self._made += 1
        view_id = f"{_PREFIX}{self._made:06}"
        return View(
            id=view_id,
            user_id=user_id,
            team_id=self._team_id,
            content=content,
            hash=_hash(),
            root_id=previous.root_id if previous else view_id,
            previous_id=previous.id if previous else None,
            values=forms.initial(content["blocks"]),
        )

    def _check_external_id(self, content: dict[str, Any], *, but: View | None) -> None:
        external_id = content.get("external_id")
        taken = (view for stack in self._stacks.values() for view in stack if but is None or view.id != but.id)
        if external_id and any(view.content.get("external_id") == external_id for view in taken):
            raise SlackError("duplicate_external_id")


def _hash() -> str:
    return f"{secrets.randbelow(10**10)}.{secrets.token_hex(4)}"
