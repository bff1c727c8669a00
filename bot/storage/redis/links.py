"""SHA-256 in Lua, for the one thing that only Redis can hash: an entry's link, made of the link that is last by then.

Redis' Lua has no SHA-256, but the `bit` library. What is hashed is always 64 bytes, so the second block is always the
same padding, and its schedule is a table.
"""

from __future__ import annotations

from typing import Final

from bot.approvals.model.audit import GENESIS

_MASK: Final = 0xFFFFFFFF


def _roots(root: float, count: int) -> list[int]:
    """The first 32 bits of the fractions of the first primes' square or cube roots (FIPS 180-4, 4.2.2 and 5.3.3)."""
    return [_fraction(prime, round(1 / root)) for prime in _primes(count)]


def _primes(count: int) -> list[int]:
    found: list[int] = []
    candidate = 2
    while len(found) < count:
        if all(candidate % prime for prime in found):
            found.append(candidate)
        candidate += 1
    return found


def _fraction(number: int, degree: int) -> int:
    """Of the root of this degree, in whole numbers: no rounding of floats comes into it."""
    scaled, low, high = number << (32 * degree), 0, number << 32
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if middle**degree <= scaled else (low, middle - 1)
    return low & _MASK


def _schedule(block: list[int]) -> list[int]:
    """The 64 words of one block (FIPS 180-4, 6.2.2)."""
    words = list(block)
    for t in range(16, 64):
        early, late = words[t - 15], words[t - 2]
        small = _rotated(early, 7) ^ _rotated(early, 18) ^ (early >> 3)
        large = _rotated(late, 17) ^ _rotated(late, 19) ^ (late >> 10)
        words.append((words[t - 16] + small + words[t - 7] + large) & _MASK)
    return words


def _rotated(word: int, by: int) -> int:
    return (word >> by | word << (32 - by)) & _MASK


_ROUNDS = _roots(1 / 3, 64)
_START = _roots(1 / 2, 8)
_PADDING = [
    (constant + word) & _MASK for constant, word in zip(_ROUNDS, _schedule([0x80000000, *[0] * 14, 512]), strict=True)
]


def _table(words: list[int]) -> str:
    return "{" + ",".join(map(str, words)) + "}"


LINK: Final = f"""
local GENESIS = '{GENESIS}'
-- link(previous, digest): SHA-256 over the 64 bytes that the two, each in 64 hex digits, stand for; in hex.
local function link(previous, digest)
    local band, bxor, ror, rshift, tobit = bit.band, bit.bxor, bit.ror, bit.rshift, bit.tobit
    local rounds = {_table(_ROUNDS)}
    local padding = {_table(_PADDING)}

    local message, words = previous .. digest, {{}}
    for t = 1, 16 do
        words[t] = tonumber(string.sub(message, 8 * t - 7, 8 * t), 16)
    end
    for t = 17, 64 do
        local early, late = words[t - 15], words[t - 2]
        words[t] = tobit(words[t - 16] + words[t - 7]
            + bxor(ror(early, 7), ror(early, 18), rshift(early, 3))
            + bxor(ror(late, 17), ror(late, 19), rshift(late, 10)))
    end
    for t = 1, 64 do
        words[t] = words[t] + rounds[t]
    end

    -- Calls cost more than sums do. So sums are left as they come, since `bit` takes any number below 2^51 modulo 2^32
    -- and 64 rounds stay below 2^46; and x XOR y is x + y - 2 * (x AND y), NOT x is -1 - x, and bits that exclude
    -- each other are added.
    local function compressed(a0, b0, c0, d0, e0, f0, g0, h0, added)
        local a, b, c, d, e, f, g, h = a0, b0, c0, d0, e0, f0, g0, h0
        local both = band(b, c)
        local either = b + c - 2 * both
        for t = 1, 64 do
            local first = h + added[t] + bxor(ror(e, 6), ror(e, 11), ror(e, 25)) + band(e, f) + band(-1 - e, g)
            local second = bxor(ror(a, 2), ror(a, 13), ror(a, 22)) + both + band(a, either)
            both = band(a, b)
            either = a + b - 2 * both
            h, g, f, e, d, c, b, a = g, f, e, d + first, c, b, a, first + second
        end
        return tobit(a0 + a), tobit(b0 + b), tobit(c0 + c), tobit(d0 + d),
            tobit(e0 + e), tobit(f0 + f), tobit(g0 + g), tobit(h0 + h)
    end

    local a, b, c, d, e, f, g, h = compressed({",".join(map(str, _START))}, words)
    a, b, c, d, e, f, g, h = compressed(a, b, c, d, e, f, g, h, padding)
    local hex = bit.tohex
    return hex(a) .. hex(b) .. hex(c) .. hex(d) .. hex(e) .. hex(f) .. hex(g) .. hex(h)
end
"""
