"""What iCloud's refusals mean: one table by code, one by status."""

import re
from typing import Any

from attrs import frozen

from downspout import Response
from downspout.errors import (
    AuthenticationError,
    ConfigurationError,
    DownspoutError,
    NotFound,
    PermissionDenied,
    ProtocolError,
    RateLimited,
    Unavailable,
)
from downspout_icloud._wire import Download, Fault, whole_number

_CODES: dict[str, type[DownspoutError]] = {
    "NOT_FOUND": NotFound,
    "ID_INVALID": NotFound,
    "WSObjectNotFound": NotFound,
    "ACCESS_DENIED": PermissionDenied,
    "AUTHENTICATION_FAILED": AuthenticationError,
    "AUTHENTICATION_REQUIRED": AuthenticationError,
    "THROTTLED": RateLimited,
    "RETRY_NEEDED": Unavailable,
    "INTERNAL_FAILURE": Unavailable,
    "TRY_AGAIN_LATER": Unavailable,
}
_STATUSES: dict[int, type[DownspoutError]] = {
    401: AuthenticationError,
    403: PermissionDenied,
    404: NotFound,
    409: Unavailable,
    410: NotFound,
    421: AuthenticationError,
    423: AuthenticationError,
    429: RateLimited,
    503: RateLimited,
}
_WORDS: dict[type[DownspoutError], str] = {
    AuthenticationError: "iCloud no longer accepts the session",
    PermissionDenied: "iCloud refuses it",
    NotFound: "there is no such document",
    RateLimited: "iCloud asks for patience",
    Unavailable: "iCloud cannot answer right now",
    ProtocolError: "iCloud does not give it out",
}
_HINTS: dict[type[DownspoutError], str] = {
    PermissionDenied: "Ask its owner; if all documents are refused, Apple has paused the account for some hours.",
    NotFound: "Check the id; for a document of an app add ?zone=, or write its path.",
    ProtocolError: "It may be no document: look for its path with `downspout ls`.",
}
_CODE = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_EVERYBODY = frozenset({401, 421, 423, 429, 502, 503, 504})


@frozen
class Refusal:
    """How iCloud said no to a document, or to a call.

    Attributes:
        status: of the answer; 200 where only a code tells.
        code: what it calls the reason, or an empty text.
        protected: whether cookies for protected data are missing.
        retry_after: seconds to wait, or `None` if it did not say.
    """

    status: int
    code: str = ""
    protected: bool = False
    retry_after: float | None = None

    @property
    def kind(self) -> type[DownspoutError]:
        """The class of the failure."""
        if self.protected:
            return AuthenticationError
        if self.code in _CODES:
            return _CODES[self.code]
        if self.status in _STATUSES:
            return _STATUSES[self.status]
        return Unavailable if self.status >= 500 else ProtocolError

    @property
    def concerns_everybody(self) -> bool:
        """Whether another document would be refused the same way right now."""
        return self.status in _EVERYBODY or self.kind in (AuthenticationError, RateLimited)

    @property
    def may_be_empty(self) -> bool:
        """Whether iCloud answers so for what has no bytes, and for folders."""
        return self.kind in (NotFound, ProtocolError)

    def error(self, subject: str) -> DownspoutError:
        """Return the failure of `subject`, a URI or an account."""
        if self.protected:
            return AuthenticationError(
                f"{subject}: iCloud holds its data back until a device consents{self._why}."
            )
        message = f"{subject}: {_WORDS[self.kind]}{self._why}."
        if self.kind is RateLimited:
            return RateLimited(message, retry_after=self.retry_after)
        if self.kind is Unavailable:
            return Unavailable(message, retry_after=self.retry_after)
        return self.kind(message, hint=_HINTS.get(self.kind))

    @property
    def _why(self) -> str:
        reasons = [
            str(self.status) if self.status != 200 else "",
            self.code if self.code != str(self.status) else "",
        ]
        text = ", ".join(filter(None, reasons))
        return f" ({text})" if text else ""


Problem = Refusal | DownspoutError
"""Why there is no answer: as iCloud said it, or as we found it."""


def refusal_of(response: Response) -> Refusal | None:
    """Return how an answer says no, or `None` if it does not."""
    if response.status == 200:
        return None
    fault = fault_in(response)
    usual = response.error("it")
    waits = usual.retry_after if isinstance(usual, RateLimited | Unavailable) else None
    waits = _seconds(fault.retryAfter) if waits is None else waits
    return Refusal(response.status, _code(fault), _is_protected(response.status, fault), waits)


def refusal_in(element: Download | Fault) -> Refusal | None:
    """Return how a part of an answer says no, or `None` if it does not."""
    code = _code(element)
    inner = element.status.get("status_code") if isinstance(element.status, dict) else None
    if not code and inner in (None, 0, "0") and not element.reason and not element.error:
        return None
    numbers = [number for number in (whole_number(element.errorCode), whole_number(inner)) if number]
    status = next((number for number in numbers if 400 <= number < 600), 200)
    return Refusal(status, code, _is_protected(status, element))


def misshapen(response: Response, error: ProtocolError) -> Problem:
    """Return how an answer of another shape says no, or `error`, which says what is wrong with its shape."""
    return refusal_in(fault_in(response)) or error


def problem_error(problem: Problem, subject: str) -> DownspoutError:
    """Return what a problem is for `subject`."""
    return problem.error(subject) if isinstance(problem, Refusal) else problem


def fault_in(response: Response) -> Fault:
    """Return what an answer says is wrong; one that says nothing of the kind says nothing."""
    try:
        return response.json(Fault)
    except ProtocolError:
        return Fault()


def other_region(domain: object, account: str) -> ConfigurationError | None:
    """Return the error for an account that lives elsewhere, or `None` where no other place is named."""
    if not isinstance(domain, str) or not domain:
        return None
    region = "china" if domain.lower().rstrip("/").endswith(".cn") else "global"
    return ConfigurationError(
        f"{account}: this Apple ID lives in the region {region}.", hint=f"Set region to {region} for this account."
    )


def plain_code(value: object) -> str:
    """Return a code as it may be shown, or an empty text where it is none."""
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return text if _CODE.fullmatch(text) else ""


def _code(fault: Fault | Download) -> str:
    """Return the code that tells most: one that is known, else the most special one."""
    special = [plain_code(each) for each in (fault.error_code, fault.serverErrorCode, fault.errorCode)]
    known = [code for code in reversed(special) if code in _CODES]
    return next((code for code in (*known, *special) if code), "")


def _is_protected(status: int, fault: Fault | Download) -> bool:
    words = f"{fault.reason} {fault.errorReason}"
    return status == 423 or "PCS" in words


def _seconds(value: Any) -> float | None:
    number = whole_number(value)
    return None if number is None else float(number)
