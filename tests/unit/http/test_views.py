"""What callers are told of a record, besides what the tests of each call say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.approvals.model.caller import Caller
from bot.approvals.model.server import OnServer
from bot.approvals.ports.storage import Records
from bot.approvals.services.call_reading import views
from bot.approvals.services.messages.masked import Masking
from bot.engines import questions
from bot.http.views import Views
from bot.secrets.detector import Detector
from tests.support.builders import a_request, a_task

VIEWS = Views(
    answers=questions,
    masking=Masking(secrets=Detector(), marks=lambda _: (), learned=len),
    address="https://acme.slack.com/",
)


@pytest.mark.parametrize(("server", "told"), [(OnServer(name="prod"), "prod"), (None, None)])
def test_a_task_and_its_requests_say_on_which_server_they_run(server: OnServer | None, told: str | None) -> None:
    caller = Caller(source="billing", token="billing", key="1", body="")
    task = replace(a_task(), caller=caller, server=server)
    records = Records(task=task, requests=(a_request(task=task),), messages=())

    shown = VIEWS.task(records)

    assert [each.id for each in shown.requests] == [each.id for each in views(records)]
    assert (shown.server, [each.server for each in shown.requests]) == (told, [told])
