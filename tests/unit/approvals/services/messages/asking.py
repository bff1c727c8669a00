"""Tasks that have asked, and tasks that have only begun."""

from bot.approvals.model.actor import COMMAND
from bot.approvals.model.task import Task
from tests.support.fakes.world import CHANNEL, RITA, World


async def asked(world: World) -> Task:
    """A task whose graph has asked, with nothing in Slack yet."""
    task = await world.tasks.start(world.actor(RITA, COMMAND), "cleanup", {}, CHANNEL)
    await world.delivery.drive(task.id)
    return await world.task(task.id)


async def opened(world: World) -> Task:
    """A task with its message in Slack, before its graph has asked."""
    task = await world.tasks.start(world.actor(RITA, COMMAND), "cleanup", {}, CHANNEL)
    await world.messages.sync_task(task.id)
    return task
