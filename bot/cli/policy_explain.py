"""`python -m bot policy explain <payload.json>`: says which rule applies to an interrupt, who would be asked, and when
each step would come. It records nothing and tells nobody."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import assert_never

from bot import policy_file, settings
from bot.approvals.model.caller import Caller
from bot.approvals.model.errors import SettingsError
from bot.approvals.model.hours import Hours, moment
from bot.approvals.model.ids import JSON, ChannelId, Person, Program, TaskId, TeamId, ThreadId, UserId
from bot.approvals.model.policy import (
    CardTerms,
    CloseWindow,
    Consent,
    Escalate,
    Expire,
    Overdue,
    Pick,
    Policy,
    Remind,
    Stage,
    Step,
    Via,
    Warn,
)
from bot.approvals.model.question import Question, Verdict
from bot.approvals.model.server import OnServer
from bot.approvals.model.task import Task
from bot.approvals.ports.slack import LookupFailed
from bot.approvals.rules import windows
from bot.approvals.rules.matching import ConditionFailed, Facts, Policies, bound
from bot.approvals.services.adoption import nobody
from bot.approvals.services.people.staffing import staffed, unmet
from bot.approvals.services.policies.choice import PolicyChoice
from bot.cli.policy_afterwards import after_the_decision, undo_window, written
from bot.durations import spoken
from bot.engines import questions
from bot.printable import printable
from bot.slack.api.calls import web_client
from bot.slack.api.directory import SlackDirectory

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line says about the interrupt, and where the settings are."""

    payload: Path
    graph: str
    source: str
    server: str
    requester: str
    channel: str
    env_file: Path

    @classmethod
    def of(cls, parsed: argparse.Namespace) -> Options:
        """The parsed command line."""
        return cls(
            payload=parsed.payload,
            graph=parsed.graph,
            source=parsed.source,
            server=parsed.server,
            requester=parsed.requester,
            channel=parsed.channel,
            env_file=parsed.env_file,
        )


def add_options(parser: argparse.ArgumentParser) -> None:
    """`<payload.json>`, and whatever else a rule may match."""
    parser.add_argument("payload", type=Path, help="a JSON file with the value that the graph passes to interrupt()")
    parser.add_argument("--graph", default="", help="the graph that asks")
    parser.add_argument("--source", default="", help="the program that asks through the HTTP API, in place of a graph")
    parser.add_argument("--server", default="", help="the LangGraph Server that the graph runs on")
    parser.add_argument("--requester", default="", help="the user id of the person who started the task")
    parser.add_argument("--channel", default="", help="the id of the channel in which the task was started")
    parser.add_argument("--env-file", type=Path, default=Path(".env"), help="read this file instead of .env")


async def explain(options: Options) -> int:
    """Prints the explanation. Returns 0, or 1 if it cannot be told which rule applies. Raises SettingsError if a file
    cannot be read."""
    question = questions.read(_read(options.payload))
    policies, directory, unknown = _loaded(options.env_file)
    team = TeamId("")
    if directory is not None:
        try:
            team = await directory.team_id()
        except LookupFailed:
            directory = None
            unknown = (
                "Names are not looked up: Slack does not answer, or does not accept SLACK_BOT_TOKEN. "
                "`python -m bot check` says more."
            )
    task = _task(options, team)
    try:
        if directory is None:
            facts = Facts(
                graph=task.graph,
                source=options.source,
                server=options.server,
                channel=task.channel,
                requester=task.requester,
                inputs={},
                question=question,
            )
        else:
            facts = await PolicyChoice(policies=policies, directory=directory).facts(task, question)
        lines, governing = _rules(policies, facts)
        lines = [*([unknown, ""] if unknown else []), *lines]
        if governing is not None:
            lines += await _explained(governing, policies, question, task, directory)
    except LookupFailed as failed:
        raise SettingsError(
            f"Slack did not answer ({failed}). Try again, or run this without SLACK_BOT_TOKEN."
        ) from failed
    sys.stdout.write("\n".join(map(printable, lines)) + "\n")
    return 0 if governing is not None else 1


async def _explained(
    governing: Policy, policies: Policies, question: Question, task: Task, directory: SlackDirectory | None
) -> list[str]:
    """What holds for the question under the policy that governs it."""
    now = datetime.now(UTC)
    policy = windows.under(bound(governing, question), question, task.requester)
    card = _card(policies.cards.get(task.graph, CardTerms()), question)
    if question.window is not None:
        window = await undo_window(policy, question, question.window, task, directory, now)
        return [*window, *_everywhere(policy), *card, *await _wrong(policy, directory)]
    return [
        *_policy(policy, task),
        *card,
        *await _people(policy, directory),
        *_times(policy, now),
        *await after_the_decision(governing, question, task, directory),
    ]


def _task(options: Options, team: TeamId) -> Task:
    """The task that would ask. A program or a thread on a server that names nobody is the requester itself."""
    person = Person(team_id=team, user_id=UserId(options.requester))
    itself = Program(name=options.source) if options.source else nobody(options.server) if options.server else person
    return Task(
        id=TaskId("explained"),
        thread_id=ThreadId(""),
        graph=options.graph or options.source,
        inputs={},
        requester=person if options.requester else itself,
        channel=ChannelId(options.channel),
        created_at=datetime.now(UTC),
        caller=Caller(source=options.source, token="", key="", body="") if options.source else None,
        server=OnServer(name=options.server) if options.server else None,
    )


def _read(path: Path) -> JSON:
    """The value that the graph would pass to `interrupt(...)`."""
    try:
        value: JSON = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path}: this is not a JSON value ({error}).") from None
    return value


def _loaded(env_file: Path) -> tuple[Policies, SlackDirectory | None, str]:
    """The policies, Slack's directory, and why names cannot be looked up, if they cannot (for lack of settings)."""
    try:
        loaded = settings.load(env_file)
    except SettingsError as error:
        path = Path(os.environ.get("POLICY_FILE", "policies.yaml"))
        return policy_file.load(path), None, f"Names are not looked up: {str(error).splitlines()[0]}"
    client = web_client(loaded.slack_bot_token.get_secret_value(), loaded.slack_api_url)
    return policy_file.load(loaded.policy_file), SlackDirectory(client), ""


# --- Which rule ---------------------------------------------------------------------------------


def _rules(policies: Policies, facts: Facts) -> tuple[list[str], Policy | None]:
    title = facts.question.title or "has no title, so its card begins with what tells most"
    asks = [f"The agent runs on the server {facts.server}."] if facts.server else []
    lines = [f"The question: {title}", *asks, "", "Which rule applies (the first that matches):"]
    for number, rule in enumerate(policies.rules, start=1):
        try:
            objection = rule.objection(facts)
        except ConditionFailed as failed:
            lines.append(f"  {number}. {rule.policy.name}: cannot be worked out. {failed}")
            lines.append("Nobody is asked: the task stops and says so, until the rule or the question is corrected.")
            return lines, None
        if not objection:
            lines.append(f"  {number}. {rule.policy.name}: governs")
            return lines, rule.policy
        lines.append(f"  {number}. {rule.policy.name}: does not, as {objection}")
    lines.append("  defaults: govern, as no rule does")
    return lines, policies.otherwise


# --- Who ----------------------------------------------------------------------------------------


def _policy(policy: Policy, task: Task) -> list[str]:
    lines = [""]
    if policy.auto is not None:
        answer = "approved" if policy.auto.approve else "rejected"
        lines += [
            f"It is {answer} at once, without a person: {policy.auto.why}",
            "Where the question does not take that answer, people are asked:",
        ]
    terms = [
        _requester(policy, task),
        f"Must say why: {_listed(policy.reasons)}." if policy.reasons else "Nobody has to say why.",
        *(["Slack asks once more before an approval."] if policy.confirm else []),
        *([f"One who may answer can put a deadline off once, by {spoken(policy.extend)}."] if policy.extend else []),
        *_everywhere(policy),
    ]
    return [*lines, *terms]


def _everywhere(policy: Policy) -> list[str]:
    """The terms that hold for approvals and for undo windows."""
    return [
        *(["Its card names the actions alone; those who may answer open the rest."] if policy.private else []),
        *([f"Its card stands in {policy.channel} as well as in the task's thread."] if policy.channel else []),
        *([f"A place of the graph may ask {policy.max_rounds} times."] if policy.max_rounds else []),
        *([f"Answers through {' or '.join(policy.via)} count as well as those in Slack."] if policy.via else []),
        *([f"Values of these keys are hidden: {', '.join(policy.mask)}."] if policy.mask else []),
    ]


def _card(terms: CardTerms, question: Question) -> list[str]:
    """What the file and the question say about how the card looks."""
    first = list(dict.fromkeys((*terms.keys, *question.summary)))
    return [
        *([f"Its card shows first: {', '.join(first)}."] if first else []),
        *([f"Its card says {label} for {name}." for name, label in terms.labels.items()]),
    ]


def _requester(policy: Policy, task: Task) -> str:
    if isinstance(task.requester, Program):
        return "No person asks for it, so everybody who is named may answer."
    if policy.self_approval:
        return "The requester may answer too."
    if policy.self_answer:
        return "The requester may not approve, and may answer questions that approve nothing."
    return "The requester may not answer."


async def _people(policy: Policy, directory: SlackDirectory | None) -> list[str]:
    lines = [""]
    for number, stage in enumerate(policy.stages, start=1):
        lines.append(f"{_stage_name(policy, stage, number)} asks:")
        staffing = await staffed(stage, directory) if directory is not None else None
        for index, group in enumerate(stage.groups):
            names = ", ".join(member.name for member in staffing.groups[index]) if staffing is not None else ""
            known = f" ({names or 'nobody'})" if staffing is not None else ""
            lines.append(f"  {group.needed} of {', '.join(group.approvers) or 'nobody'}{known}")
        lines.append(f"  {_rejections(stage)}")
    return [*lines, *await _wrong(policy, directory)]


async def _wrong(policy: Policy, directory: SlackDirectory | None) -> list[str]:
    """The names that mean nobody, and the quorums that cannot be met. Nothing if names are not looked up."""
    return [f"  wrong: {sentence}" for sentence in await unmet(policy, directory)] if directory is not None else []


def _rejections(stage: Stage) -> str:
    return "one rejection settles it" if stage.reject_quorum == 1 else f"{stage.reject_quorum} rejections settle it"


# --- When ---------------------------------------------------------------------------------------


def _times(policy: Policy, now: datetime) -> list[str]:
    lines = ["", f"If it were asked now, {written(now)}{_hours(policy.hours)}:"]
    for number, stage in enumerate(policy.stages, start=1):
        if len(policy.stages) > 1:
            since = "" if number == 1 else ", if the one before agreed now"
            lines.append(f"  {_stage_name(policy, stage, number)}{since}:")
        coming = [*stage.steps]
        if stage.remind_every is not None:
            coming.append(Step(after=stage.remind_every, action=Remind()))
        steps = sorted(coming, key=lambda step: (step.after, step.at_deadline))
        if not any(step.at_deadline for step in steps):
            steps_words = ["    there is no deadline: it waits until somebody answers"]
        else:
            steps_words = []
        lines += [f"    {words}" for step in steps for words in _step(policy, stage, step, now)]
        lines += steps_words
    return lines


def _step(policy: Policy, stage: Stage, step: Step, now: datetime) -> Iterator[str]:
    at = written(moment(now, step.after, policy.hours))
    regular = isinstance(step.action, Remind) and step.after == stage.remind_every
    again = f", and again every {spoken(step.after)}" if regular else ""
    yield f"after {spoken(step.after)}, {at}: {_does(step)}{again}"


def _does(step: Step) -> str:
    match step.action:
        case Remind():
            return "a reminder in the task's thread"
        case Warn():
            return "a warning that the deadline is near"
        case Escalate(to=to, via=via, adds=adds):
            way = "the card by direct message to" if via is Via.DM else "the card in"
            return f"{way} {', '.join(to)}{', who may answer from then on' if adds else ''}"
        case Expire():
            return "it expires; the graph is told that nobody answered"
        case Consent():
            return "silence approves it"
        case Pick(choice=choice):
            return f"silence chooses {choice}"
        case Overdue():
            return "it is overdue and keeps waiting"
        case CloseWindow():
            return "it can no longer be undone, and stays as it is"
        case never:
            assert_never(never)


def _hours(hours: Hours | None) -> str:
    if hours is None:
        return ""
    days = ", ".join(DAYS[day] for day in hours.days)
    zone = f"in {hours.zone}" if hours.zone else "of each approver's own zone (here: UTC)"
    return f", and only {hours.start:%H:%M} to {hours.end:%H:%M} on {days} {zone} counts"


def _stage_name(policy: Policy, stage: Stage, number: int) -> str:
    if len(policy.stages) == 1:
        return f"The policy `{policy.name}`"
    return f"Stage {number} of {len(policy.stages)}{f', {stage.name},' if stage.name else ''}"


def _listed(reasons: tuple[Verdict, ...]) -> str:
    return " and ".join("an approval" if each is Verdict.APPROVE else "a rejection" for each in reasons)
