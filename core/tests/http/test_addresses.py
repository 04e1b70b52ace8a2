"""Which addresses a service may send us to: resolve, filter, then connect to what was checked."""

import socket
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from downspout._http.addresses import check_literal, connect, is_forbidden
from downspout.errors import PermissionDenied, Unavailable
from downspout.testing import Document, LyingServer, Redirect

PUBLIC_V4 = "93.184.216.34"
INSIDE_V4 = [
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
]


@pytest.mark.parametrize(
    "address",
    [
        *INSIDE_V4,
        "127.255.255.254",
        "255.255.255.255",
        "240.0.0.1",
        "198.18.0.1",
        "192.0.2.1",
        "203.0.113.7",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fd12::1",
        "fec0::1",
        "ff02::1",
        "ff0e::1",
        "2001:db8::1",
        "3fff::1",
        "5f00::1",
        "100::1",
        "4000::1",
        "::ffff:0:7f00:1",
    ],
)
def test_addresses_that_are_not_public_are_forbidden(address):
    assert is_forbidden(address)


@pytest.mark.parametrize(
    "address",
    [
        PUBLIC_V4,
        "8.8.8.8",
        "1.1.1.1",
        "223.255.255.1",
        "2606:2800:220:1:248:1893:25c8:1946",
        "2001:4860:4860::8888",
    ],
)
def test_public_addresses_are_not(address):
    assert not is_forbidden(address)


def wrapped(inner):
    number = int(IPv4Address(inner))
    hexes = f"{number >> 16:x}:{number & 0xFFFF:x}"
    return {
        "mapped": f"::ffff:{inner}",
        "compatible": f"::{hexes}",
        "nat64": f"64:ff9b::{hexes}",
        "local nat64": f"64:ff9b:1::{hexes}",
        "6to4": f"2002:{hexes}::1",
        "teredo": str(IPv6Address((0x20010000 << 96) | (number ^ 0xFFFFFFFF))),
    }


@pytest.mark.parametrize("way", sorted(wrapped(PUBLIC_V4)))
@pytest.mark.parametrize("inner", INSIDE_V4)
def test_a_forbidden_address_inside_another_is_forbidden(way, inner):
    assert is_forbidden(wrapped(inner)[way])


@pytest.mark.parametrize("way", ["mapped", "compatible", "nat64", "local nat64", "6to4"])
def test_a_public_address_inside_another_is_public(way):
    assert not is_forbidden(wrapped(PUBLIC_V4)[way])


@given(st.ip_addresses(v=4))
def test_mapped_addresses_are_judged_like_the_plain_ones(address):
    assert is_forbidden(f"::ffff:{address}") == is_forbidden(str(address)) == is_forbidden(f"64:ff9b::{address}")


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST",
        "localhost.",
        "a.localhost",
        "127.0.0.1",
        "127.1",
        "0x7f.1",
        "2130706433",
        "017700000001",
        "10.0.0.1",
        "169.254.169.254",
        "::1",
        "[::1]",
        "::ffff:10.0.0.1",
    ],
)
def test_behind_a_proxy_literals_and_localhost_are_checked(host):
    with pytest.raises(PermissionDenied, match="not allowed") as caught:
        check_literal(host, "acc:doc")
    assert "allow_private" in caught.value.hint


@pytest.mark.parametrize("host", [PUBLIC_V4, "store.example", "localhost.example", "notlocalhost", "2606:2800::1"])
def test_behind_a_proxy_other_names_are_the_proxy_s_business(host):
    check_literal(host, "acc:doc")


class Resolver:
    """Stands for the system's resolver: what each name leads to, one answer after the other."""

    def __init__(self, monkeypatch, **names):
        self.names, self.asked = names, []
        self._system = socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", self)

    def __call__(self, host, port, *args, **kwargs):
        self.asked.append(host)
        if host not in self.names:
            raise socket.gaierror(-2, "Name or service not known")
        answers = self.names[host]
        addresses = answers.pop(0) if len(answers) > 1 else answers[0]
        found = [self._system(address, port, *args, **kwargs) for address in addresses]
        return [entry for entries in found for entry in entries]


@pytest.fixture
def server():
    with LyingServer() as server:
        server.documents["/a"] = Document(b"hello")
        yield server


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::1"])
def test_a_name_that_resolves_to_a_forbidden_address_is_not_connected_to(monkeypatch, http, server, address):
    Resolver(monkeypatch, inside=[[address]])
    with pytest.raises(PermissionDenied, match="leads to inside, whose address is not allowed"):
        http(allow_private=False).request("GET", f"http://inside:{server.port}/a")
    assert server.connections_seen == 0


def test_the_same_name_is_connected_to_where_that_is_allowed(monkeypatch, http, server):
    Resolver(monkeypatch, inside=[["127.0.0.1"]])
    url = f"http://inside:{server.port}"
    assert http(allow_private=True).request("GET", f"{url}/a").text() == "hello"
    assert http(allow_private=False, trusted={url}).request("GET", f"{url}/a").text() == "hello"


def test_only_the_allowed_ones_of_several_addresses_are_tried(monkeypatch):
    tried = []

    class Socket(socket.socket):
        def connect(self, address):
            tried.append(address[0])
            raise ConnectionRefusedError(111, "Connection refused")

    Resolver(monkeypatch, both=[["10.0.0.1", PUBLIC_V4, "::1"]])
    monkeypatch.setattr(socket, "socket", Socket)
    with pytest.raises(Unavailable, match=r"no connection to both, port 80 \(Connection refused\)"):
        connect("both", 80, 1.0, guarded=True, shown="acc:doc")
    assert tried == [PUBLIC_V4]


def test_the_address_that_was_checked_is_the_one_that_is_connected_to(monkeypatch):
    """A resolver that answers otherwise the second time (DNS rebinding) changes nothing."""
    tried = []

    class Socket(socket.socket):
        def connect(self, address):
            tried.append(address[0])

    resolver = Resolver(monkeypatch, rebinding=[[PUBLIC_V4], ["127.0.0.1"]])
    monkeypatch.setattr(socket, "socket", Socket)
    connect("rebinding", 80, 1.0, guarded=True, shown="acc:doc").close()
    assert (tried, resolver.asked) == ([PUBLIC_V4], ["rebinding"])


def test_the_next_address_is_tried_when_one_does_not_answer(monkeypatch, http, server):
    Resolver(monkeypatch, two=[["::1", "127.0.0.1"]])
    assert http().request("GET", f"http://two:{server.port}/a").text() == "hello"


@pytest.mark.parametrize(
    "url", ["http://nowhere.invalid/", "http://" + "a" * 64 + ".example/", "http://.example/"]
)
def test_a_name_that_does_not_resolve_says_so(monkeypatch, http, url):
    Resolver(monkeypatch)
    with pytest.raises(Unavailable, match="does not resolve"):
        http().request("GET", url)


@pytest.mark.parametrize(
    "url", ["http://127.1/", "http://2130706433/", "http://0x7f000001/", "http://１２７.0.0.1/"]
)
def test_odd_ways_to_write_a_forbidden_address_lead_nowhere(http, url):
    with pytest.raises(PermissionDenied, match="not allowed"):
        http(allow_private=False).request("GET", url)


def test_a_kept_connection_to_a_trusted_origin_is_not_lent_to_others(http, server):
    """The address rule holds for each account, whoever else keeps a connection to the same place."""
    trusting = http(allow_private=False, trusted={server.origin})
    assert trusting.request("GET", server.url("/a")).text() == "hello"
    with pytest.raises(PermissionDenied):
        http(allow_private=False, pool=trusting.pool).request("GET", server.url("/a"))


def test_every_step_of_a_redirect_is_checked(http, server):
    with LyingServer() as start:
        start.script("/", [Redirect(server.url("/a"))])
        trusting = http(allow_private=False, trusted={start.origin})
        with pytest.raises(PermissionDenied, match="not allowed"):
            trusting.request("GET", start.url("/"))
    assert server.connections_seen == 0
