"""What a refusal means, by `errorCode` and `errorKey`; the status decides where neither is known."""

from collections.abc import Iterable
from typing import NamedTuple

from downspout import DownspoutError, Response
from downspout.errors import NotFound, PermissionDenied, ProtocolError
from downspout_oracle import _wire

CODE_NEEDED = "-18"
NO_PRIVILEGE = "-20"
LINK_DEAD = "-26"
NOT_THERE = "-16"


class Meaning(NamedTuple):
    """What a code is to whoever asked."""

    kind: type[DownspoutError]
    hint: str | None = None


_MEANINGS = {
    NOT_THERE: Meaning(NotFound, "Check the id, and the version if you gave one."),
    CODE_NEEDED: Meaning(PermissionDenied, "Set access_code to the link's code, or tell it to `downspout login`."),
    NO_PRIVILEGE: Meaning(PermissionDenied, "Ask the owner. A link's role must be downloader or more."),
    LINK_DEAD: Meaning(PermissionDenied, "Ask the owner for a new link: this one is invalid or expired."),
}

# The untranslated part of an answer, for services that number differently.
_KEYS = {
    "csAccessCodeRequiredForLinkAccess": CODE_NEEDED,
    "csCloudItemInsufficientPrivileges": NO_PRIVILEGE,
}


def told(response: Response) -> _wire.Failure | None:
    """Return what the body says of a failure, or `None` if it says nothing in a form known here."""
    try:
        failure = response.json(_wire.Failure)
    except ProtocolError:
        return None
    return None if failure.code == "0" else failure


def code_of(failure: _wire.Failure | None) -> str | None:
    """Return the code of a failure: by its key where that is known, else as it stands."""
    if failure is None:
        return None
    keys = (failure.errorKey or "").partition(",")[0].split("!")
    return next((_KEYS[key] for key in keys if key in _KEYS), failure.code)


def error_for(response: Response, subject: str, hidden: Iterable[str] = ()) -> DownspoutError:
    """Return the error to raise for an answer that is a failure, in its status or in its body.

    Args:
        response: the answer.
        subject: what the message names.
        hidden: secrets that went out with the request, which the service may repeat.
    """
    by_status = response.error(subject)
    failure = told(response)
    if failure is None or by_status.retryable or response.status == 401:
        return by_status
    meaning = _MEANINGS.get(code_of(failure) or "", Meaning(type(by_status), by_status.hint))
    said = _wire.plain(failure.errorMessage, hidden) if failure.errorMessage else "no reason is given"
    return meaning.kind(f"{subject}: {said} ({_wire.plain(failure.code, hidden, 20)}).", hint=meaning.hint)
