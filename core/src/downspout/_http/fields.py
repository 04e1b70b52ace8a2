"""Header fields, read strictly: what is malformed is absent (RFC 9110)."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from attrs import frozen

_CONTENT_RANGE = re.compile(r"bytes +(\d{1,19})-(\d{1,19})/(\d{1,19}|\*)", re.ASCII)
_UNSATISFIED = re.compile(r"bytes +\*/(\d{1,19})", re.ASCII)
_DATE = re.compile(r"[A-Z][a-z]{2}, (\d\d) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d):(\d\d) GMT", re.ASCII)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_ETAG = re.compile(r'"[\x21\x23-\x7e\x80-\xff]*"')
_OLD_ENOUGH = 60.0
"""Seconds after which a modification date is a strong validator (RFC 9110, 8.8.2.2)."""


@frozen
class ContentRange:
    """`Content-Range: bytes first-last/size`, as half-open positions.

    Attributes:
        start: position of the first byte.
        stop: position behind the last one; equal to `start` where a server writes an inverted, empty range.
        size: bytes of the whole document, or `None` (`*`).
    """

    start: int
    stop: int
    size: int | None


def content_range(value: str | None) -> ContentRange | None:
    """Return what a 206's `Content-Range` says, or `None` if it says nothing that makes sense (14.4)."""
    match = _CONTENT_RANGE.fullmatch((value or "").strip())
    if match is None:
        return None
    first, last = int(match[1]), int(match[2])
    size = None if match[3] == "*" else int(match[3])
    if last + 1 < first or (size is not None and last >= size and last + 1 != first):
        return None
    return ContentRange(first, last + 1, size)


def unsatisfied_size(value: str | None) -> int | None:
    """Return the size that a 416 tells (`bytes */size`), or `None`."""
    match = _UNSATISFIED.fullmatch((value or "").strip())
    return int(match[1]) if match else None


def range_field(start: int, stop: int | None) -> str | None:
    """Return the `Range` field that asks for `start` to `stop` (half-open), or `None` for all of it (14.2)."""
    if start < 0:
        return f"bytes={start}"
    if stop is not None:
        return f"bytes={start}-{stop - 1}"
    return f"bytes={start}-" if start else None


def http_date(value: str | None) -> datetime | None:
    """Return the date of a field (5.6.7) as an aware time, or `None`."""
    if not value:
        return None
    try:
        usual = _DATE.fullmatch(value)
        if usual is not None:
            day, month, *rest = usual.groups()
            year, hour, minute, second = map(int, rest)
            return datetime(year, _MONTHS.index(month) + 1, int(day), hour, minute, second, tzinfo=UTC)
        return _odd_date(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _odd_date(value: str) -> datetime:
    """Return what a date says that is not written as it has to be, but as mails, or the first servers, have it."""
    from email.utils import parsedate_to_datetime

    when = parsedate_to_datetime(value)
    return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)


def retry_after(value: str | None, now: datetime) -> float | None:
    """Return the seconds that `Retry-After` asks for (10.2.3), or `None` where it makes no sense.

    Args:
        value: the field: whole seconds, or a date.
        now: the service's time.
    """
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return float(min(int(text[:10]), 10**9)) if len(text) <= 10 else 1e9
    when = http_date(text)
    return None if when is None else max(0.0, (when - now).total_seconds())


def strong_validator(headers: Mapping[str, str]) -> str | None:
    """Return what may stand in `If-Range` (13.1.5): a strong entity tag, or else a date that is old enough."""
    etag = headers.get("etag")
    if etag is not None:
        return etag if _ETAG.fullmatch(etag) else None
    text = headers.get("last-modified")
    modified, date = http_date(text), http_date(headers.get("date"))
    if text is None or modified is None or date is None or (date - modified).total_seconds() < _OLD_ENOUGH:
        return None
    return text if text.isascii() and text.isprintable() else None


def media_type(value: str | None) -> str | None:
    """Return `type/subtype` of a `Content-Type`, lower case, or `None`."""
    essence = (value or "").partition(";")[0].strip().lower()
    return essence if "/" in essence else None
