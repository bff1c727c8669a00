"""The graphs that ask the standard questions: shipped ones, LangChain's agents, and small ones as others write them.

Each is run until it asks, and the engine's own reader says what it asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.pregel import Pregel
from langgraph.types import interrupt
from typing_extensions import TypedDict

from bot.approvals.model.agent import Asked
from bot.approvals.model.caller import QUESTION, Caller
from bot.approvals.model.fingerprint import fingerprint
from bot.approvals.model.ids import JSON
from bot.approvals.model.server import OnServer
from bot.cli.standard_cards.standard import NOW
from bot.engines import questions
from bot.engines.langgraph import status
from graphs import batch, cleanup, email, intake, payment


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """A graph that asks one question, and how to bring it there; or a program that asks it."""

    name: str
    """The name of the standard card."""
    graph: str
    """The name of the graph, as langgraph.json would have it."""
    runs: Pregel[Any, Any, Any, Any] | None = None
    """None if a program asks through the API."""
    inputs: Mapping[str, JSON]
    """What a person starts the graph with, or what a program asks."""
    caller: Caller | None = None
    server: OnServer | None = None
    """The LangGraph Server that the graph runs on. None if it runs in the bot."""
    given: Mapping[str, Any] | None = None
    """What the graph really starts with, if that is not what the person gave."""
    after: tuple[str, Mapping[str, Any]] | None = None
    """The step before the question, and what it found, if the graph is not run from its beginning."""
    outcome: str = ""
    """What the graph would say at its end after a yes."""
    refused: str = ""
    """What it would say at its end after a no."""
    edits: Mapping[str, JSON] = field(default_factory=dict)
    """Values that somebody changes before they approve. Empty if nothing can be edited."""
    said: JSON = None
    """What people answer: an option or a value, if the question wants no yes or no."""


async def asked(asking: Asking) -> Asked:
    """What the graph or the program asks."""
    if (graph := asking.runs) is None:
        question = asking.inputs["question"]
        mark = fingerprint(question, None, NOW)
        return Asked(interrupt_id=QUESTION, question=questions.read(question), fingerprint=mark)
    config = RunnableConfig(configurable={"thread_id": f"{asking.name.replace(' ', '-')}-5b1e7c52"})
    if asking.after is None:
        await graph.ainvoke(dict(asking.given if asking.given is not None else asking.inputs), config)
    else:
        step, found = asking.after
        await graph.aupdate_state(config, {**asking.inputs, **found}, as_node=step)
        await graph.ainvoke(None, config)
    (only,) = (await status.read(graph, config, status.Look(now=NOW))).status.asked
    return only


# --- Shipped graphs -----------------------------------------------------------------------------


def _compiled(graph: StateGraph[Any, Any, Any, Any], **options: Any) -> Pregel[Any, Any, Any, Any]:
    return graph.compile(checkpointer=InMemorySaver(), **options)


def _payment() -> Asking:
    return Asking(
        name="payment",
        graph="payment",
        runs=_compiled(payment.graph),
        inputs={"payee": "Foss & Co", "amount": "9000.00", "purpose": "Consulting, Q4"},
        outcome="Paid 9,000.00 EUR to Foss & Co for Consulting, Q4: entry 1 of ledger.db.",
        refused="Nothing was paid: 9,000.00 EUR to Foss & Co was not approved.\nFeedback: already paid on Monday",
    )


def _deletion() -> Asking:
    files = [
        {"path": f"logs/service-{n:02}.log.gz", "size": 1_200_000 + n, "modified": f"2029-11-{n:02}T04:00:00+00:00"}
        for n in range(1, 15)
    ]
    return Asking(
        name="deletion of files",
        graph="cleanup",
        runs=_compiled(cleanup.graph),
        inputs={"path": "logs", "older_than": "30d"},
        after=("scan", {"root": "/srv/files", "folder": "logs", "files": files, "more": 0, "unread": []}),
        outcome="Moved 14 files, 16.8 MB (16,800,105 bytes), to /srv/files/.trash/5b1e7c52.",
        refused="Nothing was moved: 14 files of logs stay.",
    )


def _mail() -> Asking:
    text = "Dear Ada,\n\nyour order 4711 leaves our harbour on Friday.\n\nKind regards\nAlice"
    return Asking(
        name="e-mail",
        graph="email",
        runs=_compiled(email.graph),
        inputs={"to": "ada@example.org", "subject": "Your order 4711", "text": text},
        after=("draft", {"draft": text, "number": 1}),
        outcome="Sent to ada@example.org.",
        refused="Nothing was sent to ada@example.org: the e-mail was cancelled.",
        said="send",
    )


def _clarification() -> Asking:
    return Asking(
        name="clarification",
        graph="intake",
        runs=_compiled(intake.graph),
        inputs={"task": "Fix the door"},
        outcome="Filed T-4711: The door of the archive no longer closes (high, due 2030-01-11), in tickets/T-4711.md.",
        refused="Nothing was filed: nobody said what is missing.",
        said={"task": "The door of the archive no longer closes", "due": "2030-01-11", "priority": "high"},
    )


def _quality() -> Asking:
    rows = [(1, "Ada", "harbour"), (50, "Grace", "archive"), (100, "Linus", "workshop")]
    samples = [
        {"row": str(number), "name": name, "site": site, "text": f"Dear {name}, the {site} opens on Monday."}
        for number, name, site in rows
    ]
    return Asking(
        name="quality check",
        graph="batch",
        runs=_compiled(batch.graph),
        inputs={"file": "people.csv", "template": "Dear {name}, the {site} opens on Monday.", "every": 100},
        after=("work", {"digest": "", "total": 340, "worked": 100, "right": 0, "complaint": "", "samples": samples}),
        outcome="340 rows of 340 are in out/people.csv.",
        refused="Stopped after row 0 of 340: the salutation is too familiar\nNothing was written.",
    )


# --- LangChain's agents -------------------------------------------------------------------------


class _Model(GenericFakeChatModel):
    """A chat model that says what it was told to."""

    def bind_tools(self, tools: Any, **options: Any) -> Runnable[Any, AIMessage]:  # noqa: ARG002
        return self


@tool
def send_email(to: str, subject: str, text: str) -> str:
    """Send an e-mail in plain text."""
    return f"Sent {subject} ({len(text)} characters) to {to}."


@tool
def delete_files(folder: str, older_than: str, dry_run: bool) -> str:
    """Delete old files."""
    return f"{folder} {older_than} {dry_run}"


@tool
def refund_order(order: str, amount: float, currency: str, notify_customer: bool) -> str:
    """Refund an order."""
    return f"{order} {amount} {currency} {notify_customer}"


def _agent(said: str, *calls: tuple[str, dict[str, Any]]) -> Pregel[Any, Any, Any, Any]:
    """LangChain's agent, which says this and calls these tools; people are asked about each."""
    called = [{"name": name, "args": arguments, "id": f"call_{n}"} for n, (name, arguments) in enumerate(calls)]
    decisions: Any = {"allowed_decisions": ["approve", "edit", "reject"]}
    return create_agent(
        model=_Model(messages=iter([AIMessage(said, tool_calls=called)])),
        tools=[send_email, delete_files, refund_order],
        middleware=[HumanInTheLoopMiddleware(interrupt_on={name: decisions for name, _ in calls})],
        checkpointer=InMemorySaver(),
    )


def _one_call() -> Asking:
    task = "Customer 10442 says that the lamp arrived broken. Sort it out."
    return Asking(
        name="one tool call",
        graph="support",
        runs=_agent(
            "The lamp of order A-10442 arrived broken, and the photo shows it. I refund it in full.",
            ("refund_order", {"order": "A-10442", "amount": 129.5, "currency": "EUR", "notify_customer": True}),
        ),
        inputs={"task": task},
        given={"messages": [HumanMessage(task)]},
        outcome="I refunded 129.50 EUR for order A-10442 and told the customer.",
        refused="Nothing was refunded.",
        edits={"amount": 64.75},
    )


def _three_calls() -> Asking:
    task = "Close the incident of Monday: tidy up, refund, tell Ada."
    return Asking(
        name="three tool calls",
        graph="support",
        runs=_agent(
            "The incident is over. I remove its logs, refund the order, and tell Ada.",
            ("delete_files", {"folder": "logs/incident-7", "older_than": "7d", "dry_run": False}),
            ("refund_order", {"order": "A-10442", "amount": 129.5, "currency": "EUR", "notify_customer": False}),
            ("send_email", {"to": "ada@example.org", "subject": "All is well again", "text": "Dear Ada, it is over."}),
        ),
        inputs={"task": task},
        given={"messages": [HumanMessage(task)]},
        outcome="I deleted the logs, refunded 129.50 EUR, and wrote to Ada.",
        refused="I did nothing.",
        edits={"older_than": "30d"},
    )


# --- As others write them -----------------------------------------------------------------------


class _Answer(TypedDict, total=False):
    """Whatever a small graph is started with, and what it was told."""

    service: str
    version: str
    question: str
    answer: Any


class _Article(TypedDict, total=False):
    """What a graph that publishes has written."""

    topic: str
    article: str
    words: int
    public: bool


def _asks(value: Any) -> Pregel[Any, Any, Any, Any]:
    """A graph of one step, which asks this."""

    def ask(state: _Answer) -> dict[str, Any]:  # noqa: ARG001 - a node takes the state
        return {"answer": interrupt(value)}

    graph = StateGraph(_Answer)
    graph.add_node("ask", ask)
    graph.add_edge(START, "ask")
    graph.add_edge("ask", END)
    return _compiled(graph)


def _deployment() -> Asking:
    """Agent Inbox's `HumanInterrupt`."""
    arguments = {"service": "checkout", "version": "2.14.0", "environment": "production", "migrations": False}
    allowed = {"allow_accept": True, "allow_edit": True, "allow_respond": True, "allow_ignore": True}
    return Asking(
        name="deployment",
        graph="release",
        runs=_asks(
            [
                {
                    "action_request": {"action": "deploy", "args": arguments},
                    "config": allowed,
                    "description": "All 412 tests pass. The last deployment was yesterday.",
                }
            ]
        ),
        inputs={"service": "checkout", "version": "2.14.0"},
        outcome="checkout 2.14.0 runs in production.",
        refused="checkout stays at 2.13.2.",
        edits={"environment": "staging"},
    )


def _plan() -> Asking:
    options = [
        {"value": "move", "label": "Move in one night", "description": "4 hours without writes; simple to undo"},
        {"value": "copy", "label": "Copy, then switch", "description": "No pause; two weeks of double writes"},
        {"value": "stop", "label": "Stop here", "description": "Nothing changes"},
    ]
    return Asking(
        name="plan with options",
        graph="migration",
        runs=_asks(
            {
                "question": "How shall the orders move to the new database?",
                "plan": ["Freeze the schema", "Move 4.2 million orders", "Switch the shop over"],
                "options": options,
                "reason": "Both ways were rehearsed on a copy last week.",
            }
        ),
        inputs={"question": "Move the orders to the new database"},
        outcome="The orders are in the new database.",
        refused="Nothing was moved.",
        said="Copy, then switch",
    )


def _form() -> Asking:
    """MCP's elicitation, as LangChain's adapter hands it on."""
    schema = {
        "type": "object",
        "properties": {
            "cost_centre": {"type": "string", "title": "Cost centre", "pattern": "^CC-[0-9]{4}$"},
            "seats": {"type": "integer", "title": "Seats", "minimum": 1, "maximum": 50},
            "from": {"type": "string", "format": "date", "title": "From"},
            "plan": {"type": "string", "title": "Plan", "enum": ["team", "pro"], "enumNames": ["Team", "Professional"]},
            "invoice": {"type": "boolean", "title": "Pay by invoice", "default": True},
        },
        "required": ["cost_centre", "seats", "plan"],
    }
    request = {
        "key": "order",
        "message": "Which plan should be ordered, and for whom?",
        "mode": "form",
        "requested_schema": schema,
    }
    return Asking(
        name="form",
        graph="procurement",
        runs=_asks({"type": "mcp_elicitation", "tool_name": "order_licences", "requests": [request]}),
        inputs={"question": "Order licences for the new team"},
        outcome="12 licences are ordered.",
        refused="Nothing was ordered.",
        said={"cost_centre": "CC-4711", "seats": 12, "from": "2030-02-01", "plan": "pro", "invoice": True},
    )


def _breakpoint() -> Asking:
    """A graph that is compiled with `interrupt_before`."""
    graph = StateGraph(_Article)
    article = "We moved. The new office is in the old harbour, five minutes from the station."

    def draft(state: _Article) -> dict[str, Any]:  # noqa: ARG001 - a node takes the state
        return {"article": article, "words": len(article.split()), "public": True}

    def publish(state: _Article) -> dict[str, Any]:
        return {"article": state.get("article")}

    graph.add_node("draft", draft)
    graph.add_node("publish", publish)
    graph.add_edge(START, "draft")
    graph.add_edge("draft", "publish")
    graph.add_edge("publish", END)
    return Asking(
        name="breakpoint",
        graph="newsletter",
        runs=_compiled(graph, interrupt_before=["publish"]),
        inputs={"topic": "Our new office"},
        outcome="Published as news/our-new-office.md.",
        edits={"public": False},
    )


# --- What can be undone --------------------------------------------------------------------------


def _undo_window() -> Asking:
    """A graph that acted after an approval, as `graphs/undo.py` asks."""
    done = {
        "type": "undo_window",
        "action": "Moved 14 files of logs to the trash",
        "result": {"moved": 14, "size": "16.8 MB", "to": "/srv/files/.trash/5b1e7c52"},
        "undo": {"how": "Moves them back to where they were"},
        "window": "10m",
        "at": NOW.isoformat(),
    }
    return Asking(
        name="undo window",
        graph="cleanup",
        runs=_asks(done),
        inputs={"question": "Tidy up the logs"},
        outcome="Moved 14 files, 16.8 MB (16,800,105 bytes), to /srv/files/.trash/5b1e7c52.",
        refused="Undone: moved 14 files, 16.8 MB, back from /srv/files/.trash/5b1e7c52.",
    )


def _irreversible() -> Asking:
    """A graph that acted at once, and cannot take that back. Its window cannot be read either."""
    done = {
        "type": "undo_window",
        "action": {"name": "send_invoice", "arguments": {"customer": "Foss & Co", "amount": 129.5, "currency": "EUR"}},
        "undo": False,
        "window": "soon",
        "reason": "The order was shipped this morning.",
    }
    return Asking(
        name="cannot be undone",
        graph="invoicing",
        runs=_asks(done),
        inputs={"question": "Send the invoice of order A-10442"},
        outcome="Sent invoice 2030-17 to Foss & Co.",
    )


# --- Programs -----------------------------------------------------------------------------------


def _program() -> Asking:
    """A program that asks through the API, and names no person."""
    source = "billing-service"
    return Asking(
        name="program",
        graph=source,
        inputs={
            "question": {
                "question": "Refund order A-10442?",
                "action": "refund",
                "details": {"order": "A-10442", "amount": 129.5, "currency": "EUR", "customer": "ada@example.org"},
                "reason": "The lamp arrived broken, and the photo shows it.",
                "risk_level": "medium",
            }
        },
        caller=Caller(
            source=source,
            token=source,
            key="refund-A-10442",
            body="",
            url="https://billing.example.com/orders/A-10442?tab=refunds&step=2",
            run="nightly 4711",
        ),
        outcome="finished",
        refused="finished",
    )


# --- On a LangGraph Server ----------------------------------------------------------------------


def _on_a_server() -> Asking:
    """An assistant of a server, which somebody started in Slack."""
    return Asking(
        name="on a server",
        graph="deploy",
        runs=_asks(
            {
                "question": "Deploy checkout 2.14.0 to production?",
                "action": "deploy",
                "details": {"service": "checkout", "version": "2.14.0", "environment": "production"},
                "reason": "All 412 tests pass.",
                "risk_level": "medium",
            }
        ),
        inputs={"service": "checkout", "version": "2.14.0"},
        server=OnServer(name="prod"),
        outcome="checkout 2.14.0 runs in production.",
        refused="checkout stays at 2.13.2.",
    )


def _watched() -> Asking:
    """A thread of a server that another agent started for somebody: deepagents' async subagents do so."""
    return Asking(
        name="watched thread",
        graph="researcher",
        runs=_asks(
            {
                "question": "Send the findings to the customer?",
                "action": "send_mail",
                "details": {"to": "ada@example.org", "subject": "What we found", "attachments": 2},
                "reason": "Both sources were checked.",
            }
        ),
        inputs={},
        server=OnServer(name="prod", watched=True, parent="5b1e7c52-8f5a-4a26-93df-3ac3bde1d2c7 (researcher)"),
        outcome="Sent to ada@example.org.",
        refused="Nothing was sent.",
    )


def all_of_them() -> tuple[Asking, ...]:
    """One for each standard card, each with a graph or a program of its own."""
    return (
        _payment(),
        _deletion(),
        _mail(),
        _deployment(),
        _plan(),
        _clarification(),
        _quality(),
        _one_call(),
        _three_calls(),
        _form(),
        _breakpoint(),
        _program(),
        _on_a_server(),
        _watched(),
        _undo_window(),
        _irreversible(),
    )
