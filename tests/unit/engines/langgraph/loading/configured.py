"""Configurations of graphs as the tests write and load them."""

from __future__ import annotations

import json
from pathlib import Path

SOURCE = '''"""Greets whoever is named.

More of it.
"""
from langgraph.graph import START, StateGraph
from typing_extensions import TypedDict

class State(TypedDict):
    name: str

def greet(state):
    return {"name": "hello " + state["name"]}

builder = StateGraph(State)
builder.add_node("greet", greet)
builder.add_edge(START, "greet")
compiled = builder.compile()

def make():
    return builder

async def make_later():
    return compiled

def make_configured(config):
    assert config == {}
    return builder

def make_optional(config=None):
    assert config is None
    return builder

def make_maker():
    return make

def raises():
    raise RuntimeError("no model")

number = 7
'''


def configuration(root: Path, **document: object) -> Path:
    file = root / "langgraph.json"
    file.write_text(json.dumps(document))
    return file
