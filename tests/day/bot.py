"""The bot as it is, for a day with short minutes: its counts, its webhooks and its retries are as much faster.

`DAY_MINUTE` is the length of a minute in seconds. It is set in this process and those that it forks; no setting of the
bot can do it. What people and processes wait for keeps its length: Slack's three seconds, leases, sweeps.
"""

import os
import sys
from datetime import timedelta
from functools import partial

from bot.__main__ import main
from bot.app.watched import watching
from bot.approvals.rules import lifecycle
from bot.approvals.services import webhooks

MINUTE = "DAY_MINUTE"
GIVEN_UP_AFTER_MINUTES = 6
"""In place of three days."""

if __name__ == "__main__":
    minute = float(os.environ[MINUTE])
    vars(watching)["Counting"] = partial(watching.Counting, every=minute)
    vars(webhooks)["GIVEN_UP_AFTER"] = timedelta(seconds=GIVEN_UP_AFTER_MINUTES * minute)
    vars(webhooks)["PAUSES"] = (timedelta(seconds=minute),)
    vars(webhooks)["CLAIM"] = timedelta(seconds=minute)
    vars(lifecycle)["LAST_RETRY"] = timedelta(seconds=2 * minute)
    sys.exit(main(["run", "--env-file", os.devnull, *sys.argv[1:]]))
