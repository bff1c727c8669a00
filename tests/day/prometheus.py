"""A Prometheus beside the bot, with the rules of `deploy/prometheus` at the pace of the day."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import yaml

from tests.support.stage import ROOT

RULES: Final = ROOT / "deploy" / "prometheus" / "rules.yml"
SCRAPES_PER_MINUTE: Final = 4
"""As with the usual interval of 15 seconds."""
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_RANGE: Final = re.compile(r"\[(\d+)([smhd])\]")
_FOR: Final = re.compile(r"(\d+)([smhd])")
_AGE: Final = re.compile(r"(oldest_\w+_seconds\) > )(\d+)")
SECONDS_TO_START: Final = 30.0


class NoPrometheus(Exception):
    """There is no `prometheus` on PATH."""


@dataclass(frozen=True, slots=True)
class Firing:
    """An alert, and when it fired. Seconds since 1970."""

    began: float
    ended: float | None
    """None if it still fired at the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One series, as it was scraped."""

    labels: Mapping[str, str]
    values: Sequence[float]

    @property
    def rise(self) -> float:
        """How much a counter has risen. It begins at zero with each start of the bot."""
        before = [0.0, *self.values]
        return sum(now - was if now >= was else now for was, now in zip(before, self.values, strict=False))


@dataclass(frozen=True, slots=True, kw_only=True)
class Prometheus:
    """A running Prometheus that scrapes the bot."""

    url: str

    def series(self, name: str, seconds: float) -> list[Series]:
        """All that was scraped of a metric within the last `seconds`."""
        found = self._get("query", query=f"{name}[{seconds:.0f}s]")
        return [
            Series(labels=each["metric"], values=[float(value) for _, value in each["values"]])
            for each in found["result"]
        ]

    def firings(self, began: float, step: float) -> dict[str, list[Firing]]:
        """When each alert fired, by its name."""
        now = time.time()
        found = self._get(
            "query_range", query='ALERTS{alertstate="firing"}', start=str(began), end=str(now), step=str(step)
        )
        firings: dict[str, list[Firing]] = {}
        for each in found["result"]:
            times = [float(at) for at, _ in each["values"]]
            begins = [at for before, at in zip([0.0, *times], times, strict=False) if at - before > 2 * step]
            for begin in begins:
                last = max(at for at in times if at >= begin and not any(begin < other <= at for other in begins))
                ended = last + step if last + 2 * step < now else None
                firings.setdefault(each["metric"]["alertname"], []).append(Firing(begin, ended))
        return {name: sorted(each, key=lambda one: one.began) for name, each in firings.items()}

    def is_firing(self, alert: str) -> bool:
        """Whether it fires now."""
        return bool(self._get("query", query=f'ALERTS{{alertname="{alert}",alertstate="firing"}}')["result"])

    def _get(self, what: str, **query: str) -> dict[str, Any]:
        answer = httpx.get(f"{self.url}/api/v1/{what}", params=query, timeout=30).raise_for_status().json()
        data: dict[str, Any] = answer["data"]
        return data


def scaled(rules: str, minute: float) -> str:
    """The rules, with every minute of theirs taking `minute` seconds: how long something lasts before an alert fires,
    the ranges that are looked at, and the ages that are too old. What is a limit of Slack's, or is a number of sweeps,
    stays."""
    factor = minute / 60
    parsed = yaml.safe_load(rules)

    def shorter(number: str, unit: str) -> str:
        return f"{int(number) * _UNITS[unit] * factor * 1000:.0f}ms"

    for group in parsed["groups"]:
        for rule in group["rules"]:
            if "for" in rule:
                rule["for"] = _FOR.sub(lambda found: shorter(*found.groups()), rule["for"])
            expression = _RANGE.sub(lambda found: f"[{shorter(*found.groups())}]", rule["expr"])
            rule["expr"] = _AGE.sub(lambda found: f"{found[1]}{int(found[2]) * factor:g}", expression)
    return yaml.safe_dump(parsed, sort_keys=False)


@contextmanager
def running(folder: Path, target: str, minute: float, port: int) -> Iterator[Prometheus]:
    """A Prometheus that scrapes the target while the block runs. It listens on loopback alone."""
    program = shutil.which("prometheus")
    if program is None:
        raise NoPrometheus("no prometheus on PATH (on Debian and Ubuntu: apt install prometheus)")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rules.yml").write_text(scaled(RULES.read_text(), minute))
    interval = f"{1000 * minute / SCRAPES_PER_MINUTE:.0f}ms"
    config = {
        "global": {"scrape_interval": interval, "scrape_timeout": interval, "evaluation_interval": interval},
        "rule_files": ["rules.yml"],
        "scrape_configs": [{"job_name": "countersign", "static_configs": [{"targets": [target]}]}],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    address = f"127.0.0.1:{port}"
    options = [
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
        "--log.level=warn",
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, *options], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        _wait_ready(process, f"http://{address}/-/ready", folder / "log")
        yield Prometheus(url=f"http://{address}")
    finally:
        process.terminate()
        process.wait(SECONDS_TO_START)


def _wait_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    until = time.monotonic() + SECONDS_TO_START
    while process.poll() is None and time.monotonic() < until:
        try:
            if httpx.get(url, timeout=1).is_success:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    raise RuntimeError(f"Prometheus did not start:\n{log.read_text()[-2000:]}")
