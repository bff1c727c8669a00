"""files.*: uploads a file in three steps (Slack: the references of these methods)."""

from collections.abc import Mapping
from typing import Any, Final

from simulator import blocks as block_kit
from simulator.errors import SlackError
from simulator.files import File
from simulator.pace import Tier
from simulator.people import BOT_USER_ID
from simulator.webapi.call import Call, Method


async def get_upload_url(call: Call) -> dict[str, Any]:
    """The address for the upload of a file of that length."""
    length = call.number("length", 0)
    if not length:
        raise SlackError("invalid_arguments")
    file = call.world.files.announce(call.needed("filename"), length)
    return {"upload_url": f"{call.world.base_url}/files/{file.id}/{file.secret}", "file_id": file.id}


async def complete_upload(call: Call) -> dict[str, Any]:
    """Completes uploads. If a channel is given, shares the files there in one message of the app."""
    wanted = call.nested("files", "invalid_arguments")
    if not isinstance(wanted, list) or not wanted or not all(isinstance(one, dict) for one in wanted):
        raise SlackError("invalid_arguments")
    channel = call.joined("channel_id") if call.text("channel_id") else None
    thread_ts = call.text("thread_ts")
    if channel and thread_ts and call.world.messages.get(channel.id, thread_ts) is None:
        raise SlackError("invalid_thread_ts")
    blocks = call.nested("blocks", "invalid_blocks_format")
    checked = block_kit.check_message_blocks(blocks) if blocks else None
    done = [call.world.files.complete(str(one.get("id")), one.get("title")) for one in wanted]
    shown = tuple(file.as_slack(call.world.base_url) for file in done)
    if channel:
        comment = call.text("initial_comment") or ""
        message = call.world.message(channel.id, BOT_USER_ID, comment, checked, thread_ts=thread_ts, files=shown)
        call.world.messages.add(message)
        call.events.posted(message)
    return {"files": list(shown)}


async def info(call: Call) -> dict[str, Any]:
    """One file."""
    return {"file": _file(call).as_slack(call.world.base_url), "comments": []}


async def delete(call: Call) -> dict[str, Any]:
    """Deletes a file, also from the message that shared it."""
    file = _file(call)
    call.world.files.delete(file.id)
    for channel in call.world.channels.all():
        for message in call.world.messages.all(channel.id):
            if any(shown["id"] == file.id for shown in message.files):
                left = tuple(shown for shown in message.files if shown["id"] != file.id)
                call.world.messages.change(message, files=left)
    return {}


METHODS: Final[Mapping[str, Method]] = {
    "files.getUploadURLExternal": Method(get_upload_url, Tier.FOUR, ("files:write",)),
    "files.completeUploadExternal": Method(complete_upload, Tier.FOUR, ("files:write",)),
    "files.info": Method(info, Tier.FOUR, ("files:read",)),
    "files.delete": Method(delete, Tier.THREE, ("files:write",)),
}


def _file(call: Call) -> File:
    file = call.world.files.shared(call.needed("file"))
    if file is None:
        raise SlackError("file_not_found")
    return file
