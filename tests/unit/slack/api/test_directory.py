"""The directory against a strict Slack: who may answer, and whom a policy's names mean."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.approvals.model.ids import ChannelId, Person, TeamId, UserId
from bot.approvals.ports.slack import Directory, LookupFailed, LookupRefused
from bot.slack.api.directory import MAX_FRESH_AGE_SECONDS, DirectMessage, Joined, NotJoined, SlackDirectory
from tests.unit.slack.conftest import Slack
from tests.unit.slack.samples import ALICE, BOB, CAROL

DAVE = Person(team_id=TeamId("T0ACME"), user_id=UserId("U0DAVE"))


class Time:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def directory(client: AsyncWebClient, time: Time) -> SlackDirectory:
    return SlackDirectory(client, time)


def someone(user_id: str, team_id: str = "T0ACME") -> Person:
    return Person(team_id=TeamId(team_id), user_id=UserId(user_id))


async def test_a_colleague_may_answer(directory: SlackDirectory) -> None:
    port: Directory = directory

    member = await port.member(ALICE)

    assert member.ineligible == ""
    assert member.name


@pytest.mark.parametrize(
    ("user_id", "why"),
    [
        ("U0GRACE", "it is deactivated"),
        ("U0ERIN", "it is a guest's"),
        ("U0FRANK", "it belongs to another workspace"),
        ("U0NOBODY", "it is not known in this workspace"),
    ],
)
async def test_who_may_not_answer_is_told_why(directory: SlackDirectory, user_id: str, why: str) -> None:
    assert (await directory.member(someone(user_id))).ineligible == why


async def test_a_guest_of_one_channel_is_told_so(directory: SlackDirectory, client: AsyncWebClient) -> None:
    from bot.slack.api.directory import _ineligible

    user = {"id": "U1", "team_id": "T1", "is_restricted": True, "is_ultra_restricted": True}

    assert _ineligible(user, TeamId("T1")) == "it is a guest's, in one channel only"
    assert _ineligible({"id": "USLACKBOT", "team_id": "T1"}, TeamId("T1")) == "it is a bot"
    assert _ineligible({"id": "W1", "team_id": "T9", "enterprise_user": {"teams": ["T1"]}}, TeamId("T1")) == ""


async def test_the_same_id_in_another_workspace_is_somebody_else(directory: SlackDirectory) -> None:
    assert (await directory.member(someone("U0ALICE", "T0OTHER"))).ineligible == "it belongs to another workspace"


async def test_an_account_is_believed_for_a_minute(directory: SlackDirectory, slack: Slack, time: Time) -> None:
    await directory.member(ALICE)
    time.now = 59
    await directory.member(ALICE)
    time.now = 61
    await directory.member(ALICE)

    assert len(await slack.calls("users.info")) == 2


@pytest.mark.parametrize("kind", ["status", "error", "lose_response"])
async def test_a_failed_look_up_is_no_answer(directory: SlackDirectory, slack: Slack, kind: str) -> None:
    await slack.fault("users.info", kind, times=2)  # a lost answer to a GET is asked for again by aiohttp, once

    with pytest.raises(LookupFailed):
        await directory.member(ALICE)
    await slack.simulator.clear_faults()
    assert (await directory.member(ALICE)).ineligible == ""


async def test_names_of_a_policy_mean_people(directory: SlackDirectory) -> None:
    found = await directory.resolve(["U0ALICE", "@ops-leads", "S0FINANCE", "nobody@acme.example", "@no-such-group"])

    assert found == {ALICE, BOB, CAROL, DAVE}


async def test_no_names_are_nobody(directory: SlackDirectory, slack: Slack) -> None:
    assert await directory.resolve([]) == frozenset()
    assert not await slack.calls("auth.test")


async def test_an_address_means_whose_it_is(directory: SlackDirectory, slack: Slack, client: AsyncWebClient) -> None:
    alice = await client.users_info(user="U0ALICE")
    email = alice["user"]["profile"].get("email")

    assert await directory.resolve([email]) == {ALICE}


async def test_a_group_is_believed_for_a_minute_unless_read_afresh(
    directory: SlackDirectory, slack: Slack, time: Time
) -> None:
    await directory.resolve(["@ops-leads"])
    await directory.resolve(["@ops-leads"])
    assert len(await slack.calls("usergroups.users.list")) == 1

    await directory.resolve(["@ops-leads"], fresh=True)
    assert len(await slack.calls("usergroups.users.list")) == 1  # a moment ago is fresh

    time.now += MAX_FRESH_AGE_SECONDS
    await directory.resolve(["@ops-leads"], fresh=True)
    assert len(await slack.calls("usergroups.users.list")) == 2
    assert len(await slack.calls("usergroups.list")) == 2


async def test_a_group_that_slack_does_not_tell_is_not_nobody(directory: SlackDirectory, slack: Slack) -> None:
    await slack.fault("usergroups.users.list", "error", error="internal_error")

    with pytest.raises(LookupFailed):
        await directory.resolve(["U0ALICE", "@ops-leads"])


async def test_a_task_can_be_started_where_the_bot_is(directory: SlackDirectory, client: AsyncWebClient) -> None:
    direct = (await client.conversations_open(users="U0ALICE"))["channel"]["id"]

    assert await directory.may_post(ChannelId("C0OPS")) == Joined()
    assert await directory.may_post(ChannelId("C0FINANCE")) == NotJoined()
    assert await directory.may_post(ChannelId("C0NOWHERE")) == NotJoined()
    assert await directory.may_post(ChannelId(direct)) == DirectMessage()
    places = [ChannelId(each) for each in ("C0OPS", "C0FINANCE", "C0NOWHERE", direct)]
    assert [await directory.is_in(each) for each in places] == [True, False, False, False]


async def test_a_place_that_slack_does_not_tell_of_is_not_guessed(directory: SlackDirectory, slack: Slack) -> None:
    await slack.fault("conversations.info", "status")

    with pytest.raises(LookupFailed):
        await directory.may_post(ChannelId("C0OPS"))


async def test_a_channel_is_known_by_its_name_and_means_its_members_without_this_bot(
    directory: SlackDirectory, slack: Slack
) -> None:
    assert await directory.channel("#Incidents") == "G0INCIDENTS"
    assert await directory.channel("C0OPS") == "C0OPS"
    assert await directory.channel("#nowhere") is None
    assert await directory.resolve(["#incidents"]) == {ALICE, BOB, CAROL}
    assert await directory.resolve(["G0INCIDENTS"]) == {ALICE, BOB, CAROL}
    assert await directory.resolve(["#nowhere", "C0NOWHERE"]) == frozenset()
    assert len(await slack.calls("conversations.list")) == 1


async def test_one_of_another_company_is_named_under_theirs_and_not_as_a_member_of_a_shared_channel(
    directory: SlackDirectory,
) -> None:
    frank = someone("U0FRANK", "T0OTHER")

    assert await directory.resolve(["U0FRANK"]) == {frank}
    assert frank not in await directory.resolve(["#partners"])


@pytest.mark.parametrize(
    ("person", "nameable"),
    [
        (someone("U0ERIN"), True),
        (someone("U0FRANK", "T0OTHER"), True),
        (someone("U0FRANK"), True),
        (someone("U0GRACE"), False),
        (someone("U0ALICE", "T0OTHER"), False),
        (someone("U0NOBODY"), False),
    ],
)
async def test_a_policy_may_name_guests_and_people_of_other_companies_and_no_account_that_is_closed(
    directory: SlackDirectory, person: Person, nameable: bool
) -> None:
    member = await directory.member(person)

    assert member.ineligible
    assert member.nameable == nameable


async def test_names_that_are_no_ones_are_nobody(directory: SlackDirectory) -> None:
    assert await directory.resolve(["details.owner", "U0NOBODY", "whoever"]) == frozenset()


async def test_an_account_has_its_own_time_zone(directory: SlackDirectory) -> None:
    assert (await directory.member(ALICE)).zone == "Etc/UTC"


async def test_the_names_of_an_account_are_those_by_which_a_policy_may_mean_it(
    directory: SlackDirectory, slack: Slack
) -> None:
    own, groups = await directory.names_of(CAROL), await directory.groups_of(CAROL)

    assert own == {"U0CAROL", "carol@example.com"}
    assert groups == {"S0OPSLEADS", "@ops-leads", "S0ONCALL", "@on-call"}
    for name in own | groups:
        assert CAROL in await directory.resolve([name])
    assert await directory.groups_of(ALICE) == frozenset()
    assert len([call for call in await slack.calls("usergroups.list") if call["arguments"].get("include_users")]) == 1


async def test_whoever_may_not_answer_as_one_of_many_has_only_names_of_their_own(directory: SlackDirectory) -> None:
    assert await directory.names_of(someone("U0ERIN")) == {"U0ERIN", "erin@example.com"}
    assert await directory.groups_of(someone("U0ERIN")) == frozenset()
    assert await directory.names_of(someone("U0NOBODY")) == {"U0NOBODY"}


async def test_names_that_slack_does_not_tell_are_not_guessed(directory: SlackDirectory, slack: Slack) -> None:
    await slack.fault("usergroups.list", "status", status=500)

    with pytest.raises(LookupFailed):
        await directory.groups_of(BOB)


# --- Ids ----------------------------------------------------------------------------------------


async def test_names_mean_ids_and_an_id_is_its_own(directory: SlackDirectory, slack: Slack) -> None:
    assert await directory.identify("@ops-leads") == "S0OPSLEADS"
    assert await directory.identify("@OPS-leads") == "S0OPSLEADS"
    assert await directory.identify("carol@example.com") == "U0CAROL"
    assert (await directory.identify("#general") or "").startswith("C0")
    for nothing in ("@no-such-group", "#no-such-channel", "nobody@example.com", "details.owner", "whoever"):
        assert await directory.identify(nothing) is None
    before = len(await slack.simulator.traffic(after=slack.began))
    for own in ("U0NOBODY", "S0NOBODY", "C0NOBODY", "G0NOBODY"):
        assert await directory.identify(own) == own
    assert len(await slack.simulator.traffic(after=slack.began)) == before


async def test_a_groups_id_is_no_handle_and_a_handle_no_id(directory: SlackDirectory, slack: Slack) -> None:
    """A handle may be written like the id of another group."""
    await slack.simulator.post("/sim/groups/finance", {"handle": "s0opsleads"})
    try:
        assert await directory.identify("@s0opsleads") == "S0FINANCE"
        assert await directory.resolve(["S0OPSLEADS"]) == await directory.resolve(["@ops-leads"])
    finally:
        await slack.simulator.post("/sim/groups/s0opsleads", {"handle": "finance"})


async def test_an_account_is_asked_for_when_it_counts_whatever_is_remembered(
    directory: SlackDirectory, slack: Slack
) -> None:
    await directory.member(ALICE)
    await directory.member(ALICE, fresh=True)
    await directory.member(ALICE, fresh=True)

    assert len(await slack.calls("users.info")) == 3


async def test_who_asks_for_the_same_at_one_time_waits_for_one_answer(directory: SlackDirectory, slack: Slack) -> None:
    await asyncio.gather(*(directory.resolve([name]) for name in ("@ops-leads", "@on-call", "@finance", "@ops-leads")))

    assert len(await slack.calls("usergroups.list")) == 1
    assert len(await slack.calls("usergroups.users.list")) == 3


# --- What Slack refuses to say ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "ask"),
    [
        ("usergroups.list", lambda of: of.resolve(["@ops-leads"])),
        ("usergroups.list", lambda of: of.identify("@ops-leads")),
        ("usergroups.list", lambda of: of.groups_of(BOB)),
        ("usergroups.users.list", lambda of: of.resolve(["@ops-leads"])),
        ("users.lookupByEmail", lambda of: of.identify("bob@example.com")),
        ("users.info", lambda of: of.member(BOB)),
        ("conversations.list", lambda of: of.identify("#general")),
        ("conversations.members", lambda of: of.resolve(["C0GENERAL"])),
    ],
)
@pytest.mark.parametrize("error", ["missing_scope", "plan_upgrade_required", "paid_teams_only", "no_permission"])
async def test_what_an_operator_has_to_change_is_no_outage(
    directory: SlackDirectory,
    slack: Slack,
    method: str,
    ask: Callable[[SlackDirectory], Awaitable[object]],
    error: str,
) -> None:
    await slack.fault(method, "error", error=error)

    with pytest.raises(LookupRefused, match=r"^cannot be looked up: (the|this) "):
        await ask(directory)


async def test_a_token_that_is_refused_is_an_outage(directory: SlackDirectory, slack: Slack) -> None:
    await slack.fault("usergroups.list", "error", error="invalid_auth")
    with pytest.raises(LookupFailed) as failed:
        await directory.groups_of(BOB)

    assert not isinstance(failed.value, LookupRefused)
    assert await directory.names_of(BOB) == {"U0BOB", "bob@example.com"}
