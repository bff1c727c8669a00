"""Files in words: how many, how large, how old, and what became of them."""

from collections.abc import Sequence
from typing import Final

from graphs import trash

_MAX_LISTED: Final = 10


def count(number: int) -> str:
    """ "1 file", "2,000 files"."""
    return "1 file" if number == 1 else f"{number:,} files"


def size(files: Sequence[trash.File]) -> str:
    """The size of all of them, roundly and exactly: "1.0 kB (1,023 bytes)"."""
    total = sum(file["size"] for file in files)
    return f"{rounded(total)} ({total:,} bytes)" if total >= 1000 else rounded(total)


def rounded(number: int) -> str:
    """A number of bytes, such as "1.0 kB"."""
    if number < 1000:
        return "1 byte" if number == 1 else f"{number} bytes"
    amount = float(number)
    for unit in ("kB", "MB", "GB"):
        amount /= 1000
        if amount < 999.95:
            return f"{amount:.1f} {unit}"
    return f"{amount / 1000:.1f} TB"


def difference(before: trash.File, now: trash.File | str) -> str:
    """What is different about a file, or why it cannot be moved any more. Empty if it is as before."""
    if isinstance(now, str):
        return now
    if now["identity"] == before["identity"]:
        return ""
    when = f"last changed {now['modified'].replace('T', ' ').replace('+00:00', ' UTC')}"
    if now["size"] != before["size"]:
        verb = "grew" if now["size"] > before["size"] else "shrank"
        return f"{verb} from {size([before])} to {size([now])}, {when}"
    return f"of the same size, {when}" if now["modified"] != before["modified"] else "replaced by another file"


def listed(entries: Sequence[trash.Skipped]) -> list[str]:
    """A line for each of the first ten, with the reason, and how many more there are."""
    lines = [f"{entry['path']}: {entry['reason']}" for entry in entries[:_MAX_LISTED]]
    if len(entries) > _MAX_LISTED:
        lines.append(f"and {len(entries) - _MAX_LISTED:,} more")
    return lines
