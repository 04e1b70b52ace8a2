"""What a batch has done, remembered beside the documents, so that the same command does only what is left.

An SQLite file with one writer (design sections 4, 5 and 6). It holds no secret and no link. What is recorded is
committed in groups by a thread of its own; a crash loses the last fraction of a second and nothing else.
"""

import os
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from attrs import evolve

from downspout._batch.ledger_file import (
    GROUP,
    Writer,
    check,
    connect,
    folded,
    lay_out,
    make,
    refuse_what_is_no_file,
    told,
)
from downspout._batch.ledger_lock import LockFile
from downspout._batch.ledger_row import COLUMNS, Row, Summary, key_of, to_csv, to_jsonl
from downspout._names import free_number, numbered_name
from downspout.errors import StorageError

__all__ = ["Ledger", "Row", "Summary", "key_of", "to_csv", "to_jsonl"]

_SELECT = f"SELECT {', '.join(COLUMNS)}, number FROM documents"
_CHUNK = 900  # variables in one statement; old versions of SQLite take 999


class Ledger:
    """The memory of a batch. Safe to use from several threads; not across a fork.

    `open` makes it, and it is a context manager. Reads see what was recorded before them, on disk or not.
    """

    def __init__(self, path: Path, reader: sqlite3.Connection, writer: Writer | None) -> None:
        self.path = path
        self._reader = reader
        self._writer = writer
        self._reading = threading.Lock()
        self._claiming = threading.Lock()
        self._last_numbers: dict[str, int] = {}

    @classmethod
    def open(cls, path: str | os.PathLike[str], *, readonly: bool = False) -> Self:
        """Return the ledger at `path`: made if it is not there, checked from end to end if it is.

        Args:
            path: the file; its directory must be there.
            readonly: only read. Nothing is made, and another process may be writing it.

        Raises:
            StorageError: another process is writing it (the message says which, and since when); it is damaged,
                no ledger, or of a newer downspout; or the disk does not take it.
        """
        path = Path(path).absolute()
        with ExitStack() as undo:
            held = None
            if readonly:
                refuse_what_is_no_file(path, may_be_missing=False)
            else:
                lock = LockFile.take(path)
                undo.callback(lock.release)
                make(path)
                writing = connect(path, writing=True)
                undo.callback(writing.close)
                lay_out(writing, path)
                held = writing, lock
            reader = connect(path, writing=False)
            undo.callback(reader.close)
            check(reader, path)
            writer = None if held is None else Writer(path, *held)
            undo.pop_all()
        return cls(path, reader, writer)

    def record(self, row: Row, then: Callable[[], None] | None = None) -> None:
        """Queue `row`, in place of what was known of its key, and return at once.

        Its `updated` becomes now, and so does its `created` if nothing was known.

        Args:
            row: what is known of a document.
            then: called by a thread of ours once the row is on disk; it must not raise.

        Raises:
            StorageError: what was queued earlier could not be written, or the ledger is closed or only read.
        """
        now = int(time.time())
        is_stamped = row.created and row.updated == now
        self._writing().put_row(row if is_stamped else evolve(row, created=row.created or now, updated=now), then)

    def claim(self, key: str, wanted: str) -> str:
        """Return the target that belongs to `key`, from now on and in every later run: `wanted` if it is free.

        Else it is numbered like `distinct_name` does. Targets that differ only in case or composition count as
        one, because to many file systems they are one. The target of a recorded row is claimed as well.

        Args:
            key: see `key_of`.
            wanted: relative path, safe, parts separated by `/`. Not looked at if `key` has a target already.

        Raises:
            StorageError: as `record`, and if the ledger cannot be read.
        """
        writer = self._writing()
        with self._claiming:
            target = self.name_of(key)
            if target is None:
                target = self._free(wanted)
                writer.put_claim(key, target)
            return target

    def name_of(self, key: str) -> str | None:
        """Return the target that belongs to `key`, or `None`."""
        if self._is_new(key):
            return None
        claimed = self._writer.claim(key) if self._writer else None
        if claimed is not None:
            return claimed
        found = self._ask("SELECT target FROM names WHERE key = ?", (key,))
        if found:
            return str(found[0][0])
        waiting = self._writer.row(key) if self._writer else None
        return waiting.target if waiting else None

    def lookup(self, key: str, target_hint: str | None = None) -> Row | None:
        """Return what is known of `key`, or `None`.

        Args:
            key: see `key_of`.
            target_hint: the target that was asked for; what is known of the document at another is no answer.
        """
        row = self.lookup_many((key,)).get(key)
        return row if row is None or target_hint in {None, row.target} else None

    def lookup_many(self, keys: Iterable[str]) -> dict[str, Row]:
        """Return what is known of `keys`, by key; one query answers for 900 of them."""
        rows: dict[str, Row] = {}
        missing = []
        for key in keys:
            if self._is_new(key):
                continue
            waiting = self._writer.row(key) if self._writer else None
            if waiting is None:
                missing.append(key)
            else:
                rows[key] = waiting
        for start in range(0, len(missing), _CHUNK):
            chunk = missing[start : start + _CHUNK]
            found = self._ask(f"{_SELECT} WHERE key IN ({', '.join('?' * len(chunk))})", chunk)
            rows.update((values[0], self._row(values)) for values in found)
        return rows

    def rows(self) -> Iterator[Row]:
        """Yield every row, in the order in which the documents were first recorded.

        A page is read at a time, so that no writer waits for whoever iterates.
        """
        self._flush_if_writing()
        last = 0
        while page := self._ask(f"{_SELECT} WHERE number > ? ORDER BY number LIMIT {GROUP}", (last,)):
            yield from map(self._row, page)
            last = page[-1][-1]

    def summary(self) -> Summary:
        """Return counts by status, bytes, and failures by kind."""
        self._flush_if_writing()
        counts: Counter[str] = Counter()
        kinds: Counter[str] = Counter()
        total = 0
        query = "SELECT status, kind, COUNT(*), TOTAL(size) FROM documents GROUP BY status, kind"
        for status, kind, number, size in self._ask(query):
            counts[status] += number
            if status == "ok":
                total += int(size)
            elif status == "failed":
                kinds[kind or "plugin"] += number
        return Summary(counts, total, kinds)

    def flush(self) -> None:
        """Return when everything that was queued is on disk.

        Raises:
            StorageError: it could not be written.
        """
        self._writing().flush()

    def close(self) -> None:
        """Commit what is queued and let go of the file. Again is harmless.

        Raises:
            StorageError: something could not be written; the ledger is closed all the same.
        """
        try:
            if self._writer:
                self._writer.close()
        finally:
            with self._reading:
                self._reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _writing(self) -> Writer:
        if self._writer is None:
            raise StorageError(f"The ledger {self.path} was opened only to be read.")
        return self._writer

    def _is_new(self, text: str) -> bool:
        return self._writer is not None and not self._writer.may_know(text)

    def _flush_if_writing(self) -> None:
        if self._writer:
            self._writer.flush()

    def _ask(self, query: str, values: Iterable[object] = ()) -> list[tuple[Any, ...]]:
        with self._reading, told(self.path):
            return self._reader.execute(query, tuple(values)).fetchall()

    def _row(self, values: tuple[Any, ...]) -> Row:
        with told(self.path):
            return Row(*values[:-1])

    def _free(self, wanted: str) -> str:
        if not self._is_taken(wanted):
            return wanted
        head, slash, name = wanted.rpartition("/")

        def numbered(number: int) -> str:
            return head + slash + numbered_name(name, number)

        if len(self._last_numbers) > GROUP:
            self._last_numbers.clear()  # it only saves questions
        after = self._last_numbers.get(folded(wanted), 0)
        number = free_number(lambda number: self._is_taken(numbered(number)), after)
        self._last_numbers[folded(wanted)] = number
        return numbered(number)

    def _is_taken(self, target: str) -> bool:
        name = folded(target)
        if self._is_new(name):
            return False
        waiting = self._writer is not None and self._writer.is_taken(name)
        return waiting or bool(self._ask("SELECT 1 FROM names WHERE folded = ?", (name,)))
