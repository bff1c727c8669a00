"""A process that only talks to Slack loads neither LangGraph nor any agent."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    "module",
    [
        "bot.engines.published",
        "bot.engines.questions",
        "bot.policy_file",
        "bot.slack.listeners.register",
        "bot.storage.redis.store",
        "bot.storage.sqlite.store",
    ],
)
def test_what_a_gateway_imports_loads_no_langgraph(module: str) -> None:
    code = f"import sys, {module}; print(*sorted({{name.partition('.')[0] for name in sys.modules}}))"

    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    loaded = done.stdout.split()
    assert "bot" in loaded
    assert [name for name in loaded if name.startswith(("langgraph", "langchain", "graphs"))] == []
