"""Connections of the lying server: how many, how fast, how they begin and end."""

import http.client
import pathlib
import socket
import ssl
import threading
import time
import urllib.request

import pytest

from downspout.testing import (
    BadCertificate,
    Document,
    HangUp,
    LyingServer,
    Pattern,
    PlainText,
    SlowAccept,
)

CONTENT = bytes(range(256)) * 40


def connect(server: LyingServer) -> http.client.HTTPConnection:
    if not server.tls:
        return http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    context = ssl.create_default_context(cafile=server.ca_file)
    return http.client.HTTPSConnection("127.0.0.1", server.port, timeout=5, context=context)


def ask(server: LyingServer, target: str, method: str = "GET", body=None, **fields: str):
    """Send one request on a connection of its own; give status, header fields and body."""
    client = connect(server)
    try:
        headers = {name.replace("_", "-"): value for name, value in fields.items()}
        client.request(method, target, body=body, headers=headers)
        with client.getresponse() as response:
            return response.status, response.headers, response.read()
    finally:
        client.close()


@pytest.fixture(params=[False, True], ids=["http", "https"])
def server(request):
    with LyingServer(tls=request.param) as server:
        server.documents["/doc"] = Document(CONTENT, last_modified="Mon, 02 Jan 2023 03:04:05 GMT", name="a b.txt")
        yield server


def test_latency_comes_before_each_answer():
    with LyingServer(latency=0.05) as server:
        started = time.monotonic()
        ask(server, "/")
        assert 0.05 <= time.monotonic() - started < 1


def test_a_rate_holds_on_each_connection():
    with LyingServer(rate=200_000) as server:
        server.documents["/doc"] = Document(bytes(40_000))
        started = time.monotonic()
        assert len(ask(server, "/doc")[2]) == 40_000
        assert 0.15 < time.monotonic() - started < 1


@pytest.mark.parametrize("when_full", ["503", "close"])
def test_a_connection_too_many_is_refused(when_full):
    with LyingServer(max_connections=1, when_full=when_full) as server:
        server.documents["/doc"] = Document(b"x")
        first = connect(server)
        first.request("GET", "/doc")
        assert first.getresponse().read() == b"x"
        if when_full == "503":
            assert ask(server, "/doc")[0] == 503
        else:
            with pytest.raises((ConnectionError, http.client.HTTPException)):
                ask(server, "/doc")
        first.close()
        server.wait_for_connections(0)
        assert ask(server, "/doc")[0] == 200


def test_a_connection_too_many_can_wait_for_its_turn():
    with LyingServer(max_connections=1, when_full="wait") as server:
        server.documents["/doc"] = Document(b"x")
        first = connect(server)
        first.request("GET", "/doc")
        first.getresponse().read()
        statuses: list[int] = []
        waiting = threading.Thread(target=lambda: statuses.append(ask(server, "/doc")[0]))
        waiting.start()
        waiting.join(0.1)
        assert statuses == []
        first.close()
        waiting.join(5)
        assert statuses == [200]


def test_a_server_that_is_down_refuses_and_comes_back_at_the_same_port():
    with LyingServer() as server:
        server.documents["/doc"] = Document(b"x")
        client = connect(server)
        client.request("GET", "/doc")
        client.getresponse().read()
        with server.down():
            with pytest.raises(ConnectionRefusedError):
                ask(server, "/doc")
            assert client.sock.recv(1) == b""
            client.close()
        assert ask(server, "/doc")[2] == b"x"
        with server.down():
            pass
        assert ask(server, "/doc")[2] == b"x"


def test_several_servers_are_several_origins_and_one_authority_vouches_for_all():
    with LyingServer(tls=True) as one, LyingServer(tls=True) as other:
        assert one.origin != other.origin
        context = ssl.create_default_context(cafile=one.ca_file)
        client = http.client.HTTPSConnection("localhost", other.port, timeout=5, context=context)
        client.request("GET", "/")
        assert client.getresponse().status == 404
        client.close()


@pytest.mark.parametrize("flaw", ["untrusted", "wrong-host", "expired"])
def test_a_certificate_can_be_bad_on_one_connection_only(flaw):
    with LyingServer(tls=True) as server:
        server.documents["/doc"] = Document(b"x")
        server.script_connections([None, BadCertificate(flaw)])
        assert ask(server, "/doc")[0] == 200
        with pytest.raises(ssl.SSLCertVerificationError):
            ask(server, "/doc")
        assert ask(server, "/doc")[0] == 200
        server.wait_for_connections(0)
        assert server.failed_handshakes == 1


def test_a_tls_server_can_speak_plain_text():
    with LyingServer(tls=True) as server:
        server.script_connections([PlainText()])
        with pytest.raises(ssl.SSLError):
            ask(server, "/")


@pytest.mark.parametrize("ending", ["close", "reset"])
def test_a_connection_can_end_as_soon_as_it_stands(server, ending):
    server.script_connections([HangUp(ending)])
    with pytest.raises((OSError, http.client.RemoteDisconnected)):
        ask(server, "/doc")
    assert ask(server, "/doc")[0] == 200


def test_a_connection_can_be_accepted_slowly(server):
    server.script_connections([SlowAccept(0.05), SlowAccept()])
    started = time.monotonic()
    assert ask(server, "/doc")[0] == 200
    assert time.monotonic() - started >= 0.05
    statuses: list[int] = []
    waiting = threading.Thread(target=lambda: statuses.append(ask(server, "/doc")[0]))
    waiting.start()
    server.wait_for_stall()
    server.release()
    waiting.join(5)
    assert statuses == [200]


def test_stopping_is_quick_and_leaves_no_thread(server):
    before = threading.active_count()
    other = LyingServer(tls=server.tls, rate=1.0).start()
    other.documents["/doc"] = Document(CONTENT)
    clients = [socket.create_connection(("127.0.0.1", other.port), 5) for _ in range(10)]
    for client in clients[: 0 if server.tls else 5]:
        client.sendall(b"GET /doc HTTP/1.1\r\n\r\n")
    other.wait_for_connections(10)
    started = time.monotonic()
    other.stop()
    other.stop()
    assert time.monotonic() - started < 0.5  # usually a millisecond; other processes may be busy
    assert threading.active_count() == before
    assert other.connections_open == 0
    for client in clients:
        client.close()


def test_a_server_that_was_never_started_can_be_stopped():
    LyingServer().stop()


def test_waiting_for_what_does_not_happen_ends():
    with LyingServer() as server, pytest.raises(TimeoutError, match="no 1 requests within"):
        server.wait_for_requests(1, timeout=0.01)


def test_waiting_for_requests_counts_those_of_a_path(server):
    waiting = threading.Thread(target=ask, args=(server, "/doc"))
    waiting.start()
    server.wait_for_requests(1)
    server.wait_for_requests(1, "/doc")
    waiting.join(5)
    assert server.requests_to("/other") == []


def test_the_ca_file_goes_with_the_server():
    with LyingServer(tls=True) as server:
        path = pathlib.Path(server.ca_file)
        assert path.read_bytes().startswith(b"-----BEGIN CERTIFICATE-----")
    assert not path.exists()


def test_a_server_that_is_down_can_keep_its_connections():
    with LyingServer() as server:
        server.documents["/doc"] = Document(b"x")
        client = connect(server)
        client.request("GET", "/doc")
        client.getresponse().read()
        with server.down(drop=False):
            client.request("GET", "/doc")
            assert client.getresponse().read() == b"x"
        client.close()


def test_a_server_may_listen_at_another_loopback_address():
    with LyingServer(host="::1") as server:
        assert server.origin == f"http://[::1]:{server.port}"
        server.documents["/x"] = Document(b"x")
        with urllib.request.urlopen(server.url("/x"), timeout=5) as response:
            assert response.read() == b"x"


def test_a_handler_may_stop_its_own_server():
    server = LyingServer()

    def last_words(request):
        server.stop()
        return "never sent"

    server.route("/", last_words)
    with server, pytest.raises((OSError, http.client.HTTPException)):
        ask(server, "/")
    assert server.errors == []


def test_bytes_sent_are_counted():
    with LyingServer() as server:
        server.documents["/doc"] = Document(CONTENT)
        server.documents["/pattern"] = Document(Pattern(3_000_000))
        ask(server, "/doc")
        server.wait_for_connections(0)
        assert len(CONTENT) < server.bytes_sent < len(CONTENT) + 500
        ask(server, "/pattern")
        ask(server, "/pattern", "HEAD")
        server.wait_for_connections(0)
        assert 3_010_000 < server.bytes_sent < 3_012_000


def test_a_server_may_stop_while_it_is_down():
    with LyingServer() as server:
        with server.down():
            server.stop()
        with pytest.raises(ConnectionRefusedError):
            ask(server, "/")


def test_an_address_that_is_not_here_is_an_error():
    with pytest.raises(OSError, match="assign"):
        LyingServer(host="203.0.113.1").start()


def test_a_client_may_go_before_it_says_a_word():
    with LyingServer(tls=True) as server:
        server.script_connections([PlainText(), None])
        for _ in range(2):
            with socket.create_connection(("127.0.0.1", server.port), 5):
                server.wait_for_connections(1)
            server.wait_for_connections(0)
        assert server.errors == []


def test_bytes_too_many_for_one_piece_arrive_intact(server):
    server.documents["/doc"] = Document(CONTENT * 600)
    assert ask(server, "/doc")[2] == CONTENT * 600
