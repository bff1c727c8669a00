"""The package by itself: the standard library alone, on Python 3.10, with its types."""

import ast
import inspect
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import bot
import countersign
from tests.support.stub_api import TOKEN, StubApi

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "clients" / "python"
PACKAGE = FOLDER / "src" / "countersign"
PROJECT = tomllib.loads((FOLDER / "pyproject.toml").read_text())["project"]
MODULES = [path for path in PACKAGE.rglob("*.py") if "adapters" not in path.parts]


def test_it_needs_nothing() -> None:
    assert PROJECT["dependencies"] == []
    assert (PROJECT["name"], PROJECT["requires-python"]) == ("countersign", ">=3.10")
    assert PROJECT["version"] == countersign.__version__ == bot.__version__
    assert (PACKAGE / "py.typed").exists()
    assert (FOLDER / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_it_imports_the_standard_library_alone(path: Path) -> None:
    tree = ast.parse(path.read_text(), feature_version=(3, 10))
    imported = {name for node in ast.walk(tree) for name in _imported(node)}

    assert imported <= sys.stdlib_module_names | {"countersign"}


def test_all_names_of_the_first_page_are_listed() -> None:
    tree = ast.parse((PACKAGE / "__init__.py").read_text())
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}

    assert set(countersign.__all__) == names


def test_every_error_is_one_of_ours() -> None:
    raised: list[Any] = [value for name, value in vars(countersign.errors).items() if name[0].isupper()]
    errors = [each for each in raised if isinstance(each, type) and issubclass(each, BaseException)]

    assert all(issubclass(each, countersign.CountersignError) for each in errors)
    assert {each.__name__ for each in errors} <= set(countersign.__all__)


def test_both_clients_take_the_same(blocking: countersign.Countersign) -> None:
    here, there = countersign.Countersign, countersign.AsyncCountersign
    shared = [name for name in vars(here) if not name.startswith("_") and name not in ("asynchronous", "events", "run")]

    assert len(shared) >= 16
    for name in shared:
        mine, theirs = (inspect.signature(getattr(each, name)) for each in (here, there))
        assert mine.parameters == theirs.parameters, name


def _imported(node: ast.AST) -> list[str]:
    match node:
        case ast.Import(names=names):
            return [alias.name.partition(".")[0] for alias in names]
        case ast.ImportFrom(module=str(module), level=0):
            return [module.partition(".")[0]]
        case ast.ImportFrom():
            return ["a relative import"]
    return []


def test_the_oldest_python_of_the_package_is_the_one_that_its_classifiers_begin_with() -> None:
    versions = re.findall(r"Python :: (3\.\d+)", " ".join(PROJECT["classifiers"]))

    assert PROJECT["requires-python"] == f">={versions[0]}"


def test_the_readme_runs(api: StubApi, blocking: countersign.Countersign) -> None:
    """Its programs, as they are written, one after the other."""
    programs = re.findall(r"```python\n(.*?)```", (FOLDER / "README.md").read_text(), re.DOTALL)
    paid: list[tuple[str, str]] = []
    names: dict[str, Any] = {
        "refund_order": lambda order, amount: paid.append((order, amount)),
        "SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "bank": SimpleNamespace(pay_back=lambda order, amount: paid.append((order, amount))),
    }
    api.on_request = api.decide

    for number, program in enumerate(programs):
        here = program.replace('"https://approvals.example.com", "csk_..."', f"{api.url!r}, {TOKEN!r}")
        here = here.replace("refund-order-", f"example-{number}-")
        exec(compile(here, f"README.md, program {number + 1}", "exec"), names)  # noqa: S102

    assert paid == [("4711", "99.00")] * 2
    assert names["decision"]
    assert names["hook"](b"{}", {}) == 400


def test_the_program_for_other_pythons_runs_here() -> None:
    """Continuous integration runs it on the oldest one."""
    command = [sys.executable, "-S", "-m", "tests.clients.on_any_python"]
    ran = subprocess.run(command, cwd=ROOT, env={"PYTHONPATH": str(FOLDER / "src")}, capture_output=True, text=True)

    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith("works on Python 3.")
