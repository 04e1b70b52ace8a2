"""Lies about how long the body is and how it is coded."""

import gzip
from collections.abc import Iterable
from typing import Literal

import attrs

from downspout.testing._answer import Answer, Chunks
from downspout.testing._content import read_all
from downspout.testing._fault import Fault


def _texts(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(texts)


@attrs.frozen
class Lengths(Fault):
    """Content-Length fields of any text over the honest body, after which the connection ends.

    Attributes:
        texts: One field each; `{length}` stands for the honest length. Empty: no such field (close-delimited).
        hang_up: Whether the connection ends after the body; if not, bytes too many pollute the next answer, and a
            client waits forever for bytes too few.

    Example:
        >>> Lengths(("{length}", "7"))  # two that contradict each other
        Lengths(texts=('{length}', '7'), hang_up=True)
    """

    texts: tuple[str, ...] = attrs.field(default=(), converter=_texts)
    hang_up: bool = True

    def _change(self, answer: Answer) -> Answer:
        texts = tuple(text.replace("{length}", str(answer.length)) for text in self.texts)
        answer = answer.with_wire(lengths=texts)
        return (
            answer.with_wire(cut_after=answer.length) if self.hang_up and answer.wire.cut_after is None else answer
        )


@attrs.frozen
class WrongLength(Fault):
    """A Content-Length that is a number, but not the body's.

    Attributes:
        by: Bytes by which it is too large; negative: too small (never below 0).
        hang_up: As for `Lengths`.
    """

    by: int
    hang_up: bool = True

    def _change(self, answer: Answer) -> Answer:
        return Lengths((str(max(0, answer.length + self.by)),), self.hang_up)._change(answer)


@attrs.frozen
class CloseDelimited(Fault):
    """A body without any length, ended by the end of the connection."""

    def _change(self, answer: Answer) -> Answer:
        return answer.with_wire(lengths=(), chunks=None)


@attrs.frozen
class Chunked(Fault):
    """The body in chunks.

    Attributes:
        size: Bytes in a chunk.
        length: A Content-Length sent besides, against the rules; `{length}` is the honest one. None: none is sent.
    """

    size: int = 1 << 14
    length: str | None = None

    def _change(self, answer: Answer) -> Answer:
        lengths = () if self.length is None else (self.length.replace("{length}", str(answer.length)),)
        return answer.with_wire(chunks=Chunks(max(1, self.size)), lengths=lengths)


@attrs.frozen
class ChunkedCut(Fault):
    """A chunked body that ends between chunks, the connection with it. `Chunked() + Cut(n)` cuts within a chunk.

    Attributes:
        where: `before-last`: all of the body came, but not the last chunk of size 0; `in-last`: within that
            one's line; `in-size`: within the size line of the chunk with this `number`.
        number: Which chunk, from 0; at most the last.
        size: Bytes in a chunk.
    """

    where: Literal["before-last", "in-last", "in-size"] = "before-last"
    number: int = 0
    size: int = 1 << 14

    def _change(self, answer: Answer) -> Answer:
        size = max(1, self.size)
        last = {"before-last": b"", "in-last": b"0\r", "in-size": b"1"}[self.where]
        if self.where == "in-size":
            answer = attrs.evolve(answer, stop=answer.start + min(self.number, _last_chunk(answer, size)) * size)
        return answer.with_wire(chunks=Chunks(size, last=last, hang_up=True), lengths=())


@attrs.frozen
class ChunkedBadSize(Fault):
    """A chunked body in which one size line is nonsense.

    Attributes:
        line: The line, without its end.
        number: Which chunk it stands before, from 0; at most the last.
        size: Bytes in a chunk.
    """

    line: bytes = b"zz"
    number: int = 0
    size: int = 1 << 14

    def _change(self, answer: Answer) -> Answer:
        size, line = max(1, self.size), self.line + b"\r\n"
        if not answer.length:
            return answer.with_wire(chunks=Chunks(size, last=line), lengths=())
        odd = min(self.number, _last_chunk(answer, size))
        return answer.with_wire(chunks=Chunks(size, odd=odd, odd_line=line), lengths=())


def _last_chunk(answer: Answer, size: int) -> int:
    return max(0, answer.length - 1) // size


@attrs.frozen
class Gzip(Fault):
    """A body in gzip, though nobody asked for it, and a Content-Encoding that says so.

    Attributes:
        of: `slice`: the asked bytes, coded, under a Content-Range that counts plain bytes (as caddy does);
            `encoded`: the asked range of the coded document, counted in coded bytes (as apache does).
        lost: Bytes missing at the end of the coded body, Content-Length being right for what is left.
    """

    of: Literal["slice", "encoded"] = "slice"
    lost: int = 0

    def _change(self, answer: Answer) -> Answer:
        partial = answer.status == 206
        if self.of == "encoded" and partial and answer.document is not None:
            answer = _encoded_part(answer, answer.document.read())
        else:
            answer = answer.with_body(_gzipped(read_all(answer.content, answer.start, answer.stop)))
        kept = attrs.evolve(answer, stop=max(answer.start, answer.stop - self.lost))
        return kept.with_header("Content-Encoding", "gzip")


def _gzipped(data: bytes) -> bytes:
    return gzip.compress(data, compresslevel=1, mtime=0)


def _encoded_part(answer: Answer, plain: bytes) -> Answer:
    coded = _gzipped(plain)
    start = min(answer.start, len(coded) - 1)
    stop = max(start + 1, min(answer.stop, len(coded)))
    said = f"bytes {start}-{stop - 1}/{len(coded)}"
    return attrs.evolve(answer, content=coded, start=start, stop=stop).with_header("Content-Range", said)


@attrs.frozen
class ContentCoding(Fault):
    """A Content-Encoding over a body that is not coded.

    Attributes:
        name: Its name: `gzip`, or one that nobody knows.
    """

    name: str = "gzip"

    def _change(self, answer: Answer) -> Answer:
        return answer.with_header("Content-Encoding", self.name)
