"""Folders below the batch's directory, made without following a link out of it."""

import os
import stat
from pathlib import Path

from downspout.errors import StorageError


def make_below(directory: Path, relative: str) -> Path:
    """Return `directory / relative`, with the folders in between made.

    Raises:
        StorageError: one of them is a link or no folder, or cannot be made.
    """
    path = directory
    for component in relative.split("/")[:-1]:
        path = path / component
        try:
            os.mkdir(path)
        except FileExistsError:
            if not stat.S_ISDIR(os.lstat(path).st_mode):
                raise StorageError(
                    f"{path.name} stands in the way of {relative}: it is no folder.",
                    hint="Remove it, or choose another place with -d.",
                ) from None
        except OSError as exc:
            raise StorageError.from_os(f"making the folder {path.name}", exc) from exc
    return directory / relative
