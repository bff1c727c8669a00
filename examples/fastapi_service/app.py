"""A service that refunds orders once people have approved it in Slack. README.md says how to run it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from decimal import Decimal
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from countersign import AsyncCountersign, CountersignError, Decision, InvalidWebhook, verify

DATABASE = os.environ.get("DATABASE", "refunds.sqlite")
HOOK_URL = os.environ.get("HOOK_URL") or None
SECRET = os.environ.get("WEBHOOK_SECRET", "")

app = FastAPI(title="Refunds")
people = AsyncCountersign.from_environment(source="billing-service")


class Refund(BaseModel):
    order: Annotated[str, Field(pattern="^[0-9]{1,12}$")]
    amount: Annotated[Decimal, Field(gt=0, decimal_places=2)]


@app.post("/start")
def start(refund: Refund) -> dict[str, Any]:
    """Drafts a refund. The same order again is the same refund."""
    with records() as db:
        db.execute("INSERT OR IGNORE INTO refunds (id, amount) VALUES (?, ?)", (refund.order, str(refund.amount)))
    return found(refund.order)


@app.post("/submit/{order}")
async def submit(order: str) -> dict[str, Any]:
    """Asks people. The key is the order's, so a second call, or one after a crash, finds the same request."""
    refund = found(order)
    question = {"action": "refund_order", "arguments": {"order": order, "amount": refund["amount"]}}
    request = await people.request(question, key=f"refund-order-{order}", callback_url=HOOK_URL)
    with records() as db:
        db.execute("UPDATE refunds SET request = ? WHERE id = ?", (request.id, order))
        db.execute("UPDATE refunds SET state = 'submitted' WHERE id = ? AND state = 'drafted'", (order,))
    return found(order)


@app.get("/pending")
async def pending() -> list[dict[str, Any]]:
    """What waits for people, with the address of its card."""
    page = await people.list(status="pending", source="billing-service")
    return [{"request": each.id, "question": each.question, "card": each.permalink} for each in page.data]


@app.post("/resume/{order}")
async def resume(order: str) -> dict[str, Any]:
    """Pays if people have approved it."""
    refund = found(order)
    if refund["state"] != "submitted":
        return refund
    request = await people.get(refund["request"])
    if request.decision is None:
        return refund
    if not request.decision.approved:
        return ended(order, "refused", request.decision.reason or request.status)
    # The execution is named after the order: if this process dies before it has paid, the next call gets it again.
    decision = await people.consume(request.id, execution=f"refund-order-{order}")
    return paid(order, decision)


@app.post("/hooks/countersign")
async def hook(call: Request) -> Response:
    """The bot says that a request is settled. What it says is checked, and then read again."""
    try:
        event = verify(await call.body(), call.headers, SECRET)
    except InvalidWebhook:
        return Response(status_code=401)
    with records() as db:
        row = db.execute("SELECT id FROM refunds WHERE request = ?", (event.request.id,)).fetchone()
    if row:
        await resume(row["id"])
    return Response(status_code=204)


@app.exception_handler(CountersignError)
async def away(_: Request, error: CountersignError) -> JSONResponse:
    """The bot has refused or is away: what it says, and what to do. The same call may be sent again."""
    return JSONResponse({"detail": str(error)}, 502)


# --- The records --------------------------------------------------------------------------------


@contextmanager
def records() -> Iterator[sqlite3.Connection]:
    """The refunds, in one transaction."""
    with closing(sqlite3.connect(DATABASE)) as db, db:
        db.row_factory = sqlite3.Row
        db.execute(
            "CREATE TABLE IF NOT EXISTS refunds (id TEXT PRIMARY KEY, amount TEXT NOT NULL,"
            " state TEXT NOT NULL DEFAULT 'drafted', request TEXT, note TEXT)"
        )
        yield db


def found(order: str) -> dict[str, Any]:
    with records() as db:
        row = db.execute("SELECT * FROM refunds WHERE id = ?", (order,)).fetchone()
    if row is None:
        raise HTTPException(404, f"There is no refund of order {order}.")
    return dict(row)


def ended(order: str, state: str, note: str) -> dict[str, Any]:
    with records() as db:
        db.execute("UPDATE refunds SET state = ?, note = ? WHERE id = ? AND state = 'submitted'", (state, note, order))
    return found(order)


def paid(order: str, decision: Decision) -> dict[str, Any]:
    """Pays what people approved. Call your bank here, with the order as its idempotency key, so that it pays once."""
    arguments = decision.arguments
    return ended(order, "paid", f"{arguments['amount']} for order {arguments['order']}, by {', '.join(decision.by)}")
