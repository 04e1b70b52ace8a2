"""Connections are used again, replaced when they died meanwhile, and never more than a few are kept."""

import socket
import ssl
import threading
import time

import pytest

from downspout._http import pool
from downspout.errors import Unavailable
from downspout.testing import (
    Answer,
    CloseDelimited,
    Document,
    EmptyReply,
    FakeService,
    Header,
    HeaderDrip,
    LyingServer,
    Redirect,
    Silence,
    Status,
)


@pytest.fixture(params=[False, True], ids=["http", "https"])
def server(request):
    with FakeService(tls=request.param) as server:
        server.documents["/a"] = Document(b"hello")
        server.post("/p")(lambda request: {"ok": True})
        yield server


@pytest.fixture
def bound(http, server):
    return http(server.origin, ca_bundle=server.ca_file if server.tls else None)


def connections(server):
    return [request.connection for request in server.requests]


def test_one_connection_serves_one_request_after_the_other(bound, server):
    for _ in range(5):
        assert bound.request("GET", server.url("/a")).text() == "hello"
    bound.request("POST", server.url("/p"), json={})
    assert set(connections(server)) == {1}


@pytest.mark.parametrize(
    "fault",
    [Header("Connection", ("close",)), CloseDelimited(), Status(200, b"x", {"Connection": "Close"})],
    ids=["close", "delimited", "case"],
)
def test_a_connection_that_ends_is_not_used_again(bound, server, fault):
    server.script("/a", [fault])
    for _ in range(2):
        assert bound.request("GET", server.url("/a")).ok
    assert connections(server) == [1, 2]


def test_an_answer_that_was_not_read_ends_its_connection(bound, server):
    server.documents["/big"] = Document(bytes(1_000_000))
    bound.open("GET", server.url("/big")).close()
    assert bound.request("GET", server.url("/a")).ok
    assert connections(server) == [1, 2]


def test_a_kept_connection_that_was_closed_is_replaced(bound, server):
    assert bound.request("GET", server.url("/a")).ok
    with server.down():
        pass
    server.wait_for_connections(0)
    assert bound.request("GET", server.url("/a")).ok
    assert bound.request("POST", server.url("/p"), json={}).ok
    assert connections(server) == [1, 2, 2]


@pytest.mark.parametrize("ending", ["close", "reset"])
def test_a_kept_connection_that_dies_under_a_question_is_replaced_once(bound, server, ending):
    server.script("/a", [None, EmptyReply(ending), None, EmptyReply(ending), EmptyReply(ending)])
    assert [bound.request("GET", server.url("/a")).text() for _ in range(2)] == ["hello"] * 2
    assert connections(server) == [1, 1, 2]
    with pytest.raises(Unavailable):
        bound.request("GET", server.url("/a"))
    assert connections(server) == [1, 1, 2, 2, 3]


def test_what_is_posted_is_not_sent_twice(bound, server):
    server.script("/p", [None, EmptyReply()])
    assert bound.request("POST", server.url("/p"), json={}).ok
    with pytest.raises(Unavailable, match="broke off"):
        bound.request("POST", server.url("/p"), json={})
    assert len(server.requests) == 2


def test_a_kept_connection_that_does_not_answer_is_not_tried_twice(http, server):
    server.script("/a", [None, Silence()])
    bound = http(timeout=0.3, ca_bundle=server.ca_file if server.tls else None)
    assert bound.request("GET", server.url("/a")).ok
    with pytest.raises(Unavailable, match="no answer within"):
        bound.request("GET", server.url("/a"))
    assert len(server.requests) == 2


def test_a_connection_that_was_kept_too_long_is_not_trusted(bound, server, monkeypatch):
    monkeypatch.setattr(pool, "_IDLE_SECONDS", 0.05)
    for _ in range(2):
        assert bound.request("GET", server.url("/a")).ok
        time.sleep(0.06)
    assert connections(server) == [1, 2]


def test_a_redirect_without_a_body_keeps_its_connection(bound, server):
    server.script("/r", [Redirect("/a")])
    assert bound.request("GET", server.url("/r")).text() == "hello"
    assert connections(server) == [1, 1]


def test_a_redirect_with_a_body_that_drips_is_not_waited_for(bound, server):
    server.script("/r", [Redirect("/a", body=b"x" * 100_000)])
    assert bound.request("GET", server.url("/r")).text() == "hello"


def test_many_origins_do_not_keep_many_connections(http):
    """A list of thousands of hosts must not use up the descriptors; what was used last is kept."""
    with LyingServer() as server:
        server.documents["/a"] = Document(b"hello")
        bound = http()
        hosts = [f"127.0.{number // 250}.{number % 250 + 1}" for number in range(pool._IDLE_CONNECTIONS + 10)]
        with LyingServer(host="0.0.0.0") as everywhere:
            everywhere.documents["/a"] = Document(b"hello")
            for host in hosts:
                assert bound.request("GET", f"http://{host}:{everywhere.port}/a").ok
            everywhere.wait_for_connections(pool._IDLE_CONNECTIONS)
            for host in reversed(hosts[10:]):
                assert bound.request("GET", f"http://{host}:{everywhere.port}/a").ok
            assert everywhere.connections_seen == len(hosts)
            assert bound.request("GET", f"http://{hosts[0]}:{everywhere.port}/a").ok
            assert everywhere.connections_seen == len(hosts) + 1


def test_many_connections_to_one_origin_are_kept_up_to_a_number(http, server):
    bound = http(ca_bundle=server.ca_file if server.tls else None)
    streams = [bound.open("GET", server.url("/a")) for _ in range(pool._IDLE_CONNECTIONS + 3)]
    for stream in streams:
        while stream.readinto(bytearray(100)):
            pass
        stream.close()
    server.wait_for_connections(pool._IDLE_CONNECTIONS)


def test_a_closed_pool_keeps_nothing_and_still_ends_what_is_under_way(bound, server):
    assert bound.request("GET", server.url("/a")).ok
    stream = bound.open("GET", server.url("/a"))
    bound.pool.close()
    bound.pool.close()
    assert stream.readinto(bytearray(100)) == 5
    assert stream.readinto(bytearray(100)) == 0
    stream.close()
    server.wait_for_connections(0)


def test_sixteen_threads_share_one_pool(http, server):
    server.get("/n/{number}")(lambda request, number: Answer(200, number.encode()))
    bound = http(timeout=20.0, ca_bundle=server.ca_file if server.tls else None)
    wrong = []

    def ask(thread):
        for number in range(thread, thread + 20):
            if bound.request("GET", server.url(f"/n/{number}")).text() != str(number):
                wrong.append(number)

    threads = [threading.Thread(target=ask, args=(1000 * thread,)) for thread in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(server.requests) == 320
    assert server.connections_seen <= 16


@pytest.mark.parametrize(
    ("trouble", "says"),
    [
        (OSError(113, "No route to https://h/?sig=s3cret"), "acc:doc: the connection failed."),
        (ConnectionResetError("https://h/?sig=s3cret"), "acc:doc: the connection broke off."),
        (ssl.SSLEOFError("https://h/?sig=s3cret"), "acc:doc: the connection broke off."),
        (TimeoutError("https://h/?sig=s3cret"), "acc:doc: no answer within 7 s."),
        (ValueError("https://h/?sig=s3cret"), "acc:doc: the server sent what is not HTTP."),
    ],
)
def test_trouble_is_told_in_our_words(trouble, says):
    assert pool.mapped(trouble, "acc:doc", 7.0).message == says


def test_an_address_of_ipv6_is_written_in_brackets(http):
    with LyingServer(host="::1") as server:
        server.documents["/a"] = Document(b"hello")
        assert http(server.origin).request("GET", server.url("/a"), headers={"X-A": "b"}).text() == "hello"
        assert server.requests[0].headers["host"] == f"[::1]:{server.port}"
        assert server.requests[0].headers["x-a"] == "b"


def test_a_large_body_is_sent_whole_to_a_slow_reader(http, server):
    server.post("/size")(lambda request: {"size": len(request.body)})
    server.script("/size", [HeaderDrip(5000.0)])
    bound = http(ca_bundle=server.ca_file if server.tls else None)
    assert bound.request("POST", server.url("/size"), body=bytes(20_000_000)).json() == {"size": 20_000_000}


def test_a_reader_that_never_reads_is_given_up(http):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        with pytest.raises(Unavailable, match="no answer within"):
            http(timeout=0.3).request("POST", url, body=bytes(30_000_000))
