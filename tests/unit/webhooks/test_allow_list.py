"""Which hosts WEBHOOK_ALLOW means, and which addresses they may have."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from bot.webhooks.allow_list import AllowList, is_public


@pytest.mark.parametrize(
    ("listed", "host", "port", "address"),
    [
        ("hooks.example.com", "hooks.example.com", 443, "93.184.216.34"),
        (" a.example ,Hooks.Example.com", "hooks.example.com", 443, "93.184.216.34"),
        ("hooks.example.com:8443", "hooks.example.com", 8443, "2606:4700::1111"),
        ("*.example.com", "hooks.example.com", 443, "93.184.216.34"),
        ("*.example.com:80", "a.b.example.com", 80, "93.184.216.34"),
        ("10.0.0.0/8", "billing.internal", 9000, "10.1.2.3"),
        ("10.1.2.3:9000", "10.1.2.3", 9000, "10.1.2.3"),
        ("10.1.2.3", "10.1.2.3", 80, "10.1.2.3"),
        ("10.0.0.0/8", "::ffff:10.1.2.3", 80, "::ffff:10.1.2.3"),
        ("localhost", "localhost", 9000, "127.0.0.1"),
        ("localhost:9000", "localhost", 9000, "::1"),
        ("fd00::/8", "billing.internal", 443, "fd12::1"),
        ("[fd12::1]:9000", "fd12::1", 9000, "fd12::1"),
        ("fd12::1", "fd12::1", 80, "fd12::1"),
    ],
)
def test_what_is_listed_is_allowed(listed: str, host: str, port: int, address: str) -> None:
    allowed = AllowList.read(listed)

    assert allowed.may_mean(host, port)
    assert allowed.allows(host, port, ip_address(address))


@pytest.mark.parametrize(
    ("listed", "host", "port", "address"),
    [
        ("", "hooks.example.com", 443, "93.184.216.34"),
        ("hooks.example.com", "example.com", 443, "93.184.216.34"),
        ("hooks.example.com", "hooks.example.com.evil.example", 443, "93.184.216.34"),
        ("hooks.example.com", "evilhooks.example.com", 443, "93.184.216.34"),
        ("hooks.example.com", "hooks.example.com", 80, "93.184.216.34"),
        ("hooks.example.com", "hooks.example.com", 6379, "93.184.216.34"),
        ("*.example.com", "example.com", 443, "93.184.216.34"),
        ("*.example.com", "evilexample.com", 443, "93.184.216.34"),
        ("10.1.2.3:9000", "10.1.2.3", 6379, "10.1.2.3"),
        ("10.0.0.0/8", "11.0.0.1", 80, "11.0.0.1"),
        ("10.1.2.3", "billing.internal", 80, "10.1.2.3"),
        ("127.0.0.1", "localhost", 80, "127.0.0.1"),
        ("localhost", "evil.example", 80, "127.0.0.1"),
        ("localhost:9000", "localhost", 6379, "127.0.0.1"),
    ],
)
def test_what_is_not_listed_is_not(listed: str, host: str, port: int, address: str) -> None:
    allowed = AllowList.read(listed)

    assert not allowed.may_mean(host, port)
    assert not allowed.allows(host, port, ip_address(address))


NOT_PUBLIC = [
    *("0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.8.8.8", "169.254.169.254", "172.16.0.1"),  # noqa: S104
    *("192.0.0.1", "192.0.2.1", "192.168.1.1", "198.18.0.1", "198.51.100.1", "203.0.113.1"),
    *("224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "::ffff:127.0.0.1", "::ffff:93.184.216.34", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1"),
    *("100::1", "2001::7f00:1", "2001:db8::1", "2002:7f00:1::", "fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1"),
    *("ff02::1", "ff0e::1"),
]


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_a_listed_name_stands_for_public_addresses_alone(address: str) -> None:
    """Whoever controls the name could point it at this machine, a private network, or a cloud's metadata."""
    allowed = AllowList.read("hooks.example.com, *.example.com")

    found = ip_address(address)
    if found != ip_address("::ffff:93.184.216.34"):  # what is connected to is public
        assert not allowed.allows("hooks.example.com", 443, found)
    assert not is_public(found)
    assert not allowed.may_mean(address, 443)


@pytest.mark.parametrize("address", ["93.184.216.34", "8.8.8.8", "2606:4700::1111", "2a00:1450::1"])
def test_the_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "listed",
    [
        *(
            "*",
            "*.*.example.com",
            "hooks.*.com",
            "https://hooks.example.com",
            "hooks.example.com/path",
            "hooks example",
        ),
        *("user@hooks.example.com", "hooks.example.com:http", "hooks.example.com:70000", "hooks..example.com"),
        *("hooks.example.com.", "-hooks.example.com", "10.0.0.0/33", "10.0.0.1/8", "127.1", "2130706433", "0x7f000001"),
        *("bücher.example", "[hooks.example.com"),
    ],
)
def test_what_is_no_host_and_no_network_is_refused(listed: str) -> None:
    with pytest.raises(ValueError, match=r"is no|there is no port"):
        AllowList.read(f"ok.example, {listed}")
