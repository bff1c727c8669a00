"""What `check` says of the graphs: it loads each of them, as a worker does."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from bot.approvals.model.errors import SettingsError
from bot.approvals.rules.matching import Policies
from bot.cli.check.findings import Findings
from bot.engines.langgraph.loading import registry
from bot.settings import Settings

_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


async def check(loaded: Settings, policies: Policies | None, findings: Findings) -> None:
    """Loads them, and compares the memory that this takes with what a worker may use."""
    config = loaded.langgraph_config
    try:
        registry.set_environment(config)
        graphs = await registry.listed(config, config.absolute().parent, policies)
    except SettingsError as error:
        findings.bad(str(error))
        return
    for graph in graphs:
        if graph.unavailable:
            findings.bad(
                f"graph {graph.name} cannot be started: {graph.unavailable.rstrip('.')}. Mend it, or take it out of "
                f"{loaded.langgraph_config}."
            )
        else:
            findings.good(f"graph {graph.name}")
    if loaded.worker_memory is not None:
        _memory(loaded.worker_memory, findings)


def _memory(limit: int, findings: Findings) -> None:
    used = _resident()
    if used > limit:
        findings.bad(
            f"WORKER_MEMORY: a worker that has loaded these graphs uses about {_megabytes(used)}, which is more than "
            f"{_megabytes(limit)}, so it is killed before it does anything. Allow more."
        )
    elif used:
        findings.good(
            f"memory: a worker that has loaded these graphs uses about {_megabytes(used)} of {_megabytes(limit)}"
        )


def _resident() -> int:
    """The bytes of memory that this process uses now. 0 if the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE
    except (OSError, ValueError, IndexError):
        return 0


def _megabytes(number: int) -> str:
    return f"{number / 1e6:,.0f} MB"
