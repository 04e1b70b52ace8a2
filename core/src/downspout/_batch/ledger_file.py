"""The ledger's file: its shape, its one writing thread, and what its failures mean."""

import os
import sqlite3
import stat
import threading
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from operator import attrgetter
from pathlib import Path

from downspout._batch.ledger_lock import LockFile
from downspout._batch.ledger_row import COLUMNS, Row
from downspout.errors import StorageError

GROUP = 2000
"""Rows in a commit, or in a page: its fixed cost is spread, and it takes a few hundredths of a second."""

_GATHERING = 0.2  # seconds
_MOST_WAITING = 3 * GROUP  # rows; beyond that, whoever records waits for the disk
_BUSY = 30.0  # seconds that SQLite waits for a lock: somebody may be reading

_APPLICATION = 0x44737074  # "Dspt": tells a ledger from other databases
_VERSION = 1
_TABLES = (
    """CREATE TABLE documents (
        number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, status TEXT NOT NULL, target TEXT, size INTEGER,
        mtime_ns INTEGER, version TEXT, digest TEXT, attempts INTEGER NOT NULL, kind TEXT, message TEXT,
        created INTEGER NOT NULL, updated INTEGER NOT NULL)""",
    """CREATE TABLE names (
        key TEXT PRIMARY KEY NOT NULL, target TEXT NOT NULL, folded TEXT NOT NULL UNIQUE) WITHOUT ROWID""",
)
_STAMPS = (f"PRAGMA application_id = {_APPLICATION}", f"PRAGMA user_version = {_VERSION}")
_PRAGMAS = (
    "PRAGMA trusted_schema = OFF",  # the file may be a stranger's
    "PRAGMA cell_size_check = ON",  # damage is found before it is used
)
_WRITER_PRAGMAS = (
    "PRAGMA journal_mode = DELETE",  # WAL needs shared memory, which network drives do not have
    "PRAGMA synchronous = FULL",  # with less a power cut may damage the file; a few commits a second can afford it
)
_CLAIM = "INSERT OR REPLACE INTO names (key, target, folded) VALUES (?, ?, ?)"
_CLAIM_IF_FREE = "INSERT OR IGNORE INTO names (key, target, folded) VALUES (?, ?, ?)"
_RECORD = (
    f"INSERT INTO documents ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))}) "
    "ON CONFLICT (key) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in COLUMNS if name not in {"key", "created"})
)
_KNOWN = ("SELECT key FROM names", "SELECT folded FROM names", "SELECT key FROM documents")
_VALUES = attrgetter(*COLUMNS)
_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_SCHEMA}


def folded(target: str) -> str:
    """Return what `target` has in common with all that some file system takes for the same name."""
    if target.isascii():
        return target.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", target).casefold())


def connect(path: Path, *, writing: bool) -> sqlite3.Connection:
    """Return a connection to the ledger at `path`, which is there.

    One that does not write may all the same roll back what a crashed writer left half done; nobody could read the
    file before that. The file is never opened past SQLite: closing it would drop SQLite's locks.

    Raises:
        StorageError: there is no file that could be opened.
    """
    with told(path):
        connection = sqlite3.connect(
            f"{path.as_uri()}?mode=rw", uri=True, isolation_level=None, check_same_thread=False, timeout=_BUSY
        )
        try:
            for pragma in _PRAGMAS + (_WRITER_PRAGMAS if writing else ("PRAGMA query_only = ON",)):
                connection.execute(pragma).close()
        except BaseException:
            connection.close()
            raise
    return connection


def make(path: Path) -> None:
    """Make an empty file at `path`, for its owner alone, if there is nothing."""
    refuse_what_is_no_file(path, may_be_missing=True)
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as exc:
        raise StorageError.from_os(f"making {path}", exc) from exc


def refuse_what_is_no_file(path: Path, *, may_be_missing: bool) -> None:
    """Raise a `StorageError` if what is at `path` is no regular file (a link to one is none)."""
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError as exc:
        if may_be_missing:
            return
        raise StorageError(f"There is no ledger at {path}.", hint="Check the path.") from exc
    except OSError as exc:
        raise StorageError.from_os(f"looking for {path}", exc) from exc
    if not stat.S_ISREG(mode):
        raise StorageError(f"The ledger {path} is no regular file.", hint="Name another with --ledger.")


def lay_out(connection: sqlite3.Connection, path: Path) -> None:
    """Make the tables if the file is empty, all or none.

    Raises:
        StorageError: nothing can be written there.
    """
    with told(path), _transaction(connection):
        if connection.execute("PRAGMA schema_version").fetchone() == (0,):
            for statement in _TABLES + _STAMPS:
                connection.execute(statement)


def check(connection: sqlite3.Connection, path: Path) -> None:
    """Check the file from end to end, indexes too: a quarter of a second for 100,000 documents.

    Raises:
        StorageError: it is damaged, no ledger, or of a newer downspout.
    """
    with told(path):
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        shape = {
            " ".join(sql.split()) for (sql,) in connection.execute("SELECT sql FROM sqlite_master WHERE sql > ''")
        }
        if application != _APPLICATION:
            raise StorageError(f"The file {path} is no ledger of downspout.", hint="Name another with --ledger.")
        if version > _VERSION:
            raise StorageError(
                f"The ledger {path} was written by a newer downspout.",
                hint="Upgrade downspout, or name another with --ledger.",
            )
        sound = connection.execute("PRAGMA integrity_check(1)").fetchall() == [("ok",)]
    if not sound or shape != {" ".join(sql.split()) for sql in _TABLES}:
        raise _damaged(path)


class _Group:
    """What is committed together."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.claims: dict[str, str] = {}
        self.folded: set[str] = set()
        self.afterwards: list[Callable[[], None]] = []

    def __len__(self) -> int:
        return len(self.rows) + len(self.claims)

    def write(self, connection: sqlite3.Connection) -> None:
        """Commit it: all or nothing."""
        rows = self.rows.values()
        with _transaction(connection):
            connection.executemany(_CLAIM, [(key, name, folded(name)) for key, name in self.claims.items()])
            recorded = [(row.key, row.target, folded(row.target)) for row in rows if row.target is not None]
            connection.executemany(_CLAIM_IF_FREE, recorded)
            connection.executemany(_RECORD, map(_VALUES, rows))


class Writer:
    """The one thread that writes, and what waits for it.

    What was put is found by `row`, `claim` and `is_taken` until it can be found in the file.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection, lock: LockFile) -> None:
        self._path = path
        self._connection = connection
        self._lock = lock
        self._changed = threading.Condition()
        self._gathering = _Group()
        self._committing = _Group()
        self._put = self._saved = 0  # how many were ever put, how many of them are on disk
        self._hurry = self._closing = False
        self._known = {hash(text) for query in _KNOWN for (text,) in connection.execute(query)}
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="downspout-ledger", daemon=True)
        self._thread.start()

    def may_know(self, text: str) -> bool:
        """Return whether a key, or a folded target, may be in the file or on its way there; `False` is certain.

        Nearly all that a batch asks about is new, and an answer without a query costs next to nothing.
        """
        return self._closing or hash(text) in self._known

    def row(self, key: str) -> Row | None:
        """Return the row of `key` that is not on disk yet, or `None`."""
        with self._changed:
            return self._gathering.rows.get(key) or self._committing.rows.get(key)

    def claim(self, key: str) -> str | None:
        """Return the target claimed for `key` that is not on disk yet, or `None`."""
        with self._changed:
            return self._gathering.claims.get(key) or self._committing.claims.get(key)

    def is_taken(self, name: str) -> bool:
        """Return whether a target that is not on disk yet is `name` when folded."""
        with self._changed:
            return name in self._gathering.folded or name in self._committing.folded

    def put_row(self, row: Row, then: Callable[[], None] | None = None) -> None:
        """Queue `row`. What it says is its target is claimed for it, unless another has it.

        `then` is called, by the writing thread, once the row is on disk.
        """
        with self._changed:
            self._wait_for_room()
            self._gathering.rows[row.key] = row
            if then is not None:
                self._gathering.afterwards.append(then)
            self._known.add(hash(row.key))
            if row.target is not None:
                self._take(folded(row.target))
            self._count()

    def put_claim(self, key: str, target: str) -> None:
        """Queue the claim of `key` on `target`, which nobody has."""
        with self._changed:
            self._wait_for_room()
            self._gathering.claims[key] = target
            self._known.add(hash(key))
            self._take(folded(target))
            self._count()

    def _take(self, name: str) -> None:
        self._gathering.folded.add(name)
        self._known.add(hash(name))

    def flush(self) -> None:
        """Return when all that was put is on disk; a `StorageError` says that it could not be."""
        with self._changed:
            goal = self._put
            self._hurry = self._saved < goal
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._error or self._saved >= goal)
            self._complain()

    def close(self) -> None:
        """Commit the rest, end the thread, let go of file and lock. Again is harmless."""
        with self._changed:
            if self._closing:
                return
            self._closing = True
            self._changed.notify_all()
        self._thread.join()
        self._connection.close()
        self._lock.release()
        self._complain()

    def _wait_for_room(self) -> None:
        if len(self._gathering) >= _MOST_WAITING:
            self._changed.wait_for(lambda: self._error or len(self._gathering) < _MOST_WAITING)
        self._complain()
        if self._closing:
            raise StorageError(f"The ledger {self._path} is closed.")

    def _count(self) -> None:
        self._put += 1
        if len(self._gathering) in {1, GROUP}:  # what the thread waits for; waking it each time would cost
            self._changed.notify_all()

    def _complain(self) -> None:
        if self._error:
            raise explained(self._path, self._error) from self._error

    def _run(self) -> None:
        while goal := self._next_group():
            try:
                self._committing.write(self._connection)
            except Exception as exc:  # whatever it is, whoever waits must hear of it
                with self._changed:
                    self._error = exc
                    self._changed.notify_all()
                return
            for then in self._committing.afterwards:
                then()
            with self._changed:
                self._committing = _Group()
                self._saved = goal
                self._changed.notify_all()

    def _next_group(self) -> int:
        """Move what has gathered to where it is committed; return how many were put so far, 0 at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._gathering or self._closing)
            if not self._gathering:
                return 0
            self._changed.wait_for(
                lambda: self._hurry or self._closing or len(self._gathering) >= GROUP, timeout=_GATHERING
            )
            self._committing, self._gathering = self._gathering, _Group()
            self._hurry = False
            return self._put


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Turn what SQLite raises, and values that no ledger holds, into a `StorageError` about `path`."""
    try:
        yield
    except (sqlite3.Error, TypeError, ValueError) as exc:
        raise explained(path, exc) from exc


def explained(path: Path, error: Exception) -> StorageError:
    """Return what `error`, met with the ledger at `path`, means to a user."""
    code = getattr(error, "sqlite_errorcode", None)
    if isinstance(error, sqlite3.ProgrammingError):
        return StorageError(f"The ledger {path} is closed.")
    if not isinstance(error, sqlite3.Error) or code is None or code & 0xFF in _DAMAGE:
        return _damaged(path)
    if code & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return StorageError(f"The ledger {path} is locked.", hint="Close the program that has it open.")
    return StorageError(
        f"The ledger {path} does not work: {error}.",
        hint="Free space there, check who may write there, or name another with --ledger.",
    )


def _damaged(path: Path) -> StorageError:
    return StorageError(
        f"The ledger {path} is damaged.",
        hint="Move it away and run again with --exists skip: the documents that are there stay.",
    )
