"""The shapes of KooDrive's answers, field by field.

Unknown fields are ignored; what must be there has no default, so that a change over there is named. Numbers
come as text and the other way round, depending on the page and the edition.
"""
# ruff: noqa: N815 - the fields have the service's names

from collections.abc import Sequence

from attrs import frozen

LARGEST_BATCH = 100
Code = int | str


@frozen
class Envelope:
    """What every answer has, and all that a failure has; a gateway in front says it in its own words."""

    code: Code | None = None
    msg: str | None = None
    error_code: Code | None = None
    error_msg: str | None = None


@frozen
class Record:
    """The link of one document, or why there is none."""

    fileId: str
    code: Code
    url: str | None = None
    fileName: str | None = None
    msg: str | None = None


@frozen
class Downloads:
    """The answer to a call for links. `batchCode`: 0 partly successful, 1 all, 2 none."""

    code: Code
    downloads: list[Record] | None = None
    batchCode: Code | None = None
    msg: str | None = None


@frozen
class Item:
    """One entry of a listing. Its `id` is what a call for links knows as `fileId`."""

    id: str
    fileName: str | None = None
    fileType: Code | None = None
    size: Code | None = None
    editedTime: Code | None = None


@frozen
class Listing:
    """One page of a folder; without a `nextCursor` it is the last."""

    code: Code
    files: list[Item] | None = None
    nextCursor: Code | None = None
    msg: str | None = None


@frozen
class Space:
    """A user's, a group's or a department's space."""

    containerId: str


@frozen
class SpaceAnswer:
    """The answer to a call for a space."""

    code: Code
    data: Space


@frozen
class User:
    """Whose session it is."""

    userId: Code


@frozen
class UserAnswer:
    """The answer to a call whether a token still holds."""

    code: Code
    data: User


@frozen
class CodeAddress:
    """Where a browser signs in."""

    code: Code
    uri: str


@frozen
class Tokens:
    """Tokens as any of the session calls gives them, at whatever level of the answer they stand."""

    accessToken: str | None = None
    sessionId: str | None = None
    refreshToken: str | None = None
    userId: Code | None = None
    expiresIn: Code | None = None
    sessionInfo: "Tokens | None" = None


@frozen
class SessionAnswer(Tokens):
    """The answer to a call that makes or renews a session."""

    code: Code | None = None
    data: Tokens | None = None

    def levels(self) -> Sequence[Tokens]:
        """Return the levels at which tokens may stand, innermost first."""
        inner = self.data.sessionInfo if self.data else None
        return [level for level in (inner, self.data, self.sessionInfo, self) if level is not None]


def is_zero(code: Code | None) -> bool:
    """Return whether a code says that it went well."""
    return str(code).strip() in {"0", "00000000"}


def whole_number(value: Code | None) -> int | None:
    """Return a number that may be written as text, or `None` where it is none (or negative, or absurd)."""
    text = str(value).strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None
