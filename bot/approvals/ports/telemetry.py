"""Where the bot tells operators what it does."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Final, Protocol

from bot.approvals.model.facts import Fact
from bot.approvals.model.trace import Trace


class Telemetry(Protocol):
    """Takes facts, and opens spans around work."""

    def tell(self, fact: Fact) -> None:
        """Pass a fact on. Any thread may call it. It is quick, and never raises."""
        ...

    def span(
        self, name: str, *, parent: Trace | None = None, after: Trace | None = None, about: str = ""
    ) -> AbstractContextManager[Trace | None]:
        """A span around the block: within `parent` if it is given, otherwise within the span that is open here, if any.

        `after` is the leg of work that this one follows: the span has a link to it and, without a `parent`, begins a
        trace of its own. No span lasts while people think. `about` is the id of the task. Yields where the span is
        found, to be kept on a record; None if nobody traces.
        """
        ...

    def here(self) -> Trace | None:
        """Where the span is found that is open here. None if there is none, or if nobody traces."""
        ...


class _Silent:
    """Tells nobody."""

    def tell(self, fact: Fact) -> None:
        pass

    def span(
        self,
        name: str,  # noqa: ARG002
        *,
        parent: Trace | None = None,  # noqa: ARG002
        after: Trace | None = None,  # noqa: ARG002
        about: str = "",  # noqa: ARG002
    ) -> AbstractContextManager[Trace | None]:
        return nullcontext(None)

    def here(self) -> Trace | None:
        return None


SILENT: Final[Telemetry] = _Silent()
"""For tests, and for commands that run beside the bot."""
