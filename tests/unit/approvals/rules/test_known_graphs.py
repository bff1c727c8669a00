"""Policies that name a graph or a node that does not exist are refused with what may have been meant."""

import re
from dataclasses import replace

import pytest

from bot.approvals.model.errors import SettingsError
from bot.approvals.model.policy import CardTerms, GraphTerms, Route
from bot.approvals.rules.known_graphs import refuse_unknown, refuse_unknown_servers
from bot.approvals.rules.matching import Policies, Rule
from tests.support.fakes.world import policy

NODES = {"cleanup": ("look", "delete"), "payment": ("pay",), "absent": ()}


def policies(
    *graphs: str, terms: dict[str, GraphTerms] | None = None, cards: dict[str, CardTerms] | None = None
) -> Policies:
    rules = (Rule(policy=policy(), graphs=graphs),) if graphs else ()
    return Policies(rules=rules, otherwise=policy(), graphs=terms or {}, cards=cards or {})


def test_cards_may_be_those_of_a_program_that_a_rule_names() -> None:
    known = Policies(
        rules=(Rule(policy=policy(), sources=("billing", "ci-*")),),
        otherwise=policy(),
        cards={"billing": CardTerms()},
    )

    refuse_unknown(known, NODES)
    with pytest.raises(SettingsError, match='Did you mean "billing"'):
        refuse_unknown(replace(known, cards={"bilingg": CardTerms()}), NODES)


def on_servers(*servers: str, graphs: tuple[str, ...] = ()) -> Policies:
    return Policies(rules=(Rule(policy=policy(), servers=servers, graphs=graphs),), otherwise=policy())


def test_a_rule_for_a_server_may_name_any_graph() -> None:
    """What a server runs is not known here."""
    known = replace(on_servers("prod", graphs=("deploy",)), cards={"deploy": CardTerms()})

    refuse_unknown(known, NODES)
    with pytest.raises(SettingsError, match='Did you mean "deploy"'):
        refuse_unknown(replace(known, cards={"deplyo": CardTerms()}), NODES)


def test_a_graph_of_a_server_may_have_the_name_of_one_that_runs_here() -> None:
    known = replace(on_servers("prod", graphs=("payment",)), graphs={"payment": to("pay")})

    refuse_unknown(known, NODES)
    with pytest.raises(SettingsError, match="the graph has no such node"):
        refuse_unknown(replace(known, graphs={"payment": to("nowhere")}), NODES)


@pytest.mark.parametrize("pattern", ["prod", "p*", "PROD"])
def test_servers_of_the_file_may_be_named(pattern: str) -> None:
    refuse_unknown_servers(on_servers(pattern), ["stage", "prod"])


def test_a_server_that_does_not_exist_is_refused() -> None:
    """A misspelt rule would match nothing, and leave its server to a weaker policy."""
    wrong = 'key "match.server" of the rule default: no server is "prdo". '

    with pytest.raises(SettingsError, match=f'{wrong}Did you mean "prod"?'):
        refuse_unknown_servers(on_servers("stage", "prdo"), ["stage", "prod"])
    with pytest.raises(SettingsError, match=f"{wrong}SERVERS_FILE names no server."):
        refuse_unknown_servers(on_servers("prdo"), [])


def to(node: str) -> GraphTerms:
    return GraphTerms(reject=Route(as_node=node))


@pytest.mark.parametrize(
    "known",
    [
        policies(),
        policies("cleanup", "pay*"),
        policies(cards={"cleanup": CardTerms()}),
        policies(terms={"cleanup": to("look"), "payment": GraphTerms()}),
        policies(terms={"absent": to("anything")}),
    ],
)
def test_what_exists_may_be_named(known: Policies) -> None:
    """The nodes of a graph that is unavailable are not known."""
    refuse_unknown(known, NODES)


@pytest.mark.parametrize(
    ("unknown", "sentence"),
    [
        (policies("cleanupp"), 'no graph is "cleanupp". Did you mean "cleanup"?'),
        (policies("cleanup", "zz*"), 'no graph is "zz*". Known here: cleanup, payment, absent.'),
        (
            policies(cards={"paymnt": CardTerms()}),
            'key "cards.paymnt": there is no such graph. Did you mean "payment"?',
        ),
        (policies(terms={"zz": GraphTerms()}), 'key "approvals.zz": there is no such graph. Known here: cleanup'),
        (
            policies(terms={"cleanup": to("pay")}),
            'key "approvals.cleanup.reject.as_node": the graph has no such node. It has look, delete.',
        ),
    ],
)
def test_what_does_not_exist_is_refused(unknown: Policies, sentence: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(sentence)):
        refuse_unknown(unknown, NODES)
