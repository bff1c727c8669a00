"""Agents that ask something else, or ask no more, once people have decided: on the real bot and both stores."""

from __future__ import annotations

from tests.adversarial.case import APPROVE, ASKED, FINISHED, Case, Press, Redeploy, Reject, Shows, Start, Sweeps

BOTH = ("sqlite", "redis")

_ASKS = """
def gate(state):
    return {"answer": interrupt({"question": "Send the newsletter?", "details": {"to": "all"}})}

def acts(state):
    act(f"sent {state['answer']}")

graph = line(gate, acts, done)
"""
_DELETES = _ASKS.replace("Send the newsletter?", "Delete all customers?")
_RENAMED = _ASKS.replace("gate", "approval")
_UNASKED = """
def gate(state):
    return {"answer": True}

def acts(state):
    act(f"sent {state['answer']}")

graph = line(gate, acts, done)
"""
_STOPS = _UNASKED.replace("line(gate, acts, done)", 'line(gate, acts, done, interrupt_before=["acts"])')

CASES: tuple[Case, ...] = (
    Case(
        name="a node computes its amount anew when the answer comes",
        graph="""
RUNS = []

def pay(state):
    RUNS.append(1)
    amount = 10 if len(RUNS) == 1 else 99000
    if interrupt({"question": f"Pay {amount} EUR?", "details": {"amount": amount}}):
        act(f"paid {amount}")

graph = line(pay, done)
""",
        steps=(
            Start(),
            APPROVE,
            Shows(
                (
                    "Pay 99000 EUR?",
                    "The agent asks something else now",
                    "@bob approved what it asked before",
                    "[Approve]",
                )
            ),
            Press("approve", words=("Pay 99000 EUR?",)),
            FINISHED,
        ),
        exactly=("paid 99000",),
        stores=BOTH,
    ),
    Case(
        name="another question stands in the place of an approved one",
        graph=_ASKS,
        steps=(Start(), ASKED, Redeploy(_DELETES), APPROVE, Shows(("Delete all customers?", "[Approve]")), Sweeps()),
        exactly=(),
        stores=BOTH,
    ),
    Case(
        name="a rejected question is not asked any more",
        graph=_ASKS,
        steps=(
            Start(),
            ASKED,
            Redeploy(_UNASKED),
            Reject(),
            Shows(("no longer asks this at gate", "[Retry]")),
            Sweeps(),
        ),
        exactly=(),
        stores=BOTH,
    ),
    Case(
        name="the step that asked is renamed, and comes back",
        graph=_ASKS,
        steps=(
            Start(),
            ASKED,
            Redeploy(_RENAMED),
            Shows(("The step gate is missing",)),
            APPROVE,
            Sweeps(),
            Redeploy(_ASKS),
            FINISHED,
        ),
        exactly=("sent True",),
        stores=BOTH,
    ),
    Case(
        name="a stop at which somebody rejected is gone",
        graph=_STOPS,
        steps=(Start(), ASKED, Redeploy(_UNASKED), Reject(), Shows(("no longer stops at acts", "[Retry]")), Sweeps()),
        exactly=(),
        stores=BOTH,
    ),
)
