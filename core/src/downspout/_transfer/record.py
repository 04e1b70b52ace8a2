"""The note beside a part: what a later run needs to go on safely. No secret, no link."""

import contextlib
import hashlib
import json
import os
import stat
from pathlib import Path

from attrs import frozen

from downspout._models import Reference
from downspout._transfer.decide import Identity
from downspout._transfer.ranges import Range, merged

_VERSION = 1
_MAX_BYTES = 1024 * 1024


@frozen
class Record:
    """Which document a part belongs to, and which of its bytes are there.

    Attributes:
        key: see `record_key`.
        identity: which bytes they are.
        done: merged ranges that were on disk when the record was written.
    """

    key: str
    identity: Identity
    done: tuple[Range, ...]


def record_key(reference: Reference) -> str:
    """Return what names a document in files of ours: its URI, or the SHA-256 of a URL, which may be signed."""
    if reference.is_url:
        return "sha256:" + hashlib.sha256(str(reference).encode()).hexdigest()
    return str(reference)


def write_record(path: str | Path, record: Record, *, last: bool = True, first: bool = False) -> None:
    """Write a record in one step, readable by its owner only.

    Args:
        path: where.
        record: what.
        last: whether it has to outlive a power cut, or only this process.
        first: whether there is none yet: then half of one may be seen, which `read_record` takes for none.

    Raises:
        OSError: the disk does not take it; the previous record is still there.
    """
    document = {
        "version": _VERSION,
        "uri": record.key,
        "document_version": record.identity.version,
        "etag": record.identity.etag,
        "size": record.identity.size,
        "ranges": record.done,
    }
    place = os.fspath(path)
    new = place if first else place + ".new"
    fd = _opened_anew(new)
    try:
        try:
            _write_all(fd, json.dumps(document).encode())
            if last:
                os.fsync(fd)
        finally:
            os.close(fd)
        if not first:
            os.replace(new, place)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(new)
        raise


def _opened_anew(path: str) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    try:
        return os.open(path, flags, 0o600)
    except FileExistsError:  # of a run that was killed; nobody else writes here while we hold the part
        os.unlink(path)
        return os.open(path, flags, 0o600)


def _write_all(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]


def read_record(path: str | Path) -> Record | None:
    """Return the record in `path`, or `None`: none there, damaged, or of another version."""
    try:
        document = json.loads(_regular_bytes(path))
        if document["version"] != _VERSION:
            return None
        identity = Identity(
            _text(document["document_version"]),
            _text(document["etag"]),
            _position(document["size"], optional=True),
        )
        done = merged((_position(start) or 0, _position(stop) or 0) for start, stop in document["ranges"])
        return Record(_text(document["uri"]) or "", identity, tuple(done))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _regular_bytes(path: str | Path) -> bytes:
    """Return the beginning of a file; of a folder, a link or a pipe, nothing."""
    fd = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    try:
        return os.read(fd, _MAX_BYTES) if stat.S_ISREG(os.fstat(fd).st_mode) else b""
    finally:
        os.close(fd)


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise TypeError("no text")


def _position(value: object, *, optional: bool = False) -> int | None:
    if value is None and optional:
        return None
    if type(value) is int and 0 <= value < 1 << 63:
        return value
    raise TypeError("no position")
