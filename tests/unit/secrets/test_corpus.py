"""What looks like a secret is found, wherever it stands; what does not stays readable."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest

from bot.approvals.model.ids import JSON
from bot.approvals.model.question import Question
from bot.approvals.rules.masking import MASK, hidden_in, masked
from bot.secrets import Detector
from tests import corpus
from tests.corpus import Sample
from tests.support.builders import a_question, an_item

SECRETS, READABLE = corpus.secrets(), corpus.readable()
DETECTOR = Detector()
PREFIX = 12
"""Characters of the longest beginning that is the same for all tokens of a kind, as of `github_pat_`."""
IN_TEXTS = [sample for sample in SECRETS if not sample.key]
"""Those that a text gives away by itself."""


def ids(samples: list[Sample]) -> list[str]:
    return [sample.name for sample in samples]


def asked(arguments: dict[str, JSON], **changes: object) -> Question:
    return a_question(items=(an_item(arguments=arguments),), payload=arguments, **changes)


def seen(question: Question) -> str:
    """All that can be seen of a masked question."""
    items = [[item.name, item.arguments, item.schema] for item in question.items]
    others = [question.title, question.text, question.choices, question.form, question.payload, question.labels]
    return json.dumps([items, others], ensure_ascii=False, default=str)


def written(text: str) -> str:
    """As it stands within JSON."""
    return json.dumps(text, ensure_ascii=False)[1:-1]


def test_the_corpus_is_large_and_names_nothing_twice() -> None:
    assert len(SECRETS) >= 60
    assert len(READABLE) >= 60
    assert len({sample.name for sample in SECRETS}) == len(SECRETS)


@pytest.mark.parametrize("sample", IN_TEXTS, ids=ids(IN_TEXTS))
def test_a_secret_in_a_text_is_masked_in_place(sample: Sample) -> None:
    """In a title, a reason, a choice or a nested argument; what stands around it can still be read."""
    text = sample.text
    shown = masked(
        asked({"command": [{"run": text}]}, title=text, text=text, choices=(text,)),
        DETECTOR,
    )

    assert sample.secret not in seen(shown)
    assert written(sample.secret) not in seen(shown)
    assert MASK in shown.title
    before, _, after = text.partition(sample.secret)
    assert shown.title.startswith(before[:6])
    assert shown.title.endswith(after[-6:] if after else "")


@pytest.mark.parametrize("sample", SECRETS, ids=ids(SECRETS))
def test_no_more_than_four_letters_of_a_secret_are_shown(sample: Sample) -> None:
    """And none at all of what a person may have chosen."""
    key = sample.key or "note"
    shown = str(masked(asked({key: sample.text}), DETECTOR).items[0].arguments[key])

    least, known = (5, PREFIX) if len(sample.secret) >= 20 else (3, 0)
    pieces = {sample.secret[at : at + least] for at in range(known, len(sample.secret) - least + 1)}
    around = sample.text.replace(sample.secret, "")
    assert not [piece for piece in pieces if piece in shown and piece not in around]


@pytest.mark.parametrize("sample", SECRETS, ids=ids(SECRETS))
def test_a_secret_under_a_telling_name_is_masked_however_it_looks(sample: Sample) -> None:
    """In an argument, in a list of options, of pairs, and of names with values."""
    secret = sample.secret
    ways: list[dict[str, JSON]] = [
        {"db": {"password": secret}},
        {"argv": ["tool", "--password", secret, "-v"]},
        {"headers": [["Authorization", secret]]},
        {"env": [{"name": "DB_PASSWORD", "value": secret}]},
        {"credentials": {"user": "bob", "secrets": [secret]}},
    ]
    for way in ways:
        shown = masked(asked(way, title=f"Set it to {secret} now"), DETECTOR)
        assert secret not in seen(shown), way
        assert written(secret) not in seen(shown), way


@pytest.mark.parametrize("text", READABLE)
def test_what_is_no_secret_stays_readable(text: str) -> None:
    shown = masked(asked({"note": text}, title=text, text=f"About {text}."), DETECTOR)

    assert shown.title == text
    assert shown.items[0].arguments == {"note": text}
    assert not hidden_in(shown)


@pytest.mark.parametrize("sample", IN_TEXTS, ids=ids(IN_TEXTS))
def test_a_secret_in_the_name_of_an_argument_is_masked(sample: Sample) -> None:
    shown = masked(asked({sample.text: 1}), DETECTOR)

    assert sample.secret not in seen(shown)
    assert len(shown.items[0].arguments) == 1


@pytest.mark.parametrize(
    "evil",
    [
        *("eyJ-", "sk-", "password:", "password=", 'password="', "://", "--a ", "A-", "aB3", "'", "\\", " ", "=:", "/"),
        *("-----BEGIN PRIVATE KEY-----", "xoxb-1-", "mysql ", "Bearer ", "redis-cli -a", "eyJaaaaaaaaaaaa.", "secret "),
    ],
)
def test_the_time_it_takes_grows_with_the_text_and_no_faster(evil: str) -> None:
    """A graph may send anything; what grew with the square of it would be here for an hour, and stop everybody."""
    found = DETECTOR.found(evil * (400_000 // len(evil)))

    assert all(one.end <= other.start for one, other in pairwise(found))


@pytest.mark.parametrize("sample", IN_TEXTS, ids=ids(IN_TEXTS))
def test_a_secret_behind_a_line_end_that_is_written_out_is_masked(sample: Sample) -> None:
    """As where an agent puts a JSON text into another one."""
    packed = json.dumps(json.dumps({"note": f"one\n{sample.text}\ttwo"}))

    shown = masked(asked({"body": packed}), DETECTOR)

    forms = {sample.secret, written(sample.secret), written(written(sample.secret))}
    assert not [form for form in forms if form in str(shown.items[0].arguments["body"])]
