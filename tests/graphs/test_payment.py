"""What the payment graph asks, what it pays, and that it pays once."""

import asyncio
import sqlite3
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.base import BaseCheckpointSaver

from graphs import payment
from tests.graphs.test_look_again import digest
from tests.graphs.threads import Killed, Thread, dying

Saver = BaseCheckpointSaver[Any]
INVOICE = {"payee": "ACME Ltd", "amount": "310.10", "purpose": "Invoice 2041"}


@pytest.fixture(autouse=True)
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("PAYMENT_THRESHOLD", "PAYMENT_CURRENCY"):
        monkeypatch.delenv(name, raising=False)
    path = tmp_path / "books" / "ledger.db"
    monkeypatch.setenv("PAYMENT_LEDGER", str(path))
    return path


def paid(ledger: Path) -> list[tuple[str, ...]]:
    if not ledger.exists():
        return []
    with sqlite3.connect(ledger) as connection:
        rows = connection.execute("SELECT payee, amount, currency, approval FROM payments ORDER BY entry").fetchall()
    connection.close()
    return rows


class TestAsking:
    async def test_above_the_threshold_it_asks_and_pays_to_the_cent(self, saver: Saver, ledger: Path) -> None:
        thread = Thread(payment.graph, saver)

        question = await thread.start(**INVOICE)
        before = paid(ledger)
        await thread.approve()

        assert question == {
            "question": "Pay 310.10 EUR to ACME Ltd?",
            "details": {"payee": "ACME Ltd", "amount": "310.10", "currency": "EUR", "purpose": "Invoice 2041"},
            "reason": "above the 100 EUR limit · cannot be undone once it is paid",
            "summary": ["payee", "amount"],
            "risk_level": "low",
            "answer": "object",
        }
        assert before == []
        assert paid(ledger) == [("ACME Ltd", "310.10", "EUR", "asked")]
        assert await thread.outcome() == "Paid 310.10 EUR to ACME Ltd: entry 1 of ledger.db\nThis cannot be undone."

    async def test_up_to_the_threshold_nobody_is_asked(self, saver: Saver, ledger: Path) -> None:
        thread = Thread(payment.graph, saver)

        question = await thread.start(**INVOICE | {"amount": "100"})

        assert question is None
        assert paid(ledger) == [("ACME Ltd", "100.00", "EUR", "not needed")]
        assert await thread.outcome() == (
            "Paid 100.00 EUR to ACME Ltd: entry 1 of ledger.db\n"
            "This cannot be undone.\n"
            "Nobody was asked: it is not above the limit, and its risk is not high."
        )

    @pytest.mark.parametrize(
        ("inputs", "reason", "risk"),
        [
            ({"amount": "1", "risk": "high"}, "high risk", "high"),
            ({"amount": "1", "currency": "usd"}, "in USD, and the limit is in EUR", "low"),
            ({"risk": "high"}, "above the 100 EUR limit · high risk", "high"),
            ({"amount": "100.01", "risk": "medium"}, "above the 100 EUR limit", "medium"),
        ],
    )
    async def test_a_risk_and_another_currency_are_asked_too(
        self, saver: Saver, ledger: Path, inputs: dict[str, str], reason: str, risk: str
    ) -> None:
        question = await Thread(payment.graph, saver).start(**INVOICE | inputs)

        assert question["reason"] == f"{reason} · {payment.IRREVERSIBLE}"
        assert question["risk_level"] == risk
        assert paid(ledger) == []

    async def test_the_operator_sets_the_threshold(self, saver: Saver, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PAYMENT_THRESHOLD", "0")
        monkeypatch.setenv("PAYMENT_CURRENCY", "CHF")

        question = await Thread(payment.graph, saver).start(**INVOICE | {"amount": "0.01"})

        assert question["reason"] == f"above the 0 CHF limit · {payment.IRREVERSIBLE}"

    @pytest.mark.parametrize(
        "answer",
        [
            {"approved": False, "feedback": "Twice"},
            {"approved": False, "feedback": "Rejected: nobody answered by 2030-01-01 09:00 UTC."},
            {"approved": False},
            {"approved": "yes"},
            "yes",
            False,
            None,
        ],
    )
    async def test_what_is_no_yes_pays_nothing(self, saver: Saver, ledger: Path, answer: object) -> None:
        thread = Thread(payment.graph, saver)
        await thread.start(**INVOICE)

        await thread.answer(answer)

        assert paid(ledger) == []
        assert await thread.outcome() == "Nothing was paid."

    async def test_a_bare_true_is_a_yes(self, saver: Saver, ledger: Path) -> None:
        thread = Thread(payment.graph, saver)
        await thread.start(**INVOICE)

        await thread.answer(True)

        assert len(paid(ledger)) == 1


class TestPayingOnce:
    async def test_a_crash_after_the_payment_pays_no_second_time(self, saver: Saver, ledger: Path) -> None:
        thread = Thread(dying(payment.graph, "pay", times=2), saver)
        await thread.start(**INVOICE)
        with pytest.raises(Killed):
            await thread.approve()
        with pytest.raises(Killed):
            await thread.proceed()

        await thread.proceed(payment.graph)

        assert paid(ledger) == [("ACME Ltd", "310.10", "EUR", "asked")]
        assert "entry 1 of ledger.db" in await thread.outcome()

    async def test_a_crash_in_the_transaction_leaves_nothing_and_the_next_run_pays(
        self, saver: Saver, ledger: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        append = payment._append

        def dies(*given: Any) -> Any:
            append(*given)
            raise Killed

        thread = Thread(payment.graph, saver)
        await thread.start(**INVOICE)
        with monkeypatch.context() as patched:
            patched.setattr(payment, "_append", dies)
            with pytest.raises(Killed):
                await thread.approve()

        await thread.proceed()

        assert paid(ledger) == [("ACME Ltd", "310.10", "EUR", "asked")]

    async def test_two_tasks_with_the_same_invoice_are_two_payments(self, saver: Saver, ledger: Path) -> None:
        small = INVOICE | {"amount": "9.99"}

        await asyncio.gather(*(Thread(payment.graph, saver).start(**small) for _ in range(4)))

        assert len(paid(ledger)) == 4
        assert sum(Decimal(amount) for _, amount, _, _ in paid(ledger)) == Decimal("39.96")


class TestLookingAgain:
    async def test_the_same_payment_by_another_task_meanwhile_is_asked_about(self, saver: Saver, ledger: Path) -> None:
        """As a version of the question that was approved, and a yes pays a second time."""
        first, second = Thread(payment.graph, saver), Thread(payment.graph, saver)
        await first.start(**INVOICE)
        approved = await second.start(**INVOICE)
        await first.approve()

        again = await second.approve()
        before = paid(ledger)
        await second.approve()

        assert again["look_again"] == digest(approved)
        assert again["question"] == approved["question"]
        assert again["details"]["paid already"] == [f"entry 1 on {datetime.now(UTC).date().isoformat()}"]
        assert again["reason"] == f"the same was paid already · {approved['reason']}"
        assert again["summary"] == ["paid already", "payee", "amount"]
        assert (len(before), len(paid(ledger))) == (1, 2)

    async def test_a_no_pays_nothing_more(self, saver: Saver, ledger: Path) -> None:
        """The first yes was to something else."""
        first, second = Thread(payment.graph, saver), Thread(payment.graph, saver)
        await first.start(**INVOICE)
        await second.start(**INVOICE)
        await first.approve()
        await second.approve()

        await second.reject("It is paid")

        assert len(paid(ledger)) == 1
        assert await second.outcome() == "Nothing was paid."

    async def test_what_was_paid_before_the_question_is_shown_at_once(self, saver: Saver, ledger: Path) -> None:
        """And is no difference afterwards."""
        first, second = Thread(payment.graph, saver), Thread(payment.graph, saver)
        await first.start(**INVOICE)
        await first.approve()

        question = await second.start(**INVOICE)

        assert len(question["details"]["paid already"]) == 1
        assert await second.approve() is None
        assert len(paid(ledger)) == 2

    @pytest.mark.parametrize(
        "other", [{"payee": "ACME"}, {"amount": "310.11"}, {"purpose": "2042"}, {"currency": "USD"}]
    )
    async def test_another_payment_is_no_difference(self, saver: Saver, ledger: Path, other: dict[str, str]) -> None:
        """Only exactly the same is."""
        first, second = Thread(payment.graph, saver), Thread(payment.graph, saver)
        await first.start(**INVOICE | other)
        await second.start(**INVOICE)
        await first.approve()

        assert await second.approve() is None
        assert len(paid(ledger)) == 2

    def test_a_ledger_without_payments_has_paid_nothing(self, ledger: Path) -> None:
        """Its file may be there before its table is."""
        ledger.parent.mkdir()
        ledger.touch()

        found = payment.check({"payee": "ACME Ltd", "amount": "310.10", "purpose": "Invoice 2041"})

        assert found["twins"] == []


class TestInputs:
    def test_good_inputs_are_taken(self) -> None:
        payment.check_inputs({"payee": " ACME ", "amount": " 0.5 ", "purpose": "x", "currency": "eur", "risk": "high"})

    @pytest.mark.parametrize(
        ("inputs", "sentence"),
        [
            ({"payee": " "}, "payee is missing: who is paid?"),
            ({"payee": "a\nb"}, "payee should be one line of at most 200 characters."),
            ({"purpose": None}, "purpose is missing: what is it for?"),
            ({"purpose": "x" * 201}, "purpose should be one line of at most 200 characters."),
            ({"amount": "0.00"}, "amount is zero: there is nothing to pay."),
            ({"currency": "Euro"}, "currency 'Euro' is not a currency: write its three letters, such as EUR."),
            ({"currency": 5}, "currency 5 is not a currency: write its three letters, such as EUR."),
            ({"risk": "grave"}, "risk 'grave' is not known: write low, medium or high."),
        ],
    )
    def test_bad_inputs_are_refused_in_a_sentence(self, inputs: dict[str, Any], sentence: str) -> None:
        with pytest.raises(payment.InputError) as refused:
            payment.check_inputs(INVOICE | inputs)

        assert str(refused.value) == sentence

    @pytest.mark.parametrize("amount", ["", "-5", "1,000", "1.005", "1e3", "NaN", "٣", "9999999999", 5, 3.1, None])
    def test_an_amount_is_digits_and_two_decimals(self, amount: object) -> None:
        with pytest.raises(payment.InputError, match=r"is not an amount: write digits, and at most two decimals"):
            payment.check_inputs(INVOICE | {"amount": amount})

    @pytest.mark.parametrize("threshold", ["much", "-1", "NaN", "1e99"])
    def test_a_wrong_setting_is_said(self, monkeypatch: pytest.MonkeyPatch, threshold: str) -> None:
        monkeypatch.setenv("PAYMENT_THRESHOLD", threshold)

        with pytest.raises(
            payment.InputError, match=f"PAYMENT_THRESHOLD '{threshold}' is not an amount: set it to one"
        ):
            payment.check_inputs(INVOICE)

    async def test_bad_inputs_that_nobody_checked_pay_nothing(self, saver: Saver, ledger: Path) -> None:
        with pytest.raises(payment.InputError):
            await Thread(payment.graph, saver).start(**INVOICE | {"amount": "-5"})

        assert paid(ledger) == []
