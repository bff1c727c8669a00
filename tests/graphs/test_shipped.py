"""What langgraph.json names: every graph loads, says what it is and takes, and asks what the bot can show."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver

from bot.approvals.model.agent import Graph
from bot.engines import questions
from bot.engines.langgraph.loading import registry
from graphs import assistant, batch, cleanup, email, intake, mail, payment, publish
from tests.graphs.models import installed
from tests.graphs.threads import Thread

HERE = Path(__file__).parents[2]
CONFIG = HERE / "langgraph.json"
NAMES = ["cleanup", "payment", "email", "publish", "batch", "intake", "assistant"]


async def listed() -> dict[str, Graph]:
    return {graph.name: graph for graph in await registry.listed(CONFIG, HERE)}


async def test_without_a_model_every_graph_but_the_assistant_can_be_started() -> None:
    graphs = await listed()

    assert list(graphs) == NAMES
    assert [name for name, graph in graphs.items() if graph.unavailable] == ["assistant"]
    assert "MODEL is not set. Name a chat model" in graphs["assistant"].unavailable


async def test_a_mail_server_needs_the_extra_and_the_graph_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without SMTP_HOST nothing is missing: the mail is a file then."""
    monkeypatch.setitem(sys.modules, "aiosmtplib", None)
    without = (await listed())["email"]
    monkeypatch.setenv("SMTP_HOST", "mail.example.org")
    monkeypatch.delitem(sys.modules, "graphs.email")  # as when the bot starts: nothing has loaded it yet
    graph = (await listed())["email"]

    assert not without.unavailable
    assert "aiosmtplib is not installed. It comes with the extra 'mail': pip install 'countersign-bot[mail]'" in (
        graph.unavailable or ""
    )


async def test_the_assistant_needs_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, "")
    monkeypatch.setitem(sys.modules, "aiosmtplib", None)
    monkeypatch.setenv("SMTP_HOST", "mail.example.org")

    assert "pip install 'countersign-bot[mail]'" in ((await listed())["assistant"].unavailable or "")


async def test_with_a_model_all_of_them_can(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, "")

    graphs = await listed()

    assert [name for name, graph in graphs.items() if graph.unavailable] == []


async def test_each_says_what_it_does_in_a_line_and_describes_every_input(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, "")

    for graph in (await listed()).values():
        assert 0 < len(graph.description) <= 100, graph.name
        assert "\n" not in graph.description, graph.name
        assert graph.inputs, graph.name
        for given in graph.inputs:
            assert given.description, f"{graph.name}.{given.name}"
            assert "<" not in graph.example, f"{graph.name}: an example for each input that is required"


def test_the_settings_are_those_that_the_graphs_have_without() -> None:
    assert json.loads(CONFIG.read_text())["env"] == {
        "CLEANUP_ROOT": cleanup.DEFAULT_ROOT,
        "CLEANUP_UNDO": cleanup.DEFAULT_UNDO,
        "PAYMENT_LEDGER": payment.DEFAULT_LEDGER,
        "PAYMENT_THRESHOLD": payment.DEFAULT_THRESHOLD,
        "PAYMENT_CURRENCY": payment.DEFAULT_CURRENCY,
        "MAIL_OUTBOX": mail.DEFAULT_OUTBOX,
        "PUBLISH_ROOT": publish.DEFAULT_ROOT,
        "BATCH_ROOT": batch.DEFAULT_ROOT,
        "INTAKE_ROOT": intake.DEFAULT_ROOT,
        "ASSISTANT_ROOT": assistant.DEFAULT_ROOT,
    }


@pytest.mark.parametrize(
    ("graph", "inputs", "shape", "verdicts"),
    [
        (payment.graph, {"payee": "A", "amount": "500", "purpose": "x"}, "question_details", ["approve", "reject"]),
        (email.graph, {"to": "a@b.org", "subject": "s", "text": "t"}, "options", ["choose"]),
        (publish.graph, {"topic": "T", "brief": "b"}, "question_details", ["approve", "reject"]),
        (batch.graph, {"file": "c.csv", "template": "{name}"}, "quality_check", ["approve", "reject"]),
        (intake.graph, {"task": "Fix it"}, "clarification", ["respond"]),
    ],
)
async def test_what_they_ask_is_read_as_what_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, graph: Any, inputs: dict[str, str], shape: str, verdicts: list[str]
) -> None:
    monkeypatch.setenv("BATCH_ROOT", str(tmp_path))
    place(tmp_path / "c.csv")

    asked = await Thread(graph, InMemorySaver()).start(**inputs)

    question = questions.read(asked)
    assert question.shape == shape
    assert [verdict.value for item in question.items for verdict in item.verdicts] == verdicts


def place(path: Path) -> None:
    path.write_text("name\nAda\n")
