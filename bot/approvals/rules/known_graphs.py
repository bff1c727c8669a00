"""Whether the policies name only graphs, nodes and servers that exist."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping

from bot.approvals.model.errors import SettingsError
from bot.approvals.rules.matching import Policies


def refuse_unknown(policies: Policies, nodes: Mapping[str, Collection[str]]) -> None:
    """Raises SettingsError if the policies name a graph or a node that does not exist. Otherwise a misspelt rule would
    match nothing, and leave its graph to a weaker policy without a word.

    `nodes` has the names of the nodes of each graph, none if the graph is unavailable. `cards` may also name a program
    that asks through the API, if a rule's `source` names it: nothing else says which programs there are. In the same
    way, a rule with a `server` says which graphs may run there.
    """
    here = [each for each in policies.rules if not each.servers]
    on_servers = {graph: () for each in policies.rules if each.servers for graph in each.graphs}
    nodes = {**on_servers, **nodes}
    for rule, pattern in ((each, graph) for each in here for graph in each.graphs):
        if not any(rule.covers(name, pattern) for name in nodes):
            raise SettingsError(
                f'POLICY_FILE, key "match.graph" of the rule {rule.policy.name}: no graph is "{pattern}". '
                f"{_hint(pattern, nodes)}"
            )
    for name in policies.graphs:
        if name not in nodes:
            raise SettingsError(f'POLICY_FILE, key "approvals.{name}": there is no such graph. {_hint(name, nodes)}')
    for name in policies.cards:
        if name not in (known := (*nodes, *policies.sources)):
            raise SettingsError(f'POLICY_FILE, key "cards.{name}": there is no such graph. {_hint(name, known)}')
    for name, each in policies.graphs.items():
        if each.reject is not None and nodes[name] and each.reject.as_node not in nodes[name]:
            raise SettingsError(
                f'POLICY_FILE, key "approvals.{name}.reject.as_node": the graph has no such node. '
                f"It has {', '.join(nodes[name])}."
            )


def refuse_unknown_servers(policies: Policies, names: Collection[str]) -> None:
    """Raises SettingsError if a rule's `server` means none of these servers."""
    for pattern, rule in policies.servers.items():
        if not any(rule.covers(name, pattern) for name in names):
            known = _hint(pattern, names) if names else "SERVERS_FILE names no server."
            raise SettingsError(
                f'POLICY_FILE, key "match.server" of the rule {rule.policy.name}: no server is "{pattern}". {known}'
            )


def _hint(name: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f'Did you mean "{near[0]}"?' if near else f"Known here: {', '.join(known)}."
