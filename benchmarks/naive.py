"""The bot of the tutorials, as a baseline: synchronous Bolt, a bare resume, no records of its own.

It keeps what the real bot promises only while nothing goes wrong: it asks no one's right, takes any second click for
another resume, and forgets what it was about when it is killed.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import sys
import threading
import uuid
from collections.abc import Callable
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.redis import RedisSaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.types import Command
from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient

from benchmarks.graphs.approval import graph as approval
from bot.slack.cards.decision_words import APPROVED

STORE = "BENCH_STORE"
"""A Redis address, or the path of a SQLite file."""


def main() -> None:
    url = os.environ["SLACK_API_URL"]
    app = App(client=WebClient(os.environ["SLACK_BOT_TOKEN"], base_url=url))
    with contextlib.ExitStack() as stack:
        _register(app, approval.compile(checkpointer=_saver(os.environ[STORE], stack)))
        token = os.environ["SLACK_APP_TOKEN"]
        SocketModeHandler(app, token, web_client=WebClient(token, base_url=url)).connect()  # type: ignore[no-untyped-call]
        sys.stdout.write("connected\n")
        sys.stdout.flush()
        threading.Event().wait()


def _register(app: App, graph: Any) -> None:
    @app.command("/task")
    def start(ack: Callable[[], None], body: dict[str, Any], client: WebClient) -> None:
        ack()
        name = body["text"].rpartition("=")[2]
        thread_id = str(uuid.uuid4())
        asked = graph.invoke({"name": name}, _config(thread_id))["__interrupt__"][0].value
        button = {"type": "button", "text": {"type": "plain_text", "text": "Approve"}, "action_id": "approve"}
        client.chat_postMessage(
            channel=body["channel_id"],
            text=asked["question"],
            blocks=[
                {"type": "section", "text": {"type": "mrkdwn", "text": asked["question"]}},
                {"type": "actions", "elements": [{**button, "value": thread_id}]},
            ],
        )

    @app.action("approve")
    def approve(ack: Callable[[], None], body: dict[str, Any], client: WebClient) -> None:
        ack()
        channel, ts = body["channel"]["id"], body["message"]["ts"]
        ended = graph.invoke(Command(resume=True), _config(body["actions"][0]["value"]))
        client.chat_update(channel=channel, ts=ts, text="Approved", blocks=[])
        client.chat_postMessage(channel=channel, thread_ts=ts, text=f"{APPROVED} {ended['outcome']}")


def _saver(store: str, stack: contextlib.ExitStack) -> Any:
    if store.startswith("redis"):
        redis = stack.enter_context(RedisSaver.from_conn_string(store))
        redis.setup()
        return redis
    sqlite = SqliteSaver(sqlite3.connect(store, check_same_thread=False))
    sqlite.setup()
    return sqlite


def _config(thread_id: str) -> RunnableConfig:
    return RunnableConfig(configurable={"thread_id": thread_id})


if __name__ == "__main__":
    main()
