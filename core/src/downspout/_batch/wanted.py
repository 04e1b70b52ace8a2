"""What is wanted of a batch: documents one by one, never all of them in memory."""

import copy
import hashlib
import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import PurePosixPath

from attrs import evolve, frozen

from downspout._batch.ledger import Row, key_of
from downspout._models import Reference
from downspout._names import checked_target
from downspout._redact import redact
from downspout.errors import DownspoutError, InvalidURI

_SHA256 = re.compile(r"[0-9a-fA-F]{64}\Z")
LONGEST_LINE = 64 * 1024


@frozen(eq=False)
class Wanted:
    """One thing to bring down: a document, or a folder of them. Each is itself alone: sets hold many of them.

    Attributes:
        uri: as it was given.
        reference: what it names, once known.
        target: where it goes, relative to the batch's directory, or `None`: by its name.
        sha256: the digest that its bytes must have, lower-case hex, or `None`.
        index: its 1-based position among what was given, or the number of its line.
        listed: whether that is a line of a list.
        error: why it cannot be asked for, or `None`.
        size: bytes, as a folder's listing says, or `None`.
        attempts: how often it was tried in this run.
        below: the folder (relative) that children of it go to, or `None`.
        chosen: whether the target is the user's own choice.
        done: what the ledger says of it, where it is there but is asked about again.
        barren: of a folder's further page: how many before it, in a row, brought nothing new; else `None`.
    """

    uri: str
    reference: Reference | None = None
    target: PurePosixPath | None = None
    sha256: str | None = None
    index: int = 0
    listed: bool = False
    error: DownspoutError | None = None
    size: int | None = None
    attempts: int = 0
    below: PurePosixPath | None = None
    chosen: bool = False
    done: Row | None = None
    barren: int | None = None

    @cached_property
    def key(self) -> str:
        """What it is remembered by, once its reference is known: the target that the user chose is part of it."""
        if self.reference is None:
            return ""
        key = key_of(self.reference)
        return f"{key}\t{self.target}" if self.chosen else key

    @cached_property
    def token(self) -> bytes:
        """What stands for the key where there may be a hundred thousand of them."""
        return hashlib.blake2b(self.key.encode(), digest_size=16).digest()

    @cached_property
    def shown(self) -> str:
        """The URI as it may be shown."""
        return self.reference.shown if self.reference is not None and self.reference.is_url else redact(self.uri)

    def wrong(self, error: DownspoutError) -> "Wanted":
        """Return it with the reason why it cannot be asked for; a line is named by its number."""
        if self.listed and not error.message.startswith("Line "):
            named = copy.copy(error)
            named.message = f"Line {self.index}: {error.message}"
            named.args, named.__cause__ = (named.message,), error
            error = named
        return evolve(self, error=error)


def numbered(items: Iterable["str | Reference | Wanted"]) -> Iterator[Wanted]:
    """Yield what an application asked for, numbered from 1 unless it has numbers of its own."""
    for index, item in enumerate(items, 1):
        if isinstance(item, Wanted):
            yield item if item.index else evolve(item, index=index)
        elif isinstance(item, Reference):
            yield Wanted(str(item), item, index=index)
        else:
            yield Wanted(item, index=index)


def lines(file: Iterable[bytes]) -> Iterator[Wanted]:
    """Yield what the lines of a list ask for.

    A line is a URI, then optionally TAB and a relative target, TAB and a SHA-256. Blank lines and those that
    begin with `#` count, but ask for nothing. A line that is not right becomes a `Wanted` with its error.
    """
    for number, raw in enumerate(file, 1):
        text = raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw
        try:
            line = _decoded(text, number)
            if line.strip() and not line.lstrip().startswith("#"):
                yield _wanted(line, number)
        except DownspoutError as exc:
            shown = redact(text[:200].decode("utf-8", "replace").rstrip("\r\n").partition("\t")[0])
            yield Wanted(shown, index=number, listed=True).wrong(exc)


def _decoded(raw: bytes, number: int) -> str:
    if len(raw) > LONGEST_LINE:
        raise InvalidURI(f"Line {number} is longer than {LONGEST_LINE} bytes.")
    try:
        return raw.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError as exc:
        raise InvalidURI(f"Line {number} is no UTF-8.", hint="Save the list as UTF-8.") from exc


def _wanted(line: str, number: int) -> Wanted:
    uri, *rest = line.split("\t")
    if len(rest) > 2:
        raise InvalidURI(f"Line {number} has more than three columns.", hint="Write URI, target, SHA-256.")
    if not uri.strip():
        raise InvalidURI(f"Line {number} has nothing in its first column.", hint="Write URI, target, SHA-256.")
    target = rest[0].strip() if rest else ""
    sha256 = rest[1].strip() if len(rest) > 1 else ""
    if sha256 and not _SHA256.match(sha256):
        raise InvalidURI(f"Line {number} has no SHA-256 in its third column.", hint="Write 64 hex digits.")
    return Wanted(
        uri.strip(),
        target=checked_target(target) if target else None,
        sha256=sha256.lower() or None,
        index=number,
        listed=True,
        chosen=bool(target),
    )
