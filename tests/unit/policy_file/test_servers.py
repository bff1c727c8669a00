"""`match: {server}`: rules for what runs on LangGraph Servers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bot.approvals.rules.matching import Facts
from tests.support.fakes.world import CHANNEL, RITA, question
from tests.unit.policy_file.reading import RULE, loaded, refusal

HERE = Facts(graph="deploy", channel=CHANNEL, requester=RITA, inputs={}, question=question())
ON_PROD = replace(HERE, server="prod")


def test_a_rule_for_servers_names_them(file: Path) -> None:
    policies = loaded(file, f"{RULE}    match: {{server: [prod, eu-*]}}\n")

    assert policies.rules[0].servers == tuple(policies.servers) == ("prod", "eu-*")
    assert policies.select(ON_PROD).name == "grave"
    assert policies.select(replace(HERE, server="eu-1")).name == "grave"
    assert policies.select(replace(HERE, server="stage")).name == policies.select(HERE).name == "defaults"


def test_a_condition_knows_the_server(file: Path) -> None:
    policies = loaded(file, f"{RULE}    match: {{when: task.server == 'prod'}}\n")

    assert policies.select(ON_PROD).name == "grave"
    assert policies.select(HERE).name == "defaults"


ALONE = "    auto: {approve: It is harmless}\n"


@pytest.mark.parametrize(
    ("match", "on_prod"),
    [
        ("graph: deploy", "defaults"),
        ("graph: deploy, server: prod", "grave"),
        ("graph: deploy, server: Prod", "defaults"),
    ],
)
def test_a_rule_that_says_yes_alone_governs_a_server_only_if_it_names_it(file: Path, match: str, on_prod: str) -> None:
    """Whoever deploys to a server chooses how its graphs are called."""
    policies = loaded(file, f"{RULE}    match: {{{match}}}\n{ALONE}")

    assert policies.select(ON_PROD).name == on_prod
    assert policies.select(HERE).name == ("defaults" if "server" in match else "grave")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (f"{RULE}    match: {{serevr: x}}", 'key "rules.0.match.serevr": there is no such key. Did you mean "server"?'),
        (
            f"{RULE}    match: {{server: []}}",
            "an empty list matches nothing. Leave it out if the server does not matter.",
        ),
    ],
)
def test_a_mistake_is_told_with_its_key(file: Path, text: str, sentence: str) -> None:
    assert sentence in refusal(file, text)
