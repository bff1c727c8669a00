"""Records a payment in a ledger, once, and asks first if it is high or risky: check, ask, look, pay, report.

The ledger is a table in SQLite. A payment and the key of its node are stored in one transaction, so if the node runs
again, it finds the payment and does not pay twice. A payment cannot be undone, so if somebody else has paid the same
while this one waited for its approval, `look` asks again.
"""

import os
import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NotRequired

from langchain_core.runnables import RunnableConfig
from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt
from pydantic import Field
from typing_extensions import TypedDict

from graphs import effects
from graphs.answers import verdict

DEFAULT_LEDGER: Final = "var/ledger.db"
DEFAULT_THRESHOLD: Final = "100.00"
DEFAULT_CURRENCY: Final = "EUR"
MAX_THRESHOLD: Final = Decimal("1000000000")
IRREVERSIBLE: Final = "cannot be undone once it is paid"

_MAX_WAIT_SECONDS: Final = 30  # for another process's transaction


class Inputs(TypedDict):
    """What to pay."""

    payee: Annotated[str, Field(title="Payee", description="Who is paid.", examples=["ACME Ltd"])]
    amount: Annotated[
        str,
        Field(
            title="Amount",
            description="How much: digits, and two decimals after a point, such as 310.10.",
            examples=["310.10"],
            pattern=r"^[0-9]{1,9}(\.[0-9]{1,2})?$",
        ),
    ]
    purpose: Annotated[str, Field(title="Purpose", description="What it is for.", examples=["Invoice 2041"])]
    currency: NotRequired[
        Annotated[
            str,
            Field(
                title="Currency",
                description="Three letters; default PAYMENT_CURRENCY. For another one somebody is always asked.",
                examples=["EUR"],
            ),
        ]
    ]
    risk: NotRequired[
        Annotated[
            Literal["low", "medium", "high"],
            Field(
                title="Risk",
                description="How risky the payment is. If the risk is high, somebody is always asked.",
                default="low",
            ),
        ]
    ]


class State(Inputs):
    """The inputs, and what each step found. Amounts are text, because a number could lose cents in a checkpoint."""

    exact: NotRequired[str]
    currency_code: NotRequired[str]
    reasons: NotRequired[list[str]]
    twins: NotRequired[list[str]]
    approved: NotRequired[bool]
    feedback: NotRequired[str]
    entry: NotRequired[int]
    outcome: NotRequired[str]


class InputError(ValueError):
    """The inputs are wrong. The message tells the person who wrote them what would be right."""


def check_inputs(inputs: dict[str, Any]) -> None:
    """Raises `InputError` if the task cannot run with these inputs. The message says what would be right."""
    _line(inputs, "payee", "who is paid?")
    _line(inputs, "purpose", "what is it for?")
    _amount(inputs)
    _currency(inputs)
    _risk(inputs)
    _threshold()


def check(state: State) -> dict[str, Any]:
    """Finds the exact amount, and the reasons to ask somebody. Without a reason nobody is asked."""
    inputs = dict(state)
    check_inputs(inputs)
    amount, currency, (threshold, own) = _amount(inputs), _currency(inputs), _threshold()
    reasons: list[str] = []
    if currency != own:
        reasons.append(f"in {currency}, and the limit is in {own}")
    elif amount > threshold:
        reasons.append(f"above the {_short(threshold)} {own} limit")
    if _risk(inputs) == "high":
        reasons.append("high risk")
    found: State = {**state, "exact": f"{amount:.2f}", "currency_code": currency}
    return {"exact": found["exact"], "currency_code": currency, "reasons": reasons, "twins": _twins(found)}


def ask(state: State) -> dict[str, Any]:
    """Waits for `{"approved": bool, "feedback": str}`. Any other answer counts as a no."""
    return _answered(interrupt(_question(state, state.get("twins", []))))


def look(state: State) -> dict[str, Any]:
    """Asks again if the same was paid by another task since this payment was approved. Pays nothing."""
    answer = effects.look_again(_question(state, state.get("twins", [])), _question(state, _twins(state)))
    return {} if answer is None else _answered(answer)


def pay(state: State, config: RunnableConfig) -> dict[str, Any]:
    """Appends the payment to the ledger. Safe to run again: it then returns the entry that is already there."""
    payment = {
        **_terms(state),
        "thread_id": str(config["configurable"]["thread_id"]),
        "approval": "asked" if state["reasons"] else "not needed",
    }
    key = effects.key("pay")
    stored = effects.once(_ledger(), key, payment, lambda ledger: _append(ledger, key, payment))
    return {"entry": stored["entry"]}


def report(state: State) -> dict[str, Any]:
    """Writes the result of the task to `outcome`."""
    if "entry" in state:
        lines = [
            f"Paid {_sum(state)} to {state['payee'].strip()}: entry {state['entry']} of {_ledger().name}",
            "This cannot be undone.",
        ]
        if not state["reasons"]:
            lines.append("Nobody was asked: it is not above the limit, and its risk is not high.")
        return {"outcome": "\n".join(lines)}
    return {"outcome": "Nothing was paid."}


def _question(state: State, twins: list[str]) -> dict[str, Any]:
    """What is asked, if these entries of the ledger paid the same before."""
    reasons = ["the same was paid already"] if twins else []
    return {
        "question": f"Pay {_sum(state)} to {state['payee'].strip()}?",
        "details": {
            **_terms(state),
            **({"paid already": twins} if twins else {}),
        },
        "reason": " · ".join([*reasons, *state["reasons"], IRREVERSIBLE]),
        "summary": ["paid already", "payee", "amount"] if twins else ["payee", "amount"],
        "risk_level": _risk(dict(state)),
        "answer": "object",
    }


def _answered(answer: object) -> dict[str, Any]:
    given = verdict(answer)
    return {"approved": given.approved, "feedback": given.feedback}


def _terms(state: State) -> dict[str, str]:
    """Who is paid how much, and what for."""
    return {
        "payee": state["payee"].strip(),
        "amount": state["exact"],
        "currency": state["currency_code"],
        "purpose": state["purpose"].strip(),
    }


def _twins(state: State) -> list[str]:
    """The entries of the ledger that paid exactly the same, oldest first."""
    if not _ledger().exists():
        return []
    address = f"{_ledger().absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(address, uri=True, timeout=_MAX_WAIT_SECONDS)) as ledger:
        if not ledger.execute("SELECT 1 FROM sqlite_master WHERE name = 'payments'").fetchone():
            return []
        rows = ledger.execute(
            "SELECT entry, paid_at FROM payments WHERE payee = :payee AND amount = :amount AND currency = :currency"
            " AND purpose = :purpose ORDER BY entry",
            _terms(state),
        ).fetchall()
    return [f"entry {entry} on {paid_at[:10]}" for entry, paid_at in rows]


def _append(ledger: sqlite3.Connection, key: str, payment: dict[str, str]) -> dict[str, Any]:
    """Adds one entry to the ledger, in the transaction that stores the key."""
    ledger.execute(
        "CREATE TABLE IF NOT EXISTS payments (entry INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE,"
        " paid_at TEXT NOT NULL, payee TEXT NOT NULL, amount TEXT NOT NULL, currency TEXT NOT NULL,"
        " purpose TEXT NOT NULL, thread_id TEXT NOT NULL, approval TEXT NOT NULL) STRICT"
    )
    written = ledger.execute(
        "INSERT INTO payments (key, paid_at, payee, amount, currency, purpose, thread_id, approval)"
        " VALUES (:key, :paid_at, :payee, :amount, :currency, :purpose, :thread_id, :approval)",
        {"key": key, "paid_at": datetime.now(UTC).isoformat(timespec="seconds"), **payment},
    )
    return {"entry": written.lastrowid}


def _after_check(state: State) -> Literal["ask", "pay"]:
    return "ask" if state["reasons"] else "pay"


def _after_ask(state: State) -> Literal["look", "report"]:
    return "look" if state["approved"] else "report"


def _after_look(state: State) -> Literal["pay", "report"]:
    return "pay" if state["approved"] else "report"


def _line(inputs: dict[str, Any], name: str, asked: str) -> str:
    text = inputs.get(name)
    if not isinstance(text, str) or not text.strip():
        raise InputError(f"{name} is missing: {asked}")
    if len(text) > 200 or not text.strip().isprintable():
        raise InputError(f"{name} should be one line of at most 200 characters.")
    return text.strip()


def _amount(inputs: dict[str, Any]) -> Decimal:
    text = inputs.get("amount")
    if not isinstance(text, str) or not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,2})?", text.strip(), re.ASCII):
        raise InputError(f"amount {text!r} is not an amount: write digits, and at most two decimals, such as 310.10.")
    amount = Decimal(text.strip())
    if amount == 0:
        raise InputError("amount is zero: there is nothing to pay.")
    return amount


def _currency(inputs: dict[str, Any]) -> str:
    own = os.environ.get("PAYMENT_CURRENCY") or DEFAULT_CURRENCY
    text = inputs.get("currency") or own
    if not isinstance(text, str) or not re.fullmatch(r"[A-Za-z]{3}", text.strip()):
        raise InputError(f"currency {text!r} is not a currency: write its three letters, such as {own}.")
    return text.strip().upper()


def _risk(inputs: dict[str, Any]) -> str:
    risk = inputs.get("risk") or "low"
    if risk not in ("low", "medium", "high"):
        raise InputError(f"risk {risk!r} is not known: write low, medium or high.")
    return str(risk)


def _threshold() -> tuple[Decimal, str]:
    """The amount up to which nobody is asked, and its currency."""
    text = os.environ.get("PAYMENT_THRESHOLD") or DEFAULT_THRESHOLD
    own = (os.environ.get("PAYMENT_CURRENCY") or DEFAULT_CURRENCY).upper()
    try:
        threshold = Decimal(text)
        if not 0 <= threshold <= MAX_THRESHOLD:
            raise InvalidOperation
    except InvalidOperation:
        raise InputError(
            f"The operator's PAYMENT_THRESHOLD {text!r} is not an amount: set it to one such as "
            "100.00, or 0 to always ask."
        ) from None
    return threshold, own


def _ledger() -> Path:
    return Path(os.environ.get("PAYMENT_LEDGER") or DEFAULT_LEDGER)


def _short(amount: Decimal) -> str:
    return f"{amount:,.2f}".removesuffix(".00")


def _sum(state: State) -> str:
    return f"{Decimal(state['exact']):,.2f} {state['currency_code']}"


graph = StateGraph(State, input_schema=Inputs)
graph.add_node("check", check)
graph.add_node("ask", ask)
graph.add_node("look", look)
graph.add_node("pay", pay)
graph.add_node("report", report)
graph.add_edge(START, "check")
graph.add_conditional_edges("check", _after_check)
graph.add_conditional_edges("ask", _after_ask)
graph.add_conditional_edges("look", _after_look)
graph.add_edge("pay", "report")
graph.add_edge("report", END)
