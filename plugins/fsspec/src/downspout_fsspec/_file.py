"""An open document, as fsspec wants files: ranges are fetched, a cache of the caller's choice keeps them."""

import threading
from typing import TYPE_CHECKING, Any

from fsspec.spec import AbstractBufferedFile  # type: ignore[import-untyped]

from downspout_fsspec._errors import as_os_errors

if TYPE_CHECKING:
    from downspout_fsspec._filesystem import Document, DownspoutFileSystem


class DownspoutFile(AbstractBufferedFile):  # type: ignore[misc]
    """A document, read by range. Links and connections may die on the way; the version stays the same.

    Args:
        fs: the file system.
        path: the document's path.
        document: open, for reading exactly; closed with this.
        size: bytes of the document.
        options: of `AbstractBufferedFile`: `block_size`, `cache_type`, `cache_options`.
    """

    def __init__(
        self, fs: "DownspoutFileSystem", path: str, document: "Document", size: int, **options: Any
    ) -> None:
        self._document = document
        self._turn = threading.Lock()
        super().__init__(fs, path, size=size, **options)
        self.details = {"name": path, "size": size, "type": "file"}
        if document.version is not None:
            self.details["version"] = document.version

    def _fetch_range(self, start: int, end: int) -> bytes:
        """Return the bytes from `start` up to `end`, fewer only at the document's end. Safe for threads."""
        with self._turn, as_os_errors(self.path):
            return read_range(self._document, start, end)

    def close(self) -> None:
        """Let go of the document, and of what was kept of it."""
        super().close()
        if self.closed:
            self._document.close()


def read_range(document: "Document", start: int, end: int) -> bytes:
    """Return the bytes of an exactly read document from `start` up to `end`, fewer only at its end."""
    wanted = bytearray(max(0, end - start))
    view, filled = memoryview(wanted), 0
    document.raw.seek(start)
    while filled < len(wanted) and (count := document.raw.readinto(view[filled:])):
        filled += count
    return bytes(view[:filled])
