"""One or more of each lie, for tests that want them all."""

from downspout.testing._answer_faults import (
    FlippedByte,
    OtherBody,
    Redirect,
    Replacement,
    SignInPage,
    Status,
    StatusOnly,
    Throttle,
)
from downspout.testing._body_faults import (
    Chunked,
    ChunkedBadSize,
    ChunkedCut,
    CloseDelimited,
    ContentCoding,
    Gzip,
    Lengths,
    WrongLength,
)
from downspout.testing._content import Pattern
from downspout.testing._document import Document
from downspout.testing._fault import Fault
from downspout.testing._flow_faults import Cut, Delay, Drip, HeaderDrip, Silence, Stall
from downspout.testing._head_faults import (
    Disposition,
    EmptyReply,
    EndlessHeaders,
    Garbage,
    Header,
    HeaderBytes,
    Interim,
    LongHeader,
    ManyHeaders,
    StatusLine,
)
from downspout.testing._range_faults import (
    ContentRange,
    EmptyRange,
    ETag,
    IfRangeIgnored,
    IfRangeRefused,
    MultipartRange,
    RangeIgnored,
    RangeShifted,
    Unsatisfiable,
    WrongTotal,
)


def every_fault(size: int = 1000) -> list[Fault]:
    """Give at least one of each kind of lie, to draw scripts from.

    Args:
        size: Bytes of the document that is lied about; cuts and the like fall within it.

    Example:
        >>> from hypothesis import strategies
        >>> scripts = strategies.lists(strategies.none() | strategies.sampled_from(every_fault(5000)))
    """
    return [*_other_answers(size), *_ranges(size), *_bodies(size), *_heads(), *_flows(size)]


def _other_answers(size: int) -> list[Fault]:
    statuses = (202, 204, 205, 299, 304, 400, 401, 403, 404, 410, 416, 429, 500, 502, 503, 504)
    waits = (None, "0", "1", "-5", "1.5", "soon", "", "86400", "99999999", "Fri, 31 Dec 2099 23:59:59 GMT")
    places = (None, "", "/", "//", "x y", "http://127.0.0.1:1/", "ftp://127.0.0.1/", "http://[::1", "?loop")
    return [
        *(Status(status) for status in statuses),
        Status(204, b"a body"),
        *(Throttle(wait) for wait in waits),
        Throttle("1", 503),
        *(Redirect(place) for place in places),
        Redirect("", 307),
        StatusOnly(202),
        SignInPage(),
        SignInPage(media_type=None),
        Replacement(Document(Pattern(size + 7, seed=1), etag='"v2"')),
        OtherBody(b"rot"),
        FlippedByte(size // 2),
    ]


def _ranges(size: int) -> list[Fault]:
    step = max(1, size // 10)
    return [
        RangeIgnored(),
        *(RangeShifted(start) for start in (-step, -1, 1, step)),
        *(RangeShifted(0, stop) for stop in (-step, -1, 1, step)),
        *(
            ContentRange(text)
            for text in (None, "", "bytes", "items {first}-{last}/{size}", "bytes {first}-{last}/*")
        ),
        WrongTotal(1),
        WrongTotal(-1),
        EmptyRange(),
        MultipartRange(),
        MultipartRange(3),
        Unsatisfiable(),
        Unsatisfiable(None),
        *(ETag(value) for value in (None, "", "v1", 'W/"v1"', '"v2"')),
        IfRangeIgnored(),
        IfRangeRefused(),
    ]


def _bodies(size: int) -> list[Fault]:
    texts = (
        (),
        ("-1",),
        ("abc",),
        ("",),
        ("+{length}",),
        ("1_0",),
        ("{length}", "7"),
        ("{length}", "{length}"),
        ("9" * 30,),
    )
    chunk = max(1, size // 5)
    return [
        *(Lengths(text) for text in texts),
        *(WrongLength(by) for by in (-size, -1, 1, size)),
        CloseDelimited(),
        CloseDelimited() + Cut(size // 2),
        Chunked(chunk),
        Chunked(chunk, "5"),
        Chunked(chunk) + Cut(size // 2),
        ChunkedCut("before-last", size=chunk),
        ChunkedCut("in-last", size=chunk),
        ChunkedCut("in-size", 1, chunk),
        *(ChunkedBadSize(line, 1, chunk) for line in (b"zz", b"", b"-1", b"f" * 20, b"1" * 5000)),
        *(Gzip(of, lost) for of in ("slice", "encoded") for lost in (0, 9)),
        ContentCoding("gzip"),
        ContentCoding("unheard-of"),
    ]


def _heads() -> list[Fault]:
    names = (
        b'attachment;\r\n filename="folded"',
        b'attachment; filename="a\0b"',
        b"attachment; filename=\xff\xfe",
        b"\x80",
    )
    lines = (b"HTTP/1.1 abc Fine", b"HTTP/1.1", b"", b"ICY 200 OK", b"HTTP/1.1 20 Short", b"HTTP/1.1 -200 Minus")
    return [
        *(Disposition(name) for name in names),
        Disposition(b'attachment; filename="../../evil"'),
        *(StatusLine(line) for line in lines),
        Interim(),
        Interim((100, 102, 103, 103)),
        LongHeader(),
        ManyHeaders(),
        ManyHeaders(1000),
        EndlessHeaders(),
        HeaderBytes(),
        HeaderBytes(b"\0\r\n"),
        Header("Last-Modified", ("yesterday",)),
        Header("Date"),
        EmptyReply(),
        EmptyReply("reset"),
        Garbage(),
        Garbage(b"\x16\x03\x01", "reset"),
    ]


def _flows(size: int) -> list[Fault]:
    return [
        *(Cut(at, ending) for at in (0, 1, size // 2, -1, size) for ending in ("close", "reset", "truncate")),
        *(Stall(at) for at in (0, size // 2, -1)),
        Silence(),
        Drip(1.0, size // 2),
        Drip(size * 10.0),
        HeaderDrip(20.0),
        Delay(0.05),
    ]
