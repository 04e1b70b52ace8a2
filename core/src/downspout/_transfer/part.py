"""The file that a document is written to before it has its name (design section 5)."""

import contextlib
import errno
import functools
import hashlib
import os
import stat
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal, Self

from downspout._names import distinct_name
from downspout._transfer.record import Record, read_record, write_record
from downspout.errors import Cancelled, IntegrityError, StorageError, TargetExists

Exists = Literal["fail", "skip", "overwrite", "rename"]
_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV})
_HASH_BLOCK = 1024 * 1024


class Part:
    """A part file, held by one process at a time; use it as a context.

    What stands under the target's name is not touched before `finish`.

    Attributes:
        target: where the document will be.
        record: what an earlier run noted, or `None`.
    """

    def __init__(self, target: Path) -> None:
        self.target = target
        self._path, self._record_path = work_files(target)
        self._fd = -1
        self.record: Record | None = None

    def __enter__(self) -> Self:
        try:
            self._fd, fresh = self._claim()
        except OSError as exc:
            raise self._trouble("making its part file", exc) from exc
        if not fresh:
            self.record = read_record(self._record_path)
        return self

    def __exit__(self, *_: object) -> None:
        fd, self._fd = self._fd, -1
        if fd != -1:
            os.close(fd)

    def _claim(self) -> tuple[int, bool]:
        """Return the open, locked part, and whether it was made just now.

        Whoever held it before may have given it its final name between our opening and our locking it; so the
        name is looked at once more under the lock.
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
                    raise StorageError(f"{self._path.name} is no regular file.", hint="Remove it.")
                if self._is_at_its_place(facts):
                    return fd, fresh
            except BaseException:
                os.close(fd)
                raise
            os.close(fd)

    def _lock(self, fd: int) -> None:
        try:
            import fcntl
        except ImportError:  # pragma: no cover - Windows: the rename still keeps the target whole
            return
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            raise StorageError(
                f"{self.target.name} is being downloaded by another process.", hint="Wait for it, or end it."
            ) from exc
        except OSError:  # a file system without locks: the lock is a courtesy, the rename carries the weight
            return

    def _is_at_its_place(self, facts: os.stat_result) -> bool:
        try:
            there = os.stat(self._path, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return (there.st_dev, there.st_ino) == (facts.st_dev, facts.st_ino)

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
        """Return at most `count` bytes from `start` on."""
        return os.pread(self._fd, count, start)

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

    def reset(self) -> None:
        """Forget all bytes, the record first."""
        try:
            self._record_path.unlink(missing_ok=True)
            os.ftruncate(self._fd, 0)
        except OSError as exc:
            raise self._trouble("starting over", exc) from exc
        self.record = None

    def truncate(self, size: int) -> None:
        """Cut off what lies behind `size`."""
        try:
            os.ftruncate(self._fd, size)
        except OSError as exc:
            raise self._trouble("writing it", exc) from exc

    def digest(self, algorithm: str, cancelled: Callable[[], bool]) -> str:
        """Return the digest of the whole file, lower-case hex.

        Raises:
            Cancelled: `cancelled()` said so.
        """
        digest = hashlib.new(algorithm, usedforsecurity=False)
        block = memoryview(bytearray(_HASH_BLOCK))
        position = 0
        while count := os.preadv(self._fd, [block], position):
            digest.update(block[:count])
            position += count
            if cancelled():
                raise Cancelled(f"{self.target.name}: stopped while it was checked.")
        return digest.hexdigest()

    def finish(
        self, record: Record, exists: Exists, modified: float | None, *, keep: bool
    ) -> tuple[Path, tuple[Path, ...]]:
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
            os.fchmod(self._fd, self._final_mode())
            if modified is not None:
                os.utime(self._fd, (modified, modified))
            os.fsync(self._fd)
            if not self._is_at_its_place(os.fstat(self._fd)):
                raise StorageError(f"Somebody removed the part file of {self.target.name}.", hint="Try again.")
            if exists != "overwrite":
                write_record(self._record_path, record, last=False)
            path = self._give_name(exists)
            leftovers: tuple[Path, ...] = (self._record_path, self._path)
            if not keep or not self._path.exists():
                remove(leftovers)
                leftovers = ()
            flush_folder(path.parent)
        except OSError as exc:
            raise self._trouble("giving it its name", exc) from exc
        return path, leftovers

    def _final_mode(self) -> int:
        try:
            facts = os.stat(self.target, follow_symlinks=False)
        except FileNotFoundError:
            return 0o666 & ~umask()
        return stat.S_IMODE(facts.st_mode) if stat.S_ISREG(facts.st_mode) else 0o600

    def _give_name(self, exists: Exists) -> Path:
        check_target(self.target)
        if exists == "overwrite":
            os.replace(self._path, self.target)
            return self.target
        path = self.target
        while True:
            try:
                link_or_rename(self._path, path)
            except FileExistsError as exc:
                if exists != "rename":
                    raise already_there(path) from exc
                path = self.target.with_name(distinct_name(self.target.name, self._is_taken))
            else:
                return path

    def _is_taken(self, name: str) -> bool:
        return os.path.lexists(self.target.with_name(name))

    def discard(self) -> None:
        """Remove part and record: the bytes are not the document."""
        remove((self._record_path, self._path))

    def _trouble(self, doing: str, exc: OSError) -> StorageError:
        return StorageError.from_os(f"{doing} ({self.target.name})", exc)


def work_files(target: Path) -> tuple[Path, Path]:
    """Return the part and the record of a target: beside it, so that a rename is one step."""
    tag = hashlib.sha256(os.fsencode(target.name)).hexdigest()[:16]
    return target.parent / f".downspout-{tag}.part", target.parent / f".downspout-{tag}.json"


def left_by_finished(target: Path, key: str) -> tuple[Path, ...]:
    """Return the work files of an earlier run that gave this document its name and was killed right then.

    Then part and target are one file, and the record is of the same document. They are removed only once
    somebody has noted the document as done: this run may be killed, too.
    """
    part, record = work_files(target)
    try:
        there, mine = os.stat(target, follow_symlinks=False), os.stat(part, follow_symlinks=False)
    except OSError:
        return ()
    noted = read_record(record)
    if (there.st_dev, there.st_ino) != (mine.st_dev, mine.st_ino) or noted is None or noted.key != key:
        return ()
    return record, part


def sweep(folder: Path) -> None:
    """Remove from `folder` the work files of documents that have their names: parts with a second name.

    Raises:
        OSError: the folder cannot be read.
    """
    with os.scandir(folder) as entries:
        parts = [
            entry for entry in entries if entry.name.startswith(".downspout-") and entry.name.endswith(".part")
        ]
    for part in parts:
        if part.stat(follow_symlinks=False).st_nlink > 1:
            remove((Path(part.path).with_suffix(".json"), Path(part.path)))


def remove(paths: Iterable[Path]) -> None:
    """Remove work files; what cannot be removed is in nobody's way."""
    for path in paths:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def link_or_rename(source: Path, target: Path) -> None:
    """Give `source` the name `target`, which nobody may have; where links are, not even for a moment.

    Raises:
        FileExistsError: somebody has it.
    """
    try:
        os.link(source, target, follow_symlinks=False)
    except FileExistsError:
        raise
    except OSError as exc:
        if exc.errno not in _NO_LINKS:
            raise
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, "exists", str(target)) from exc
        os.rename(source, target)


def already_there(path: Path) -> TargetExists:
    """Return the error for a name that is taken."""
    return TargetExists(
        f"{path.name} exists already.",
        hint="Choose with --exists: skip, overwrite or rename; or another -o or -d.",
    )


def check_target(target: Path) -> bool:
    """Return whether there is something under the target's name.

    Raises:
        StorageError: it is no regular file (a folder, a link, a device): never replaced.
    """
    try:
        facts = os.stat(target, follow_symlinks=False)
    except FileNotFoundError:
        return False
    except OSError as exc:
        raise StorageError.from_os(f"looking at {target.name}", exc) from exc
    if not stat.S_ISREG(facts.st_mode):
        raise StorageError(
            f"{target.name} exists and is no regular file.", hint="Choose another name with -o, or another -d."
        )
    return True


def flush_folder(folder: Path) -> None:
    """Make a rename in `folder` last. Where a folder cannot be flushed, the system does it by itself."""
    try:
        fd = os.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    except OSError:
        return
    try:
        os.fsync(fd)
    except OSError as exc:
        if exc.errno not in {errno.EINVAL, errno.EBADF, errno.ENOTSUP}:
            raise
    finally:
        os.close(fd)


@functools.cache
def umask() -> int:
    """Return the process's file mode mask, without setting it where the system tells (threads share it)."""
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as file:
            for line in file:
                if line.startswith("Umask:"):
                    return int(line.split()[1], 8)
    except (OSError, ValueError):
        pass
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def mismatch(shown: str, what: str) -> IntegrityError:
    """Return the error for bytes that are not the document."""
    return IntegrityError(f"{shown}: {what}.", hint="Nothing was kept; try again, or ask the service's owner.")
