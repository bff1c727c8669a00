"""The whole of a request that is too long for a modal: a file per version, posted once."""

from __future__ import annotations

from bot.approvals.model.actor import COMMAND, Shown
from bot.approvals.model.message import MessageKind
from bot.approvals.model.question import Item
from bot.approvals.ports.slack import FileRefused, NotNow, OutcomeUnknown
from bot.approvals.services.messages import posting, sync, wanted
from tests.support.fakes.world import ALICE, CHANNEL, FIRST, RITA, SECOND, a_request, a_world, item, question

LONG = "x" * wanted.MAX_MODAL_CHARS


def long_item(words: str = LONG) -> Item:
    return item(arguments={"body": words})


def test_what_fits_a_modal_has_no_file() -> None:
    request = a_request()

    assert wanted.files_of(request, request.opened_at) == []


async def test_what_is_too_long_comes_with_a_file_beside_its_card() -> None:
    async with a_world({FIRST: question(long_item())}) as world:
        task = await world.started()

        (file,) = await world.messages_of(task, MessageKind.FILE)
        assert (file.version, file.request_id) == (1, (await world.request(task)).id)
        assert len(world.messenger.of(MessageKind.FILE)) == 1


async def test_a_file_is_posted_once_whatever_becomes_of_its_request() -> None:
    async with a_world({FIRST: question(long_item())}) as world:
        task = await world.started()

        await world.vote(ALICE, on=await world.request(task))
        await world.settle()

        assert len(world.messenger.of(MessageKind.FILE)) == 1
        assert await world.storage.out_of_date(world.now, 10) == ()


async def test_a_file_whose_posting_is_not_known_is_looked_for_before_it_is_posted_again() -> None:
    async with a_world({FIRST: question(long_item())}) as world:
        task = await world.tasks.start(world.actor(RITA, COMMAND), "cleanup", {}, CHANNEL)
        await world.messages.sync_task(task.id)
        await world.delivery.drive(task.id)
        for _ in ("card", "file"):
            world.messenger.fail("post", OutcomeUnknown("lost"), after=True)

        await world.messages.sync_task(task.id)
        await world.later(posting.CLAIM_TTL)

        assert len(world.messenger.of(MessageKind.FILE)) == 1
        assert await world.storage.out_of_date(world.now, 10) == ()


async def test_an_edit_has_a_file_of_its_own_and_the_old_one_stays() -> None:
    async with a_world({FIRST: question(long_item())}) as world:
        task = await world.started()
        request = await world.request(task)

        await world.answers.edit(world.actor(ALICE), Shown.of(request), 0, {"body": LONG + "y"})
        await world.settle()

        assert [file.version for file in await world.messages_of(task, MessageKind.FILE)] == [1, 2]
        assert len(world.messenger.of(MessageKind.FILE)) == 2


async def test_a_file_that_was_not_posted_before_an_edit_is_given_up() -> None:
    async with a_world({FIRST: question(long_item())}) as world:
        task = await world.tasks.start(world.actor(RITA, COMMAND), "cleanup", {}, CHANNEL)
        await world.delivery.drive(task.id)
        request = await world.request(task)
        revised = await world.answers.edit(world.actor(ALICE), Shown.of(request), 0, {"body": "short"})

        await world.settle()

        (file,) = await world.messages_of(task, MessageKind.FILE)
        assert (file.version, revised.version) == (1, 2)
        assert file.abandoned == "what is asked has changed since"
        assert world.messenger.of(MessageKind.FILE) == []


async def test_a_graph_that_asks_anew_has_a_file_of_the_new_question() -> None:
    async with a_world({FIRST: question(), SECOND: question()}) as world:
        task = await world.started()
        world.engine.stages[0][FIRST] = question(long_item())

        await world.vote(ALICE, on=await world.request(task, SECOND))
        await world.settle()

        (file,) = await world.messages_of(task, MessageKind.FILE)
        assert (file.version, (await world.request(task)).version) == (2, 2)


# --- Files that Slack does not take -----------------------------------------------------------------


async def test_a_file_that_slack_refuses_is_tried_once_and_its_thread_is_told() -> None:
    async with a_world({FIRST: question(long_item())}) as world:
        task = await world.tasks.start(world.actor(RITA, COMMAND), "cleanup", {}, CHANNEL)
        await world.messages.sync_task(task.id)
        await world.delivery.drive(task.id)
        await world.messages.sync_task(task.id)
        asked = await world.request(task)
        await world.answers.edit(world.actor(ALICE), Shown.of(asked), 0, {"body": LONG + "y"})
        world.messenger.fail("post", FileRefused("files.getUploadURLExternal: missing_scope"))

        assert await world.messages.sync_task(task.id) is None

        _, file = await world.messages_of(task, MessageKind.FILE)
        assert (file.refused, file.abandoned) == ("files.getUploadURLExternal: missing_scope", None)
        assert file.ref in world.messenger.messages
        assert await world.storage.out_of_date(world.now, 10) == ()
        (event,) = await world.history(task, "unattached")
        assert event.data == {"why": "files.getUploadURLExternal: missing_scope"}
        shown = [each.data["version"] for each in await world.history(task, "shown") if each.data["as"] == "file"]
        assert shown == [1]


async def test_a_file_that_never_gets_through_is_not_tried_for_ever() -> None:
    async with a_world({FIRST: question(long_item())}) as world:
        task = await world.tasks.start(world.actor(RITA, COMMAND), "cleanup", {}, CHANNEL)
        await world.messages.sync_task(task.id)
        await world.delivery.drive(task.id)
        await world.messages.sync_task(task.id)
        asked = await world.request(task)
        await world.answers.edit(world.actor(ALICE), Shown.of(asked), 0, {"body": LONG + "y"})
        for _ in range(sync.MAX_UPLOAD_TRIES):
            world.messenger.fail("post", NotNow("the upload: status 502", 5))

        while (again := await world.messages.sync_task(task.id)) is not None:
            world.clock.advance(again - world.now)

        _, file = await world.messages_of(task, MessageKind.FILE)
        assert file.refused == "the upload: status 502"
        assert file.ref in world.messenger.messages
