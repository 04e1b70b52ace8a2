"""Bytes from the content host."""

from downspout import Http, Link, Stream
from downspout_icloud._links import NOTHING


def opened(link: Link, start: int, stop: int | None, http: Http) -> Stream:
    """Return the bytes of a link, from `start` to `stop`.

    The host sends no entity tag, and as `Last-Modified` the time at which the link was signed; neither tells one
    version from another. The document's version does: a link is signed for one version's bytes.

    Raises:
        LinkRefused: the link has ended, or was never good.
    """
    if link.url == NOTHING:
        return _Nothing(link, start)
    stream = http.open("GET", link.url, start=start, stop=stop)
    stream.version, stream.modified_at = link.version, None
    quotable = link.version is not None and '"' not in link.version and link.version.isascii()
    stream.etag = f'"{link.version}"' if quotable and link.version and link.version.isprintable() else None
    return stream


class _Nothing(Stream):
    """The bytes of a document that has none."""

    def __init__(self, link: Link, start: int) -> None:
        self.start = self.stop = self.size = 0
        self.version, self.unsatisfied = link.version, start > 0

    def readinto(self, buffer: memoryview | bytearray) -> int:  # noqa: ARG002 - nothing to fill it with
        """See `Stream`."""
        return 0

    def close(self) -> None:
        """See `Stream`."""
