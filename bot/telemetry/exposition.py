"""All metrics of a bot's processes as one page, in Prometheus' text format.

Each process of `countersign run` writes its figures into files of one folder, through the multi-process mode of
prometheus_client, and one of them serves the sum. Worker processes come and go, so the files of those that are gone are
added into one: the page stays as quick however many there were.
"""

from __future__ import annotations

import logging
import os
import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from bot.telemetry import figures
from bot.telemetry.names import FOLDER_VARIABLE

log = logging.getLogger(__name__)

PREFIX: Final = "countersign_"
"""How the names of our metrics begin. A graph that uses prometheus_client in a worker has its figures there, too."""
_GONE: Final = "0"
"""Stands in a file's name for all processes that are gone. No process has this number."""
_GONE_FIGURES: Final = (
    "the figures of the bot's processes in %s cannot be read (%s), so /metrics has none. Approvals go on. If somebody "
    "has removed the folder, restart the bot"
)
_NO_SPACE: Final = "the figures in %s of processes that are gone cannot be added up (%s). Make room on the disk"
_SUMMED: Final = ("counter", "histogram")
_GREATEST: Final = ("gauge_max",)
_TRIES: Final = 3
"""A file that another process is just making, or has just removed, cannot be read."""
_UNREADABLE: Final = (struct.error, RuntimeError, FileNotFoundError)


def folder_of_all() -> Path | None:
    """The folder that `bot.telemetry.folder` has made for all processes. None if there is none."""
    return Path(os.environ[FOLDER_VARIABLE]) if FOLDER_VARIABLE in os.environ else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposition:
    """Makes the page. Any thread may ask for it; one at a time gets it."""

    own: CollectorRegistry | None = None
    """The metrics of this process, for a bot that is one process."""
    folder: Path | None = field(default_factory=folder_of_all)
    """The folder of all processes. None if this is the only one."""
    _lock: Lock = field(default_factory=Lock)
    _said: set[str] = field(default_factory=set)
    """What is wrong at the moment, as the log has said."""

    def page(self, more: Sequence[Metric] = ()) -> bytes | None:
        """The metrics of all processes, and these, which are made for the page. Blocks for some milliseconds. None if
        the figures cannot be read, which the log says: half of them would look as if all were well."""
        with self._lock:
            for _ in range(_TRIES):
                try:
                    made = self._made(more)
                except (*_UNREADABLE, OSError, ValueError) as error:
                    why = error
                else:
                    self._said.discard(_GONE_FIGURES)
                    return made
            self._say(_GONE_FIGURES, why)
            return None

    def tidy(self) -> None:
        """Adds up the files of processes that are gone, which `page` does too."""
        with self._lock:
            if self.folder is not None:
                self._fold(self.folder)

    def _fold(self, folder: Path) -> None:
        try:
            fold(folder)
        except OSError as error:  # there is no space for the sum: until there is, the page is made of all files
            self._say(_NO_SPACE, error)
        else:
            self._said.discard(_NO_SPACE)

    def _say(self, what: str, error: Exception) -> None:
        """Says it once for as long as it is so."""
        if what not in self._said:
            self._said.add(what)
            log.warning(what, self.folder, error)

    def _made(self, more: Sequence[Metric]) -> bytes:
        registry = CollectorRegistry()
        if self.folder is not None:
            self._fold(self.folder)
            registry.register(_Ours(MultiProcessCollector(None, str(self.folder)).collect))  # type: ignore[no-untyped-call]
        elif self.own is not None:
            registry.register(_Ours(self.own.collect))
        registry.register(_Ours(lambda: more))
        return generate_latest(registry)


@dataclass(frozen=True, slots=True)
class _Ours(Collector):
    """Those metrics of a source that are the bot's."""

    source: Callable[[], Iterable[Metric]]

    def collect(self) -> Iterable[Metric]:
        for metric in self.source():
            if metric.name.startswith(PREFIX):
                # when a series began is no news to Prometheus, and doubles the page
                metric.samples = [each for each in metric.samples if not each.name.endswith("_created")]
                yield metric

    def describe(self) -> Iterable[Metric]:
        return ()


def fold(folder: Path) -> None:
    """Adds the files of processes that are gone into one of each kind, and removes what only counts while a process
    lives. To be called by one process, from one thread at a time."""
    for file in sorted(folder.glob("*.db")):
        kind, _, pid = file.stem.rpartition("_")
        if pid == _GONE or not pid.isdecimal() or _lives(int(pid)):
            continue
        if kind in _SUMMED or kind in _GREATEST:
            try:
                _add(file, folder / f"{kind}_{_GONE}.db", greatest=kind in _GREATEST)
            except _UNREADABLE as error:  # its process was killed as it made the file
                log.warning("the figures of process %s are lost (%s)", pid, error)
        file.unlink(missing_ok=True)


def _add(file: Path, total: Path, *, greatest: bool) -> None:
    """Raises OSError if there is no space for the sums. They are as they were then, so nothing is added twice."""
    sums = figures.read(total) if total.exists() else {}
    for key, value in figures.read(file).items():
        before = sums.get(key, 0.0)
        sums[key] = max(before, value) if greatest else before + value
    figures.replace(total, sums)


def _lives(pid: int) -> bool:
    """Whether the process runs. One that has ended, and whose parent has not noticed it yet, does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:  # there is no /proc, or it has ended just now, which the next page shows
        return True
    return stat.rpartition(")")[2].split()[0] not in ("Z", "X")
