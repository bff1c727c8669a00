"""Checks at the start whether Slack accepts the two tokens."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import ClientError
from slack_sdk.errors import SlackApiError

from bot.approvals.model.errors import SettingsError
from bot.approvals.model.ids import UserId
from bot.slack.api.calls import web_client
from bot.slack.api.waits import WaitsOut

AGAIN = (
    "Copy it again from your app's page at api.slack.com/apps, and install the app to the workspace once more if its "
    "scopes have changed."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The bot that a token belongs to, and its workspace."""

    user_id: UserId
    address: str
    """The workspace's URL, with a slash at its end."""
    scopes: frozenset[str]


async def identity(token: str, url: str, waits: WaitsOut | None = None) -> Identity:
    """Who the bot is. If Slack allows no calls at the moment, this waits. Raises SettingsError if Slack refuses the
    token, allows no calls for long, or does not answer."""
    client = web_client(token, url, again=[waits or WaitsOut()])
    try:
        answer = await client.auth_test()
    except SlackApiError as error:
        raise _refused("SLACK_BOT_TOKEN", error) from None
    except (ClientError, OSError, TimeoutError) as error:
        raise _silent(url, error) from None
    header = str(answer.headers.get("x-oauth-scopes", ""))
    return Identity(
        user_id=UserId(str(answer["user_id"])),
        address=str(answer["url"]).rstrip("/") + "/",
        scopes=frozenset(scope.strip() for scope in header.split(",") if scope.strip()),
    )


async def refuse_bad_app_token(token: str, url: str, waits: WaitsOut | None = None) -> None:
    """Raises SettingsError if Socket Mode cannot be opened with the token. See `identity` about waiting."""
    client = web_client(token, url, again=[waits or WaitsOut()])
    try:
        await client.apps_connections_open(app_token=token)
    except SlackApiError as error:
        raise _refused("SLACK_APP_TOKEN", error) from None
    except (ClientError, OSError, TimeoutError) as error:
        raise _silent(url, error) from None


def _refused(name: str, error: SlackApiError) -> SettingsError:
    if error.response.status_code == 429:
        return SettingsError(
            f"{name}: Slack allows no more calls at the moment, so it was not checked. Try again in a few minutes."
        )
    return SettingsError(f"{name}: Slack refuses it ({error.response['error']}). {AGAIN}")


def _silent(url: str, error: Exception) -> SettingsError:
    return SettingsError(f"SLACK_API_URL: {url} does not answer ({type(error).__name__}).")
