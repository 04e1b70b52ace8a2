"""Each lie, seen on a raw socket."""

import gzip
import socket
import ssl
import threading
import time
import zlib

import attrs
import pytest

from downspout.testing import (
    Answer,
    Chunked,
    ChunkedBadSize,
    ChunkedCut,
    CloseDelimited,
    ContentCoding,
    ContentRange,
    Cut,
    Delay,
    Disposition,
    Document,
    Drip,
    EmptyRange,
    EmptyReply,
    EndlessHeaders,
    ETag,
    Fault,
    FlippedByte,
    Garbage,
    Gzip,
    Header,
    HeaderBytes,
    HeaderDrip,
    IfRangeIgnored,
    IfRangeRefused,
    Interim,
    Lengths,
    LinkDeath,
    LongHeader,
    LyingServer,
    ManyHeaders,
    MultipartRange,
    OtherBody,
    Pattern,
    RangeIgnored,
    RangeShifted,
    Redirect,
    Replacement,
    SignInPage,
    Silence,
    Stall,
    Status,
    StatusLine,
    StatusOnly,
    Throttle,
    Together,
    Unsatisfiable,
    WrongLength,
    WrongTotal,
)

CONTENT = bytes(range(250)) * 4  # 1000 bytes


@pytest.fixture
def server():
    with LyingServer() as server:
        server.documents["/doc"] = Document(CONTENT, last_modified="Mon, 02 Jan 2023 03:04:05 GMT", name="a.txt")
        yield server


def open_raw(server: LyingServer, *fields: str, target: str = "/doc", method: str = "GET") -> socket.socket:
    """Send one request, after which the connection is to end."""
    sock = socket.create_connection(("127.0.0.1", server.port), 5)
    lines = (f"{method} {target} HTTP/1.1", "Host: test", "Connection: close", *fields, "", "")
    sock.sendall("\r\n".join(lines).encode())
    return sock


def read_to_end(sock: socket.socket) -> bytes:
    return b"".join(iter(lambda: sock.recv(1 << 16), b""))


def read_until(sock: socket.socket, expected: type[OSError]) -> bytes:
    """Give the bytes that come before a failure of the given kind."""
    data = b""
    try:
        while piece := sock.recv(1 << 16):
            data += piece
    except expected:
        return data
    raise AssertionError(f"no {expected.__name__}")


def raw(server: LyingServer, *fields: str, **more: str) -> bytes:
    """Send one request and give every byte that came back."""
    with open_raw(server, *fields, **more) as sock:
        return read_to_end(sock)


def ask(server: LyingServer, *fields: str, **more: str) -> tuple[int, list[str], bytes]:
    """Send one request; give status, header lines and what follows the head as it is."""
    head, _, body = raw(server, *fields, **more).partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    return int(first.split(" ")[1]), lines, body


def field(lines: list[str], name: str) -> list[str]:
    return [line.partition(": ")[2] for line in lines if line.lower().startswith(f"{name.lower()}: ")]


def lie(server: LyingServer, fault: Fault, *fields: str, **more: str) -> tuple[int, list[str], bytes]:
    server.script("/doc", [fault])
    return ask(server, *fields, **more)


# -- which answer it is --


@pytest.mark.parametrize("status", [202, 204, 205, 299, 304, 400, 401, 403, 404, 410, 429, 500, 503])
def test_a_status_takes_the_place_of_the_answer(server, status):
    got, lines, body = lie(server, Status(status, b"why", {"X-Why": "1"}))
    assert (got, field(lines, "x-why"), field(lines, "content-length"), body) == (status, ["1"], ["3"], b"why")


def test_a_status_that_has_no_body_says_no_length(server):
    for status in (204, 205, 304):
        assert field(lie(server, Status(status))[1], "content-length") == []
    assert field(lie(server, Status(500))[1], "content-length") == ["0"]


def test_a_status_can_stand_over_the_document(server):
    assert lie(server, StatusOnly(202))[::2] == (202, CONTENT)


@pytest.mark.parametrize("text", ["1", "-5", "1.5", "soon", "", "99999999", "Fri, 31 Dec 2099 23:59:59 GMT"])
def test_a_throttle_says_any_retry_after(server, text):
    assert field(lie(server, Throttle(text, 503))[1], "retry-after") == [text]


def test_a_throttle_may_say_nothing(server):
    status, lines, _ = lie(server, Throttle(None))
    assert (status, field(lines, "retry-after")) == (429, [])


def test_a_sign_in_page_comes_with_200(server):
    status, lines, body = lie(server, SignInPage())
    assert (status, field(lines, "content-type")) == (200, ["text/html; charset=utf-8"])
    assert body.startswith(b"<!DOCTYPE html>")
    assert field(lie(server, SignInPage(media_type=None))[1], "content-type") == ["application/octet-stream"]


@pytest.mark.parametrize("location", ["", "/doc", "//elsewhere.example/", "http://127.0.0.1:1/", "x y\x00"])
def test_a_redirect_goes_anywhere(server, location):
    status, lines, _ = lie(server, Redirect(location, 307))
    assert (status, field(lines, "location")) == (307, [location])


def test_a_redirect_may_lead_nowhere(server):
    assert field(lie(server, Redirect(None))[1], "location") == []


def test_a_document_is_replaced_between_requests(server):
    server.script("/doc", [None, Replacement(Document(b"new", etag='"v2"'))])
    assert ask(server)[2] == CONTENT
    assert ask(server)[2] == b"new"
    assert field(ask(server)[1], "etag") == ['"v2"']


def test_links_die_at_a_request_or_after_it(server):
    target = server.link("/doc")[len(server.origin) :]
    server.script("/doc", [LinkDeath(served=True) + Cut(10)])
    assert ask(server, target=target)[::2] == (200, CONTENT[:10])
    assert ask(server, target=target)[0] == 403
    target = server.link("/doc")[len(server.origin) :]
    server.script("/doc", [None, LinkDeath()])
    assert [ask(server, target=target)[0] for _ in range(2)] == [200, 403]


def test_other_bytes_come_under_the_honest_head(server):
    status, lines, body = lie(server, OtherBody(b"rot"))
    assert (status, field(lines, "etag"), field(lines, "content-length"), body) == (200, ['"v1"'], ["3"], b"rot")


def test_one_byte_is_flipped(server):
    body = lie(server, FlippedByte(3))[2]
    assert body[3] == CONTENT[3] ^ 0xFF
    assert body[:3] + body[4:] == CONTENT[:3] + CONTENT[4:]
    assert lie(server, FlippedByte(-1), "Range: bytes=5-9")[2] == CONTENT[5:9] + bytes([CONTENT[9] ^ 0xFF])
    assert lie(server, FlippedByte(5000))[2] == CONTENT
    server.documents["/doc"] = Document(Pattern(3_000_000))
    body, honest = lie(server, FlippedByte(2_000_000))[2], Document(Pattern(3_000_000)).read()
    assert [place for place in range(3_000_000) if body[place] != honest[place]] == [2_000_000]


# -- ranges and versions --


def test_a_range_is_ignored(server):
    assert lie(server, RangeIgnored(), "Range: bytes=5-")[::2] == (200, CONTENT)
    assert lie(server, RangeIgnored(), "Range: bytes=5000-")[::2] == (200, CONTENT)
    assert lie(server, RangeIgnored())[0] == 200


@pytest.mark.parametrize(
    ("fault", "start", "stop"),
    [(RangeShifted(start=-10), 90, 200), (RangeShifted(start=10), 110, 200), (RangeShifted(stop=-10), 100, 190),
     (RangeShifted(stop=10), 100, 210), (RangeShifted(start=-5000, stop=5000), 0, 1000),
     (RangeShifted(start=5000), 999, 1000)],
)  # fmt: skip
def test_a_range_starts_or_ends_elsewhere_and_says_so(server, fault, start, stop):
    status, lines, body = lie(server, fault, "Range: bytes=100-199")
    assert (status, body) == (206, CONTENT[start:stop])
    assert field(lines, "content-range") == [f"bytes {start}-{stop - 1}/1000"]


@pytest.mark.parametrize(
    ("text", "said"),
    [(None, []), ("items {first}-{last}/{size}", ["items 100-199/1000"]),
     ("bytes {first}-{last}/*", ["bytes 100-199/*"]), ("{nonsense}", ["{nonsense}"])],
)  # fmt: skip
def test_a_content_range_says_anything_or_nothing(server, text, said):
    status, lines, body = lie(server, ContentRange(text), "Range: bytes=100-199")
    assert (status, field(lines, "content-range"), body) == (206, said, CONTENT[100:200])


def test_a_total_is_wrong(server):
    assert field(lie(server, WrongTotal(5), "Range: bytes=1-2")[1], "content-range") == ["bytes 1-2/1005"]
    assert field(lie(server, WrongTotal(-5), "Range: bytes=1000-")[1], "content-range") == ["bytes */995"]


def test_an_empty_range_is_inverted(server):
    status, lines, body = lie(server, EmptyRange(), "Range: bytes=1000-")
    assert (status, field(lines, "content-range"), body) == (206, ["bytes 1000-999/1000"], b"")
    assert field(lie(server, EmptyRange(), "Range: bytes=10-19")[1], "content-range") == ["bytes 10-9/1000"]


def test_a_range_comes_in_parts(server):
    status, lines, body = lie(server, MultipartRange(2), "Range: bytes=100-199")
    assert (status, field(lines, "content-type")) == (206, ["multipart/byteranges; boundary=downspout-part"])
    assert body.count(b"--downspout-part\r\n") == 2
    assert b"Content-Range: bytes 150-199/1000\r\n\r\n" + CONTENT[150:200] + b"\r\n--downspout-part--\r\n" in body
    assert field(lines, "content-range") == []


def test_a_range_is_never_satisfiable_with_and_without_a_total(server):
    assert field(lie(server, Unsatisfiable(), "Range: bytes=5-")[1], "content-range") == ["bytes */1000"]
    status, lines, _ = lie(server, Unsatisfiable(None))
    assert (status, field(lines, "content-range")) == (416, [])


@pytest.mark.parametrize(("value", "said"), [('W/"v1"', ['W/"v1"']), ('"v2"', ['"v2"']), (None, [])])
def test_an_etag_is_weak_or_another_or_missing(server, value, said):
    status, lines, body = lie(server, ETag(value), "Range: bytes=5-")
    assert (status, field(lines, "etag"), body) == (206, said, CONTENT[5:])


def test_if_range_is_ignored_or_refused(server):
    assert lie(server, IfRangeIgnored(), "Range: bytes=5-", 'If-Range: "other"')[::2] == (206, CONTENT[5:])
    assert lie(server, IfRangeRefused(), "Range: bytes=5-", 'If-Range: "v1"')[::2] == (200, CONTENT)
    assert lie(server, IfRangeIgnored())[0] == 200
    assert lie(server, IfRangeRefused(), "Range: bytes=5-")[0] == 206


@pytest.mark.parametrize(
    "fault",
    [
        RangeIgnored(),
        RangeShifted(1),
        ContentRange(),
        WrongTotal(),
        EmptyRange(),
        MultipartRange(),
        IfRangeIgnored(),
    ],
)
def test_lies_about_ranges_change_nothing_where_there_is_no_document(server, fault):
    server.route("/json", lambda request: {"a": 1})
    server.script("/json", [fault])
    assert ask(server, "Range: bytes=1-", target="/json")[::2] == (200, b'{"a": 1}')


# -- lengths and codings --


@pytest.mark.parametrize(
    "texts", [("2000",), ("-1",), ("abc",), ("+1000",), ("1_000",), ("{length}", "7"), ("{length}",)]
)
def test_a_content_length_says_anything(server, texts):
    _, lines, body = lie(server, Lengths(texts))
    assert field(lines, "content-length") == [text.replace("{length}", "1000") for text in texts]
    assert body == CONTENT


def test_a_length_is_too_long_or_too_short(server):
    assert field(lie(server, WrongLength(24))[1], "content-length") == ["1024"]
    _, lines, body = lie(server, WrongLength(-1000))
    assert (field(lines, "content-length"), body) == (["0"], CONTENT)


def test_bytes_beyond_a_length_can_pollute_the_next_answer(server):
    server.script("/doc", [WrongLength(-4, hang_up=False)])
    with socket.create_connection(("127.0.0.1", server.port), 5) as sock:
        sock.sendall(b"GET /doc HTTP/1.1\r\n\r\nGET /doc HTTP/1.1\r\nConnection: close\r\n\r\n")
        data = read_to_end(sock)
    assert b"Content-Length: 996\r\n\r\n" + CONTENT + b"HTTP/1.1 200 OK\r\n" in data


def test_a_body_ends_with_the_connection(server):
    _, lines, body = lie(server, CloseDelimited())
    assert (field(lines, "content-length"), field(lines, "transfer-encoding"), body) == ([], [], CONTENT)


def unchunk(body: bytes) -> bytes:
    """Join chunks; raise ValueError where they are wrong or end early."""
    plain = b""
    while True:
        line, _, body = body.partition(b"\r\n")
        size = int(line, 16)
        if size == 0 and body == b"\r\n":
            return plain
        if len(body) < size + 2 or size == 0:
            raise ValueError("cut")
        plain, body = plain + body[:size], body[size + 2 :]


def test_a_body_comes_in_chunks(server):
    _, lines, body = lie(server, Chunked(300))
    assert (field(lines, "transfer-encoding"), field(lines, "content-length")) == (["chunked"], [])
    assert body.startswith(b"12c\r\n" + CONTENT[:300] + b"\r\n12c\r\n")
    assert unchunk(body) == CONTENT
    assert unchunk(lie(server, Chunked(300), "Range: bytes=900-")[2]) == CONTENT[900:]


def test_chunks_come_with_a_content_length(server):
    assert field(lie(server, Chunked(length="5"))[1], "content-length") == ["5"]
    assert field(lie(server, Chunked(length="{length}"))[1], "content-length") == ["1000"]


@pytest.mark.parametrize(
    ("fault", "end"),
    [(ChunkedCut("before-last", size=400), CONTENT[800:] + b"\r\n"), (ChunkedCut("in-last"), b"\r\n0\r"),
     (ChunkedCut("in-size", number=1, size=400), CONTENT[:400] + b"\r\n1"), (ChunkedCut("in-size"), b"1"),
     (Chunked(400) + Cut(450), b"190\r\n" + CONTENT[400:450]),
     (ChunkedBadSize(number=1, size=800), b"\r\nzz\r\n" + CONTENT[800:] + b"\r\n0\r\n\r\n"),
     (ChunkedBadSize(b"-1"), b"-1\r\n" + CONTENT + b"\r\n0\r\n\r\n")],
)  # fmt: skip
def test_chunks_are_cut_anywhere_or_wrong(server, fault, end):
    body = lie(server, fault)[2]
    assert body.endswith(end)
    with pytest.raises(ValueError, match=r"cut|invalid literal"):
        unchunk(body)


def test_an_empty_body_can_have_a_bad_chunk_size_too(server):
    server.documents["/doc"] = Document(b"")
    assert lie(server, ChunkedBadSize())[2] == b"zz\r\n"


def test_a_slice_comes_gzipped_under_plain_numbers(server):
    _, lines, body = lie(server, Gzip(), "Range: bytes=100-")
    assert field(lines, "content-encoding") == ["gzip"]
    assert field(lines, "content-range") == ["bytes 100-999/1000"]
    assert gzip.decompress(body) == CONTENT[100:]
    assert gzip.decompress(lie(server, Gzip("encoded"))[2]) == CONTENT


def test_a_slice_of_the_gzipped_document_comes(server):
    whole = lie(server, Gzip("encoded"))[2]
    _, lines, body = lie(server, Gzip("encoded"), "Range: bytes=10-")
    assert body == whole[10:]
    assert field(lines, "content-range") == [f"bytes 10-{len(whole) - 1}/{len(whole)}"]


def test_a_gzipped_body_is_cut_under_a_right_length(server):
    _, lines, body = lie(server, Gzip(lost=12))
    assert field(lines, "content-length") == [str(len(body))]
    with pytest.raises(EOFError):
        gzip.decompress(body)
    assert zlib.decompressobj(31).decompress(body)


@pytest.mark.parametrize("name", ["gzip", "zstd-not-really"])
def test_a_coding_is_claimed_only(server, name):
    _, lines, body = lie(server, ContentCoding(name))
    assert (field(lines, "content-encoding"), body) == ([name], CONTENT)


# -- heads --


def test_header_fields_are_set_repeated_and_removed(server):
    _, lines, _ = lie(server, Header("X-A", ("1", b"\xff")) + Header("Date") + Header("etag", ("x",)))
    assert (field(lines, "x-a"), field(lines, "date"), field(lines, "etag")) == (["1", "\xff"], [], ["x"])
    assert field(lie(server, Header("X-A", ("发票",)))[1], "x-a") == ["发票".encode().decode("latin-1")]


def test_a_disposition_is_raw_bytes(server):
    value = b'attachment;\r\n filename="../\x00\xe5\x8f\x91.txt"'
    assert (
        b"\r\nContent-Disposition: " + value + b"\r\n"
        in (server.script("/doc", [Disposition(value)]), raw(server))[1]
    )


def test_interim_answers_come_first(server):
    server.script("/doc", [Interim((100, 103, 199), {"X-Early": "1"})])
    data = raw(server)
    assert data.startswith(
        b"HTTP/1.1 100 Continue\r\nX-Early: 1\r\n\r\nHTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\n"
        b"HTTP/1.1 199 Unheard Of\r\nX-Early: 1\r\n\r\nHTTP/1.1 200 OK\r\n"
    )
    assert data.endswith(CONTENT)


def test_a_head_is_far_too_large(server):
    assert len(field(lie(server, LongHeader(70_000))[1], "x-long")[0]) == 70_000
    assert len([line for line in lie(server, ManyHeaders(150))[1] if line.startswith("X-Many-")]) == 150


def test_a_head_never_ends(server):
    server.script("/doc", [EndlessHeaders()])
    with open_raw(server) as sock:
        data = b"".join(sock.recv(1 << 16) for _ in range(40))
    assert data.count(b"X-Endless-") > 30
    assert b"\r\n\r\n" not in data
    server.wait_for_connections(0)


def test_a_head_has_lines_that_are_no_fields(server):
    assert lie(server, HeaderBytes())[1][-1] == "no colon here"


@pytest.mark.parametrize("line", [b"HTTP/1.1 abc Fine", b"ICY 200 OK", b"", b"HTTP/9.9 200 OK"])
def test_a_status_line_is_raw(server, line):
    server.script("/doc", [StatusLine(line)])
    assert raw(server).startswith(line + b"\r\nDate: ")


def test_a_reply_is_empty_or_garbage(server):
    server.script("/doc", [EmptyReply(), Garbage(b"\x00\xff"), EmptyReply("reset"), Garbage(b"ab", "reset")])
    assert raw(server) == b""
    assert raw(server) == b"\x00\xff"
    with pytest.raises(ConnectionResetError):
        raw(server)
    with open_raw(server) as sock:
        assert sock.recv(2) == b"ab"
        with pytest.raises(ConnectionResetError):
            sock.recv(1)


# -- time --


def test_a_body_is_cut_politely(server):
    _, lines, body = lie(server, Cut(300))
    assert (field(lines, "content-length"), body) == (["1000"], CONTENT[:300])
    assert lie(server, Cut(-1))[2] == CONTENT[:-1]
    assert lie(server, Cut(5000))[2] == CONTENT
    assert lie(server, Cut(0))[2] == b""


def test_a_body_is_cut_by_a_reset_after_its_bytes_arrived(server):
    server.script("/doc", [Cut(300, "reset")])
    with open_raw(server) as sock:
        data = read_until(sock, ConnectionResetError)
    assert data.endswith(b"\r\n\r\n" + CONTENT[:300])


@pytest.mark.parametrize(("ending", "noticed"), [("close", False), ("truncate", True)])
def test_tls_tells_a_truncated_body_from_a_closed_one(ending, noticed):
    with LyingServer(tls=True) as server:
        server.documents["/doc"] = Document(CONTENT)
        server.script("/doc", [Cut(10, ending)])
        context = ssl.create_default_context(cafile=server.ca_file)
        with (
            socket.create_connection(("127.0.0.1", server.port), 5) as plain,
            context.wrap_socket(plain, server_hostname="127.0.0.1", suppress_ragged_eofs=False) as sock,
        ):
            sock.sendall(b"GET /doc HTTP/1.1\r\n\r\n")
            if noticed:
                with pytest.raises(ssl.SSLEOFError):
                    read_to_end(sock)
            else:
                assert read_to_end(sock).endswith(CONTENT[:10])


def test_a_body_stalls_until_released(server):
    server.script("/doc", [Stall(300)])
    with open_raw(server) as sock:
        server.wait_for_stall()
        sock.settimeout(0.05)
        data = read_until(sock, TimeoutError)
        assert data.endswith(CONTENT[:300])
        server.release()
        sock.settimeout(5)
        assert read_to_end(sock) == CONTENT[300:]


def test_a_chunk_goes_on_after_a_stall(server):
    server.script("/doc", [Chunked(400) + Stall(450)])
    with open_raw(server) as sock:
        server.wait_for_stall()
        server.release()
        assert unchunk(read_to_end(sock).partition(b"\r\n\r\n")[2]) == CONTENT


def test_a_stall_ends_when_the_client_goes_away_or_the_server_stops(server):
    server.script("/doc", [Stall(0), Silence()])
    with open_raw(server):
        server.wait_for_stall()
    server.wait_for_connections(0)
    with open_raw(server) as sock:
        server.wait_for_stall()
        started = time.monotonic()
        server.stop()
        assert time.monotonic() - started < 0.5
        assert sock.recv(1) == b""


def test_nothing_comes_until_released(server):
    server.script("/doc", [Silence()])
    with open_raw(server) as sock:
        server.wait_for_stall()
        server.release()
        assert read_to_end(sock).endswith(CONTENT)


def test_a_body_drips(server):
    server.script("/doc", [Drip(100, after=990)])
    started = time.monotonic()
    assert raw(server).endswith(CONTENT)
    assert 0.08 < time.monotonic() - started < 1


def test_a_drip_ends_when_the_server_stops(server):
    server.script("/doc", [Drip(0.001)])
    with open_raw(server) as sock:
        data = b""
        while not data.endswith(b"\r\n\r\n" + CONTENT[:1]):
            data += sock.recv(1 << 16)
        server.stop()
        assert sock.recv(1) == b""


def test_a_head_drips(server):
    server.script("/doc", [HeaderDrip(2000)])
    started = time.monotonic()
    assert raw(server).endswith(CONTENT)
    assert 0.05 < time.monotonic() - started < 2


def test_the_first_byte_is_late(server):
    server.script("/doc", [Delay(0.05)])
    started = time.monotonic()
    raw(server)
    assert time.monotonic() - started >= 0.05


# -- scripts --


def test_a_script_is_followed_and_then_forgotten(server):
    server.script("/doc", [Status(500), None, [ETag(None), Cut(1)]])
    assert [ask(server)[0] for _ in range(2)] == [500, 200]
    _, lines, body = ask(server)
    assert (field(lines, "etag"), body) == ([], CONTENT[:1])
    assert ask(server)[::2] == (200, CONTENT)


def test_a_script_can_repeat_its_last_entry(server):
    server.script("/doc", [None, Status(503)], repeat_last=True)
    assert [ask(server)[0] for _ in range(4)] == [200, 503, 503, 503]
    server.script("/doc", [], repeat_last=True)
    assert ask(server)[0] == 200


def test_a_script_for_every_path_yields_to_one_of_its_own(server):
    server.script("*", [Status(500)], repeat_last=True)
    server.script("/doc", [])
    assert [ask(server)[0], ask(server, target="/else")[0]] == [200, 500]


def test_a_script_is_used_up_by_concurrent_requests_once(server):
    server.script("/doc", [Status(503)] * 8)
    statuses: list[int] = []
    threads = [threading.Thread(target=lambda: statuses.append(ask(server)[0])) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert sorted(statuses) == [200] * 4 + [503] * 8


def test_a_head_request_is_lied_to_without_a_body(server):
    _, lines, body = lie(server, WrongLength(5), method="HEAD")
    assert (field(lines, "content-length"), body) == (["1005"], b"")


def test_faults_are_values_that_add_up():
    assert Cut(5) == Cut(5)
    assert hash(Status(403, headers={"A": "1"})) == hash(Status(403, headers=[("A", "1")]))
    both = ETag(None) + Cut(5) + Delay(0)
    assert both == Together([ETag(None), Cut(5), Delay(0)])
    assert eval(repr(both)) == both


def test_a_fault_of_ones_own_sees_request_and_document(server):
    @attrs.frozen
    class Mirror(Fault):
        def _change(self, answer):
            return answer.with_body(f"{answer.request.method} {answer.document.size}".encode())

    assert lie(server, Mirror())[2] == b"GET 1000"


def test_what_a_fault_raises_is_raised_at_the_end():
    @attrs.frozen
    class Broken(Fault):
        def _change(self, answer: Answer) -> Answer:
            raise LookupError("a bug of the test")

    server = LyingServer()
    server.script("/doc", [Broken()])
    with pytest.raises(LookupError, match="a bug of the test"), server:
        assert raw(server) == b""
