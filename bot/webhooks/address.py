"""Addresses that callers name: read as they will be connected to, and refused in words."""

from __future__ import annotations

import re
from typing import Final

from yarl import URL

from bot.webhooks.allow_list import AllowList, address_of, is_name

MAX_CHARACTERS: Final = 2000
_NAMED_USER: Final = re.compile(r"[^/]*//[^/?#]*@")
_VISIBLE: Final = re.compile(r"[!-~]+")


class Unfit(ValueError):
    """Nothing may be sent to this address. `str()` is why, as the end of a sentence that begins with the address."""


def address(text: str, allowed: AllowList) -> URL:
    """The address, if something may be sent there. Raises Unfit. What a name stands for is not looked up here."""
    url = _read(text)
    host, port = url.raw_host, url.port
    if not host or port is None:
        raise Unfit("names no host")
    if "%" in host or (address_of(host) is None and not is_name(host)):
        raise Unfit(f"has the host {host}, which is no usual name and no usual address")
    if not allowed.may_mean(host, port):
        where = f"{host} at port {port}"
        if address_of(host) is not None:
            what = "which WEBHOOK_ALLOW does not list as an address or in a network"
        else:
            what = "which WEBHOOK_ALLOW does not list"
        raise Unfit(f"leads to {where}, {what}: the operator can add it")
    return url


def _read(text: str) -> URL:
    if len(text) > MAX_CHARACTERS:
        raise Unfit(f"has more than {MAX_CHARACTERS:,} characters")
    if not _VISIBLE.fullmatch(text) or "\\" in text:
        raise Unfit("holds characters that no address has: write them as %20, and a host name in its xn-- form")
    try:
        url = URL(text)
        port = url.explicit_port
    except ValueError:
        raise Unfit("is no address of the web") from None
    if url.scheme not in ("http", "https"):
        raise Unfit("does not begin with https:// or http://")
    if _NAMED_USER.match(text):
        raise Unfit("holds a user name or a password, which an address must not")
    if port == 0:
        raise Unfit("names the port 0")
    return url
