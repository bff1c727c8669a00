"""How many examples a property is tried with: few each time (`quick`), ten times as many when there is time.

`pytest --hypothesis-profile=thorough` or HYPOTHESIS_PROFILE=thorough chooses the many. With CI in the environment the
few are the same in each run, and a failure prints how to repeat it.
"""

from __future__ import annotations

import os
from typing import Any, Final

from hypothesis import settings

QUICK: Final = 40
"""Of a property that names no number itself."""
_TIMES: Final = 10
_THOROUGH: Final = "thorough"
_GLANCE: Final = "glance"
"""A quarter of the examples, for `make quick`."""


def register() -> None:
    """Make the profiles known, and take the one that the environment names."""
    settings.register_profile("quick", deadline=None, max_examples=QUICK)
    settings.register_profile("ci", deadline=None, max_examples=QUICK, derandomize=True, print_blob=True)
    settings.register_profile(_THOROUGH, deadline=None, max_examples=_TIMES * QUICK, print_blob=True)
    settings.register_profile(_GLANCE, deadline=None, max_examples=QUICK // 4)
    settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "quick"))


def examples(quick: int, **more: Any) -> settings:
    """As `hypothesis.settings`, with this number of examples in the quick profile."""
    number = {_THOROUGH: _TIMES * quick, _GLANCE: max(quick // 4, 1)}.get(settings.get_current_profile_name(), quick)
    return settings(max_examples=number, **more)
