"""A LangGraph graph that runs in your own process, and asks people through Countersign. The thread is kept in SQLite
while they think, so the process may be killed and started again.

    export COUNTERSIGN_URL=https://approvals.example.com COUNTERSIGN_TOKEN=csk_...
    python langgraph_outside.py refund-4711 90.00
"""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from typing import Any, TypedDict

from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import interrupt

from countersign import Countersign
from countersign.adapters.langgraph import resolve_sync


class State(TypedDict, total=False):
    order: str
    amount: str
    approved: bool
    outcome: str


def ask(state: State) -> State:
    details = {"order": state["order"], "amount": state["amount"]}
    return {"approved": interrupt({"question": f"Refund {state['amount']} EUR?", "details": details}) is True}


def pay(state: State) -> State:
    return {"outcome": f"refunded {state['amount']}" if state["approved"] else "not refunded"}


def graph(saver: SqliteSaver) -> CompiledStateGraph[State, Any, State, State]:
    built = StateGraph(State)
    built.add_node(ask)
    built.add_node(pay)
    built.add_edge(START, "ask")
    built.add_edge("ask", "pay")
    built.add_edge("pay", END)
    return built.compile(saver)


def run(thread: str, amount: str) -> str:
    """What became of the refund."""
    client = Countersign.from_environment()
    with closing(sqlite3.connect("threads.db", check_same_thread=False)) as database:
        refunds = graph(SqliteSaver(database))
        config: Any = {"configurable": {"thread_id": thread}}
        if not refunds.get_state(config).created_at:
            refunds.invoke({"order": thread, "amount": amount}, config)
        while interrupts := refunds.get_state(config).interrupts:
            refunds.invoke(resolve_sync(interrupts, client, key=thread), config)
        return str(refunds.get_state(config).values["outcome"])


if __name__ == "__main__":
    print(run(sys.argv[1], sys.argv[2]))
