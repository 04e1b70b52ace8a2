"""What a ledger says of one document, of all of them, and how it is handed on."""

import csv
import hashlib
import json
import os
import re
import stat
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, TextIO

from attrs import Attribute, field, fields, frozen, validators

from downspout._models import FrozenMapping, Reference
from downspout._redact import redact

State = Literal["ok", "failed", "left"]

LONGEST_TEXT = 1000
"""Characters that are kept of a version, a kind, a message."""

_LARGEST = 2**63 - 1
_DIGEST = re.compile(r"[a-z0-9_]{1,32}:[0-9a-f]{1,256}\Z")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def _storable(_: object, field_: "Attribute[Any]", value: object) -> None:
    if not isinstance(value, str) or not value:
        raise TypeError(f"{field_.name} must be a text that is not empty, not {value!r}.")
    value.encode()  # of half a character this makes a ValueError


def _integer(least: int) -> Callable[[object, "Attribute[Any]", Any], None]:
    def check(_: object, field_: "Attribute[Any]", value: object) -> None:
        if type(value) is not int or not least <= value <= _LARGEST:
            raise ValueError(f"{field_.name} must be a 64-bit integer from {least} up, not {value!r}.")

    return check


def _bounded(text: str | None) -> str | None:
    return text[:LONGEST_TEXT].encode("utf-8", "replace").decode() if text else text


def _presentable(text: str | None) -> str | None:
    if not text:
        return text
    return _bounded("".join(character if character.isprintable() else " " for character in redact(text)))


@frozen
class Row:
    """What is known of one document.

    Attributes:
        key: see `key_of`.
        status: `ok` (it is there), `failed` (see `kind`) or `left` (to be done).
        target: relative path, parts separated by `/`; `None` while nobody knows its name.
        size: bytes, or `None`.
        mtime_ns: the target's modification time when it was done (nanoseconds since the epoch), or `None`.
        version: as in `Link`, at most 1000 characters, or `None`.
        digest: `sha256:…` or another algorithm's, lower-case hex, or `None`.
        attempts: how often it was tried.
        kind: the class of the last failure, or `None`.
        message: the last failure's message, redacted, on one line, or `None`.
        created: when it was first recorded (seconds since the epoch); the ledger's business.
        updated: when it was last recorded; the ledger's business.
    """

    key: str = field(validator=_storable)
    status: State = field(validator=validators.in_(("ok", "failed", "left")))
    target: str | None = field(default=None, validator=validators.optional(_storable))
    size: int | None = field(default=None, validator=validators.optional(_integer(0)))
    mtime_ns: int | None = field(default=None, validator=validators.optional(_integer(-_LARGEST)))
    version: str | None = field(default=None, converter=_bounded)
    digest: str | None = field(default=None, validator=validators.optional(validators.matches_re(_DIGEST)))
    attempts: int = field(default=0, validator=_integer(0))
    kind: str | None = field(default=None, converter=_bounded)
    message: str | None = field(default=None, converter=_presentable)
    created: int = field(default=0, validator=_integer(0))
    updated: int = field(default=0, validator=_integer(0))

    def agrees_with(self, found: os.stat_result) -> bool:
        """Return whether the document is done and `found`, the `lstat` of its target, is what was left there.

        Inodes say nothing: network drives make them up.
        """
        if self.status != "ok" or self.mtime_ns is None or found.st_size != self.size:
            return False
        if not stat.S_ISREG(found.st_mode):
            return False
        # File systems that keep whole seconds (FAT: every other) round down once a file has left the cache.
        lost = self.mtime_ns - found.st_mtime_ns
        return lost == 0 or (found.st_mtime_ns % 10**9 == 0 and 0 < lost < 2 * 10**9)

    def is_done_in(self, directory: Path) -> bool:
        """Return whether the document is in `directory` as it was left there: one `lstat`, nothing is read."""
        if self.status != "ok" or self.target is None:
            return False
        try:
            return self.agrees_with(os.lstat(directory / self.target))
        except (OSError, ValueError):
            return False


COLUMNS = tuple(column.name for column in fields(Row))
"""The fields of `Row` in order: columns of the table and of the exports."""


def _frozen(counts: Mapping[str, int]) -> Mapping[str, int]:
    return FrozenMapping(counts)


@frozen
class Summary:
    """What a ledger comes to.

    Attributes:
        counts: status to number of documents.
        bytes: the size of all documents that are there.
        kinds: class of failure to number of documents that failed with it.
    """

    counts: Mapping[str, int] = field(converter=_frozen)
    bytes: int
    kinds: Mapping[str, int] = field(converter=_frozen)


def key_of(reference: Reference) -> str:
    """Return what a ledger calls a document: its URI, or, where that is a URL, which may be signed, a SHA-256.

    That is the lower-case hex of the URL's; of an account with a name, or with options, of the whole reference's.
    """
    if not reference.is_url:
        return str(reference)
    bare = reference.account == "web" and not reference.options
    return hashlib.sha256((reference.document if bare else str(reference)).encode()).hexdigest()


def to_jsonl(rows: Iterable[Row], out: TextIO) -> None:
    """Write `rows` to `out`, one JSON object a line, named and ordered like the fields of `Row`."""
    for row in rows:
        out.write(json.dumps({name: getattr(row, name) for name in COLUMNS}, ensure_ascii=False) + "\n")


def to_csv(rows: Iterable[Row], out: TextIO) -> None:
    """Write `rows` to `out` as CSV with a line of headings (RFC 4180; open `out` with `newline=""`).

    `None` is an empty cell. A text that a spreadsheet would run as a formula gets an apostrophe before it: names
    and versions are a stranger's.
    """
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([_harmless(getattr(row, name)) for name in COLUMNS])


def _harmless(cell: object) -> object:
    return "'" + cell if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
