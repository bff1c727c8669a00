"""A process that serves many calls at once may open as many connections as the system allows."""

import resource
import sys
from multiprocessing import get_context

import pytest

from bot.runtime import process


def limits_after(soft: int) -> tuple[int, int]:
    """The limits of a process that begins with this soft one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    process.open_as_many_as_allowed()
    return resource.getrlimit(resource.RLIMIT_NOFILE)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems name no limit that can be reached")
def test_the_soft_limit_becomes_the_hard_one() -> None:
    with get_context("fork").Pool(1) as pool:
        soft, hard = pool.apply(limits_after, (200,))

    assert soft == hard > 200
