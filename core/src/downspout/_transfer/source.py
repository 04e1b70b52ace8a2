"""Where a transfer gets its links and bytes from. The client implements it; tests do too."""

from collections.abc import Callable
from typing import Protocol

from downspout._models import Link, Reference, Stream
from downspout.errors import LinkRefused


def never() -> bool:
    """Return `False`: nobody gave up."""
    return False


class Source(Protocol):
    """A document's side of the network. Safe for threads."""

    @property
    def reference(self) -> Reference:
        """The document."""

    def link(self) -> Link:
        """Return the link in hand, resolved now if there is none (any more).

        Raises:
            DownspoutError: the service does not give one.
        """

    def refuse(self, link: Link) -> None:
        """Say that `link` is dead; the next `link()` is another one. Saying it twice is saying it once."""

    def open(
        self, link: Link, start: int, stop: int | None, etag: str | None, given_up: Callable[[], bool] = never
    ) -> Stream:
        """Open bytes of the document, with a credential that is renewed when it is refused.

        Args:
            link: from here.
            start: as for `open_stream`.
            stop: as for `open_stream`.
            etag: as for `open_stream`.
            given_up: whether nobody wants them any more; looked at while there is no answer.

        Raises:
            Cancelled: nobody does.
            DownspoutError: as `open_stream` does.
        """


class Opened:
    """A stream on its way to somebody, with the link that it came from.

    Attributes:
        stream: the stream.
        link: the link; what it says of the document is true of these bytes.
        position: of the next byte.
    """

    __slots__ = ("_ahead", "link", "position", "stream")

    def __init__(self, stream: Stream, link: Link) -> None:
        self.stream, self.link = stream, link
        self.position = stream.start or 0
        self._ahead = b""

    def readinto(self, buffer: memoryview) -> int:
        """Read as `Stream.readinto` does, but never beyond the end that the stream announced.

        Raises:
            Unavailable: as for `Stream`.
        """
        if self._ahead:
            count = min(len(buffer), len(self._ahead))
            buffer[:count], self._ahead = self._ahead[:count], self._ahead[count:]
        else:
            count = self._receive(buffer, self.position)
        self.position += count
        return count

    def _receive(self, buffer: memoryview, position: int) -> int:
        stop = self.stream.stop
        room = len(buffer) if stop is None else min(len(buffer), stop - position)
        return self.stream.readinto(buffer[:room]) if room > 0 else 0

    def peek(self, count: int) -> bytes:
        """Return the next `count` bytes, fewer only at the end; `readinto` still gives them.

        Raises:
            Unavailable: as for `Stream`.
        """
        head, filled = bytearray(count), 0
        while got := self._receive(memoryview(head)[filled:], self.position + filled):
            filled += got
        self._ahead = bytes(head[:filled])
        return self._ahead

    def has_more(self) -> bool:
        """Return whether bytes come behind the end that was announced; asked there only.

        Raises:
            Unavailable: as for `Stream`.
        """
        return self.stream.readinto(memoryview(bytearray(1))) > 0

    @property
    def is_cut_short(self) -> bool:
        """Whether bytes that were announced have not come; asked where no more come."""
        return self.stream.stop is not None and self.position < self.stream.stop

    def close(self) -> None:
        """Let go of the connection."""
        self.stream.close()


def open_document(
    source: Source,
    start: int,
    stop: int | None,
    etag: str | None,
    *,
    link: Link | None = None,
    given_up: Callable[[], bool] = never,
) -> Opened:
    """Open bytes of a document; a link that is refused is not used again.

    Args:
        source: whose document.
        start: see `Source.open`.
        stop: see `Source.open`.
        etag: see `Source.open`.
        link: the link to use; `None`: the one in hand.
        given_up: see `Source.open`.

    Raises:
        DownspoutError: as `Source` does.
    """
    link = source.link() if link is None else link
    try:
        return Opened(source.open(link, start, stop, etag, given_up), link)
    except LinkRefused:
        source.refuse(link)
        raise
