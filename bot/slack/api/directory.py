"""The Directory port: who somebody is, whom a policy's names mean, and where the bot may post.

Everything is cached for a minute at most, so that a click costs no calls. When a vote counts, accounts are read anew,
and who is in a group or channel is no older than seconds.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeAlias, TypeVar
from weakref import WeakValueDictionary

from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.approvals.model.ids import ChannelId, Person, TeamId, UserId
from bot.approvals.model.people import Member
from bot.approvals.ports.slack import LookupFailed, LookupRefused
from bot.approvals.rules.matching import is_channel, is_group, is_user
from bot.slack.api.calls import Done, Refused, call
from bot.slack.api.rate_limit import Monotonic

SECONDS: Final = 2.0
"""For one call: somebody has clicked and waits."""
KEPT: Final = 60.0
"""Seconds for which an answer is believed."""
KEPT_PERSON: Final = 15.0
"""Seconds for which an account is believed to be what it was."""
FRESH: Final = 3.0
"""Seconds for which an answer counts as fresh: Slack lets a group be looked up twenty times a minute."""
PAGE: Final = 200
"""Of channels or members, asked for at a time."""
_MOST_KEPT: Final = 10_000
_SLACKBOT: Final = "USLACKBOT"

_FOR_GOOD: Final = {
    "missing_scope": "the bot's app lacks a scope",
    "not_allowed_token_type": "a bot's token may not ask that here",
    "plan_upgrade_required": "this workspace's plan has no such thing",
    "paid_teams_only": "this workspace's plan has no such thing",
    "feature_not_enabled": "this workspace does not have that switched on",
    "no_permission": "the workspace does not permit it",
    "permission_denied": "the workspace does not permit it",
    "access_denied": "the workspace does not permit it",
    "restricted_action": "the workspace does not permit it",
    "team_access_not_granted": "the bot has no access to this workspace",
    "enterprise_is_restricted": "the bot has no access to this workspace",
}
"""Refusals that stay the same until somebody changes the app or the workspace, in words."""
_NO_USER = frozenset({"user_not_found", "users_not_found", "user_not_visible"})
_NO_CHANNEL = frozenset({"channel_not_found"})
_NO_GROUP = frozenset({"no_such_subteam", "subteam_not_found"})

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
        self._own: tuple[TeamId, UserId] | None = None
        self._members: _Cache[UserId, Mapping[str, Any] | None] = _Cache(monotonic, KEPT_PERSON)
        self._emails: _Cache[str, UserId | None] = _Cache(monotonic, KEPT)
        self._groups: _Cache[str, Mapping[str, str]] = _Cache(monotonic, KEPT)
        self._channels: _Cache[str, Mapping[str, ChannelId]] = _Cache(monotonic, KEPT)
        self._users: _Cache[str, frozenset[UserId]] = _Cache(monotonic, KEPT)
        self._memberships: _Cache[str, Mapping[UserId, frozenset[str]]] = _Cache(monotonic, KEPT)

    async def team_id(self) -> TeamId:
        """The workspace that the bot is installed in; asked once. `LookupFailed` where Slack does not say."""
        return (await self._self())[0]

    async def member(self, person: Person, *, fresh: bool = False) -> Member:
        """The account; `LookupFailed` if Slack does not say. `fresh` asks Slack, whatever is remembered."""
        team = await self.team_id()
        user = await self._account(person.user_id, fresh=fresh)
        if user is None or person.team_id not in (team, user.get("team_id")):
            unknown = "it is not known in this workspace" if person.team_id == team else _ELSEWHERE
            return Member(person=person, name="", ineligible=unknown)
        ineligible = _ineligible(user, team)
        return Member(
            person=person,
            name=_name(user),
            ineligible=ineligible,
            nameable=ineligible in _NAMEABLE,
            zone=str(user.get("tz") or ""),
        )

    async def identify(self, ref: str) -> str | None:
        """The id of whom a name of a policy means now: of a person, a user group or a channel. An id is its own. None
        if it means nothing; `LookupFailed` if Slack does not say."""
        if ref.startswith("@"):
            return await self._group(ref, fresh=True)
        if ref.startswith("#"):
            return await self.channel(ref, fresh=True)
        if "@" in ref:
            return await self._emails.get(ref, lambda: self._by_email(ref), fresh=FRESH)
        return ref if is_user(ref) or is_group(ref) or is_channel(ref) else None

    async def resolve(self, refs: Sequence[str], *, fresh: bool = False) -> frozenset[Person]:
        """Everyone whom these names of a policy mean. A name that means nobody adds nobody; `LookupFailed`
        where Slack does not say. `fresh` reads past the cache."""
        if not refs:
            return frozenset()
        found = await asyncio.gather(*(self._resolve(ref, fresh) for ref in dict.fromkeys(refs)))
        return frozenset[Person]().union(*found)

    async def channel(self, ref: str, *, fresh: bool = False) -> ChannelId | None:
        """The channel of this name (`#ops`) or id that the bot can see; None where there is none; `LookupFailed`
        where Slack does not say."""
        if not ref.startswith("#"):
            return ChannelId(ref)
        channels = await self._channels.get("", self._list_channels, fresh=FRESH if fresh else None)
        return channels.get(ref.removeprefix("#").lower())

    async def names_of(self, person: Person) -> frozenset[str]:
        """The names by which a policy may mean this account alone: its id and its address. `LookupFailed` if Slack does
        not say."""
        user = await self._account(person.user_id) or {}
        email = str(user.get("profile", {}).get("email") or "")
        return frozenset({person.user_id, email} if email else {person.user_id})

    async def groups_of(self, person: Person) -> frozenset[str]:
        """The user groups that this account is in, if it may answer as one of many. `LookupFailed` if Slack does not
        say."""
        if (await self.member(person)).ineligible:
            return frozenset()
        groups = await self._memberships.get("", self._list_memberships)
        return groups.get(person.user_id, frozenset())

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

    async def _self(self) -> tuple[TeamId, UserId]:
        """The bot's workspace and its own id."""
        if self._own is None:
            body = await self._ask(self._client.auth_test())
            self._own = TeamId(str(body["team_id"])), UserId(str(body.get("user_id") or ""))
        return self._own

    async def _resolve(self, ref: str, fresh: bool) -> frozenset[Person]:
        age = FRESH if fresh else None
        if is_group(ref):
            group = await self._group(ref, fresh=fresh)
            if group is None:
                return frozenset()
            return await self._ours(await self._users.get(group, lambda: self._group_users(group), fresh=age))
        if is_channel(ref):
            channel = await self.channel(ref)
            if channel is None:
                return frozenset()
            return await self._ours(await self._users.get(channel, lambda: self._channel_users(channel), fresh=age))
        if "@" in ref:
            user_id = await self._emails.get(ref, lambda: self._by_email(ref), fresh=age)
            return await self._named(user_id) if user_id is not None else frozenset()
        return await self._named(UserId(ref)) if is_user(ref) else frozenset()

    async def _group(self, ref: str, *, fresh: bool) -> str | None:
        """The id of an enabled group, of this handle or id."""
        groups = await self._groups.get("", self._list_groups, fresh=FRESH if fresh else None)
        return groups.get(ref.lower() if ref.startswith("@") else ref)

    async def _ours(self, users: frozenset[UserId]) -> frozenset[Person]:
        """People of this workspace; whoever in a shared channel is of another one is not among them by their id."""
        team = await self.team_id()
        return frozenset(Person(team_id=team, user_id=user_id) for user_id in users)

    async def _named(self, user_id: UserId) -> frozenset[Person]:
        """The person of this id, under the workspace that their account is of; nobody where there is none."""
        user, team = await self._account(user_id), await self.team_id()
        if user is None:
            return frozenset()
        elsewhere = _ineligible(user, team) == _ELSEWHERE and user.get("team_id")
        return frozenset({Person(team_id=TeamId(str(user["team_id"])) if elsewhere else team, user_id=user_id)})

    async def _account(self, user_id: UserId, *, fresh: bool = False) -> Mapping[str, Any] | None:
        return await self._members.get(user_id, lambda: self._user(user_id), fresh=0.0 if fresh else None)

    async def _user(self, user_id: UserId) -> Mapping[str, Any] | None:
        body = await self._ask(self._client.users_info(user=user_id), absent=_NO_USER)
        return body.get("user")

    async def _by_email(self, email: str) -> UserId | None:
        body = await self._ask(self._client.users_lookupByEmail(email=email), absent=_NO_USER)
        return UserId(body["user"]["id"]) if body else None

    async def _list_groups(self) -> Mapping[str, str]:
        """The enabled groups' ids, by `@handle` and by id."""
        body = await self._ask(self._client.usergroups_list())
        enabled = [group for group in body.get("usergroups", []) if not group.get("date_delete")]
        return {
            **{str(group["id"]): str(group["id"]) for group in enabled},
            **{f"@{group['handle']}".lower(): str(group["id"]) for group in enabled},
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

    async def _list_channels(self) -> Mapping[str, ChannelId]:
        """The channels that the bot can see, by name."""
        found: dict[str, ChannelId] = {}
        cursor = ""
        while True:
            request = self._client.conversations_list(
                types="public_channel,private_channel", exclude_archived=True, limit=PAGE, cursor=cursor
            )
            body = await self._ask(request)
            found |= {str(each["name"]).lower(): ChannelId(each["id"]) for each in body.get("channels", [])}
            cursor = str(body.get("response_metadata", {}).get("next_cursor") or "")
            if not cursor:
                return found

    async def _group_users(self, group: str) -> frozenset[UserId]:
        body = await self._ask(self._client.usergroups_users_list(usergroup=group), absent=_NO_GROUP)
        return frozenset(UserId(user_id) for user_id in body.get("users", []))

    async def _channel_users(self, channel: ChannelId) -> frozenset[UserId]:
        """The members of a channel, but for this bot; nobody where the bot cannot see it."""
        found: set[UserId] = set()
        cursor = ""
        while True:
            request = self._client.conversations_members(channel=channel, limit=PAGE, cursor=cursor)
            body = await self._ask(request, absent=_NO_CHANNEL)
            found |= {UserId(user_id) for user_id in body.get("members", [])}
            cursor = str(body.get("response_metadata", {}).get("next_cursor") or "")
            if not cursor:
                return frozenset(found) - {await self._own_id()}

    async def _own_id(self) -> UserId:
        return (await self._self())[1]

    async def _ask(
        self, request: Awaitable[AsyncSlackResponse], absent: frozenset[str] = frozenset()
    ) -> Mapping[str, Any]:
        """Slack's answer; nothing where it knows no such thing; `LookupRefused` or `LookupFailed` for all else."""
        result = await call(request, SECONDS)
        match result:
            case Done(body=body):
                return body
            case Refused(error=error) if error in absent:
                return {}
            case Refused(error=error, needed=needed) if error in _FOR_GOOD:
                scope = f" ({needed})" if needed else ""
                raise LookupRefused(f"cannot be looked up: {_FOR_GOOD[error]}{scope}")
        raise LookupFailed(f"{result}")


class _Cache(Generic[K, V]):
    """Answers, for as long as they are believed. A failed look-up leaves none. Who asks for the same at one time waits
    for one answer."""

    def __init__(self, monotonic: Monotonic, kept: float) -> None:
        self._monotonic = monotonic
        self._kept = kept
        self._held: dict[K, tuple[float, V]] = {}
        self._turns: WeakValueDictionary[K, asyncio.Lock] = WeakValueDictionary()

    async def get(self, key: K, ask: Callable[[], Awaitable[V]], *, fresh: float | None = None) -> V:
        """The answer; one of `fresh` seconds at most, where that is said."""
        wanted_at, age = self._monotonic(), self._kept if fresh is None else fresh
        if (held := self._held.get(key)) is not None and self._believed(held[0], wanted_at, age):
            return held[1]
        turn = self._turns.setdefault(key, asyncio.Lock())
        async with turn:
            if (held := self._held.get(key)) is not None and self._believed(held[0], wanted_at, age):
                return held[1]
            asked_at = self._monotonic()
            answer = await ask()
            if len(self._held) >= _MOST_KEPT:
                self._held.clear()
            self._held[key] = (asked_at, answer)
            return answer

    def _believed(self, asked_at: float, wanted_at: float, age: float) -> bool:
        """Whether an answer is young enough; one that was asked for after it was wanted always is."""
        return wanted_at - asked_at < age or asked_at > wanted_at


_ELSEWHERE: Final = "it belongs to another workspace"
_GUEST: Final = "it is a guest's"
_GUEST_OF_ONE: Final = "it is a guest's, in one channel only"
_NAMEABLE: Final = frozenset({_ELSEWHERE, _GUEST, _GUEST_OF_ONE})
"""Accounts that may answer where a policy names them themselves."""


def _ineligible(user: Mapping[str, Any], team: TeamId) -> str:
    """Why an account may answer nothing, in words; empty where it may."""
    teams = {user.get("team_id"), *user.get("enterprise_user", {}).get("teams", [])}
    reasons = {
        "it is deactivated": user.get("deleted"),
        "it is a bot": user.get("is_bot") or user.get("is_workflow_bot") or user.get("id") == _SLACKBOT,
        _ELSEWHERE: user.get("is_stranger") or team not in teams,
        _GUEST_OF_ONE: user.get("is_ultra_restricted"),
        _GUEST: user.get("is_restricted"),
    }
    return next((words for words, holds in reasons.items() if holds), "")


def _name(user: Mapping[str, Any]) -> str:
    profile = user.get("profile", {})
    names = (profile.get("display_name"), profile.get("real_name"), user.get("real_name"), user.get("name"))
    return next((str(name) for name in names if name), "")
