"""Finds names in a policy that resolve to nobody, and quorums that too few people can meet, before anybody waits for
them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.approvals.model.ids import Person
from bot.approvals.model.people import Member
from bot.approvals.model.policy import Escalate, Policy, Stage, Via
from bot.approvals.model.token import Scope, Token
from bot.approvals.ports.slack import Directory, LookupRefused
from bot.approvals.rules.eligible import EligibleApprovers, is_eligible, missing
from bot.approvals.rules.matching import Policies, is_key, names_one
from bot.approvals.services.people.lookup import look_up, meant


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffedStage:
    """Who could answer a stage if it were opened now."""

    stage: Stage
    groups: tuple[tuple[Member, ...], ...]
    """The eligible people of each group, without those whom a key of the question names."""
    short: int
    """How many of the answers that the stage needs cannot be given, because too few people are eligible."""

    @property
    def able(self) -> frozenset[Person]:
        return frozenset(member.person for group in self.groups for member in group)


async def staffed(stage: Stage, directory: Directory) -> StaffedStage:
    """Who could answer the stage now. Raises `LookupFailed` if Slack does not say."""
    people = [await meant(directory, group.approvers) for group in stage.groups]
    named = await meant(directory, [ref for ref in stage.approvers if names_one(ref)])
    approvers = EligibleApprovers(groups=tuple(people), named=named)
    members = {person: await directory.member(person) for person in sorted(approvers.people, key=_id)}
    groups = tuple(
        tuple(member for person, member in members.items() if person in group and is_eligible(member, approvers))
        for group in people
    )
    able = {member.person for group in groups for member in group}
    return StaffedStage(stage=stage, groups=groups, short=sum(missing(stage.groups, approvers, able)))


async def unmet(policy: Policy, directory: Directory) -> list[str]:
    """A sentence for each name in the policy that resolves to nobody or to no channel, and for each quorum that cannot
    be met. Raises `LookupFailed` if Slack does not say."""
    found: list[str] = []
    for stage in policy.stages:
        found += await _of_stage(stage, directory)
    for ref in policy.undo.approvers:
        if not is_key(ref) and (sentence := await _nobody_by(ref, directory)):
            found.append(sentence)
    if policy.channel and (sentence := await _nowhere_by(policy.channel, directory)):
        found.append(sentence)
    return list(dict.fromkeys(found))


async def unmatched(policies: Policies, directory: Directory) -> list[str]:
    """A sentence for each name in a rule's `requester` or `channel` that resolves to nobody or to no channel."""
    found = [await _nobody_by(ref, directory) for ref in policies.requesters]
    found += [await _nowhere_by(ref, directory) for ref in policies.channels]
    return [sentence for sentence in found if sentence]


def untied(policies: Policies) -> list[str]:
    """A sentence for each rule that approves without a person, no matter which graph or program asks."""
    return [
        f"the rule {rule.policy.name} approves without a person, whatever graph asks. An action's name is no more than "
        "what its graph calls it: say in its match which graphs or sources it is for."
        for rule in policies.rules
        if rule.policy.auto is not None and rule.policy.auto.approve and not {*rule.graphs, *rule.sources} - {"*"}
    ]


def unheard(policies: Policies, tokens: Iterable[Token], now: datetime) -> list[str]:
    """A sentence for each token that a policy lists under `via` and through which nobody can vote."""
    known = {token.name: token for token in tokens}
    named = dict.fromkeys(name for policy in policies.policies for name in policy.via)
    whys = {name: _why_unheard(known.get(name), now) for name in named}
    return [f"via names {name}, but nobody can vote through it: {why}." for name, why in whys.items() if why]


def _why_unheard(token: Token | None, now: datetime) -> str:
    if token is None:
        return "there is no token of that name"
    if not token.lives(now):
        return "the token is expired or revoked"
    return "" if Scope.VOTES in token.scopes else "the token lacks the scope votes"


async def _of_stage(stage: Stage, directory: Directory) -> list[str]:
    found: list[str] = []
    escalations = [step.action for step in stage.steps if isinstance(step.action, Escalate)]
    by_dm = [ref for each in escalations if each.via is Via.DM or each.adds for ref in each.to]
    for ref in dict.fromkeys((*stage.approvers, *by_dm)):
        if not is_key(ref) and (sentence := await _nobody_by(ref, directory)):
            found.append(sentence)
    for ref in dict.fromkeys(ref for each in escalations if each.via is Via.CHANNEL for ref in each.to):
        if sentence := await _nowhere_by(ref, directory):
            found.append(sentence)
    if any(is_key(ref) for ref in stage.approvers):
        return found  # only a question says who that is
    staffing = await staffed(stage, directory)
    if staffing.short:
        where = f"in its stage {stage.name}, " if stage.name else ""
        found.append(f"{where}{stage.needed} have to agree, and {_counted(staffing, stage.groups)} may answer.")
    return found


def _counted(staffing: StaffedStage, groups: Sequence[object]) -> str:
    if len(groups) == 1:
        return f"{len(staffing.able)} of its approvers"
    return f"only {staffing.stage.needed - staffing.short} of its groups' people, each counted once,"


async def _nobody_by(ref: str, directory: Directory) -> str:
    """A sentence about what is wrong with a name of people; empty if nothing is wrong."""
    found = await look_up(directory, ref)
    if isinstance(found, LookupRefused):
        return f"{ref} {found}."
    return "" if found else f"{ref} is nobody in this workspace. Correct it in the policy file."


async def _nowhere_by(ref: str, directory: Directory) -> str:
    """A sentence about what is wrong with a name of a channel; empty if nothing is wrong."""
    try:
        if await directory.channel(ref) is not None:
            return ""
    except LookupRefused as refused:
        return f"{ref} {refused}."
    return f"there is no channel {ref} that the bot can see. Correct it in the policy file, or invite the bot."


def _id(person: Person) -> str:
    return person.user_id
