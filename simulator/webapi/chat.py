"""chat.*: posting, editing and deleting (Slack: chat.postMessage, chat.update, chat.delete, chat.postEphemeral)."""

from collections.abc import Mapping
from typing import Any, Final

from simulator import blocks as block_kit
from simulator import limits
from simulator.channels import Channel
from simulator.errors import SlackError
from simulator.messages import Message, checked_metadata
from simulator.pace import Tier
from simulator.people import BOT_USER_ID
from simulator.webapi.call import Call, Method


async def post_message(call: Call) -> dict[str, Any]:
    """Posts as the app. If the channel is a user's id, it posts to the direct conversation with that user."""
    channel = _target(call)
    call.world.pace.post(channel.id)
    message = _draft(call, channel)
    call.world.messages.add(message)
    call.events.posted(message)
    return {"channel": channel.id, "ts": message.ts, "message": _shown(message)}


def drafted(call: Call) -> Message:
    """The message that chat.postMessage would post with these arguments. Raises the same errors."""
    return _draft(call, _target(call))


async def update(call: Call) -> dict[str, Any]:
    """Edits one of the app's messages. Text without blocks deletes the blocks."""
    channel = call.channel()
    before = _own(call, channel, "cant_update_message")
    text, blocks, attachments = _content(call)
    if len(text) > limits.UPDATE_TEXT:
        raise SlackError("msg_too_long")
    checked = block_kit.check_message_blocks(blocks) if blocks else None
    changes: dict[str, Any] = {"text": text, "blocks": checked}
    if "attachments" in call.arguments:
        changes["attachments"] = attachments
    if "metadata" in call.arguments:
        changes["metadata"] = _metadata(call)
    edited = call.world.messages.next_ts(call.world.clock.now())
    message = call.world.messages.change(before, **changes, edited=edited)
    call.events.changed(message, before)
    return {"channel": channel.id, "ts": message.ts, "text": message.text, "message": _shown(message)}


async def delete(call: Call) -> dict[str, Any]:
    """Deletes one of the app's messages."""
    channel = call.channel()
    message = _own(call, channel, "cant_delete_message")
    call.world.messages.remove(message)
    call.events.deleted(message)
    return {"channel": channel.id, "ts": message.ts}


async def post_ephemeral(call: Call) -> dict[str, Any]:
    """Shows a message to one member of the channel."""
    channel = call.joined()
    person = call.person()
    if person.id not in channel.members:
        raise SlackError("user_not_in_channel")
    if channel.is_archived:
        raise SlackError("is_archived")
    text, blocks, _ = _content(call)
    message = call.world.ephemeral(person.id, channel.id, text, blocks, call.text("thread_ts"))
    return {"message_ts": message.ts}


async def get_permalink(call: Call) -> dict[str, Any]:
    """The address of a message on the simulator's page."""
    channel = call.channel()
    message = call.world.messages.get(channel.id, call.needed("message_ts"))
    if message is None or message.only_for:
        raise SlackError("message_not_found")
    thread = f"&thread={message.thread_ts or message.ts}"
    link = f"{call.world.base_url}/?channel={channel.id}{thread}&message={message.ts}"
    return {"channel": channel.id, "permalink": link}


METHODS: Final[Mapping[str, Method]] = {
    "chat.postMessage": Method(post_message, Tier.SPECIAL, ("chat:write",)),
    "chat.update": Method(update, Tier.THREE, ("chat:write",)),
    "chat.delete": Method(delete, Tier.THREE, ("chat:write",)),
    "chat.postEphemeral": Method(post_ephemeral, Tier.FOUR, ("chat:write",)),
    "chat.getPermalink": Method(get_permalink, Tier.SPECIAL),
}


def _target(call: Call) -> Channel:
    wanted = call.needed("channel")
    person = call.world.people.get(wanted)
    if person is not None:
        if person.deleted:
            raise SlackError("account_inactive")
        if person.is_bot:
            raise SlackError("channel_not_found")
        if not call.world.manifest.messages_tab:
            raise SlackError("messages_tab_disabled")
        return call.world.direct(person.id, BOT_USER_ID)
    named = call.world.channels.named(wanted) if not call.world.channels.get(wanted) else None
    channel = named if named and named.kind == "channel" else call.channel()
    if BOT_USER_ID not in channel.members and "chat:write.public" not in call.world.manifest.scopes:
        raise SlackError("not_in_channel")
    if channel.is_archived:
        raise SlackError("is_archived")
    return channel


def _draft(call: Call, channel: Channel) -> Message:
    text, blocks, attachments = _content(call)
    thread_ts = _thread(call, channel)
    if call.text("username") or call.text("icon_url") or call.text("icon_emoji"):
        call.need_scope("chat:write.customize")
    return call.world.message(
        channel.id,
        BOT_USER_ID,
        text[: limits.MESSAGE_TEXT_TRUNCATED_AT],
        blocks,
        thread_ts=thread_ts,
        attachments=attachments,
        metadata=_metadata(call),
        broadcast=thread_ts is not None and call.flag("reply_broadcast"),
        name=call.text("username"),
    )


def _content(call: Call) -> tuple[str, Any, Any]:
    text = call.text("text") or ""
    blocks = call.nested("blocks", "invalid_blocks_format")
    attachments = call.nested("attachments", "invalid_attachments")
    if markdown := call.text("markdown_text"):
        if text or blocks:
            raise SlackError("markdown_text_conflict")
        blocks = [{"type": "markdown", "text": markdown}]
    if isinstance(attachments, list) and len(attachments) > limits.ATTACHMENTS:
        raise SlackError("too_many_attachments")
    if not text and not blocks and not attachments:
        raise SlackError("no_text")
    return text, blocks, attachments or None


def _thread(call: Call, channel: Channel) -> str | None:
    thread_ts = call.text("thread_ts")
    if thread_ts is None:
        return None
    parent = call.world.messages.get(channel.id, thread_ts)
    if parent is None or parent.only_for:
        raise SlackError("thread_not_found" if "." in thread_ts else "invalid_thread_ts")
    return parent.thread_ts or parent.ts


def _own(call: Call, channel: Channel, refusal: str) -> Message:
    message = call.world.messages.get(channel.id, call.needed("ts"))
    if message is None or message.only_for:
        raise SlackError("message_not_found")
    if message.user != BOT_USER_ID:
        raise SlackError(refusal)
    if channel.is_archived:
        raise SlackError("is_archived")
    return message


def _metadata(call: Call) -> dict[str, Any] | None:
    return checked_metadata(call.nested("metadata", "invalid_metadata_format"))


def _shown(message: Message) -> dict[str, Any]:
    return message.as_slack(replies=[], with_metadata=True)
