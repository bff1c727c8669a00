"""The lock covers what pyproject.toml asks for, and names no place to get it from."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REPOSITORY = Path(__file__).parents[3]
LOCK = (REPOSITORY / "requirements.lock").read_text()
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]

LOCKED: dict[str, list[str]] = {}
for _name, _version in re.findall(r"^([\w.-]+)(?:\[[\w,-]+\])?==([\w.+!-]+)", LOCK, re.MULTILINE):
    LOCKED.setdefault(canonicalize_name(_name), []).append(_version)


@pytest.mark.parametrize("line", [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]])
def test_what_the_project_asks_for_is_in_the_lock(line: str) -> None:
    requirement = Requirement(line)

    versions = LOCKED.get(canonicalize_name(requirement.name), [])

    assert versions, f"{requirement.name} is not in requirements.lock: make lock"
    assert all(version in requirement.specifier for version in versions), "make lock"


def test_every_locked_version_has_a_hash() -> None:
    pins = re.split(r"^(?=[\w.,\[\]-]+==)", LOCK, flags=re.MULTILINE)[1:]

    assert [pin.splitlines()[0] for pin in pins if "--hash=sha256:" not in pin] == []


def test_the_lock_names_no_address() -> None:
    assert re.findall(r"://|^-|@", LOCK, re.MULTILINE) == []
