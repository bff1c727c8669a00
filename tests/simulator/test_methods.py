"""The methods that the simulator answers, beside those that the bot calls."""

from simulator.webapi.endpoint import METHODS
from tests.unit.docs.test_manifest import called


def test_the_local_slack_knows_every_method_that_the_bot_calls() -> None:
    assert {method.replace("_", ".") for method in called()} <= METHODS.keys()
