"""What a batch remembers: in its ledger, or for as long as it runs."""

import contextlib
import hashlib
import os
import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from downspout._batch.ledger import Ledger, Row
from downspout._batch.ledger_file import folded
from downspout._batch.wanted import Wanted
from downspout._models import Result
from downspout._names import distinct_name
from downspout._transfer import remove, sweep
from downspout.errors import DownspoutError, TargetExists


class Memory:
    """Names given out, documents done. Safe for threads.

    Args:
        directory: where the documents go.
        ledger: remembers between runs, or `None`.
    """

    def __init__(self, directory: Path, ledger: Ledger | None) -> None:
        self.directory, self._ledger = directory, ledger
        self._inside = os.path.join(directory, "")
        self._names: dict[str, bytes] = {}
        self._given: dict[bytes, str] = {}
        self._lock = threading.Lock()
        self._folders = {directory}
        self._tried: dict[bytes, int] = {}

    def done(self, wanted: Iterable[Wanted]) -> Mapping[str, Row]:
        """Return what earlier runs recorded of those documents that are there as they were left, by key."""
        if self._ledger is None:
            return {}
        by_key = {item.key: item for item in wanted if item.reference is not None}
        rows = self._ledger.lookup_many(by_key)
        done = {key: row for key, row in rows.items() if self._is_done(by_key[key], row)}
        self._tried |= {by_key[key].token: row.attempts for key, row in rows.items() if key not in done}
        return done

    def path_of(self, row: Row) -> Path:
        """Return where the document of `row` is."""
        return self.directory / (row.target or "")

    def _is_done(self, item: Wanted, row: Row) -> bool:
        self._folders.add(self.path_of(row).parent)
        if not row.is_done_in(self.directory):
            return False
        if item.sha256 is None:
            return True
        recorded = row.digest or ""
        found = recorded if recorded.startswith("sha256:") else _digest_of(self.path_of(row))
        return found == f"sha256:{item.sha256}"

    def sweep(self) -> None:
        """Remove work files that were left beside documents that are done: those that have two names by now."""
        if self._ledger is None:
            return
        with contextlib.suppress(DownspoutError, OSError):
            self._ledger.flush()
            for folder in self._folders:
                sweep(folder)

    def claim(self, item: Wanted, name: str) -> str:
        """Return the relative target that belongs to `item`: `name`, or that name with a number.

        Raises:
            TargetExists: the user chose the target, and chose it for another document too.
        """
        key, token = item.key, item.token
        if self._ledger is not None and not item.chosen:
            claimed = self._ledger.claim(key, name)
            if claimed != name:
                # Two documents want one name: which of them has it must not be forgotten by a crash.
                self._ledger.flush()
            return claimed
        with self._lock:
            before = self._given.get(token)
            if before is not None:
                return before
            given = name if item.chosen else self._free(name)
            if self._names.setdefault(folded(given), token) != token:
                raise TargetExists(f"{given} is the target of two documents.", hint="Give each its own.")
            self._given[token] = given
            return given

    def _free(self, name: str) -> str:
        head, slash, last = name.rpartition("/")
        return head + slash + distinct_name(last, lambda other: folded(head + slash + other) in self._names)

    def record(self, item: Wanted, result: Result, digest: str | None, kept: tuple[str, ...]) -> None:
        """Remember what came of a document; `kept` is removed once that is certain to last.

        Raises:
            StorageError: the ledger does not take it.
        """
        if self._ledger is None or item.reference is None or result.status == "skipped":
            remove(kept)
            return
        self._ledger.record(self._row(item, result, digest), then=(lambda: remove(kept)) if kept else None)

    def _relative(self, path: Path) -> str:
        text = str(path)
        inside = text.startswith(self._inside)
        relative = text[len(self._inside) :] if inside else os.path.relpath(text, self.directory)
        return relative.replace(os.sep, "/")

    def _row(self, item: Wanted, result: Result, digest: str | None) -> Row:
        mtime = target = None
        if result.path is not None:
            target = self._relative(result.path)
            with contextlib.suppress(OSError):
                mtime = os.stat(result.path).st_mtime_ns
        error, now = result.error, int(time.time())
        return Row(
            item.key,
            "left" if result.status == "left" else "ok" if result.status == "ok" else "failed",
            target=target,
            size=result.size,
            mtime_ns=mtime,
            version=result.version,
            digest=digest,
            attempts=self._tried.get(item.token, 0) + item.attempts + 1,
            kind=error.kind if error is not None else None,
            message=error.message.replace(item.shown, "the document") if error is not None else None,
            created=now,
            updated=now,
        )


def _digest_of(path: Path) -> str:
    """Return what the ledger would say of the file's bytes; nobody computed it when they came."""
    try:
        with path.open("rb") as file:
            return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
    except OSError:
        return ""
