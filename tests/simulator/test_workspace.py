"""The one file that says who works here: what it may say, and what is wrong with it in words."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from simulator.process import NotReady, spawn
from simulator.workspace import WorkspaceError, parse, read
from tests.support.desk import MANIFEST, Desk

SMALL: dict[str, Any] = {
    "team": {"id": "T1", "name": "Small", "domain": "small"},
    "people": [{"id": "U1", "name": "ann", "real_name": "Ann Ames", "tz": "Europe/Berlin"}],
    "user_groups": [{"id": "S1", "handle": "all", "name": "All", "people": ["ann"]}],
    "channels": [{"id": "C1", "name": "talk", "people": ["ann"], "bot": True}],
}


def _parsed(**changes: Any) -> Any:
    return parse({**SMALL, **changes}, bot_name="Bot", app_name="App")


def test_a_workspace_is_its_people_groups_and_channels_and_the_bot_joins_it() -> None:
    workspace = _parsed()

    assert [person.name for person in workspace.people] == ["ann", "bot"]
    assert workspace.groups[0].people == ("U1",)
    assert workspace.channels[0].members == ("U1", "U0COUNTERSIGN")


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown key": ({"people": [{**SMALL["people"][0], "age": 3}]}, "unexpected keyword argument 'age'"),
    "a missing key": ({"people": [{"id": "U1", "name": "ann"}]}, "real_name"),
    "an unknown zone": ({"people": [{**SMALL["people"][0], "tz": "Mars/Base"}]}, "ann: no such time zone"),
    "somebody unknown in a group": (
        {"user_groups": [{**SMALL["user_groups"][0], "people": ["ben"]}]},
        "All: there is no ben among the people",
    ),
    "somebody unknown in a channel": (
        {"channels": [{"id": "C1", "name": "talk", "people": ["ben"]}]},
        "talk: there is no ben among the people",
    ),
    "an unknown key of a channel": (
        {"channels": [{"id": "C1", "name": "talk", "colour": 1}]},
        "a channel needs id and name",
    ),
    "one id twice": ({"channels": [{"id": "U1", "name": "talk"}]}, "two things have the id U1"),
    "no mapping": ({"people": ["ann"]}, "a person must be a mapping: ann"),
}


@pytest.mark.parametrize(("changes", "complaint"), WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_is_said(changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(WorkspaceError, match=complaint):
        _parsed(**changes)


def test_an_empty_file_is_no_workspace(tmp_path: Path) -> None:
    (tmp_path / "empty.yaml").write_text("")

    with pytest.raises(WorkspaceError, match=r"empty\.yaml: a workspace must be a mapping"):
        read(tmp_path / "empty.yaml", bot_name="Bot", app_name="App")


async def test_a_simulator_of_a_wrong_workspace_does_not_start(tmp_path: Path) -> None:
    manifest, workspace = tmp_path / "manifest.yml", tmp_path / "workspace.yaml"
    manifest.write_text(yaml.safe_dump(MANIFEST))
    workspace.write_text(yaml.safe_dump({**SMALL, "people": [{"id": "U1"}]}))

    with pytest.raises(NotReady, match=r"workspace\.yaml: a person"):
        await spawn(manifest, workspace=workspace)


async def test_everybody_has_a_zone_and_its_offset_is_the_one_of_the_day(desk: Desk) -> None:
    """The desk's clock stands in January 2027; 170 days later it is summer."""

    async def offsets() -> list[int]:
        people = (await desk.bot.users_list())["members"]
        return [person["tz_offset"] for person in people if person["name"] in ("alice", "bob", "carol", "dave")]

    winter = await offsets()
    await desk.sim.advance(170 * 24 * 3600)
    summer = await offsets()

    bob = (await desk.bot.users_info(user="U0BOB"))["user"]
    assert (winter, summer) == ([0, 3600, -18000, 19800], [0, 7200, -14400, 19800])
    assert bob["tz"] == "Europe/Berlin"
