"""SHA-256 as Redis computes it in Lua, against Python's."""

from __future__ import annotations

import hashlib

from hypothesis import example, given
from hypothesis import strategies as st
from redis import Redis

from bot.storage.redis.links import LINK

HASHES = st.binary(min_size=32, max_size=32)


def test_lua_hashes_two_hashes_as_everybody_does(redis_url: str) -> None:
    with Redis.from_url(redis_url, decode_responses=True) as redis:
        linked = redis.register_script(LINK + "return link(ARGV[1], ARGV[2])")

        @given(previous=HASHES, digest=HASHES)
        @example(previous=bytes(32), digest=bytes(32))
        @example(previous=b"\xff" * 32, digest=b"\xff" * 32)
        @example(previous=b"\x7f" * 32, digest=b"\x80" * 32)
        def same(previous: bytes, digest: bytes) -> None:
            link = linked(args=[previous.hex(), digest.hex()])

            assert link == hashlib.sha256(previous + digest).hexdigest()

        same()
