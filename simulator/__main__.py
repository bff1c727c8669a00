"""python -m simulator: starts the simulator and prints one JSON line when it is ready."""

import argparse
import asyncio
import contextlib
import json
import signal
import sys
from pathlib import Path

import uvloop

from simulator import manifest, state, workspace
from simulator.clock import Clock
from simulator.errors import UnknownPlace
from simulator.request_urls import NotAccepted
from simulator.server import Server
from simulator.world import World


def main() -> int:
    """Runs the command line. Returns its exit code."""
    arguments = _parser().parse_args()
    try:
        wanted = manifest.read(arguments.manifest)
        acme = workspace.read(arguments.workspace, bot_name=wanted.bot_name, app_name=wanted.app_name)
    except (manifest.ManifestError, workspace.WorkspaceError) as error:
        sys.stderr.write(f"simulator: {error}\n")
        return 2
    world = World(manifest=wanted, workspace=acme, clock=Clock(), limited=not arguments.fast, minute=arguments.minute)
    world.hint = arguments.hint
    try:
        world.default_seat = world.people.find(arguments.seed_user).name
        world.request_urls.set(arguments.request_url)
        if arguments.state and (kept := state.load(arguments.state)):
            state.restore(world, kept)
    except (UnknownPlace, NotAccepted, state.StateError) as error:
        sys.stderr.write(f"simulator: {error}\n")
        return 2
    keeper = state.Keeper(world, arguments.state) if arguments.state else None
    server = Server(world, host=arguments.host, port=arguments.port, keeper=keeper)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(server))
    return 0


async def _serve(server: Server) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with server:
        sys.stdout.write(json.dumps(server.ready_line()) + "\n")
        sys.stdout.flush()
        await stop.wait()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m simulator", description="A strict local Slack.")
    parser.add_argument("--port", type=int, default=0, help="the port; 0 means any free one")
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address")
    parser.add_argument("--manifest", type=Path, default=Path("manifest.yml"))
    parser.add_argument("--workspace", type=Path, help="a YAML file of people, groups and channels")
    parser.add_argument(
        "--state", type=Path, help="a file that keeps the workspace across restarts; use the same --port each time"
    )
    parser.add_argument("--seed-user", default="alice", help="the person whose seat the page opens")
    parser.add_argument(
        "--hint",
        type=json.loads,
        metavar="JSON",
        help='what the page suggests to do first: {"channel", "title", "steps": [{"text", "command"}]}',
    )
    parser.add_argument("--request-url", help="send everything to this address over HTTP instead of over Socket Mode")
    parser.add_argument("--fast", action="store_true", help="no rate limits")
    parser.add_argument("--minute", type=float, default=60.0, help="seconds that a minute of the rate limits takes")
    return parser


if __name__ == "__main__":
    sys.exit(main())
