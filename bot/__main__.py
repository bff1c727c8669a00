"""What an operator types: `countersign run | demo | check | backup | tasks | requests | audit | tokens | mcp |
policy explain | policy apply | healthy`.

`python -m bot` is the same, and needs nothing installed but the dependencies.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from bot import __version__, settings
from bot.approvals.model.errors import CountersignError
from bot.cli import output
from bot.runtime import health, logs, outlet, process

SECONDS_TO_EXIT = 5.0
"""For threads that a graph left running, and for handlers that run at exit."""


def script() -> NoReturn:
    """Runs the command line and ends the process, whatever a graph has left running."""
    output.take_everything()
    code = main()
    output.finish()
    process.within(SECONDS_TO_EXIT, code)
    sys.exit(code)


def main(argv: list[str] | None = None) -> int:
    """Runs the command line and returns the exit code."""
    options = _parser(sys.argv[1:] if argv is None else argv).parse_args(argv)
    try:
        return _done(options)
    except CountersignError as error:
        logs.say(str(error))
        return 2
    except KeyboardInterrupt:
        return 130


def _done(options: argparse.Namespace) -> int:
    """Each command imports what it needs, so that `run` can fork roles that do not have what others need."""
    match options.command:
        case "run":
            from bot.app.run import run

            form = settings.log_format(options.env_file)
            learned = logs.to_stderr(form)
            only_worker = options.role == "worker"
            loaded = settings.load_worker(options.env_file) if only_worker else settings.load(options.env_file)
            logs.set_level(loaded.log_level)
            started = _say_ready if only_worker else _say_connected
            said = started if form == "text" else lambda: None
            return run(loaded, options.role, learned, said, wait=options.wait)
        case "healthy":
            settings.load_store(options.env_file)
            return health.report(options.env_file)
        case "audit":
            from bot.cli import audit

            return asyncio.run(audit.main(audit.Options.of(options)))
        case "backup":
            from bot.cli import backup

            return backup.main(backup.Options.of(options))
        case "check":
            from bot.cli import check

            return asyncio.run(check.main(check.Options.of(options)))
        case "policy" if options.about == "apply":
            from bot.cli import policy_apply

            return asyncio.run(policy_apply.apply(policy_apply.Options.of(options)))
        case "policy" if options.about == "reload":
            from bot.cli import policy_reload

            return policy_reload.reload(options.env_file)
        case "tokens":
            from bot.cli import tokens

            return asyncio.run(tokens.main(tokens.Options.of(options)))
        case "tasks":
            from bot.cli.operator import tasks

            return asyncio.run(tasks.main(tasks.Options.of(options)))
        case "requests":
            from bot.cli.operator import requests

            return asyncio.run(requests.main(requests.Options.of(options)))
        case "mcp":
            from bot.cli import mcp

            return asyncio.run(mcp.main(mcp.Options.of(options)))
        case "policy":
            from bot.cli import policy_explain

            return asyncio.run(policy_explain.explain(policy_explain.Options.of(options)))
        case _:
            from bot.cli import demo

            return asyncio.run(demo.main(demo.Options.of(options)))


def _parser(argv: Sequence[str]) -> argparse.ArgumentParser:
    """The parser, which knows the options of the command that is given: only that one is imported."""
    parser = argparse.ArgumentParser(prog=_program(), description="Countersign: Slack approvals for AI agents.")
    parser.add_argument("--version", action="version", version=f"countersign {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    runs = commands.add_parser("run", help="run the bot on the workspace that .env names")
    runs.add_argument(
        "--role", choices=("gateway", "worker"), help="run this role alone; without it, both, each in its own process"
    )
    runs.add_argument(
        "--wait", action="store_true", help="if another bot works with the same SQLite files, start when it has ended"
    )
    checks = commands.add_parser("check", help="say what is missing or wrong")
    well = commands.add_parser("healthy", help="exit 0 if the bot on this machine is well (for health checks)")
    for settled in (runs, checks, well):
        settled.add_argument("--env-file", type=Path, default=Path(".env"), help="read this file instead of .env")
    all_tasks = commands.add_parser("tasks", help="list everybody's tasks, look at one, cancel it, or try it again")
    all_requests = commands.add_parser("requests", help="list what people are asked, look at one, or mend its policy")
    audits = commands.add_parser("audit", help="verify the audit log, export it, or note its head")
    backups = commands.add_parser("backup", help="copy the SQLite files as they are at one moment, while the bot runs")
    api_tokens = commands.add_parser("tokens", help="make, list and revoke the tokens of the HTTP API")
    mcps = commands.add_parser("mcp", help="let a model ask people through a bot: tools of MCP, over stdio")
    policy = commands.add_parser("policy", help="say what policies.yaml means, or apply it to open requests")
    demos = commands.add_parser("demo", help="try it without Slack: a local workspace and the bot")
    match next((word for word in argv if not word.startswith("-")), ""):
        case "check":
            from bot.cli import check

            check.add_options(checks)
        case "audit":
            from bot.cli import audit

            audit.add_options(audits)
        case "backup":
            from bot.cli import backup

            backup.add_options(backups)
        case "tokens":
            from bot.cli import tokens

            tokens.add_options(api_tokens)
        case "tasks":
            from bot.cli.operator import tasks

            tasks.add_options(all_tasks)
        case "requests":
            from bot.cli.operator import requests

            requests.add_options(all_requests)
        case "mcp":
            from bot.cli import mcp

            mcp.add_options(mcps)
        case "policy":
            from bot.cli import policy_apply, policy_explain

            about = policy.add_subparsers(dest="about", required=True)
            explains = "say which rule applies to an interrupt, who would be asked, and when each step would come"
            policy_explain.add_options(about.add_parser("explain", help=explains))
            applies = "apply the policy file as it is now to open requests; their votes no longer count"
            policy_apply.add_options(about.add_parser("apply", help=applies))
            reloads = about.add_parser("reload", help="have the bot that runs here use the policy file as it is now")
            reloads.add_argument("--env-file", type=Path, default=Path(".env"), help="read this file instead of .env")
        case "demo":
            from bot.cli import demo

            demo.add_options(demos)
    return parser


def _program() -> str:
    """The name that the operator typed."""
    return "python -m bot" if Path(sys.argv[0]).name == "__main__.py" else "countersign"


def _say_connected() -> None:
    outlet.say("Countersign is connected.\n")


def _say_ready() -> None:
    outlet.say("The worker is ready.\n")


if __name__ == "__main__":
    script()
