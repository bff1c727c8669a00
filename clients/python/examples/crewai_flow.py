"""A CrewAI Flow that publishes only what people approved. It is stored while they think, and another
process resumes it.

    export COUNTERSIGN_URL=https://approvals.example.com COUNTERSIGN_TOKEN=csk_...
    python crewai_flow.py "We open on Monday."    # asks, and prints the flow's id
    python crewai_flow.py --resume ID             # waits for the decision, and publishes or drops
"""

from __future__ import annotations

import json
import sys
from typing import Any

from crewai.flow.flow import Flow, listen, router, start
from crewai.flow.human_feedback import HumanFeedbackResult, human_feedback

from countersign import Countersign
from countersign.adapters.crewai import FlowFeedback

feedback = FlowFeedback(Countersign.from_environment())


class Publish(Flow[dict[str, Any]]):
    @start()
    @human_feedback(message="Publish this text?", provider=feedback)
    def draft(self) -> str:
        return str(self.state["text"])

    @router(draft)
    def decide(self, result: HumanFeedbackResult) -> str:
        return "yes" if json.loads(result.feedback)["approved"] else "no"

    @listen("yes")
    def publish(self) -> str:
        return f"published: {self.state['text']}"

    @listen("no")
    def drop(self) -> str:
        return "not published"


def ask(text: str) -> str:
    """The id of the flow that waits for people."""
    return str(Publish().kickoff(inputs={"text": text}).context.flow_id)


def resume(flow_id: str) -> str:
    """What became of it."""
    return str(feedback.resume(Publish.from_pending(flow_id)))


if __name__ == "__main__":
    print(resume(sys.argv[2]) if sys.argv[1] == "--resume" else ask(sys.argv[1]))
