"""What eSignon answers, as values: an envelope with a result code, and a body by call and revision."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from attrs import frozen

from downspout import DownspoutError, Response
from downspout.errors import AuthenticationError, NotFound, PermissionDenied, ProtocolError

OK = "00"
_SHOWN = 200
_SHORTEST_SECRET = 4  # shorter ones would hide parts of words


@frozen
class Header:
    """The envelope's head. `result_code` is text in the documentation; numbers are taken too."""

    result_code: str | int
    result_msg: str | None = None

    @property
    def code(self) -> str:
        """The code as the documentation writes it: two digits."""
        return f"{self.result_code:02d}" if isinstance(self.result_code, int) else self.result_code.strip()


@frozen
class Envelope:
    """Any answer; newer calls have neither `header` nor `body` and are their own body."""

    header: Header | None = None
    body: Any = None


@frozen
class Issued:
    """Body of `POST /workflow/download`: of 2020-09 and later, and of the revision before."""

    doc_url: str | None = None
    cert_url: str | None = None
    workflow_name: str | int | None = None
    result_url: str | None = None
    wfname: str | int | None = None


@frozen
class Information:
    """Body of `GET /api/v2/workflows/{id}`."""

    workflow_name: str | int
    download_url: str
    certificate_url: str | None = None
    workflow_status: str | None = None
    workflow_id: str | int | None = None


@frozen
class Entry:
    """One workflow of a listing."""

    wfuid: str | int
    wfname: str | int | None
    status: str


@frozen
class Listing:
    """Body of `GET /worklists/new`."""

    workflow_list: list[Entry]
    total: int


@frozen
class SignedIn:
    """Body of `POST /api/{companyId}/login`. The form of `expire_date` is documented nowhere."""

    access_token: str
    expire_date: str | int | None = None


class Meaning(NamedTuple):
    """What a result code is to whoever asked."""

    kind: type[DownspoutError]
    text: str
    hint: str | None = None


_ACCOUNT = "Ask eSignon about the company's contract."
MEANINGS = {
    "10": Meaning(NotFound, "there is no such document, or not for this user", "Check the workflow id."),
    "11": Meaning(NotFound, "the document is not completed", "Wait until everybody has signed."),
    "13": Meaning(PermissionDenied, "the company has used up its documents", _ACCOUNT),
    "14": Meaning(PermissionDenied, "the company's period of use has ended", _ACCOUNT),
    "94": Meaning(AuthenticationError, "the token is not accepted"),
    "95": Meaning(PermissionDenied, "the company may not use the API", _ACCOUNT),
}
"""Codes seen in eSignon's documentation with one meaning for reading calls; all others are a `ProtocolError`."""


def body_of(
    response: Response,
    shape: type,
    subject: str,
    *,
    meanings: Mapping[str, Meaning] = MEANINGS,
    hidden: Iterable[str] = (),
) -> Any:
    """Return the body of an answer that says it succeeded, as a `shape`.

    Args:
        response: the answer to an API call.
        shape: one of the bodies above.
        subject: what messages name.
        meanings: what result codes mean to this call.
        hidden: secrets that went out with the call, which the service may repeat.

    Raises:
        DownspoutError: what the status or the result code means; `ProtocolError` if it is not of that shape.
    """
    if not response.ok:
        raise response.error(subject)
    envelope = response.json(Envelope)
    if envelope.header is not None and envelope.header.code != OK:
        raise _failure(envelope.header, subject, meanings, hidden)
    if envelope.body is None:
        return response.json(shape)
    return response.json(_IN_ENVELOPE[shape]).body


def _failure(
    header: Header, subject: str, meanings: Mapping[str, Meaning], hidden: Iterable[str]
) -> DownspoutError:
    meaning = meanings.get(
        header.code, Meaning(ProtocolError, "the service refuses, for a reason it does not explain")
    )
    said = f"code {plain(header.code, hidden)}"
    said += f": {plain(header.result_msg, hidden)}" if header.result_msg else ""
    return meaning.kind(f"{subject}: {meaning.text} ({said}).", hint=meaning.hint)


def plain(text: str, hidden: Iterable[str] = ()) -> str:
    """Return a service's words in a form that fits into a line of ours: printable, not long, without secrets."""
    for secret in hidden:
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, "…")
    words = " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * _SHOWN]).split())
    return (words if len(words) <= _SHOWN else words[:_SHOWN] + "…").rstrip(".")


@frozen
class _IssuedAnswer:
    body: Issued


@frozen
class _InformationAnswer:
    body: Information


@frozen
class _ListingAnswer:
    body: Listing


@frozen
class _SignedInAnswer:
    body: SignedIn


_IN_ENVELOPE: dict[type, type[Any]] = {
    Issued: _IssuedAnswer,
    Information: _InformationAnswer,
    Listing: _ListingAnswer,
    SignedIn: _SignedInAnswer,
}
