"""Checks at the start whether Slack accepts the two tokens."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import ClientError
from slack_sdk.errors import SlackApiError

from bot.approvals.model.errors import SettingsError
from bot.approvals.model.ids import UserId
from bot.slack.api.calls import web_client

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


async def identity(token: str, url: str) -> Identity:
    """Who the bot is. Raises SettingsError if Slack refuses the token or does not answer."""
    try:
        answer = await web_client(token, url).auth_test()
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


async def refuse_bad_app_token(token: str, url: str) -> None:
    """Raises SettingsError if Socket Mode cannot be opened with the token."""
    try:
        await web_client(token, url).apps_connections_open(app_token=token)
    except SlackApiError as error:
        raise _refused("SLACK_APP_TOKEN", error) from None
    except (ClientError, OSError, TimeoutError) as error:
        raise _silent(url, error) from None


def _refused(name: str, error: SlackApiError) -> SettingsError:
    return SettingsError(f"{name}: Slack refuses it ({error.response['error']}). {AGAIN}")


def _silent(url: str, error: Exception) -> SettingsError:
    return SettingsError(f"SLACK_API_URL: {url} does not answer ({type(error).__name__}).")
