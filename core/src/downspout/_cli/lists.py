"""Lists of URIs, from files and pipes."""

import contextlib
import os
from collections.abc import Iterator

from downspout._batch import LONGEST_LINE, Wanted, lines
from downspout.errors import StorageError

_BLOCK = 64 * 1024
_STANDARD_INPUT = 0


def listed(path: str) -> Iterator[Wanted]:
    """Yield what a list asks for, line by line, as it comes; `-` is standard input.

    Raises:
        StorageError: it cannot be read.
    """
    try:
        with _opened(path) as descriptor:
            yield from lines(_lines(descriptor))
    except OSError as exc:
        raise StorageError.from_os(f"reading the list {path}", exc) from exc


@contextlib.contextmanager
def _opened(path: str) -> Iterator[int]:
    if path == "-":
        yield _STANDARD_INPUT
        return
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _lines(descriptor: int) -> Iterator[bytes]:
    """Yield lines, however slowly they come; of one that is too long a beginning that shows it.

    Python's own files have locks, and a program that ends while a thread waits in one crashes.
    """
    rest = b""
    while block := os.read(descriptor, _BLOCK):
        *whole, rest = (rest + block).split(b"\n")
        yield from whole
        rest = rest[: LONGEST_LINE + 1]
    if rest:
        yield rest


def number_of_wishes(path: str) -> int | None:
    """Return how many documents (or folders) a list asks for, or `None` if that is not to be had at once."""
    if path == "-" or not os.path.isfile(path):
        return None
    with contextlib.suppress(OSError), _opened(path) as descriptor:
        return sum(1 for line in _lines(descriptor) if line.strip() and not line.lstrip().startswith(b"#"))
    return None
