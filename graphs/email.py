"""Drafts an e-mail, shows it, and sends what was approved: draft, review, instruct or send, report.

A person sends it, cancels it, or says what should be different and gets another draft. If MODEL is set, `text` says
what the e-mail is about, and the model writes it. If not, `text` is the e-mail.
"""

from typing import Annotated, Any, Final, Literal, NotRequired

from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt
from pydantic import Field
from typing_extensions import TypedDict

from graphs import answers, drafting, effects, mail

MAX_DRAFTS: Final = 5

_TASK: Final = "You write the text of an e-mail, plain and short. Begin with the salutation; leave the subject out."


class Inputs(TypedDict):
    """What to send."""

    to: Annotated[
        str,
        Field(
            title="To",
            description="Who gets it: one address, or several, separated by commas.",
            examples=["ada@example.org"],
        ),
    ]
    subject: Annotated[str, Field(title="Subject", description="One line.", examples=["The invoice of March"])]
    text: Annotated[
        str,
        Field(
            title="Text",
            description="The text of the e-mail. If the operator has set MODEL: what the e-mail should say.",
            examples=["The invoice is paid."],
            json_schema_extra={"format": "multiline"},
        ),
    ]


class State(Inputs):
    """The inputs, the draft, and what people said about it."""

    draft: NotRequired[str]
    number: NotRequired[int]
    choice: NotRequired[str]
    instruction: NotRequired[str]
    feedback: NotRequired[str]
    outcome: NotRequired[str]


class InputError(ValueError):
    """The inputs are wrong. The message tells the person who wrote them what would be right."""


def check_inputs(inputs: dict[str, Any]) -> None:
    """Raises `InputError` if the task cannot run with these inputs. The message says what would be right."""
    try:
        mail.addresses(inputs.get("to"))
        mail.subject(inputs.get("subject"))
        mail.body(inputs.get("text"))
        mail.check_settings()
    except mail.MailError as error:
        raise InputError(str(error)) from None


async def draft(state: State) -> dict[str, Any]:
    """Writes the first draft, or another after new instructions."""
    check_inputs(dict(state))
    instruction = state.get("instruction", "")
    before = state.get("draft", "")
    material = f"Subject: {state['subject'].strip()}\n\nWhat it should say:\n{state['text'].strip()}"
    if instruction:
        material += f"\n\nThe draft so far:\n{before}\n\nWhat should be different:\n{instruction}"
    if drafting.named():
        text = await drafting.draft(_TASK, material) or before or state["text"].strip()
    else:
        text = instruction or state["text"].strip()
    return {"draft": text[: mail.MAX_TEXT_CHARACTERS], "number": state.get("number", 0) + 1, "instruction": ""}


def review(state: State) -> dict[str, Any]:
    """Shows the draft and waits for `send`, `change` or `cancel`. Any other answer cancels."""
    number = state["number"]
    to = mail.addresses(state["to"])
    last = number >= MAX_DRAFTS
    reason = f"It goes {mail.way()}."
    if last:
        reason += f" This is draft {number}, the last one: you can send or cancel it."
    choice, feedback = answers.chosen(
        interrupt(
            {
                "question": f"Send this e-mail to {to[0]}{f' and {len(to) - 1} more' if len(to) > 1 else ''}?",
                "options": ["send", "cancel"] if last else ["send", "change", "cancel"],
                "details": {
                    "to": ", ".join(to),
                    "subject": state["subject"].strip(),
                    "text": state["draft"],
                    "draft": f"{number} of at most {MAX_DRAFTS}",
                },
                "reason": reason,
                "summary": ["to", "subject", "text"],
                "risk_level": "medium",
            }
        ),
        "send",
        "cancel",
    )
    if choice not in ("send", "change", "cancel") or (last and choice == "change"):
        choice, feedback = "cancel", choice
    return {"choice": choice, "feedback": feedback}


def instruct(state: State) -> dict[str, Any]:
    """Asks what should be different. Without a model it asks for the edited text instead."""
    if drafting.named():
        asked = {
            "question": "What should be different in the e-mail?",
            "details": {"subject": state["subject"].strip(), "text": state["draft"]},
            "reason": "The model writes another draft from your answer.",
            "answer": "text",
        }
    else:
        asked = {
            "instruction": "Edit the text of the e-mail",
            "content": state["draft"],
            "reason": "You see it once more before it is sent.",
        }
    instruction = answers.text(interrupt(asked))
    if not instruction or len(instruction) > mail.MAX_TEXT_CHARACTERS:
        return {"choice": "cancel", "feedback": "Nobody said what should be different."}
    return {"instruction": instruction}


async def send(state: State) -> dict[str, Any]:
    """Sends the approved draft. Safe to run again: it does not send the e-mail twice."""
    try:
        said = await mail.send(
            effects.key("send"), mail.addresses(state["to"]), mail.subject(state["subject"]), state["draft"]
        )
    except mail.MailRefused as refused:
        said = f"Not sent: the server refused it. {refused}"
    return {"outcome": said}


def report(state: State) -> dict[str, Any]:
    """Writes to `outcome` that nothing was sent."""
    lines = [f"Nothing was sent to {', '.join(mail.addresses(state['to']))}: the e-mail was cancelled."]
    if state["feedback"]:
        lines.append(f"Feedback: {state['feedback']}")
    return {"outcome": "\n".join(lines)}


def _after_review(state: State) -> Literal["send", "instruct", "report"]:
    match state["choice"]:
        case "send":
            return "send"
        case "change":
            return "instruct"
        case _:
            return "report"


def _after_instruct(state: State) -> Literal["draft", "report"]:
    return "draft" if state["choice"] == "change" else "report"


mail.check_installed()  # a graph that cannot send is listed as unavailable, with the reason
graph = StateGraph(State, input_schema=Inputs)
graph.add_node("draft", draft)
graph.add_node("review", review)
graph.add_node("instruct", instruct)
graph.add_node("send", send)
graph.add_node("report", report)
graph.add_edge(START, "draft")
graph.add_edge("draft", "review")
graph.add_conditional_edges("review", _after_review)
graph.add_conditional_edges("instruct", _after_instruct)
graph.add_edge("send", END)
graph.add_edge("report", END)
