"""Addresses that callers name, among them those by which others have reached what they should not."""

from __future__ import annotations

import pytest

from bot.webhooks.address import Unfit, address
from bot.webhooks.allow_list import AllowList

NAMES = AllowList.read("hooks.example.com, *.example.org, xn--bcher-kva.example, hooks.example.com:8443")
INSIDE = AllowList.read("hooks.example.com, 10.0.0.0/8, localhost:9000")


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.com",
        "https://hooks.example.com/a/b?c=d%20e&f=%C3%BC",
        "HTTPS://HOOKS.EXAMPLE.COM/",
        "https://hooks.example.com:443/",
        "http://hooks.example.com:8443/",
        "https://a.b.example.org/",
        "https://xn--bcher-kva.example/",
    ],
)
def test_an_address_at_a_listed_host_is_fit(url: str) -> None:
    assert address(url, NAMES).raw_host


@pytest.mark.parametrize("url", ["http://10.1.2.3/", "http://10.1.2.3:6379/", "https://billing.internal/x"])
def test_so_is_one_in_a_listed_network(url: str) -> None:
    """Whether a name leads into the network is seen when it is sent."""
    assert address(url, INSIDE)


@pytest.mark.parametrize("url", ["http://localhost:9000/", "http://127.0.0.1:9000/", "http://[::1]:9000/"])
def test_so_is_this_machine_if_it_is_listed(url: str) -> None:
    assert address(url, INSIDE)


NASTY = {
    # another host than it looks like
    "https://hooks.example.com@evil.example/": "user name or a password",
    "https://hooks.example.com:x@evil.example/": "user name or a password",
    "https://@hooks.example.com/": "user name or a password",
    "https://evil.example#@hooks.example.com/": "evil.example at port 443",
    "https://evil.example/?@hooks.example.com": "evil.example at port 443",
    "https://evil.example\\@hooks.example.com/": "characters that no address has",
    "https://hooks.example.com\\.evil.example/": "characters that no address has",
    "https://hooks.example.com.evil.example/": "hooks.example.com.evil.example at port 443",
    "https://evilhooks.example.com/": "evilhooks.example.com",
    "https://example.org/": "example.org at port 443",
    "https://hooks.example.com:80/": "at port 80",
    "https://hooks.example.com:0/": "port 0",
    "http://hooks.example.com/": "at port 80",
    "https://hooks.example.com:6379/": "at port 6379",
    "https://hooks.example.com./": "no usual name",
    "https://hooks%2eexample.com/": "no usual name|no address of the web|does not list",
    "https://hooks.example.com%00.evil.example/": "no usual name|no address of the web",
    "https://hooks。example。com/": "characters that no address has",
    "https://\uff48ooks.example.com/": "characters that no address has",
    "https://bücher.example/": "characters that no address has",
    "https://hooks.example.com /": "characters that no address has",
    "https://hooks.example.com/\r\nX-Evil: 1": "characters that no address has",
    "https://hooks.example.com/\t": "characters that no address has",
    # this machine, private networks and metadata services, however they are written
    "http://localhost/": "localhost at port 80",
    "http://127.0.0.1/": "127.0.0.1 at port 80",
    "http://127.1/": "no usual name",
    "http://2130706433/": "no usual name",
    "http://017700000001/": "no usual name",
    "http://0x7f000001/": "no usual name",
    "http://0x7f.0.0.1/": "no usual name",
    "http://0177.0.0.1/": "no usual name",
    "http://127.0.0.1./": "no usual name",
    "http://127.0.0.1.:80/": "no usual name",
    "http://①②⑦.0.0.1/": "characters that no address has",
    "http://[::1]/": "::1 at port 80",
    "http://[::]/": ":: at port 80",
    "http://[::ffff:127.0.0.1]/": "at port 80",
    "http://[::ffff:7f00:1]/": "at port 80",
    "http://[::127.0.0.1]/": "at port 80",
    "http://[64:ff9b::7f00:1]/": "at port 80",
    "http://[2002:7f00:1::]/": "at port 80",
    "http://[fe80::1%25eth0]/": "no usual name|no address of the web",
    "http://[fe80::1%eth0]/": "no usual name|no address of the web",
    "http://169.254.169.254/latest/meta-data/": "169.254.169.254 at port 80",
    "http://[fd00:ec2::254]/": "at port 80",
    "http://metadata.google.internal/": "metadata.google.internal at port 80",
    "http://0/": "no usual name",
    "http://0.0.0.0/": "0.0.0.0 at port 80",
    "http://10.0.0.1:22/": "10.0.0.1 at port 22",
    "http://93.184.216.34/": "93.184.216.34 at port 80",
    # no address of the web at all
    "": "characters that no address has",
    "hooks.example.com": "does not begin with https://",
    "//hooks.example.com/": "does not begin with https://",
    "/relative": "does not begin with https://",
    "https:hooks.example.com": "names no host|no address of the web",
    "https:///": "names no host|no address of the web",
    "https://:443/": "names no host|no address of the web",
    "ftp://hooks.example.com/": "does not begin with https://",
    "file:///etc/passwd": "does not begin with https://",
    "gopher://127.0.0.1:6379/_FLUSHALL": "does not begin with https://",
    "javascript:alert(1)": "does not begin with https://|no address of the web",
    "unix:///var/run/docker.sock": "does not begin with https://",
    "http+unix://x/": "does not begin with https://",
    "https://[::1/": "no address of the web",
    "https://hooks.example.com:99999/": "no address of the web",
    "https://hooks.example.com:-1/": "no address of the web",
    f"https://hooks.example.com/{'a' * 2000}": "more than 2,000 characters",
}


@pytest.mark.parametrize("url", NASTY)
def test_any_other_is_refused_in_words(url: str) -> None:
    with pytest.raises(Unfit, match=NASTY[url]) as refused:
        address(url, NAMES)

    assert not str(refused.value).endswith(".")


@pytest.mark.parametrize(
    "url",
    [
        *(
            "http://127.0.0.1/",
            "http://127.0.0.1:9001/",
            "http://[::1]/",
            "http://169.254.169.254/",
            "http://11.0.0.1/",
        ),
        *("http://[::ffff:127.0.0.1]/", "http://[fe80::1%25lo]:9000/", "http://2130706433:9000/", "http://127.1:9000/"),
    ],
)
def test_a_listed_network_opens_no_other(url: str) -> None:
    with pytest.raises(Unfit):
        address(url, INSIDE)
