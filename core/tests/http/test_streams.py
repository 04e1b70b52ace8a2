"""Documents as streams that say where they start and what they are."""

import threading
import time

import pytest

from downspout import Stream
from downspout.errors import (
    AuthenticationError,
    LinkRefused,
    NotFound,
    PermissionDenied,
    ProtocolError,
    RateLimited,
    Unavailable,
)
from downspout.testing import (
    Chunked,
    CloseDelimited,
    ContentCoding,
    ContentRange,
    Cut,
    Disposition,
    Document,
    EmptyRange,
    Gzip,
    Header,
    Lengths,
    LyingServer,
    RangeIgnored,
    Stall,
    Status,
    StatusOnly,
    Throttle,
    Unsatisfiable,
    WrongLength,
)

CONTENT = bytes(range(256)) * 400
SIZE = len(CONTENT)


@pytest.fixture
def server():
    with LyingServer() as server:
        server.documents["/a"] = Document(CONTENT, media_type="Application/PDF; x=y", name="ä.pdf")
        yield server


def collect(stream, found):
    buffer = bytearray(50_000)
    while count := stream.readinto(buffer):
        found += buffer[:count]


def read(stream, block=60_000):
    buffer, found = bytearray(block), bytearray()
    try:
        while count := stream.readinto(buffer):
            found += buffer[:count]
    finally:
        stream.close()
    return bytes(found)


@pytest.mark.parametrize(
    ("start", "stop", "field"),
    [
        (0, None, None),
        (0, 10, "bytes=0-9"),
        (1000, None, "bytes=1000-"),
        (1000, 1001, "bytes=1000-1000"),
        (-10, None, "bytes=-10"),
        (0, SIZE, f"bytes=0-{SIZE - 1}"),
    ],
)
def test_the_bytes_that_are_asked_for_come(http, server, start, stop, field):
    stream = http().open("GET", server.url("/a"), start=start, stop=stop, etag='"v1"')
    first = start if start >= 0 else SIZE + start
    assert isinstance(stream, Stream)
    assert (stream.start, stream.stop, stream.size, stream.ranges) == (first, stop or SIZE, SIZE, True)
    assert (stream.etag, stream.media_type, stream.unsatisfied) == ('"v1"', "application/pdf", False)
    assert stream.name == "ä.pdf"
    assert read(stream) == CONTENT[first:stop]
    asked = server.requests[0].headers
    assert asked.get("range") == field
    assert asked.get("if-range") == (None if field is None else '"v1"')
    assert asked["accept-encoding"] == "identity"


@pytest.mark.parametrize("fault", [None, Chunked(777), CloseDelimited()])
@pytest.mark.parametrize("block", [1, 1000, SIZE, SIZE + 1])
def test_every_framing_and_every_buffer_gives_the_same_bytes(http, server, fault, block):
    server.script("/a", [fault])
    content = CONTENT if block > 1 else CONTENT[:300]
    server.documents["/a"] = Document(content)
    assert read(http().open("GET", server.url("/a")), block) == content


def test_the_size_is_unknown_where_the_server_does_not_say(http, server):
    server.script("/a", [Chunked(), CloseDelimited()])
    for _ in range(2):
        stream = http().open("GET", server.url("/a"))
        assert (stream.start, stream.stop, stream.size) == (0, None, None)
        stream.close()


def test_an_answer_to_a_range_may_be_the_whole_document(http, server):
    server.script("/a", [RangeIgnored()])
    stream = http().open("GET", server.url("/a"), start=1000)
    assert (stream.start, stream.stop, stream.size) == (0, SIZE, SIZE)
    assert read(stream) == CONTENT


@pytest.mark.parametrize(
    ("fault", "start"),
    [
        (ContentRange(None), None),
        (ContentRange("nonsense"), None),
        (ContentRange("bytes {first}-{last}/5"), None),
        (WrongLength(-1), None),
        (Gzip("slice"), None),
        (ContentCoding("gzip"), None),
        (ContentCoding("Identity"), 1000),
        (ContentCoding(""), 1000),
        (ContentRange("bytes {first}-{last}/*"), 1000),
    ],
)
def test_a_part_that_contradicts_itself_does_not_say_where_it_starts(http, server, fault, start):
    server.script("/a", [fault])
    stream = http().open("GET", server.url("/a"), start=1000)
    assert stream.start == start
    stream.close()


@pytest.mark.parametrize(("fault", "size"), [(None, SIZE), (Unsatisfiable(None), None), (EmptyRange(), SIZE)])
def test_a_range_beyond_the_end_is_said_and_has_no_bytes(http, server, fault, size):
    server.script("/a", [fault])
    stream = http().open("GET", server.url("/a"), start=SIZE)
    assert (stream.unsatisfied, stream.size, stream.start, stream.stop) == (True, size, size, size)
    assert stream.readinto(bytearray(9)) == 0
    stream.close()


@pytest.mark.parametrize(
    ("fault", "start"),
    [
        (ContentCoding("gzip"), 0),
        (ContentCoding("unheard-of"), 0),
        (StatusOnly(206), 0),
        (Status(416), 0),
    ],
)
def test_a_form_that_nobody_asked_for_is_no_document(http, server, fault, start):
    server.script("/a", [fault])
    with pytest.raises(ProtocolError, match="a form that was not asked for"):
        http().open("GET", server.url("/a"), start=start)


def test_a_coded_answer_to_a_range_that_is_whole_says_nothing_of_its_place(http, server):
    server.script("/a", [RangeIgnored() + ContentCoding("gzip")])
    stream = http().open("GET", server.url("/a"), start=5)
    assert stream.start is None
    stream.close()


@pytest.mark.parametrize(
    ("status", "final"),
    [
        (400, PermissionDenied),
        (401, AuthenticationError),
        (403, PermissionDenied),
        (404, NotFound),
        (410, NotFound),
    ],
)
def test_a_link_that_is_refused_may_be_renewed(http, server, status, final):
    server.script("/a", [Status(status, b"s3cret")])
    with pytest.raises(LinkRefused, match=f"refuses its link \\({status}\\)") as caught:
        http().open("GET", server.url("/a?sig=s3cret"))
    assert type(caught.value.settle()) is final
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("fault", "kind", "says"),
    [
        (Status(202), Unavailable, "not ready"),
        (StatusOnly(202), Unavailable, "not ready"),
        (Status(204), ProtocolError, "comes without a document"),
        (Status(205), ProtocolError, "comes without a document"),
        (StatusOnly(299), ProtocolError, "comes without a document"),
        (Status(304), ProtocolError, "redirects"),
        (Status(402), ProtocolError, "not expected"),
        (Throttle("9"), RateLimited, "right now"),
        (Status(500), Unavailable, "right now"),
        (Status(503), Unavailable, "right now"),
    ],
)
def test_an_answer_that_is_no_document_says_what_it_is(http, server, fault, kind, says):
    server.script("/a", [fault])
    with pytest.raises(kind, match=says) as caught:
        http().open("GET", server.url("/a"))
    if kind is RateLimited:
        assert caught.value.retry_after == 9.0


def test_a_plugin_turns_refusals_into_errors_of_its_own(http, server):
    server.script("/a", [Status(403, b'{"errorCode": "-20"}')])

    def on_error(answer):
        return PermissionDenied(f"{answer.json()['errorCode']} says no.")

    with pytest.raises(PermissionDenied, match="-20 says no"):
        http().open("GET", server.url("/a"), on_error=on_error)


@pytest.mark.parametrize("after", [0, 1, 1000, -1])
@pytest.mark.parametrize("framing", [None, Chunked(777)])
@pytest.mark.parametrize("ending", ["close", "reset"])
def test_bytes_that_stop_early_are_an_error_after_what_came(http, server, after, framing, ending):
    server.script("/a", [Cut(after, ending) if framing is None else framing + Cut(after, ending)])
    stream = http().open("GET", server.url("/a"))
    found = bytearray()
    with pytest.raises(Unavailable):
        collect(stream, found)
    expected = after % SIZE if after else 0
    assert CONTENT.startswith(found)
    assert len(found) == expected or ending == "reset"
    assert stream.readinto(bytearray(9)) == 0
    stream.close()


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
@pytest.mark.parametrize("extra", [1, 1000, SIZE - 10])
def test_bytes_too_many_are_not_the_document_s_and_not_the_next_answer_s(http, tls, extra):
    with LyingServer(tls=tls) as server:
        server.documents["/a"] = Document(CONTENT)
        server.script("/a", [WrongLength(-extra, hang_up=False)])
        bound = http(ca_bundle=server.ca_file if tls else None)
        assert read(bound.open("GET", server.url("/a"))) == CONTENT[:-extra]
        assert read(bound.open("GET", server.url("/a"))) == CONTENT


def test_a_stream_hands_on_what_came_when_no_more_comes_for_a_moment(http, server):
    server.script("/a", [Stall(1000)])
    stream = http(timeout=2.0).open("GET", server.url("/a"))
    began = time.monotonic()
    buffer = bytearray(50_000)
    assert stream.readinto(buffer) == 1000
    assert time.monotonic() - began < 1.0
    server.release()
    assert bytes(buffer[:1000]) + read(stream) == CONTENT


def test_a_stream_that_is_closed_early_lets_go_of_its_connection(http, server):
    stream = http().open("GET", server.url("/a"))
    stream.readinto(bytearray(10))
    stream.close()
    stream.close()
    assert stream.readinto(bytearray(10)) == 0
    server.wait_for_connections(0)


@pytest.mark.parametrize("how", ["close", "hang_up"])
@pytest.mark.parametrize("framing", [Stall(1000), CloseDelimited() + Stall(1000)], ids=["length", "close"])
def test_another_thread_stops_a_reader(http, server, how, framing):
    server.script("/a", [framing])
    stream = http(timeout=20.0).open("GET", server.url("/a"))
    found, came = bytearray(), threading.Event()
    stopper = threading.Thread(target=lambda: (came.wait(5), time.sleep(0.05), getattr(stream, how)()))
    stopper.start()
    began = time.monotonic()
    found += bytes(1000)[: stream.readinto(bytearray(1000))]
    came.set()
    with pytest.raises(Unavailable, match="broke off"):
        collect(stream, found)
    stopper.join()
    assert time.monotonic() - began < 5
    assert len(found) == 1000
    stream.close()
    stream.hang_up()
    server.wait_for_connections(0)


def test_an_answer_is_let_go_of_once(http, server):
    stream = http().open("GET", server.url("/a"))
    exchange = stream._exchange
    stream.close()
    exchange.finish()
    exchange.hang_up()
    server.wait_for_connections(0)


def test_what_the_transport_says_of_the_document_is_read_or_left_out(http, server):
    server.script(
        "/a",
        [
            Header("ETag", ('W/"x"',))
            + Header("Content-Type")
            + Disposition(b"inline")
            + Header("Accept-Ranges", ("none",)),
            Header("Last-Modified", ("Mon, 02 Jan 2023 03:04:05 GMT",)) + Header("Content-Disposition"),
        ],
    )
    stream = http().open("GET", server.url("/a"))
    assert (stream.etag, stream.media_type, stream.name, stream.ranges) == (None, None, None, False)
    assert (stream.modified_at, stream.version) == (None, None)
    stream.close()
    stream = http().open("GET", server.url("/a"))
    assert (stream.name, stream.modified_at.isoformat()) == (None, "2023-01-02T03:04:05+00:00")
    stream.close()


@pytest.mark.parametrize("texts", [("7", "8"), ("-1",), ("abc",), ("+5",), ("1_0",), ("5, 5",), ("٣",)])
def test_a_length_that_is_none_is_not_http(http, server, texts):
    server.script("/a", [Lengths(texts)])
    with pytest.raises(ProtocolError, match="what is not HTTP"):
        http().open("GET", server.url("/a"))


def test_a_length_said_twice_alike_is_one(http, server):
    server.script("/a", [Lengths(("{length}", "{length}"))])
    assert read(http().open("GET", server.url("/a"))) == CONTENT
