"""A seat: the workspace as one person sees it, and what this person can do in it."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from simulator.channels import Channel
from simulator.errors import UnknownPlace
from simulator.events import Events
from simulator.interactions import Interactions
from simulator.messages import Message
from simulator.people import BOT_USER_ID, Person
from simulator.views import View
from simulator.world import World


class Seats:
    """Answers the control API: what a person sees, and what a person does."""

    def __init__(self, world: World, events: Events, interactions: Interactions) -> None:
        self._world = world
        self._events = events
        self._interactions = interactions

    def state(self) -> dict[str, Any]:
        """What everybody can know: the team, its people and groups, and the app."""
        world, manifest = self._world, self._world.manifest
        commands = [{"name": c.name, "description": c.description, "hint": c.usage_hint} for c in manifest.commands]
        now = world.clock.now()
        return {
            "seq": world.feed.seq,
            "default_seat": world.default_seat,
            "now": now,
            "team": {"id": world.team.id, "name": world.team.name},
            "people": [
                {**person.as_slack(with_email=True, now=now), "standing": person.standing}
                for person in world.people.all()
            ],
            "groups": [group.as_slack(world.team.id, with_users=True) for group in world.people.groups()],
            "channels": [
                {"id": c.id, "name": c.name, "is_archived": c.is_archived} for c in world.channels.all() if c.name
            ],
            "hint": world.hint,
            "panel": world.panel and world.panel["title"],
            "faults": world.faults.planned(),
            "app": {
                "bot_user_id": BOT_USER_ID,
                "name": manifest.app_name,
                "description": manifest.description,
                "color": manifest.color,
                "commands": commands,
                "shortcuts": [asdict(shortcut) for shortcut in manifest.shortcuts],
                "home_tab": manifest.home_tab,
                "messages_tab": manifest.takes_messages,
            },
            "connected": world.sockets.connected,
            "connections_opened": world.sockets.opened,
        }

    async def look(self, seat: str, what: str, query: Mapping[str, str]) -> Any:
        """What this person sees: channels, messages, thread, message, modal, home or notices."""
        person = self._world.people.find(seat)
        match what:
            case "channels":
                return self._channels(person)
            case "messages":
                return self._messages(person, self._place(person, query["channel"]))
            case "thread":
                return self._thread(person, self._place(person, query["channel"]), query["ts"])
            case "modal":
                return self._modal(person)
            case "home":
                view = self._world.views.home(person.id)
                return {"view": view.as_slack() if view else None}
            case "notices":
                return self._notices(person)
            case _:
                raise UnknownPlace(f"no such view: {what}")

    async def do(self, seat: str, deed: str, body: dict[str, Any]) -> dict[str, Any]:
        """Does what this person wants: send, edit, delete, react, command, shortcut, press, suggest, fill, submit,
        close, home or read."""
        person = self._world.people.find(seat)
        if person.deleted:
            raise UnknownPlace(f"{person.name} is deactivated")
        acts = self._interactions
        match deed:
            case "send":
                place = self._place(person, body["channel"])
                message = acts.send(person, place, body["text"], body.get("thread_ts"))
                return {"ok": True, "message": self._shown(person, message)}
            case "edit":
                edited = acts.edit(person, self._message(person, body), body["text"])
                return {"ok": True, "message": self._shown(person, edited)}
            case "delete":
                acts.delete(person, self._message(person, body))
                return {"ok": True}
            case "react":
                acts.react(person, self._message(person, body), body["name"])
                return {"ok": True}
            case "command":
                place = self._place(person, body["channel"])
                return await acts.command(person, place, body["text"], in_thread=bool(body.get("thread_ts")))
            case "shortcut":
                on = self._message(person, body) if "ts" in body else None
                return await acts.shortcut(person, body["callback_id"], on)
            case "press":
                return await self._press(person, body)
            case "suggest":
                what = (body["action_id"], body.get("block_id"), str(body.get("value") or ""))
                where = self._message(person, body) if "ts" in body else self._view(person, body)
                return {"ok": True, "options": await acts.suggestions.ask(person, where, *what)}
            case "fill":
                return {"ok": True, "view": acts.fill(person, body.get("values") or {}).as_slack()}
            case "submit":
                return await acts.submit(person, body.get("values") or {})
            case "close":
                return await acts.close(person, everything=bool(body.get("all")))
            case "home":
                return self._open_home(person, str(body.get("tab") or "home"))
            case "read":
                self._world.mark_read(person.id, self._place(person, body["channel"]).id)
                return {"ok": True}
            case _:
                raise UnknownPlace(f"no such action: {deed}")

    async def _press(self, person: Person, body: dict[str, Any]) -> dict[str, Any]:
        what = (body["action_id"], body.get("block_id"), body.get("value"), body.get("values") or {})
        if "ts" in body:
            return await self._interactions.press_in_message(person, self._message(person, body), *what)
        return await self._interactions.press_in_view(person, self._view(person, body), *what)

    def _view(self, person: Person, body: dict[str, Any]) -> View:
        views = self._world.views
        view = views.home(person.id) if body.get("home") else views.top(person.id)
        if view is None:
            raise UnknownPlace(f"{person.name} has no such view open")
        return view

    def _message(self, person: Person, body: dict[str, Any]) -> Message:
        channel = self._place(person, body["channel"])
        message = self._world.messages.get(channel.id, body["ts"])
        if message is None or message.only_for not in (None, person.id):
            raise UnknownPlace(f"no such message: {body['ts']}")
        return message

    def _open_home(self, person: Person, tab: str) -> dict[str, Any]:
        self._events.home_opened(person.id, tab)
        return {"ok": True}

    def _place(self, person: Person, name: str) -> Channel:
        return self._world.place(person.id, name)

    def _channels(self, person: Person) -> list[dict[str, Any]]:
        bot_direct = self._world.direct(person.id, BOT_USER_ID) if not person.is_bot else None
        listed = [c for c in self._world.channels.all() if person.id in c.members]
        return [
            {
                **channel.as_slack(person.id),
                "kind": channel.kind,
                "unread": self._world.unread(person.id, channel.id),
                "is_app": channel == bot_direct,
                "title": self._title(person, channel),
            }
            for channel in listed
        ]

    def _title(self, person: Person, channel: Channel) -> str:
        if channel.name and not channel.is_mpim:
            return channel.name
        others = [self._world.people.find(member) for member in channel.members if member != person.id]
        return ", ".join(other.real_name for other in others)

    def _messages(self, person: Person, channel: Channel) -> list[dict[str, Any]]:
        return [
            self._shown(person, message)
            for message in self._world.messages.all(channel.id)
            if message.only_for in (None, person.id) and (not message.is_reply or message.broadcast)
        ]

    def _thread(self, person: Person, channel: Channel, ts: str) -> list[dict[str, Any]]:
        return [
            self._shown(person, message)
            for message in self._world.messages.thread(channel.id, ts)
            if message.only_for in (None, person.id)
        ]

    def _shown(self, person: Person, message: Message) -> dict[str, Any]:
        replies = self._world.messages.replies(message.channel, message.ts) if not message.is_reply else []
        return {
            **message.as_slack(replies=replies, with_metadata=True),
            "channel": message.channel,
            "is_ephemeral": message.only_for is not None,
            "state": {"values": self._interactions.values(person, message)},
        }

    def _modal(self, person: Person) -> dict[str, Any]:
        stack = self._world.views.stack(person.id)
        errors = self._world.views.errors(person.id)
        return {"view": stack[-1].as_slack() if stack else None, "depth": len(stack), "errors": errors}

    def _notices(self, person: Person) -> list[dict[str, Any]]:
        own = [
            {"kind": "ephemeral", "at": float(message.ts), **self._shown(person, message)}
            for message in self._world.messages.private(person.id)
        ]
        errors = [{"kind": "error", **notice} for notice in self._world.notices.of(person.id)]
        return sorted([*own, *errors], key=lambda notice: float(notice["at"]))
