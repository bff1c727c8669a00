"""The Redis of the tests is the one that the promises need: it has the modules, and it forgets nothing."""

from __future__ import annotations

from redis.asyncio import Redis

from tests.support.redis_server import RedisServer


async def test_it_has_search_and_json_and_keeps_what_it_has(redis_url: str) -> None:
    async with Redis.from_url(redis_url, decode_responses=True) as redis:
        modules = {module["name"].lower() for module in await redis.module_list()}
        policy = await redis.config_get("maxmemory-policy")
        log = await redis.config_get("appendonly")

    assert {"search", "rejson"} <= modules
    assert policy == {"maxmemory-policy": "noeviction"}
    assert log == {"appendonly": "yes"}


async def test_a_killed_server_comes_back_with_what_it_acknowledged(redis_server: RedisServer) -> None:
    redis_server.start()
    async with Redis.from_url(redis_server.url, decode_responses=True) as redis:
        await redis.set("decision", "approve")
    url = redis_server.url

    redis_server.kill()
    redis_server.start()

    assert redis_server.url == url
    async with Redis.from_url(redis_server.url, decode_responses=True) as redis:
        assert await redis.get("decision") == "approve"
