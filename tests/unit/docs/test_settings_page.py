"""`.env.example`, the page of settings and the code name the same variables, with the same defaults."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot import crash_points
from bot.durations import spoken
from bot.settings import COMPOSITION, Settings
from tests.unit.docs.pages import PAGES, ROOT, codes, rows, section

EXAMPLE = (ROOT / ".env.example").read_text()
PAGE = "docs/reference/settings.md"
GRAPHS = "## Variables of the graphs that ship"
GIVEN: dict[str, str] = json.loads((ROOT / "langgraph.json").read_text()).get("env", {})
"""What langgraph.json gives the graphs."""


def test_the_example_names_every_setting_and_no_other() -> None:
    named = re.findall(r"^#?([A-Z][A-Z_]+)=", EXAMPLE, re.MULTILINE)

    assert len(named) == len(set(named))
    assert set(named) == {name.upper() for name in Settings.model_fields} | COMPOSITION


def shown(default: object) -> str:
    """A default, as the example writes it."""
    if isinstance(default, timedelta):
        return spoken(default)
    return f"{default:g}" if isinstance(default, float) else str(default)


@pytest.mark.parametrize(
    "name",
    [name for name, field in Settings.model_fields.items() if not field.is_required() and name != "slack_app_token"],
)
def test_the_example_states_the_default_of_each_setting_that_has_one(name: str) -> None:
    default = Settings.model_fields[name].default
    (value,) = re.findall(rf"^#{name.upper()}=(.*)$", EXAMPLE, re.MULTILINE)

    if default is None:
        paragraph = EXAMPLE.partition(f"#{name.upper()}=")[0].rpartition("\n\n")[2]
        assert "Unset: " in paragraph, "what holds without it is said in words"
    else:
        assert value == shown(default)


def test_the_example_is_a_right_file_once_its_tokens_are_filled_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    file = tmp_path / ".env"
    every = re.sub(r"^#(?=[A-Z_]+=)", "", EXAMPLE, flags=re.MULTILINE)

    for other in ("SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET"):
        file.write_text(re.sub(rf"^{other}=.*$", "", every, flags=re.MULTILINE))
        loaded = Settings(_env_file=file)

        assert isinstance(loaded.slack_bot_token, SecretStr)


# --- The page -------------------------------------------------------------------------------------------


def explained(heading: str) -> dict[str, str]:
    """Variable -> default, as a table of the page has them."""
    table = rows(section(PAGE, heading))
    return {name: row[1] for row in table for name in codes(row[0])}


def read_by_graphs() -> set[str]:
    source = "\n".join(file.read_text() for file in (ROOT / "graphs").rglob("*.py"))
    return set(re.findall(r"environ(?:\.get\(|\[)\s*\"([A-Z_]+)\"", source))


def test_the_page_explains_every_setting_and_no_other() -> None:
    assert set(explained("## The bot")) == {name.upper() for name in Settings.model_fields}
    assert set(explained("## compose.yaml")) == COMPOSITION
    assert set(explained(GRAPHS)) == read_by_graphs() | set(GIVEN)


@pytest.mark.parametrize("name", Settings.model_fields)
def test_the_page_states_the_default_of_each_setting(name: str) -> None:
    field = Settings.model_fields[name]
    stated = explained("## The bot")[name.upper()]

    if field.is_required():
        assert stated == "required"
    elif field.default is None:
        assert stated.startswith("not set: "), "what holds without it is said in words"
    else:
        assert stated == f"`{shown(field.default)}`"


def test_the_page_states_what_the_graphs_are_given() -> None:
    stated = explained(GRAPHS)

    assert {name: stated[name] for name in GIVEN} == {name: f"`{value}`" for name, value in GIVEN.items()}


# --- All documents --------------------------------------------------------------------------------------


def variables(text: str) -> set[str]:
    """What looks like an environment variable: capitals with an underscore, in code."""
    blocks = re.findall(r"^ *```\w*\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
    code = " ".join([*codes(text), *blocks, *re.findall(r"^    .*$", text, re.MULTILINE)])
    return set(re.findall(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b", code))


EXAMPLES = {"DEPLOY_TARGET", "PORTAL_TOKEN", "PROD_HOOK_KEY", "PROD_KEY", "PROD_URL", "REQUEST_ID", "TASK_ID"}
"""What stands for something of the reader's own."""
OF_OTHERS = {"CREWAI_STORAGE_DIR", "OTEL_ENABLED", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_SERVICE_NAME"}
"""What frameworks read that agents are written with, and OpenTelemetry."""


@pytest.mark.parametrize("page", PAGES)
def test_every_variable_that_a_document_names_exists(page: str) -> None:
    source = "\n".join(file.read_text() for file in (ROOT / "bot").rglob("*.py"))
    constants = set(re.findall(r"^([A-Z][A-Z0-9_]+)\b", source, re.MULTILINE))
    makefile = set(re.findall(r"^([A-Z_]+) +\?=", (ROOT / "Makefile").read_text(), re.MULTILINE))
    settings = {name.upper() for name in Settings.model_fields} | COMPOSITION
    settings |= {crash_points.VARIABLE, crash_points.OF}
    client = "\n".join(file.read_text() for file in (ROOT / "clients" / "python" / "src").rglob("*.py"))
    settings |= set(re.findall(r'"(COUNTERSIGN_[A-Z_]+)"', client))

    known = settings | set(GIVEN) | read_by_graphs() | constants | makefile | EXAMPLES | OF_OTHERS
    assert variables(PAGES[page]) - known == set()
