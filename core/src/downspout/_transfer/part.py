"""The file that a document is written to before it has its name (design section 5)."""

import contextlib
import hashlib
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Literal, Self

from downspout._names import distinct_name
from downspout._transfer.finished import remove, work_stem
from downspout._transfer.record import Record, read_record, write_record
from downspout._transfer.target import (
    already_there,
    check_target,
    flush_folder,
    link_or_rename,
    mode_for,
    put_in_place,
)
from downspout.errors import Cancelled, StorageError

Exists = Literal["fail", "skip", "overwrite", "rename"]
_BLOCK = 1024 * 1024


class Part:
    """A part file, held by one process at a time; use it as a context.

    What stands under the target's name is not touched before `finish`. A part that a later run could not go on
    from does not outlive the context.

    Attributes:
        target: where the document will be.
        record: what an earlier run noted, or `None`.
    """

    def __init__(self, target: Path) -> None:
        self.target = target
        stem = work_stem(target)
        self._path, self._record_path = f"{stem}.part", f"{stem}.json"
        self._spare = f"{stem}.spare"  # a second name, for the moment of replacing the target
        self._fd = -1
        self._worth_keeping = False
        self.record: Record | None = None

    def __enter__(self) -> Self:
        try:
            self._fd, fresh = self._claim()
        except OSError as exc:
            raise self._trouble("making its part file", exc) from exc
        try:
            if fresh:
                self._forget_record()
            else:
                self.record = read_record(self._record_path)
        except OSError as exc:
            self.__exit__()
            raise self._trouble("making its part file", exc) from exc
        self._worth_keeping = self.record is not None
        return self

    def __exit__(self, *_: object) -> None:
        fd, self._fd = self._fd, -1
        with contextlib.suppress(OSError):  # what was to last was flushed before: closing has no news to tell
            if not self._worth_keeping and self._is_at_its_place(os.fstat(fd)):
                os.unlink(self._path)
        with contextlib.suppress(OSError):
            os.close(fd)

    def _claim(self) -> tuple[int, bool]:
        """Return the open, locked part, and whether it was made just now.

        Whoever held it before may have given it its final name between our opening and our locking it; so the
        name is looked at once more under the lock. A part that has another name is a finished document by now,
        and not to be written to.
        """
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
        while True:
            try:
                fd, fresh = os.open(self._path, flags | os.O_EXCL, 0o600), True
            except FileExistsError:
                fd, fresh = os.open(self._path, flags, 0o600), False
            try:
                self._lock(fd)
                facts = os.fstat(fd)
                if not stat.S_ISREG(facts.st_mode):
                    raise StorageError(f"{os.path.basename(self._path)} is no regular file.", hint="Remove it.")
                if self._is_at_its_place(facts) and (facts.st_nlink == 1 or not self._has_another_name(fd)):
                    return (fd if fresh or self._is_ours_alone() else self._copied(fd)), fresh
            except BaseException:
                os.close(fd)
                raise
            os.close(fd)

    def _lock(self, fd: int) -> None:
        if not _try_to_lock(fd):
            raise StorageError(
                f"{self.target.name} is being downloaded by another process.", hint="Wait for it, or end it."
            )

    def _is_ours_alone(self) -> bool:
        """Return whether our lock keeps others out: on some file systems a lock is granted to everybody."""
        fd = os.open(self._path, os.O_RDWR)
        try:
            return not _try_to_lock(fd)
        finally:
            os.close(fd)

    def _copied(self, fd: int) -> int:
        """Put a copy that nobody else writes to in the place of the part `fd`, and return it open.

        Who works on the part, if anybody does, finds it gone in the end.
        """
        import shutil
        import tempfile  # both take longer to import than a small document to come

        new, name = tempfile.mkstemp(prefix=os.path.basename(self._path), suffix=".copy", dir=self.target.parent)
        try:
            with open(fd, "rb", closefd=False) as old, open(new, "wb", closefd=False) as copy:
                shutil.copyfileobj(old, copy, _BLOCK)
            os.replace(name, self._path)
        except BaseException:
            os.close(new)
            remove([name])
            raise
        os.close(fd)
        return new

    def _is_at_its_place(self, facts: os.stat_result) -> bool:
        try:
            return os.path.samestat(os.stat(self._path, follow_symlinks=False), facts)
        except FileNotFoundError:
            return False

    def _has_another_name(self, fd: int) -> bool:
        """Return whether somebody else knows the file, too; then its name here is given up."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._spare)
        if os.fstat(fd).st_nlink == 1:
            return False
        os.unlink(self._path)
        return True

    def _forget_record(self) -> None:
        """Remove the record for good: after a power cut it would speak of bytes that are gone."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._record_path)
            flush_folder(self.target.parent)
        self.record, self._worth_keeping = None, False

    @property
    def size(self) -> int:
        """How many bytes the file has (some of them may be holes)."""
        return os.fstat(self._fd).st_size

    def write(self, data: memoryview, position: int) -> None:
        """Write `data` at `position`. Safe for threads that write to different places.

        Raises:
            StorageError: the disk does not take it.
        """
        try:
            while data:
                count = os.pwrite(self._fd, data, position)
                data, position = data[count:], position + count
        except OSError as exc:
            raise self._trouble("writing it", exc) from exc

    def read(self, start: int, count: int) -> bytes:
        """Return at most `count` bytes from `start` on.

        Raises:
            StorageError: the disk does not give them back.
        """
        if not count:
            return b""
        try:
            return os.pread(self._fd, count, start)
        except OSError as exc:
            raise self._trouble("reading it", exc) from exc

    def note(self, record: Record) -> None:
        """Make what is written last, then say so in the record; in this order, or a power cut makes it a lie.

        Raises:
            StorageError: the disk does not take it.
        """
        try:
            os.fdatasync(self._fd) if hasattr(os, "fdatasync") else os.fsync(self._fd)
            write_record(self._record_path, record)
        except OSError as exc:
            raise self._trouble("noting how far it is", exc) from exc
        self._worth_keeping = True

    def reset(self) -> None:
        """Forget all bytes, the record first."""
        try:
            self._forget_record()
            os.ftruncate(self._fd, 0)
        except OSError as exc:
            raise self._trouble("starting over", exc) from exc

    def truncate(self, size: int) -> None:
        """Cut off what lies behind `size`."""
        try:
            if self.size != size:
                os.ftruncate(self._fd, size)
        except OSError as exc:
            raise self._trouble("writing it", exc) from exc

    def digest(self, algorithm: str, cancelled: Callable[[], bool]) -> str:
        """Return the digest of the whole file, lower-case hex.

        Raises:
            Cancelled: `cancelled()` said so.
            StorageError: the disk does not give the bytes back.
        """
        try:
            return _digest(self._fd, algorithm, cancelled, self.target.name)
        except OSError as exc:
            raise self._trouble("reading it", exc) from exc

    def finish(
        self, record: Record, exists: Exists, modified: float | None, *, keep: bool
    ) -> tuple[Path, tuple[str, ...]]:
        """Give the document its name: flush it, rename it, flush the folder.

        For a moment it has both names, and the record says whose it is: a run that is killed in this moment is
        recognised by the next one (`left_by_finished`).

        Args:
            record: which document it is.
            exists: what to do if something has the name by now.
            modified: seconds since the epoch, or `None` for now.
            keep: whether to leave the part's name and the record for the caller to remove, once it has noted
                the document as done.

        Returns:
            The final path, and what was left to be removed.

        Raises:
            TargetExists: something has the name; it is as it was, and the part is kept.
            StorageError: the disk does not take it.
        """
        try:
            self._dress(exists, modified)
            os.fsync(self._fd)
            if not self._is_at_its_place(os.fstat(self._fd)):
                raise StorageError(f"Somebody removed the part file of {self.target.name}.", hint="Try again.")
            write_record(self._record_path, record, last=False, first=not self._worth_keeping)
            self._worth_keeping = True
            path, has_two_names = self._give_name(exists)
            flush_folder(path.parent)
        except OSError as exc:
            raise self._trouble("giving it its name", exc) from exc
        leftovers = (self._record_path, self._path)
        if keep and has_two_names:
            return path, leftovers
        remove(leftovers)
        return path, ()

    def _dress(self, exists: Exists, modified: float | None) -> None:
        """Give the file its mode and time; some file systems have neither, which is no reason to fail."""
        mode = mode_for(self.target, replaces=exists == "overwrite")
        with contextlib.suppress(OSError):
            os.fchmod(self._fd, mode)
        if modified is not None:
            with contextlib.suppress(OSError, OverflowError):
                os.utime(self._fd, (modified, modified))

    def _give_name(self, exists: Exists) -> tuple[Path, bool]:
        """Return the name, and whether the part has its own as well."""
        path = self.target
        while True:
            try:
                return path, link_or_rename(self._path, path)
            except FileExistsError as exc:
                check_target(path)
                if exists == "overwrite":
                    return path, put_in_place(self._path, path, self._spare)
                if exists != "rename":
                    raise already_there(path) from exc
                path = self.target.with_name(distinct_name(self.target.name, self._is_taken))

    def _is_taken(self, name: str) -> bool:
        return os.path.lexists(self.target.with_name(name))

    def discard(self) -> None:
        """Remove part and record: the bytes are not the document."""
        remove((self._record_path, self._path))
        self._worth_keeping = False

    def _trouble(self, doing: str, exc: OSError) -> StorageError:
        return StorageError.from_os(f"{doing} ({self.target.name})", exc)


def _try_to_lock(fd: int) -> bool:
    """Lock a file; return whether nobody else has it. Where there are no locks, nobody has."""
    try:
        import fcntl
    except ImportError:  # pragma: no cover - Windows: the rename still keeps the target whole
        return True
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks: the lock is a courtesy, the rename carries the weight
        return True
    return True


def digest_of_file(path: Path, algorithm: str, cancelled: Callable[[], bool]) -> str:
    """Return the digest of a file, lower-case hex.

    Raises:
        Cancelled: `cancelled()` said so.
        StorageError: it cannot be read.
    """
    try:
        with open(path, "rb", buffering=0) as file:
            return _digest(file.fileno(), algorithm, cancelled, path.name)
    except OSError as exc:
        raise StorageError.from_os(f"reading {path.name}", exc) from exc


def _digest(fd: int, algorithm: str, cancelled: Callable[[], bool], name: str) -> str:
    digest = hashlib.new(algorithm, usedforsecurity=False)
    block = memoryview(bytearray(_BLOCK))
    position = 0
    while count := os.preadv(fd, [block], position):
        digest.update(block[:count])
        position += count
        if cancelled():
            raise Cancelled(f"{name}: stopped while it was checked.", hint="Run it again to go on.")
    return digest.hexdigest()
