"""What an edit changed: each argument before and after. Short values share a line, long ones are compared line by line.

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
from bot.approvals.model.request import NotUsed, Request
from bot.slack import blocks, display, text
from bot.slack.blocks import Block, Element
from bot.slack.cards import values
from bot.slack.cards.values import Detail
from bot.slack.display import Reading
from bot.slack.text import moment

MAX_INLINE_CHARACTERS: Final = 60
"""If neither side is longer, both stand in one line."""
_MAX_LINE_CHARACTERS: Final = 80
"""If a line is longer, its sentences are compared instead."""
CONTEXT_LINES: Final = 1
"""How many unchanged lines are shown before and after a changed one."""
_MAX_COMPARED_LINES: Final = 400
"""A longer text is not compared, because that would take too long: all of both sides is shown."""
_SENTENCE: Final = re.compile(r"(?<=[.!?;])\s+(?=\S)")
_LEAST_ROWS: Final = 3
"""However little else a card shows, it shows this many of the changed arguments."""
_LEAST_CHARACTERS: Final = 100
"""However little else a card shows, it shows this much of each changed argument."""
_ABSENT: Final = object()


def section(request: Request, detail: Detail | None) -> tuple[list[Block], bool]:
    """Who changed the request and what they changed, and whether anything was left out. Empty if nobody changed it."""
    if not request.edits:
        return [], False
    editors = text.mentions(list(dict.fromkeys(edit.person for edit in request.edits)))
    version = f" · version {request.version:,}" if request.version > 1 else ""
    said = blocks.context(f"*Changed by* {editors} · {moment(request.edits[-1].at)}{version}")
    if detail is None:
        return [said], True
    parts, cut = _parts(request.proposed, request.question, _at_least(detail), request.policy.card.labels)
    if len(parts) == 1 and _is_line(parts[0]) and len(request.edits) == 1:
        who = [blocks.run("Changed by "), blocks.who(request.edits[0].person), blocks.run(":  ")]
        return [blocks.rich(blocks.line(*who, *parts[0]["elements"]))], cut
    return [said, *([blocks.rich(*parts)] if parts else [])], cut


def _at_least(detail: Detail) -> Detail:
    """Enough detail to read what was changed: the rest of the card gives way first."""
    return replace(
        detail,
        rows=max(detail.rows, _LEAST_ROWS),
        text=max(detail.text, _LEAST_CHARACTERS),
        value=max(detail.value, _LEAST_CHARACTERS),
    )


def _is_line(part: Element) -> bool:
    """Whether it is one short line of text."""
    runs = part["elements"] if part["type"] == "rich_text_section" else [blocks.run("\n")]
    said = "".join(str(each["text"]) for each in runs)
    return "\n" not in said and len(said) <= MAX_INLINE_CHARACTERS


def since_decided(request: Request, detail: Detail | None) -> tuple[list[Block], bool]:
    """How this question differs from the one that was decided before, and whether anything was left out. Empty if
    nothing was decided before, or if the same is asked again because the decision came too late."""
    if request.before is None or request.before.why is NotUsed.STALE:
        return [], False
    if detail is None:
        return [], True
    before, now, labels = request.before.question, request.proposed, request.policy.card.labels
    parts, cut = ([], False) if request.before.why is NotUsed.ASKED_ELSE else _parts(before, now, detail, labels)
    if not parts:  # if arguments differ, the words around them tend to repeat them
        parts, cut = _parts(_with_title(before), _with_title(now), detail, labels)
    return [blocks.rich(*parts)] if parts else [], cut


def names(request: Request) -> list[str]:
    """The names of the arguments that people changed, each once."""
    changed = _changed(request.proposed, request.question)
    return list(dict.fromkeys(name for _, of_item in changed for name, _, _ in of_item))


def whole(request: Request) -> str:
    """The difference as text, with nothing left out."""
    written: list[str] = []
    for number, changed in _changed(request.proposed, request.question):
        for name, before, after in changed:
            head = f"{number + 1}. {request.question.items[number].name} " if len(request.question.items) > 1 else ""
            written.append(f"{head}{name}:\n{_compared(before, after, CONTEXT_LINES)}")
    return "\n\n".join(written)


def _with_title(question: Question) -> Question:
    """The question with its title and text as an item of their own, so that they are compared too."""
    words = {key: value for key, value in (("question", question.title), ("text", question.text)) if value}
    return replace(question, items=(replace(question.items[0], name="", arguments=words), *question.items))


def _parts(old: Question, new: Question, detail: Detail, labels: Mapping[str, str]) -> tuple[list[Element], bool]:
    parts: list[Element] = []
    lines: list[Element] = []
    cut = False
    left = max(detail.rows, 1)  # what changed tells more than what it is now

    def close() -> None:
        if lines:
            parts.append(blocks.line(*lines))
            lines.clear()

    for number, changed in _changed(old, new):
        several = len(new.items) > 1
        item = text.label(display.label((new.items[number:] or old.items[number:])[0].name), 60)
        alone = several and len(changed) == 1
        if several and item:
            lines.extend([blocks.run("\n")] if lines else [])
            lines.append(blocks.run(f"{number + 1}. {'' if alone else item}", "bold"))
        named = display.labels([name for name, _, _ in changed], labels)
        for name, before, after in changed[:left]:
            lines.extend([blocks.run("\n")] if lines and not (alone and item) else [])
            lines.append(blocks.run(text.label(named[name], 60) or '""', "bold"))
            beside, below, shortened = _change(name, before, after, detail, _currency(new, number, name))
            lines.extend(beside)
            cut |= shortened
            if below is not None:
                close()
                parts.append(below)
        if rest := changed[left:]:
            more = text.label(", ".join(named[name] for name, _, _ in rest), 200)
            lines.extend([blocks.run("\n")] if lines else [])
            lines.append(blocks.run(f"… {text.counted(len(rest), 'more change')}: {more}", "italic"))
            cut = True
        left = max(left - len(changed), 0)
    close()
    return parts, cut


def _changed(old: Question, new: Question) -> Iterator[tuple[int, list[tuple[str, object, object]]]]:
    """For each item that differs, its number and its changed arguments: name, old value, new value."""
    for number, (was, asked) in enumerate(zip_longest(old.items, new.items)):
        before, after = (item.arguments if item is not None else {} for item in (was, asked))
        pairs = [(name, _of(before, name), _of(after, name)) for name in dict.fromkeys([*before, *after])]
        changed = [(name, old, new) for name, old, new in pairs if _canonical(old) != _canonical(new)]
        if changed:
            yield number, changed


def _currency(question: Question, number: int, name: str) -> str:
    """The currency that stands beside this amount. Empty if none does."""
    arguments = question.items[number].arguments if number < len(question.items) else {}
    readings = display.readings(arguments, most=display.MAX_PRICED)
    return next((each.beside for each in readings if each.name == name), "")


def _change(
    name: str, before: object, after: object, detail: Detail, beside: str
) -> tuple[list[Element], Element | None, bool]:
    """What to show beside the name, what to show below it, and whether anything was cut."""
    old, new = _pair(name, before, after, beside)
    lines = any(isinstance(side, str) and "\n" in side for side in (before, after))
    if len(old) <= MAX_INLINE_CHARACTERS and len(new) <= MAX_INLINE_CHARACTERS and not lines:
        was = [blocks.run("  "), blocks.run(old, "strike")] if before is not _ABSENT else []
        now = [blocks.run(" → " if was else "  "), blocks.run(new)] if after is not _ABSENT else []
        note = "  (removed)" if not now else "  (added)" if not was else ""
        return [*was, *now, *([blocks.run(note, "italic")] if note else [])], None, False
    short = text.folded(_compared(before, after, CONTEXT_LINES), detail.value * 2)
    return [blocks.run(f"  {_sizes(before, after)}", "italic")], blocks.code(short.text), short.cut


def _compared(before: object, after: object, around: int) -> str:
    """The difference line by line: `-` before an old line, `+` before a new one, `…` for unchanged lines left out."""
    old, new = _lines(before), _lines(after)
    if len(old) > _MAX_COMPARED_LINES or len(new) > _MAX_COMPARED_LINES:
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
    """The lines of a text, or its sentences if its lines are long. For any other value, the lines of its JSON."""
    if value is _ABSENT:
        return []
    words = _words(value)
    lines = words.split("\n")
    if isinstance(value, str) and max(len(line) for line in lines) > _MAX_LINE_CHARACTERS:
        return [sentence for line in lines for sentence in _SENTENCE.split(line)]
    return lines


def _words(value: object) -> str:
    if value is _ABSENT:
        return ""
    return value if isinstance(value, str) else text.pretty(value)  # type: ignore[arg-type]  # JSON, or absent


def _pair(name: str, before: object, after: object, beside: str = "") -> tuple[str, str]:
    """Both values, each in one line, with what stands beside them. If they read the same in words, both as JSON."""
    old, new = (_line(value, name, beside) for value in (before, after))
    if old != new:
        return old, new
    return _raw(before), _raw(after)


def _raw(value: object) -> str:
    return "" if value is _ABSENT else text.visible(values.raw(value))  # type: ignore[arg-type]  # JSON


def _line(value: object, name: str, beside: str) -> str:
    """The value in one line. A text that could be mistaken for another value stands in quotes."""
    if value is _ABSENT:
        return ""
    reading = Reading(name=name, label=name, value=value, beside=beside)  # type: ignore[arg-type]  # JSON
    return text.visible(values.raw(reading.value) if "\n" in reading.words else reading.words)


def _of(arguments: Mapping[str, JSON], name: str) -> object:
    return arguments.get(name, _ABSENT)


def _canonical(value: object) -> str:
    return "" if value is _ABSENT else json.dumps(value, sort_keys=True)
