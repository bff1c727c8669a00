"""How a thread stands, for every way in which LangGraph can leave one, on each saver."""

from __future__ import annotations

from bot.approvals.model.agent import Phase
from tests.unit.engines.langgraph.asking_nodes import Saver, asks, says
from tests.unit.engines.langgraph.threads import Faults, Thread, chain, open_ids, titles


async def test_a_thread_that_was_never_begun_is_lost(saver: Saver) -> None:
    thread = Thread.of(chain({"ask": asks("one")}), saver)

    assert (await thread.status()).phase is Phase.LOST


async def test_a_thread_whose_checkpoints_were_deleted_is_lost(saver: Saver) -> None:
    thread = Thread.of(chain({"ask": asks("one")}), saver)
    await thread.start()

    await saver.adelete_thread("t-1")

    assert (await thread.status()).phase is Phase.LOST


async def test_an_interrupt_is_waited_for_and_its_question_is_open(saver: Saver) -> None:
    thread = Thread.of(chain({"ask": asks("one")}), saver)

    status = await thread.start()

    assert status.phase is Phase.WAITING
    assert titles(status) == ["one"]
    assert status.answered == frozenset()
    assert status.outcome == ""


async def test_a_graph_that_ended_is_done_and_nothing_is_open(saver: Saver) -> None:
    thread = Thread.of(chain({"ask": asks("one"), "after": says("!")}), saver)
    status = await thread.start()

    status = await thread.answer(open_ids(status)[0], "yes")

    assert (status.phase, status.asked, status.answered) == (Phase.DONE, (), frozenset())


async def test_a_nodes_second_question_is_another_one_under_another_id(saver: Saver) -> None:
    thread = Thread.of(chain({"ask": asks("one", "two")}), saver)
    first = await thread.start()

    second = await thread.answer(open_ids(first)[0], "A")

    assert (second.phase, titles(second), second.answered) == (Phase.WAITING, ["two"], frozenset())
    assert open_ids(second) != open_ids(first)
    assert (await thread.answer(open_ids(second)[0], "B")).phase is Phase.DONE


async def test_an_answer_that_its_node_failed_on_is_answered_and_not_open_and_is_kept_for_the_retry(
    saver: Saver,
) -> None:
    faults = Faults({"after one"})
    thread = Thread.of(chain({"ask": asks("one", faults=faults)}), saver)
    id = open_ids(await thread.start())[0]

    failed = await thread.answer(id, "A")

    assert (failed.phase, failed.asked, failed.answered) == (Phase.FAILED, (), frozenset({id}))
    faults.at.clear()
    assert (await thread.proceed()).phase is Phase.DONE
    assert (await thread.graph.aget_state(thread.config)).values == {"said": "A"}


async def test_the_answer_to_a_second_question_is_the_one_that_is_stuck(saver: Saver) -> None:
    faults = Faults({"after two"})
    thread = Thread.of(chain({"ask": asks("one", "two", faults=faults)}), saver)
    first = await thread.start()
    second = await thread.answer(open_ids(first)[0], "A")

    failed = await thread.answer(open_ids(second)[0], "B")

    assert (failed.phase, failed.asked) == (Phase.FAILED, ())
    assert failed.answered == frozenset(open_ids(second))


async def test_a_node_that_failed_was_retried_and_asks_again_is_waiting(saver: Saver) -> None:
    faults = Faults({"after one"})
    thread = Thread.of(chain({"ask": asks("one", "two", faults=faults)}), saver)
    await thread.answer(open_ids(await thread.start())[0], "A")
    faults.at.clear()

    status = await thread.proceed()

    assert (status.phase, titles(status), status.answered) == (Phase.WAITING, ["two"], frozenset())


async def test_an_answer_that_its_node_never_reached_is_still_asked_for(saver: Saver) -> None:
    faults = Faults()
    thread = Thread.of(chain({"ask": asks("one", faults=faults)}), saver)
    id = open_ids(await thread.start())[0]
    faults.at.add("before")

    status = await thread.answer(id, "A")

    assert (status.phase, open_ids(status), status.answered) == (Phase.WAITING, [id], frozenset())
    faults.at.clear()
    assert (await thread.answer(id, "B")).phase is Phase.DONE
    assert (await thread.graph.aget_state(thread.config)).values == {"said": "B"}


async def test_a_node_that_raised_before_any_question_has_failed_and_goes_on_when_it_is_run_again(
    saver: Saver,
) -> None:
    faults = Faults({"before"})
    thread = Thread.of(chain({"ask": asks("one", faults=faults)}), saver)

    failed = await thread.start()

    assert (failed.phase, failed.asked, failed.answered) == (Phase.FAILED, (), frozenset())
    faults.at.clear()
    assert titles(await thread.proceed()) == ["one"]
