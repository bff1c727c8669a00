"""A CrewAI crew that deletes files only with approval, and whose report people accept.

    COUNTERSIGN_URL=https://approvals.example.com COUNTERSIGN_TOKEN=csk_... MODEL=gpt-5 \\
        python crewai_tools.py tidy-42 /tmp/logs
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from crewai import Agent, BaseLLM, Crew, Task
from crewai.core.providers.human_input import set_provider
from crewai.tools import tool

from countersign import Countersign
from countersign.adapters.crewai import HumanInput, approved_tools


@tool
def list_files(folder: str) -> str:
    """The files in a folder."""
    return "\n".join(str(each) for each in Path(folder).iterdir())


@tool
def delete_file(path: str) -> str:
    """Deletes a file."""
    Path(path).unlink()
    return f"deleted {path}"


def crew(folder: str, llm: BaseLLM | str) -> Crew:
    tidy = Agent(
        role="Janitor",
        goal="Keep disks tidy",
        backstory="You delete what nobody needs.",
        tools=[list_files, delete_file],
        llm=llm,
    )
    task = Task(
        description=f"Delete the log files in {folder}, and report what you deleted.",
        expected_output="A report",
        agent=tidy,
        human_input=True,
    )
    return Crew(agents=[tidy], tasks=[task])


def run(key: str, folder: str, llm: BaseLLM | str) -> str:
    """The report that people accepted."""
    client = Countersign.from_environment()
    set_provider(HumanInput(client, key=key))
    with approved_tools(client, ["delete_file"], key=key):
        return str(crew(folder, llm).kickoff())


if __name__ == "__main__":
    print(run(sys.argv[1], sys.argv[2], os.environ["MODEL"]))
