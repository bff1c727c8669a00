"""What holds over Socket Mode holds over HTTP: a reduced set of its scenarios, as they are."""

from __future__ import annotations

from tests.scenario.test_an_approval import (
    test_a_command_is_acknowledged_and_opens_a_thread_with_a_card_that_says_it_all as test_a_command_and_a_modal,
)
from tests.scenario.test_an_approval import (
    test_a_rejection_says_why_on_the_card_and_to_the_graph as test_a_modal_that_is_sent,
)
from tests.scenario.test_an_approval import (
    test_the_requester_may_not_approve_and_another_person_may as test_an_approval,
)
from tests.scenario.test_the_form import (
    test_what_is_wrong_stands_at_its_field_and_can_be_put_right as test_the_form_of_a_command,
)
from tests.scenario.test_words import (
    test_a_message_becomes_a_task_in_its_own_thread as test_a_shortcut,
)
from tests.scenario.test_words import (
    test_a_reply_answers_the_one_question_of_its_thread as test_a_reply,
)
from tests.scenario.test_words import (
    test_in_a_conversation_with_the_bot_nothing_is_started as test_a_direct_message,
)

GRAPHS = ("plain", "action")

__all__ = [
    "test_a_command_and_a_modal",
    "test_a_direct_message",
    "test_a_modal_that_is_sent",
    "test_a_reply",
    "test_a_shortcut",
    "test_an_approval",
    "test_the_form_of_a_command",
]
