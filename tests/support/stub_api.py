"""A stand-in for the HTTP API over real sockets, of the standard library alone: it keeps requests in memory, and a test
says what people decide. It can be away, refuse, and lose answers.

`python tests/support/stub_api.py 8420` starts one for trying things by hand: each request is approved after a second.
"""

from __future__ import annotations

import contextlib
import copy
import hashlib
import json
import re
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

TOKEN = "csk_" + "A1b2" * 11
Json = dict[str, Any]


@dataclass
class Fault:
    """What happens to one call instead of an answer."""

    method: str = ""
    path: str = ""
    """A part of the path. Empty: any."""
    status: int | None = None
    """The status to answer with, before anything is done. None: the call is done, and its answer is lost."""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b"{}"


_OPEN = ("pending", "running", "awaiting_human")


class StubApi:
    """The server. What it keeps survives `stop()` and `start()`, at the same port."""

    def __init__(self) -> None:
        self.requests: dict[str, Json] = {}
        self.tasks: dict[str, Json] = {}
        self.bodies: dict[tuple[str, str], tuple[str, str]] = {}
        """(route, key) -> (digest of the body, id)."""
        self.executions: dict[str, str] = {}
        self.faults: list[Fault] = []
        self.calls: list[tuple[str, str, Json]] = []
        """Method, path with query, and body of each call that was answered or lost."""
        self.tokens = {TOKEN}
        self.longest_wait = 60.0
        self.waiting = 0
        self.opened: list[str] = []
        """The keys of the requests that were made, in order."""
        self.on_request: Callable[[str], None] | None = None
        """Called with the id of each new request, in a thread of its own."""
        self.context: ssl.SSLContext | None = None
        """Set it to serve https."""
        self._changed = threading.Condition()
        self._server: _Server | None = None
        self.port = _free_port()

    @property
    def url(self) -> str:
        return f"{'http' if self.context is None else 'https'}://127.0.0.1:{self.port}"

    def start(self) -> None:
        self._server = _Server(("127.0.0.1", self.port), _Handler)
        self._server.stub = self
        if self.context is not None:
            self._server.socket = self.context.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def stop(self) -> None:
        """Ends every open call without an answer, as a killed process does."""
        server, self._server = self._server, None
        if server is not None:
            server.cut()
            server.shutdown()
            server.server_close()
        with self._changed:
            self._changed.notify_all()

    @property
    def running(self) -> bool:
        return self._server is not None

    # --- What people do -------------------------------------------------------------------------

    def decide(self, id: str, verdict: str = "approve", *, arguments: Json | None = None, **more: Any) -> None:
        """People decide about every action: `approve`, `edit` (with `arguments`), `reject`, or anything else."""
        request = self.requests[id]
        items = []
        for name, given in _actions(request["question"]):
            each = "approve" if verdict == "edit" else verdict
            items.append({"name": name, "verdict": each, "arguments": arguments or given, "reason": "", "value": None})
        self._settle(
            id,
            "decided",
            {
                "verdict": verdict,
                "approved": verdict in ("approve", "edit"),
                "items": items,
                "answer": verdict,
                "by": ["U0BOB"],
                "edited": verdict == "edit",
                **more,
            },
        )

    def end(self, id: str, status: str) -> None:
        """`expired`, `cancelled` or `superseded`."""
        self._settle(id, status, {"verdict": status, "approved": False, "items": [], "answer": None, "by": []})

    def fail_to_ask(self, id: str) -> None:
        """People cannot be asked, because of an error."""
        with self._changed:
            self.requests[id]["failure"] = {"error_id": "e7", "summary": "ValueError"}
            self._changed.notify_all()

    def finish(self, task_id: str, status: str = "ended", **more: Any) -> None:
        with self._changed:
            self.tasks[task_id].update(status=status, ended_at=_now(), **more)
            self._changed.notify_all()

    def the_request(self) -> str:
        """The id of the only request, once there is one."""
        self.wait_until(lambda: len(self.requests) == 1)
        return next(iter(self.requests))

    def wait_until(self, holds: Callable[[], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(holds, timeout=20), "it did not happen"

    def _settle(self, id: str, status: str, decision: Json) -> None:
        whole = {"reason": "", "through": [], "at": _now(), "digest": "d" * 64, "version": 1, "edited": False}
        with self._changed:
            request = self.requests[id]
            request.update(status=status, settled_at=_now(), decision={**whole, "ruled": None, **decision})
            self._changed.notify_all()

    # --- What programs do -----------------------------------------------------------------------

    def answer(self, method: str, target: str, key: str | None, body: Json) -> tuple[int, Json]:
        """The status and the body for one call."""
        parts = urlsplit(target)
        query = dict(parse_qsl(parts.query))
        path = parts.path.removeprefix("/v1/").split("/")
        with self._changed:
            self.calls.append((method, target, body))
            self._changed.notify_all()
        kept = {"requests": self.requests, "tasks": self.tasks}.get(path[0])
        if kept is None:
            return _problem(404, "not-found", "There is no such page")
        if len(path) == 1:
            return self._create(path[0], key, body) if method == "POST" else self._list(kept, query)
        if path[1] not in kept:
            return _problem(404, "not-found", f"There is no such thing as {path[1]}")
        if len(path) == 2:
            return 200, self._wait(kept[path[1]], float(query.get("wait", 0)))
        return self._act(path[0], kept[path[1]], path[2], body)

    def _create(self, route: str, key: str | None, body: Json) -> tuple[int, Json]:
        if not key:
            return _problem(400, "key-missing", "The header Idempotency-Key is missing")
        digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
        with self._changed:
            known = self.bodies.get((route, key))
            if known is not None and known[0] != digest:
                return _problem(422, "key-reused", "The key was used with another body")
            kept = self.requests if route == "requests" else self.tasks
            if known is not None:
                return 200, copy.deepcopy(kept[known[1]])
            id = f"{'req' if route == 'requests' else 'task'}_{hashlib.sha256(key.encode()).hexdigest()[:20]}"
            self.bodies[route, key] = (digest, id)
            kept[id] = _request(id, body) if route == "requests" else _task(id, body)
            self.opened.append(key)
            made = copy.deepcopy(kept[id])
            self._changed.notify_all()
        if self.on_request is not None and route == "requests":
            threading.Thread(target=self.on_request, args=(id,), daemon=True).start()
        return 201, made

    def _list(self, kept: Mapping[str, Json], query: Mapping[str, str]) -> tuple[int, Json]:
        found = [each for each in reversed(list(kept.values())) if query.get("status") in (None, each["status"])]
        begin, limit = int(query.get("cursor", 0)), int(query.get("limit", 50))
        after = begin + limit
        return 200, {"data": found[begin:after], "next_cursor": str(after) if after < len(found) else None}

    def _wait(self, record: Json, seconds: float) -> Json:
        until = time.monotonic() + min(seconds, self.longest_wait)
        with self._changed:
            self.waiting += 1
            self._changed.notify_all()
            while record["status"] in _OPEN and not record.get("failure") and time.monotonic() < until:
                if not self.running:
                    break
                self._changed.wait(until - time.monotonic())
            self.waiting -= 1
            return copy.deepcopy(record)

    def _act(self, route: str, record: Json, verb: str, body: Json) -> tuple[int, Json]:
        if verb == "consume":
            return self._consume(record, str(body.get("execution")))
        if verb == "cancel":
            if record["status"] not in ("pending", "running", "awaiting_human"):
                return _problem(409, "already-settled", "It is settled")
            if route == "tasks":
                self.finish(record["id"], "stopped")
            else:
                self.end(record["id"], "cancelled")
            return 200, copy.deepcopy(record)
        if verb == "audit":
            return 200, {"data": [{"kind": "opened", "at": record["created_at"], "person": None, "data": {"x": 1}}]}
        if verb == "votes":
            self.decide(record["id"], body["verdict"], through=["portal"])
            return 200, copy.deepcopy(record)
        if verb in ("take-back", "stop"):
            if not record.get("hold"):
                return _problem(409, "nothing-to-call-off", "There is no decision to call off")
            record["hold"] = None
            return 200, copy.deepcopy(record)
        return _problem(404, "not-found", "There is no such page")

    def _consume(self, record: Json, execution: str) -> tuple[int, Json]:
        with self._changed:
            if record["decision"] is None:
                return _problem(409, "not-settled", "There is no decision yet")
            if self.executions.setdefault(record["id"], execution) != execution:
                return _problem(409, "already-consumed", "Another execution took this decision")
            record["consumed_at"] = record["consumed_at"] or _now()
            return 200, {"request": copy.deepcopy(record), "decision": copy.deepcopy(record["decision"])}

    def events(self, id: str) -> Iterator[bytes]:
        """The stream of a request, piece by piece."""
        yield b": hello\n\nretry: 10\n\n"
        record, last = self.requests[id], ""
        while self.running:
            with self._changed:
                while record["status"] == last and self.running:
                    self._changed.wait(1)
                last = record["status"]
                said = json.dumps(record)
            yield f": beat\nevent: {last}\ndata: {said}\n\n".encode()
            if last != "pending":
                return

    def fault_for(self, method: str, target: str) -> Fault | None:
        with self._changed:
            for fault in self.faults:
                if fault.method in ("", method) and fault.path in target:
                    self.faults.remove(fault)
                    return fault
        return None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 512
    stub: StubApi

    def __init__(self, *given: Any) -> None:
        self._open: set[socket.socket] = set()
        super().__init__(*given)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def cut(self) -> None:
        for each in list(self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no error of the server."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._handle({})

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self._handle(json.loads(self.rfile.read(length) or b"{}"))

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def _handle(self, body: Json) -> None:
        stub, target = self.server.stub, self.path
        if target.startswith("http://"):
            target = re.sub(r"^http://[^/]+", "", target)
        fault = stub.fault_for(self.command, target)
        if fault is not None and fault.status is not None:
            self._send(fault.status, fault.body, fault.headers)
            return
        if self.headers.get("Authorization", "").removeprefix("Bearer ") not in stub.tokens:
            self._answer(*_problem(401, "unauthorized", "The token is unknown, expired or revoked"))
            return
        if target.endswith("/events"):
            self._stream(target.split("/")[-2])
            return
        status, said = stub.answer(self.command, target, self.headers.get("Idempotency-Key"), body)
        if fault is not None or not stub.running:
            self.close_connection = True
            with contextlib.suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)
            return
        self._answer(status, said)

    def _answer(self, status: int, said: Json) -> None:
        kind = "application/json" if status < 400 else "application/problem+json"
        self._send(status, json.dumps(said).encode(), {"Content-Type": kind})

    def _send(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, id: str) -> None:
        if id not in self.server.stub.requests:
            self._answer(*_problem(404, "not-found", "There is no such request"))
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for each in self.server.stub.events(id):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(each), each))
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")


def _request(id: str, body: Json) -> Json:
    source = {"name": "billing", "url": None, "run": None, **body.get("source", {})}
    return {
        "id": id,
        "status": "pending",
        "source": source,
        "requester": body.get("requester"),
        "question": body["question"],
        "items": [{"name": name, "arguments": given} for name, given in _actions(body["question"])],
        "digest": "d" * 64,
        "version": 1,
        "created_at": _now(),
        "deadline": None,
        "settled_at": None,
        "consumed_at": None,
        "asked": ["U0BOB"],
        "votes": 0,
        "metadata": body.get("metadata", {}),
        "permalink": None,
        "decision": None,
        "callback": None,
    }


def _task(id: str, body: Json) -> Json:
    return {
        "id": id,
        "graph": body["graph"],
        "status": "running",
        "inputs": body["inputs"],
        "requester": body.get("requester"),
        "source": {"name": "billing", "url": None, "run": None},
        "created_at": _now(),
        "ended_at": None,
        "outcome": None,
        "failure": None,
        "requests": [],
        "metadata": body.get("metadata", {}),
        "permalink": None,
    }


def _actions(question: Any) -> list[tuple[str, Json]]:
    if isinstance(question, dict) and "action" in question:
        action = question["action"]
        named: Json = action if isinstance(action, dict) else {"name": action}
        arguments = named["arguments"] if "arguments" in named else question.get("arguments", {})
        return [(named["name"], arguments)]
    listed = question.get("action_requests") if isinstance(question, dict) else None
    return [(each["name"], each["args"]) for each in listed] if listed else [("", {})]


def _problem(status: int, slug: str, title: str) -> tuple[int, Json]:
    return status, {"type": f"/docs#problem-{slug}", "title": title, "status": status, "detail": f"Look at {slug}."}


def _now() -> str:
    return datetime.now(timezone.utc).isoformat().replace("+00:00", "Z")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _approving(stub: StubApi, id: str) -> None:
    time.sleep(1)
    stub.decide(id)


if __name__ == "__main__":
    stub = StubApi()
    stub.port = int(sys.argv[1])
    stub.on_request = partial(_approving, stub)
    stub.start()
    sys.stdout.write(f"{stub.url} {TOKEN}\n")
    sys.stdout.flush()
    threading.Event().wait()
