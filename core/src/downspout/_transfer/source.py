"""Where a transfer gets its links and bytes from. The client implements it; tests do too."""

from typing import Protocol

from downspout._models import Link, Reference, Stream


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

    def open(self, link: Link, start: int, stop: int | None, etag: str | None) -> Stream:
        """Open bytes of the document, with a credential that is renewed when it is refused.

        Raises:
            DownspoutError: as `open_stream` does.
        """
