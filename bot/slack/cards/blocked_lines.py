"""A card's warning that a request cannot be answered, why, and what to do about it. Pure."""

from __future__ import annotations

from bot.approvals.model.policy import Escalate
from bot.approvals.model.request import Pending, Request
from bot.slack import blocks, text
from bot.slack.blocks import Block


def warnings(request: Request) -> list[Block]:
    """Warns if too few people may answer, or if a name in the policy means nobody. Empty if all is well."""
    if not isinstance(request.state, Pending):
        return []
    said = [*_names(request), *(text.escape(each) for each in request.open.untold), *_numbers(request)]
    if not said:
        return []
    return [blocks.context(":warning: " + " ".join([*said, _remedy(request)]))]


def _names(request: Request) -> list[str]:
    """The names in the policy, for this stage and for later steps, that mean nobody."""
    shown = list(request.unknown.items())[:5]
    rest = len(request.unknown) - len(shown)
    names = [f"{text.approver(name)} {text.escape(why)}." for name, why in shown]
    return [*names, *([f"So do {text.counted(rest, 'more name')}."] if rest else [])]


def _numbers(request: Request) -> list[str]:
    """How many people could answer, if that is too few."""
    needed, short = request.stage.needed, request.open.short
    if not short:
        return []
    if not request.open.asked:
        later = any(isinstance(step.action, Escalate) and step.action.adds for step in request.stage.steps)
        return [f"Nobody may answer this{' yet' if later else ''}."]
    return [f"{needed:,} people must agree, but only {needed - short:,} can."]


def _remedy(request: Request) -> str:
    return (
        "To mend this, an operator corrects the policy file and applies it to this request: "
        f"`python -m bot policy apply {request.id}`"
    )
