"""`python -m bot backup FOLDER`: copies the records and the graphs' state of SQLite, as they are at one moment."""

from __future__ import annotations

import argparse
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from bot import stores
from bot.approvals.model.errors import SettingsError
from bot.private_files import private_folder
from bot.settings import load_store
from bot.storage.sqlite.backup import copy_at_one_moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What was typed."""

    env_file: Path
    folder: Path

    @classmethod
    def of(cls, typed: argparse.Namespace) -> Self:
        return cls(env_file=typed.env_file, folder=typed.folder)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where to: a folder that is not there yet")
    parser.add_argument("--env-file", type=Path, default=Path(".env"), help="read this file instead of .env")


def main(options: Options) -> int:
    """Makes the copy, also while the bot runs, and prints the audit log's head in it. Returns the exit code.

    The folder is there once its content is complete. Raises SettingsError if it cannot be made, or if the records are
    not in SQLite.
    """
    settings = load_store(options.env_file)
    if settings.redis_url is not None:
        raise SettingsError(
            "REDIS_URL is set, so the records are in Redis, which copies itself: redis-cli --rdb FILE. "
            "docs/guides/backup.md says how to restore that."
        )
    records = settings.state_dir / stores.RECORDS
    if not records.exists():
        raise SettingsError(f"STATE_DIR {settings.state_dir}: there are no records in it. Start the bot once.")
    if options.folder.exists():
        raise SettingsError(f"{options.folder} is there already: name a folder that is not, such as one with the date.")
    unfinished = options.folder.with_name(f"{options.folder.name}.unfinished")
    try:
        shutil.rmtree(unfinished, ignore_errors=True)
        private_folder(unfinished)
        head = copy_at_one_moment(records, [settings.state_dir / stores.CHECKPOINTS], unfinished)
        unfinished.rename(options.folder)
    except OSError as error:
        raise SettingsError(f"{options.folder} cannot be written ({error}).") from None
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    sys.stdout.write(f"The records and the graphs' state are in {options.folder}.\nhead {head}\n")
    return 0
