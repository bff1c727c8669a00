"""Agents that are known from what a worker published: they take and refuse what the graphs themselves do."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.func import entrypoint
from langgraph.graph import START, MessagesState, StateGraph
from pydantic import BaseModel, Field

from bot.approvals.model.agent import Graph, Input
from bot.approvals.model.catalog import Agent
from bot.approvals.model.decision import Approve, Reject
from bot.approvals.model.errors import (
    AgentsNotLoaded,
    CountersignError,
    GraphUnavailable,
    InvalidAnswer,
    InvalidInputs,
    SettingsError,
    UnknownGraph,
)
from bot.approvals.model.ids import JSON
from bot.approvals.model.policy import CardTerms, GraphTerms, Route
from bot.approvals.rules.matching import Policies
from bot.engines import questions
from bot.engines.langgraph.loading import catalog, inputs, registry
from bot.engines.langgraph.loading.registry import LoadedGraph, Registry
from bot.engines.langgraph.runner import LangGraphEngine
from bot.engines.published import PublishedAgents, together
from bot.slack import quotes
from bot.storage.sqlite.store import SqliteStorage
from tests.support.builders import MINUTE, NOON, a_policy, an_answer
from tests.unit.engines.langgraph.loading.input_forms import FORM, MISFITS, WORDS, Asked, State, form_of

ROOT = Path(__file__).resolve().parents[3]


class Order(BaseModel):
    item: str
    amount: int
    approved: bool


@dataclass
class Line:
    item: str
    amount: Annotated[int, Field(ge=10)]
    on: date


@entrypoint()
def takes_class(given: Line) -> None: ...


@entrypoint()
def takes_text(given: str) -> None: ...


@entrypoint()
def takes_object(given: dict[str, Any]) -> None: ...


def below_the_root(values: dict[str, JSON]) -> None:
    if values.get("path") == "/":
        raise ValueError("not the root, please")


def never(values: dict[str, JSON]) -> None:
    raise ValueError("not today")


def broken(values: dict[str, JSON]) -> None:
    raise KeyError("bug")


def chat() -> Any:
    builder = StateGraph(MessagesState)
    builder.add_node("answer", lambda state: {"messages": []})
    builder.add_edge(START, "answer")
    return builder.compile()


def a_registry() -> Registry:
    """Graphs of every kind, whose inputs are read as those of a langgraph.json are."""
    forms = {
        "clean": FORM,
        "guarded": form_of(State, Asked, below_the_root),
        "never": form_of(State, Asked, never),
        "broken": form_of(State, Asked, broken),
        "order": form_of(Order),
        "class": inputs.read(takes_class, None),
        "text": inputs.read(takes_text, None),
        "object": inputs.read(takes_object, None),
        "chat": inputs.read(chat(), None),
    }
    graphs = {name: LoadedGraph(name=name, description="", compiled=None, form=form) for name, form in forms.items()}
    graphs["chat"] = replace(graphs["chat"], compiled=chat())
    absent = LoadedGraph(name="absent", description="", compiled=None, form=inputs.EMPTY, unavailable="it is broken")
    return Registry(graphs={**graphs, "absent": absent}, saver=InMemorySaver())


REGISTRY = a_registry()


@dataclass
class Both:
    """One set of graphs, asked themselves and as a worker published them."""

    registry: Registry
    published: PublishedAgents
    asked: list[str]
    """The graphs whose own check a worker was asked to run."""

    async def ways(self, graph: str, words: Mapping[str, str]) -> tuple[object, object]:
        """What comes of these words in both ways."""
        engine = LangGraphEngine(registry=self.registry)
        return await outcome(engine, graph, words), await outcome(self.published, graph, words)


async def outcome(agents: PublishedAgents | LangGraphEngine, graph: str, words: Mapping[str, str]) -> object:
    """The values, or all that the refusal says."""
    try:
        return await agents.parse_inputs(graph, words)
    except InvalidInputs as refused:
        said = (refused.graph, refused.problems, refused.example, refused.choices, refused.certain)
        return ("refused", *said)
    except CountersignError as refused:
        return type(refused), str(refused)


async def both_of(registry: Registry, storage: SqliteStorage) -> Both:
    asked: list[str] = []

    async def ask(graph: str, values: Mapping[str, JSON]) -> Mapping[str, str] | None:
        asked.append(graph)
        return await catalog.check(registry, graph, values)

    await storage.publish(await catalog.catalog_of(registry, NOON))
    agents = PublishedAgents(storage=storage, ask=ask)
    await agents.refresh()
    return Both(registry, agents, asked)


@pytest.fixture
async def storage() -> AsyncIterator[SqliteStorage]:
    opened = await SqliteStorage.open(":memory:")
    yield opened
    await opened.close()


@pytest.fixture
async def both(storage: SqliteStorage) -> Both:
    return await both_of(REGISTRY, storage)


def typed(line: str) -> dict[str, str]:
    """The words of a line, as the command reads them."""
    _, *pairs = quotes.split(line.removeprefix("/task "))
    return {name: word for name, _, word in (pair.partition("=") for pair in pairs)}


# --- The same in both ways ----------------------------------------------------------------------------


async def test_a_published_graph_is_listed_as_the_graph_itself(both: Both) -> None:
    engine = LangGraphEngine(registry=both.registry)

    assert both.published.graphs() == engine.graphs()


@pytest.mark.parametrize(("name", "word", "value"), WORDS)
async def test_a_program_sends_values_and_not_words(both: Both, name: str, word: str, value: JSON) -> None:
    given: dict[str, JSON] = {"path": "logs", name: value}

    assert await both.published.check_inputs("clean", given) == given


@pytest.mark.parametrize(
    ("graph", "values", "problems"),
    [
        ("clean", {"path": 3}, {"path": "cannot be `3`: it has to be a text, such as my logs"}),
        ("clean", {}, {"path": "is missing"}),
        ("guarded", {"path": "/"}, {"": "not the root, please"}),
    ],
)
async def test_values_that_do_not_fit_are_refused(
    both: Both, graph: str, values: dict[str, JSON], problems: dict[str, str]
) -> None:
    with pytest.raises(InvalidInputs) as refused:
        await both.published.check_inputs(graph, values)

    assert refused.value.problems == problems


async def test_a_value_that_is_no_input_is_refused_with_those_that_are(both: Both) -> None:
    with pytest.raises(InvalidInputs) as refused:
        await both.published.check_inputs("order", {"item": "hat", "amount": 3, "color": "red"})

    assert refused.value.problems == {"color": "is not an input of it; it takes `item`, `amount`"}


async def test_an_agent_that_takes_any_object_gets_what_was_sent(both: Both) -> None:
    assert await both.published.check_inputs("object", {"any": [1]}) == {"input": {"any": [1]}}


@pytest.mark.parametrize(("name", "word", "value"), WORDS)
async def test_a_word_is_read_as_the_same_value(both: Both, name: str, word: str, value: JSON) -> None:
    itself, published = await both.ways("clean", {"path": "logs", name: word})

    assert itself == published
    assert isinstance(published, dict)
    assert published[name] == value


@pytest.mark.parametrize(("name", "word", "sentence"), MISFITS)
async def test_a_word_that_does_not_fit_is_refused_in_the_same_words(
    both: Both, name: str, word: str, sentence: str
) -> None:
    itself, published = await both.ways("clean", {"path": "logs", name: word})

    assert itself == published
    assert isinstance(published, tuple)
    assert published[2] == {name: sentence}


@pytest.mark.parametrize(
    ("graph", "words"),
    [
        ("clean", {}),
        ("clean", {"size": "1", "count": "x"}),
        ("guarded", {"path": "/"}),
        ("guarded", {"path": "a"}),
        ("guarded", {"path": "/", "count": "x"}),
        ("never", {"path": "a"}),
        ("order", {}),
        ("order", {"item": "x", "amount": "1", "approved": "yes"}),
        ("class", {"item": "x", "amount": "3", "on": "2030-01-01"}),
        ("class", {"item": "x", "amount": "30", "on": "2030-01-01"}),
        ("class", {"item": "x", "amount": "30", "on": "tomorrow"}),
        ("text", {"input": "hello"}),
        ("text", {"words": "hello"}),
        ("object", {}),
        ("object", {"item": "x", "many": "[1, 2]"}),
        ("object", {"input": '{"item": 1}'}),
        ("object", {"input": "x"}),
        ("chat", {"messages": "hello"}),
        ("chat", {}),
        ("absent", {}),
        ("nowhere", {}),
    ],
)
async def test_every_kind_of_graph_takes_and_refuses_the_same(both: Both, graph: str, words: dict[str, str]) -> None:
    itself, published = await both.ways(graph, words)

    assert itself == published


async def test_the_shipped_graphs_take_and_refuse_the_same(
    storage: SqliteStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each with its own example, with that example and one word changed, with a name that it does not know, and
    without any word."""
    (tmp_path / "logs").mkdir()
    (tmp_path / "customers.csv").write_text("name,number\nAda,7\n")
    for name in ("CLEANUP_ROOT", "BATCH_ROOT", "MAIL_OUTBOX", "PUBLISH_ROOT", "INTAKE_ROOT"):
        monkeypatch.setenv(name, str(tmp_path))
    async with registry.loaded(ROOT / "langgraph.json", ROOT, InMemorySaver()) as found:
        both = await both_of(found, storage)
        started = set()
        for graph in both.published.graphs():
            right = {} if graph.unavailable else typed(graph.example)
            changed = [{**right, each.name: word} for each in graph.inputs for word in ("", "-1", "no such thing")]
            for words in (right, {**right, "ghost": "1"}, {}, *changed):
                itself, published = await both.ways(graph.name, words)
                assert itself == published, (graph.name, words)
                if words == right and isinstance(published, dict):
                    started.add(graph.name)

    assert started == {"cleanup", "payment", "email", "publish", "batch", "intake"}


# --- A graph's own check ------------------------------------------------------------------------------


async def test_a_worker_is_asked_only_if_the_graph_has_a_check_and_the_values_fit(both: Both) -> None:
    await both.published.parse_inputs("clean", {"path": "a"})
    await outcome(both.published, "guarded", {"count": "x"})
    assert both.asked == []

    await both.published.parse_inputs("guarded", {"path": "a"})
    assert both.asked == ["guarded"]


async def test_without_an_answer_the_values_pass(both: Both) -> None:
    async def silent(graph: str, values: Mapping[str, JSON]) -> None:
        return None

    both.published.ask = silent

    assert await both.published.parse_inputs("guarded", {"path": "/"}) == {"path": "/"}


async def test_a_check_that_breaks_is_told_with_the_id_of_its_error(
    both: Both, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(InvalidInputs) as refused:
        await both.published.parse_inputs("broken", {"path": "a"})

    (logged,) = [each for each in caplog.records if each.levelname == "ERROR"]
    id = logged.getMessage().split()[1].rstrip(":")
    assert refused.value.problems == {"": f"its own check of the inputs failed (KeyError, error {id})"}
    assert not refused.value.certain


@pytest.mark.parametrize("graph", ["nowhere", "absent"])
async def test_the_check_of_a_graph_that_cannot_run_objects_to_nothing(both: Both, graph: str) -> None:
    """Whoever starts it is told that it is missing."""
    assert await catalog.check(both.registry, graph, {"path": "/"}) == {}


# --- The catalog --------------------------------------------------------------------------------------


async def test_before_anything_is_published_the_agents_are_not_loaded(storage: SqliteStorage) -> None:
    async def ask(graph: str, values: Mapping[str, JSON]) -> None:
        raise AssertionError("nothing can be checked")

    agents = PublishedAgents(storage=storage, ask=ask)

    assert not await agents.refresh()
    with pytest.raises(AgentsNotLoaded):
        agents.graphs()
    with pytest.raises(AgentsNotLoaded):
        await agents.parse_inputs("clean", {})
    with pytest.raises(AgentsNotLoaded):
        agents.refuse_unknown(Policies(rules=(), otherwise=a_policy()))


async def test_another_catalog_is_read_once(both: Both, storage: SqliteStorage) -> None:
    assert not await both.published.refresh()
    graphs = {name: graph for name, graph in both.registry.graphs.items() if name != "clean"}
    await storage.publish(await catalog.catalog_of(replace(both.registry, graphs=graphs), NOON))

    assert await both.published.refresh()
    assert not await both.published.refresh()

    assert "clean" not in {graph.name for graph in both.published.graphs()}


async def test_what_is_started_is_read_by_the_newest_catalog(both: Both, storage: SqliteStorage) -> None:
    with pytest.raises(UnknownGraph):
        await both.published.parse_inputs("more", {"path": "a"})

    more = {**both.registry.graphs, "more": replace(both.registry.graphs["clean"], name="more")}
    await storage.publish(await catalog.catalog_of(replace(both.registry, graphs=more), NOON))

    assert await both.published.parse_inputs("more", {"path": "a"}) == {"path": "a"}


async def test_the_digest_says_whether_the_agents_are_the_same() -> None:
    known = REGISTRY
    first = await catalog.catalog_of(known, NOON)
    again = await catalog.catalog_of(a_registry(), NOON + MINUTE)
    described = {**known.graphs, "clean": replace(known.graphs["clean"], description="Another one")}
    other = await catalog.catalog_of(replace(known, graphs=described), NOON)

    assert again == replace(first, published_at=NOON + MINUTE)
    assert other.digest != first.digest


async def test_a_check_that_hangs_keeps_no_agent_from_being_published() -> None:
    over = threading.Event()

    def hangs(values: dict[str, JSON]) -> None:
        over.wait()

    known = REGISTRY
    slow = LoadedGraph(name="slow", description="", compiled=None, form=form_of(State, Asked, hangs))
    try:
        found = await catalog.catalog_of(
            replace(known, graphs={"slow": slow, **known.graphs}), NOON, seconds_to_check=0.01
        )
    finally:
        over.set()

    assert [each.graph.name for each in found.agents] == ["slow", *known.graphs]
    assert found.agents[0].checked
    assert not found.agents[0].certain


async def test_policies_that_name_what_is_not_in_the_catalog_are_refused(both: Both) -> None:
    refuse = both.published.refuse_unknown
    under = partial(Policies, rules=(), otherwise=a_policy())

    refuse(under(cards={"clean": CardTerms()}, graphs={"absent": GraphTerms(reject=Route(as_node="anywhere"))}))
    refuse(under(graphs={"chat": GraphTerms(reject=Route(as_node="answer"))}))
    with pytest.raises(SettingsError, match=r'key "cards\.cleen".* Did you mean "clean"\?'):
        refuse(under(cards={"cleen": CardTerms()}))
    with pytest.raises(SettingsError, match=r'key "approvals\.chat\.reject\.as_node".* It has answer\.'):
        refuse(under(graphs={"chat": GraphTerms(reject=Route(as_node="nowhere"))}))


# --- Answers ------------------------------------------------------------------------------------------


def test_an_answer_needs_no_catalog(storage: SqliteStorage) -> None:
    async def ask(graph: str, values: Mapping[str, JSON]) -> None:
        raise AssertionError("nothing is checked")

    agents, question = PublishedAgents(storage=storage, ask=ask), questions.read("Delete it?")

    assert agents.answer(question, question, an_answer(verdicts=(Approve(),))) is True
    assert agents.answer(question, question, an_answer(verdicts=(Reject(),))) is False
    with pytest.raises(InvalidAnswer):
        agents.answer(question, question, an_answer(verdicts=(Approve(), Approve())))


# --- Agents on LangGraph Servers --------------------------------------------------------------------


def on(server: str, name: str, **changes: Any) -> Agent:
    """An agent that runs on this server."""
    graph = Graph(name=name, description="", inputs=(), example=f"/task {name} x=1", server=server, **changes)
    return Agent(graph=graph, schema={"type": "object", "properties": {}})


def names(agents: Sequence[Agent]) -> list[str]:
    return [each.graph.name for each in agents]


def test_an_agent_of_a_server_is_called_by_its_name_if_no_other_has_it() -> None:
    here = [replace(on("", "cleanup"), certain=True)]

    assert together(here, [on("prod", "deploy")]) == (*here, on("prod", "deploy"))


def test_agents_of_the_same_name_are_told_apart_by_their_servers() -> None:
    """The one that runs here keeps its name, which commands and policies know."""
    found = together([on("", "cleanup")], [on("prod", "cleanup"), on("prod", "deploy"), on("eu", "deploy")])

    assert names(found) == ["cleanup", "prod/cleanup", "prod/deploy", "eu/deploy"]
    assert found[1].graph.example == "/task prod/cleanup x=1"


async def test_agents_of_servers_are_started_as_those_that_run_here(both: Both) -> None:
    taken = replace(on("prod", "refund"), schema={"type": "object", "properties": {"order": {"type": "string"}}})
    taken = replace(taken, graph=replace(taken.graph, inputs=(Input(name="order", schema={}, required=True),)))
    agents = replace_servers(both.published, [taken, on("prod", "away", unavailable="it does not answer.")])
    await agents.refresh()

    assert {"refund", "away"} < {graph.name for graph in agents.graphs()}
    assert await agents.parse_inputs("refund", {"order": "o-1"}) == {"order": "o-1"}
    with pytest.raises(GraphUnavailable, match="it does not answer"):
        await agents.parse_inputs("away", {})
    with pytest.raises(UnknownGraph, match="refund"):
        await agents.parse_inputs("refnd", {})


def replace_servers(published: PublishedAgents, agents: Sequence[Agent]) -> PublishedAgents:
    return PublishedAgents(storage=published.storage, ask=published.ask, on_servers=lambda: agents)
