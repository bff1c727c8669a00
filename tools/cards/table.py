"""The table of sizes, as Markdown that a terminal can show, and the page with all drawings side by side. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from html import escape

from bot.cli.standard_cards.drawings import Drawing, Place
from bot.slack import button_width as row
from tools.cards import reading
from tools.cards.photos import LOOKS
from tools.cards.reading import Size

Photos = Mapping[str, Collection[str]]
"""The names of the looks in which each drawing was photographed, by its file."""

_HEAD = ("card", "drawing", "60", "44", "rows", "buttons", "characters", "buttons on a phone")


def markdown(drawn: Sequence[Drawing]) -> str:
    """A row for each drawing: its lines at 60 and at 44 characters, its buttons, its characters."""
    rows = [_HEAD, tuple("-" * len(word) for word in _HEAD), *map(_row, drawn)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(_HEAD))]
    lines = (" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(f"| {line} |" for line in lines) + "\n"


def _row(drawing: Drawing) -> tuple[str, ...]:
    size = reading.size(drawing)
    numbers = (size.wide, size.narrow, size.rows, size.buttons, size.characters)
    return (drawing.card, drawing.name, *map(str, numbers), _buttons(size))


def _buttons(size: Size) -> str:
    """How wide the row is, for a message: a modal has other room."""
    return f"{size.row} of {row.ROOM} px{', wraps' if size.row > row.ROOM else ''}" if size.row else ""


def page(drawn: Sequence[Drawing], photos: Photos) -> str:
    """The page: for each drawing its pictures, its lines and its JSON. It needs the files beside it, and no network."""
    cards = list(dict.fromkeys(each.card for each in drawn))
    links = " · ".join(f'<a href="#{_anchor(card)}">{escape(card)}</a>' for card in cards)
    parts = [_section(card, [each for each in drawn if each.card == card], photos) for card in cards]
    return f"{_TOP}<nav>{links}</nav>{''.join(parts)}</html>\n"


def _section(card: str, drawn: Sequence[Drawing], photos: Photos) -> str:
    shown = "".join(_article(each, photos.get(each.file, ())) for each in drawn)
    return f'<section><h2 id="{_anchor(card)}">{escape(card)}</h2>{shown}</section>'


def _article(drawing: Drawing, taken: Collection[str]) -> str:
    size = reading.size(drawing)
    told = f"{size.wide} lines of 60, {size.narrow} of 44, {size.buttons} buttons, {size.characters:,} characters"
    images = "".join(
        f'<img loading="lazy" class="w{look.width}" src="{drawing.file}.{look.name}.png" alt="{look.name}">'
        for look in LOOKS
        if look.name in taken
    )
    texts = "".join(
        f"<pre>{escape(chr(10).join(reading.read(drawing, width)))}</pre>" for width in (reading.NARROW, reading.WIDE)
    )
    said = f"<p>{escape(drawing.text)}</p>" if drawing.place is Place.MESSAGE else ""
    return (
        f"<article><h3>{escape(drawing.name)}</h3><small>{told} · "
        f'<a href="{drawing.file}.json">JSON</a></small>{said}'
        f'<div class="row">{images}</div><div class="row">{texts}</div></article>'
    )


def _anchor(card: str) -> str:
    return card.replace(" ", "-")


_TOP = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Cards</title>
<style>
  :root { color-scheme: light dark; }
  body { margin: 0 24px 80px; font: 14px/1.5 system-ui, sans-serif; }
  nav { position: sticky; top: 0; padding: 12px 0; background: Canvas; border-bottom: 1px solid GrayText; }
  article { margin: 0 0 28px; }
  h2 { margin: 32px 0 8px; scroll-margin-top: 48px; }
  h3 { margin: 0; }
  .row { display: flex; flex-wrap: wrap; gap: 12px; align-items: flex-start; margin-top: 8px; }
  img { border: 1px solid color-mix(in srgb, GrayText 40%, transparent); border-radius: 6px; }
  img.w390 { width: 390px; }
  pre { margin: 0; padding: 8px; font: 12px/1.4 ui-monospace, monospace; border: 1px dashed GrayText; }
</style>
"""
