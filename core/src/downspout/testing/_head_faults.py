"""Lies in the head of an answer, and answers that are none."""

from collections.abc import Iterable

import attrs

from downspout.testing._answer import Answer, Ending, HeaderPairs, header_pairs, reason_of
from downspout.testing._fault import Fault


def _values(values: Iterable[str | bytes]) -> tuple[str | bytes, ...]:
    return tuple(values)


def _statuses(statuses: Iterable[int]) -> tuple[int, ...]:
    return tuple(statuses)


@attrs.frozen
class Header(Fault):
    """A header field with other values, or without any.

    Attributes:
        name: Its name.
        values: One field each; text as Latin-1 (else UTF-8), bytes as they are. Empty: it is removed.

    Example:
        >>> Header("Accept-Ranges", ("none",)) + Header("Last-Modified")
        Together(faults=(Header(name='Accept-Ranges', values=('none',)), Header(name='Last-Modified', values=())))
    """

    name: str
    values: tuple[str | bytes, ...] = attrs.field(default=(), converter=_values)

    def _change(self, answer: Answer) -> Answer:
        return answer.with_header(self.name, *self.values)


@attrs.frozen
class Disposition(Fault):
    r"""A Content-Disposition of raw bytes: folded lines, NUL, 8-bit text, paths.

    Attributes:
        value: What stands after `Content-Disposition: `.

    Example:
        >>> Disposition(b'attachment;\r\n filename="../../evil\x00.txt"')
        Disposition(value=b'attachment;\r\n filename="../../evil\x00.txt"')
    """

    value: bytes

    def _change(self, answer: Answer) -> Answer:
        return answer.with_header("Content-Disposition", self.value)


@attrs.frozen
class Interim(Fault):
    """Interim answers (1xx) before the answer.

    Attributes:
        statuses: Their status codes, in order.
        headers: Header fields of each.
    """

    statuses: tuple[int, ...] = attrs.field(default=(103,), converter=_statuses)
    headers: HeaderPairs = attrs.field(default=(("Link", "</style.css>; rel=preload"),), converter=header_pairs)

    def _change(self, answer: Answer) -> Answer:
        fields = b"".join(_line(name, value) for name, value in self.headers)
        heads = (
            f"HTTP/1.1 {status} {reason_of(status)}\r\n".encode() + fields + b"\r\n" for status in self.statuses
        )
        return answer.with_wire(before=b"".join(heads))


@attrs.frozen
class LongHeader(Fault):
    """A header field that is far too long.

    Attributes:
        size: Bytes of its value.
    """

    size: int = 1 << 16

    def _change(self, answer: Answer) -> Answer:
        return answer.with_header("X-Long", b"n" * self.size)


@attrs.frozen
class ManyHeaders(Fault):
    """Far too many header fields.

    Attributes:
        count: How many.
    """

    count: int = 101

    def _change(self, answer: Answer) -> Answer:
        more = tuple((f"X-Many-{number}", "n") for number in range(self.count))
        return attrs.evolve(answer, headers=answer.headers + more)


@attrs.frozen
class EndlessHeaders(Fault):
    """Header fields until the client has had enough."""

    def _change(self, answer: Answer) -> Answer:
        return answer.with_wire(endless_head=True)


@attrs.frozen
class HeaderBytes(Fault):
    r"""Raw bytes after the last header field: a line without a colon, a name with spaces, a second status line.

    Attributes:
        data: The bytes, line ends included.
    """

    data: bytes = b"no colon here\r\n"

    def _change(self, answer: Answer) -> Answer:
        return answer.with_wire(head_end=self.data)


@attrs.frozen
class StatusLine(Fault):
    """A status line of raw bytes over an honest answer.

    Attributes:
        line: The line, without its end.
    """

    line: bytes = b"HTTP/1.1 abc Fine"

    def _change(self, answer: Answer) -> Answer:
        return answer.with_wire(status_line=self.line + b"\r\n")


@attrs.frozen
class EmptyReply(Fault):
    """Not a byte, and the end of the connection.

    Attributes:
        ending: How it ends.
    """

    ending: Ending = "close"

    def _change(self, answer: Answer) -> Answer:
        return answer.with_wire(raw=b"", ending=self.ending)


@attrs.frozen
class Garbage(Fault):
    """Bytes that are no HTTP, and the end of the connection.

    Attributes:
        data: The bytes.
        ending: How it ends.
    """

    data: bytes = b"\x00\x01\x02 this is not HTTP \xff\xfe\r\n\r\n"
    ending: Ending = "close"

    def _change(self, answer: Answer) -> Answer:
        return answer.with_wire(raw=self.data, ending=self.ending)


def _line(name: str, value: str | bytes) -> bytes:
    return b"%b: %b\r\n" % (name.encode("latin-1"), value if isinstance(value, bytes) else value.encode("utf-8"))
