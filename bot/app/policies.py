"""The policies of a running bot: how a changed file is read once, and how each process takes what it says.

The supervisor reads the file and keeps a copy in STATE_DIR, under a name of its own, so that every process reads the
same text however late it comes to it. The copy of what is in use stays there.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot import policy_file
from bot.approvals.model.errors import CountersignError, SettingsError
from bot.approvals.rules.matching import Policies
from bot.approvals.rules.policy_changes import PolicyChanges, changes
from bot.approvals.services.policies.current import CurrentPolicies
from bot.private_files import private_file
from bot.runtime.children import Channel, Child, Words
from bot.runtime.handover import MAX_PROBLEM_CHARACTERS, Handover
from bot.runtime.reloads import Offer

# --- In the supervisor --------------------------------------------------------------------------


@dataclass(slots=True, kw_only=True)
class PolicyFile:
    """POLICY_FILE, as the supervisor reads it again."""

    path: Path
    copies: Path
    """The beginning of the names of copies."""
    current: CurrentPolicies
    """What the roles are forked with."""
    about: dict[str, Any] = field(default_factory=dict)
    """What commands are told of this bot; under `policies` the digest of the text that is in use."""
    _used: Path | None = None

    def read(self, number: int) -> Offer:
        """What the file says now. Raises `SettingsError` if it is wrong, or if STATE_DIR takes no copy."""
        text = policy_file.text_of(self.path)
        found = policy_file.read(self.path, text)
        copy = self._copied(number, text)
        words = spoken(changes(self.current.now, found))

        def take() -> None:
            before, self._used = self._used, copy
            self.current.now = found
            self.about["policies"] = digest_of(text)
            if before is not None:
                before.unlink(missing_ok=True)

        told = {
            "file": str(self.path.absolute()),
            "digest": digest_of(text),
            "changes": words,
        }
        return Offer(
            file=str(copy),
            said="; ".join(words) or "nothing has changed",
            told=told,
            take=take,
            drop=lambda: copy.unlink(missing_ok=True),
        )

    def forget(self) -> None:
        """Remove the copy of what is in use."""
        if self._used is not None:
            self._used.unlink(missing_ok=True)

    def _copied(self, number: int, text: str) -> Path:
        copy = self.copies.with_name(f"{self.copies.name}-policies-{number}.yaml").absolute()
        try:
            private_file(copy)
            copy.write_text(text, encoding="utf-8")
        except OSError as error:
            raise SettingsError(f"STATE_DIR {self.copies.parent}: cannot be written to ({error.strerror}).") from None
        return copy


def digest_of(text: str) -> str:
    """By which two texts of the file are told apart."""
    return hashlib.sha256(text.encode()).hexdigest()


def spoken(found: PolicyChanges) -> list[str]:
    """What has changed, one phrase each. Empty if nothing has."""
    words = [f"{what} {_list(names)}" for what, names in _named(found).items() if names]
    words += ["the rules stand in another order"] if found.reordered else []
    words += ["the defaults are changed"] if found.defaults else []
    return words


def _named(found: PolicyChanges) -> Mapping[str, tuple[str, ...]]:
    return {
        "added:": found.added,
        "removed:": found.removed,
        "changed:": found.changed,
        "answers of graphs changed:": found.graphs,
        "cards of graphs changed:": found.cards,
    }


def _list(names: tuple[str, ...]) -> str:
    return ", ".join(names)


# --- In each process below it -------------------------------------------------------------------


@dataclass(slots=True, kw_only=True)
class PolicySwitch:
    """Takes what the parent says of a changed policy file (`bot.runtime.handover`)."""

    path: Path
    """The file's own name, for errors."""
    current: CurrentPolicies
    channel: Channel | None
    check: Callable[[Policies], object] = id
    """Raises `SettingsError` if this process cannot use them."""
    used: Callable[[Policies], object] = id
    """Called when other policies are in use here."""
    _files: dict[int, Path] = field(default_factory=dict)
    """Where each text is that the parent has spoken of."""
    _read: dict[int, Policies] = field(default_factory=dict)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def heard(self, words: Words) -> None:
        """Act on what the parent says, in the event loop. The file is read in a thread."""
        if "consider" in words:
            self.note(words)
            self._tasks.add(task := asyncio.get_running_loop().create_task(self._consider(words)))
            task.add_done_callback(self._tasks.discard)
        if "drop" in words:
            self.forget(words["drop"])
        if "use" in words and self.take(words["use"]):
            self._say(used=words["use"])

    def hearing(self, heard: Callable[[Words], None]) -> Callable[[Words], None]:
        """A function for all that the parent says, which hands it on to `heard` as well."""

        def both(words: Words) -> None:
            heard(words)
            self.heard(words)

        return both

    def note(self, words: Words) -> None:
        """Remember where a text is that the parent speaks of."""
        self._files[words["consider"]] = Path(words["file"])

    def problem(self, number: int) -> str:
        """Read this text. Returns why it cannot be used here, or nothing. May be called in any thread."""
        try:
            found = self._found(self._files[number])
            self.check(found)
        except KeyError:  # it was decided meanwhile
            return ""
        except (CountersignError, OSError) as error:
            return str(error)[:MAX_PROBLEM_CHARACTERS]
        if number in self._files:
            self._read[number] = found
        return ""

    def take(self, number: int) -> bool:
        """Use this text from now on, even if it is still being read: a worker that was blocked hears everything at
        once. Returns False if there is a newer one, of which the parent speaks next."""
        file, found = self._files.pop(number, None), self._read.pop(number, None)
        if found is None and file is not None:
            with suppress(FileNotFoundError):
                found = self._found(file)
        if found is None:
            return False
        self.current.now = found
        self.used(found)
        return True

    def forget(self, number: int) -> None:
        """Do not use this text."""
        self._files.pop(number, None)
        self._read.pop(number, None)

    # --- Within ---------------------------------------------------------------------------------

    async def _consider(self, words: Words) -> None:
        problem = await asyncio.to_thread(self.problem, words["consider"])
        self._say(considered=words["consider"], problem=problem)

    def _found(self, file: Path) -> Policies:
        return policy_file.read(self.path, file.read_text(encoding="utf-8"))

    def _say(self, **words: Any) -> None:
        if self.channel is not None:
            self.channel.send(**words)


# --- Between the supervisor and the workers -----------------------------------------------------


@dataclass(slots=True, kw_only=True)
class PolicyRelay:
    """Passes on to workers what the supervisor says of a changed policy file, and answers for all of them."""

    switch: PolicySwitch
    """Of this process, which forks the next workers."""
    channel: Channel
    """To the supervisor."""
    _handover: Handover | None = None
    _word: str = ""
    """What the supervisor waits to hear: `considered` or `used`."""

    def heard(self, words: Words, able: Sequence[Child], others: Sequence[Child]) -> None:
        """Act on what the supervisor says. `able` are the workers that have loaded their graphs and answer at once."""
        if "consider" in words:
            self.switch.note(words)
            self._handover, self._word = Handover(words["consider"], words["file"]), "considered"
            self._handover.offer(able, others)
            problem = self.switch.problem(words["consider"])
            if not able:
                problem = problem or "no worker is ready that could say whether its graphs are all there. Try again."
            self._handover.problem = problem
        handover = self._handover
        if "drop" in words and handover is not None:
            self.switch.forget(words["drop"])
            handover.drop((*able, *others))
            self._handover = None
        if "use" in words and self.switch.take(words["use"]):
            handover = handover or Handover(words["use"], "")  # the one who was asked has ended, and this one follows
            self._handover, self._word = handover, "used"
            handover.use(able, others)

    def heard_of(self, worker: Child, words: Words) -> None:
        """Note what a worker has said."""
        if self._handover is not None:
            self._handover.heard(worker, words)

    def ended(self, worker: Child) -> None:
        """Note that a worker has ended."""
        if self._handover is not None:
            self._handover.ended(worker)

    def go_on(self) -> None:
        """Answer the supervisor, if all have answered here."""
        handover = self._handover
        if handover is not None and self._word and handover.done:
            self.channel.send(**{self._word: handover.number}, problem=handover.problem)
            self._word = ""
