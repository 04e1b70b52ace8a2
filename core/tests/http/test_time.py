"""Everything has an end: connecting, waiting, dripping, and what somebody cancels."""

import contextlib
import re
import socket
import threading
import time

import pytest
from attrs import evolve

from downspout._http import BoundHttp
from downspout._http.wire import Wire
from downspout.errors import Cancelled, LinkRefused, ProtocolError, Unavailable
from downspout.testing import (
    Delay,
    Document,
    Drip,
    HangUp,
    HeaderDrip,
    Interim,
    LyingServer,
    Silence,
    SlowAccept,
    Stall,
    StatusOnly,
)

SOON = 0.4
"""Seconds that the clients here wait."""


@contextlib.contextmanager
def soon(limit=3.0):
    began = time.monotonic()
    yield
    assert time.monotonic() - began < limit


@pytest.fixture(params=[False, True], ids=["http", "https"])
def server(request):
    with LyingServer(tls=request.param) as server:
        server.documents["/a"] = Document(b"x" * 10_000)
        yield server


@pytest.fixture
def bound(http, server):
    return http(timeout=SOON, ca_bundle=server.ca_file if server.tls else None)


@pytest.mark.parametrize(
    "fault", [Silence(), HeaderDrip(20.0), Delay(1.0)], ids=lambda fault: type(fault).__name__
)
def test_a_head_must_come_in_time(bound, server, fault):
    server.script("/a", [fault])
    with soon(), pytest.raises(Unavailable, match=r"no answer within 0.4 s") as caught:
        bound.open("GET", server.url("/a"))
    assert "--timeout" in caught.value.hint


def test_interim_answers_do_not_lengthen_the_wait(bound, server):
    server.script("/a", [Interim((103,) * 10) + HeaderDrip(300.0)])
    with soon(), pytest.raises(Unavailable, match="no answer within"):
        bound.request("GET", server.url("/a"))


def test_a_body_that_stalls_is_given_up(bound, server):
    server.script("/a", [Stall(5000)])
    stream = bound.open("GET", server.url("/a"))
    buffer = bytearray(20_000)
    with soon():
        assert stream.readinto(buffer) == 5000
        with pytest.raises(Unavailable, match=r"no answer within 0.4 s"):
            stream.readinto(buffer)


def test_a_body_that_drips_goes_on(bound, server):
    server.documents["/a"] = Document(b"x" * 16)
    server.script("/a", [Drip(20.0)])
    stream = bound.open("GET", server.url("/a"))
    counts = []
    while count := stream.readinto(bytearray(100)):
        counts.append(count)
    assert sum(counts) == 16
    assert len(counts) > 1


def read(stream, counts):
    try:
        while not counts or counts[-1]:
            counts.append(stream.readinto(bytearray(20_000)))
    finally:
        stream.close()


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("at_once", "slowly", "came"),
    [(CHUNKED, b"0", 0), (CHUNKED + b"5\r\nhello\r\n", b"0", 5), (CHUNKED + b"5\r\nhello\r\n0\r\n", b"a", 5)],
    ids=["first size", "next size", "trailer"],
)
def test_what_drips_between_the_bytes_is_given_up(http, dripping, at_once, slowly, came):
    with dripping(at_once, slowly) as url:
        stream, counts = http(timeout=SOON).open("GET", url), []
        with soon(), pytest.raises(Unavailable, match="no answer within"):
            read(stream, counts)
        assert counts == [came] * bool(came)


@pytest.mark.parametrize(
    "at_once", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 200 OK\r\nX-A: "]
)
def test_a_head_that_drips_is_given_up(http, dripping, at_once):
    with (
        dripping(at_once, b"H"[: not at_once] or b"x") as url,
        soon(),
        pytest.raises((Unavailable, ProtocolError)),
    ):
        http(timeout=SOON).request("GET", url)


def test_a_whole_answer_that_drips_is_given_up_after_a_while(bound, server):
    server.script("/a", [Drip(50.0)])
    with soon(5.0), pytest.raises(Unavailable, match="no answer within"):
        bound.request("GET", server.url("/a"))


def test_a_refusal_whose_body_stalls_is_a_refusal(bound, server):
    server.script("/a", [StatusOnly(404) + Stall(10)])
    with soon(), pytest.raises(LinkRefused, match="404"):
        bound.open("GET", server.url("/a"))


def test_a_handshake_must_come_in_time(http):
    with LyingServer(tls=True) as server:
        server.script_connections([SlowAccept()])
        with soon(), pytest.raises(Unavailable, match="no answer within"):
            http(timeout=SOON, ca_bundle=server.ca_file).request("GET", server.url("/a"))


@pytest.mark.parametrize("ending", ["close", "reset"])
def test_a_server_that_hangs_up_at_once_is_said_so(bound, server, ending):
    server.script_connections([HangUp(ending)], repeat_last=True)
    with soon(), pytest.raises(Unavailable, match=r"connection (broke off|failed|to)"):
        bound.request("GET", server.url("/a"))


def test_a_server_that_is_down_is_said_so(bound, server):
    with server.down(), soon(), pytest.raises(Unavailable, match=rf"port {server.port} \(Connection refused\)"):
        bound.request("GET", server.url("/a"))


def test_a_connection_must_come_about_in_time(http):
    """A listener whose queue is full answers no more connections, as a firewall that drops them."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        for _ in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(address)
        with (
            soon(),
            pytest.raises(Unavailable, match=r"no connection to 127.0.0.1, port \d+ \(no answer in time\)"),
        ):
            http(timeout=SOON).request("GET", f"http://127.0.0.1:{address[1]}/")


def test_without_a_limit_an_answer_is_waited_for(http, server):
    server.script("/a", [Delay(0.6)])
    bound = http(timeout=None, ca_bundle=server.ca_file if server.tls else None)
    assert bound.request("GET", server.url("/a")).ok
    server.script("/a", [Stall(5000)])
    stream = bound.open("GET", server.url("/a"))
    buffer = bytearray(20_000)
    assert stream.readinto(buffer) == 5000
    threading.Timer(0.3, server.release).start()
    assert stream.readinto(buffer) == 5000
    stream.close()


class Switch:
    def __init__(self):
        self.on = threading.Event()

    def __call__(self):
        return self.on.is_set()


def cancelling(bound: BoundHttp, switch):
    return evolve(bound, cancelled=switch)


@pytest.mark.parametrize("timeout", [20.0, None])
@pytest.mark.parametrize(
    "fault", [Silence(), Stall(5000), StatusOnly(404) + Stall(10)], ids=["head", "body", "error"]
)
def test_what_is_cancelled_ends_at_once(http, server, timeout, fault):
    server.script("/a", [fault])
    switch = Switch()
    bound = cancelling(http(timeout=timeout, ca_bundle=server.ca_file if server.tls else None), switch)
    stopper = threading.Thread(target=lambda: (server.wait_for_stall(), switch.on.set()))
    stopper.start()
    with soon(), pytest.raises(Cancelled):
        read(bound.open("GET", server.url("/a")), [])
    stopper.join()
    server.wait_for_connections(0)


def test_what_is_cancelled_on_a_kept_connection_leaves_none_behind(http, server):
    server.script("/a", [None, Silence()])
    switch = Switch()
    bound = cancelling(http(timeout=20.0, ca_bundle=server.ca_file if server.tls else None), switch)
    assert bound.request("GET", server.url("/a")).ok
    stopper = threading.Thread(target=lambda: (server.wait_for_stall(), switch.on.set()))
    stopper.start()
    with soon(), pytest.raises(Cancelled):
        bound.request("GET", server.url("/a"))
    stopper.join()
    server.wait_for_connections(0)
    assert server.connections_seen == 1


def test_a_proxy_that_drips_is_given_up(http, dripping):
    with (
        dripping(b"HTTP/1.1 200 OK\r\n", b"x") as proxy,
        soon(),
        pytest.raises(Unavailable, match="no answer within"),
    ):
        http(timeout=SOON, proxy=proxy).request("GET", "https://svc.example/")


def test_a_wire_of_its_own_waits_and_gives_up():
    here, there = socket.socketpair()
    with there, contextlib.closing(Wire(here, 0.6)) as wire:
        assert wire.is_quiet
        there.sendall(b"one line\nmore")
        assert wire.take_until(re.compile(rb"\n"), 100) == b"one line\n"
        assert not wire.is_quiet
        buffer = bytearray(9)
        assert (wire.receive_into(memoryview(buffer), 0.0), buffer[:4]) == (4, b"more")
        with soon(), pytest.raises(TimeoutError):
            wire.receive_into(memoryview(buffer), 0.0)
