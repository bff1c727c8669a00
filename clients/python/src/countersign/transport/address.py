"""Where the server is, and the token to show there. The token is in no `repr`, log or error."""

from __future__ import annotations

import os
import re
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

_VISIBLE = re.compile(r"[\x21-\x7e]+")


class Token:
    """A token that shows itself only where it is sent."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        if not isinstance(text, str):
            raise TypeError("The token is a text, as `countersign tokens add` printed it.")
        if not _VISIBLE.fullmatch(text):
            raise ValueError(
                "The token is empty, or has spaces or other characters that no token has. "
                "Make one with `countersign tokens add`, and pass it as it was printed."
            )
        self._text = text

    def __repr__(self) -> str:
        return "Token(...)"

    def __reduce__(self) -> str:
        raise TypeError("A token is not pickled: make a client in each process.")

    def header(self) -> str:
        return f"Bearer {self._text}"


class Address:
    """The server's address without a path at its end: `https://approvals.example.com`."""

    __slots__ = ("host", "path", "port", "scheme", "url")

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        try:
            parts = urlsplit(self.url)
            port = parts.port
        except ValueError as error:
            raise ValueError(f"This is no address of a server: {error}.") from None
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("The address of the server begins with http:// or https://, and names a host.")
        if parts.username is not None or parts.password is not None:
            raise ValueError("The address has a name or password in it. Pass the token by itself.")
        if parts.query or parts.fragment or not _VISIBLE.fullmatch(self.url):
            raise ValueError("The address is that of the server alone, such as https://approvals.example.com")
        self.scheme = parts.scheme
        self.host = parts.hostname
        self.port = port or (443 if parts.scheme == "https" else 80)
        self.path = parts.path


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where to call, with which token, and whose certificates to trust."""

    address: Address
    token: Token
    context: ssl.SSLContext | None

    @classmethod
    def of(cls, url: str, token: str, context: ssl.SSLContext | None) -> Server:
        return cls(address=Address(url), token=Token(token), context=context)


def from_environment() -> tuple[str, str]:
    """The address and the token. Raises ValueError if one of them is not set."""
    url, token = os.environ.get("COUNTERSIGN_URL"), os.environ.get("COUNTERSIGN_TOKEN")
    if not url or not token:
        raise ValueError(
            "Set COUNTERSIGN_URL to the bot's address, such as https://approvals.example.com, and COUNTERSIGN_TOKEN to "
            "a token that `countersign tokens add` printed."
        )
    return url, token
