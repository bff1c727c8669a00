"""The Directory port: who somebody is, which people a policy's names mean, and where the bot may post.

Answers are cached for a minute at most, so that a click costs no calls. To count a vote, accounts are read again, and
the members of groups and channels are at most a few seconds old.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeAlias

from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.approvals.model.ids import ChannelId, Person, TeamId, UserId
from bot.approvals.model.people import Member
from bot.approvals.ports.slack import LookupFailed, LookupRefused
from bot.approvals.rules.matching import is_channel, is_group, is_user
from bot.slack.api.cache import Cache
from bot.slack.api.calls import Done, Refused, Result
from bot.slack.api.lookups import Lookups
from bot.slack.api.rate_limit import Monotonic, Pace

MAX_AGE_SECONDS: Final = 60.0
"""How long an answer is used from the cache."""
MAX_PERSON_AGE_SECONDS: Final = 15.0
"""How long an account is used from the cache."""
MAX_FRESH_AGE_SECONDS: Final = 3.0
"""How long an answer counts as fresh. Slack allows twenty look-ups of groups per minute."""
PAGE_SIZE: Final = 200
"""Channels or members per call."""
MAX_PLACE_AGE_SECONDS: Final = 600.0
"""How long a channel that the bot is in is used from the cache. Events tell of changes, unless they get lost."""
MAX_ABSENCE_SECONDS: Final = 2.0
"""How long a channel that the bot is not in is used from the cache: people invite the bot and try again at once."""
_SLACKBOT: Final = "USLACKBOT"

_FOR_GOOD: Final = {
    "missing_scope": "the bot's app lacks a scope",
    "not_allowed_token_type": "a bot's token may not ask that here",
    "plan_upgrade_required": "this workspace's plan does not include that",
    "paid_teams_only": "this workspace's plan does not include that",
    "feature_not_enabled": "this workspace has not turned that on",
    "no_permission": "the workspace does not permit it",
    "permission_denied": "the workspace does not permit it",
    "access_denied": "the workspace does not permit it",
    "restricted_action": "the workspace does not permit it",
    "team_access_not_granted": "the bot has no access to this workspace",
    "enterprise_is_restricted": "the bot has no access to this workspace",
}
"""Why Slack refuses a look-up until somebody changes the app or the workspace, by Slack's error code."""
_NO_USER = frozenset({"user_not_found", "users_not_found", "user_not_visible"})
_NO_CHANNEL = frozenset({"channel_not_found"})
_NO_GROUP = frozenset({"no_such_subteam", "subteam_not_found"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """A channel that the bot is in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotJoined:
    """A channel that the bot is not in, or that it cannot see."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectMessage:
    """A direct message, in which others would not see what is asked."""


PlaceCheck: TypeAlias = Joined | NotJoined | DirectMessage


class SlackDirectory:
    """Slack's people and groups."""

    def __init__(self, client: AsyncWebClient, monotonic: Monotonic = time.monotonic, pace: Pace | None = None) -> None:
        self._client = client
        self._lookups = Lookups(pace or Pace())
        self._own: tuple[TeamId, UserId] | None = None
        self._members: Cache[UserId, Mapping[str, Any] | None] = Cache(monotonic, MAX_PERSON_AGE_SECONDS)
        self._emails: Cache[str, UserId | None] = Cache(monotonic, MAX_AGE_SECONDS)
        self._groups: Cache[str, Mapping[str, str]] = Cache(monotonic, MAX_AGE_SECONDS)
        self._channels: Cache[str, Mapping[str, ChannelId]] = Cache(monotonic, MAX_AGE_SECONDS)
        self._users: Cache[str, frozenset[UserId]] = Cache(monotonic, MAX_AGE_SECONDS)
        self._memberships: Cache[str, Mapping[UserId, frozenset[str]]] = Cache(monotonic, MAX_AGE_SECONDS)
        self._places: Cache[ChannelId, PlaceCheck] = Cache(
            monotonic, MAX_PLACE_AGE_SECONDS, brief=MAX_ABSENCE_SECONDS, lasting=lambda place: place == Joined()
        )

    async def team_id(self) -> TeamId:
        """The workspace that the bot is installed in. Slack is asked once. Raises LookupFailed if it does not say."""
        return (await self._self())[0]

    async def member(self, person: Person, *, fresh: bool = False) -> Member:
        """The account. `fresh` asks Slack even if the cache has it. Raises LookupFailed if Slack does not say."""
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
        """The id of the person, user group or channel that a policy's name means now. An id stays as it is. Returns
        None if it means nothing. Raises LookupFailed if Slack does not say."""
        if ref.startswith("@"):
            return await self._group(ref, fresh=True)
        if ref.startswith("#"):
            return await self.channel(ref, fresh=True)
        if "@" in ref:
            return await self._emails.get(ref, lambda: self._by_email(ref), fresh=MAX_FRESH_AGE_SECONDS)
        return ref if is_user(ref) or is_group(ref) or is_channel(ref) else None

    async def resolve(self, refs: Sequence[str], *, fresh: bool = False) -> frozenset[Person]:
        """The people that these names of a policy mean. A name that means nobody adds nobody. `fresh` reads past the
        cache. Raises LookupFailed if Slack does not say."""
        if not refs:
            return frozenset()
        found = await asyncio.gather(*(self._resolve(ref, fresh) for ref in dict.fromkeys(refs)))
        return frozenset[Person]().union(*found)

    async def channel(self, ref: str, *, fresh: bool = False) -> ChannelId | None:
        """The channel with this name (`#ops`) or id. Returns None if the bot can see no such channel. Raises
        LookupFailed if Slack does not say."""
        if not ref.startswith("#"):
            return ChannelId(ref)
        channels = await self._channels.get("", self._list_channels, fresh=MAX_FRESH_AGE_SECONDS if fresh else None)
        return channels.get(ref.removeprefix("#").lower())

    async def names_of(self, person: Person) -> frozenset[str]:
        """The names by which a policy can mean exactly this account: its id and its email address. Raises LookupFailed
        if Slack does not say."""
        user = await self._account(person.user_id) or {}
        email = str(user.get("profile", {}).get("email") or "")
        return frozenset({person.user_id, email} if email else {person.user_id})

    async def groups_of(self, person: Person) -> frozenset[str]:
        """The user groups that this account is in. Empty if it may not answer as a member of a group. Raises
        LookupFailed if Slack does not say."""
        if (await self.member(person)).ineligible:
            return frozenset()
        groups = await self._memberships.get("", self._list_memberships)
        return groups.get(person.user_id, frozenset())

    async def may_post(self, channel: ChannelId) -> PlaceCheck:
        """Whether the bot can post there. Raises LookupFailed if Slack does not say."""
        if channel.startswith("D"):  # conversations.info of these would need im:read
            return DirectMessage()
        return await self._places.get(channel, lambda: self._place(channel))

    async def is_in(self, channel: ChannelId) -> bool:
        """Whether the bot is a member of this channel. Raises LookupFailed if Slack does not say."""
        return isinstance(await self.may_post(channel), Joined)

    def forget_channel(self, channel: ChannelId) -> None:
        """Ask Slack again about this channel: who is in it has changed, or it was archived."""
        self._places.forget(channel)
        self._users.forget(channel)

    # --- Within ---------------------------------------------------------------------------------

    async def _self(self) -> tuple[TeamId, UserId]:
        """The bot's workspace and its own id."""
        if self._own is None:
            body = self._body(await self._lookups.ask("auth.test", self._client.auth_test))
            self._own = TeamId(str(body["team_id"])), UserId(str(body.get("user_id") or ""))
        return self._own

    async def _resolve(self, ref: str, fresh: bool) -> frozenset[Person]:
        age = MAX_FRESH_AGE_SECONDS if fresh else None
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
        """The id of the enabled group with this handle or id."""
        groups = await self._groups.get("", self._list_groups, fresh=MAX_FRESH_AGE_SECONDS if fresh else None)
        return groups.get(ref.lower() if ref.startswith("@") else ref)

    async def _ours(self, users: frozenset[UserId]) -> frozenset[Person]:
        """These users who belong to this workspace. A shared channel has members of other workspaces too."""
        team = await self.team_id()
        return frozenset(Person(team_id=team, user_id=user_id) for user_id in users)

    async def _named(self, user_id: UserId) -> frozenset[Person]:
        """The person with this id, in the workspace of their account. Empty if there is no such account."""
        user, team = await self._account(user_id), await self.team_id()
        if user is None:
            return frozenset()
        elsewhere = _ineligible(user, team) == _ELSEWHERE and user.get("team_id")
        return frozenset({Person(team_id=TeamId(str(user["team_id"])) if elsewhere else team, user_id=user_id)})

    async def _account(self, user_id: UserId, *, fresh: bool = False) -> Mapping[str, Any] | None:
        return await self._members.get(user_id, lambda: self._user(user_id), fresh=0.0 if fresh else None)

    async def _user(self, user_id: UserId) -> Mapping[str, Any] | None:
        body = await self._ask("users.info", lambda: self._client.users_info(user=user_id), absent=_NO_USER)
        return body.get("user")

    async def _by_email(self, email: str) -> UserId | None:
        body = await self._ask(
            "users.lookupByEmail", lambda: self._client.users_lookupByEmail(email=email), absent=_NO_USER
        )
        return UserId(body["user"]["id"]) if body else None

    async def _list_groups(self) -> Mapping[str, str]:
        """The enabled groups' ids, by `@handle` and by id."""
        body = await self._ask("usergroups.list", self._client.usergroups_list)
        enabled = [group for group in body.get("usergroups", []) if not group.get("date_delete")]
        return {
            **{str(group["id"]): str(group["id"]) for group in enabled},
            **{f"@{group['handle']}".lower(): str(group["id"]) for group in enabled},
        }

    async def _list_memberships(self) -> Mapping[UserId, frozenset[str]]:
        """For each user, the names (`@handle` and `S...`) of the enabled groups that they are in. Takes one call."""
        body = await self._ask("usergroups.list", lambda: self._client.usergroups_list(include_users=True))
        found: dict[UserId, frozenset[str]] = {}
        for group in body.get("usergroups", []):
            names = frozenset() if group.get("date_delete") else frozenset({str(group["id"]), f"@{group['handle']}"})
            for user_id in map(UserId, group.get("users", [])):
                found[user_id] = found.get(user_id, frozenset()) | names
        return found

    async def _list_channels(self) -> Mapping[str, ChannelId]:
        """The channels that the bot can see, by name."""

        def page(cursor: str) -> Awaitable[AsyncSlackResponse]:
            return self._client.conversations_list(
                types="public_channel,private_channel", exclude_archived=True, limit=PAGE_SIZE, cursor=cursor
            )

        found: dict[str, ChannelId] = {}
        cursor = ""
        while True:
            body = await self._ask("conversations.list", partial(page, cursor))
            found |= {str(each["name"]).lower(): ChannelId(each["id"]) for each in body.get("channels", [])}
            cursor = str(body.get("response_metadata", {}).get("next_cursor") or "")
            if not cursor:
                return found

    async def _group_users(self, group: str) -> frozenset[UserId]:
        body = await self._ask(
            "usergroups.users.list", lambda: self._client.usergroups_users_list(usergroup=group), absent=_NO_GROUP
        )
        return frozenset(UserId(user_id) for user_id in body.get("users", []))

    async def _channel_users(self, channel: ChannelId) -> frozenset[UserId]:
        """The members of a channel except this bot. Empty if the bot cannot see the channel."""

        def page(cursor: str) -> Awaitable[AsyncSlackResponse]:
            return self._client.conversations_members(channel=channel, limit=PAGE_SIZE, cursor=cursor)

        found: set[UserId] = set()
        cursor = ""
        while True:
            body = await self._ask("conversations.members", partial(page, cursor), absent=_NO_CHANNEL)
            found |= {UserId(user_id) for user_id in body.get("members", [])}
            cursor = str(body.get("response_metadata", {}).get("next_cursor") or "")
            if not cursor:
                return frozenset(found) - {await self._own_id()}

    async def _own_id(self) -> UserId:
        return (await self._self())[1]

    async def _place(self, channel: ChannelId) -> PlaceCheck:
        result = await self._lookups.ask("conversations.info", lambda: self._client.conversations_info(channel=channel))
        if isinstance(result, Refused) and (result.error in _NO_CHANNEL or result.needed.startswith("mpim:")):
            # looking up a group conversation takes another scope, which the bot does not need otherwise
            return NotJoined()
        if not isinstance(result, Done):
            raise LookupFailed(f"{result}")
        return Joined() if result.body["channel"].get("is_member") else NotJoined()

    async def _ask(
        self,
        method: str,
        request: Callable[[], Awaitable[AsyncSlackResponse]],
        absent: frozenset[str] = frozenset(),
    ) -> Mapping[str, Any]:
        """Slack's answer, once it is this call's turn. Empty if there is no such thing. Raises LookupRefused if Slack
        will go on refusing, LookupFailed for every other failure."""
        return self._body(await self._lookups.ask(method, request), absent)

    @staticmethod
    def _body(result: Result, absent: frozenset[str] = frozenset()) -> Mapping[str, Any]:
        match result:
            case Done(body=body):
                return body
            case Refused(error=error) if error in absent:
                return {}
            case Refused(error=error, needed=needed) if error in _FOR_GOOD:
                scope = f" ({needed})" if needed else ""
                raise LookupRefused(f"cannot be looked up: {_FOR_GOOD[error]}{scope}")
        raise LookupFailed(f"{result}")


_ELSEWHERE: Final = "it belongs to another workspace"
_GUEST: Final = "it is a guest's"
_GUEST_OF_ONE: Final = "it is a guest's, in one channel only"
_NAMEABLE: Final = frozenset({_ELSEWHERE, _GUEST, _GUEST_OF_ONE})
"""Such accounts may answer only if a policy names the account itself."""


def _ineligible(user: Mapping[str, Any], team: TeamId) -> str:
    """Why an account may not answer. Empty if it may."""
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
