"""What keeps an open request from being answered, and what to do about it. Pure."""

from __future__ import annotations

from bot.approvals.model.policy import Escalate
from bot.approvals.model.request import Pending, Request
from bot.slack import blocks, text
from bot.slack.blocks import Block


def warnings(request: Request) -> list[Block]:
    """That nobody may answer it, or too few, or that a name of its policy means nobody; nothing if all is well."""
    if not isinstance(request.state, Pending):
        return []
    said = [*_names(request), *(text.escape(each) for each in request.open.untold), *_numbers(request)]
    if not said:
        return []
    return [blocks.context(":warning: " + " ".join([*said, _remedy(request)]))]


def _names(request: Request) -> list[str]:
    """The names that mean nobody, of those whom it asks now or may ask later."""
    shown = list(request.unknown.items())[:5]
    rest = len(request.unknown) - len(shown)
    names = [f"{text.approver(name)} {text.escape(why)}." for name, why in shown]
    return [*names, *([f"So do {text.counted(rest, 'more name')}."] if rest else [])]


def _numbers(request: Request) -> list[str]:
    """How many could answer, where that is too few."""
    needed, short = request.stage.needed, request.open.short
    if not short:
        return []
    if not request.open.asked:
        later = any(isinstance(step.action, Escalate) and step.action.adds for step in request.stage.steps)
        return [f"Nobody may answer this{' yet' if later else ''}."]
    return [f"It needs {needed:,} to agree, and those who may answer can give {needed - short:,}."]


def _remedy(request: Request) -> str:
    return (
        "Whoever runs the bot corrects its policy file, and then applies it to this request: "
        f"`python -m bot policy apply {request.id}`"
    )
