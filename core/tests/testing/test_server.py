"""The honest side of the lying server: what it serves when no script speaks."""

import hashlib
import http.client
import json
import socket
import ssl
import time
import urllib.request

import pytest

from downspout.testing import (
    Answer,
    Document,
    FakeService,
    FileContent,
    Headers,
    LyingServer,
    Pattern,
    Request,
    Virtual,
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


def test_a_document_comes_whole_with_what_is_known_of_it(server):
    status, headers, body = ask(server, "/doc")
    assert (status, body) == (200, CONTENT)
    assert headers["Content-Length"] == str(len(CONTENT))
    assert headers["ETag"] == '"v1"'
    assert headers["Accept-Ranges"] == "bytes"
    assert headers["Content-Disposition"] == 'attachment; filename="a b.txt"'
    assert headers["Last-Modified"] == "Mon, 02 Jan 2023 03:04:05 GMT"
    assert headers["Date"].endswith("GMT")


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [("bytes=0-0", 0, 1), ("bytes=5-9", 5, 10), ("Bytes=10000-", 10000, 10240), ("bytes=-3", 10237, 10240),
     ("bytes=0-99999", 0, 10240), ("bytes=-99999", 0, 10240)],
)  # fmt: skip
def test_a_range_is_served_as_asked(server, asked, start, stop):
    status, headers, body = ask(server, "/doc", Range=asked)
    assert (status, body) == (206, CONTENT[start:stop])
    assert headers["Content-Range"] == f"bytes {start}-{stop - 1}/10240"
    assert headers["ETag"] == '"v1"'


@pytest.mark.parametrize("asked", ["bytes=10240-", "bytes=99999-100000", "bytes=-0"])
def test_a_range_beyond_the_end_is_refused_with_the_size(server, asked):
    status, headers, body = ask(server, "/doc", Range=asked)
    assert (status, headers["Content-Range"], body) == (416, "bytes */10240", b"")


@pytest.mark.parametrize(
    "asked", ["lines=1-2", "bytes=5-1", "bytes=0-1,5-6", "bytes=-", "bytes=x-", "bytes=" + "9" * 5000]
)
def test_a_range_that_is_none_is_ignored(server, asked):
    assert ask(server, "/doc", Range=asked)[0] == 200


@pytest.mark.parametrize(
    ("validator", "status"),
    [('"v1"', 206), ('"v2"', 200), ('W/"v1"', 200), ("Mon, 02 Jan 2023 03:04:05 GMT", 206),
     ("Mon, 02 Jan 2023 03:04:06 GMT", 200)],
)  # fmt: skip
def test_if_range_is_honoured_for_the_same_version_only(server, validator, status):
    assert ask(server, "/doc", Range="bytes=1-", If_Range=validator)[0] == status


def test_a_weak_etag_never_satisfies_if_range():
    with LyingServer() as server:
        server.documents["/doc"] = Document(CONTENT, etag='W/"v1"')
        assert ask(server, "/doc", Range="bytes=1-", If_Range='W/"v1"')[0] == 200


def test_head_says_what_get_says_without_a_body(server):
    status, headers, body = ask(server, "/doc", "HEAD", Range="bytes=1-4")
    assert (status, headers["Content-Length"], body) == (206, "4", b"")
    assert ask(server, "/doc", "DELETE")[:1] == (405,)
    assert ask(server, "/else")[0] == 404


def test_many_requests_share_a_connection(server):
    client = connect(server)
    for _ in range(5):
        client.request("GET", "/doc")
        assert client.getresponse().read() == CONTENT
    client.close()
    assert [request.connection for request in server.requests] == [1] * 5
    assert server.connections_seen == 1


def test_requests_are_recorded_as_they_came(server):
    ask(server, "/doc?a=1&b=%20c", X_Token="t", Range="bytes=0-0")
    (request,) = server.requests
    assert (request.method, request.target, request.path) == ("GET", "/doc?a=1&b=%20c", "/doc")
    assert (request.query, request.params) == ("a=1&b=%20c", {"a": "1", "b": " c"})
    assert request.headers["x-token"] == "t"
    assert "authorization" not in request.headers
    assert abs(request.when - time.monotonic()) < 5
    server.forget()
    assert server.requests == []


def test_header_fields_compare_without_case_and_keep_what_is_repeated():
    headers = Headers([("Cookie", "a=1"), ("X", "1"), ("cookie", "b=2")])
    assert headers.get_all("COOKIE") == ["a=1", "b=2"]
    assert headers["cookie"] == "a=1, b=2"
    assert list(headers) == ["cookie", "x"]
    assert len(headers) == 2
    assert 5 not in headers
    assert headers.get("nothing") is None
    assert headers.get_all("nothing") == []
    assert eval(repr(headers)).pairs == headers.pairs


def test_a_path_in_another_script_is_reached_by_its_url():
    with LyingServer() as server:
        server.route("/Ordner/发票 1.pdf", Document(b"x"))
        with urllib.request.urlopen(server.url("/Ordner/发票 1.pdf"), timeout=5) as response:
            assert response.read() == b"x"
        assert server.url("/a", host="localhost") == f"http://localhost:{server.port}/a"


def test_content_of_any_size_costs_no_memory():
    size = 2**32 + 1
    with LyingServer() as server:
        server.documents["/pattern"] = Document(Pattern(size))
        server.documents["/virtual"] = Document(Virtual(size, lambda start, stop: b"z" * (stop - start)))
        _, headers, body = ask(server, "/pattern", Range="bytes=4294967290-")
        assert headers["Content-Range"] == "bytes 4294967290-4294967296/4294967297"
        assert body == Document(Pattern(size)).read(2**32 - 6)
        assert ask(server, "/virtual", Range="bytes=-3")[2] == b"zzz"
        assert ask(server, "/pattern", "HEAD")[1]["Content-Length"] == str(size)


def test_a_large_pattern_arrives_intact(server):
    document = Document(Pattern(5_000_001, seed=7))
    server.documents["/large"] = document
    body = ask(server, "/large")[2]
    assert hashlib.sha256(body).hexdigest() == document.sha256()
    assert body == document.read()


def test_a_file_arrives_intact(server, tmp_path):
    (tmp_path / "file").write_bytes(CONTENT * 300)
    server.documents["/file"] = Document(FileContent(str(tmp_path / "file")))
    assert ask(server, "/file")[2] == CONTENT * 300
    assert ask(server, "/file", Range="bytes=1000000-1000009")[2] == (CONTENT * 300)[1_000_000:1_000_010]


def test_a_request_body_is_read_by_length_and_by_chunks(server):
    server.route("/echo", lambda request: request.body, methods=["POST"])
    assert ask(server, "/echo", "POST", b"x" * 200_000)[2] == b"x" * 200_000
    assert ask(server, "/echo", "POST", iter([b"ab", b"c" * 70_000]))[2] == b"ab" + b"c" * 70_000
    assert ask(server, "/echo", "POST", b"")[2] == b""
    assert ask(server, "/echo")[1]["Allow"] == "POST"


def test_a_client_that_waits_for_100_continue_gets_it():
    with LyingServer() as server, socket.create_connection(("127.0.0.1", server.port), 5) as sock:
        server.route("/echo", lambda request: request.body)
        head = b"POST /echo HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
        sock.sendall(head)
        assert sock.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(b"ok")
        assert read_to_end(sock).endswith(b"\r\n\r\nok")


def read_to_end(sock: socket.socket) -> bytes:
    return b"".join(iter(lambda: sock.recv(1 << 16), b""))


@pytest.mark.parametrize(
    "sent",
    [b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nno colon\r\n\r\n", b"GET / HTTP/1.1\r\n a: b\r\n\r\n",
     b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
     b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"],
)  # fmt: skip
def test_what_is_no_request_is_refused(sent):
    with LyingServer() as server, socket.create_connection(("127.0.0.1", server.port), 5) as sock:
        sock.sendall(sent)
        assert read_to_end(sock).startswith(b"HTTP/1.1 400 Bad Request\r\n")


def test_an_http_1_0_client_gets_an_end_of_the_connection():
    with LyingServer() as server, socket.create_connection(("127.0.0.1", server.port), 5) as sock:
        server.documents["/"] = Document(b"body")
        sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert read_to_end(sock).endswith(b"Connection: close\r\n\r\nbody")


def test_functions_answer_json_text_bytes_documents_and_nothing():
    service = FakeService()

    @service.post("/resolve")
    def resolve(request: Request):
        return {"asked": request.json()}

    @service.get("/users/{user}/files/{file}")
    def user(request, user, file):
        return [user, file]

    service.on("/any/*")(lambda request: request.path)
    service.put("/none")(lambda request: None)
    service.delete("/bytes")(lambda request: b"\0")
    service.post("/form")(lambda request: Answer.json(request.form, 201, {"X-A": "1"}))
    service.get("/document")(lambda request: Document(CONTENT))
    with service:
        assert json.loads(ask(service, "/resolve", "POST", b'{"a": [1]}')[2]) == {"asked": {"a": [1]}}
        assert json.loads(ask(service, "/users/jo/files/a%20b")[2]) == ["jo", "a b"]
        assert ask(service, "/any/thing/here")[2] == b"/any/thing/here"
        assert ask(service, "/none", "PUT")[0] == 204
        assert ask(service, "/bytes", "DELETE")[2] == b"\0"
        status, headers, body = ask(service, "/form", "POST", b"a=1&b=")
        assert (status, headers["X-A"], json.loads(body)) == (201, "1", {"a": "1", "b": ""})
        assert ask(service, "/document", Range="bytes=-1")[2] == CONTENT[-1:]


def test_what_a_handler_raises_is_an_answer_500_and_raised_at_the_end():
    def broken(request):
        raise LookupError("a bug of the test")

    server = LyingServer()
    server.route("/", broken)
    with pytest.raises(LookupError, match="a bug of the test"), server:
        assert ask(server, "/")[0] == 500


def test_a_link_dies_by_use_by_age_and_on_command():
    with LyingServer() as server:
        server.documents["/doc"] = Document(CONTENT, links_only=True)
        single = server.link("/doc", uses=1, status=410, body=b"gone")
        aged = server.link("/doc", life=0)
        killed = server.link("/doc", status=401)
        origin = len(server.origin)
        assert ask(server, single[origin:])[2] == CONTENT
        assert ask(server, single[origin:])[::2] == (410, b"gone")
        assert ask(server, aged[origin:])[0] == 403
        assert ask(server, killed[origin:], Range="bytes=0-0")[0] == 206
        assert server.kill_links("/other") == 0
        assert server.kill_links() == 2
        assert ask(server, killed[origin:])[0] == 401
        assert (server.link_uses(single), server.link_uses(aged), server.link_uses(killed)) == (2, 1, 2)


def test_a_document_for_links_only_is_refused_without_one():
    with LyingServer() as server:
        server.documents.update({"/doc": Document(b"1", links_only=True), "/open": Document(b"2")})
        assert ask(server, "/doc")[0] == 403
        link = server.link("/doc")[len(server.origin) :]
        assert ask(server, link)[2] == b"1"
        assert ask(server, link[:-1])[0] == 403
        assert ask(server, link.replace("/doc", "/open"))[0] == 403
        assert ask(server, "/open")[2] == b"2"


def test_a_link_can_refuse_head_and_credentials():
    with LyingServer() as server:
        server.documents["/doc"] = Document(b"1")
        link = server.link("/doc", methods=["GET"], refuses_credentials=True)[len(server.origin) :]
        assert ask(server, link, "HEAD")[0] == 403
        assert ask(server, link, Authorization="Bearer x")[0] == 400
        assert ask(server, link)[0] == 200


def test_a_body_that_ends_early_or_a_head_without_end_is_refused():
    sent = (
        b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nab",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFF\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"n" * (1 << 20),
    )
    with LyingServer() as server:
        for data in sent:
            with socket.create_connection(("127.0.0.1", server.port), 5) as sock:
                sock.sendall(data)
                sock.shutdown(socket.SHUT_WR)
                assert read_to_end(sock).startswith(b"HTTP/1.1 400 Bad Request\r\n")


def test_trailers_of_a_request_are_passed_over():
    with LyingServer() as server, socket.create_connection(("127.0.0.1", server.port), 5) as sock:
        server.route("/echo", lambda request: request.body)
        sock.sendall(
            b"POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
            b"2;x=1\r\nab\r\n0\r\nX: 1\r\n\r\n"
        )
        assert read_to_end(sock).endswith(b"\r\n\r\nab")


def test_a_name_in_another_script_is_said_as_rfc_6266_wants():
    said = ("Content-Disposition", "attachment; filename*=UTF-8''%E5%8F%91%201.pdf")
    assert said in Document(name="发 1.pdf").fields()


def test_content_that_gives_less_than_it_said_ends_the_body_early():
    with LyingServer() as server:
        server.documents["/doc"] = Document(Virtual(10, lambda start, stop: b"abc"[start:stop]))
        with socket.create_connection(("127.0.0.1", server.port), 5) as sock:
            sock.sendall(b"GET /doc HTTP/1.1\r\nConnection: close\r\n\r\n")
            assert read_to_end(sock).endswith(b"Content-Length: 10\r\nConnection: close\r\n\r\nabc")


def test_absolute_targets_are_understood():
    with LyingServer() as server:
        server.documents["/doc"] = Document(b"x")
        assert ask(server, "http://anything.example/doc?q")[2] == b"x"
        assert server.requests[0].query == "q"
