"""What Oracle Content Management answers, as values. The service writes all numbers as text; both are taken."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime

from attrs import field, frozen

_LARGEST = 2**63
_SHORTEST_SECRET = 4  # shorter ones would hide parts of words
_GUID = re.compile(r"[A-Za-z0-9:_-]{1,256}\Z")
_TOKEN = re.compile(r"[!-~]{1,65536}\Z")


def is_guid(text: str) -> bool:
    """Whether `text` can be the id of a file or a folder."""
    return _GUID.match(text) is not None


def is_token(text: str) -> bool:
    """Whether `text` can be a token: printable ASCII without blanks."""
    return _TOKEN.match(text) is not None


@frozen
class Failure:
    """Body of an answer that is none: `errorCode` is text, `errorKey` the untranslated reason."""

    errorCode: str | int  # noqa: N815
    errorKey: str | None = None  # noqa: N815
    errorMessage: str | None = None  # noqa: N815

    @property
    def code(self) -> str:
        """The code as text."""
        return str(self.errorCode).strip()


@frozen
class Item:
    """A file or a folder, in a listing or alone. Files have `size` and `version`."""

    id: str
    name: str
    type: str
    size: int | None = None
    version: int | None = None
    modifiedTime: str | None = None  # noqa: N815

    @property
    def is_folder(self) -> bool:
        """Whether it holds others."""
        return self.type == "folder"

    @property
    def makes_sense(self) -> bool:
        """Whether its id can be asked for, and its numbers can be those of a file."""
        return is_guid(self.id) and all(n is None or 0 <= n < _LARGEST for n in (self.size, self.version))

    @property
    def modified_at(self) -> datetime | None:
        """When it changed last (aware), or `None` if that is not said in a form known here."""
        try:
            when = datetime.fromisoformat(self.modifiedTime or "")
        except ValueError:
            return None
        return when.replace(tzinfo=UTC) if when.tzinfo is None else when


@frozen
class Listing:
    """One page of a folder."""

    items: list[Item]
    hasMore: str | int = 0  # noqa: N815

    @property
    def has_more(self) -> bool:
        """Whether another page follows: `"1"`."""
        return str(self.hasMore).strip() == "1"


@frozen
class Grant:
    """What a token endpoint gives (RFC 6749, 5.1)."""

    access_token: str
    expires_in: int | None = None


@frozen
class Denial:
    """What a token endpoint refuses with (RFC 6749, 5.2)."""

    error: str = ""
    error_description: str | None = field(default=None)


@frozen
class Renewal:
    """What `PUT /applinks/token` gives."""

    accessToken: str  # noqa: N815


def plain(text: str, hidden: Iterable[str] = (), limit: int = 200) -> str:
    """Return a service's words in a form that fits into a line of ours: printable, not long, without secrets."""
    for secret in hidden:
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, "…")
    words = " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * limit]).split())
    return (words if len(words) <= limit else words[:limit] + "…").rstrip(".")
