"""Compares names as people see them: without case or invisible characters, and with letters of other scripts as the
Latin letters that they look like.

A name comes from a graph, and often from a model. A name that slips past a strict rule would fall under a weaker one,
so a rule also matches a name that only looks like its pattern.
"""

from __future__ import annotations

import unicodedata
from fnmatch import fnmatchcase
from typing import Final

_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_BLANK: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0\u2800")
_MARKS: Final = frozenset({"Mn", "Me"})
_JOINERS: Final = "\u200c\u200d"
_JOINED: Final = frozenset({"Lo", "Mn", "Mc"})
_EMOJI_SELECTOR: Final = "\ufe0f"
_PICTURES: Final = frozenset({"So", "Sk"})


def matches(name: str, pattern: str) -> bool:
    """Whether the name matches the pattern, or looks like a name that does. `*` stands for anything and `?` for one
    character; brackets have no special meaning."""
    return matches_exactly(name, pattern) or _match(_skeleton(name), _skeleton(pattern))


def matches_exactly(name: str, pattern: str) -> bool:
    """Whether the name matches the pattern, apart from case, width, and spaces around it."""
    return _match(_plain(name).casefold(), _plain(pattern).casefold())


def matches_to_the_letter(name: str, pattern: str) -> bool:
    """Whether the name matches the pattern character by character."""
    return _match(name, pattern)


def misleading(name: str) -> tuple[str, ...]:
    """The characters of a name (such as U+0435) that are invisible or look like Latin letters. Returns an empty tuple
    if the name is written in one other script and does not read like Latin."""
    if name.isascii() and name.isprintable():
        return ()
    name = unicodedata.normalize("NFC", name)
    letters = [character for character in name if character.isalpha()]
    similar = [character for character in letters if character in _LATIN]
    pretends = bool(similar) and (any(map(str.isascii, letters)) or len(similar) == len(letters))
    found = [
        character
        for at, character in enumerate(name)
        if _hidden(name, at) or _widened(character) or (pretends and character in _LATIN)
    ]
    return tuple(dict.fromkeys(f"U+{ord(character):04X}" for character in found))


def readable(name: str) -> str:
    """The name as people read it: without invisible characters and, if it is misleading, with Latin letters in place of
    their look-alikes. Its case stays."""
    plain = _plain(name)
    return "".join(_latin(character) for character in plain) if misleading(name) else plain


# --- Within -------------------------------------------------------------------------------------


def _match(name: str, pattern: str) -> bool:
    return fnmatchcase(name, pattern.replace("[", "[[]"))


def _plain(name: str) -> str:
    """The name in NFKC, without invisible characters, with single spaces inside and no spaces at the ends."""
    spaced = " ".join(unicodedata.normalize("NFKC", name).split())
    return " ".join("".join(each for each in spaced if not _is_unseen(each)).split())


def _skeleton(name: str) -> str:
    """The name reduced to its looks. Each character is replaced on its own, so a name that matches as written also
    matches in this form."""
    bare = [each for each in unicodedata.normalize("NFKD", _plain(name)) if unicodedata.category(each) not in _MARKS]
    folded = "".join(_latin(each) for each in bare).casefold()
    return "".join(_latin(each) for each in folded).translate(_DIGITS)


def _latin(character: str) -> str:
    found = _LATIN.get(character)
    if found is None:
        return character
    return found.upper() if character.isupper() else found


def _is_unseen(character: str) -> bool:
    selector = "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"
    return selector or character in _BLANK or unicodedata.category(character) in _UNSEEN


def _hidden(name: str, at: int) -> bool:
    """Whether this character is invisible, unless it is a joiner that its script needs. Any space but the plain one
    counts as invisible: a name has no use for it."""
    character, before, after = name[at], name[at - 1 : at], name[at + 1 : at + 2]
    if character == _EMOJI_SELECTOR and before:
        return unicodedata.category(before) not in _PICTURES
    if character in _JOINERS and before and after:
        return not {unicodedata.category(before), unicodedata.category(after)} <= _JOINED
    if unicodedata.category(character) in _MARKS and before:
        return before.isascii()  # NFC has composed a usual accent with its letter already
    return _is_unseen(character) or (character.isspace() and character != " ")


def _widened(character: str) -> bool:
    """Whether this is an ASCII character in another width or style, such as U+FF44."""
    plain = unicodedata.normalize("NFKC", character)
    return not character.isascii() and plain.isascii() and plain.isalnum()


_DIGITS: Final = str.maketrans("01i|", "olll")
"""Plain characters that are easily mistaken for each other."""

_LOOKALIKES: Final = {
    "-": "\u02d7\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212\u2796\u2cba\u2cbb",
    ".": "\u06f0\ua4f8\ua60e",
    "/": "\u1735\u2041\u2044\u2215\u2571\u27cb\u29f8\u2cc6\u2cc7\u3033\u30ce\u31d3\u4e3f\U0001d23a",
    "2": "\u01a7\u01a8\u03e8\u03e9\u14bf\ua644\ua645\ua6ef\ua75a\ua75b",
    "3": (
        "\u01b7\u021c\u021d\u025c\u0292\u0417\u0437\u04e0\u04e1\u2ccc\u2ccd\ua76a\ua76b\ua7ab\U000118ca"
        "\U00016f3b\U0001d206"
    ),
    "4": "\u13ce\U000118af\U000118cf",
    "5": "\u01bc\U000118bb\U000118db",
    "6": "\u0431\u13ee\u2cd2\u2cd3\U000118d5",
    "7": "\U000104d2\U000104fa\U000118c6\U0001d212",
    "8": "\u0222\u0223\u09ea\u0a6a\U0001031a",
    "9": "\u09ed\u0a67\u0b68\u0d6d\u2cca\u2ccb\ua76e\ua76f\U000118ac\U000118cc\U000118d6",
    ":": "\u02d0\u02f8\u0589\u16ec\u1803\u1809\u205a\u2236\ua4fd\ua789",
    "a": "\u0251\u0391\u03b1\u0410\u0430\u13aa\u15c5\u237a\ua4ee\U000102a0\U00016f40",
    "b": (
        "\u0184\u0185\u0392\u03b2\u0412\u042c\u0432\u044c\u13cf\u13f4\u1472\u15af\u15f7\ua4d0\ua7b4\ua7b5"
        "\U00010282\U000102a1\U00010301"
    ),
    "c": (
        "\u0421\u0441\u13df\u1d04\u2ca4\u2ca5\ua4da\uabaf\U000102a2\U00010302\U00010415\U0001043d\U0001051c"
        "\U000118e9\U000118f2\U0001f74c"
    ),
    "d": "\u0501\u13a0\u13e7\u146f\u15de\u15ea\ua4d2\ua4d3",
    "e": ("\u0395\u03b5\u0415\u0435\u04bd\u13ac\u212e\u22ff\u2d39\ua4f0\uab32\U00010286\U000118a6\U000118ae\U000118ce"),
    "f": (
        "\u03dc\u03dd\u0584\u15b4\u1e9d\ua4dd\ua798\ua799\uab35\U00010287\U000102a5\U00010525\U000118a2"
        "\U000118c2\U0001d213"
    ),
    "g": "\u018d\u0261\u050c\u050d\u0581\u13c0\u13f3\u1d83\ua4d6",
    "h": "\u0397\u03b7\u041d\u043d\u04bb\u0570\u13bb\u13c2\u157c\u2c8e\u2c8f\ua4e7\U000102cf",
    "i": "\u0131\u0269\u026a\u03b9\u0456\u13a5\u2373\ua647\uab75\U000118c3",
    "j": "\u029d\u037f\u03f3\u0408\u0458\u13ab\u148d\ua4d9\ua7b2",
    "k": "\u039a\u03ba\u041a\u043a\u13e6\u16d5\u2c94\u2c95\ua4d7\U00010518",
    "l": (
        "\u0196\u01c0\u0399\u0406\u04c0\u04cf\u06f1\u13de\u14aa\u16c1\u2223\u23fd\u2c92\u2c93\u2cd0\u2cd1"
        "\u2d4f\ua4e1\ua4f2\U0001028a\U00010309\U00010320\U0001041b\U00010443\U00010526\U000118a3\U000118b2"
        "\U000118d2\U00016f16\U00016f28\U0001d22a"
    ),
    "m": "\u039c\u03bc\u03fa\u03fb\u041c\u043c\u13b7\u15f0\u16d6\u2c98\u2c99\ua4df\U000102b0\U00010311",
    "n": "\u039d\u0578\u057c\u2c9a\u2c9b\ua4e0\U00010513",
    "o": (
        "\u039f\u03bf\u03c3\u041e\u043e\u0555\u0585\u06f5\u0966\u09e6\u0a66\u0ae6\u0b20\u0b66\u0be6\u0c66"
        "\u0ce6\u0d20\u0d66\u0e50\u0ed0\u101d\u1040\u10ff\u12d0\u1d0f\u1d11\u2c9e\u2c9f\u2d54\u3007\ua4f3"
        "\uab3d\U00010292\U000102ab\U00010404\U0001042c\U000104c2\U000104ea\U00010516\U000114d0\U000118b5"
        "\U000118c8\U000118d7\U000118e0"
    ),
    "p": "\u03a1\u03c1\u0420\u0440\u13e2\u146d\u2374\u2ca2\u2ca3\ua4d1\U00010295",
    "q": "\u051b\u0563\u0566\u2d55",
    "r": (
        "\u01a6\u0280\u0433\u13a1\u13b1\u13d2\u1587\u1d26\u2c85\ua4e3\uab47\uab48\uab81\U000104b4\U000104dc"
        "\U00016f35\U0001d216"
    ),
    "s": (
        "\u01bd\u0405\u0455\u054f\u057f\u13d5\u13da\ua4e2\ua731\uabaa\U00010296\U00010420\U00010448\U000118c1\U00016f3a"
    ),
    "t": (
        "\u03a4\u03c4\u0422\u0442\u13a2\u22a4\u27d9\u2ca6\u2ca7\ua4d4\U00010297\U000102b1\U00010315\U000118bc"
        "\U00016f0a\U0001f768"
    ),
    "u": (
        "\u028b\u03c5\u054d\u057d\u1200\u144c\u1d1c\u222a\u22c3\ua4f4\ua79f\uab4e\uab52\U000104ce\U000104f6"
        "\U000118b8\U000118d8\U00016f42"
    ),
    "v": (
        "\u03bd\u0474\u0475\u06f7\u13d9\u142f\u1d20\u2228\u22c1\u2d38\ua4e6\ua6df\uaba9\U0001051d\U00011706"
        "\U000118a0\U000118c0\U00016f08\U0001d20d"
    ),
    "w": (
        "\u026f\u0461\u051c\u051d\u0561\u13b3\u13d4\u1d21\ua4ea\uab83\U0001170a\U0001170e\U0001170f\U000118e6\U000118ef"
    ),
    "x": (
        "\u00d7\u03a7\u03c7\u0425\u0445\u1541\u157d\u166d\u166e\u16b7\u2573\u292b\u292c\u2a2f\u2cac\u2cad"
        "\u2d5d\ua4eb\ua7b3\uab53\U00010290\U000102b4\U00010317\U00010322\U00010527\U000118ec"
    ),
    "y": (
        "\u0263\u028f\u03a5\u03b3\u0423\u0443\u04ae\u04af\u10e7\u13a9\u13bd\u1d8c\u1eff\u2ca8\u2ca9\ua4ec"
        "\uab5a\U000102b2\U000118a4\U000118dc\U00016f43"
    ),
    "z": "\u0396\u03b6\u13c3\u1d22\ua4dc\uab93\U000102f5\U000118a9\U000118c4\U000118c9\U000118e5",
}
"""For each Latin character, those that look like it: the one-to-one entries of Unicode's confusables.txt (UTS 39)."""
_LATIN: Final = {other: latin for latin, others in _LOOKALIKES.items() for other in others}
