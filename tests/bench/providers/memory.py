"""Tiny documents that need no network: what is left is what a list of them costs."""

from downspout import Link, Provider, Stream, hookimpl

provider = Provider(name="memory", title="documents made up on the spot", batch_size=100)
_SIZE = 64


class _Noise(Stream):
    def __init__(self) -> None:
        self.size = self.stop = self._left = _SIZE
        self.etag = '"bench"'

    def readinto(self, buffer):
        count = min(self._left, len(buffer))
        buffer[:count] = b"." * count
        self._left -= count
        return count

    def close(self):
        """Nothing to let go of."""


@hookimpl
def resolve_link(references):
    """Every name has a document."""
    return [Link(each, f"memory:///{each.document}", name=each.document, size=_SIZE) for each in references]


@hookimpl
def open_stream():
    """Give the same bytes each time."""
    return _Noise()
