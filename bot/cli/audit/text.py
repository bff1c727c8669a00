"""The audit log as text for a person: what happened, in order, each entry with a sentence and all that it holds."""

from __future__ import annotations

from collections import Counter, OrderedDict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from bot.approvals.model.actor import COMMAND
from bot.approvals.model.audit import AuditEvent, Entry
from bot.approvals.rules.masking import MASK, Masker
from bot.approvals.services.audit.proof import Broken, Intact
from bot.approvals.services.messages.masked import masked_event
from bot.cli.audit import sentences
from bot.cli.audit.rows import Unreadable, event_of
from bot.cli.audit.values import INDENT, Account, Data, person, when
from bot.printable import printable

MAX_PLACES: Final = 20_000
"""Messages whose place in Slack is remembered, because votes name the message that they were given on."""
_MESSAGES: Final = {"card": "the card", "copy": "a copy of the card", "file": "the file"}


@dataclass(slots=True)
class Text:
    """Writes entries, and counts what the end has to say."""

    shown: int = 0
    purged: int = 0
    unreadable: int = 0
    unknown: Counter[str] = field(default_factory=Counter)
    masked: int = 0
    _places: OrderedDict[str, str] = field(default_factory=OrderedDict)

    def beginning(self, now: datetime, wanted: str) -> str:
        """What the reader has to know first. `wanted` says which entries were asked for; empty if all were."""
        return (
            "The audit log of Countersign\n"
            f"Written on {when(now)}{f', for {wanted}' if wanted else ''}. All times are in UTC.\n"
            "People, teams and channels have the ids that Slack gave them: a person is written U1 (T1).\n"
            f"{MASK} stands for a value that is hidden here. The log itself holds it, and its digests are of that.\n"
            "Lines at the margin are the log's own. Whatever people and agents wrote is indented below them.\n"
        )

    def passed(self, entry: Entry) -> None:
        """Remembers what later entries refer to, whether or not this one is written."""
        try:
            event = event_of(entry)
        except Unreadable:
            return
        if event is not None and event.kind == "shown" and event.surface:
            what, channel = event.data.get("as"), event.data.get("channel")
            self._places[event.surface] = (
                f"{_MESSAGES.get(str(what), printable(str(what)))} in {printable(str(channel))}"
            )
            if len(self._places) > MAX_PLACES:
                self._places.popitem(last=False)

    def entry(self, entry: Entry, masker: Masker) -> str:
        """One entry, with an empty line before it."""
        self.shown += 1
        try:
            event = event_of(entry)
        except Unreadable:
            self.unreadable += 1
            return _written(entry, None, Account(sentence="This entry cannot be read. `audit verify` says more."))
        if event is None:
            self.purged += 1
            lines = [f"The SHA-256 of its text was {printable(entry.digest)}"]
            return _written(entry, None, Account(sentence="The text of this entry is past its retention.", lines=lines))
        masked = masked_event(masker, event)
        told = sentences.account(masked, self._where(event))
        if told is None:
            self.unknown[event.kind] += 1
            told = self._as_recorded(masked)
        if masked.data != event.data:
            self.masked += 1
        return _written(entry, event, told)

    def end(self, proof: Intact | Broken) -> str:
        """How many entries these were, and whether the log is intact."""
        lines = ["", "End of the log.", f"{self.shown:,} {'entry is' if self.shown == 1 else 'entries are'} shown."]
        if self.purged:
            lines.append(f"{self.purged:,} of them have lost their text, because it is past its retention.")
        if self.masked:
            lines.append(f"In {self.masked:,} of them values are hidden.")
        if self.unreadable:
            lines.append(f"{self.unreadable:,} of them cannot be read.")
        for kind, count in sorted(self.unknown.items()):
            lines.append(
                f"{count:,} of them are of the kind {printable(kind)}, which this version does not know. They are "
                "shown as they were recorded."
            )
        match proof:
            case Intact(entries=entries, head=head):
                lines += [f"The whole log was verified and is intact: {entries:,} entries.", f"head {head}"]
            case Broken(number=number, why=why):
                lines += [
                    f"THE LOG IS BROKEN at entry {number}. {printable(why)}",
                    "From that entry on, what stands here need not be what was recorded.",
                ]
        return "".join(f"{line}\n" for line in lines)

    def _where(self, event: AuditEvent) -> str:
        if not event.surface:
            return ""
        if event.surface == COMMAND:
            return "by command"
        place, id = self._places.get(event.surface), printable(event.surface)
        if event.kind == "shown" or place is None:
            return f"message {id}"
        return f"on {place} (message {id})"

    def _as_recorded(self, event: AuditEvent) -> Account:
        of = [
            f"Person: {person(event.person)}" if event.person else "",
            self._where(event),
            f"SHA-256 {printable(event.digest)}" if event.digest else "",
            f"Rule {printable(event.rule)}" if event.rule else "",
            f"Through the token {printable(event.through)}" if event.through else "",
        ]
        words = f"{printable(event.kind)} (this version does not know what that means)"
        return Account(sentence=words, lines=[*(each for each in of if each), *Data.of(event).rest()])


def _written(entry: Entry, event: AuditEvent | None, told: Account) -> str:
    at = when(event.at) if event is not None else "no time"
    request = f", request {printable(event.request_id)}" if event is not None and event.request_id else ""
    head = f"{at}, entry {entry.number}, task {printable(entry.task_id)}{request}"
    return "\n" + "".join(f"{line}\n" for line in (head, *(f"{INDENT}{each}" for each in (told.sentence, *told.lines))))
