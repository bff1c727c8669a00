"""Generated calls to the running API: no error of ours, and no answer that the OpenAPI document does not announce."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from bot.http.app import app_of
from tests.support.served import InThread, in_thread

EXAMPLES = 3
MANY_EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "200"))
SCHEMA = schemathesis.openapi.from_dict(app_of(None).openapi())
OPERATIONS = [found.ok() for found in SCHEMA.get_all_operations() if isinstance(found, Ok)]
NOT_HERE = [positive_data_acceptance, negative_data_rejection]
"""A name that fits the document need not be anybody's. What is made to violate it may fit once it is sent: a parameter
without a value is not sent at all."""


@pytest.fixture(scope="module")
def running() -> Iterator[InThread]:
    """Every call without a token is told so: the pauses after failures are tested elsewhere."""
    with in_thread(free=1_000_000) as running:
        yield running


@pytest.fixture(scope="module")
def ids(running: InThread) -> dict[str, str]:
    """For each operation on an id, one that exists and makes no call wait."""
    api = running.api
    pending, decided = running.run(api.ask())["id"], running.run(api.decided())["id"]
    made = running.run(api.post("/v1/tasks", {"graph": "cleanup", "inputs": {"bucket": "logs"}}, key="one"))
    running.run(api.post(f"/v1/tasks/{made.json['id']}/cancel"))
    return {
        operation.path: made.json["id"]
        if "tasks" in operation.path
        else (pending if operation.path.endswith(("cancel", "votes")) else decided)
        for operation in OPERATIONS
        if "{id}" in operation.path
    }


@pytest.mark.heavy
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
def test_every_answer_is_announced(operation: Any, running: InThread, ids: dict[str, str]) -> None:
    try_out(operation, running, ids, EXAMPLES)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
def test_every_answer_to_very_many_calls_is_announced(operation: Any, running: InThread, ids: dict[str, str]) -> None:
    try_out(operation, running, ids, MANY_EXAMPLES)


def try_out(operation: Any, running: InThread, ids: dict[str, str], examples: int) -> None:
    """Makes calls that fit the document and calls that do not, with ids that exist and with any others."""
    headers = {"Authorization": f"Bearer {running.run(running.api.own())}"}
    known = [{"id": ids[operation.path]}] if operation.path in ids else []
    for mode in GenerationMode:
        for given_path in (None, *known):

            @settings(
                max_examples=examples,
                deadline=None,
                derandomize=True,
                database=None,
                suppress_health_check=list(HealthCheck),
                phases=[Phase.generate],
            )
            @given(case=operation.as_strategy(generation_mode=mode, path_parameters=given_path))
            def call(case: Any) -> None:
                case.call_and_validate(base_url=running.api.url, headers=headers, excluded_checks=NOT_HERE)

            call()
