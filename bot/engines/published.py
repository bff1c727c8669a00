"""The Agents port for a process that loads no agent's code: it reads the catalog that workers publish."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from bot.approvals.model.agent import Graph
from bot.approvals.model.catalog import Agent, Catalog
from bot.approvals.model.decision import Decision
from bot.approvals.model.errors import AgentsNotLoaded, GraphUnavailable, InvalidInputs, UnknownGraph
from bot.approvals.model.ids import JSON
from bot.approvals.model.question import Question
from bot.approvals.model.server import full_name
from bot.approvals.ports.storage import AgentStore
from bot.approvals.rules import known_graphs
from bot.approvals.rules.matching import Policies
from bot.engines import questions
from bot.engines.input_forms.form import InputForm

Ask: TypeAlias = Callable[[str, Mapping[str, JSON]], Awaitable[Mapping[str, str] | None]]
"""Asks a worker to run a graph's own check of these values. Returns the problems by the input's name, '' standing for
all inputs together. Returns None if no worker answered in time."""


@dataclass(slots=True, kw_only=True)
class PublishedAgents:
    """The agents of the newest catalog that was read, and those that run on LangGraph Servers."""

    storage: AgentStore
    ask: Ask
    on_servers: Callable[[], Sequence[Agent]] = tuple
    """The agents that run on LangGraph Servers."""
    _catalog: Catalog | None = field(default=None, init=False)

    async def refresh(self) -> bool:
        """Read the catalog if another one was published. Returns whether there was another one. Raises
        `Unreachable`."""
        found = await self.storage.published(known=self._catalog.digest if self._catalog else "")
        if found is None:
            return False
        self._catalog = found
        return True

    def refuse_unknown(self, policies: Policies) -> None:
        """Raises SettingsError if the policies name a graph or a node that is not in the catalog, and AgentsNotLoaded
        if there is no catalog."""
        known_graphs.refuse_unknown(policies, {each.graph.name: each.nodes for each in self._published()})

    def graphs(self) -> tuple[Graph, ...]:
        return tuple(each.graph for each in self._all())

    async def parse_inputs(self, graph: str, words: Mapping[str, str]) -> Mapping[str, JSON]:
        """See `Agents`. If the graph has a check of its own and no worker answers in time, the values pass: the worker
        that starts the graph checks them again."""
        agent, form = await self._form(graph)
        values, problems = form.read(words)
        return await self._checked(agent, form, values, problems)

    async def check_inputs(self, graph: str, values: Mapping[str, JSON]) -> Mapping[str, JSON]:
        """See `Inputs`, and `parse_inputs` for a graph that has a check of its own."""
        agent, form = await self._form(graph)
        known, problems = form.fit(values)
        return await self._checked(agent, form, known, problems)

    def check_edit(self, question: Question, item: int) -> None:
        questions.check_edit(question, item)

    def answer(self, question: Question, proposed: Question, decision: Decision) -> JSON:
        return questions.answer(question, proposed, decision)

    # --- Within ---------------------------------------------------------------------------------

    async def _form(self, graph: str) -> tuple[Agent, InputForm]:
        await self.refresh()
        agent = self._agent(graph)
        return agent, InputForm(inputs=agent.graph.inputs, schema=agent.schema, open=agent.open)

    async def _checked(
        self, agent: Agent, form: InputForm, values: Mapping[str, JSON], problems: Mapping[str, str]
    ) -> Mapping[str, JSON]:
        """The values, if neither the form nor the graph's own check objects to them."""
        graph = agent.graph
        if not problems and agent.checked:
            problems = await self.ask(graph.name, values) or {}
        if problems:
            raise InvalidInputs(graph.name, problems, graph.example, form.choices(), certain=agent.certain)
        return values

    def _published(self) -> tuple[Agent, ...]:
        if self._catalog is None:
            raise AgentsNotLoaded
        return self._catalog.agents

    def _all(self) -> tuple[Agent, ...]:
        return together(self._published(), self.on_servers())

    def _agent(self, name: str) -> Agent:
        agents = self._all()
        agent = next((each for each in agents if each.graph.name == name), None)
        if agent is None:
            raise UnknownGraph(name, tuple(each.graph.name for each in agents if not each.graph.unavailable))
        if agent.graph.unavailable:
            raise GraphUnavailable(name, agent.graph.unavailable)
        return agent


def together(here: Sequence[Agent], on_servers: Sequence[Agent]) -> tuple[Agent, ...]:
    """All agents, each under a name of its own. One on a server whose name another agent has too is called
    `<server>/<name>`."""
    names = Counter(each.graph.name for each in (*here, *on_servers))
    return (*here, *(each if names[each.graph.name] == 1 else _in_full(each) for each in on_servers))


def _in_full(agent: Agent) -> Agent:
    graph = agent.graph
    name = full_name(graph.server, graph.name)
    example = graph.example.replace(graph.name, name, 1)
    return replace(agent, graph=replace(graph, name=name, example=example))
