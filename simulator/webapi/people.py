"""users.*, usergroups.*, bots.info, team.info, auth.test and the like (Slack: the references of these methods)."""

from collections.abc import Mapping
from typing import Any, Final

from simulator.errors import SlackError
from simulator.pace import Tier
from simulator.people import APP_ID, BOT_ID, BOT_USER_ID, Person
from simulator.webapi.call import Call, Method, page


async def auth_test(call: Call) -> dict[str, Any]:
    """The app and workspace of the token."""
    team, bot = call.world.team, call.world.people.find(BOT_USER_ID)
    return {
        "url": f"{call.world.base_url}/",
        "team": team.name,
        "user": bot.name,
        "team_id": team.id,
        "user_id": bot.id,
        "bot_id": BOT_ID,
        "is_enterprise_install": False,
    }


async def user_info(call: Call) -> dict[str, Any]:
    """One person, who may be a stranger."""
    return {"user": _shown(call, call.person())}


async def user_list(call: Call) -> dict[str, Any]:
    """All people of this workspace. Strangers are not listed."""
    ours = [person for person in call.world.people.all() if not person.is_stranger]
    shown, metadata = page(ours, call, default=1000)
    members = [_shown(call, person) for person in shown]
    return {"members": members, "cache_ts": int(call.world.clock.now()), "response_metadata": metadata}


async def user_by_email(call: Call) -> dict[str, Any]:
    """The person with that address."""
    person = call.world.people.by_email(call.needed("email"))
    if person is None:
        raise SlackError("users_not_found")
    return {"user": _shown(call, person)}


async def profile(call: Call) -> dict[str, Any]:
    """One person's profile. If no user is given, the app's own."""
    person = call.person() if call.text("user") else call.world.people.find(BOT_USER_ID)
    return {"profile": _shown(call, person)["profile"]}


async def presence(call: Call) -> dict[str, Any]:
    """Whether a person is active. Everyone who is not deactivated always is."""
    return {"presence": "away" if call.person().deleted else "active"}


async def bot_info(call: Call) -> dict[str, Any]:
    """The app's bot."""
    if (call.text("bot") or BOT_ID) != BOT_ID:
        raise SlackError("bot_not_found")
    bot = call.world.people.find(BOT_USER_ID)
    shown = {"id": BOT_ID, "deleted": False, "name": bot.real_name, "updated": 0, "app_id": APP_ID, "user_id": bot.id}
    return {"bot": {**shown, "icons": {}}}


async def api_test(call: Call) -> dict[str, Any]:
    """Returns what was sent, or the requested error."""
    if error := call.text("error"):
        raise SlackError(error)
    return {"args": dict(call.arguments)}


async def group_list(call: Call) -> dict[str, Any]:
    """The user groups."""
    groups = [g for g in call.world.people.groups() if call.flag("include_disabled") or not g.disabled]
    with_users = call.flag("include_users")
    return {"usergroups": [group.as_slack(call.world.team.id, with_users=with_users) for group in groups]}


async def group_users(call: Call) -> dict[str, Any]:
    """The ids of a group's members."""
    wanted = call.needed("usergroup")
    group = call.world.people.group(wanted)
    if group is None or group.id != wanted or (group.disabled and not call.flag("include_disabled")):
        raise SlackError("no_such_subteam")
    return {"users": list(group.people)}


async def team_info(call: Call) -> dict[str, Any]:
    """The workspace."""
    team = call.world.team
    shown = {"id": team.id, "name": team.name, "domain": team.domain}
    return {"team": {**shown, "email_domain": "example.com", "icon": {}}}


async def connections_open(call: Call) -> dict[str, Any]:
    """The address of a new Socket Mode connection."""
    if call.world.sockets.refusing:
        raise SlackError("internal_error")
    host = call.world.base_url.removeprefix("http://")
    return {"url": f"ws://{host}/link/?ticket={call.world.sockets.ticket()}&app_id={APP_ID}"}


METHODS: Final[Mapping[str, Method]] = {
    "api.test": Method(api_test, Tier.FOUR, token=False),
    "auth.test": Method(auth_test, Tier.SPECIAL),
    "apps.connections.open": Method(connections_open, Tier.FOUR, app_token=True),
    "users.info": Method(user_info, Tier.FOUR, ("users:read",)),
    "users.list": Method(user_list, Tier.TWO, ("users:read",)),
    "users.lookupByEmail": Method(user_by_email, Tier.THREE, ("users:read.email",)),
    "users.profile.get": Method(profile, Tier.FOUR, ("users.profile:read",)),
    "users.getPresence": Method(presence, Tier.THREE, ("users:read",)),
    "bots.info": Method(bot_info, Tier.THREE, ("users:read",)),
    "usergroups.list": Method(group_list, Tier.TWO, ("usergroups:read",)),
    "usergroups.users.list": Method(group_users, Tier.TWO, ("usergroups:read",)),
    "team.info": Method(team_info, Tier.THREE, ("team:read",)),
}


def _shown(call: Call, person: Person) -> dict[str, Any]:
    with_email = "users:read.email" in call.world.manifest.scopes
    return person.as_slack(with_email=with_email, now=call.world.clock.now())
