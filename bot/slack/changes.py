"""What an edit changed: of each argument what it was and what it is, long ones line by line, the others in one line.

Both sides are untrusted, so all of it is rich text.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Final

from bot.approvals.errors import moment
from bot.approvals.ids import JSON
from bot.approvals.request import Request
from bot.slack import blocks, text, values
from bot.slack.blocks import Block, Element
from bot.slack.values import Detail

INLINE: Final = 60
"""Characters of a value up to which both sides stand in one line."""
_WIDE: Final = 80
"""Characters of a line from which on its sentences are compared."""
AROUND: Final = 1
"""Unchanged lines that are shown beside changed ones."""
_MOST_LINES: Final = 400
"""Of a longer text both sides are told apart by their lengths alone: a comparison would take too long."""
_SENTENCE: Final = re.compile(r"(?<=[.!?;])\s+(?=\S)")
_ABSENT: Final = object()


def section(request: Request, detail: Detail | None) -> tuple[list[Block], bool]:
    """Who changed it, and what; and whether something of that was left out. Nothing where nobody did."""
    if not request.edits:
        return [], False
    editors = text.mentions(list(dict.fromkeys(edit.person for edit in request.edits)))
    said = blocks.section(f"*Changed by* {editors} · {moment(request.edits[-1].at)}")
    if detail is None:
        return [said], True
    parts, cut = _parts(request, detail)
    return [said, *([blocks.rich(*parts)] if parts else [])], cut


def names(request: Request) -> list[str]:
    """The arguments that differ from what was proposed, each once."""
    return list(dict.fromkeys(name for _, changed in _changed(request) for name, _, _ in changed))


def whole(request: Request) -> str:
    """The difference as text, with nothing left out."""
    written: list[str] = []
    for number, changed in _changed(request):
        for name, before, after in changed:
            head = f"{number + 1}. {request.question.items[number].name} " if len(request.question.items) > 1 else ""
            written.append(f"{head}{name}:\n{_compared(before, after, AROUND)}")
    return "\n\n".join(written)


def _parts(request: Request, detail: Detail) -> tuple[list[Element], bool]:
    parts: list[Element] = []
    lines: list[Element] = []
    cut = False
    left = detail.rows

    def close() -> None:
        if lines:
            parts.append(blocks.line(*lines))
            lines.clear()

    for number, changed in _changed(request):
        if len(request.question.items) > 1:
            lines.extend([blocks.run("\n")] if lines else [])
            lines.append(blocks.run(f"{number + 1}.  {text.label(request.question.items[number].name, 60)}", "bold"))
        for name, before, after in changed[:left]:
            lines.extend([blocks.run("\n")] if lines else [])
            lines.append(blocks.run(text.label(name, 60) or '""', "bold"))
            beside, below, shortened = _change(before, after, detail)
            lines.extend(beside)
            cut |= shortened
            if below is not None:
                close()
                parts.append(below)
        if rest := changed[left:]:
            more = text.label(", ".join(name for name, _, _ in rest), 200)
            lines.extend([blocks.run("\n")] if lines else [])
            lines.append(blocks.run(f"… {text.counted(len(rest), 'more change')}: {more}", "italic"))
            cut = True
        left = max(left - len(changed), 0)
    close()
    return parts, cut


def _changed(request: Request) -> Iterator[tuple[int, list[tuple[str, object, object]]]]:
    """Of each item that differs: name, what was proposed, what is asked now."""
    for number, (proposed, asked) in enumerate(zip(request.proposed.items, request.question.items, strict=False)):
        before, after = proposed.arguments, asked.arguments
        pairs = [(name, _of(before, name), _of(after, name)) for name in dict.fromkeys([*before, *after])]
        changed = [(name, old, new) for name, old, new in pairs if _canonical(old) != _canonical(new)]
        if changed:
            yield number, changed


def _change(before: object, after: object, detail: Detail) -> tuple[list[Element], Element | None, bool]:
    """What stands beside the name, what below it, and whether something was cut."""
    old, new = _line(before), _line(after)
    lines = any(isinstance(side, str) and "\n" in side for side in (before, after))
    if len(old) <= INLINE and len(new) <= INLINE and not lines:
        was = [blocks.run("  "), blocks.run(old, "strike")] if before is not _ABSENT else []
        now = [blocks.run("  →  " if was else "  "), blocks.run(new)] if after is not _ABSENT else []
        note = "  (removed)" if not now else "  (added)" if not was else ""
        return [*was, *now, *([blocks.run(note, "italic")] if note else [])], None, False
    short = text.shown(_compared(before, after, AROUND), detail.value * 2)
    return [blocks.run(f"  {_sizes(before, after)}", "italic")], blocks.code(short.text), short.cut


def _compared(before: object, after: object, around: int) -> str:
    """Line by line: `-` what was, `+` what is, and a mark where unchanged lines are left out."""
    old, new = _lines(before), _lines(after)
    if len(old) > _MOST_LINES or len(new) > _MOST_LINES:
        return "\n".join([*(f"- {line}" for line in old), *(f"+ {line}" for line in new)])
    written: list[str] = []
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    for group in matcher.get_grouped_opcodes(around):
        if written or group[0][1] > 0:
            written.append("  …")
        for kind, start, end, new_start, new_end in group:
            if kind == "equal":
                written += [f"  {line}" for line in old[start:end]]
            else:
                written += [f"- {line}" for line in old[start:end]]
                written += [f"+ {line}" for line in new[new_start:new_end]]
        if group[-1][2] < len(old):
            written.append("  …")
    return "\n".join(line for n, line in enumerate(written) if line != "  …" or written[n - 1 : n] != ["  …"])


def _sizes(before: object, after: object) -> str:
    old, new = len(_words(before)), len(_words(after))
    if before is _ABSENT:
        return f"added, {new:,} characters"
    return f"removed, {old:,} characters" if after is _ABSENT else f"{old:,} → {new:,} characters"


def _lines(value: object) -> list[str]:
    """The lines of a text; where it has hardly any, its sentences; of anything else the lines of its JSON."""
    if value is _ABSENT:
        return []
    words = _words(value)
    lines = words.split("\n")
    if isinstance(value, str) and max(len(line) for line in lines) > _WIDE:
        return [sentence for line in lines for sentence in _SENTENCE.split(line)]
    return lines


def _words(value: object) -> str:
    if value is _ABSENT:
        return ""
    return value if isinstance(value, str) else text.pretty(value)  # type: ignore[arg-type]  # JSON, or absent


def _line(value: object) -> str:
    """The value in one line, told apart from a text that reads like it."""
    return "" if value is _ABSENT else text.visible(values.word(value))  # type: ignore[arg-type]  # JSON


def _of(arguments: Mapping[str, JSON], name: str) -> object:
    return arguments.get(name, _ABSENT)


def _canonical(value: object) -> str:
    return "" if value is _ABSENT else json.dumps(value, sort_keys=True)
