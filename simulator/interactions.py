"""What people do: write, run commands, press buttons, fill in and submit forms. And what Slack then shows them.

Each action waits for the app's acknowledgement, as Slack does, and shows Slack's error if it does not come.
"""

from dataclasses import asdict
from typing import Any

from simulator import forms, payloads, writing
from simulator.channels import Channel
from simulator.errors import SlackError, UnknownPlace
from simulator.events import Events
from simulator.manifest import Command
from simulator.messages import Message, checked_metadata
from simulator.notices import Notice
from simulator.outcomes import Acknowledged, Failed, Late, Unconnected
from simulator.people import BOT_USER_ID, Person
from simulator.suggestions import Suggestions
from simulator.views import View
from simulator.world import World

TROUBLE = "We had some trouble connecting. Try again?"
NOT_A_COMMAND = (
    '{name} is not a valid command. In Slack, all messages that start with the "/" character are interpreted as '
    'commands. If you are trying to send a message and not run a command, try preceding the "/" with an empty space.'
)
TOMBSTONE = "This message was deleted."
NO_THREADS = "{name} is not supported in threads. Sorry!"


class Interactions:
    """The actions of people. Each returns its result."""

    def __init__(self, world: World, events: Events) -> None:
        self._world = world
        self._events = events
        self._values: dict[tuple[str, str, str], forms.Values] = {}
        self.suggestions = Suggestions(world)
        self._directory = forms.Directory(
            person=lambda name: world.people.find(name).id,
            channel=lambda name: world.channels.find(name).id,
            offered=self.suggestions.offered,
        )

    def send(self, person: Person, channel: Channel, text: str, thread_ts: str | None = None) -> Message:
        """Posts a message as this person, converted as Slack's clients do: `@name` becomes a mention, a host a link."""
        if channel.is_archived:
            raise SlackError("is_archived")
        if channel.is_im and BOT_USER_ID in channel.members and not self._world.manifest.takes_messages:
            raise SlackError("messages_tab_disabled")
        message = self._world.message(channel.id, person.id, self._mentions(text), thread_ts=thread_ts)
        self._world.messages.add(message)
        self._world.mark_read(person.id, channel.id)
        self._events.posted(message)
        return message

    def edit(self, person: Person, message: Message, text: str) -> Message:
        """Edits a person's own message. The app gets the event, and the one for a mention again, as from Slack."""
        if message.user != person.id or message.tombstone:
            raise SlackError("cant_update_message")
        edited = self._world.messages.next_ts(self._world.clock.now())
        changed = self._world.messages.change(message, text=self._mentions(text), blocks=None, edited=edited)
        self._events.changed(changed, message)
        self._events.mentioned(changed)
        return changed

    def delete(self, person: Person, message: Message) -> None:
        """Deletes a person's own message; an admin can delete any. If it has replies, a placeholder stays."""
        if message.tombstone or (message.user != person.id and not person.admin):
            raise SlackError("cant_delete_message")
        if not self._world.messages.replies(message.channel, message.ts):
            self._world.messages.remove(message)
            self._events.deleted(message)
            return
        buried = self._world.messages.change(message, text=TOMBSTONE, blocks=None, files=(), tombstone=True)
        self._events.changed(buried, message)

    def react(self, person: Person, message: Message, name: str) -> None:
        """Adds this person's emoji to a message, or removes it if it is there."""
        added = name not in dict(message.reactions) or person.id not in dict(message.reactions)[name]
        changed = self._world.messages.react(message, person.id, name, added=added)
        self._events.reacted(changed, person.id, name, added=added)

    async def command(self, person: Person, channel: Channel, line: str, *, in_thread: bool = False) -> dict[str, Any]:
        """Runs a slash command and posts the app's answer: to this person only, unless it is in_channel."""
        name, _, text = line.strip().partition(" ")
        command = self._world.manifest.command(name)
        if command is None:
            return self._refused(person, NOT_A_COMMAND.format(name=name), channel=channel.id)
        if in_thread:
            return self._refused(person, NO_THREADS.format(name=name), channel=channel.id)
        payload = payloads.command(self._world, person, channel, name, text.strip())
        outcome = await self._world.deliver("slash_commands", payload, accepts_response=True)
        if not isinstance(outcome, Acknowledged):
            return self._refused(person, _failed(command, outcome), channel=channel.id)
        answer = outcome.payload
        if answer.get("text") or answer.get("blocks"):
            try:
                self._answer(person, channel, answer)
            except SlackError as error:
                return self._refused(person, f'{name} failed with the error "{error.error}"', channel=channel.id)
        return {"ok": True}

    async def shortcut(self, person: Person, callback_id: str, message: Message | None) -> dict[str, Any]:
        """Runs a shortcut from the manifest, global or on a message that everybody sees."""
        shortcut = self._world.manifest.shortcut(callback_id)
        if shortcut is None or shortcut.type != ("global" if message is None else "message"):
            raise UnknownPlace(f"no such shortcut there: {callback_id}")
        if message is None:
            return await self._interact(person, payloads.global_shortcut(self._world, person, shortcut), {})
        if message.only_for is not None:
            raise UnknownPlace("a message that only one person sees has no shortcuts")
        payload = payloads.message_shortcut(self._world, person, shortcut, message)
        return await self._interact(person, payload, {"channel": message.channel, "message_ts": message.ts})

    async def press_in_message(
        self, person: Person, message: Message, action_id: str, block_id: str | None, value: Any, typed: dict[str, Any]
    ) -> dict[str, Any]:
        """Presses a button, or chooses `value` in a select, in a message."""
        blocks = message.blocks or []
        key = (person.id, message.channel, message.ts)
        values = forms.filled(blocks, self._values.get(key, {}), typed, self._directory)
        action, values = self._action(blocks, values, action_id, block_id, value)
        self._values[key] = values
        payload = payloads.message_action(self._world, person, message, values, action)
        where = {"channel": message.channel, "message_ts": message.ts, "action_id": action_id}
        return await self._interact(person, payload, where)

    async def press_in_view(
        self, person: Person, view: View, action_id: str, block_id: str | None, value: Any, typed: dict[str, Any]
    ) -> dict[str, Any]:
        """Presses a button, or chooses `value` in a select, in a modal or the Home tab."""
        values = forms.filled(view.blocks, view.values, typed, self._directory)
        action, values = self._action(view.blocks, values, action_id, block_id, value)
        view = self._world.views.fill(view, values)
        payload = payloads.view_action(self._world, person, view, action)
        return await self._interact(person, payload, {"view_id": view.id, "action_id": action_id})

    def fill(self, person: Person, typed: dict[str, Any]) -> View:
        """Types into the open modal."""
        view = self._open(person)
        return self._world.views.fill(view, forms.filled(view.blocks, view.values, typed, self._directory))

    async def submit(self, person: Person, typed: dict[str, Any]) -> dict[str, Any]:
        """Submits the open modal. `errors` then holds the errors at its fields."""
        view = self.fill(person, typed)
        if view.content.get("submit") is None:
            raise UnknownPlace("this modal has no submit button")
        if errors := forms.faults(view.blocks, view.values):
            self._world.views.complain(person.id, errors)
            return {"ok": False, "errors": errors}
        payload = payloads.view_submission(self._world, person, view)
        outcome = await self._world.deliver("interactive", payload, accepts_response=True)
        if not isinstance(outcome, Acknowledged):
            return self._trouble(person, view)
        try:
            errors = self._respond(person, view, outcome.payload)
        except SlackError:
            return self._trouble(person, view)
        return {"ok": not errors, "errors": errors}

    async def close(self, person: Person, *, everything: bool = False) -> dict[str, Any]:
        """Closes the open modal, or the whole stack."""
        view = self._open(person)
        cleared = everything or bool(view.content.get("clear_on_close"))
        closed = reversed(self._world.views.stack(person.id)) if cleared else [view]
        if cleared:
            self._world.views.clear(person.id)
        else:
            self._world.views.pop(person.id)
        for one in closed:
            if one.content.get("notify_on_close"):
                payload = payloads.view_closed(self._world, person, one, is_cleared=cleared)
                await self._world.deliver("interactive", payload, accepts_response=False)
        return {"ok": True}

    def respond(self, secret: str, answer: dict[str, Any]) -> dict[str, str]:
        """Handles what the app sends to a response_url. Returns which message it replaced or deleted, which Slack does
        not tell the app. Raises `SlackError` if it is wrong.

        A replaced message keeps its channel, thread and ts. Slack does not document what becomes of its metadata, or
        what follows if it is gone or its channel is archived. Here the metadata is gone unless it is sent again, and
        the others are errors.
        """
        url = self._world.response_urls.use(secret)
        person = self._world.people.find(url.user_id)
        channel = self._world.channels.find(url.channel)
        original = self._world.messages.get(url.channel, url.message_ts) if url.message_ts else None
        changes = _flag(answer, "replace_original") or _flag(answer, "delete_original")
        if changes and url.message_ts and original is None:
            raise SlackError("message_not_found")
        if changes and channel.is_archived:
            raise SlackError("is_archived")
        if _flag(answer, "delete_original") and original:
            self._world.messages.remove(original)
            self._events.deleted(original)
        elif _flag(answer, "replace_original") and original:
            self._replace(original, answer)
        elif answer.get("text") or answer.get("blocks"):
            self._answer(person, channel, answer, url.thread_ts)
        else:
            raise SlackError("no_text")
        return {"channel": original.channel, "ts": original.ts} if changes and original else {}

    def _replace(self, original: Message, answer: dict[str, Any]) -> None:
        text, blocks = str(answer.get("text") or ""), answer.get("blocks")
        if not text and not blocks:
            raise SlackError("no_text")
        made = self._world.message(original.channel, BOT_USER_ID, text, blocks)
        metadata = checked_metadata(answer.get("metadata"))
        changed = self._world.messages.change(original, text=made.text, blocks=made.blocks, metadata=metadata)
        self._events.changed(changed, original)

    def values(self, person: Person, message: Message) -> forms.Values:
        """What this person has chosen in a message so far."""
        kept = self._values.get((person.id, message.channel, message.ts), {})
        return forms.carried(message.blocks or [], kept)

    def _answer(self, person: Person, channel: Channel, answer: dict[str, Any], thread_ts: str | None = None) -> None:
        text, blocks = str(answer.get("text") or ""), answer.get("blocks")
        thread_ts = answer.get("thread_ts") or thread_ts
        if answer.get("response_type") == "in_channel":
            message = self._world.message(channel.id, BOT_USER_ID, text, blocks, thread_ts=thread_ts)
            self._world.messages.add(message)
            self._events.posted(message)
        else:
            self._world.ephemeral(person.id, channel.id, text, blocks, thread_ts)

    def _action(
        self, blocks: list[dict[str, Any]], values: forms.Values, action_id: str, block_id: str | None, value: Any
    ) -> tuple[dict[str, Any], forms.Values]:
        block, element = forms.find(blocks, action_id, block_id, value if isinstance(value, str) else None)
        ts = self._world.messages.next_ts(self._world.clock.now())
        if element["type"] in ("button", "icon_button", "workflow_button"):
            return payloads.action(block, element, None, ts), values
        if block["type"] == "input" and not block.get("dispatch_action"):
            raise UnknownPlace(f"{action_id} is sent with its form, not by itself")
        chosen = forms.chosen(element, value, self._directory)
        if element["type"] != "overflow":
            values = {**values, block["block_id"]: {**values[block["block_id"]], element["action_id"]: chosen}}
        return payloads.action(block, element, chosen, ts), values

    async def _interact(self, person: Person, payload: dict[str, Any], where: dict[str, Any]) -> dict[str, Any]:
        if not self._world.manifest.interactivity:
            return self._refused(person, "This app is not configured to handle interactive responses.", **where)
        outcome = await self._world.deliver("interactive", payload, accepts_response=False)
        return {"ok": True} if isinstance(outcome, Acknowledged) else self._refused(person, TROUBLE, **where)

    def _respond(self, person: Person, view: View, answer: dict[str, Any]) -> dict[str, str]:
        views = self._world.views
        match answer.get("response_action"):
            case None:
                if answer:
                    raise SlackError("invalid_response")
                self._close_one(person, view)
            case "clear":
                views.clear(person.id)
            case "update":
                views.update(view, answer.get("view"))
            case "push":
                views.push(person.id, answer.get("view"))
            case "errors":
                return self._errors(person, view, answer.get("errors"))
            case _:
                raise SlackError("invalid_response")
        return {}

    def _close_one(self, person: Person, view: View) -> None:
        top = self._world.views.top(person.id)
        if top is not None and top.id == view.id:
            self._world.views.pop(person.id)

    def _errors(self, person: Person, view: View, errors: Any) -> dict[str, str]:
        inputs = {block["block_id"] for block in view.blocks if block["type"] == "input"}
        if not isinstance(errors, dict) or not errors or not errors.keys() <= inputs:
            raise SlackError("invalid_response")
        self._world.views.complain(person.id, {key: str(text) for key, text in errors.items()})
        return self._world.views.errors(person.id)

    def _open(self, person: Person) -> View:
        view = self._world.views.top(person.id)
        if view is None:
            raise UnknownPlace(f"{person.name} has no modal open")
        return view

    def _trouble(self, person: Person, view: View) -> dict[str, Any]:
        self._world.views.complain(person.id, {"": TROUBLE})
        self._refused(person, TROUBLE, view_id=view.id)
        return {"ok": False, "errors": {"": TROUBLE}}

    def _refused(self, person: Person, text: str, **where: Any) -> dict[str, Any]:
        notice = Notice(at=self._world.clock.now(), text=text, **where)
        self._world.notices.show(person.id, notice)
        return {"ok": False, "notice": asdict(notice)}

    def _mentions(self, text: str) -> str:
        """The text as Slack's clients would send it."""

        def mention(name: str) -> str | None:
            if name in ("here", "channel", "everyone"):
                return f"<!{name}>"
            if group := self._world.people.group(name):
                return f"<!subteam^{group.id}>"
            known = next((p for p in self._world.people.all() if name in (p.name, p.id)), None)
            return f"<@{known.id}>" if known else None

        def channel(name: str) -> str | None:
            known = self._world.channels.named(name)
            return f"<#{known.id}|{known.name}>" if known else None

        return writing.as_sent(text, mention, channel)


def _failed(command: Command, outcome: Late | Unconnected | Failed) -> str:
    match outcome:
        case Late():
            error = "operation_timeout"
        case Unconnected():
            error = "dispatch_failed"
        case Failed(status):
            error = "http_client_error" if status < 500 else "http_service_error"
    return f'{command.name} failed with the error "{error}"'


def _flag(answer: dict[str, Any], name: str) -> bool:
    """A boolean. Slack takes it as a word too."""
    return str(answer.get(name)).lower() == "true"
