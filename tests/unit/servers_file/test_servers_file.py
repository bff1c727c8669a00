"""servers.yaml says which servers there are; each mistake in it is told with its line, its key and what is right."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot import servers_file, settings
from bot.approvals.model.errors import SettingsError
from bot.servers_file import ServerTerms, WatchTerms

VARIABLES = {
    "PROD_URL": "https://agents.example.com/",
    "PROD_KEY": "lsv2_secret",
    "HOOK_KEY": "0123456789abcdef",
    "HOST": "agents.example.com",
    "SHORT": "0123",
    "SPACED": " lsv2_secret ",
    "WITH_PASSWORD": "https://ann:hunter2@agents.example.com",
    "NO_URL": "lsv2_secret",
}

PROD = "servers:\n  - name: prod\n    url: ${PROD_URL}\n"
STARTED = f"{PROD}    start: [deploy]\n"
WATCHED = f'{PROD}    watch:\n      channel: "#ops"\n'

WHOLE = """\
servers:
  - name: prod
    url: ${PROD_URL}
    api_key: ${PROD_KEY}
    start: [deploy, refund]
    watch:
      graphs: [deploy, refund-*]
      metadata: {team: payments, tier: 1}
      channel: "#ops"
      requester: metadata.user.email
    webhook_key: ${HOOK_KEY}
  - name: stage-2
    url: http://${HOST}:2024
    watch: {channel: C012AB3CD}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "servers.yaml"


def loaded(file: Path, text: str) -> tuple[ServerTerms, ...]:
    file.write_text(text)
    return servers_file.load(file, lambda name: VARIABLES.get(name, ""))


def refusal(file: Path, text: str) -> str:
    with pytest.raises(SettingsError) as refused:
        loaded(file, text)
    return str(refused.value).replace(str(file), "servers.yaml")


def test_every_key_is_read(file: Path) -> None:
    prod, stage = loaded(file, WHOLE)

    assert prod == ServerTerms(
        name="prod",
        url="https://agents.example.com",
        api_key="lsv2_secret",
        start=("deploy", "refund"),
        watch=WatchTerms(
            channel="#ops",
            graphs=("deploy", "refund-*"),
            metadata={"team": "payments", "tier": 1},
            requester=("user", "email"),
        ),
        webhook_key="0123456789abcdef",
    )
    assert stage == ServerTerms(
        name="stage-2", url="http://agents.example.com:2024", watch=WatchTerms(channel="C012AB3CD")
    )


def test_keys_stand_in_no_representation(file: Path) -> None:
    """Logs and tracebacks may print the terms of a server."""
    prod, _ = loaded(file, WHOLE)

    assert "lsv2_secret" not in repr(prod)
    assert "0123456789abcdef" not in repr(prod)


NAME = "is not the name of a server: write up to 31 small letters, digits, - and _, such as prod."
ADDRESS = "write http:// or https:// and the server's address, such as https://agents.example.com."
WRITTEN = "a key does not belong into this file: put it into .env or the environment, and write here its name, such as "


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        # Keys
        (f"{STARTED}    wach: 1", 'line 5, key "servers.0.wach": there is no such key. Did you mean "watch"?'),
        (f"{WATCHED}      chanel: 1", 'line 6, key "servers.0.watch.chanel": there is no such key. Did you mean'),
        (f"{STARTED}server: []", 'line 5, key "server": there is no such key. Did you mean "servers"?'),
        (f"{STARTED}    url: http://b", 'line 5, key "url": it appears twice, first in line 3. Keep one.'),
        ("servers:\n  - url: ${PROD_URL}", 'line 2, key "servers.0.name": this key is missing.'),
        ("servers:\n  - name: prod", 'line 2, key "servers.0.url": this key is missing.'),
        ("servers: []", 'line 1, key "servers": no server is named. Name one, or remove the file.'),
        ("servers: prod", 'line 1, key "servers": this should be a list, such as [{name: prod, url: '),
        ("servers: [prod]", 'line 1, key "servers.0": this should be a mapping with name, url, api_key, start, '),
        ("", "line 1: this should be a mapping with servers."),
        (f"{PROD}    start:", 'line 4, key "servers.0.start": this key has no value: give it one, or leave it out.'),
        (PROD, 'line 2, key "servers.0": nothing is started on this server and none of its threads is watched.'),
        # Names
        ("servers:\n  - {name: Prod, url: http://a}", f"line 2, key \"servers.0.name\": 'Prod' {NAME}"),
        (f"servers:\n  - name: {'a' * 32}\n    url: http://a", f"\"servers.0.name\": '{'a' * 32}' {NAME}"),
        (
            f"{STARTED}  - name: prod\n    url: http://b\n    start: [a]",
            'line 5, key "servers.1.name": another server has this name. Give it its own.',
        ),
        # Addresses
        (
            "servers:\n  - {name: a, url: prod:2024}",
            f"\"servers.0.url\": 'prod:2024' is not the address of a server: {ADDRESS}",
        ),
        (
            "servers:\n  - {name: a, url: ftp://a}",
            f"\"servers.0.url\": 'ftp://a' is not the address of a server: {ADDRESS}",
        ),
        ("servers:\n  - {name: a, url: http://a:99999}", "'http://a:99999' is not the address of a server: "),
        ("servers:\n  - {name: a, url: 7}", f'"servers.0.url": 7 is not the address of a server: {ADDRESS}'),
        (
            "servers:\n  - name: a\n    url: ${WITH_PASSWORD}",
            'line 3, key "servers.0.url": this address holds a user name or a password: leave it out, and give the key '
            "under api_key.",
        ),
        (
            "servers:\n  - {name: a, url: 'http://a/?x=1'}",
            "\"servers.0.url\": 'http://a/?x=1' goes on after the address, with ? or #: leave that out.",
        ),
        # Variables
        (
            "servers:\n  - name: a\n    url: ${STAGE_URL}",
            'line 3, key "servers.0.url": ${STAGE_URL} is not set: put STAGE_URL into .env or the environment.',
        ),
        (
            f"{STARTED}    api_key: ${{NO_KEY}}",
            'line 5, key "servers.0.api_key": ${NO_KEY} is not set: put NO_KEY into .env or the environment.',
        ),
        (f"{STARTED}    api_key: lsv2_secret", f'line 5, key "servers.0.api_key": {WRITTEN}${{PROD_LANGGRAPH_KEY}}.'),
        (
            f"{STARTED}    api_key: ${{SPACED}}",
            'line 5, key "servers.0.api_key": the value of ${SPACED} is no key: it holds spaces at its ends, ',
        ),
        (
            f"{STARTED}    webhook_key: ${{SHORT}}",
            'line 5, key "servers.0.webhook_key": the value of ${SHORT} is too short to be a key: use what '
            "`openssl rand -hex 32` prints.",
        ),
        # What is started and watched
        (f"{PROD}    start: []", 'line 4, key "servers.0.start": an empty list starts nothing. Leave it out if '),
        (f"{PROD}    start: deploy", 'line 4, key "servers.0.start": this should be a list, such as [deploy, refund].'),
        (f"{PROD}    start: [a b]", "line 4, key \"servers.0.start.0\": 'a b' does not name an assistant: "),
        (f"{PROD}    start: [a/b]", "line 4, key \"servers.0.start.0\": 'a/b' holds a /, which stands between "),
        (f"{PROD}    start: [a, a]", "line 4, key \"servers.0.start\": 'a' appears twice: name each assistant once."),
        (f"{PROD}    watch: {{}}", 'line 4, key "servers.0.watch.channel": this key is missing.'),
        (f"{PROD}    watch: yes", 'line 4, key "servers.0.watch": this should be a mapping with channel, graphs, '),
        (
            f"{PROD}    watch: {{channel: ops}}",
            "\"servers.0.watch.channel\": 'ops' is not a channel: write its name in ",
        ),
        (f"{WATCHED}      graphs: []", 'line 6, key "servers.0.watch.graphs": an empty list watches nothing. '),
        (f"{WATCHED}      metadata: {{}}", 'line 6, key "servers.0.watch.metadata": this should be a mapping of keys'),
        (
            f"{WATCHED}      metadata: {{a: [1]}}",
            '"servers.0.watch.metadata": a should be a text with a text, a number',
        ),
        (
            f"{WATCHED}      requester: user_email",
            "line 6, key \"servers.0.watch.requester\": 'user_email' does not say where a thread names a person: write "
            "metadata and the key, such as metadata.user_email.",
        ),
        # What is no YAML
        ("servers:\n  - name: [", "line 2: this is not YAML ("),
        ("servers:\n\t- name: a", "line 2: this is not YAML ("),
        ("servers: &a [*a]\n", "line 1"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_what_is_right(file: Path, text: str, sentence: str) -> None:
    said = refusal(file, text)

    assert said.startswith("servers.yaml, line ")
    assert sentence in said


@pytest.mark.parametrize("value", ["NO_URL", "WITH_PASSWORD"])
def test_no_error_repeats_the_value_of_a_variable(file: Path, value: str) -> None:
    """The wrong variable may hold a key."""
    said = refusal(file, f"servers:\n  - name: prod\n    url: ${{{value}}}\n    start: [a]")

    assert "lsv2_secret" not in said
    assert "hunter2" not in said


def test_every_mistake_is_told_at_once(file: Path) -> None:
    said = refusal(file, "servers:\n  - name: Prod\n    url: x\n    watch: {chanel: 1}")

    assert [line.split('"')[1] for line in said.splitlines()] == [
        "servers.0.name",
        "servers.0.url",
        "servers.0.watch.channel",
        "servers.0.watch.chanel",
    ]


# --- Where the file is, and its variables ---------------------------------------------------------


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the bot starts in, with a .env that has the tokens."""
    monkeypatch.chdir(tmp_path)
    for name in ("SERVERS_FILE", "PROD_URL"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / ".env").write_text("SLACK_BOT_TOKEN=xoxb-1\nSLACK_APP_TOKEN=xapp-1\n")
    return tmp_path


def add(file: Path, line: str) -> None:
    file.write_text(f"{file.read_text()}{line}\n")


def configured() -> list[tuple[str, str]]:
    return [(each.name, each.url) for each in servers_file.configured(settings.load(Path(".env")))]


@pytest.mark.usefixtures("home")
def test_without_a_file_there_are_no_servers() -> None:
    assert configured() == []


def test_a_file_that_the_setting_names_must_exist(home: Path) -> None:
    add(home / ".env", "SERVERS_FILE=agents.yaml")

    with pytest.raises(SettingsError, match=r"agents\.yaml: there is no such file\. SERVERS_FILE names it"):
        configured()


def test_the_file_that_the_setting_names_is_read(home: Path) -> None:
    add(home / ".env", "SERVERS_FILE=agents.yaml")
    (home / "agents.yaml").write_text("servers:\n  - {name: a, url: http://a, start: [b]}")

    assert configured() == [("a", "http://a")]


def test_variables_of_the_file_may_stand_in_env(home: Path) -> None:
    add(home / ".env", "PROD_URL=http://from-env-file")
    (home / "servers.yaml").write_text(STARTED)

    assert configured() == [("prod", "http://from-env-file")]


def test_the_environment_comes_before_env(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add(home / ".env", "PROD_URL=http://from-env-file")
    (home / "servers.yaml").write_text(STARTED)
    monkeypatch.setenv("PROD_URL", "http://from-environment")

    assert configured() == [("prod", "http://from-environment")]


def test_a_name_that_the_file_does_not_mention_still_stops_the_start(home: Path) -> None:
    """A misspelt setting never fails open."""
    add(home / ".env", "PROD_ULR=http://from-env-file")
    (home / "servers.yaml").write_text(STARTED)

    with pytest.raises(SettingsError, match="key PROD_ULR: there is no such setting"):
        configured()


def test_settings_show_no_variable(home: Path) -> None:
    add(home / ".env", "PROD_URL=http://from-env-file")
    (home / "servers.yaml").write_text(STARTED)

    assert "from-env-file" not in repr(settings.load(Path(".env")))
