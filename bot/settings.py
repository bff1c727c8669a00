"""The environment and `.env` -> one frozen `Settings`. A misspelt name stops the start."""

from __future__ import annotations

import base64
import binascii
import difflib
import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final, Literal, TypeVar

from dotenv import dotenv_values
from pydantic import (
    BeforeValidator,
    ByteSize,
    Field,
    PrivateAttr,
    SecretStr,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from bot.approvals.model.errors import SettingsError
from bot.approvals.rules.matching import is_channel
from bot.durations import duration
from bot.webhooks.allow_list import MAX_PORT, AllowList, address_of, is_name

SLACK = "https://slack.com/api/"


Loaded = TypeVar("Loaded", bound="Store")
Span = Annotated[timedelta, BeforeValidator(duration)]
LEAST_MEMORY = 50_000_000
"""Bytes. A worker that has loaded no graph takes more."""


def _memory(written: object) -> object:
    """The bytes that `512MB` means. Raises ValueError, with what to write, if it means none or too few."""
    try:
        found = TypeAdapter(ByteSize).validate_python(written)
    except ValidationError:
        raise ValueError(f"{written!r} is not an amount of memory: write a number and MB or GB, such as 1GB") from None
    if found < LEAST_MEMORY:
        raise ValueError(f"{written!r} is too little for any worker: write at least 50MB, such as 1GB")
    return found


Bytes = Annotated[ByteSize, BeforeValidator(_memory)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bind:
    """The address that a server listens at."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_of_this_machine(self) -> bool:
        """Whether only programs of this machine reach it."""
        address = address_of(self.host)
        return self.host == "localhost" if address is None else address.is_loopback


_BIND: Final = re.compile(r"(?:\[(?P<v6>[^\]]*)\]|(?P<host>[^:\[\]]*)):(?P<port>[0-9]{1,5})")


def _bind(written: object) -> object:
    """The address that `127.0.0.1:8420` means. Raises ValueError, with what to write, if it means none."""
    found = _BIND.fullmatch(str(written).strip())
    if found is not None:
        host, port = (found["v6"] or found["host"] or "").lower(), int(found["port"])
        if (address_of(host) or is_name(host)) and port <= MAX_PORT:
            return Bind(host=host, port=port)
    raise ValueError(f"{written!r} is no address to listen at: write host and port, such as 127.0.0.1:8420")


def _allowed(written: object) -> object:
    return AllowList.read(str(written))


SECRET_PREFIX: Final = "whsec_"  # noqa: S105
_HOW_LONG: Final = range(24, 65)
"""Bytes of a webhook's secret, as Standard Webhooks wants them."""


class Store(BaseSettings):
    """Where the records are. Commands that only read records need no other setting."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    state_dir: Path = Path("var")
    """The folder for the bot's files: the embedded SQLite and its heartbeat. Nobody else may read it."""
    redis_url: SecretStr | None = None
    """Redis for records and checkpoints, for any number of machines. If unset, the embedded SQLite, for one."""

    @field_validator("redis_url")
    @classmethod
    def _redis(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and not url.get_secret_value().startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("should start with redis:// or rediss://, such as redis://localhost:6379/0")
        if url is not None:  # raises ValueError if the port or an option is wrong
            _refuse_malformed(url.get_secret_value())
        return url


class Operating(Store):
    """What the commands of an operator need: the records, and the keys whose values are hidden."""

    policy_file: Path = Path("policies.yaml")


class RoleSettings(Store):
    """What every role needs, with its default. The names are those of the environment variables, in lower case."""

    slack_bot_token: SecretStr
    """The bot's token for the workspace. Starts with xoxb-."""
    slack_api_url: str = SLACK
    """The address of Slack's Web API, or of the simulator."""
    policy_file: Path = Path("policies.yaml")
    langgraph_config: Path = Path("langgraph.json")
    sweep_interval: Annotated[float, Field(gt=0, le=60)] = 5.0
    """Seconds between two sweeps."""
    lease_seconds: Annotated[float, Field(ge=1, le=600)] = 6.0
    """How long it takes until what a lost machine had begun is taken over by another one."""
    worker_timeout: Span = timedelta(minutes=5)
    """How long a worker may not respond, because a graph blocks it, before it is killed and replaced."""
    worker_memory: Bytes | None = None
    """The memory that one worker may use, such as 1GB. One that uses more is killed and replaced. If unset, any."""
    shutdown_grace: Annotated[float, Field(ge=0, le=600)] = 20.0
    """Seconds that a shutdown gives running graphs and calls to Slack to finish their step."""
    keep_finished: Span = timedelta(days=30)
    """How long the graph state of an ended task is kept."""
    keep_records: Span | None = None
    """How long the records of an ended task and the text of its audit events are kept. If unset, for ever."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    http_bind: Annotated[Annotated[Bind, BeforeValidator(_bind)] | None, NoDecode] = None
    """Where the HTTP API, metrics and health are served, and Slack's requests come in if there is a signing secret. A
    worker that runs alone serves its metrics and health there. If unset, nothing is."""
    log_format: Literal["text", "json"] = "text"
    """What an entry of the log looks like: a line of text, or a JSON object."""

    @field_validator("slack_bot_token")
    @classmethod
    def _bot_token(cls, token: SecretStr) -> SecretStr:
        return _starting(token, "xoxb-")

    @field_validator("slack_api_url")
    @classmethod
    def _url(cls, url: str) -> str:
        if not url.startswith(("http://", "https://")):
            raise ValueError("should start with https://")
        return url if url.endswith("/") else url + "/"

    @property
    def lease_ttl(self) -> timedelta:
        return timedelta(seconds=self.lease_seconds)


SERVERS_FILE: Final = "servers.yaml"
VARIABLE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
"""What stands in the file of servers for a variable."""


class Settings(RoleSettings):
    """Every setting. Only a gateway needs more than any role does."""

    slack_signing_secret: SecretStr | None = None
    """What Slack signs its requests with, if they come over HTTP. If unset, the bot connects by Socket Mode."""
    slack_app_token: Annotated[SecretStr | None, Field(validate_default=True)] = None
    """The token that opens Socket Mode. Starts with xapp-. None if Slack's requests come over HTTP."""
    servers_file: Path = Path(SERVERS_FILE)
    """The LangGraph Servers that agents run on. The file of this default name may be missing."""
    webhook_allow: Annotated[Annotated[AllowList, BeforeValidator(_allowed)] | None, NoDecode] = None
    """The hosts and networks that webhooks may go to. If unset, none."""
    webhook_secret: SecretStr | None = None
    """What webhooks are signed with. Two, separated by a space, while receivers change from one to the other."""

    ops_channel: str | None = None
    """The channel in which operators are told what needs a person: `#name` or an id. If unset, there is none."""

    _variables: Mapping[str, str] = PrivateAttr(default_factory=dict)
    """What .env gives the variables of the file of servers."""

    def variable(self, name: str) -> str:
        """The value of a variable that the file of servers names. Empty if neither the environment nor .env has it."""
        return os.environ.get(name, "") or self._variables.get(name, "")

    @field_validator("ops_channel")
    @classmethod
    def _channel(cls, channel: str | None) -> str | None:
        if channel is not None and not is_channel(channel):
            raise ValueError(f"{channel!r} is no channel: write its name with #, such as #ops, or its id")
        return channel

    @field_validator("slack_signing_secret")
    @classmethod
    def _signing_secret(cls, secret: SecretStr | None, others: ValidationInfo) -> SecretStr | None:
        if secret is not None and _SIGNING.fullmatch(secret.get_secret_value()) is None:
            raise ValueError("should be letters and digits alone, at least 16")
        if secret is not None and others.data.get("http_bind", _REFUSED) is None:
            raise PydanticCustomError(
                _EXCLUDED,
                "is set, but HTTP_BIND is not, and Slack's requests are to come in there. Write host and port, such "
                "as 127.0.0.1:8420",
            )
        return secret

    @field_validator("slack_app_token")
    @classmethod
    def _app_token(cls, token: SecretStr | None, others: ValidationInfo) -> SecretStr | None:
        over_http = others.data.get("slack_signing_secret", _REFUSED) is not None
        if token is None and not over_http:
            raise PydanticCustomError("missing", "is not set")
        if token is not None and over_http:
            raise PydanticCustomError(
                _EXCLUDED,
                "and SLACK_SIGNING_SECRET are both set, but Slack sends everything one way: over Socket Mode, for "
                "which the token is, or over HTTP, for which the secret is. Remove the one that your app does not use",
            )
        return token if token is None else _starting(token, "xapp-")

    @field_validator("webhook_secret")
    @classmethod
    def _secrets(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None and not 1 <= len(secret.get_secret_value().split()) <= 2:
            raise ValueError("should be one secret, or two that are separated by a space")
        for each in secret.get_secret_value().split() if secret is not None else ():
            _refuse_bad_secret(each)
        return secret

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        """The one or two secrets. Empty if there is none."""
        return () if self.webhook_secret is None else tuple(self.webhook_secret.get_secret_value().split())


_SIGNING: Final = re.compile(r"[A-Za-z0-9]{16,}")
_REFUSED: Final = SecretStr("")
"""Stands for a value that was given, and that is wrong by itself."""
_EXCLUDED: Final = "excluded"
"""The kind of a mistake in how settings go together."""
COMPOSITION = frozenset({"REDIS_PASSWORD"})
"""Names in .env that only compose.yaml reads."""
WHERE = {
    "slack_bot_token": "your app's page at api.slack.com/apps, under OAuth & Permissions, once it is installed",
    "slack_app_token": "your app's page at api.slack.com/apps, under Basic Information, App-Level Tokens, "
    "with the scope connections:write",
    "slack_signing_secret": "your app's page at api.slack.com/apps, under Basic Information, App Credentials",
}
"""Where to get the settings that only Slack can give."""


def load(env_file: Path = Path(".env")) -> Settings:
    """The settings; the environment takes precedence over the file. Raises SettingsError with everything that is
    wrong."""
    return _load(Settings, env_file)


def load_worker(env_file: Path = Path(".env")) -> RoleSettings:
    """The settings of a worker, which needs no token for Socket Mode. Raises SettingsError with everything that is
    wrong."""
    return _load(RoleSettings, env_file)


def log_format(env_file: Path = Path(".env")) -> Literal["text", "json"]:
    """LOG_FORMAT by itself, for what is logged before the settings are loaded, or in place of that. Text if it is
    wrong, which `load` says."""
    try:
        given = {name.upper(): value for name, value in _written(env_file).items()}
    except SettingsError:
        return "text"
    return "json" if (os.environ.get("LOG_FORMAT") or given.get("LOG_FORMAT")) == "json" else "text"


def load_store(env_file: Path = Path(".env")) -> Store:
    """Where the records are, even if Slack's tokens are missing. Raises SettingsError with everything that is wrong."""
    return _load(Store, env_file)


def load_operating(env_file: Path = Path(".env")) -> Operating:
    """What an operator's commands need, even if Slack's tokens are missing. Raises SettingsError with everything that
    is wrong."""
    return _load(Operating, env_file)


def _load(cls: type[Loaded], env_file: Path) -> Loaded:
    _refuse_unknown(env_file)
    try:
        found = cls(_env_file=env_file)
    except ValidationError as error:
        problems = [_problem(str(each["loc"][0]), each["type"], each["msg"]) for each in error.errors()]
        raise SettingsError("\n".join(problems)) from None
    if isinstance(found, Settings):
        found._variables = {name: value for name, value in _written(env_file).items() if value}
    return found


def _refuse_unknown(env_file: Path) -> None:
    known = [name.upper() for name in Settings.model_fields]
    written = _written(env_file)
    unknown = [name for name in written if name.upper() not in known and name not in COMPOSITION]
    of_servers = _named_by_servers(written) if unknown else ()
    for name in unknown:
        if name not in of_servers:
            near = difflib.get_close_matches(name.upper(), known, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"It may hold {', '.join(known)}."
            raise SettingsError(
                f"{env_file}, key {name}: there is no such setting. {hint} "
                'Variables for your graphs belong under "env" in langgraph.json, or into the environment.'
            )


def _written(env_file: Path) -> Mapping[str, str | None]:
    """What the file sets. Raises SettingsError if it cannot be read."""
    try:
        return dotenv_values(env_file) if env_file.exists() else {}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{env_file}: cannot be read ({error}).") from None


def _named_by_servers(written: Mapping[str, str | None]) -> Collection[str]:
    """The variables that the file of servers names: .env may hold them, too. None if that file cannot be read, which
    whoever needs it says."""
    given = {name.upper(): value for name, value in written.items()}
    path = Path(os.environ.get("SERVERS_FILE") or given.get("SERVERS_FILE") or SERVERS_FILE)
    try:
        return set(VARIABLE.findall(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError):
        return ()


def _problem(name: str, kind: str, message: str) -> str:
    key = name.upper()
    where = f" Get it from {WHERE[name]}; put it into .env or the environment." if name in WHERE else ""
    if kind == "missing":
        return f"{key} is not set.{where}"
    if kind == _EXCLUDED:
        return f"{key} {message}."
    words = _PLAINLY.get(kind) or message.removeprefix("Value error, ")
    return f"{key}: {words}.{where}"


_PLAINLY: Final = {
    "float_parsing": "is not a number: write one such as 5 or 0.5",
    "int_parsing": "is not a whole number: write one such as 5",
}
"""What to say in place of Pydantic's words, by the kind of its error."""


def _starting(token: SecretStr, prefix: str) -> SecretStr:
    if not token.get_secret_value().startswith(prefix):
        raise ValueError(f"should start with {prefix}")
    return token


def _refuse_bad_secret(secret: str) -> None:
    """Raises ValueError, with how to make a secret, if it is none of Standard Webhooks."""
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error:
        key = b""
    if not secret.startswith(SECRET_PREFIX) or len(key) not in _HOW_LONG:
        raise ValueError(
            f"should be {SECRET_PREFIX} and 24 to 64 bytes in base64: write {SECRET_PREFIX} and what "
            "`openssl rand -base64 32` prints"
        )


def _refuse_malformed(redis_url: str) -> None:
    """Raises ValueError if the port or an option is wrong, or if Redis' libraries are not installed."""
    try:
        from redis.connection import parse_url
    except ModuleNotFoundError:
        raise ValueError(
            "needs the libraries for Redis, which are not installed. The environment of `make demo` has none: "
            "run `make setup`"
        ) from None
    parse_url(redis_url)  # type: ignore[no-untyped-call]
