"""The cookies of the setup service: kept as they came, for Apple's API origins and for no other."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from attrs import frozen

from downspout import Headers

WEB_TOKEN = "X-APPLE-WEBAUTH-TOKEN"
"""The cookie that every data call needs."""
PCS_DOCUMENTS = "X-APPLE-WEBAUTH-PCS-Documents"
"""The cookie that opens protected documents."""

_MOST = 64
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}")
_VALUE = re.compile(
    r'[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]{1,6000}|"[\x20\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]{1,6000}"'
)
_YEARS = timedelta(days=3650)


@frozen
class Cookie:
    """A cookie that is to be sent.

    Attributes:
        name: its name.
        value: as it came, quotes included.
        expires_at: when it ends (aware), or `None` if it does not say.
    """

    name: str
    value: str
    expires_at: datetime | None = None


def updated(cookies: Mapping[str, str], headers: Headers, now: datetime) -> dict[str, str]:
    """Return `cookies` with what an answer sets or takes away.

    Args:
        cookies: name to value.
        headers: of the answer.
        now: the service's time.
    """
    found = dict(cookies)
    for cookie in received(headers, now):
        found.pop(cookie.name, None)
        if cookie.value.strip('"') and (cookie.expires_at is None or cookie.expires_at > now):
            found[cookie.name] = cookie.value
    while len(found) > _MOST:
        found.pop(next(iter(found)))
    return found


def received(headers: Headers, now: datetime) -> Sequence[Cookie]:
    """Return the cookies that an answer sets (empty: takes away), without those that are malformed."""
    return [cookie for field in headers.all("set-cookie") if (cookie := _parsed(field, now)) is not None]


def header(cookies: Mapping[str, str]) -> str:
    """Return the field `Cookie`."""
    return "; ".join(f"{name}={value}" for name, value in cookies.items())


def _parsed(field: str, now: datetime) -> Cookie | None:
    pair, *attributes = field.split(";")
    name, equals, value = (part.strip() for part in pair.partition("="))
    if not equals or not _NAME.fullmatch(name) or (value.strip('"') and not _VALUE.fullmatch(value)):
        return None
    return Cookie(name, value, _end(attributes, now))


def _end(attributes: Sequence[str], now: datetime) -> datetime | None:
    """Return when a cookie ends: `Max-Age` goes before `Expires` (RFC 6265, 5.3)."""
    said = {}
    for attribute in attributes:
        name, _, value = attribute.partition("=")
        said[name.strip().lower()] = value.strip()
    age = said.get("max-age", "")
    if re.fullmatch(r"-?[0-9]{1,12}", age):
        return now + min(timedelta(seconds=min(int(age), 10**9)), _YEARS) if int(age) > 0 else now
    try:
        end = parsedate_to_datetime(said.get("expires", ""))
        return end.replace(tzinfo=UTC) if end.tzinfo is None else end.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
