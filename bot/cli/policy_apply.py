"""`python -m bot policy apply`: applies the policy file as it is now to open requests. The bot may run meanwhile."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

from bot import policy_file, settings, stores
from bot.approvals.model.errors import AlreadySettled, SettingsError
from bot.approvals.model.ids import RequestId, TaskId
from bot.approvals.model.request import Pending
from bot.approvals.ports.storage import Storage
from bot.approvals.services.people.eligibility import Eligibility
from bot.approvals.services.policies.amendment import Amended, Amending
from bot.approvals.services.policies.choice import PolicyChoice
from bot.cli.operator_name import operator
from bot.slack.api.calls import web_client
from bot.slack.api.directory import SlackDirectory


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What was typed."""

    requests: tuple[str, ...]
    task: str | None
    env_file: Path

    @classmethod
    def of(cls, parsed: argparse.Namespace) -> Options:
        """The parsed command line."""
        return cls(requests=tuple(parsed.requests), task=parsed.task, env_file=parsed.env_file)


def add_options(parser: argparse.ArgumentParser) -> None:
    """`REQUEST_ID ...`, or `--task` for all open requests of a task."""
    parser.add_argument("requests", nargs="*", metavar="REQUEST_ID", help="the id at the end of the card")
    parser.add_argument("--task", help="all open requests of this task")
    parser.add_argument("--env-file", type=Path, default=Path(".env"), help="read this file instead of .env")


async def apply(options: Options) -> int:
    """Applies it and prints what changed. Returns 0, or 1 if one of the requests is no longer open. Raises
    CountersignError if one cannot be changed."""
    loaded = settings.load(options.env_file)
    client = web_client(loaded.slack_bot_token.get_secret_value(), loaded.slack_api_url)
    directory = SlackDirectory(client)
    policy_choice = PolicyChoice(policies=policy_file.load(loaded.policy_file), directory=directory)
    closed = 0
    async with stores.timed_records(loaded) as (storage, clock):
        amending = Amending(storage=storage, policy_choice=policy_choice, eligibility=Eligibility(directory=directory))
        for request_id in await _wanted(storage, options):
            try:
                amended = await amending.apply(request_id, operator(), clock())
            except AlreadySettled:
                sys.stdout.write(f"{request_id}: is no longer open. Nothing was changed.\n")
                closed += 1
            else:
                sys.stdout.write(f"{request_id}: {said(amended)}\n")
    return 1 if closed else 0


async def _wanted(storage: Storage, options: Options) -> list[RequestId]:
    named = [RequestId(each) for each in options.requests]
    if options.task is not None:
        task = await storage.task(TaskId(options.task))
        named += [each.id for each in await storage.requests_of(task.id) if isinstance(each.state, Pending)]
    if not named:
        raise SettingsError("There is no open request to apply it to. Give the id at the end of a card.")
    return list(dict.fromkeys(named))


def said(amended: Amended, *, planned: bool = False) -> str:
    """What changed, in words; or what would change, if it is only `planned`."""
    if not amended.changed:
        return f"already has the policy `{amended.after.policy.name}`. Nothing was changed."
    before, after = amended.before, amended.after
    has, would = ("would have", "would ") if planned else ("now has", "")
    if amended.reworded:
        labels = "would have the labels of the file" if planned else "has the labels of the file now"
        return f"its card {labels}. Answers stay."
    asks = f"{'would ask' if planned else 'asks'} {', '.join(after.approvers) or 'nobody'}"
    words = [f"{has} the policy `{after.policy.name}` instead of `{before.policy.name}`. It {asks}."]
    words += [f"{name} {why}." for name, why in after.unknown.items()]
    if after.version != before.version:
        words.append(f"Earlier answers {would}no longer count.")
    if after.open.short:
        words.append(f"{after.stage.needed} people must agree, but only {after.stage.needed - after.open.short} can.")
    return " ".join(words)
