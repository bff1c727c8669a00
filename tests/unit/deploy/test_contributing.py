"""What a newcomer is told holds: the files that are named exist, and the workflow runs what is here."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
PAGES = {name: (ROOT / name).read_text() for name in ("CONTRIBUTING.md", "SECURITY.md", "simulator/README.md")}
CONTRIBUTING = PAGES["CONTRIBUTING.md"]
MAKEFILE = (ROOT / "Makefile").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
WORKFLOW: dict[str, Any] = yaml.safe_load((ROOT / ".github" / "workflows" / "test.yml").read_text())
CHANGES = re.findall(r"^\| ([^|]+) \| `([^`|]+)` \|$", CONTRIBUTING.partition("## I want to change X")[2], re.MULTILINE)


def test_there_are_twenty_answers_to_what_to_open() -> None:
    assert len(CHANGES) >= 20
    assert len({file for _, file in CHANGES}) == len(CHANGES)


@pytest.mark.parametrize(("what", "file"), CHANGES)
def test_the_file_to_open_exists(what: str, file: str) -> None:
    assert (ROOT / file).is_file(), f"{what}: {file} is not there"


@pytest.mark.parametrize("page", PAGES)
def test_every_path_that_a_page_names_exists(page: str) -> None:
    named = re.findall(r"`((?:bot|graphs|simulator|tests|benchmarks|tools)/[\w./-]*)`", PAGES[page])

    assert [path for path in named if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_link_of_a_page_leads_somewhere(page: str) -> None:
    here = (ROOT / page).parent
    links = re.findall(r"\]\((?!https?:)([^)#]+)", PAGES[page])

    assert [link for link in links if not (here / link).exists()] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_make_target_that_a_page_names_exists(page: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))

    assert set(re.findall(r"(?:^    |`)make ([a-z]+)", PAGES[page], re.MULTILINE)) <= targets


def test_the_scopes_that_are_explained_are_those_of_the_manifest() -> None:
    manifest = yaml.safe_load((ROOT / "manifest.yml").read_text())
    table = PAGES["SECURITY.md"].partition("| scope |")[2].partition("\n\n")[0]
    explained = re.findall(r"`([\w:.]+)`", "".join(row.split("|")[1] for row in table.splitlines()[2:]))

    assert sorted(explained) == sorted(manifest["oauth_config"]["scopes"]["bot"])


def test_the_workflow_runs_each_python_and_each_command() -> None:
    """The Pythons that pyproject.toml promises, on the Redis that compose.yaml runs."""
    job = WORKFLOW["jobs"]["test"]
    promised = [line.rpartition(" ")[2] for line in PROJECT["project"]["classifiers"] if "Python :: 3." in line]
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())
    commands = [step["run"] for step in job["steps"] if "run" in step]

    assert job["strategy"]["matrix"]["python"] == promised
    assert job["services"]["redis"]["image"] == compose["services"]["redis"]["image"]
    assert {"make lint", "make quick", "make test"} <= set(commands)


def test_the_workflow_may_only_read_and_names_each_action_by_what_is_in_it() -> None:
    """A tag of an action may mean something else tomorrow."""
    used = [step["uses"] for job in WORKFLOW["jobs"].values() for step in job["steps"] if "uses" in step]

    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert used
    assert all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", each) for each in used)


def test_the_hooks_are_those_of_the_environment() -> None:
    """Nothing is fetched: each hook is a program of .venv, in the version of requirements.lock."""
    (repository,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]

    assert repository["repo"] == "local"
    assert [hook["id"] for hook in repository["hooks"]] == ["ruff", "format", "mypy", "layers"]
    assert all(hook["entry"].startswith(".venv/bin/") for hook in repository["hooks"])


def test_the_forms_and_the_container_can_be_read() -> None:
    forms = [yaml.safe_load(file.read_text()) for file in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml")]
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())

    assert sum("body" in form for form in forms) == 2
    assert container["postCreateCommand"].endswith("make setup")


def test_there_are_at_most_twelve_import_contracts() -> None:
    contracts = PROJECT["tool"]["importlinter"]["contracts"]

    assert 0 < len(contracts) <= 12
    assert all("\n" not in contract["name"] and not contract["name"].endswith(".") for contract in contracts)
    assert [each["containers"] for each in contracts if each.get("exhaustive")] == [
        ["bot"],
        ["bot.slack"],
        ["bot.http"],
        ["bot.approvals"],
    ]
