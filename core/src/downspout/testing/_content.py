"""Bytes that a document is made of: in memory, in a file, or computed as they are asked for."""

import functools
import hashlib
import os
import random
from collections.abc import Callable, Iterator
from typing import Final, Protocol, runtime_checkable

import attrs

BLOCK: Final = 1 << 20
"""Bytes that are produced at once where the content is not in memory."""

# A prime just below 1 MiB: content that lands at a wrong offset, block-aligned or not, never looks right.
_PERIOD: Final = 1_048_573


@runtime_checkable
class Content(Protocol):
    """Bytes of a known number that can be read from anywhere."""

    @property
    def size(self) -> int:
        """How many bytes there are."""
        ...

    def read(self, start: int, stop: int) -> bytes | memoryview:
        """Give bytes from `start` up to, not including, `stop`; fewer only if `stop` is far ahead (over 1 MiB)."""
        ...


@attrs.frozen
class Virtual:
    """Content that a function computes, for documents that fit nowhere.

    Attributes:
        size: How many bytes there are.
        read: Called with `start` and `stop` (at most 1 MiB apart); gives exactly these bytes.

    Example:
        >>> Virtual(2**32 + 1, lambda start, stop: b"z" * (stop - start)).read(2**32, 2**32 + 1)
        b'z'
    """

    size: int
    read: Callable[[int, int], bytes | memoryview]


@functools.lru_cache(maxsize=8)
def _pattern(seed: int) -> memoryview:
    block = random.Random(seed).randbytes(_PERIOD)
    return memoryview(block + block[:BLOCK])


@attrs.frozen
class Pattern:
    """Content of any size that costs no memory and in which no two places nearby look alike.

    Attributes:
        size: How many bytes there are.
        seed: Contents of different seeds differ (nearly) everywhere.

    Example:
        >>> Pattern(2**32 + 1).read(5, 7) == Pattern(10).read(5, 7)
        True
    """

    size: int
    seed: int = 0

    def read(self, start: int, stop: int) -> memoryview:
        """Give up to 1 MiB from `start` on, without a copy."""
        offset = start % _PERIOD
        return _pattern(self.seed)[offset : offset + max(0, min(stop, self.size, start + BLOCK) - start)]


@attrs.frozen
class FileContent:
    """The content of a file, which is sent by the kernel without passing through Python.

    Attributes:
        path: The file; it must not change while it is served.
        size: How many bytes it has; found out if not given.
    """

    path: str
    size: int = attrs.field(default=attrs.Factory(lambda self: os.stat(self.path).st_size, takes_self=True))

    def read(self, start: int, stop: int) -> bytes:
        """Give the bytes from `start` up to `stop`."""
        with open(self.path, "rb") as file:
            file.seek(start)
            return file.read(max(0, stop - start))


def size_of(content: bytes | Content) -> int:
    """Tell how many bytes there are."""
    return len(content) if isinstance(content, bytes) else content.size


def blocks(content: bytes | Content, start: int, stop: int, largest: int = BLOCK) -> Iterator[bytes | memoryview]:
    """Give the bytes from `start` up to `stop` in pieces of at most `largest`."""
    view = memoryview(content) if isinstance(content, bytes) else None
    while start < stop:
        end = min(stop, start + largest)
        piece = view[start:end] if view is not None else content.read(start, end)  # type: ignore[union-attr]
        if not piece:
            return
        start += len(piece)
        yield piece


def read_all(content: bytes | Content, start: int = 0, stop: int | None = None) -> bytes:
    """Give the bytes from `start` up to `stop` (None: to the end) in one piece."""
    return b"".join(blocks(content, start, size_of(content) if stop is None else stop))


def sha256_of(content: bytes | Content) -> str:
    """Compute the SHA-256 of all bytes, in lower-case hexadecimal."""
    digest = hashlib.sha256()
    for piece in blocks(content, 0, size_of(content)):
        digest.update(piece)
    return digest.hexdigest()
