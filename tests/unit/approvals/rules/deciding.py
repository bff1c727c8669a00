"""Votes, those who may give them, and a request that is over."""

from datetime import timedelta

from bot.approvals.model.decision import Approve, Expired, ItemVerdict, Vote
from bot.approvals.model.ids import Person
from bot.approvals.model.request import Delivered, Request
from bot.approvals.rules import voting
from bot.approvals.rules.eligible import EligibleApprovers
from tests.support.fakes.clock import MORNING
from tests.support.fakes.world import ALICE, BOB, CAROL, GUS, RITA

HOUR = timedelta(hours=1)
DONE = Delivered(decision=Expired(at=MORNING), at=MORNING)


def among(*people: Person) -> EligibleApprovers:
    return EligibleApprovers(groups=(frozenset(people),))


TEAM_OF_TWO = among(ALICE, BOB)
EVERYBODY = among(ALICE, BOB, CAROL, GUS, RITA)


def vote(person: Person, *verdicts: ItemVerdict, on: Request) -> Vote:
    return Vote(
        person=person, verdicts=verdicts or (Approve(),), version=on.version, digest=on.digest, at=MORNING + HOUR
    )


def cast(request: Request, person: Person, *verdicts: ItemVerdict) -> Request:
    return voting.cast(request, vote(person, *verdicts, on=request), EVERYBODY)
