"""A room of the local Slack, and the threads of tasks in it, as the people there see them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from simulator.client import Names, Seat, Simulator, TimedOut, render_text
from tests.support.starter import WAIT

Message = dict[str, Any]
Found = TypeVar("Found")
PEOPLE = ("alice", "bob", "carol", "dave", "erin", "frank", "grace")
_ENDS = ("✅", "⛔", "⌛", "🛑", "🚫", "⚠️")
"""The signs with which an outcome begins."""
_OPEN = ("⏳", "[Approve", "[Reject", "aiting for the agent", "he agent gets it")
"""What a card says or offers before its answer has reached the agent."""


@dataclass(slots=True)
class Room:
    """One channel of the workspace, which no other test uses."""

    simulator: Simulator
    names: Names
    channel: str
    started: set[str] = field(default_factory=set)

    def seat(self, name: str) -> Seat:
        return self.simulator.seat(name)

    def read(self, shown: Mapping[str, Any]) -> str:
        """The words, as a person reads them."""
        return render_text(shown, self.names)

    async def start(self, line: str, *, who: str = "alice") -> Thread:
        """Type a command that starts a task; returns the thread that its first message opens."""
        answer = await self.seat(who).command(self.channel, line)
        assert answer["ok"], answer
        return await self.opened()

    async def opened(self, word: str = "started") -> Thread:
        """The thread of a task that was started here and that nothing here has seen yet. Its opening has this word."""

        async def opening() -> Message | None:
            for message in await self.seat("alice").messages(self.channel):
                if word in self.read(message) and message["ts"] not in self.started:
                    return message
            return None

        found = await self.until(opening, "the message that opens the thread")
        self.started.add(found["ts"])
        return Thread(self, found["ts"])

    async def says(self, who: str, line: str) -> str:
        """Type a command that is answered in private; returns the answer."""
        before = len(await self.seat(who).notices())
        await self.seat(who).command(self.channel, line)
        return await self.told(who, after=before)

    async def told(self, who: str, *, after: int = 0, containing: str = "") -> str:
        """What this person was told in private, after so many earlier notices."""

        async def said() -> str | None:
            texts = [self.read(notice) for notice in (await self.seat(who).notices())[after:]]
            return next((text for text in texts if containing in text), None)

        return await self.until(said, f"a private word to {who}: {containing}")

    async def pressing(self, who: str, message: Message, action: str) -> str:
        """Press a button that is answered in private; returns the answer."""
        before = len(await self.seat(who).notices())
        await self.press(who, message, action)
        return await self.told(who, after=before)

    async def press(self, who: str, message: Message, action: str) -> None:
        """Press a button, or choose it in the message's menu if the row has no room for it."""
        if not any(each.get("action_id") == action for each in _elements(message)) and any(
            option["value"].startswith(f"{action} ") for option in _menu(message)
        ):
            await self.choose(who, message, f"{action} ")
            return
        answer = await self.seat(who).press(message, action)
        assert answer["ok"], answer

    def offered(self, message: Message) -> list[str]:
        """The words of a message's buttons, then those of its menu."""
        buttons = [each["text"]["text"] for each in _elements(message) if each["type"] == "button"]
        return [*buttons, *(option["text"]["text"] for option in _menu(message))]

    async def choose(self, who: str, message: Message, deed: str) -> None:
        """Choose what begins with this word in the message's menu."""
        (menu,) = (
            each for block in message["blocks"] for each in block.get("elements", []) if each["type"] == "overflow"
        )
        value = next(option["value"] for option in menu["options"] if option["value"].startswith(deed))
        answer = await self.seat(who).press(message, menu["action_id"], value=value)
        assert answer["ok"], answer

    async def choosing(self, who: str, message: Message, deed: str) -> str:
        """Choose what is answered in private; returns the answer."""
        before = len(await self.seat(who).notices())
        await self.choose(who, message, deed)
        return await self.told(who, after=before)

    async def review(self, who: str, shown: Mapping[str, Any], *, block_id: str | None = None) -> list[str]:
        """Open the review of what is asked and turn all its pages; returns their words. The last page stays open."""
        seat = self.seat(who)
        answer = await seat.press(dict(shown), "review", block_id=block_id)
        assert answer["ok"], answer
        pages = [await self.modal(who, "Review")]
        while "[Next]" in pages[-1]:
            view = await seat.modal()
            assert view is not None
            assert "[Approve" not in pages[-1]
            assert (await seat.press(view, f"page:{len(pages)}"))["ok"]
            pages.append(await self.modal(who, f"Page {len(pages) + 1} of"))
        return pages

    async def answer(self, who: str, action: str) -> None:
        """Press a button of the modal in front of this person."""
        view = await self.seat(who).modal()
        assert view is not None
        answer = await self.seat(who).press(view, action)
        assert answer["ok"], answer

    async def modal(self, who: str, containing: str = "") -> str:
        """The words of the modal in front of this person."""
        seat = self.seat(who)

        async def shown() -> str | None:
            view = await seat.modal()
            words = self.read(view) if view else ""
            return words if view and containing in words else None

        return await self.until(shown, f"a modal for {who}: {containing}")

    async def submit(self, who: str, typed: Mapping[str, str]) -> dict[str, str]:
        """Fill the open modal's fields in by their labels, and send it; returns the errors, by label too."""
        view = await self.seat(who).modal()
        assert view is not None
        labels = {block["label"]["text"]: block["block_id"] for block in view["blocks"] if block["type"] == "input"}
        errors = await self.seat(who).submit({labels[label]: words for label, words in typed.items()})
        return {label: errors[block_id] for label, block_id in labels.items() if block_id in errors}

    async def direct(self, who: str, *words: str) -> Message:
        """The message in this person's conversation with the app that holds all of these words."""

        async def shown() -> Message | None:
            messages = await self.seat(who).messages("@countersign")
            return next((m for m in messages if all(word in self.read(m) for word in words)), None)

        return await self.until(shown, f"a DM to {who} with {words}")

    async def until(self, predicate: Callable[[], Awaitable[Found | None]], what: str) -> Found:
        """What the predicate finds in time; fails with what the people see instead."""
        try:
            found = await self.simulator.wait_for(predicate, timeout=WAIT, what=what)
        except TimedOut as late:
            raise AssertionError(f"{late}. What is seen instead:\n{await self._seen()}") from None
        assert found is not None
        return found

    async def _seen(self) -> str:
        """All that is shown in this room, and to whom."""
        lines: list[str] = []
        for message in await self.seat("bob").messages(self.channel):
            thread = await self.seat("bob").thread(self.channel, message["ts"])
            lines += [f"in {self.channel}: {self.read(each)}" for each in thread]
        for who in PEOPLE:
            lines += [f"to {who}: {self.read(notice)}" for notice in (await self.seat(who).notices())[-3:]]
        return "\n---\n".join(lines)

    async def mark(self) -> int:
        """Where the traffic stands now."""
        traffic = await self.simulator.traffic()
        return int(traffic[-1]["seq"]) if traffic else 0

    async def posts(self, after: int = 0) -> list[Message]:
        """The calls of chat.postMessage that came through, in this room or in DMs."""
        calls = await self.simulator.traffic(method="chat.postMessage", after=after)
        return [call for call in calls if call["ok"]]

    async def posted_ids(self, after: int = 0) -> Counter[str]:
        """How often each of the bot's messages was posted, by the id in its metadata."""
        return Counter(call["arguments"]["metadata"]["event_payload"]["id"] for call in await self.posts(after))


@dataclass(slots=True)
class Thread:
    """A task's Slack thread, as its room's people see it."""

    room: Room
    ts: str

    async def messages(self, who: str = "bob") -> list[Message]:
        """The opening, and what follows in the thread for everybody."""
        shown = await self.room.seat(who).thread(self.room.channel, self.ts)
        return [message for message in shown if not message["is_ephemeral"]]

    async def texts(self, who: str = "bob") -> list[str]:
        return [self.room.read(message) for message in await self.messages(who)]

    async def shows(self, *words: str, without: Sequence[str] = ()) -> Message:
        """Wait for one message of the thread that holds all of these words, and none of those."""

        async def found() -> Message | None:
            for message in await self.messages():
                text = self.room.read(message)
                if all(word in text for word in words) and not any(word in text for word in without):
                    return message
            return None

        return await self.room.until(found, f"{words} in the thread")

    async def card(self, *words: str) -> Message:
        """The card that asks, with its buttons."""

        async def found() -> Message | None:
            for message in (await self.messages())[1:]:
                text = self.room.read(message)
                if _is_card(text) and "⏳" in text and all(word in text for word in words):
                    return message
            return None

        return await self.room.until(found, f"a card with {words} in the thread")

    async def ended(self, *words: str) -> Message:
        """Wait for the message that says how the task ended, with all of these words."""

        async def found() -> Message | None:
            for message in (await self.messages())[1:]:
                text = self.room.read(message)
                if not _is_card(text) and any(sign in text for sign in _ENDS) and all(word in text for word in words):
                    return message
            return None

        return await self.room.until(found, f"an outcome with {words} in the thread")

    async def reported(self, *words: str) -> str:
        """What the agent says in the message about its end, without the line that says who decided."""
        lines = self.room.read(await self.ended("@alice", *words)).split("\n")
        return "\n".join(lines[1:] if "@alice" in lines[0] else lines[:-1]).removeprefix("✅ ")

    async def again(self, message: Message) -> Message:
        """The message as it stands now."""
        return next(found for found in await self.messages() if found["ts"] == message["ts"])

    async def cards(self) -> list[str]:
        """The cards of the thread, each in its words."""
        return [text for text in (await self.texts())[1:] if _is_card(text)]

    async def approved(self, who: str = "bob") -> None:
        """Approve, and see all as it should be in the end: one opening, one card, one outcome."""
        await self.room.press(who, await self.card(), "approve")
        await self.ended_well(who)

    async def ended_well(self, who: str = "bob") -> None:
        """See what an approval leads to: one opening, one card, one outcome."""
        await self.shows(f"Approved by @{who}", "[Details]", without=["[Approve]", "⏳", "waiting for the agent"])
        await self.ended(f"Approved by @{who}", "@alice")
        shown = await self.texts()
        assert len(shown) == 3, shown
        openings = [m for m in await self.room.seat("bob").messages(self.room.channel) if not m["is_ephemeral"]]
        assert len(openings) == len(self.room.started), [self.room.read(message) for message in openings]

    async def settled(self, *words: str, without: Sequence[str] = ()) -> Message:
        """The card of a question that is settled, once the agent has its answer. It holds all of these words and none
        of those, and nobody can answer on it any more."""

        async def found() -> Message | None:
            for message in (await self.messages())[1:]:
                text = self.room.read(message)
                if not _is_card(text) or any(each in text for each in (*_OPEN, *without)):
                    continue
                if all(word in text for word in words):
                    return message
            return None

        return await self.room.until(found, f"a settled card with {words}, without {[*without]}, in the thread")

    async def lacks(self, *words: str) -> None:
        """Wait until no message of the thread holds any of these words."""

        async def gone() -> bool | None:
            return not any(word in text for text in await self.texts() for word in words) or None

        await self.room.until(gone, f"a thread without {words}")

    async def opening(self, *words: str, without: Sequence[str] = ()) -> str:
        """What the first message says, once it holds all of these words and none of those."""

        async def found() -> str | None:
            text = self.room.read((await self.messages())[0])
            return text if all(each in text for each in words) and not any(each in text for each in without) else None

        return await self.room.until(found, f"an opening with {words}, without {[*without]}")

    async def task_id(self, who: str = "alice") -> str:
        """The task's id, as its requester finds it: in their list, beside the link to this thread."""
        await self.room.seat(who).command(self.room.channel, "/approvals mine")
        link = f"/p{self.ts.replace('.', '')}"

        async def listed() -> str | None:
            told = "\n".join(str(notice["text"]) for notice in await self.room.seat(who).notices())
            line = next((line for line in told.split("\n") if link in line and line.startswith("• `")), None)
            return line.split("`")[1] if line else None

        return await self.room.until(listed, f"the task's id in the list of {who}")

    async def request_id(self, who: str = "bob") -> str:
        """The id of what the open card asks, as people find it: in its details, or in its history if it folds."""
        card = await self.card()
        if "[Details]" in self.room.read(card):
            await self.room.press(who, card, "view_all")
        else:
            await self.room.choose(who, card, "history")
        words = await self.room.modal(who, "Request ")
        await self.room.seat(who).close_modal(everything=True)
        return words.rpartition("Request ")[2].split()[0]


def _elements(message: Message) -> list[dict[str, Any]]:
    """The buttons, menus and fields of a message."""
    beside = [block["accessory"] for block in message["blocks"] if "accessory" in block]
    return [each for block in message["blocks"] if block["type"] == "actions" for each in block["elements"]] + beside


def _menu(message: Message) -> list[dict[str, Any]]:
    """The options of a message's menu."""
    return [option for each in _elements(message) if each["type"] == "overflow" for option in each["options"]]


def _is_card(text: str) -> bool:
    """Whether a message is a request's card: it alone leads to all that is asked. If its choices need all the room,
    Details is in the menu."""
    return any(button in text for button in ("[Details]", "[Review…]", "[... v]"))
