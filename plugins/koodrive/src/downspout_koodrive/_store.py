"""What the object store says when it does not give the bytes: XML, as S3 writes it."""

import re
from collections.abc import Callable

from downspout import Link, Response
from downspout.errors import DownspoutError, LinkRefused, NotFound, PermissionDenied, Unavailable

_ELEMENT = {name: re.compile(rf"<{name}>\s*([^<]{{1,300}}?)\s*</{name}>") for name in ("Code", "Message")}
_MOST = 16 * 1024  # characters in which an error says what it is
_CODE = re.compile(r"[A-Za-z0-9.]{1,64}")
_REFUSED = {400, 401, 403, 404, 410}
_PASSING = {"RequestTimeout", "SlowDown", "ServiceUnavailable", "InternalError"}


def error_of(link: Link) -> Callable[[Response], DownspoutError]:
    """Return the function that reads the store's refusals of `link`."""

    def error(response: Response) -> DownspoutError:
        return _error(response, link.reference.shown)

    return error


def _error(response: Response, subject: str) -> DownspoutError:
    text = response.text()[:_MOST]
    code, message = _element("Code", text), _element("Message", text).lower()
    if code in _PASSING and response.status in _REFUSED:
        return Unavailable(f"{subject}: the store cannot answer right now ({code}).")
    if response.status not in _REFUSED:
        return response.error(subject)
    if "expired" in message or code in {"ExpiredRequest", "ExpiredToken"}:
        return LinkRefused(
            f"{subject}: its link has expired.", hint="Try again; a link lives for an hour.", expired=True
        )
    if "not yet valid" in message or code == "RequestTimeTooSkewed":
        return LinkRefused(
            f"{subject}: its link is not valid yet.", hint="Report it: the service's clocks differ."
        )
    shown = f"{response.status}, {code}" if _CODE.fullmatch(code) else str(response.status)
    if response.status in {404, 410}:
        return LinkRefused(f"{subject}: the store does not have it ({shown}).", final=NotFound)
    return LinkRefused(
        f"{subject}: the store refuses its link ({shown}).",
        hint="Try again later, and tell the administrator of the space if it stays that way.",
        final=PermissionDenied,
    )


def _element(name: str, text: str) -> str:
    match = _ELEMENT[name].search(text)
    return match[1] if match else ""
