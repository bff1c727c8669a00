"""Builds `Policies` from what the file says. A rule's keys replace the defaults'; contradictions are refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from bot.approvals.model.errors import SettingsError
from bot.approvals.model.hours import Hours
from bot.approvals.model.policy import (
    Action,
    Auto,
    CardTerms,
    Consent,
    Escalate,
    Expire,
    GraphTerms,
    Group,
    OnStale,
    Overdue,
    Pick,
    Policy,
    Route,
    Stage,
    Step,
    UndoTerms,
    Via,
    Warn,
)
from bot.approvals.model.question import Verdict
from bot.approvals.rules.matching import Policies, Rule, names_one
from bot.policy_file import terms
from bot.policy_file.conditions import Evaluator
from bot.policy_file.places import Place
from bot.policy_file.terms import Approvals, Document, HoursTerms, Match, RuleTerms, StageTerms, UndoEntry

WHO = ("approvers", "groups", "sequence")
"""The three keys that say who is asked. If a rule has one of them, it replaces all three of the defaults."""
_REASONS: Mapping[str, tuple[Verdict, ...]] = {
    "reject": (Verdict.REJECT,),
    "approve": (Verdict.APPROVE,),
    "both": (Verdict.APPROVE, Verdict.REJECT),
    "never": (),
}


def policies(place: Place, read: Document) -> Policies:
    """The policies of the file. Raises `SettingsError` if the file contradicts itself."""
    defaults = terms.said(read.defaults)
    if "auto" in defaults:
        raise SettingsError(
            f"{place.at('defaults', 'auto')}: here it would answer every question that no rule matches. Write it in "
            "a rule with a match."
        )
    evaluator = Evaluator()
    rules = tuple(_rule(place.at("rules", number), rule, defaults, evaluator) for number, rule in enumerate(read.rules))
    evaluator.rest()  # the processes that are forked from here on start one when they need it
    _refuse_unreached(place, read.rules)
    return Policies(
        rules=rules,
        otherwise=_policy(place.at("defaults"), "defaults", defaults, {}),
        graphs={name: _graph_terms(said) for name, said in read.approvals.items()},
        cards={name: CardTerms(labels=said.labels or {}, keys=said.keys or ()) for name, said in read.cards.items()},
    )


def _rule(place: Place, rule: RuleTerms, defaults: Mapping[str, Any], evaluator: Evaluator) -> Rule:
    own = {key: value for key, value in terms.said(rule).items() if key not in ("name", "match")}
    match = rule.match
    try:
        when = evaluator.compiled(match.when) if match.when is not None else None
    except ValueError as error:
        raise SettingsError(f"{place.at('match', 'when')}: {error}.") from None
    return Rule(
        policy=_policy(place, rule.name, own, defaults),
        graphs=match.graph or (),
        sources=match.source or (),
        servers=match.server or (),
        actions=match.action or (),
        risks=tuple(str(risk) for risk in match.risk or ()),
        requesters=match.requester or (),
        channels=match.channel or (),
        when=when,
        condition=match.when or "",
    )


def _refuse_unreached(place: Place, rules: Sequence[RuleTerms]) -> None:
    """Raises `SettingsError` if two rules have one name, or if a rule is never reached."""
    for number, rule in enumerate(rules):
        if rule.name in [each.name for each in rules[:number]]:
            raise SettingsError(f"{place.at('rules', number, 'name')}: another rule has this name. Give it its own.")
        if rule.match == Match() and number + 1 < len(rules):
            raise SettingsError(
                f"{place.at('rules', number)}: it matches everything, so no rule after it is ever reached. Give it a "
                "match, or put it last."
            )


def _graph_terms(said: Approvals) -> GraphTerms:
    route = None if said.reject is None else Route(as_node=said.reject.as_node, values=said.reject.values)
    unbound = said.bind.leave_out if said.bind is not None else ()
    return GraphTerms(answer=said.answer or "", unbound=unbound, reject=route)


# --- A policy -----------------------------------------------------------------------------------


def _policy(place: Place, name: str, own: Mapping[str, Any], defaults: Mapping[str, Any]) -> Policy:
    _refuse_two_ways(place, own)
    inherited = dict(defaults)
    if any(key in own for key in WHO):
        inherited = {key: value for key, value in inherited.items() if key not in (*WHO, "quorum")}
    said = {**inherited, **own}
    auto = _auto(place, own)
    stages = _stages(place, said, own)
    if "extend" in own and all(stage.deadline is None for stage in stages):
        raise SettingsError(f"{place.at('extend')}: there is no deadline to extend. Set one, or leave this out.")
    return Policy(
        name=name,
        stages=stages,
        self_approval=said.get("self_approval", False),
        guests=said.get("guests", False),
        self_answer=said.get("self_answer", True),
        reasons=_REASONS[said.get("reason_required", "reject")],
        hours=_hours(place, said.get("hours")),
        channel=said.get("channel", ""),
        private=said.get("private", False),
        confirm=said.get("confirm", False),
        auto=auto,
        extend=said.get("extend"),
        max_rounds=said.get("max_rounds"),
        via=tuple(dict.fromkeys(said.get("via", ()))),
        mask=tuple(dict.fromkeys((*defaults.get("mask", ()), *own.get("mask", ())))),
        hold=said.get("hold", timedelta()),
        valid_for=said.get("valid_for") or None,
        on_stale=_on_stale(place, said, own),
        undo=_undo(place, said.get("undo")),
    )


def _refuse_two_ways(place: Place, own: Mapping[str, Any]) -> None:
    ways = [key for key in WHO if key in own]
    if len(ways) > 1:
        raise SettingsError(f"{place.at(ways[1])}: {ways[0]} already says who is asked. Keep one of the two.")
    if ways and ways[0] != "approvers" and "quorum" in own:
        each = "group" if ways == ["groups"] else "stage"
        raise SettingsError(f"{place.at('quorum')}: each {each} has its own quorum. Set it there.")


def _auto(place: Place, own: Mapping[str, Any]) -> Auto | None:
    if "auto" not in own:
        return None
    asking = [key for key in (*WHO, "quorum", "on_timeout", "confirm", "private") if key in own]
    if asking:
        raise SettingsError(f"{place.at(asking[0])}: auto asks nobody, so this has no effect. Keep one of the two.")
    ((answer, why),) = own["auto"].items()
    return Auto(approve=answer == "approve", why=why.strip())


def _on_stale(place: Place, said: Mapping[str, Any], own: Mapping[str, Any]) -> OnStale:
    if "on_stale" in own and not said.get("valid_for"):
        raise SettingsError(f"{place.at('on_stale')}: this needs valid_for. Set one, or leave this out.")
    found: OnStale = said.get("on_stale", OnStale.ASK)
    return found


def _undo(place: Place, said: UndoEntry | None) -> UndoTerms:
    if said is None:
        return UndoTerms()
    if not said.approvers and not said.requester:
        raise SettingsError(
            f"{place.at('undo', 'requester')}: nobody may undo anything. Name who may beside it: "
            'approvers: ["@ops-leads", U012AB3CD]'
        )
    return UndoTerms(approvers=tuple(dict.fromkeys(said.approvers or ())), requester=said.requester)


def _stages(place: Place, said: Mapping[str, Any], own: Mapping[str, Any]) -> tuple[Stage, ...]:
    if "sequence" not in said:
        return (_stage(place, said, own),)
    where = place if "sequence" in own else Place(path=place.path, tree=place.tree, loc=("defaults",))
    around = {key: value for key, value in said.items() if key in StageTerms.model_fields}
    found = []
    for number, stage in enumerate(said["sequence"]):
        its_own = terms.said(stage)
        at = where.at("sequence", number)
        _refuse_two_ways(at, its_own)
        found.append(_stage(at, {**around, **its_own}, {**own, **its_own}, name=stage.name))
    return tuple(found)


def _stage(place: Place, said: Mapping[str, Any], own: Mapping[str, Any], *, name: str = "") -> Stage:
    groups = _groups(place, said)
    able = [ref for group in groups for ref in group.approvers]
    needed = sum(group.needed for group in groups)
    if all(names_one(ref) for ref in able) and len(set(able)) < needed and not _adds(said):
        raise SettingsError(
            f"{place.at('quorum')}: {needed} people have to agree, but only {len(set(able))} are named, so "
            "nothing could ever be approved."
        )
    return Stage(
        groups=groups,
        name=name,
        steps=_steps(place, said, own),
        remind_every=said.get("remind_every"),
        reject_quorum=said.get("reject_quorum", 1),
    )


def _groups(place: Place, said: Mapping[str, Any]) -> tuple[Group, ...]:
    if "groups" in said:
        if "quorum" in said:
            raise SettingsError(f"{place.at('quorum')}: each group has its own quorum. Set it there.")
        return tuple(Group(approvers=each.approvers, needed=each.quorum) for each in said["groups"])
    if "approvers" not in said:
        raise SettingsError(
            f'{place.at("approvers")}: nobody may answer. Name who may: approvers: ["@ops-leads", U012AB3CD]'
        )
    return (Group(approvers=tuple(said["approvers"]), needed=said.get("quorum", 1)),)


def _adds(said: Mapping[str, Any]) -> bool:
    return any(escalation.add_approvers for escalation in said.get("escalate", ()))


# --- Deadlines and reminders --------------------------------------------------------------------


def _steps(place: Place, said: Mapping[str, Any], own: Mapping[str, Any]) -> tuple[Step, ...]:
    deadline = said.get("deadline")
    steps: list[Step] = []
    for number, each in enumerate(said.get("escalate", ())):
        at = place.at("escalate", number)
        if deadline is not None and each.after >= deadline:
            raise SettingsError(f"{at.at('after')}: it would not come before deadline. {_COUNTED}")
        if each.via == "channel" and not all(ref.startswith(("#", "C", "G")) for ref in each.to):
            raise SettingsError(f'{at.at("to")}: with as: channel, only channels can be named, such as ["#on-call"].')
        steps.append(Step(after=each.after, action=Escalate(to=each.to, via=Via(each.via), adds=each.add_approvers)))
    every = said.get("remind_every")
    if deadline is not None and every is not None and every >= deadline:
        raise SettingsError(f"{place.at('remind_every')}: it would not come before deadline. {_COUNTED}")
    if deadline is None:
        _refuse_without_deadline(place, own)
        return tuple(sorted(steps, key=lambda step: step.after))
    if (before := said.get("warn_before")) is not None:
        if before >= deadline:
            raise SettingsError(f"{place.at('warn_before')}: it would come before the question. {_COUNTED}")
        steps.append(Step(after=deadline - before, action=Warn()))
    steps.append(Step(after=deadline, action=_in_silence(place, said, own)))
    return tuple(sorted(steps, key=lambda step: (step.after, step.at_deadline)))


_COUNTED = "All times are counted from the moment the question is asked; warn_before is counted back from the deadline."


def _refuse_without_deadline(place: Place, own: Mapping[str, Any]) -> None:
    for key in ("warn_before", "on_timeout", "i_accept_silence"):
        if key in own:
            raise SettingsError(f"{place.at(key)}: this needs a deadline. Set one, or leave this out.")


def _in_silence(place: Place, said: Mapping[str, Any], own: Mapping[str, Any]) -> Action:
    """What happens at the deadline. A rule with its own `on_timeout` does not inherit `i_accept_silence`."""
    wanted = said.get("on_timeout", "reject")
    accepted = (own if "on_timeout" in own else said).get("i_accept_silence")
    if wanted == "approve" and accepted is not True:
        raise SettingsError(
            f"{place.at('on_timeout')}: this would take silence for a yes. If you mean that, write "
            "i_accept_silence: yes beside it."
        )
    if "i_accept_silence" in own and wanted != "approve":
        raise SettingsError(f"{place.at('i_accept_silence')}: this has no effect, because on_timeout is not approve.")
    match wanted:
        case "approve":
            return Consent()
        case {"choose": choice}:
            return Pick(choice=choice)
        case "wait":
            return Overdue()
        case _:
            return Expire()


def _hours(place: Place, said: HoursTerms | None) -> Hours | None:
    if said is None:
        return None
    try:
        return Hours(
            start=said.start,
            end=said.end,
            days=tuple(terms.DAYS.index(day) for day in said.days),
            zone="" if said.zone == terms.OWN_ZONES else said.zone,
            holidays=said.holidays,
        )
    except ValueError as error:
        raise SettingsError(
            f"{place.at('hours', 'to')}: {error}: write the later time under to, and 24:00 for midnight."
        ) from None
