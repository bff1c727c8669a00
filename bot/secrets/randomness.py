"""Whether a string is random: made by a machine to be unguessable, rather than a word, path, number or name."""

from __future__ import annotations

import math
import re
from collections import Counter
from itertools import pairwise
from typing import Final

LEAST: Final = 20
"""Characters; of fewer there is too little to tell."""
_BITS: Final = 3.7
"""Entropy of a character. detect-secrets asks for 4.5, which 20 random letters cannot have; what is lost in strictness
is made up for by `_TURNS`."""
_TURNS: Final = 0.34
"""How often a random string goes from one kind of letter to another: of base 62 it is 0.62, of words far less."""
_KINDS: Final = {**dict.fromkeys("0123456789", 1), **dict.fromkeys("+/=_-", 2)}
_LONGEST: Final = 400
"""Characters that are looked at: what is random there is random."""
_HEX: Final = re.compile(r"[0-9a-f]+|[0-9A-F]+")


def is_random(token: str) -> bool:
    """Whether the token is too random to be a word. Hexadecimal digits are not: commits and digests look so."""
    if len(token) < LEAST or _HEX.fullmatch(token.replace("-", "")):
        return False
    seen = token[:_LONGEST]
    letters = seen.rstrip("=")
    kinds = [_kind(character) for character in letters]
    if not {1, 3, 4} <= set(kinds):
        return False
    turns = sum(a != b for a, b in pairwise(kinds)) / max(len(kinds) - 1, 1)
    return turns >= _TURNS and _entropy(letters) >= _BITS and _digits(letters) and not _spelled(letters)


def _kind(character: str) -> int:
    return _KINDS.get(character) or (3 if character.isupper() else 4)


def _digits(letters: str) -> bool:
    """Whether there are digits in more than one place. A name may end with a number."""
    return len(re.findall(r"\d+", letters)) > 1 or len(letters) >= 40


def _spelled(letters: str) -> bool:
    """Whether most of it is words: runs of four small letters and more with vowels among them."""
    words = re.findall(r"[A-Z]?[a-z]{3,}", letters)
    spelled = sum(len(word) for word in words if re.search("[aeiouy]", word))
    return spelled > 0.5 * len(letters)


def _entropy(letters: str) -> float:
    counts = Counter(letters)
    return -sum(n / len(letters) * math.log2(n / len(letters)) for n in counts.values())
