"""The decision at the heart of a transfer, as a table: what was asked, what is held, what the answer says.

Nothing here touches a network or a disk, so the whole table is tested row by row.
"""

from attrs import frozen

from downspout._models import Link, Stream
from downspout.errors import DownspoutError, ProtocolError


@frozen
class Identity:
    """Which bytes something is about.

    Attributes:
        version: the document's version as the service names it, or `None`.
        etag: strong validator of the bytes (an entity tag in quotes, or a date), or `None`.
        size: bytes of the whole document, or `None`.
    """

    version: str | None = None
    etag: str | None = None
    size: int | None = None

    def contradicts(self, other: "Identity") -> bool:
        """Return whether the two cannot be the same bytes.

        A date tells bytes apart only where the service itself names no version: stores that sign links send
        the time of signing.
        """
        if None not in (self.version, other.version) and self.version != other.version:
            return True
        if None not in (self.size, other.size) and self.size != other.size:
            return True
        if self.etag is None or other.etag is None or self.etag == other.etag:
            return False
        tags = self.etag.startswith('"') and other.etag.startswith('"')
        return tags or self.version is None or other.version is None

    def confirms(self, other: "Identity") -> bool:
        """Return whether the two are known to be the same bytes: same version, or same validator."""
        if self.contradicts(other):
            return False
        same_version = self.version is not None and self.version == other.version
        return same_version or (self.etag is not None and self.etag == other.etag)

    def completed_by(self, other: "Identity") -> "Identity":
        """Return what both know together; `other` wins where both know."""
        return Identity(
            self.version if other.version is None else other.version,
            self.etag if other.etag is None else other.etag,
            self.size if other.size is None else other.size,
        )


@frozen
class Said:
    """What an answer says of itself.

    Attributes:
        start: position of its first byte, or `None` if it does not say.
        identity: of the bytes; the version is the link's where the stream has none.
        whole: whether it is the whole document, from its beginning to its end.
        unsatisfied: whether the range lies beyond the end.
    """

    start: int | None
    identity: Identity
    whole: bool = False
    unsatisfied: bool = False

    @classmethod
    def by(cls, stream: Stream, link: Link) -> "Said":
        """Return what `stream`, opened from `link`, says."""
        version = link.version if stream.version is None else stream.version
        whole = stream.start == 0 and stream.stop in {None, stream.size} and not stream.unsatisfied
        return cls(stream.start, Identity(version, stream.etag, stream.size), whole, stream.unsatisfied)


@frozen
class Append:
    """Write the bytes of this answer from position `at` on (not above what was asked for)."""

    at: int


@frozen
class Restart:
    """What is held is worth nothing.

    Attributes:
        here: whether this very answer is the whole document; else it is asked for again, without a range.
        why: for people who look on (`-v`).
    """

    here: bool
    why: str


@frozen
class Complete:
    """There is nothing to add."""


@frozen
class Fail:
    """The answer cannot be used, and asking differently would not help."""

    error: DownspoutError


Decision = Append | Restart | Complete | Fail


def decide(asked: int, held: Identity, said: Said, shown: str) -> Decision:
    """Return what to do with an answer.

    Args:
        asked: the position that was asked for; 0 is the whole document, without a range.
        held: identity of the bytes that are held, `Identity()` if there are none.
        said: what the answer says.
        shown: what messages name.
    """
    if said.unsatisfied:
        return _beyond_the_end(asked, held, said, shown)
    if said.start is None:
        if asked:
            return Restart(here=False, why="the answer does not say where it starts")
        return Fail(ProtocolError(f"{shown}: the server sent a part without saying which."))
    if asked == 0 and said.start != 0:
        return Fail(ProtocolError(f"{shown}: the server sent a part although all was asked for."))
    if asked == 0 and (held == Identity() or held.confirms(said.identity)):
        return Append(0)
    if held.contradicts(said.identity):
        return Restart(here=said.whole, why="the document has changed")
    if said.whole:
        return Restart(here=True, why="the server sent all of it")
    if said.start > asked:
        return Restart(here=False, why="the server sent a later part")
    if not held.confirms(said.identity):
        return Restart(here=False, why="nothing says that it is still the same document")
    return Append(said.start)


def _beyond_the_end(asked: int, held: Identity, said: Said, shown: str) -> Decision:
    if asked == 0:
        return Fail(ProtocolError(f"{shown}: the server has no range of a document that it was asked for whole."))
    if held.contradicts(said.identity):
        return Restart(here=False, why="the document has changed")
    size = said.identity.size if said.identity.size is not None else held.size
    if size == asked:
        return Complete()
    return Restart(here=False, why="what is here is longer than the document")
