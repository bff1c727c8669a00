"""Takes a task, asks for what is missing or vague, and files a ticket: look, ask, entitle, file, report.

Each round asks only what is still open, and says what was wrong with the previous answer. After MAX_ROUNDS rounds it
gives up and files nothing.
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

from graphs import answers, drafting, effects, folder

DEFAULT_ROOT: Final = "var/tickets"
MAX_ROUNDS: Final = 3
MIN_WORDS: Final = 5
MAX_TASK_CHARACTERS: Final = 5_000
PRIORITIES: Final = ("low", "normal", "high", "urgent")

_TITLE: Final = "You write the title of a ticket: one line of at most ten words that says what to do."

_LABELS: Final = {"task": "Task", "due": "Due", "priority": "Priority"}
_QUESTIONS: Final = {
    "task": "What exactly should be done, where, and why?",
    "due": "By when is it needed?",
    "priority": "How urgent is it?",
}
_HINTS: Final = {
    "task": f"At least {MIN_WORDS} words.",
    "due": "A date such as 2030-06-01, or none.",
    "priority": "low, normal, high or urgent.",
}


class Inputs(TypedDict):
    """What somebody wants done."""

    task: Annotated[
        str,
        Field(
            title="Task",
            description="What should be done, in your own words. If something is missing, you will be asked for it.",
            examples=["The door of the archive no longer closes, please have it repaired"],
            json_schema_extra={"format": "multiline"},
        ),
    ]
    due: NotRequired[
        Annotated[
            str,
            Field(
                title="Due", description="By when: a date such as 2030-06-01, or none.", default="", examples=["none"]
            ),
        ]
    ]
    priority: NotRequired[
        Annotated[
            str,
            Field(title="Priority", description="low, normal, high or urgent.", default="", examples=["normal"]),
        ]
    ]


class State(Inputs):
    """The inputs, what is known so far, and what is still open."""

    known: NotRequired[dict[str, str]]
    problems: NotRequired[dict[str, str]]
    today: NotRequired[str]
    asked: NotRequired[int]
    silent: NotRequired[bool]
    title: NotRequired[str]
    ticket: NotRequired[str]
    outcome: NotRequired[str]


class InputError(ValueError):
    """The inputs are wrong. The message tells the person who wrote them what would be right."""


def check_inputs(inputs: dict[str, Any]) -> None:
    """Raises `InputError` if the task cannot run with these inputs. The message says what would be right.

    A vague task is not an error: `ask` asks for more.
    """
    task = inputs.get("task")
    if not isinstance(task, str) or not task.strip():
        raise InputError("task is missing: what should be done?")
    if len(task) > MAX_TASK_CHARACTERS:
        raise InputError(f"task has {len(task):,} characters. At most {MAX_TASK_CHARACTERS:,} are allowed.")
    today = datetime.now(UTC).date()
    for name in ("due", "priority"):
        given = inputs.get(name) or ""
        if not isinstance(given, str):
            raise InputError(f"{name} {given!r} should be text.")
        if given.strip() and (problem := _problem(name, given, today)):
            raise InputError(f"{name}: {problem}")


def look(state: State) -> dict[str, Any]:
    """Finds what the inputs say, and what is missing or vague in them."""
    check_inputs(dict(state))
    today = datetime.now(UTC).date()
    given = {"task": state["task"], "due": state.get("due") or "", "priority": state.get("priority") or ""}
    known, problems = _sorted(given, today)
    problems = {name: problem if given[name].strip() else "" for name, problem in problems.items()}
    return {"known": known, "problems": problems, "today": today.isoformat(), "asked": 0, "silent": False}


def ask(state: State) -> dict[str, Any]:
    """Asks what is still open, says what was wrong with the previous answers, and checks the new ones."""
    problems, asked = state["problems"], state["asked"]
    wrong = [f"{_LABELS[name]}: {problem}" for name, problem in problems.items() if problem]
    reason = " ".join(wrong) or "Nobody can begin without this."
    if asked == MAX_ROUNDS - 1:
        reason += " This is the last time that you are asked."
    answer = interrupt(
        {
            "type": "clarification_needed",
            "question": "Some questions before this can begin" if asked == 0 else "This is still open",
            "questions": [_question(name, problem) for name, problem in problems.items()],
            "details": {
                "task": state["task"].strip(),
                **{name: text for name, text in state["known"].items() if name != "task"},
            },
            "reason": reason,
        }
    )
    given = {name: answers.text(answer.get(name)) for name in problems} if isinstance(answer, dict) else {}
    if not any(given.values()):
        return {"silent": True, "asked": asked + 1}
    if "task" in given and given["task"] and "task" not in state["known"]:
        given["task"] = _joined(state["task"], given["task"])
    known, still = _sorted({name: given.get(name, "") for name in problems}, date.fromisoformat(state["today"]))
    return {"known": {**state["known"], **known}, "problems": still, "asked": asked + 1}


async def entitle(state: State) -> dict[str, Any]:
    """Gives the ticket a title of one line: the model writes it if MODEL is set, else it is the first sentence."""
    task = state["known"]["task"]
    title = await drafting.draft(_TITLE, task) or re.split(r"(?<=[.!?])\s|\n", task, maxsplit=1)[0]
    line = " ".join(title.split()).rstrip(".")
    return {"title": line if len(line) <= 100 else f"{line[:99].rstrip()}…"}


def file(state: State) -> dict[str, Any]:
    """Writes the ticket as JSON and as Markdown. Safe to run again: the number and the files stay the same."""
    number = f"T-{effects.key('ticket')[:10].upper()}"
    ticket = {"number": number, "title": state["title"], **state["known"], "filed": state["today"]}
    as_json = json.dumps(ticket, indent=2, ensure_ascii=False) + "\n"
    as_markdown = (
        f"# {number}: {state['title']}\n\n"
        f"- Priority: {ticket['priority']}\n- Due: {ticket['due']}\n- Filed: {ticket['filed']}\n\n{ticket['task']}\n"
    )
    for name, text in ((f"{number}.json", as_json), (f"{number}.md", as_markdown)):
        folder.write(_root(), PurePosixPath(name), text.encode(), replace=True)
    return {"ticket": number}


def report(state: State) -> dict[str, Any]:
    """Writes the result of the task to `outcome`."""
    if "ticket" in state:
        known, number = state["known"], state["ticket"]
        due = "no date" if known["due"] == "none" else f"due {known['due']}"
        outcome = f"Filed {number}: {state['title']} ({known['priority']}, {due}), in {_root().as_posix()}/{number}.md."
    elif state["silent"]:
        outcome = "Nothing was filed: nobody said what is missing."
    else:
        still = " ".join(f"{_LABELS[name]}: {problem}" for name, problem in state["problems"].items())
        outcome = f"Nothing was filed: after {MAX_ROUNDS} rounds of questions, this is still open. {still}"
    return {"outcome": outcome}


def _after_look(state: State) -> Literal["ask", "entitle"]:
    return "ask" if state["problems"] else "entitle"


def _after_ask(state: State) -> Literal["ask", "entitle", "report"]:
    if state["silent"]:
        return "report"
    if not state["problems"]:
        return "entitle"
    return "ask" if state["asked"] < MAX_ROUNDS else "report"


def _question(name: str, problem: str) -> dict[str, Any]:
    question: dict[str, Any] = {"id": name, "question": _QUESTIONS[name], "hint": problem or _HINTS[name]}
    return {**question, "options": list(PRIORITIES)} if name == "priority" else question


def _sorted(given: dict[str, str], today: date) -> tuple[dict[str, str], dict[str, str]]:
    """The valid answers, in the form in which they are stored, and what is wrong with each of the others."""
    known: dict[str, str] = {}
    problems: dict[str, str] = {}
    for name, text in given.items():
        problem = _problem(name, text, today)
        if problem:
            problems[name] = problem
        else:
            known[name] = text.strip() if name == "task" else text.strip().lower()
    return known, problems


def _problem(name: str, text: str, today: date) -> str:
    """A sentence that says what is wrong with an answer. '' if it is valid."""
    text = text.strip()
    if not text:
        return "There is no answer yet."
    if name == "task":
        words = {word.lower() for word in re.findall(r"\w{2,}", text)}
        if len(text) > 2 * MAX_TASK_CHARACTERS:
            return f"It has {len(text):,} characters. At most {2 * MAX_TASK_CHARACTERS:,} are allowed."
        return "" if len(words) >= MIN_WORDS else f"Too vague. Please use at least {MIN_WORDS} different words."
    if name == "priority":
        return (
            "" if text.lower() in PRIORITIES else f"{text[:40]!r} is not a priority. Write low, normal, high or urgent."
        )
    if text.lower() == "none":
        return ""
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text, re.ASCII):
        return f"{text[:40]!r} is not a date. Write one such as 2030-06-01, or none."
    try:
        due = date.fromisoformat(text)
    except ValueError:
        return f"{text} does not exist in the calendar."
    return "" if due >= today else f"{text} has passed."


def _joined(first: str, more: str) -> str:
    """The task as first written, and under it what was added. If the addition repeats the task, only the addition."""
    return more.strip() if first.strip() in more else f"{first.strip()}\n{more.strip()}"


def _root() -> Path:
    return Path(os.environ.get("INTAKE_ROOT") or DEFAULT_ROOT)


graph = StateGraph(State, input_schema=Inputs)
graph.add_node("look", look)
graph.add_node("ask", ask)
graph.add_node("entitle", entitle)
graph.add_node("file", file)
graph.add_node("report", report)
graph.add_edge(START, "look")
graph.add_conditional_edges("look", _after_look)
graph.add_conditional_edges("ask", _after_ask)
graph.add_edge("entitle", "file")
graph.add_edge("file", "report")
graph.add_edge("report", END)
