"""Uploaded files: announced, sent, then shared (Slack: files.getUploadURLExternal, files.completeUploadExternal)."""

import secrets
from dataclasses import dataclass, replace
from typing import Any

from simulator.errors import SlackError, UnknownPlace

_PREFIX = "F0FILE"


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One file. `content` is None until it was uploaded; `shared` is true after the upload was completed."""

    id: str
    secret: str
    name: str
    length: int
    title: str
    content: bytes | None = None
    shared: bool = False

    def as_slack(self, base_url: str) -> dict[str, Any]:
        """The file object in messages."""
        return {
            "id": self.id,
            "name": self.name,
            "title": self.title,
            "size": self.length,
            "mode": "hosted",
            "url_private": f"{base_url}/files/{self.id}/{self.secret}",
        }


class Files:
    """All files, in memory."""

    def __init__(self) -> None:
        self._files: dict[str, File] = {}
        self._announced = 0

    def announce(self, name: str, length: int) -> File:
        """Announces a file that will be uploaded."""
        self._announced += 1
        file = File(
            id=f"{_PREFIX}{self._announced:04}", secret=secrets.token_hex(16), name=name, length=length, title=name
        )
        self._files[file.id] = file
        return file

    def receive(self, file_id: str, secret: str, content: bytes) -> None:
        """Stores the content. Raises `SlackError` if its length differs from the announced one."""
        file = self.get(file_id, secret)
        if len(content) != file.length:
            raise SlackError("file_upload_size_mismatch")
        self._files[file.id] = replace(file, content=content)

    def complete(self, file_id: str, title: str | None) -> File:
        """Completes an upload. Raises file_not_found if the content is missing or the upload was completed before."""
        file = self._files.get(file_id)
        if file is None or file.content is None or file.shared:
            raise SlackError("file_not_found")
        self._files[file.id] = replace(file, title=title or file.name, shared=True)
        return self._files[file.id]

    def shared(self, file_id: str) -> File | None:
        """The file with that id, if its upload was completed."""
        file = self._files.get(file_id)
        return file if file and file.shared else None

    def all(self) -> list[File]:
        """Every file, including those that were only announced."""
        return list(self._files.values())

    def restore(self, files: list[File]) -> None:
        """Restores all files."""
        self._files = {file.id: file for file in files}
        self._announced = max((int(file.id.removeprefix(_PREFIX)) for file in files), default=0)

    def delete(self, file_id: str) -> None:
        """Deletes the file."""
        del self._files[file_id]

    def get(self, file_id: str, secret: str) -> File:
        """The file with that address. Raises `UnknownPlace` if there is none."""
        file = self._files.get(file_id)
        if file is None or not secrets.compare_digest(file.secret, secret):
            raise UnknownPlace("no such file")
        return file
