"""Takes snapshots of the standard cards. `make cards` runs it; `python -m tools.cards --help` says what it takes."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser

from bot.cli.standard_cards.drawings import Drawing, drawings
from simulator.errors import SlackError
from tests.browser.people import NoChromium, browser, executable
from tools.cards import reading, table
from tools.cards.photos import LOOKS, Look, studio
from tools.cards.standard import standard

OUT: Final = Path("var/cards")
_MAIN: Final = (
    "asked",
    "one of two",
    "edited",
    "approved, done",
    "rejected",
    "stopped",
    "expired",
    "DM of an escalation",
    "modal: Details",
    "modal: Review",
    "modal: One by one",
    "Home: asked",
)
"""The drawings that are photographed unless `--photos all` asks for each, which takes some minutes."""


def main() -> int:
    wanted = _arguments()
    drawn = [each for card in standard() for each in drawings(card) if _matches(each, wanted.names)]
    if not drawn:
        sys.stderr.write(f"Nothing is called {' or '.join(wanted.names)}. Without a name, all are drawn.\n")
        return 1
    fresh(wanted.out)
    write(drawn, wanted.out)
    photos: dict[str, list[str]] = {}
    if wanted.photos != "none":
        chosen = [each for each in drawn if wanted.photos == "all" or each.name in _MAIN]
        try:
            photos = photographed(chosen, wanted.out)
        except NoChromium as error:
            sys.stderr.write(f"No picture was taken: {error}.\n")
    told = table.markdown(drawn)
    (wanted.out / "table.md").write_text(told, encoding="utf-8")
    (wanted.out / "index.html").write_text(table.page(drawn, photos), encoding="utf-8")
    sys.stdout.write(f"{told}\nopen {wanted.out / 'index.html'}\n")
    return 0


def fresh(out: Path) -> None:
    """An empty folder. Only files that this made are removed."""
    out.mkdir(parents=True, exist_ok=True)
    for pattern in ("*.json", "*.txt", "*.png", "table.md", "index.html"):
        for path in out.glob(pattern):
            path.unlink()


def write(drawn: Sequence[Drawing], out: Path) -> None:
    """Each drawing as JSON, as Slack would get it, and as text."""
    for each in drawn:
        sent = each.view if each.view is not None else {"text": each.text, "blocks": each.blocks}
        (out / f"{each.file}.json").write_text(json.dumps(sent, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        (out / f"{each.file}.txt").write_text(reading.whole(each), encoding="utf-8")


def photographed(drawn: Sequence[Drawing], out: Path) -> dict[str, list[str]]:
    """Takes pictures of all of them in every look. The looks of each, by its file. Raises `NoChromium`."""
    photos: dict[str, list[str]] = {each.file: [] for each in drawn}
    with browser(executable()) as opened:
        for look in LOOKS:
            for each, png in _taken(opened, look, drawn):
                (out / f"{each.file}.{look.name}.png").write_bytes(png)
                photos[each.file].append(look.name)
    return photos


def _taken(opened: Browser, look: Look, drawn: Sequence[Drawing]) -> Iterator[tuple[Drawing, bytes]]:
    with studio(opened, look) as room:
        for each in drawn:
            try:
                yield each, room.take(each)
            except SlackError as refused:
                sys.stderr.write(f"{each.card}: {each.name}: Slack would refuse it: {refused}\n")


def _matches(drawing: Drawing, names: Sequence[str]) -> bool:
    """Whether every word is in the drawing's name or its card's, for one of the names."""
    full = f"{drawing.card} {drawing.name}".lower()
    return not names or any(all(word in full for word in name.lower().split()) for name in names)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.cards", description=__doc__)
    parser.add_argument("names", nargs="*", help="what to draw: words of a card or a state; without any, everything")
    parser.add_argument("--out", type=Path, default=OUT, help="the folder for the files")
    parser.add_argument("--photos", choices=("main", "all", "none"), default="main", help="which drawings get pictures")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
