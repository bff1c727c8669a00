"""A vote is bound to what its person was shown: the version and the digest that their message or modal carries."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from bot.approvals.model.actor import Actor, Shown
from bot.approvals.model.decision import Approve
from bot.approvals.model.errors import AlreadySettled, DrawnBefore, StaleVersion
from bot.approvals.model.question import Option, Question, Risk, Verdict
from bot.approvals.model.request import Request
from bot.storage import codec
from tests.support.builders import a_question, a_request, an_event, an_item
from tests.support.fakes.world import ALICE, BOB, World

OTHER = "0" * 64


async def refused(world: World, request: Request, digest: str | None, error: type[Exception]) -> None:
    """See each way to answer refused with this, and nothing changed."""
    answers = world.answers
    with pytest.raises(error):
        await answers.check(Actor(person=ALICE, at=world.now), replace(Shown.of(request), digest=digest))
    with pytest.raises(error):
        await answers.vote(
            Actor(person=ALICE, at=world.now),
            replace(Shown.of(request), digest=digest),
            (Approve(),),
        )
    with pytest.raises(error):
        await answers.edit(
            Actor(person=ALICE, at=world.now),
            replace(Shown.of(request), digest=digest),
            0,
            {"path": "/b"},
        )
    assert await world.storage.request(request.id) == request


async def test_an_answer_to_something_else_of_the_same_version_does_not_count(world: World) -> None:
    await refused(world, await asked(world), OTHER, StaleVersion)


async def test_an_answer_that_does_not_say_to_what_does_not_count(world: World) -> None:
    await refused(world, await asked(world), None, DrawnBefore)


async def test_a_question_that_changed_in_the_store_is_not_answered_by_what_was_shown_of_it(world: World) -> None:
    """A digest that was copied from the record would agree with whatever the record says."""
    request = await asked(world)
    item = replace(request.question.items[0], arguments={"path": "/everything"})
    changed = replace(request, question=replace(request.question, items=(item,)))
    await world.storage.save_request(changed, an_event("edited", changed))

    with pytest.raises(StaleVersion):
        await world.answers.vote(world.actor(ALICE), Shown.of(request), (Approve(),))


async def test_a_vote_keeps_the_digest_that_it_was_given_on(world: World) -> None:
    request = await asked(world)

    settled = await world.answers.vote(world.actor(ALICE), Shown.of(request), (Approve(),))

    assert [vote.digest for vote in settled.votes] == [request.digest]
    with pytest.raises(AlreadySettled):
        await world.answers.vote(world.actor(BOB), Shown(request_id=request.id, version=1, digest=None), (Approve(),))


async def asked(world: World) -> Request:
    return await world.request(await world.started())


# --- The digest -------------------------------------------------------------------------------------


def test_the_canonical_form_of_plain_questions_is_as_it_ever_was() -> None:
    question = a_question(labels={"approve": "Go"}, payload={"b": [1, 1.0, True, None, "ü"], "a": -0.0}, types=())

    assert question.canonical == (
        '["tool_calls","Delete old files?","",[["delete_files",{"limit":310.1,"paths":["/logs/a","/logs/\\u00fc"]},'
        '["approve","edit","reject"]]],[],null,null,"",{"a":-0.0,"b":[1,1.0,true,null,"\\u00fc"]},[["approve","Go"]]]'
    )
    assert replace(question, types=None).digest == question.digest


def test_a_record_of_an_earlier_version_opens_with_the_digest_that_it_had() -> None:
    request = a_request()
    stored = json.loads(codec.encode(request))
    del stored["bound"]
    for question in (stored["question"], stored["proposed"]):
        del question["types"], question["options"]

    read = codec.decode(Request, json.dumps(stored))

    assert (read.question.types, read.question.options) == (None, ())
    assert read.digest == request.digest


@pytest.mark.parametrize(
    "other",
    [
        {"types": ("[] float",)},
        {"types": ("[] tuple",)},
        {"options": (Option(label="a", value="b"),)},
        {"options": (Option(label="a", value="b", description="c"),)},
        {"options": (Option(label="a", value=True),)},
        {"options": (Option(label="a", value=1),)},
        {"labels": {"types": "x"}},
        {"title": "Delete old files? "},
        {"items": (an_item(verdicts=(Verdict.APPROVE,)),)},
        {"items": (an_item(arguments={"limit": 1}),)},
        {"items": (an_item(arguments={"limit": 1.0}),)},
        {"items": (an_item(arguments={"limit": True}),)},
    ],
)
def test_what_differs_has_a_digest_of_its_own_and_asks_something_else(other: dict[str, object]) -> None:
    plain = a_question(types=())
    changed = replace(plain, **other)  # type: ignore[arg-type]

    assert changed.digest != plain.digest
    assert not plain.asks_as(changed)
    assert changed.asks_as(replace(changed))


def test_what_an_earlier_version_did_not_keep_is_not_a_change() -> None:
    old = a_question(payload={"at": "2030-01-02"}, types=None)
    now: Question = replace(old, types=('[["at"],"datetime.date"]',), options=(Option(label="a", value="b"),))

    assert old.asks_as(now)
    assert now.asks_as(old)
    assert not old.asks_as(replace(now, risk=Risk.HIGH))


@pytest.mark.parametrize("words", [{"title": "Run it?"}, {"text": "Ada asked."}, {"labels": {"approve": "Accept"}}])
@pytest.mark.parametrize("types", [None, ()])
def test_other_words_for_one_payload_ask_the_same(words: dict[str, object], types: tuple[str, ...] | None) -> None:
    """They differ from version to version of the program. The digest is of what was shown, with its words."""
    old = a_question(payload={"pay": 10}, types=types)
    now = replace(old, **words)  # type: ignore[arg-type]

    assert old.asks_as(now)
    assert now.digest != old.digest
    assert not old.asks_as(replace(now, payload={"pay": 11}))
    assert not old.asks_as(replace(now, items=(an_item(arguments={"limit": 1}),)))


def test_what_hides_a_secret_keeps_the_digest_of_the_true_question() -> None:
    request = a_request()

    masked = replace(request, question=replace(request.question, title="***"), bound=request.digest)

    assert masked.digest == request.digest
