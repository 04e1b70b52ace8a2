"""What came of a download, and what is said on the way."""

from pathlib import Path
from typing import Literal

from attrs import field, frozen

from downspout._models.uri import Reference
from downspout.errors import DownspoutError

Status = Literal["ok", "failed", "skipped", "left"]
Verified = Literal["digest", "size", "none"]
Phase = Literal["resolving", "downloading", "verifying", "done"]


@frozen
class Result:
    """What came of one document.

    Attributes:
        reference: the document.
        status: `ok`; `failed` (see `error`); `skipped` (there already); `left` (not tried, or interrupted).
        path: where it is, or `None`.
        size: bytes, or `None`.
        sha256: lower-case hex, or `None` unless the provider gave it or it was asked for.
        verified: what the bytes were held against: a `digest`, an announced `size`, or `none`.
        version: the document's version, or `None`.
        error: why it is not there, or `None`.
        index: 1-based position in what was asked for (a document of a folder has the folder's).
        uri: what was asked for, as it may be shown.
        transferred: bytes that came over the network for it, in this run.
    """

    reference: Reference | None
    status: Status
    path: Path | None = None
    size: int | None = None
    sha256: str | None = None
    verified: Verified = "none"
    version: str | None = None
    error: DownspoutError | None = None
    index: int = 0
    uri: str = ""
    transferred: int = 0


@frozen
class Progress:
    """Where a document stands.

    Attributes:
        reference: the document.
        phase: what is being done.
        done: bytes that are on disk.
        size: bytes in all, or `None` if nobody knows.
        name: its name, once known.
    """

    reference: Reference
    phase: Phase
    done: int = 0
    size: int | None = None
    name: str | None = None

    @property
    def bytes(self) -> int:
        """The same as `done`, for those who count in bytes."""
        return self.done


@frozen
class Resolved:
    """Event: the service said where a document is."""

    reference: Reference


@frozen
class Opened:
    """Event: bytes are coming, from `start` on."""

    reference: Reference
    start: int = 0


@frozen
class Done:
    """Event: a document is there, or a reader of it was closed.

    Attributes:
        reference: the document.
        size: bytes; of a reader, those that it gave.
        digest: `sha256:…` or another algorithm's, lower-case hex, where one was computed, else `None`.
        path: where, or `None` if it went to a reader.
        skipped: whether the file was there already, and was left as it was.
    """

    reference: Reference
    size: int
    digest: str | None = None
    path: Path | None = None
    skipped: bool = False


@frozen
class Failed:
    """Event: a document is not there, and will not be in this run."""

    reference: Reference
    error: DownspoutError = field()


Event = Resolved | Opened | Progress | Done | Failed


def done(reference: Reference, result: Result, digest: str | None) -> Done:
    """Return the event for a document of which `result` came, with the digest that was computed, if any."""
    return Done(reference, result.size or 0, digest, result.path, skipped=result.status == "skipped")
