"""One answer: its head, then its body piece by piece, into the reader's own buffer (RFC 9112, 6 and 7)."""

import re

from downspout._http.head import Head, read_head
from downspout._http.wire import BadAnswer, BrokenOff, Wire
from downspout._models import Headers

_CHUNK_SIZE = re.compile(rb"0*([0-9A-Fa-f]{1,16})[ \t]*(?:;.*)?\r?\n", re.DOTALL)
_LINE_END = re.compile(rb"\n")
_LONGEST_LINE = 4096
_MOST_TRAILERS = 100
_EMPTY_LINES = (b"\r\n", b"\n")
_NO_BODY = frozenset({101, 204, 205, 304})


class Answer:
    """An answer, as soon as its head is there.

    Args:
        wire: what it comes over.
        method: what was asked; the answer to `HEAD` has no body.

    Attributes:
        wire: as given.
        status: the status code.
        headers: the header fields.
        length: bytes of the body, or `None` if only its end tells.
        is_over: whether all of it was read.
        keeps_alive: whether the wire is of use for another request after that.

    Raises:
        BadAnswer: it is not HTTP, or contradicts itself about its body.
        OSError: it did not come.
    """

    __slots__ = ("_chunks", "_left", "headers", "is_over", "keeps_alive", "length", "status", "wire")

    def __init__(self, wire: Wire, method: str) -> None:
        head = read_head(wire)
        self.wire: Wire = wire
        self.status: int = head.status
        self.headers: Headers = head.headers
        chunked, length = _framing(head, method)
        self.length: int | None = length
        self._chunks = _Chunks(wire) if chunked else None
        self._left = self.length
        self.is_over: bool = self.length == 0
        ends_by_itself = chunked or self.length is not None
        self.keeps_alive: bool = head.keeps_alive and ends_by_itself and head.status not in {101, 205}

    def fill(self, buffer: memoryview, until: float) -> int:
        """Receive into `buffer` until it is full or `until` (monotonic seconds) has passed.

        Returns:
            How many bytes, at least one; 0 only at the end of the body.

        Raises:
            BrokenOff: the connection ended before the body.
            BadAnswer: its chunks are none.
        """
        if self.is_over or not buffer:
            return 0
        if self._chunks is not None:
            return self._fill_from(self._chunks, buffer, until)
        if self._left is None:
            count = self.wire.receive_into(buffer, until)
            self.is_over = not count
            return count
        count = self.wire.receive_into(buffer[: self._left], until)
        if not count:
            raise BrokenOff
        self._left -= count
        self.is_over = not self._left
        return count

    def _fill_from(self, chunks: "_Chunks", buffer: memoryview, until: float) -> int:
        left = chunks.left or chunks.next_one()
        if not left:
            self.is_over = True
            self.keeps_alive = self.keeps_alive and chunks.end_well
            return 0
        count = self.wire.receive_into(buffer[:left], until)
        if not count:
            raise BrokenOff
        chunks.left -= count
        return count


class _Chunks:
    """What stands between the bytes of a body that comes in chunks.

    Attributes:
        left: bytes to come of the chunk in hand.
        end_well: whether the mark of the end is all there; some servers hang up half-way through it.
    """

    __slots__ = ("_is_last", "_is_open", "_wire", "end_well", "left")

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._is_open = self._is_last = False
        self.left = 0
        self.end_well = True

    def next_one(self) -> int:
        """Go on to the next chunk, and return its size; 0 if there is none. Goes on where a wait was too long."""
        if self._is_open:
            if self._line() not in _EMPTY_LINES:
                raise BadAnswer("a chunk that is longer than it says")
            self._is_open = False
        if not self._is_last:
            size = _CHUNK_SIZE.fullmatch(self._line())
            if size is None:
                raise BadAnswer("a chunk of no size")
            self.left = int(size[1], 16)
            self._is_open, self._is_last = self.left > 0, self.left == 0
        if self._is_last:
            self._skip_trailers()
        return self.left

    def _skip_trailers(self) -> None:
        try:
            for _ in range(_MOST_TRAILERS):
                if self._line() in _EMPTY_LINES:
                    return
        except BrokenOff:
            self.end_well = False
            return
        raise BadAnswer("too many trailers")

    def _line(self) -> bytes:
        return self._wire.take_until(_LINE_END, _LONGEST_LINE)


def _framing(head: Head, method: str) -> tuple[bool, int | None]:
    """Return whether the body comes in chunks, and its length, or `None` where that is not said (6.3).

    Raises:
        BadAnswer: it is said in a way that makes no sense.
    """
    if method == "HEAD" or head.status in _NO_BODY:
        return False, 0
    codings = {value.lower() for value in head.headers.all("transfer-encoding")}
    if codings - {"chunked", "identity"}:
        raise BadAnswer("a transfer coding that nobody asked for")
    if "chunked" in codings:
        return True, None
    lengths = set(head.headers.all("content-length"))
    if not lengths:
        return False, None
    text = lengths.pop()
    if lengths or not (text.isascii() and text.isdigit()):
        raise BadAnswer("a length that is no number, or two of them")
    return False, int(text)
