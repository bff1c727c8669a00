"""`python -m bot policy reload`: has the bot that runs on this machine use the policy file as it is now."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bot import settings
from bot.app.identity import bot_of
from bot.printable import printable
from bot.runtime.children import Words
from bot.runtime.control import Peer, supervisors

ANSWER_SECONDS: Final = 60.0
"""How long a bot may take to answer. One that is starting answers when all its roles are ready."""
_GONE: Final = "The bot ended, or did not answer in time. `countersign check` says whether one runs."


def reload(env_file: Path) -> int:
    """Has it read, and says what has changed. Returns 0, or 1 if nothing was changed because the file is wrong or no
    bot runs here."""
    loaded = settings.load_worker(env_file)
    with supervisors(loaded.state_dir) as found:
        ours = [(peer, about) for peer, about in found if about.get("bot") == bot_of(loaded)]
        if not ours:
            why = "the one that runs there has another token, or another REDIS_URL" if found else "none runs there"
            return _failed(
                f"No bot of these settings runs on this machine with STATE_DIR {loaded.state_dir}: {why}. Nothing was "
                "changed. A bot reads the policy file when it starts."
            )
        problems, offers = _offers([peer for peer, _ in ours])
        if not problems and len({offer["digest"] for offer in offers}) > 1:
            files = " and ".join(sorted({offer["file"] for offer in offers}))
            problems = [f"Several bots run here, and read different policies: {files}."]
        if problems:
            for peer, _ in ours:
                peer.say(drop=True)
            return _failed(*dict.fromkeys(problems), "Nothing was changed.")
        return _use([peer for peer, _ in ours], offers[0], everywhere=loaded.redis_url is None)


def _offers(peers: Sequence[Peer]) -> tuple[list[str], list[Words]]:
    """What is wrong with what the file says, and what each bot would use."""
    for peer in peers:
        peer.say(reload=True)
    until = time.monotonic() + ANSWER_SECONDS
    answers = [peer.heard(max(until - time.monotonic(), 0)) for peer in peers]
    problems = [str(answer["problem"]) if "problem" in answer else "" for answer in answers if answer is not None]
    problems += [_GONE for answer in answers if answer is None]
    return [problem for problem in problems if problem], [answer for answer in answers if answer is not None]


def _use(peers: Sequence[Peer], offer: Words, *, everywhere: bool) -> int:
    for peer in peers:
        peer.say(use=True)
    until = time.monotonic() + ANSWER_SECONDS
    answers = [peer.heard(max(until - time.monotonic(), 0)) for peer in peers]
    problems = [_GONE if answer is None else str(answer.get("problem", "")) for answer in answers]
    if any(problems):
        return _failed(*dict.fromkeys(filter(None, problems)))
    lines = [f"{offer['file']} is in use.", *(f"  {change}" for change in offer["changes"])]
    lines += [] if offer["changes"] else ["  Nothing in it has changed."]
    lines += [f"  {answer['late']}" for answer in answers if answer is not None and answer.get("late")]
    lines += ["Open requests keep their policy; `policy apply` puts them under another."] if offer["changes"] else []
    lines += [] if everywhere else ["If the bot runs on other machines too, have it read there as well."]
    sys.stdout.write("\n".join(map(printable, lines)) + "\n")
    return 0


def _failed(*lines: str) -> int:
    sys.stderr.write("".join(f"{printable(line)}\n" for each in lines for line in each.splitlines()))
    return 1
