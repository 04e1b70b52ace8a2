"""The work files beside a document, and what they tell of a run that was killed when it was all but done."""

import contextlib
import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from attrs import frozen

from downspout._names import distinct_name
from downspout._transfer.record import Record, read_record


def work_files(target: Path) -> tuple[Path, Path]:
    """Return the part and the record of a target: beside it, so that a rename is one step."""
    stem = work_stem(target)
    return Path(f"{stem}.part"), Path(f"{stem}.json")


def work_stem(target: Path) -> str:
    """Return what the paths of all work files of a target begin with."""
    folder, name = os.path.split(target)
    tag = hashlib.sha256(os.fsencode(name)).hexdigest()[:16]
    return os.path.join(folder, f".downspout-{tag}")


@frozen
class Finished:
    """A document that has its name, of a run that was killed before it could say so.

    Attributes:
        path: the document.
        record: which one it is.
        leftovers: its work files, to be removed once somebody has noted that it is done.
    """

    path: Path
    record: Record
    leftovers: tuple[str, ...]


def left_by_finished(target: Path, key: str) -> Finished | None:
    """Return the document that an earlier run gave its name (or one like it) right before it was killed.

    Then part and document are one file, and the record is of the same document. The work files stay until
    somebody has noted it as done: this run may be killed, too.
    """
    part, note = work_files(target)
    record = read_record(note)
    if record is None or record.key != key:
        return None
    path = _twin(part, target)
    return None if path is None else Finished(path, record, (str(note), str(part)))


def _twin(part: Path, target: Path) -> Path | None:
    """Return the other name of `part`: the target's, or the one that it got because the target was taken."""
    try:
        mine = os.stat(part, follow_symlinks=False)
    except OSError:
        return None
    found: list[Path] = []

    def is_taken(name: str) -> bool:
        path = target.with_name(name)
        try:
            facts = os.stat(path, follow_symlinks=False)
        except OSError:
            return False
        if os.path.samestat(facts, mine):
            found.append(path)
        return not found

    if mine.st_nlink > 1 and is_taken(target.name):
        distinct_name(target.name, is_taken)
    return found[0] if found else None


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
            remove((part.path.removesuffix(".part") + ".json", part.path))


def remove(paths: Iterable[str]) -> None:
    """Remove work files; what cannot be removed is in nobody's way."""
    for path in paths:
        with contextlib.suppress(OSError):
            os.unlink(path)
