"""What the tests of this folder share."""

from __future__ import annotations

import uuid

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.approvals.model.ids import MessageId
from bot.slack.api.messenger import SlackMessenger
from tests.support.fakes.secrets import masking


@pytest.fixture
def id() -> MessageId:
    """An id that no other test has posted."""
    return MessageId(uuid.uuid4().hex)


@pytest.fixture
def messenger(client: AsyncWebClient) -> SlackMessenger:
    return SlackMessenger(client, masking())
