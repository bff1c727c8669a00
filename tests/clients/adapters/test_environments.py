"""The adapters of frameworks that do not fit the project's lock, each tested in its own environment."""

from __future__ import annotations

import pytest

from tests.clients.adapters.environments import FRAMEWORKS, Framework

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(600)]


@pytest.mark.parametrize("framework", FRAMEWORKS, ids=lambda each: each.name)
def test_an_adapter_works_with_the_real_framework(framework: Framework) -> None:
    """Every test of the adapter passes where the framework is installed."""
    if not framework.is_ready():
        pytest.skip("ADAPTERS ARE NOT TESTED, as there are no environments of their frameworks: run `make adapters`")

    done = framework.test(captured=True)

    assert done.returncode == 0, done.stdout + done.stderr
