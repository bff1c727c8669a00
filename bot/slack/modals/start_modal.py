"""The modal that starts a task: a menu of graphs, and the chosen graph's inputs as a form."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bot.approvals.model.agent import Graph, Input
from bot.approvals.model.ids import ChannelId, Ts
from bot.approvals.model.server import OnServer, own_name
from bot.slack import actions, blocks, text
from bot.slack.blocks import Block
from bot.slack.forms import field_choice, field_values, fields, schema_form
from bot.slack.forms.fields import Field, State, Wrong
from bot.slack.forms.problems import Problems
from bot.slack.modals import views
from bot.slack.modals.views import Modal

QUOTED: Final = "quoted"
_MAX_QUOTED_CHARACTERS: Final = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """Where to start a task: in a channel, or in one of its threads."""

    channel: ChannelId
    thread_ts: Ts | None = None

    @classmethod
    def decode(cls, metadata: str) -> Spot:
        read = json.loads(metadata)
        ts = read.get("thread_ts")
        return cls(channel=ChannelId(read["channel"]), thread_ts=Ts(ts) if ts else None)

    def encoded(self) -> str:
        """The spot as a modal's metadata."""
        return json.dumps({"channel": self.channel, "thread_ts": self.thread_ts}, separators=(",", ":"))


def start(graphs: Sequence[Graph], *, chosen: str = "", metadata: str = "", quoted: str = "") -> Modal:
    """The modal, with the chosen graph's inputs if one is chosen. Choosing another graph sends `block_actions`.

    `metadata` comes back with the submission. `quoted` is the message that the task is started from: the modal shows it
    and fills it into the input that takes a sentence.
    """
    runnable = [graph for graph in graphs if not graph.unavailable][: blocks.OPTIONS]
    graph = next((graph for graph in runnable if graph.name == chosen), runnable[0] if len(runnable) == 1 else None)
    content: list[Block] = []
    if quoted.strip():
        content.append(
            {
                **blocks.rich(blocks.quote(blocks.run(text.shown(quoted, _MAX_QUOTED_CHARACTERS).text))),
                "block_id": QUOTED,
            }
        )
    if runnable:
        content.append(_menu(runnable, graph))
    else:
        content.append(blocks.section("Nothing can be started here."))
    if graph is not None:
        if graph.description:
            content.append(blocks.rich(blocks.line(blocks.run(text.shown(graph.description, 600).text))))
        for field in inputs(graph):
            sentence = quoted if quoted and field.name == graph.spoken else None
            content.extend(fields.blocks_of(field, typed=sentence))
    content.extend(_unavailable([graph for graph in graphs if graph.unavailable]))
    return views.modal("Start a task", actions.START, content, submit="Start" if runnable else "", metadata=metadata)


def chosen(state: State) -> str:
    """The graph that is chosen in the menu. Empty if none is."""
    option = state.get("values", {}).get(actions.GRAPH, {}).get(actions.GRAPH, {}).get("selected_option")
    return str(option["value"]) if option else ""


def quoted(view: Mapping[str, Any]) -> str:
    """The message that the modal quotes. Empty if it quotes none."""
    shown = next((block for block in view["blocks"] if block.get("block_id") == QUOTED), None)
    return str(shown["elements"][0]["elements"][0]["text"]) if shown else ""


def words(graph: Graph, state: State) -> Mapping[str, str]:
    """What was filled in, by input, as words for `Agents.parse_inputs`. Inputs left empty are left out."""
    read = {field.name: _words(field, state) for field in inputs(graph)}
    return {name: typed for name, typed in read.items() if typed is not None}


def problems(graph: Graph, wrong: Mapping[str, str]) -> Problems:
    """What `InvalidInputs.problems` says, beside the field of each input. The rest stands beside the menu."""
    by_name = {field.name: field.block_id for field in inputs(graph)}
    beside: dict[str, str] = {}
    for name, sentence in wrong.items():
        block = by_name.get(name, actions.GRAPH)
        named = _sentence(sentence) if name in by_name else f"{name} {sentence}".strip()
        beside[block] = text.label(f"{beside[block]} {named}" if block in beside else named, 300)
    return Problems(by_block=beside)


def _sentence(said: str) -> str:
    """What is said about an input, as a sentence that stands beside it."""
    subject = "This " if said[:1].islower() else ""
    return f"{subject}{said}" if said[-1:] in ".!?" else f"{subject}{said}."


def inputs(graph: Graph) -> list[Field]:
    """The graph's inputs as fields, at most as many as a modal takes."""
    return [_field(graph, each) for each in graph.inputs[: schema_form.MAX_FIELDS]]


def _words(field: Field, state: State) -> str | None:
    """What a person would have typed after `key=`. The engine refuses what is not a value of the field."""
    if fields.typed(field, state) is None:
        return None
    try:
        (value,) = field_values.read(field, state)
    except Wrong:
        return fields.typed(field, state)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _field(graph: Graph, each: Input) -> Field:
    return field_choice.of_schema(
        _block_id(graph.name, each.name),
        (each.name,),
        each.schema,
        required=each.required,
        hint=each.description,
        initial=each.default,
        label=field_choice.label_of(each.name),  # what one types before the `=` of the command
    )


def _block_id(graph: str, name: str) -> str:
    """A block_id of its own for each input of each graph, because Slack keeps what was typed under the same block_id
    when somebody chooses another graph."""
    return "input:" + hashlib.sha256(f"{graph}\n{name}".encode()).hexdigest()[:16]


def _menu(graphs: Sequence[Graph], graph: Graph | None) -> Block:
    options = [blocks.option(_titled(each), each.name) for each in graphs if len(each.name) <= 150]
    element: dict[str, object] = {
        "type": "static_select",
        "action_id": actions.GRAPH,
        "options": options,
        "placeholder": blocks.plain("Choose", 150),
    }
    if graph is not None:
        element["initial_option"] = blocks.option(_titled(graph), graph.name)
    return {
        "type": "input",
        "block_id": actions.GRAPH,
        "label": blocks.plain("What should be done?", 150),
        "element": element,
        "dispatch_action": True,
    }


def _titled(graph: Graph) -> str:
    """The graph's name, and on which LangGraph Server it runs, if it does: `deploy on prod`."""
    if not graph.server:
        return graph.name
    return f"{own_name(OnServer(name=graph.server), graph.name)} on {graph.server}"


def _unavailable(graphs: Sequence[Graph]) -> list[Block]:
    if not graphs:
        return []
    lines = [
        blocks.line(
            blocks.run(text.label(graph.name, 60), "bold"), blocks.run(f"  {text.label(graph.unavailable, 200)}")
        )
        for graph in graphs[:10]
    ]
    return [blocks.context("Cannot run here"), blocks.rich(blocks.bullets(lines))]
