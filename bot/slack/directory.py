"""The Directory port: who somebody is, whom a policy's names mean, and where the bot may post.

Everything is cached for a minute, so that a click costs no calls and a person who left is refused within one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeAlias, TypeVar

from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.approvals.ids import ChannelId, Person, TeamId, UserId
from bot.approvals.ports import LookupFailed, Member
from bot.slack.calls import Done, Refused, call
from bot.slack.pace import Monotonic

SECONDS: Final = 2.0
"""For one call: somebody has clicked and waits."""
KEPT: Final = 60.0
"""Seconds for which an answer is believed."""
KEPT_PERSON: Final = 15.0
"""Seconds for which an account is believed to be what it was."""
FRESH: Final = 3.0
"""Seconds for which an answer counts as fresh: Slack lets a group be looked up twenty times a minute."""
_MOST_KEPT: Final = 10_000
_SLACKBOT: Final = "USLACKBOT"

_NO_USER = frozenset({"user_not_found", "users_not_found", "user_not_visible"})
_NO_CHANNEL = frozenset({"channel_not_found"})

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """A channel that the bot is in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotJoined:
    """A channel that the bot is not in, or that it cannot see."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectMessage:
    """A conversation between two; no place for others to see what is asked."""


PlaceCheck: TypeAlias = Joined | NotJoined | DirectMessage


class SlackDirectory:
    """Slack's people and groups."""

    def __init__(self, client: AsyncWebClient, monotonic: Monotonic = time.monotonic) -> None:
        self._client = client
        self._team: TeamId | None = None
        self._members: _Cache[UserId, Mapping[str, Any] | None] = _Cache(monotonic, KEPT_PERSON)
        self._emails: _Cache[str, UserId | None] = _Cache(monotonic, KEPT)
        self._groups: _Cache[str, Mapping[str, str]] = _Cache(monotonic, KEPT)
        self._users: _Cache[str, frozenset[UserId]] = _Cache(monotonic, KEPT)
        self._memberships: _Cache[str, Mapping[UserId, frozenset[str]]] = _Cache(monotonic, KEPT)

    async def team_id(self) -> TeamId:
        """The workspace that the bot is installed in; asked once. `LookupFailed` where Slack does not say."""
        if self._team is None:
            self._team = TeamId(str((await self._ask(self._client.auth_test()))["team_id"]))
        return self._team

    async def member(self, person: Person) -> Member:
        """The account; `LookupFailed` where Slack does not say."""
        team = await self.team_id()
        if person.team_id != team:
            return Member(person=person, name="", ineligible=_ELSEWHERE)
        user = await self._members.get(person.user_id, lambda: self._user(person.user_id))
        if user is None:
            return Member(person=person, name="", ineligible="it is not known in this workspace")
        return Member(person=person, name=_name(user), ineligible=_ineligible(user, team))

    async def resolve(self, refs: Sequence[str], *, fresh: bool = False) -> frozenset[Person]:
        """Everyone whom these names of a policy mean. A name that means nobody adds nobody; `LookupFailed`
        where Slack does not say. `fresh` reads past the cache."""
        if not refs:
            return frozenset()
        team = await self.team_id()
        if fresh and any(_is_group(ref) for ref in refs):
            await self._groups.get("", self._list_groups, fresh=True)
        found = await asyncio.gather(*(self._resolve(ref, fresh) for ref in dict.fromkeys(refs)))
        return frozenset(Person(team_id=team, user_id=user_id) for users in found for user_id in users)

    async def names_of(self, person: Person) -> frozenset[str]:
        """Every name by which a policy may mean this account: its id, its address, the groups it is in; none where
        it may answer nothing. `LookupFailed` where Slack does not say."""
        if (await self.member(person)).ineligible:
            return frozenset()
        user = await self._members.get(person.user_id, lambda: self._user(person.user_id)) or {}
        email = str(user.get("profile", {}).get("email") or "")
        groups = await self._memberships.get("", self._list_memberships)
        return frozenset({person.user_id, *([email] if email else []), *groups.get(person.user_id, ())})

    async def zone(self, person: Person) -> str:
        """The time zone that the account is set to, such as `Europe/Berlin`; `LookupFailed` where Slack does not
        say."""
        user = await self._members.get(person.user_id, lambda: self._user(person.user_id)) or {}
        return str(user.get("tz") or "")

    async def may_post(self, channel: ChannelId) -> PlaceCheck:
        """Whether the bot can post there; `LookupFailed` where Slack does not say."""
        if channel.startswith("D"):  # conversations.info of these would need im:read
            return DirectMessage()
        result = await call(self._client.conversations_info(channel=channel), SECONDS)
        if isinstance(result, Refused) and (result.error in _NO_CHANNEL or result.needed.startswith("mpim:")):
            return (
                NotJoined()
            )  # a group conversation is looked up with a scope of its own, which the bot has no use for
        if not isinstance(result, Done):
            raise LookupFailed(f"{result}")
        return Joined() if result.body["channel"].get("is_member") else NotJoined()

    # --- Within ---------------------------------------------------------------------------------

    async def _resolve(self, ref: str, fresh: bool) -> frozenset[UserId]:
        if _is_group(ref):
            groups = await self._groups.get("", self._list_groups)
            group = groups.get(ref.removeprefix("@").lower()) or groups.get(ref)
            if group is None:
                return frozenset()
            return await self._users.get(group, lambda: self._group_users(group), fresh=fresh)
        if "@" in ref:
            user_id = await self._emails.get(ref, lambda: self._by_email(ref), fresh=fresh)
            return frozenset() if user_id is None else frozenset({user_id})
        return frozenset({UserId(ref)})

    async def _user(self, user_id: UserId) -> Mapping[str, Any] | None:
        body = await self._ask(self._client.users_info(user=user_id), absent=_NO_USER)
        return body.get("user")

    async def _by_email(self, email: str) -> UserId | None:
        body = await self._ask(self._client.users_lookupByEmail(email=email), absent=_NO_USER)
        return UserId(body["user"]["id"]) if body else None

    async def _list_groups(self) -> Mapping[str, str]:
        """The enabled groups' ids, by handle and by id."""
        body = await self._ask(self._client.usergroups_list())
        enabled = [group for group in body.get("usergroups", []) if not group.get("date_delete")]
        return {
            **{str(group["id"]): str(group["id"]) for group in enabled},
            **{str(group["handle"]).lower(): str(group["id"]) for group in enabled},
        }

    async def _list_memberships(self) -> Mapping[UserId, frozenset[str]]:
        """The names of the enabled groups that somebody is in, `@handle` and `S...`, by user; in a single call."""
        body = await self._ask(self._client.usergroups_list(include_users=True))
        found: dict[UserId, frozenset[str]] = {}
        for group in body.get("usergroups", []):
            names = frozenset() if group.get("date_delete") else frozenset({str(group["id"]), f"@{group['handle']}"})
            for user_id in map(UserId, group.get("users", [])):
                found[user_id] = found.get(user_id, frozenset()) | names
        return found

    async def _group_users(self, group: str) -> frozenset[UserId]:
        body = await self._ask(self._client.usergroups_users_list(usergroup=group))
        return frozenset(UserId(user_id) for user_id in body.get("users", []))

    async def _ask(
        self, request: Awaitable[AsyncSlackResponse], absent: frozenset[str] = frozenset()
    ) -> Mapping[str, Any]:
        """Slack's answer; nothing where it knows no such thing; `LookupFailed` for all else."""
        result = await call(request, SECONDS)
        if isinstance(result, Done):
            return result.body
        if isinstance(result, Refused) and result.error in absent:
            return {}
        raise LookupFailed(f"{result}")


class _Cache(Generic[K, V]):
    """Answers, for as long as they are believed. A failed look-up leaves none."""

    def __init__(self, monotonic: Monotonic, kept: float) -> None:
        self._monotonic = monotonic
        self._kept = kept
        self._held: dict[K, tuple[float, V]] = {}

    async def get(self, key: K, ask: Callable[[], Awaitable[V]], *, fresh: bool = False) -> V:
        held = self._held.get(key)
        if held is not None and self._monotonic() - held[0] < (FRESH if fresh else self._kept):
            return held[1]
        asked_at = self._monotonic()
        answer = await ask()
        if len(self._held) >= _MOST_KEPT:
            self._held.clear()
        self._held[key] = (asked_at, answer)
        return answer


_ELSEWHERE: Final = "it belongs to another workspace"


def _ineligible(user: Mapping[str, Any], team: TeamId) -> str:
    """Why an account may answer nothing, in words; empty where it may."""
    teams = {user.get("team_id"), *user.get("enterprise_user", {}).get("teams", [])}
    reasons = {
        "it is deactivated": user.get("deleted"),
        "it is a bot": user.get("is_bot") or user.get("is_workflow_bot") or user.get("id") == _SLACKBOT,
        _ELSEWHERE: user.get("is_stranger") or team not in teams,
        "it is a guest's, in one channel only": user.get("is_ultra_restricted"),
        "it is a guest's": user.get("is_restricted"),
    }
    return next((words for words, holds in reasons.items() if holds), "")


def _name(user: Mapping[str, Any]) -> str:
    profile = user.get("profile", {})
    names = (profile.get("display_name"), profile.get("real_name"), user.get("real_name"), user.get("name"))
    return next((str(name) for name in names if name), "")


def _is_group(ref: str) -> bool:
    """`@handle`, or `S...`."""
    return ref.startswith("@") or (ref.startswith("S") and ref.isalnum() and ref.isupper())
