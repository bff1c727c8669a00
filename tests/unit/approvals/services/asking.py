"""A task whose graph has asked."""

from bot.approvals.model.request import Request
from tests.support.fakes.world import World


async def asked(world: World) -> Request:
    return await world.request(await world.started())
