"""The bot as it is, for a Slack with short minutes (`simulator --minute`): its pace has minutes of that length too.

`COUNTERSIGN_TEST_MINUTE` is their length in seconds. It is set in this process alone; no setting of the bot can do it.
"""

import os
import sys
from functools import partial

from bot.__main__ import main
from bot.app import gateway, worker
from bot.slack.api.rate_limit import Pace

MINUTE = "COUNTERSIGN_TEST_MINUTE"

if __name__ == "__main__":
    for role in (gateway, worker):
        vars(role)["Pace"] = partial(Pace, minute=float(os.environ[MINUTE]))
    sys.exit(main(["run", "--env-file", os.devnull]))
