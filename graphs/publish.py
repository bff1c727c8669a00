"""Writes an article and publishes it as Markdown: research, plan, approve, write, approve, publish, report.

People approve twice: first the plan, then the text. If MODEL is set, the model plans and writes from the brief. If
not, the plan and the text are put together from the brief itself.
"""

import json
import os
import re
from datetime import UTC, date, datetime
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Final, Literal, NotRequired

from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt
from pydantic import Field
from typing_extensions import TypedDict

from graphs import answers, drafting, folder

DEFAULT_ROOT: Final = "var/published"
MAX_SECTIONS: Final = 12
MAX_BRIEF_CHARACTERS: Final = 50_000

_PLAN: Final = "You plan an article from a brief: the headings of its sections, in order, one on each line, at most 8."
_WRITE: Final = (
    "You write an article in Markdown from a brief and a plan: one section, headed with ##, for each heading of the "
    "plan, without a title. Say nothing that the brief does not support."
)


class Inputs(TypedDict):
    """What to publish."""

    topic: Annotated[str, Field(title="Topic", description="The article's title.", examples=["Our new office"])]
    brief: Annotated[
        str,
        Field(
            title="Brief",
            description="What it should say: one paragraph on each line. A line like # Where or Where: is a heading.",
            examples=["We moved. The new office is in the old harbour."],
            json_schema_extra={"format": "multiline"},
        ),
    ]
    section: NotRequired[
        Annotated[
            str,
            Field(
                title="Section", description="The folder for the article, such as news.", default="", examples=["news"]
            ),
        ]
    ]


class Section(TypedDict):
    """A heading, and the notes below it."""

    heading: str
    notes: list[str]


class Approval(TypedDict):
    """The answer to one of the two questions."""

    stage: str
    approved: bool
    feedback: str


class State(Inputs):
    """The inputs, and what each stage made."""

    found: NotRequired[list[Section]]
    day: NotRequired[str]
    plan: NotRequired[list[str]]
    path: NotRequired[str]
    article: NotRequired[str]
    approvals: NotRequired[list[Approval]]
    published: NotRequired[bool]
    outcome: NotRequired[str]


class InputError(ValueError):
    """The inputs are wrong. The message tells the person who wrote them what would be right."""


def check_inputs(inputs: dict[str, Any]) -> None:
    """Raises `InputError` if the task cannot run with these inputs. The message says what would be right."""
    topic = inputs.get("topic")
    if not isinstance(topic, str) or not topic.strip():
        raise InputError("topic is missing: what is the article about?")
    if len(topic.strip()) > 150 or not topic.strip().isprintable():
        raise InputError("topic should be one line of at most 150 characters.")
    if not folder.slug(topic):
        raise InputError(f"topic {topic!r} has no letter a to z and no digit. The name of the file needs one.")
    brief = inputs.get("brief")
    if not isinstance(brief, str) or not brief.strip():
        raise InputError("brief is missing: what should the article say?")
    if len(brief) > MAX_BRIEF_CHARACTERS:
        raise InputError(f"brief has {len(brief):,} characters. At most {MAX_BRIEF_CHARACTERS:,} are allowed.")
    section = inputs.get("section") or ""
    if not isinstance(section, str) or (section.strip() and not folder.slug(section)):
        raise InputError(f"section {section!r} is not the name of a folder: write one such as news.")


def research(state: State) -> dict[str, Any]:
    """Reads the headings and notes of the brief, and decides where the article will go."""
    check_inputs(dict(state))
    sections = [Section(heading="", notes=[])]
    for line in state["brief"].splitlines():
        text = line.strip()
        heading = re.fullmatch(r"#+\s*(.+)|([^-*].{0,100}):", text)
        if heading is not None:
            sections.append(Section(heading=(heading[1] or heading[2]).strip(), notes=[]))
        elif text:
            sections[-1]["notes"].append(text)
    today = datetime.now(UTC).date()
    return {
        "found": [each for each in sections if each["heading"] or each["notes"]],
        "day": today.isoformat(),
        "path": _path(state, today).as_posix(),
        "approvals": [],
    }


async def plan(state: State) -> dict[str, Any]:
    """The headings of the article."""
    written = await drafting.draft(_PLAN, f"Topic: {state['topic'].strip()}\n\nBrief:\n{state['brief'].strip()}")
    lines = [re.sub(r"^[#\-*\d.)\s]+", "", line).strip() for line in (written or "").splitlines()]
    headings = [line for line in lines if line] or [each["heading"] or "In short" for each in state["found"]]
    return {"plan": headings[:MAX_SECTIONS]}


def approve_plan(state: State) -> dict[str, Any]:
    """Shows the plan and waits for yes or no. A no ends the task."""
    answer = interrupt(
        {
            "question": f"Write {state['topic'].strip()!r} from this plan?",
            "details": {"plan": state["plan"], "brief": state["brief"].strip(), "goes to": state["path"]},
            "reason": f"The text is written {_source()}. You see it before it is published.",
            "summary": ["plan", "goes to"],
            "risk_level": "low",
            "answer": "object",
        }
    )
    return {"approvals": [*state["approvals"], _approval("plan", answer)]}


async def write(state: State) -> dict[str, Any]:
    """The article, in Markdown."""
    material = (
        f"Topic: {state['topic'].strip()}\n\nPlan:\n"
        + "\n".join(state["plan"])
        + f"\n\nBrief:\n{state['brief'].strip()}"
    )
    text = await drafting.draft(_WRITE, material) or "\n\n".join(_section(each) for each in state["found"])
    title = state["topic"].strip()
    head = f"---\ntitle: {json.dumps(title, ensure_ascii=False)}\ndate: {state['day']}\n---\n\n# {title}\n\n"
    return {"article": f"{head}{text.strip()}\n"}


def approve_text(state: State) -> dict[str, Any]:
    """Shows the whole text and waits for yes or no. A no ends the task."""
    answer = interrupt(
        {
            "question": f"Publish {state['topic'].strip()!r}?",
            "details": {"path": state["path"], "words": len(state["article"].split()), "text": state["article"]},
            "reason": f"It is written to {state['path']} in {_root().as_posix()}.",
            "summary": ["text", "words"],
            "risk_level": "medium",
            "answer": "object",
        }
    )
    return {"approvals": [*state["approvals"], _approval("text", answer)]}


def publish(state: State) -> dict[str, Any]:
    """Writes the file, and never overwrites another one. Safe to run again: the same text counts as published."""
    path = folder.inside(state["path"])
    return {"published": folder.write(_root(), path, state["article"].encode())}


def report(state: State) -> dict[str, Any]:
    """Writes the result of the task to `outcome`, with the answer to each question."""
    if state.get("published"):
        lines = [f"Published {state['topic'].strip()!r} as {(_root() / state['path']).as_posix()}."]
    elif "published" in state:
        lines = [f"Nothing was published: {state['path']} exists already with another text, and stays as it is."]
    else:
        lines = [f"Nothing was published: the {state['approvals'][-1]['stage']} was not approved."]
    for approval in state["approvals"]:
        said = f": {approval['feedback']}" if approval["feedback"] else ""
        lines.append(f"- {approval['stage']}: {'approved' if approval['approved'] else 'not approved'}{said}")
    return {"outcome": "\n".join(lines)}


def _after_plan(state: State) -> Literal["write", "report"]:
    return "write" if state["approvals"][-1]["approved"] else "report"


def _after_text(state: State) -> Literal["publish", "report"]:
    return "publish" if state["approvals"][-1]["approved"] else "report"


def _approval(stage: str, answer: object) -> Approval:
    given = answers.verdict(answer)
    return Approval(stage=stage, approved=given.approved, feedback=given.feedback)


def _section(section: Section) -> str:
    heading = [f"## {section['heading']}"] if section["heading"] else []
    paragraphs: list[str] = []
    for note in section["notes"]:
        listed = note.startswith(("- ", "* "))
        if listed and paragraphs and paragraphs[-1].startswith(("- ", "* ")):
            paragraphs[-1] += f"\n{note}"
        else:
            paragraphs.append(note)
    return "\n\n".join([*heading, *paragraphs])


def _path(state: State, today: date) -> PurePosixPath:
    """The path of the article. It contains the day, so the same topic on another day is another article."""
    name = f"{today.isoformat()}-{folder.slug(state['topic'])}.md"
    section = folder.slug(state.get("section") or "")
    return PurePosixPath(section, name)


def _source() -> str:
    return f"by {drafting.named()}" if drafting.named() else "from the brief"


def _root() -> Path:
    return Path(os.environ.get("PUBLISH_ROOT") or DEFAULT_ROOT)


graph = StateGraph(State, input_schema=Inputs)
graph.add_node("research", research)
graph.add_node("plan_sections", plan)
graph.add_node("approve_plan", approve_plan)
graph.add_node("write", write)
graph.add_node("approve_text", approve_text)
graph.add_node("publish", publish)
graph.add_node("report", report)
graph.add_edge(START, "research")
graph.add_edge("research", "plan_sections")
graph.add_edge("plan_sections", "approve_plan")
graph.add_conditional_edges("approve_plan", _after_plan)
graph.add_edge("write", "approve_text")
graph.add_conditional_edges("approve_text", _after_text)
graph.add_edge("publish", "report")
graph.add_edge("report", END)
