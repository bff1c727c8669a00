"""A crew that refunds an order only once people have approved it in Slack. README.md says how to run it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from crewai import Agent, BaseLLM, Crew, Task
from crewai.tools import tool

from countersign import Countersign
from countersign.adapters.crewai import approved_tools


@tool
def refund_order(order: str, amount: str) -> str:
    """Pays an amount back to the customer who placed the order."""
    with Path("refunds.txt").open("a") as ledger:  # call your bank here, with the order as its idempotency key
        ledger.write(f"{order} {amount}\n")
    return f"refunded {amount} for order {order}"


def crew(letter: str, llm: BaseLLM | str) -> Crew:
    clerk = Agent(
        role="Refund clerk",
        goal="Refund what is owed, and no more",
        backstory="You know the rules of refunds.",
        tools=[refund_order],
        llm=llm,
    )
    writer = Agent(
        role="Writer", goal="Answer customers kindly", backstory="You write short, friendly letters.", llm=llm
    )
    decide = Task(
        description=f"Refund the order if this letter asks for it: {letter}",
        expected_output="What you did",
        agent=clerk,
    )
    answer = Task(
        description="Answer the customer, and say what was done.",
        expected_output="A letter",
        agent=writer,
        context=[decide],
    )
    return Crew(agents=[clerk, writer], tasks=[decide, answer])


def run(ticket: str, letter: str, llm: BaseLLM | str) -> str:
    """The letter to the customer. Each call of `refund_order` waits until people have decided."""
    with approved_tools(Countersign.from_environment(), ["refund_order"], key=ticket):
        return str(crew(letter, llm).kickoff())


if __name__ == "__main__":
    print(run(sys.argv[1], sys.argv[2], os.environ["MODEL"]))
