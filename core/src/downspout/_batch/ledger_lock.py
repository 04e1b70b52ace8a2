"""Who is writing a ledger: a lock file beside it.

SQLite's own locks keep the ledger whole, whoever opens it, but they last for one transaction each and name nobody.
This one lasts as long as the batch and holds a process id. It is an `flock` on a file of its own: on the ledger
itself it would meet SQLite's locks on NFS, where both are the same, and closing it would drop them. The system
releases it when its process dies, so what a crash leaves behind is recognised by being unlocked. On file systems
without `flock` the process id decides; where `flock` lies, only the courtesy is lost.
"""

import errno
import json
import os
import socket
import sys
import time
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from downspout.errors import StorageError

if sys.platform == "win32":  # pragma: no cover - the tests run elsewhere
    import msvcrt
else:
    import fcntl

_UNSUPPORTED = {errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK, errno.EINVAL}
_TRIES = 100


class LockFile:
    """The right to write a ledger, from `take` to `release`."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor

    @classmethod
    def take(cls, ledger: Path) -> Self:
        """Return the lock of `ledger`.

        Raises:
            StorageError: another holds it (the message says which process, and since when), or no file can be
                made there.
        """
        path = ledger.with_name(ledger.name + "-lock")
        for _ in range(_TRIES):  # whoever held it may just be deleting it
            try:
                descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
            except OSError as exc:
                raise StorageError.from_os(f"making {path}", exc) from exc
            if not _lock(descriptor):
                holder = _holder(descriptor)
                os.close(descriptor)
                raise _in_use(ledger, path, holder)
            if _is_still(descriptor, path):
                os.ftruncate(descriptor, 0)
                note = {"pid": os.getpid(), "host": socket.gethostname(), "since": int(time.time())}
                os.write(descriptor, json.dumps(note).encode())
                return cls(path, descriptor)
            os.close(descriptor)
        raise _in_use(ledger, path, {})

    def release(self) -> None:
        """Give the right back. Deletes the file first, while nobody else can hold it."""
        with suppress(OSError):
            if _is_still(self._descriptor, self._path):
                self._path.unlink()
        os.close(self._descriptor)


def _lock(descriptor: int) -> bool:
    """Return whether the lock could be had."""
    try:
        if sys.platform == "win32":  # pragma: no cover - the tests run elsewhere
            os.lseek(descriptor, 1 << 30, os.SEEK_SET)  # nobody can read what is locked: not where the note is
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            os.lseek(descriptor, 0, os.SEEK_SET)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as exc:
        return exc.errno in _UNSUPPORTED and not _may_live(_holder(descriptor))
    return True


def _may_live(holder: dict[str, Any]) -> bool:
    """Return whether the process of a note may still be there; of another machine nobody can tell."""
    pid, host = holder.get("pid"), holder.get("host")
    if host != socket.gethostname():
        return host is not None
    if type(pid) is not int or not 0 < pid < 2**31 or pid == os.getpid():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True


def _is_still(descriptor: int, path: Path) -> bool:
    """Return whether `path` is still the name of what was opened."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.lstat(path))
    except OSError:
        return False


def _holder(descriptor: int) -> dict[str, Any]:
    """Return the note in a lock file, or nothing if it is unreadable."""
    try:
        os.lseek(descriptor, 0, os.SEEK_SET)
        note = json.loads(os.read(descriptor, 1000))
    except (OSError, ValueError, RecursionError):
        return {}
    return note if isinstance(note, dict) else {}


def _in_use(ledger: Path, path: Path, holder: dict[str, Any]) -> StorageError:
    pid, host, since = holder.get("pid"), holder.get("host"), holder.get("since")
    who = f"process {pid}" if type(pid) is int else "another process"
    if type(pid) is int and pid == os.getpid() and host == socket.gethostname():
        who = "this process"
    elif isinstance(host, str) and host != socket.gethostname():
        who += f" on {host[:100]}"
    with suppress(TypeError, ValueError, OverflowError, OSError):
        who += f" since {datetime.fromtimestamp(since).isoformat(' ', 'seconds')}"  # type: ignore[arg-type]
    return StorageError(
        f"The ledger {ledger} is in use by {who}.",
        hint=f"Wait until it is done, name another with --ledger, or delete {path.name} if it is long gone.",
    )
