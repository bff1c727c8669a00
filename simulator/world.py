"""Everything the simulator knows. All parts of the simulator share one `World`, which lives in memory."""

import secrets
from itertools import takewhile
from typing import Any

from simulator import blocks as block_kit
from simulator.channels import Channel, Channels
from simulator.clock import Clock
from simulator.errors import UnknownPlace
from simulator.faults import Faults
from simulator.feed import Feed
from simulator.files import Files
from simulator.manifest import Manifest
from simulator.messages import Message, Messages
from simulator.notices import Notices
from simulator.outcomes import Outcome
from simulator.pace import Pace
from simulator.people import BOT_USER_ID, People
from simulator.request_urls import RequestUrls
from simulator.response_urls import ResponseUrls
from simulator.scheduled import Schedule
from simulator.sockets import Sockets
from simulator.traffic import Traffic
from simulator.triggers import Triggers
from simulator.views import Views
from simulator.workspace import Workspace


class World:
    """One workspace with one app installed."""

    def __init__(
        self, *, manifest: Manifest, workspace: Workspace, clock: Clock, limited: bool = True, minute: float = 60.0
    ) -> None:
        self.manifest = manifest
        self.team = workspace.team
        self.clock = clock
        self.base_url = ""
        self.default_seat = "alice"
        self.hint: dict[str, Any] | None = None
        self.panel: dict[str, Any] | None = None
        self.bot_token = f"xoxb-simulator-{secrets.token_hex(12)}"
        self.app_token = f"xapp-simulator-{secrets.token_hex(12)}"
        self.verification_token = secrets.token_hex(12)
        self.feed = Feed()
        self.traffic = Traffic(self.feed)
        self.people = People(workspace.people, workspace.groups, team_id=workspace.team.id)
        self.channels = Channels(workspace.channels)
        self.messages = Messages(self.feed)
        self.views = Views(self.feed, workspace.team.id)
        self.notices = Notices(self.feed)
        self.triggers = Triggers(clock)
        self.response_urls = ResponseUrls(clock)
        self.sockets = Sockets(clock, self.feed, self.traffic)
        self.request_urls = RequestUrls(manifest, clock, self.traffic, verification_token=self.verification_token)
        self.pace = Pace(clock, limited=limited, minute=minute)
        self.faults = Faults(self.feed)
        self.files = Files()
        self.schedule = Schedule(clock)
        self._read: dict[tuple[str, str], str] = {}

    async def deliver(
        self, kind: str, payload: dict[str, Any], *, accepts_response: bool, attempt: int = 0, reason: str = ""
    ) -> Outcome:
        """Sends the app one payload, over a socket or over HTTP. Returns how the app answered."""
        way = self.request_urls if self.request_urls.used else self.sockets
        return await way.deliver(kind, payload, accepts_response=accepts_response, attempt=attempt, reason=reason)

    def place(self, seat: str, name: str) -> Channel:
        """The conversation for an id, `#name` or `@person`, for this person. Opens a direct one if needed."""
        person = self.people.find(seat)
        if name.startswith("@"):
            other = BOT_USER_ID if name[1:] == "bot" else self.people.find(name).id
            return self.direct(person.id, other)
        channel = self.channels.find(name)
        if person.id not in channel.members:
            raise UnknownPlace(f"{person.name} is not in {name}")
        return channel

    def direct(self, *members: str) -> Channel:
        """The direct conversation of these people. Opens it if needed."""
        channel, was_there = self.channels.direct(members, now=self.clock.now())
        if not was_there:
            self.feed.add("channel", channel=channel.id)
        return channel

    def ephemeral(
        self, user_id: str, channel_id: str, text: str, blocks: Any = None, thread_ts: str | None = None
    ) -> Message:
        """Shows a message from the app to this person only."""
        message = self.message(channel_id, BOT_USER_ID, text, blocks, thread_ts=thread_ts, only_for=user_id)
        self.messages.add(message)
        return message

    def message(self, channel_id: str, user_id: str, text: str, blocks: Any = None, **fields: Any) -> Message:
        """Builds a message without posting it. Checks its blocks as Slack does."""
        author = self.people.find(user_id)
        checked = block_kit.check_message_blocks(blocks) if blocks else None
        ts = self.messages.next_ts(self.clock.now())
        return Message(
            channel=channel_id, ts=ts, user=author.id, team=author.team_id, text=text, blocks=checked, **fields
        )

    def mark_read(self, user_id: str, channel_id: str) -> None:
        """Records that this person has seen every message in the channel."""
        latest = self.messages.all(channel_id)
        before = self._read.get((user_id, channel_id), "")
        if latest and latest[-1].ts > before:
            self._read[(user_id, channel_id)] = latest[-1].ts
            self.feed.add("read", user=user_id, channel=channel_id)

    def read_marks(self) -> list[tuple[str, str, str]]:
        """How far each person has read each channel, as (user, channel, ts)."""
        return [(user_id, channel_id, ts) for (user_id, channel_id), ts in self._read.items()]

    def restore_read_marks(self, marks: list[tuple[str, str, str]]) -> None:
        """Restores how far each person had read."""
        self._read = {(user_id, channel_id): ts for user_id, channel_id, ts in marks}

    def unread(self, user_id: str, channel_id: str) -> int:
        """How many messages by others, outside threads, this person has not seen."""
        seen = self._read.get((user_id, channel_id), "")
        unseen = takewhile(lambda message: message.ts > seen, self.messages.latest(channel_id))
        return sum(
            not message.is_reply and message.user != user_id and message.only_for in (None, user_id)
            for message in unseen
        )
