"""A document and what an honest server says of it (RFC 9110 sections 13 and 14)."""

import re
from typing import Final, Literal, TypeAlias
from urllib.parse import quote

import attrs

from downspout.testing._answer import Answer, HeaderPairs, header_pairs
from downspout.testing._content import Content, read_all, sha256_of, size_of
from downspout.testing._message import Request

Span: TypeAlias = tuple[int, int]
"""First byte and end (exclusive)."""

IfRangeHabit: TypeAlias = Literal["honest", "ignored", "refused"]

_RANGE: Final = re.compile(r"bytes=([0-9]{0,19})-([0-9]{0,19})\Z", re.IGNORECASE)


@attrs.frozen
class Document:
    """What can be downloaded, and what is said of it.

    Attributes:
        content: Its bytes, or a `Content` (`Pattern`, `Virtual`, `FileContent`) where they are too many.
        etag: The ETag field as sent, quotes included; None: none is sent.
        last_modified: The Last-Modified field as sent (an HTTP date); None: none is sent.
        media_type: The Content-Type field; None: none is sent.
        name: File name for Content-Disposition; None: none is sent.
        headers: Further header fields.
        links_only: Whether it is refused (403) unless it is asked for by a link from `LyingServer.link`.

    Example:
        >>> document = Document(b"hello", name="hello.txt")
        >>> document.size, document.read(1, 3)
        (5, b'el')
    """

    content: bytes | Content = b""
    etag: str | None = '"v1"'
    last_modified: str | None = None
    media_type: str | None = "application/octet-stream"
    name: str | None = None
    headers: HeaderPairs = attrs.field(default=(), converter=header_pairs)
    links_only: bool = False

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return size_of(self.content)

    def read(self, start: int = 0, stop: int | None = None) -> bytes:
        """Give the bytes from `start` up to, not including, `stop` (None: to the end)."""
        return read_all(self.content, start, stop)

    def sha256(self) -> str:
        """Compute the SHA-256 of its content, in lower-case hexadecimal."""
        return sha256_of(self.content)

    def fields(self) -> HeaderPairs:
        """Give the header fields that every answer with its bytes carries."""
        said = (
            ("Content-Type", self.media_type),
            ("ETag", self.etag),
            ("Last-Modified", self.last_modified),
            ("Content-Disposition", None if self.name is None else disposition(self.name)),
        )
        return (
            *((name, value) for name, value in said if value is not None),
            ("Accept-Ranges", "bytes"),
            *self.headers,
        )


def disposition(name: str) -> str:
    """Write a Content-Disposition for a file name, as RFC 6266 wants it."""
    if name.isascii() and name.isprintable() and '"' not in name and "\\" not in name:
        return f'attachment; filename="{name}"'
    return f"attachment; filename*=UTF-8''{quote(name, safe='')}"


def asked_span(text: str | None, size: int) -> Span | None:
    """Read a Range field.

    Returns:
        What it asks for within a document of `size` bytes; an empty span where it can not be satisfied; None where
        the whole is the right answer: no field, another unit, several ranges, or nonsense.
    """
    matched = _RANGE.match(text) if text is not None else None
    if matched is None or matched.group(1, 2) == ("", ""):
        return None
    first, last = matched.group(1, 2)
    if not first:
        return max(0, size - int(last)), size
    if last and int(last) < int(first):
        return None
    return min(int(first), size), min(int(last) + 1, size) if last else size


def _still_the_same(document: Document, validator: str) -> bool:
    if validator.startswith('"'):
        return validator == document.etag
    return validator == document.last_modified


def answer_for(document: Document, request: Request, if_range: IfRangeHabit = "honest") -> Answer:
    """Say what an honest server says to a request for a document.

    Args:
        document: The document.
        request: The request.
        if_range: What becomes of an If-Range field: looked at, or not, or taken as a mismatch whatever it says.
    """
    if request.method not in ("GET", "HEAD"):
        return Answer(405, b"", {"Allow": "GET, HEAD"})
    span = asked_span(request.headers.get("range"), document.size)
    if span is None or _if_range_fails(document, request, if_range):
        return Answer(200, document.content, document.fields())
    return partial_answer(document, *span)


def _if_range_fails(document: Document, request: Request, habit: IfRangeHabit) -> bool:
    validator = request.headers.get("if-range")
    if validator is None or habit == "ignored":
        return False
    return habit == "refused" or not _still_the_same(document, validator)


def partial_answer(document: Document, start: int, stop: int) -> Answer:
    """Answer with a part of a document (206), or with 416 where the part is empty."""
    if start >= stop:
        return Answer(416, b"", {"Content-Range": f"bytes */{document.size}"})
    said = ("Content-Range", f"bytes {start}-{stop - 1}/{document.size}")
    return Answer(206, document.content, (*document.fields(), said), start, stop)
