"""The head of an answer, read strictly (RFC 9112, 2 to 5): a client that guesses can be lied to."""

import re

from attrs import frozen

from downspout._http.wire import BadAnswer, Wire
from downspout._models import Headers

_STATUS_LINE = re.compile(r"HTTP/1\.(\d) +([1-9]\d\d)(?:[ \t].*)?", re.ASCII | re.DOTALL)
# What nearly every header field looks like; heads with others are taken apart line by line.
_USUAL_FIELD = re.compile(r"^([!-9;-~]+):[ \t]*((?:[^\r\n]*[^\r\n \t])?)\r\n", re.MULTILINE)
_END = re.compile(rb"\n\r?\n|\A\r?\n")
_BLANK = " \t\r"
_LONGEST_HEAD = 128 * 1024
_LONGEST_LINE = 64 * 1024
_MOST_FIELDS = 100
_MOST_INTERIM = 16
"""So many 1xx answers are skipped before one is an error."""


@frozen
class Head:
    """Status and header fields of an answer.

    Attributes:
        minor: the second number of its HTTP version.
        status: the status code.
        headers: its fields; values as ISO-8859-1, folded lines put together.
    """

    minor: int
    status: int
    headers: Headers

    @property
    def keeps_alive(self) -> bool:
        """Whether the connection is of use after this answer (RFC 9112, 9.3)."""
        said = self.headers.get("connection", "").lower()
        return "close" not in said if self.minor else "keep-alive" in said


def read_head(wire: Wire) -> Head:
    """Return the head of the answer that comes next; interim ones (1xx) are skipped.

    Raises:
        BadAnswer: it is none.
        OSError: it did not come.
    """
    for _ in range(_MOST_INTERIM):
        head = parsed_head(wire.take_until(_END, _LONGEST_HEAD, begin=b"HTTP/1."))
        if head.status >= 200 or head.status == 101:
            return head
    raise BadAnswer("too many interim answers")


def parsed_head(data: bytes) -> Head:
    """Return what the bytes of a head say, the blank line at their end included.

    Raises:
        BadAnswer: they are no head, or one with too much in it.
    """
    first, _, rest = data.decode("latin-1").partition("\n")
    status_line = _STATUS_LINE.fullmatch(first.rstrip("\r"))
    if status_line is None:
        raise BadAnswer("a status line that is none")
    count = rest.count("\n") - 1
    if count > _MOST_FIELDS or (len(rest) > _LONGEST_LINE and max(map(len, rest.split("\n"))) > _LONGEST_LINE):
        raise BadAnswer("too many header fields, or one that is too long")
    fields = _USUAL_FIELD.findall(rest)
    if len(fields) != count:
        fields = _fields(rest.split("\n")[:-2])
    return Head(int(status_line[1]), int(status_line[2]), Headers(fields))


def _fields(lines: list[str]) -> list[tuple[str, str]]:
    fields: list[tuple[str, str]] = []
    for line in lines:
        if line[0] in _BLANK:
            if not fields:
                raise BadAnswer("a field that goes on before it begins")
            name, before = fields.pop()
            value = f"{before} {line.strip(_BLANK)}"
        else:
            name, colon, value = line.partition(":")
            if not colon or not name.strip(_BLANK):
                raise BadAnswer("a field without a name")
        fields.append((name.strip(_BLANK), value.strip(_BLANK).replace("\r", " ")))
    return fields
