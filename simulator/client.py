"""The simulator's control API for Python: seats to act from, faults to inject, traffic to count.

async with Simulator.connect(url) as sim:
    alice = sim.seat("alice")
    await alice.command("#ops", "/task cleanup path=x")
    card = await sim.wait_for(lambda: alice.message("#ops", containing="Approve"))
    await alice.press(card, "approve")
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Any, TypeVar

import aiohttp

from simulator.process import SimulatorProcess, spawn
from simulator.text import Names, render_text

__all__ = ["ControlError", "Names", "Seat", "Simulator", "SimulatorProcess", "TimedOut", "render_text", "spawn"]

_NEVER = 2**53
"""Higher than the number of any change. Asking for changes above it returns only the number of the last one."""

Json = dict[str, Any]
Found = TypeVar("Found")


class ControlError(Exception):
    """The simulator refused, for example because there is no such person or option. The message says why."""


class TimedOut(Exception):
    """What the caller waited for did not happen in time."""


class Simulator:
    """The client of a running simulator."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self._url = url.rstrip("/")
        self._session = session
        self._names: Names | None = None

    @classmethod
    @asynccontextmanager
    async def connect(cls, url: str) -> "AsyncIterator[Simulator]":
        """Connects to the simulator at that address."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session:
            yield cls(url, session)

    def seat(self, name: str) -> "Seat":
        """The seat of this person, by name or id."""
        return Seat(self, name)

    async def state(self) -> Json:
        """The team, its people, groups and channels, the app, and the app's number of open sockets."""
        found: Json = await self.get("/sim/state")
        return found

    async def names(self) -> Names:
        """Reads the names for all ids, for `render_text`."""
        self._names = Names.of(await self.state())
        return self._names

    async def known_names(self) -> Names:
        """The names as last read. They rarely change, and `wait_for` reads many messages."""
        return self._names or await self.names()

    async def traffic(self, *, method: str | None = None, kind: str | None = None, after: int = 0) -> list[Json]:
        """The calls that were received and the envelopes that were sent, in order. `method` and `kind` filter them.

        A call: direction "call", seq, at, method, arguments, status, ok, error, lost, answer. An envelope: direction
        "envelope", seq, at, connection, envelope_id, type, payload, acknowledged_after (None: never), response.
        """
        wanted = {name: value for name, value in (("method", method), ("kind", kind)) if value is not None}
        entries: list[Json] = (await self.get("/sim/traffic", after=str(after), **wanted))["traffic"]
        return entries

    async def events(self, after: int, seconds: float = 25.0) -> Json:
        """`{"seq", "events"}` with the changes after that number. Waits until there are some."""
        found: Json = await self.get("/sim/events", after=str(after), seconds=str(seconds))
        return found

    async def wait_for(
        self,
        predicate: Callable[[], Awaitable[Found | None]],
        *,
        timeout: float = 10.0,  # noqa: ASYNC109 - an upper bound on a long poll, not a cancellation
        what: str = "it",
    ) -> Found:
        """The predicate's first truthy result. Calls it again after every change. Raises `TimedOut`."""
        until = monotonic() + timeout
        seq = int((await self.events(_NEVER, 0.0))["seq"])
        while True:
            if found := await predicate():
                return found
            left = until - monotonic()
            if left <= 0:
                raise TimedOut(f"{what} did not happen within {timeout} s")
            seq = int((await self.events(seq, left))["seq"])

    async def wait_connected(
        self,
        connections: int = 1,
        *,
        since: int = 0,
        timeout: float = 10.0,  # noqa: ASYNC109 - as above
    ) -> int:
        """Waits until the app has `connections` open. Returns how many it has opened in total.

        To wait for a reconnection, pass the previous result as `since`: the total must then be higher.
        """

        async def enough() -> int:
            state = await self.state()
            opened = int(state["connections_opened"])
            return opened if int(state["connected"]) >= connections and opened > since else 0

        return await self.wait_for(enough, timeout=timeout, what="the app's connection")

    async def fault(
        self,
        method: str,
        kind: str,
        *,
        times: int = 1,
        status: int = 500,
        retry_after: int = 1,
        error: str = "internal_error",
        seconds: float = 0.0,
    ) -> None:
        """Makes the next `times` calls of `method` (`*`: of any method) fail.

        kind: lose_response (the call is done, its answer is lost), lose_request (it is not done), status, error, delay.
        """
        fields = {"status": status, "retry_after": retry_after, "error": error, "seconds": seconds}
        await self.post("/sim/faults", {"method": method, "kind": kind, "times": times, **fields})

    async def faults(self) -> list[Json]:
        """The planned faults, with the number of calls that each still applies to."""
        found: list[Json] = (await self.state())["faults"]
        return found

    async def clear_faults(self) -> None:
        """Removes all planned faults."""
        await self.request("DELETE", "/sim/faults", {})

    async def drop_sockets(self, *, politely: bool = False) -> None:
        """Closes every socket. With `politely`, first asks the app to reconnect, as Slack does every few hours."""
        await self.post("/sim/sockets", {"drop": "refresh" if politely else "abrupt"})

    async def refuse_sockets(self, seconds: float) -> None:
        """Refuses new connections for `seconds`. 0 accepts them again."""
        await self.post("/sim/sockets", {"refuse": seconds})

    async def send_over_http(self, url: str | None) -> None:
        """Sends everything to this local address, after it has answered url_verification. None stops that."""
        await self.post("/sim/request_url", {"url": url})

    async def advance(self, seconds: float) -> None:
        """Moves the simulator's clock forward. Triggers expire, acknowledgements become late, rate limits reset."""
        await self.post("/sim/clock", {"advance": seconds})

    async def skipped(self, known: float | None = None) -> float:
        """By how many seconds its clock was moved forward in total. With `known`, waits a while for another number."""
        query = {} if known is None else {"skipped": str(known)}
        return float((await self.get("/sim/clock", **query))["skipped"])

    async def show_panel(self, panel: Mapping[str, Any]) -> None:
        """Shows this in a panel of the page, in place of what it showed before: `title`, `text` in mrkdwn, `command`,
        and `lists` of `entries`. README.md has the fields."""
        await self.post("/sim/panel", panel)

    async def change_person(self, person: str, **flags: bool) -> None:
        """Sets flags: deleted, is_restricted, is_ultra_restricted, is_stranger, is_bot, admin."""
        await self.post(f"/sim/people/{person}", flags)

    async def change_standing(self, person: str, standing: str) -> None:
        """Makes this person a member, guest, single-channel guest, stranger (from another company) or deactivated."""
        await self.post(f"/sim/people/{person}", {"standing": standing})

    async def change_group(self, handle: str, *, people: list[str] | None = None, disabled: bool = False) -> None:
        """Sets the members of a user group, or disables it."""
        members = {"people": people} if people is not None else {}
        await self.post(f"/sim/groups/{handle}", {**members, "disabled": disabled})

    async def change_channel(
        self,
        channel: str,
        *,
        archived: bool | None = None,
        add: tuple[str, ...] = (),
        remove: tuple[str, ...] = (),
    ) -> None:
        """Archives a channel, or invites and removes people or the bot."""
        flags = {} if archived is None else {"is_archived": archived}
        name = channel.removeprefix("#")
        await self.post(f"/sim/channels/{name}", {**flags, "add": list(add), "remove": list(remove)})

    async def get(self, path: str, **query: str) -> Any:
        """Sends a GET request to the control API and returns its answer."""
        async with self._session.get(self._url + path, params=query) as response:
            return await _checked(response)

    async def post(self, path: str, body: Mapping[str, Any]) -> Json:
        """Sends a POST request to the control API and returns its answer."""
        return await self.request("POST", path, body)

    async def request(self, verb: str, path: str, body: Mapping[str, Any]) -> Json:
        """Sends any request to the control API and returns its answer."""
        async with self._session.request(verb, self._url + path, json=dict(body)) as response:
            done: Json = await _checked(response)
            return done


@dataclass(frozen=True, slots=True)
class Seat:
    """What one person can see and do. A channel is `#name`, `@person` (`@countersign` is the app) or an id."""

    simulator: Simulator
    name: str

    async def channels(self) -> list[Json]:
        """This person's channels and direct conversations, with `unread`."""
        found: list[Json] = await self._look("channels")
        return found

    async def dms(self) -> list[Json]:
        """This person's direct conversations."""
        return [channel for channel in await self.channels() if channel["kind"] in ("im", "mpim")]

    async def messages(self, channel: str) -> list[Json]:
        """The messages in the channel, oldest first, including ephemeral messages to this person."""
        found: list[Json] = await self._look("messages", channel=channel)
        return found

    async def thread(self, channel: str, ts: str) -> list[Json]:
        """A parent and its replies."""
        found: list[Json] = await self._look("thread", channel=channel, ts=ts)
        return found

    async def message(self, channel: str, *, containing: str, thread: str | None = None) -> Json | None:
        """The newest message in the channel or thread whose rendered text contains this. None if there is none."""
        names = await self.simulator.known_names()
        shown = await self.thread(channel, thread) if thread else await self.messages(channel)
        return next((m for m in reversed(shown) if containing in render_text(m, names)), None)

    async def notices(self) -> list[Json]:
        """What only this person was shown, oldest first: `kind` ("ephemeral" or "error") and `text`."""
        found: list[Json] = await self._look("notices")
        return found

    async def modal(self) -> Json | None:
        """The modal that this person sees, or None. The view also has `errors` (by block_id) and `depth`."""
        found: Json = await self._look("modal")
        view: Json | None = found["view"]
        return view and {**view, "errors": found["errors"], "depth": found["depth"]}

    async def home(self) -> Json | None:
        """The Home tab as published. Does not open it."""
        view: Json | None = (await self._look("home"))["view"]
        return view

    async def open_home(self) -> None:
        """Opens the app's Home tab. The app gets the event for it."""
        await self._do("home")

    async def send(self, channel: str, text: str, *, thread_ts: str | None = None) -> Json:
        """Writes a message, converted as Slack's clients convert it: `@name` becomes a mention."""
        sent: Json = (await self._do("send", channel=channel, text=text, thread_ts=thread_ts))["message"]
        return sent

    async def edit(self, message: Json, text: str) -> Json:
        """Edits one of this person's messages."""
        return dict((await self._do("edit", channel=message["channel"], ts=message["ts"], text=text))["message"])

    async def delete(self, message: Json) -> None:
        """Deletes one of this person's messages."""
        await self._do("delete", channel=message["channel"], ts=message["ts"])

    async def react(self, message: Json, name: str) -> None:
        """Adds an emoji to a message, or removes it if this person had added it."""
        await self._do("react", channel=message["channel"], ts=message["ts"], name=name)

    async def command(self, channel: str, line: str) -> Json:
        """Runs a slash command. Returns `{"ok": False, "notice": ...}` if Slack shows an error."""
        return await self._do("command", channel=channel, text=line)

    async def shortcut(self, callback_id: str, on: Json | None = None) -> Json:
        """Runs one of the app's shortcuts, global or on a message. Returns the same as `press`."""
        message = {"channel": on["channel"], "ts": on["ts"]} if on else {}
        return await self._do("shortcut", callback_id=callback_id, **message)

    async def press(
        self,
        where: Json,
        action_id: str,
        *,
        block_id: str | None = None,
        value: Any = None,
        values: Mapping[str, Any] | None = None,
    ) -> Json:
        """Presses a button, or chooses `value` in a select, in a message or view. Confirms any confirm dialog.

        `values` go into its other inputs. Returns `{"ok": False, "notice": ...}` if Slack shows an error.
        """
        body: Json = {"action_id": action_id, "block_id": block_id, "value": value, "values": dict(values or {})}
        return await self._do("press", **body, **_place(where))

    async def suggest(self, where: Json, action_id: str, typed: str, *, block_id: str | None = None) -> list[Json]:
        """Types into a menu that asks the app for options, and returns them. They can be chosen from then on."""
        done = await self._do("suggest", action_id=action_id, block_id=block_id, value=typed, **_place(where))
        options: list[Json] = done["options"]
        return options

    async def fill(self, values: Mapping[str, Any]) -> None:
        """Types into the open modal. Keys are `block_id/action_id`, or either one if it is unambiguous."""
        await self._do("fill", values=dict(values))

    async def submit(self, values: Mapping[str, Any] | None = None) -> dict[str, str]:
        """Fills in and submits the open modal. Returns errors by block_id ("": the whole modal); {} if accepted."""
        errors: dict[str, str] = (await self._do("submit", values=dict(values or {})))["errors"]
        return errors

    async def close_modal(self, *, everything: bool = False) -> None:
        """Closes the open modal, or the whole stack."""
        await self._do("close", all=everything)

    async def read(self, channel: str) -> None:
        """Marks the channel as read."""
        await self._do("read", channel=channel)

    async def _look(self, what: str, **query: str) -> Any:
        return await self.simulator.get(f"/sim/seats/{self.name}/{what}", **query)

    async def _do(self, deed: str, **body: Any) -> Json:
        return await self.simulator.post(f"/sim/seats/{self.name}/{deed}", body)


def _place(where: Json) -> Json:
    if where.get("type") in ("modal", "home"):
        return {"home": where["type"] == "home"}
    return {"channel": where["channel"], "ts": where["ts"]}


async def _checked(response: aiohttp.ClientResponse) -> Any:
    body = await response.json()
    if response.status >= 400:
        raise ControlError(body.get("error") or f"HTTP {response.status}")
    return body
