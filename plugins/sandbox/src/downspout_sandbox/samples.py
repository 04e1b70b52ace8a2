"""Bytes of the sample documents: small real files and endless deterministic noise. Nothing is kept on disk."""

import functools
import hashlib
import random
import struct
import typing
import zlib

import attrs

# A prime just below 1 MiB: no power of two divides it, so a block written to the wrong place shows.
_PERIOD = 1_048_573


class Content(typing.Protocol):
    """Bytes that can be read by range."""

    @property
    def size(self) -> int:
        """How many bytes there are."""
        ...

    def read(self, start: int, stop: int) -> bytes | memoryview:
        """Give the bytes from `start` up to, not including, `stop`; at most what there is."""
        ...

    def sha256(self) -> str:
        """Give the SHA-256 of all bytes, in lower-case hex."""
        ...


@attrs.frozen
class Whole:
    """Bytes held as they are."""

    data: bytes = attrs.field(repr=False)

    @property
    def size(self) -> int:
        """How many bytes there are."""
        return len(self.data)

    def read(self, start: int, stop: int) -> bytes:
        """Give the bytes from `start` up to, not including, `stop`."""
        return self.data[start:stop]

    def sha256(self) -> str:
        """Give the SHA-256 of all bytes, in lower-case hex."""
        return hashlib.sha256(self.data).hexdigest()


@attrs.frozen
class Noise:
    """Deterministic bytes of any size, made on demand; `seed` tells one from another."""

    size: int
    seed: int = 0

    def read(self, start: int, stop: int) -> bytes | memoryview:
        """Give the bytes from `start` up to, not including, `stop`; at most what there is."""
        stop = min(stop, self.size)
        place = (start + self.seed * 7919) % _PERIOD
        length = max(0, stop - start)
        block = _block()
        if place + length <= len(block):
            return block[place : place + length]
        first = block[place:]
        return bytes(first) + bytes(self.read(start + len(first), stop))

    def sha256(self) -> str:
        """Give the SHA-256 of all bytes, in lower-case hex."""
        return _digest(self)


@attrs.frozen
class Headed:
    """Content whose first bytes are others: noise that begins as a PDF does."""

    head: bytes
    rest: Noise

    @property
    def size(self) -> int:
        """How many bytes there are."""
        return self.rest.size

    def read(self, start: int, stop: int) -> bytes | memoryview:
        """Give the bytes from `start` up to, not including, `stop`; at most what there is."""
        if start >= len(self.head):
            return self.rest.read(start, stop)
        stop = min(stop, self.size)
        return self.head[start:stop] + bytes(self.rest.read(max(start, len(self.head)), stop))

    def sha256(self) -> str:
        """Give the SHA-256 of all bytes, in lower-case hex."""
        return _digest(self)


@functools.cache
def _block() -> memoryview:
    block = random.Random("downspout").randbytes(_PERIOD)
    return memoryview(block + block)


@functools.lru_cache(maxsize=20_000)
def _digest(content: Noise | Headed) -> str:
    digest = hashlib.sha256()
    for start in range(0, content.size, 2**20):
        digest.update(content.read(start, start + 2**20))
    return digest.hexdigest()


def pdf(title: str) -> bytes:
    """Make a PDF of one page that shows `title` (ASCII only)."""
    stream = f"BT /F1 24 Tf 72 720 Td ({title}) Tj ET".encode("ascii")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources 6 0 R >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        b"<< /Font << /F1 5 0 R >> >>",
    ]
    out = bytearray(b"%PDF-1.4\n")
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    count = len(objects) + 1
    out += b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        count,
        table,
        count,
        len(out),
    )
    return bytes(out)


def png(width: int = 64, height: int = 64) -> bytes:
    """Make a PNG image: a colour gradient of the given size in pixels."""
    rows = b"".join(
        b"\0" + bytes(value for x in range(width) for value in (x * 255 // width, y * 255 // height, 160))
        for y in range(height)
    )

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def table() -> bytes:
    """Make a CSV of a hundred rows."""
    rows = [f"2025-{1 + row % 12:02},{row},{row * 17 % 1000 / 10:.1f}" for row in range(100)]
    return ("month,row,value\r\n" + "\r\n".join(rows) + "\r\n").encode("ascii")


def text(title: str) -> bytes:
    """Make a short text that begins with `title`, in UTF-8."""
    return (title + "\n\n" + "Rain runs down the spout.\n" * 40).encode()
