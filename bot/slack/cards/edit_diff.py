"""What an edit changed: of each argument what it was and what it is, long ones line by line, the others in one line.

Both sides are untrusted, so all of it is rich text.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import zip_longest
from typing import Final

from bot.approvals.model.ids import JSON
from bot.approvals.model.question import Question
from bot.approvals.model.request import Request
from bot.slack import blocks, text
from bot.slack.blocks import Block, Element
from bot.slack.cards import values
from bot.slack.cards.values import Detail
from bot.slack.text import moment

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
    parts, cut = _parts(request.proposed, request.question, detail)
    return [said, *([blocks.rich(*parts)] if parts else [])], cut


def since_decided(request: Request, detail: Detail | None) -> tuple[list[Block], bool]:
    """How what is asked now differs from what was decided before, and whether something of that was left out. Nothing
    if nothing was decided before."""
    if request.before is None or detail is None:
        return [], request.before is not None
    parts, cut = _parts(_with_title(request.before.question), _with_title(request.proposed), detail)
    return [blocks.rich(*parts)] if parts else [], cut


def names(request: Request) -> list[str]:
    """The arguments that differ from what was proposed, each once."""
    changed = _changed(request.proposed, request.question)
    return list(dict.fromkeys(name for _, of_item in changed for name, _, _ in of_item))


def whole(request: Request) -> str:
    """The difference as text, with nothing left out."""
    written: list[str] = []
    for number, changed in _changed(request.proposed, request.question):
        for name, before, after in changed:
            head = f"{number + 1}. {request.question.items[number].name} " if len(request.question.items) > 1 else ""
            written.append(f"{head}{name}:\n{_compared(before, after, AROUND)}")
    return "\n\n".join(written)


def _with_title(question: Question) -> Question:
    """The question, with its words as an item of their own, so that they are compared too."""
    words = {key: value for key, value in (("question", question.title), ("text", question.text)) if value}
    return replace(question, items=(replace(question.items[0], name="", arguments=words), *question.items))


def _parts(old: Question, new: Question, detail: Detail) -> tuple[list[Element], bool]:
    parts: list[Element] = []
    lines: list[Element] = []
    cut = False
    left = detail.rows

    def close() -> None:
        if lines:
            parts.append(blocks.line(*lines))
            lines.clear()

    for number, changed in _changed(old, new):
        item = text.label((new.items[number:] or old.items[number:])[0].name, 60)
        if len(new.items) > 1 and item:
            lines.extend([blocks.run("\n")] if lines else [])
            lines.append(blocks.run(f"{number + 1}.  {item}", "bold"))
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


def _changed(old: Question, new: Question) -> Iterator[tuple[int, list[tuple[str, object, object]]]]:
    """Of each item that differs: the name of each argument that does, what it was, what it is now."""
    for number, (was, asked) in enumerate(zip_longest(old.items, new.items)):
        before, after = (item.arguments if item is not None else {} for item in (was, asked))
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
