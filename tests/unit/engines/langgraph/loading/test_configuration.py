"""The configuration file of the graphs: what is wrong with it is said, and its variables are given to the graphs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bot.approvals.model.errors import SettingsError
from bot.engines.langgraph.loading import registry
from tests.unit.engines.langgraph.loading.configured import configuration


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "langgraph.json, line 1: this is not JSON ("),
        ('{"graphs": {\n\n"a" "b"}}', "langgraph.json, line 3: this is not JSON ("),
        (
            "[]",
            'langgraph.json: this should be an object, such as {"graphs": {"cleanup": "./graphs/cleanup.py:graph"}}',
        ),
        ("{}", 'langgraph.json, key "graphs": name at least one graph, such as "cleanup": "./graphs/cleanup.py:graph"'),
        ('{"graphs": {}}', 'langgraph.json, key "graphs": name at least one graph'),
        ('{"graphs": ["a"]}', 'langgraph.json, key "graphs": name at least one graph'),
        ('{"graphs": {"a": "./a.py"}}', 'langgraph.json, key "graphs.a": this should say the file and the name in it'),
        ('{"graphs": {"a": 1}}', 'langgraph.json, key "graphs.a": this should say the file and the name in it'),
        ('{"graphs": {"a": {"file": "./a.py:b"}}}', 'langgraph.json, key "graphs.a": this should say the file'),
    ],
)
async def test_a_file_that_cannot_be_understood_stops_the_start_and_says_where(
    tmp_path: Path, text: str, sentence: str
) -> None:
    file = tmp_path / "langgraph.json"
    file.write_text(text)

    with pytest.raises(SettingsError) as refused:
        await registry.listed(file, tmp_path)

    assert str(refused.value).startswith(f"{tmp_path}/{sentence}")


async def test_a_missing_file_is_named_with_what_it_should_hold(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"there is no such file\. LANGGRAPH_CONFIG names it; it lists your graphs"):
        await registry.listed(tmp_path / "langgraph.json", tmp_path)


async def test_a_file_that_is_no_text_or_a_folder_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "langgraph.json").write_bytes(b"\xff\xfe\x00")

    for file in (tmp_path / "langgraph.json", tmp_path):
        with pytest.raises(SettingsError, match="cannot be read"):
            await registry.listed(file, tmp_path)


async def test_the_graphs_can_be_listed_without_a_database(root: Path) -> None:
    file = configuration(root, graphs={"good": "./loose.py:builder", "bad": "./nowhere.py:graph"})

    good, bad = await registry.listed(file, root)

    assert (good.name, good.unavailable) == ("good", "")
    assert "there is no file" in bad.unavailable


# --- Variables ----------------------------------------------------------------------------------------


def test_variables_of_the_configuration_are_given_to_the_graphs(root: Path) -> None:
    registry.set_environment(configuration(root, graphs={}, env={"GREETING_OF_A_TEST": "hello"}))

    assert os.environ["GREETING_OF_A_TEST"] == "hello"


def test_variables_of_a_file_beside_the_configuration_are_given_to_the_graphs(root: Path) -> None:
    (root / "graphs.env").write_text("GREETING_OF_A_TEST=hello\nEMPTY_OF_A_TEST\n")

    registry.set_environment(configuration(root, graphs={}, env="graphs.env"))

    assert os.environ["GREETING_OF_A_TEST"] == "hello"
    assert "EMPTY_OF_A_TEST" not in os.environ


def test_what_the_environment_says_already_stays(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GREETING_OF_A_TEST", "good evening")

    registry.set_environment(configuration(root, graphs={}, env={"GREETING_OF_A_TEST": "hello"}))

    assert os.environ["GREETING_OF_A_TEST"] == "good evening"


@pytest.mark.parametrize(
    ("env", "sentence"),
    [
        (["A"], "this should be a file, or a mapping of names to strings"),
        ({"A": 1}, "this should be a file, or a mapping of names to strings"),
        (7, "this should be a file, or a mapping of names to strings"),
        ("graphs.env", "there is no file graphs.env beside it"),
    ],
)
def test_variables_that_cannot_be_read_stop_the_start(root: Path, env: object, sentence: str) -> None:
    with pytest.raises(SettingsError, match=f'langgraph.json, key "env": {sentence}'):
        registry.set_environment(configuration(root, graphs={}, env=env))
