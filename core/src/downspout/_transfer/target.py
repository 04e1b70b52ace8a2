"""What stands under a document's name, and how a finished file gets that name."""

import contextlib
import errno
import functools
import os
import stat
from pathlib import Path

from downspout.errors import StorageError, TargetExists

_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV})


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


def already_there(path: Path) -> TargetExists:
    """Return the error for a name that is taken."""
    return TargetExists(
        f"{path.name} exists already.",
        hint="Choose with --exists: skip, overwrite or rename; or another -o or -d.",
    )


def mode_for(target: Path, *, replaces: bool) -> int:
    """Return the mode of a new file named `target`: that of the file it `replaces`, else as the umask has it."""
    if replaces:
        with contextlib.suppress(FileNotFoundError):
            return stat.S_IMODE(os.stat(target, follow_symlinks=False).st_mode) & 0o777
    return 0o666 & ~umask()


def link_or_rename(source: str, target: Path) -> bool:
    """Give `source` the name `target`, which nobody may have; where links are, not even for a moment.

    Returns:
        Whether it keeps its own name as well.

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
        return False
    return True


def put_in_place(source: str, target: Path, spare: str) -> bool:
    """Replace `target` by `source` in one step; where links are, `source` keeps its own name as well.

    Args:
        source: the new file.
        target: the old one.
        spare: a name that nobody else uses.

    Returns:
        Whether `source` keeps its own name as well.
    """
    try:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(spare)
        os.link(source, spare, follow_symlinks=False)
    except OSError as exc:
        if exc.errno not in _NO_LINKS:
            raise
        spare = source
    os.replace(spare, target)
    return spare != source


def flush_folder(folder: str | Path) -> None:
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
