"""The environment and `.env` as settings, and each sentence about one that is wrong."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from bot import settings
from bot.approvals.model.errors import SettingsError
from bot.settings import Bind, Settings

BOT, APP, SIGNING = "xoxb-SECRET-1", "xapp-SECRET-2", "0123456789abcdef0123456789abcdef"


@dataclass
class Desk:
    """An environment without our variables, and a `.env` to write."""

    file: Path
    monkeypatch: pytest.MonkeyPatch

    def load(self, text: str | None = None, **environment: str) -> Settings:
        for name, value in environment.items():
            self.monkeypatch.setenv(name, value)
        if text is not None:
            self.file.write_text(text)
        return settings.load(self.file)

    def refusal(self, text: str | None = None, **environment: str) -> str:
        with pytest.raises(SettingsError) as refused:
            self.load(text, **environment)
        return str(refused.value).replace(str(self.file), ".env")


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    known = {name.upper() for name in Settings.model_fields}
    for name in [name for name in os.environ if name.upper() in known]:
        monkeypatch.delenv(name)
    return Desk(tmp_path / ".env", monkeypatch)


def tokens(**environment: str) -> dict[str, str]:
    return {"SLACK_BOT_TOKEN": BOT, "SLACK_APP_TOKEN": APP} | environment


def test_two_tokens_are_enough(desk: Desk) -> None:
    loaded = desk.load(**tokens())

    assert loaded.slack_bot_token.get_secret_value() == BOT
    assert loaded.slack_app_token is not None
    assert loaded.slack_app_token.get_secret_value() == APP
    assert loaded.slack_api_url == "https://slack.com/api/"
    assert (loaded.state_dir, loaded.policy_file) == (Path("var"), Path("policies.yaml"))
    assert loaded.langgraph_config == Path("langgraph.json")
    assert (loaded.log_level, loaded.redis_url) == ("INFO", None)
    assert (loaded.keep_finished, loaded.keep_records) == (timedelta(days=30), None)
    assert loaded.lease_ttl == timedelta(seconds=6)
    assert (loaded.worker_timeout, loaded.worker_memory) == (timedelta(minutes=5), None)


def test_a_worker_needs_no_token_for_socket_mode(desk: Desk) -> None:
    """It is not looked at either, so a wrong one stops no worker."""
    assert desk.refusal(SLACK_BOT_TOKEN=BOT) == f"SLACK_APP_TOKEN is not set.{GET_APP}"

    loaded = settings.load_worker(desk.file)

    assert loaded.slack_bot_token.get_secret_value() == BOT
    assert "slack_app_token" not in type(loaded).model_fields


def test_over_http_a_signing_secret_stands_for_the_token_and_needs_an_address(desk: Desk) -> None:
    loaded = desk.load(SLACK_BOT_TOKEN=BOT, SLACK_SIGNING_SECRET=SIGNING, HTTP_BIND="127.0.0.1:8420")

    assert loaded.slack_app_token is None
    assert loaded.slack_signing_secret is not None
    assert loaded.slack_signing_secret.get_secret_value() == SIGNING
    assert SIGNING not in repr(loaded)

    desk.monkeypatch.delenv("HTTP_BIND")
    assert desk.refusal() == (
        "SLACK_SIGNING_SECRET is set, but HTTP_BIND is not, and Slack's requests are to come in there. Write host and "
        "port, such as 127.0.0.1:8420."
    )


def test_a_bot_is_connected_in_one_way_alone(desk: Desk) -> None:
    """An app sends everything over Socket Mode or over HTTP, and a bot that waits for both would hear half of it."""
    said = desk.refusal(**tokens(SLACK_SIGNING_SECRET=SIGNING, HTTP_BIND="127.0.0.1:8420"))

    assert said == (
        "SLACK_APP_TOKEN and SLACK_SIGNING_SECRET are both set, but Slack sends everything one way: over Socket Mode, "
        "for which the token is, or over HTTP, for which the secret is. Remove the one that your app does not use."
    )


@pytest.mark.parametrize("secret", [APP, "short", "with spaces in between it"])
def test_a_signing_secret_that_cannot_be_one_is_refused(desk: Desk, secret: str) -> None:
    said = desk.refusal(SLACK_BOT_TOKEN=BOT, SLACK_SIGNING_SECRET=secret, HTTP_BIND="127.0.0.1:8420")

    assert said.startswith("SLACK_SIGNING_SECRET: should be letters and digits alone, at least 16. Get it from your")
    assert "App Credentials" in said
    assert secret not in said


def test_the_file_says_what_the_environment_does_not(desk: Desk) -> None:
    text = f'# mine\nexport SLACK_BOT_TOKEN="{BOT}"\nslack_app_token={APP}\nLOG_LEVEL=DEBUG\nKEEP_RECORDS=52w\n'

    loaded = desk.load(text)

    assert loaded.slack_bot_token.get_secret_value() == BOT
    assert loaded.slack_app_token is not None
    assert loaded.slack_app_token.get_secret_value() == APP
    assert (loaded.log_level, loaded.keep_records) == ("DEBUG", timedelta(weeks=52))


def test_a_worker_may_be_given_so_much_time_and_memory(desk: Desk) -> None:
    loaded = desk.load(**tokens(WORKER_TIMEOUT="90s", WORKER_MEMORY="1.5GB"))

    assert (loaded.worker_timeout, loaded.worker_memory) == (timedelta(seconds=90), 1_500_000_000)


def test_the_environment_goes_before_the_file(desk: Desk) -> None:
    loaded = desk.load("LOG_LEVEL=DEBUG\nSTATE_DIR=file\n", **tokens(LOG_LEVEL="ERROR"))

    assert (loaded.log_level, loaded.state_dir) == ("ERROR", Path("file"))


def test_the_http_api_listens_at_a_host_and_a_port(desk: Desk) -> None:
    assert desk.load(**tokens()).http_bind is None
    for text, host, port, near in [
        ("127.0.0.1:8420", "127.0.0.1", 8420, True),
        ("[::1]:80", "::1", 80, True),
        ("LOCALHOST:0", "localhost", 0, True),
        ("0.0.0.0:8420", "0.0.0.0", 8420, False),  # noqa: S104
        ("gateway.internal:8420", "gateway.internal", 8420, False),
    ]:
        bind = desk.load(**tokens(HTTP_BIND=text)).http_bind

        assert bind == Bind(host=host, port=port)
        assert bind.is_of_this_machine is near
        assert str(bind) == text.lower()


def test_webhooks_are_signed_with_one_secret_or_with_two(desk: Desk) -> None:
    assert desk.load(**tokens()).webhook_secrets == ()
    assert desk.load(**tokens(WEBHOOK_SECRET=WHSEC)).webhook_secrets == (WHSEC,)
    assert desk.load(**tokens(WEBHOOK_SECRET=f"{WHSEC} {WHSEC}")).webhook_secrets == (WHSEC, WHSEC)
    assert KEY not in repr(desk.load())


def test_an_empty_variable_is_none(desk: Desk) -> None:
    loaded = desk.load(f"SLACK_BOT_TOKEN={BOT}\nLOG_LEVEL=\n", SLACK_BOT_TOKEN="", SLACK_APP_TOKEN=APP, REDIS_URL="")

    assert loaded.slack_bot_token.get_secret_value() == BOT
    assert (loaded.log_level, loaded.redis_url) == ("INFO", None)


def test_variables_of_others_in_the_environment_are_theirs(desk: Desk) -> None:
    assert desk.load(**tokens(SLACK_BOT_TOKENS="x", OPENAI_API_KEY="y")).log_level == "INFO"


def test_an_address_ends_with_a_slash(desk: Desk) -> None:
    assert desk.load(**tokens(SLACK_API_URL="http://localhost:1/api")).slack_api_url == "http://localhost:1/api/"


def test_settings_do_not_change(desk: Desk) -> None:
    loaded = desk.load(**tokens())

    with pytest.raises(ValidationError):
        loaded.log_level = "DEBUG"  # type: ignore[misc]


# --- What is wrong --------------------------------------------------------------------------------------

GET_BOT = (
    " Get it from your app's page at api.slack.com/apps, under OAuth & Permissions, once it is installed; put it into "
    ".env or the environment."
)
GET_APP = (
    " Get it from your app's page at api.slack.com/apps, under Basic Information, App-Level Tokens, with the scope "
    "connections:write; put it into .env or the environment."
)
BELONG = 'Variables for your graphs belong under "env" in langgraph.json, or into the environment.'
BIND = "is no address to listen at: write host and port, such as 127.0.0.1:8420."
NETWORK = "'https://a.example' does not appear to be an IPv4 or IPv6 network): write one such as 10.0.0.0/8 or fd00::/8"
ENTRY = (
    "is no host and no network: write hooks.example.com, *.example.com, hooks.example.com:8443, or 10.0.0.0/8, "
    "separated by commas."
)
KEY = "c" * 32
WHSEC = f"whsec_{KEY}"
SIGNS = "should be whsec_ and 24 to 64 bytes in base64: write whsec_ and what `openssl rand -base64 32` prints."
SPAN = "is not a duration: write a number and s, m, h, d or w, such as 30m, 4h or 2d."


def test_what_is_missing_is_named_with_where_to_get_it(desk: Desk) -> None:
    assert desk.refusal() == f"SLACK_BOT_TOKEN is not set.{GET_BOT}\nSLACK_APP_TOKEN is not set.{GET_APP}"


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("SLACK_BOT_TOKEN", APP, f"SLACK_BOT_TOKEN: should start with xoxb-.{GET_BOT}"),
        ("SLACK_APP_TOKEN", BOT, f"SLACK_APP_TOKEN: should start with xapp-.{GET_APP}"),
        ("SLACK_API_URL", "slack.com", "SLACK_API_URL: should start with https://."),
        (
            "REDIS_URL",
            "localhost:6379",
            "REDIS_URL: should start with redis:// or rediss://, such as redis://localhost:6379/0.",
        ),
        ("SWEEP_INTERVAL", "0", "SWEEP_INTERVAL: Input should be greater than 0."),
        ("SWEEP_INTERVAL", "61", "SWEEP_INTERVAL: Input should be less than or equal to 60."),
        (
            "SWEEP_INTERVAL",
            "often",
            "SWEEP_INTERVAL: is not a number: write one such as 5 or 0.5.",
        ),
        ("LEASE_SECONDS", "0.5", "LEASE_SECONDS: Input should be greater than or equal to 1."),
        ("LEASE_SECONDS", "inf", "LEASE_SECONDS: Input should be less than or equal to 600."),
        ("SHUTDOWN_GRACE", "-1", "SHUTDOWN_GRACE: Input should be greater than or equal to 0."),
        ("KEEP_FINISHED", "30", f"KEEP_FINISHED: '30' {SPAN}"),
        ("KEEP_FINISHED", "99999w", "KEEP_FINISHED: '99999w' is longer than 3650d."),
        ("KEEP_RECORDS", "forever", f"KEEP_RECORDS: 'forever' {SPAN}"),
        ("WORKER_TIMEOUT", "300", f"WORKER_TIMEOUT: '300' {SPAN}"),
        (
            "WORKER_MEMORY",
            "49MB",
            "WORKER_MEMORY: '49MB' is too little for any worker: write at least 50MB, such as 1GB.",
        ),
        (
            "WORKER_MEMORY",
            "much",
            "WORKER_MEMORY: 'much' is not an amount of memory: write a number and MB or GB, such as 1GB.",
        ),
        ("LOG_FORMAT", "xml", "LOG_FORMAT: Input should be 'text' or 'json'."),
        *[("HTTP_BIND", value, f"HTTP_BIND: {value!r} {BIND}") for value in ("8420", ":8420", "localhost", "h:65536")],
        ("HTTP_BIND", "127.1:80", f"HTTP_BIND: '127.1:80' {BIND}"),
        ("WEBHOOK_ALLOW", "https://a.example", f"WEBHOOK_ALLOW: 'https://a.example' is no network ({NETWORK}."),
        ("WEBHOOK_ALLOW", "ok.example, *", f"WEBHOOK_ALLOW: '*' {ENTRY}"),
        ("WEBHOOK_ALLOW", "ok.example:0", "WEBHOOK_ALLOW: 'ok.example:0': there is no port 0."),
        *[
            ("WEBHOOK_SECRET", value, f"WEBHOOK_SECRET: {SIGNS}")
            for value in ("whsec_QUJD", KEY, "whsec_!", f"{WHSEC} x")
        ],
        (
            "WEBHOOK_SECRET",
            f"{WHSEC} {WHSEC} {WHSEC}",
            "WEBHOOK_SECRET: should be one secret, or two that are separated by a space.",
        ),
        ("LOG_LEVEL", "debug", "LOG_LEVEL: Input should be 'DEBUG', 'INFO', 'WARNING' or 'ERROR'."),
    ],
)
@pytest.mark.parametrize("place", ["environment", "file"])
def test_each_wrong_value_is_said_with_its_name(desk: Desk, place: str, name: str, value: str, sentence: str) -> None:
    given = tokens(**{name: value})

    said = (
        desk.refusal(**given)
        if place == "environment"
        else desk.refusal("".join(f"{key}={each}\n" for key, each in given.items()))
    )

    assert said == sentence


@pytest.mark.parametrize("name", ["SWEEP_INTERVAL", "LEASE_SECONDS", "SHUTDOWN_GRACE"])
def test_no_number_of_seconds_is_no_number(desk: Desk, name: str) -> None:
    assert desk.refusal(**tokens(**{name: "nan"})).startswith(f"{name}: ")


def test_everything_that_is_wrong_is_said_at_once(desk: Desk) -> None:
    said = desk.refusal(**tokens(LOG_LEVEL="x", SWEEP_INTERVAL="x", SLACK_BOT_TOKEN="x"))

    assert [line.partition(":")[0] for line in said.splitlines()] == ["SLACK_BOT_TOKEN", "SWEEP_INTERVAL", "LOG_LEVEL"]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (
            "SLACK_BOT_TOKN=x",
            f".env, key SLACK_BOT_TOKN: there is no such setting. Did you mean SLACK_BOT_TOKEN? {BELONG}",
        ),
        ("policy_fil=x", f".env, key policy_fil: there is no such setting. Did you mean POLICY_FILE? {BELONG}"),
        ("OPENAI_API_KEY=x", ".env, key OPENAI_API_KEY: there is no such setting. "),
    ],
)
def test_a_name_that_is_not_known_stops_the_start_with_the_one_that_may_be_meant(
    desk: Desk, line: str, sentence: str
) -> None:
    said = desk.refusal(f"{line}\n", **tokens())

    assert said.startswith(sentence)
    assert said.endswith(BELONG)


def test_a_name_that_is_like_none_is_answered_with_all(desk: Desk) -> None:
    said = desk.refusal("ZZZ=1\n", **tokens())

    assert "It may hold " in said
    assert [name for name in Settings.model_fields if name.upper() not in said] == []


def test_a_file_that_cannot_be_read_is_named(desk: Desk) -> None:
    desk.file.write_bytes(b"LOG_LEVEL=\xff\n")

    assert desk.refusal(**tokens()).startswith(".env: cannot be read (")


@pytest.mark.parametrize("name", ["SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "REDIS_URL", "WEBHOOK_SECRET"])
def test_no_error_and_no_text_of_the_settings_shows_a_secret(desk: Desk, name: str) -> None:
    secret = "hunter2"

    assert "hunter2" not in desk.refusal(**tokens(**{name: secret}))
    desk.monkeypatch.undo()
    loaded = Settings(
        slack_bot_token=SecretStr(BOT), slack_app_token=SecretStr(APP), redis_url=SecretStr(f"redis://:{secret}@h/0")
    )
    assert "hunter2" not in f"{loaded!r}{loaded}"


def test_the_password_of_composes_redis_is_no_misspelt_setting(desk: Desk) -> None:
    """compose.yaml takes it from the same .env; the bot itself has no use for it."""
    loaded = desk.load("REDIS_PASSWORD=abc123\n", **tokens())

    assert loaded.redis_url is None


@pytest.mark.parametrize("channel", ["#ops", "C0OPS123", "G0OPS123"])
def test_the_channel_for_operators_is_a_name_or_an_id(desk: Desk, channel: str) -> None:
    """In .env, `#` begins no comment there."""
    assert desk.load(**tokens()).ops_channel is None
    assert desk.load(f"OPS_CHANNEL={channel}\n", **tokens()).ops_channel == channel


def test_anything_else_is_no_channel_for_operators(desk: Desk) -> None:
    """It stops the start, with what would be right."""
    assert desk.refusal("OPS_CHANNEL=ops\n", **tokens()) == (
        "OPS_CHANNEL: 'ops' is no channel: write its name with #, such as #ops, or its id."
    )


@pytest.mark.parametrize(
    ("text", "environment", "form"),
    [
        ("", {}, "text"),
        ("log_format=json\n", {}, "json"),
        ("LOG_FORMAT=text\n", {"LOG_FORMAT": "json"}, "json"),
        ("LOG_FORMAT=json\n", {"LOG_FORMAT": ""}, "json"),
        ("LOG_FORMAT=xml\n", {}, "text"),
    ],
)
def test_the_form_of_the_log_is_known_before_the_settings_are(
    desk: Desk, text: str, environment: dict[str, str], form: str
) -> None:
    """So that what is wrong with them is said in that form."""
    desk.file.write_text(text)
    for name, value in environment.items():
        desk.monkeypatch.setenv(name, value)

    assert settings.log_format(desk.file) == form


def test_a_file_that_cannot_be_read_says_nothing_of_the_log(desk: Desk) -> None:
    """Whoever loads the settings is told that it cannot be read."""
    desk.file.write_bytes(b"LOG_FORMAT=\xff\n")

    assert settings.log_format(desk.file) == "text"
