"""What a server is about to say: a value that faults turn into another value before it is sent."""

import json
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, cast

import attrs

from downspout.testing._content import Content, size_of
from downspout.testing._message import Request

if TYPE_CHECKING:
    from downspout.testing._document import Document

Ending: TypeAlias = Literal["close", "reset", "truncate"]
"""How a connection ends: politely, by a TCP reset, or (over TLS) without TLS's own goodbye."""

HeaderPairs: TypeAlias = tuple[tuple[str, str | bytes], ...]
HeaderLike: TypeAlias = Mapping[str, str | bytes] | Mapping[str, str] | Iterable[tuple[str, str | bytes]]

BODILESS: Final = frozenset({204, 205, 304})
"""Statuses that have no body, unless a lie gives them one."""


def header_pairs(headers: HeaderLike) -> HeaderPairs:
    """Bring header fields given as a mapping or as pairs into the form that `Answer` keeps."""
    if isinstance(headers, Mapping):
        return tuple(cast("Mapping[str, str | bytes]", headers).items())
    return tuple(headers)


@attrs.frozen
class Chunks:
    """How a body is cut into chunks (RFC 9112 7.1).

    Attributes:
        size: Bytes in a chunk.
        odd: Number of the chunk, from 0, whose size line is replaced; None: none.
        odd_line: What that line is replaced by, its end of line included.
        last: What follows the last chunk.
        hang_up: Whether the connection ends then.
    """

    size: int = 1 << 14
    odd: int | None = None
    odd_line: bytes = b""
    last: bytes = b"0\r\n\r\n"
    hang_up: bool = False


@attrs.frozen
class Wire:
    """What happens on the wire beyond the plain answer. The default is honest.

    Attributes:
        delay: Seconds before the first byte.
        silent: Whether the first byte waits until released.
        raw: Sent instead of the whole answer, after which the connection ends; None: the answer.
        before: Bytes before the status line.
        status_line: Replaces the status line, its end of line included; None: the honest one.
        head_end: Bytes after the last header field's line and before the empty line.
        endless_head: Whether header fields follow until the client has had enough.
        head_rate: Bytes per second of the head; None: at once.
        rate: Bytes per second of the body; None: at once.
        rate_after: Body bytes that are sent at once before `rate` holds.
        lengths: Values of the Content-Length fields; None: the honest one; empty: no such field.
        chunks: The chunks of the body; None: no chunked coding.
        stall_after: Body bytes after which nothing comes until released; None: no stall.
        cut_after: Body bytes after which the connection ends; negative: counted from the end; None: no cut.
        ending: How it ends there.
    """

    delay: float = 0.0
    silent: bool = False
    raw: bytes | None = None
    before: bytes = b""
    status_line: bytes | None = None
    head_end: bytes = b""
    endless_head: bool = False
    head_rate: float | None = None
    rate: float | None = None
    rate_after: int = 0
    lengths: tuple[str, ...] | None = None
    chunks: Chunks | None = None
    stall_after: int | None = None
    cut_after: int | None = None
    ending: Ending = "close"


HONEST: Final = Wire()


@attrs.frozen
class Answer:
    """An answer about to be sent.

    Attributes:
        status: The status code.
        content: Where the body is taken from.
        headers: Header fields beyond those of the framing; text as Latin-1 (else UTF-8), bytes as they are.
        start: First byte of `content` in the body.
        stop: End (exclusive) of `content` in the body; all of it if not given.
        reason: The reason phrase; None: the usual one.
        close: Whether the connection ends after the answer and says so.
        wire: What else happens on the wire.
        request: What it answers; None before a server has it.
        document: The document that the request names; None where something else answers.

    Example:
        >>> Answer(404, b"no such thing").length
        13
    """

    status: int = 200
    content: bytes | Content = b""
    headers: HeaderPairs = attrs.field(default=(), converter=header_pairs)
    start: int = 0
    stop: int = attrs.field(default=attrs.Factory(lambda self: size_of(self.content), takes_self=True))
    reason: str | None = None
    close: bool = False
    wire: Wire = HONEST
    request: Request | None = None
    document: "Document | None" = None

    @classmethod
    def json(cls, value: object, status: int = 200, headers: HeaderLike = ()) -> "Answer":
        """Make an answer whose body is `value` as JSON."""
        body = json.dumps(value, ensure_ascii=False).encode()
        return cls(status, body, (("Content-Type", "application/json"), *header_pairs(headers)))

    @property
    def length(self) -> int:
        """Bytes in the body."""
        return max(0, self.stop - self.start)

    def header(self, name: str) -> str | None:
        """Give the first value of a header field as text, or None."""
        for known, value in self.headers:
            if known.lower() == name.lower():
                return value.decode("latin-1") if isinstance(value, bytes) else value
        return None

    def with_header(self, name: str, *values: str | bytes) -> "Answer":
        """Make an answer whose field `name` has exactly these values: none removes it."""
        kept = tuple(pair for pair in self.headers if pair[0].lower() != name.lower())
        return attrs.evolve(self, headers=kept + tuple((name, value) for value in values))

    def with_body(self, content: bytes | Content) -> "Answer":
        """Make an answer with another body, all of it."""
        return attrs.evolve(self, content=content, start=0, stop=size_of(content))

    def replaced_by(self, other: "Answer") -> "Answer":
        """Make `other` the answer to the same request, on the same date, with the same lies on the wire."""
        headers = (*(pair for pair in self.headers if pair[0] == "Date"), *other.headers)
        return attrs.evolve(other, headers=headers, wire=self.wire, request=self.request, document=self.document)

    def with_wire(self, **changes: Any) -> "Answer":
        """Make an answer that differs on the wire, by the names of `Wire`."""
        return attrs.evolve(self, wire=attrs.evolve(self.wire, **changes))


def reason_of(status: int) -> str:
    """Give the usual reason phrase, or a general one."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unheard Of"
