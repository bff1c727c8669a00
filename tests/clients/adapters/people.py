"""People who answer the requests that an adapter makes, in the order in which they come."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.support.stub_api import StubApi

Person = Callable[["Answered", str], None]
"""Settles the request with this id."""


class Answered(StubApi):
    """The stand-in of the API. Each new request is settled by the next one in `people`; when nobody is left, requests
    stay pending."""

    def __init__(self) -> None:
        super().__init__()
        self.people: list[Person] = []

    @property
    def questions(self) -> list[Any]:
        """What was asked, each once."""
        return [each["question"] for each in self.requests.values()]

    def answer(self, method: str, target: str, key: str | None, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        status, said = super().answer(method, target, key, body)
        if status == 201 and self.people:
            self.people.pop(0)(self, said["id"])
        return status, said

    def until_asked(self) -> str:
        """The id of the request that waits, once there is one."""
        self.wait_until(lambda: any(each["status"] == "pending" for each in self.requests.values()))
        return next(id for id, each in self.requests.items() if each["status"] == "pending")

    def settle(self, person: Person) -> None:
        """This person settles the request that waits."""
        person(self, self.until_asked())

    def expire(self, id: str, answer: Any) -> None:
        """Nobody answered. `answer` is what the graph goes on with, None if the question has nothing for that."""
        self._settle(id, "expired", {"verdict": "expired", "approved": False, "items": [], "answer": answer, "by": []})


def approves(api: Answered, id: str) -> None:
    api.decide(id, answer=True)


def edits(**arguments: Any) -> Person:
    """Approves with these arguments instead of those that were asked about."""
    return lambda api, id: api.decide(id, "edit", arguments=arguments)


def rejects(reason: str = "") -> Person:
    return lambda api, id: api.decide(id, "reject", answer=False, reason=reason)


def says(words: Any) -> Person:
    """Answers in words, or with the value of a form."""
    item = {"name": "", "verdict": "respond", "arguments": {}, "reason": "", "value": words}
    return lambda api, id: api.decide(id, "respond", answer=words, items=[item])


def ignores(api: Answered, id: str) -> None:
    """Nobody answers a question that can be answered with a no."""
    api.expire(id, False)


def ignores_an_open_question(api: Answered, id: str) -> None:
    """Nobody answers a question that has no answer that says no."""
    api.expire(id, None)


def withdraws(api: Answered, id: str) -> None:
    api.end(id, "cancelled")
