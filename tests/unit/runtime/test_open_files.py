"""A process that serves many calls at once may open as many connections as the system allows."""

import subprocess
import sys

import pytest

from tests.support.stage import ROOT

PROGRAM = """
import resource
from bot.runtime import process
_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (200, hard))
process.open_as_many_as_allowed()
print(resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard), hard > 200)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems name no limit that can be reached")
def test_the_soft_limit_becomes_the_hard_one() -> None:
    ended = subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=True)

    assert ended.stdout.split() == ["True", "True"]
