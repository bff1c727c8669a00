"""The hosts and networks that webhooks may go to: what WEBHOOK_ALLOW lists.

A name that is listed stands for public addresses only. Addresses of one's own networks have to be listed as such, so
that nobody who controls a listed name can point it at them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, Self, TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
HTTPS_PORT: Final = 443
MAX_PORT: Final = 65535
_LABEL: Final = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
_PORT: Final = re.compile(r"(?P<host>\[.*\]|[^:]*):(?P<port>[0-9]+)")
_LOOPBACK: Final = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """A listed host name, or all names below it."""

    name: str
    """In lower case."""
    below: bool = False
    """Whether it was `*.name`: all names below it, and not the name itself."""
    port: int = HTTPS_PORT

    def covers(self, host: str, port: int) -> bool:
        return port == self.port and (host.endswith(f".{self.name}") if self.below else host == self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A listed network, or a single address."""

    network: IPv4Network | IPv6Network
    port: int | None = None
    """None if every port is meant."""
    name: str | None = None
    """The one host name that may lead there. None if any name may, and empty if only an address may be written."""

    def may_mean(self, host: str, port: int) -> bool:
        return self.port in (None, port) and (self.name in (None, host) or address_of(host) is not None)

    def covers(self, host: str, port: int, address: Address) -> bool:
        return self.may_mean(host, port) and address in self.network


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowList:
    """All that is listed. An empty list allows nothing."""

    names: tuple[Name, ...] = ()
    networks: tuple[Network, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.names or self.networks)

    @classmethod
    def read(cls, text: str) -> Self:
        """Reads a list whose entries are separated by commas. Raises ValueError, with what to write, if an entry is
        none."""
        names: list[Name] = []
        networks: list[Network] = []
        for entry in filter(None, (each.strip().lower() for each in text.split(","))):
            for read in _entry(entry):
                match read:
                    case Name():
                        names.append(read)
                    case Network():
                        networks.append(read)
        return cls(names=tuple(names), networks=tuple(networks))

    def may_mean(self, host: str, port: int) -> bool:
        """Whether this host may be allowed, depending on its addresses. A name that is not listed may lead into a
        network that is."""
        address = address_of(host)
        if address is not None:
            return self.allows(host, port, address)
        return self._names(host, port) or any(each.may_mean(host, port) for each in self.networks)

    def allows(self, host: str, port: int, address: Address) -> bool:
        """Whether this host may be connected to at this address of its."""
        address = _unmapped(address)
        if any(each.covers(host, port, address) for each in self.networks):
            return True
        return self._names(host, port) and is_public(address)

    def _names(self, host: str, port: int) -> bool:
        return any(each.covers(host, port) for each in self.names)


def is_public(address: Address) -> bool:
    """Whether the address is one of the public internet: neither of a private network, nor of this machine, nor of a
    cloud's metadata service, nor one that carries another address."""
    if not address.is_global or address.is_multicast or address.is_reserved or address.is_unspecified:
        return False
    if isinstance(address, IPv6Address):
        carries = address.ipv4_mapped or address.sixtofour or address.teredo
        return not carries and not address.is_site_local
    return True


def address_of(host: str) -> Address | None:
    """The address that the host is. None if it is a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def is_name(host: str) -> bool:
    """Whether this is a host name in lower case, as DNS has them. `127.1`, `2130706433` and `0x7f000001` are none:
    resolvers take them for addresses."""
    return len(host) <= 253 and bool(_NAME.fullmatch(host)) and not _NUMBER.fullmatch(host.rpartition(".")[2])


def _unmapped(address: Address) -> Address:
    """The IPv4 address that an IPv6 socket would connect to."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _entry(entry: str) -> Sequence[Name | Network]:
    if "/" in entry:
        return [Network(network=_network(entry))]
    host, port = _host_and_port(entry)
    if host == "localhost":
        return [Network(network=network, port=port, name=host) for network in _LOOPBACK]
    address = address_of(host)
    if address is not None:
        return [Network(network=ip_network(address), port=port, name="")]
    name = host.removeprefix("*.")
    if not is_name(name):
        raise ValueError(
            f"{entry!r} is no host and no network: write hooks.example.com, *.example.com, hooks.example.com:8443, or "
            "10.0.0.0/8, separated by commas"
        )
    return [Name(name=name, below=name != host, port=port or HTTPS_PORT)]


def _network(entry: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(entry)
    except ValueError as error:
        raise ValueError(f"{entry!r} is no network ({error}): write one such as 10.0.0.0/8 or fd00::/8") from None


def _host_and_port(entry: str) -> tuple[str, int | None]:
    """The host without its brackets, and the port if one is named."""
    found = _PORT.fullmatch(entry)
    host, port = (found["host"], int(found["port"])) if found else (entry, None)
    if port is not None and not 0 < port <= MAX_PORT:
        raise ValueError(f"{entry!r}: there is no port {port}")
    bracketed = host.startswith("[") and host.endswith("]")
    return host[1:-1] if bracketed else host, port
