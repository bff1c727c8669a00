"""Moves old logs to a trash at once, and moves them back if somebody presses Undo in Slack. README.md says how to run
it."""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from countersign import Countersign

BACK = ".back"
"""A file in the trash that says that its files were moved back, so that a later run leaves them where they are."""
DAY_SECONDS = 86_400


def main(folder: Path, days: int, run: str) -> str:
    client = Countersign.from_environment()
    done = moved(folder, days, run)
    if not done["files"]:
        return f"Nothing is older than {days} days."
    offered = client.offer_undo(
        {"name": "move_to_trash", "arguments": {"folder": str(folder), "files": done["files"]}},
        undo={"how": "Moves the files back", "trash": run},
        window="10m",
        at=done["at"],
        key=f"trash-{run}",
    )
    if not offered.undone:
        return f"The files stay in the trash ({offered.verdict})."
    client.consume(offered.request_id, execution=offered.key)
    return move_back(folder, offered.way_back["trash"])


def moved(folder: Path, days: int, run: str) -> dict[str, Any]:
    """What was moved to the trash, and when. It is written down first, so that a run after a crash moves the same files
    and says the same."""
    trash = folder / ".trash" / run
    plan = trash.with_suffix(".json")
    trash.mkdir(parents=True, exist_ok=True)
    if not plan.exists():
        old = time.time() - days * DAY_SECONDS
        files = sorted(each.name for each in folder.iterdir() if each.is_file() and each.stat().st_mtime < old)
        written = plan.with_suffix(".new")
        written.write_text(json.dumps({"at": datetime.now(UTC).isoformat(), "files": files}))
        written.rename(plan)
    done: dict[str, Any] = json.loads(plan.read_text())
    if not (trash / BACK).exists():
        for name in done["files"]:
            if (folder / name).exists():
                (folder / name).rename(trash / name)
    return done


def move_back(folder: Path, run: str) -> str:
    """Moves back what is in the trash. Doing it twice does no harm: the second time, there is nothing left to move."""
    trash = folder / ".trash" / run
    (trash / BACK).touch()
    for each in trash.iterdir():
        if each.name != BACK:
            each.rename(folder / each.name)
    return "The files are back."


if __name__ == "__main__":
    print(main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
