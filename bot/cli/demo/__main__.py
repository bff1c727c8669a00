"""`python -m bot.cli.demo`: what `countersign demo` does, without first importing all that the bot itself imports.

That takes seconds, and the bot is a process of its own here.
"""

from __future__ import annotations

import argparse
import asyncio
import sys

from bot import printable
from bot.approvals.model.errors import CountersignError
from bot.cli import demo


def main() -> int:
    """Runs the demo on the command line's options and returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bot.cli.demo", description="Countersign with a local Slack.")
    demo.add_options(parser)
    try:
        return asyncio.run(demo.main(demo.Options.of(parser.parse_args())))
    except CountersignError as error:
        sys.stderr.write(f"{printable.lines(str(error))}\n")
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
