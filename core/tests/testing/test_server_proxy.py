"""The lying proxy, seen by http.client and by raw sockets."""

import http.client
import socket
import ssl
import time

import pytest

from downspout.testing import (
    Cut,
    Delay,
    Document,
    Drip,
    EmptyReply,
    LyingProxy,
    LyingServer,
    Silence,
    Stall,
    Status,
)

CONTENT = bytes(range(250)) * 400  # 100,000 bytes


@pytest.fixture(params=[False, True], ids=["http", "https"])
def server(request):
    with LyingServer(tls=request.param) as server:
        server.documents["/doc"] = Document(CONTENT)
        server.route("/echo", lambda request: request.body)
        yield server


@pytest.fixture
def proxy():
    with LyingProxy(hosts={"gone.example": "127.0.0.1:1"}) as proxy:
        yield proxy


def through(proxy: LyingProxy, server: LyingServer, host: str = "127.0.0.1", port: int = 0, **headers: str):
    """Fetch the document through the proxy, by a tunnel where the server speaks TLS."""
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    if server.tls:
        context = ssl.create_default_context(cafile=server.ca_file)
        client = http.client.HTTPSConnection("127.0.0.1", proxy.port, timeout=5, context=context)
        client.set_tunnel(host, port or server.port, headers)
        target, headers = "/doc", {}
    else:
        client = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=5)
        target = f"http://{host}:{port or server.port}/doc"
    try:
        client.request("GET", target, headers=headers)
        response = client.getresponse()
        return response.status, response.read()
    finally:
        client.close()


def test_a_document_comes_through(proxy, server):
    assert through(proxy, server) == (200, CONTENT)
    (request,) = proxy.requests
    if server.tls:
        assert (request.method, request.target) == ("CONNECT", f"127.0.0.1:{server.port}")
    else:
        assert (request.method, request.target, request.path) == ("GET", server.url("/doc"), "/doc")
        assert server.requests[0].target == "/doc"
    assert len(server.requests) == 1


def test_a_name_leads_where_the_test_says(server):
    address = f"127.0.0.1:{server.port}"
    with LyingProxy(hosts={"localhost:4711": address, "localhost": "127.0.0.1:1"}) as proxy:
        assert through(proxy, server, "localhost", 4711) == (200, CONTENT)


def test_the_proxys_credentials_stay_with_the_proxy():
    with LyingServer() as server, LyingProxy(credentials=("jo", "pw")) as proxy:
        server.documents["/doc"] = Document(b"x")
        assert through(proxy, server)[0] == 407
        assert through(proxy, server, Proxy_Authorization="Basic am86cHc=") == (200, b"x")
        assert "proxy-authorization" not in server.requests[0].headers


def test_a_tunnel_is_refused_without_credentials():
    with LyingServer(tls=True) as server, LyingProxy(credentials=("jo", "pw")) as proxy:
        with pytest.raises(OSError, match="407"):
            through(proxy, server)
        server.documents["/doc"] = Document(b"x")
        assert through(proxy, server, Proxy_Authorization="Basic am86cHc=") == (200, b"x")


def test_a_body_is_forwarded(proxy):
    with LyingServer() as server:
        server.route("/echo", lambda request: request.body)
        client = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=5)
        client.request("POST", server.url("/echo?q"), body=iter([b"a" * 70_000, b"b"]))
        assert client.getresponse().read() == b"a" * 70_000 + b"b"
        client.close()
        assert server.requests[0].target == "/echo?q"


def test_an_unreachable_host_is_a_502(proxy, server):
    if server.tls:
        with pytest.raises(OSError, match="502"):
            through(proxy, server, "gone.example")
    else:
        assert through(proxy, server, "gone.example")[0] == 502
        assert through(proxy, server, port=99_999)[0] == 502


def test_a_proxy_answers_for_itself_and_then_hangs_up(proxy, server):
    proxy.script([Status(503), EmptyReply(), None])
    if server.tls:
        with pytest.raises(OSError, match="503"):
            through(proxy, server)
    else:
        assert through(proxy, server)[0] == 503
    with pytest.raises((http.client.HTTPException, OSError)):
        through(proxy, server)
    assert through(proxy, server) == (200, CONTENT)
    assert len(server.requests) == 1


@pytest.mark.parametrize("ending", ["close", "reset"])
@pytest.mark.parametrize("after", [1, 50_000])
def test_a_proxy_hangs_up_in_the_middle(proxy, server, after, ending):
    proxy.script([Cut(after, ending)])
    with pytest.raises((http.client.HTTPException, OSError)):
        through(proxy, server)
    assert through(proxy, server) == (200, CONTENT)


def test_a_proxy_hangs_up_on_a_tunnel_that_just_stood(proxy):
    proxy.script([Cut(0)])
    with LyingServer() as server, socket.create_connection(("127.0.0.1", proxy.port), 5) as sock:
        sock.sendall(b"CONNECT 127.0.0.1:%d HTTP/1.1\r\n\r\n" % server.port)
        data = b"".join(iter(lambda: sock.recv(1 << 16), b""))
        assert data == b"HTTP/1.1 200 Connection Established\r\n\r\n"


def test_a_proxy_stalls_in_the_middle_until_released(proxy, server):
    import threading

    proxy.script([Stall(50_000) + Delay(0.01), Silence()])
    for _ in range(2):
        results: list[tuple[int, bytes]] = []
        waiting = threading.Thread(target=lambda results=results: results.append(through(proxy, server)))
        waiting.start()
        proxy.wait_for_stall()
        proxy.release()
        waiting.join(5)
        assert results == [(200, CONTENT)]


def test_a_proxy_is_slow():
    with LyingServer() as server, LyingProxy() as proxy:
        server.documents["/doc"] = Document(b"x" * 1000)
        proxy.script([Drip(20_000)])
        started = time.monotonic()
        assert through(proxy, server)[1] == b"x" * 1000
        assert time.monotonic() - started > 0.02


def test_a_client_may_end_its_half_of_a_tunnel_first(proxy):
    with LyingServer() as server, socket.create_connection(("127.0.0.1", proxy.port), 5) as sock:
        server.documents["/doc"] = Document(b"x" * 1000)
        sock.sendall(
            b"CONNECT 127.0.0.1:%d HTTP/1.1\r\n\r\nGET /doc HTTP/1.1\r\nConnection: close\r\n\r\n" % server.port
        )
        sock.shutdown(socket.SHUT_WR)
        data = b"".join(iter(lambda: sock.recv(1 << 16), b""))
        assert data.startswith(b"HTTP/1.1 200 Connection Established\r\n\r\nHTTP/1.1 200 OK\r\n")
        assert data.endswith(b"x" * 1000)


def test_a_proxy_can_be_spoken_to_by_tls():
    with LyingServer() as server, LyingProxy(tls=True) as proxy:
        server.documents["/doc"] = Document(CONTENT)
        context = ssl.create_default_context(cafile=proxy.ca_file)
        client = http.client.HTTPSConnection("127.0.0.1", proxy.port, timeout=5, context=context)
        client.request("GET", server.url("/doc"))
        assert client.getresponse().read() == CONTENT
        client.close()


def test_what_is_no_request_is_refused_and_nothing_is_nothing(proxy):
    with socket.create_connection(("127.0.0.1", proxy.port), 5) as sock:
        sock.sendall(b"nonsense\r\n\r\n")
        assert sock.recv(1000).startswith(b"HTTP/1.1 400 ")
    proxy.wait_for_connections(0)
    with socket.create_connection(("127.0.0.1", proxy.port), 5):
        proxy.wait_for_connections(1)
    proxy.wait_for_connections(0)


def test_stopping_ends_tunnels_at_once(proxy):
    with LyingServer() as server, socket.create_connection(("127.0.0.1", proxy.port), 5) as sock:
        sock.sendall(b"CONNECT 127.0.0.1:%d HTTP/1.1\r\n\r\n" % server.port)
        assert sock.recv(1000).startswith(b"HTTP/1.1 200 ")
        server.wait_for_connections(1)
        started = time.monotonic()
        proxy.stop()
        assert time.monotonic() - started < 0.5
        assert sock.recv(1) == b""
        server.wait_for_connections(0)
