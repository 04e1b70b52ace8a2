"""Answers as servers really send them: interim ones, odd chunks, heads that are none."""

import pytest

from downspout.errors import DownspoutError, LinkRefused, ProtocolError, Unavailable
from downspout.testing import (
    Answer,
    Chunked,
    ChunkedBadSize,
    ChunkedCut,
    Chunks,
    Cut,
    Document,
    EmptyReply,
    EndlessHeaders,
    Fault,
    Garbage,
    Header,
    HeaderBytes,
    HeaderDrip,
    Interim,
    LongHeader,
    LyingServer,
    ManyHeaders,
    PlainText,
    StatusLine,
    StatusOnly,
    every_fault,
)

CONTENT = b"0123456789" * 100


@pytest.fixture
def server():
    with LyingServer() as server:
        server.documents["/a"] = Document(CONTENT)
        yield server


@pytest.mark.parametrize("statuses", [(100,), (103,), (102, 103, 103), (103, 100)])
def test_interim_answers_are_skipped_on_new_and_on_kept_connections(http, server, statuses):
    server.script("/a", [None, Interim(statuses), None, Interim(statuses)])
    bound = http()
    assert [bound.request("GET", server.url("/a")).text() for _ in range(4)] == [CONTENT.decode()] * 4
    assert {request.connection for request in server.requests} == {1}


def test_interim_answers_without_an_end_are_an_error(http, server):
    server.script("/a", [Interim((103,) * 15), Interim((103,) * 16), Interim((103,) * 1000)])
    assert http().request("GET", server.url("/a")).ok
    for _ in range(2):
        with pytest.raises(ProtocolError, match="not HTTP"):
            http().request("GET", server.url("/a"))


def test_a_switch_of_protocols_is_no_document(http, server):
    server.script("/a", [StatusOnly(101)])
    with pytest.raises(ProtocolError, match="101"):
        http().open("GET", server.url("/a"))


@pytest.mark.parametrize("line", [b"5;name=value", b"0005", b"5 ; x", b"5\t"])
def test_a_chunk_s_size_may_have_an_extension(http, server, line):
    server.documents["/a"] = Document(b"hello")
    server.script("/a", [ChunkedBadSize(line)])
    assert http().request("GET", server.url("/a")).text() == "hello"


@pytest.mark.parametrize(
    "line", [b"zz", b"", b"-1", b"+5", b"0x5", b"1_0", b" 5", b";5", b"f" * 17, b"1" * 5000, "٣".encode()]
)
def test_a_chunk_of_no_size_is_not_http(http, server, line):
    server.script("/a", [ChunkedBadSize(line)])
    with pytest.raises(ProtocolError, match="not HTTP"):
        http().request("GET", server.url("/a"))


@pytest.mark.parametrize("where", ["before-last", "in-last", "in-size"])
def test_a_chunked_answer_that_ends_early_may_be_asked_for_again(http, server, where):
    server.script("/a", [ChunkedCut(where, 1, 200)])
    with pytest.raises(Unavailable, match="broke off"):
        http().request("GET", server.url("/a"))


def test_chunks_and_a_length_go_by_the_chunks(http, server):
    server.script("/a", [Chunked(7, length="5"), Chunked(7, length="abc")])
    assert [http().request("GET", server.url("/a")).text() for _ in range(2)] == [CONTENT.decode()] * 2


def test_trailers_are_skipped(http, server):
    class Trailers(Fault):
        def _change(self, answer):
            return answer.with_wire(chunks=Chunks(100, last=b"0\r\nX-A: b\r\nX-C: d\r\n\r\n"), lengths=())

    server.script("/a", [Trailers()])
    bound = http()
    assert [bound.request("GET", server.url("/a")).text() for _ in range(2)] == [CONTENT.decode()] * 2
    assert {request.connection for request in server.requests} == {1}


@pytest.mark.parametrize("coding", ["gzip", "gzip, chunked", "chunked, gzip", "x"])
def test_a_transfer_coding_that_nobody_asked_for_is_not_http(http, server, coding):
    server.script("/a", [Header("Transfer-Encoding", (coding,))])
    with pytest.raises(ProtocolError, match="not HTTP"):
        http().open("GET", server.url("/a"))


def test_the_coding_identity_is_none(http, server):
    server.script("/a", [Header("Transfer-Encoding", ("identity",))])
    assert http().request("GET", server.url("/a")).ok


@pytest.mark.parametrize(
    "fault",
    [
        Garbage(),
        LongHeader(70_000),
        ManyHeaders(1000),
        EndlessHeaders(),
        StatusLine(b"HTTP/1.1 abc Fine"),
        StatusLine(b"HTTP/1.1 -200 Minus"),
        StatusLine(b"HTTP/1.1 20 Short"),
        StatusLine(b"HTTP/2 200 OK" * 6000),
        StatusLine(b"FTP 200 OK"),
    ],
    ids=lambda fault: repr(fault)[:40],
)
def test_what_is_not_http_is_said_so_without_its_bytes(http, server, fault):
    server.script("/a", [fault], repeat_last=True)
    for ask in (http().request, http().open):
        with pytest.raises((ProtocolError, Unavailable)) as caught:
            ask("GET", server.url("/a?sig=s3cret"))
        assert caught.value.message in {
            "acc:doc: the server sent what is not HTTP.",
            "acc:doc: the connection broke off.",
        }


@pytest.mark.parametrize("ending", ["close", "reset"])
def test_no_answer_at_all_may_be_asked_for_again(http, server, ending):
    server.script("/a", [EmptyReply(ending)])
    with pytest.raises(Unavailable, match="broke off"):
        http().request("GET", server.url("/a"))


@pytest.mark.parametrize(
    "data",
    [b"no colon here\r\n", b": no name\r\n", b" \t: no name\r\n", b"\0\r\n"],
    ids=["colon", "name", "blank", "nul"],
)
def test_a_field_that_is_none_is_not_http(http, server, data):
    server.script("/a", [HeaderBytes(data)])
    with pytest.raises(ProtocolError, match="not HTTP"):
        http().request("GET", server.url("/a"))


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b"HTTP/1.1 200 OK\r\nX-A: b\r\n c\r\n\td\r\nContent-Length: 0\r\n\r\n", "b c d"),
        (b"HTTP/1.1 200\nX-A:b\nContent-Length:0\n\n", "b"),
        (b"HTTP/1.0   200 \xff\r\nX-A :\t b\rc \r\n\r\n", "b c"),
        (b"HTTP/1.1 299 OK\r\nX-A: \xe9\r\nx-a:\r\nContent-Length: 0\r\n\n", "é, "),
    ],
)
def test_a_head_of_an_old_or_careless_server_is_read(http, server, raw, value):
    class Raw(Fault):
        def _change(self, answer):
            return answer.with_wire(raw=raw)

    server.script("/a", [Raw()])
    answer = http().request("GET", server.url("/a"))
    assert (answer.headers["x-a"], answer.text()) == (value, "")


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\n folded\r\n\r\n",
        b"\r\nHTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 099 OK\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.12 200 OK\r\n\r\n",
        "HTTP/1.1 ٢٠٠ OK\r\n\r\n".encode(),
        b"HTTP/1.1 200 OK\r\nContent-Length: " + b"1" * 5000 + b"\r\n\r\n",
    ],
)
def test_a_head_that_makes_no_sense_is_not_http(http, server, raw):
    class Raw(Fault):
        def _change(self, answer):
            return answer.with_wire(raw=raw)

    server.script("/a", [Raw()])
    with pytest.raises(ProtocolError, match="not HTTP"):
        http().request("GET", server.url("/a"))


def test_a_head_may_come_byte_by_byte(http, server):
    server.script("/a", [HeaderDrip(2000.0)])
    assert http().request("GET", server.url("/a")).text() == CONTENT.decode()


def test_a_body_is_whole_though_its_end_mark_is_not(http, server):
    class Half(Fault):
        def _change(self, answer):
            return answer.with_wire(chunks=Chunks(100, last=b"0\r\n", hang_up=True), lengths=())

    server.script("/a", [Half()])
    bound = http()
    assert [bound.request("GET", server.url("/a")).text() for _ in range(2)] == [CONTENT.decode()] * 2
    assert [request.connection for request in server.requests] == [1, 2]


def test_trailers_without_an_end_are_an_error(http, server):
    class Trailers(Fault):
        def _change(self, answer):
            return answer.with_wire(chunks=Chunks(100, last=b"0\r\n" + b"X-A: b\r\n" * 200 + b"\r\n"), lengths=())

    server.script("/a", [Trailers()])
    with pytest.raises(ProtocolError, match="not HTTP"):
        http().request("GET", server.url("/a"))


def test_a_chunk_that_is_longer_than_it_says_is_not_http(http, server):
    server.documents["/a"] = Document(b"hello")
    server.script("/a", [ChunkedBadSize(b"3")])
    with pytest.raises(ProtocolError, match="not HTTP"):
        http().request("GET", server.url("/a"))


@pytest.mark.parametrize("status", [401, 404, 500])
@pytest.mark.parametrize("fault", [Cut(1), Cut(0, "reset"), ChunkedBadSize(b"zz")], ids=["cut", "reset", "chunk"])
def test_a_refusal_counts_though_its_body_breaks_off(http, server, status, fault):
    server.script("/a", [StatusOnly(status) + fault])
    with pytest.raises(LinkRefused if status < 500 else Unavailable, match=str(status)):
        http().open("GET", server.url("/a"))


def test_reset_content_has_no_body_whatever_follows(http, server):
    server.route("/205", lambda request: Answer(205))
    answer = http().request("GET", server.url("/205"))
    assert (answer.status, answer.text()) == (205, "")


def test_a_server_that_speaks_no_tls_is_said_so(http):
    with LyingServer(tls=True) as server:
        server.script_connections([PlainText()])
        with pytest.raises(Unavailable, match="encrypted connection failed"):
            http(ca_bundle=server.ca_file).request("GET", server.url("/a"))


@pytest.mark.parametrize("fault", every_fault(len(CONTENT)), ids=lambda fault: repr(fault)[:60])
def test_no_lie_breaks_anything(http, server, fault):
    """Whatever comes: bytes, or one of our errors, in bounded time; and another connection is as good as ever."""
    bound, told = http(timeout=0.3), []
    for start in (0, 500):
        server.script("/a", [fault])
        server.documents["/a"] = Document(CONTENT)
        try:
            stream = bound.open("GET", server.url("/a"), start=start)
            try:
                while stream.readinto(bytearray(5000)):
                    pass
            finally:
                stream.close()
        except DownspoutError as exc:
            told.append(exc.message)
    server.script("/a", [])
    server.documents["/a"] = Document(CONTENT)
    assert http().request("GET", server.url("/a")).text() == CONTENT.decode()
    assert all(message.startswith("acc:doc: ") and message.endswith(".") for message in told)
