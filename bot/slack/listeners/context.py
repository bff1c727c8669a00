"""What the listeners work with. They have no storage: what they read, they ask `Reading` for."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

from bot.approvals.inbox.home import Homes
from bot.approvals.inbox.queries import Inboxes
from bot.approvals.inbox.summaries import Summaries
from bot.approvals.model.actor import Shown
from bot.approvals.model.agent import Graph
from bot.approvals.model.errors import AgentsNotLoaded, Alike, Difference
from bot.approvals.model.ids import UserId
from bot.approvals.model.request import Request
from bot.approvals.ports.engine import Agents
from bot.approvals.ports.work import Clock
from bot.approvals.services.messages.masked import Masking
from bot.approvals.services.reading import Reading
from bot.approvals.services.side_actions import SideActions
from bot.approvals.services.tasks import Tasks
from bot.approvals.services.votes import Votes
from bot.slack.api.directory import SlackDirectory
from bot.slack.api.messenger import SlackMessenger
from bot.slack.api.names import Names
from bot.slack.listeners.private_words import PrivateWords
from bot.slack.listeners.wordings import Wordings
from bot.slack.modals.views import Modal


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    tasks: Tasks
    votes: Votes
    side_actions: SideActions
    reading: Reading
    agents: Agents
    messenger: SlackMessenger
    masking: Masking
    directory: SlackDirectory
    names: Names
    inboxes: Inboxes
    homes: Homes
    summaries: Summaries
    clock: Clock
    me: UserId
    """Whom people mention when they mean the bot."""
    address: str
    """Of the workspace's pages, for links to messages."""
    busy: Callable[[], AbstractAsyncContextManager[None]]
    """Held while an action is worked on, so that a shutdown waits for it: Bolt itself waits for none."""
    wordings: Wordings = field(default_factory=Wordings)

    @property
    def private(self) -> PrivateWords:
        return PrivateWords(messenger=self.messenger)

    def known_graphs(self) -> tuple[Graph, ...]:
        """The graphs, for what does not depend on them. None while they are still being loaded."""
        try:
            return self.agents.graphs()
        except AgentsNotLoaded:
            return ()

    async def shown(self, request: Request) -> Request:
        """The request with its secrets masked, to be drawn: nothing of another one is put before anybody."""
        return self.masking.request(await self.reading.task(request.task_id), request)

    async def changes(self, shown: Shown) -> tuple[Difference, ...] | Alike:
        """What has changed in a request since somebody saw it, with its secrets masked. Empty if that is not known."""
        found = await self.reading.changes(shown)
        if isinstance(found, Alike) or not found:
            return found
        request = await self.reading.request(shown.request_id)
        return self.masking.differences(await self.reading.task(request.task_id), request, found)

    def modal(self, view: Modal) -> Modal:
        """A form whose labels, hints and options hold no secret either. What fields hold is masked when they are
        drawn: a form has to know what was left as it was."""
        shown: Modal = _masked(view, self.masking.text)
        return shown


def _masked(drawn: Any, mask: Callable[[str], str]) -> Any:
    match drawn:
        case {"type": "plain_text" | "mrkdwn" | "text", "text": str() as words}:
            return {**drawn, "text": mask(words)}
        case dict():
            return {key: _masked(value, mask) for key, value in drawn.items()}
        case list():
            return [_masked(each, mask) for each in drawn]
        case _:
            return drawn
