"""A whole answer to an API call, read within bounds and typed before use."""

import time
from typing import Any

from downspout._http import fields
from downspout._http.pool import Exchange
from downspout._models import Headers
from downspout.errors import (
    AuthenticationError,
    DownspoutError,
    NotFound,
    PermissionDenied,
    ProtocolError,
    RateLimited,
    Unavailable,
)

MAX_BODY = 16 * 1024 * 1024
MAX_DEPTH = 64
_BLOCK = 64 * 1024
_NOT_FOUND = (404, 410)
_WAIT_OR_TRY = (408, 425, 429)
_NEVER = (501, 505)


class WholeAnswer:
    """Implements `downspout.Response`."""

    __slots__ = ("_body", "_clock", "_shown", "headers", "status")

    def __init__(self, status: int, headers: Headers, body: bytes, *, shown: str, clock: "Clock") -> None:
        self.status, self.headers = status, headers
        self._body, self._shown, self._clock = body, shown, clock

    @property
    def ok(self) -> bool:
        """See `Response`."""
        return 200 <= self.status < 300

    def text(self) -> str:
        """See `Response`."""
        return self._body.decode("utf-8", "replace")

    def json(self, shape: Any = None) -> Any:
        """See `Response`."""
        import msgspec

        try:
            value = msgspec.json.decode(self._body.removeprefix(b"\xef\xbb\xbf"))
            _check_depth(value)
            return value if shape is None else msgspec.convert(value, shape, strict=False)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
            reason = str(exc) if isinstance(exc, msgspec.ValidationError) else "it is no JSON"
            raise ProtocolError(
                f"{self._shown}: the service answered {self.status} with a body that makes no sense ({reason}).",
                hint="Report it to the plugin's authors if it stays that way.",
            ) from exc

    def error(self, subject: str) -> DownspoutError:
        """See `Response`."""
        return error_for(self.status, self.headers, subject, self._clock)


def error_for(status: int, headers: Headers, subject: str, clock: "Clock") -> DownspoutError:
    """Return the error that a status stands for, with `subject` in its message."""
    if status == 401:
        return AuthenticationError(f"{subject}: the service does not accept who is asking (401).")
    if status == 403:
        return PermissionDenied(f"{subject}: the service refuses it (403).")
    if status in _NOT_FOUND:
        return NotFound(f"{subject}: there is no such document ({status}).")
    if status in _WAIT_OR_TRY or (status >= 500 and status not in _NEVER):
        after = fields.retry_after(headers.get("retry-after"), clock.now())
        kind = RateLimited if status == 429 else Unavailable
        return kind(f"{subject}: the service cannot answer right now ({status}).", retry_after=after)
    return ProtocolError(f"{subject}: the service answered {status}, which is not expected.")


def _check_depth(value: object) -> None:
    """Refuse what is nested deeper than `MAX_DEPTH`, level by level rather than by recursion."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [child for parent in level for child in _children(parent)]
        if not level:
            return
    raise RecursionError


def _children(value: object) -> Any:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def read_whole(exchange: Exchange, shown: str, seconds: float | None, limit: int) -> bytes:
    """Return the body of an answer, and let its connection go.

    Raises:
        ProtocolError: it has more than `limit` bytes.
        BadAnswer: it is not HTTP.
        OSError: as the connection gives it.
    """
    answer = exchange.answer
    answer.wire.deadline = None if seconds is None else time.monotonic() + seconds
    body = bytearray()
    block = memoryview(bytearray(_BLOCK))
    try:
        while count := answer.fill(block, 0.0):
            body += block[:count]
            if len(body) > limit:
                raise ProtocolError(f"{shown}: the service answered with more than {limit} bytes.")
    finally:
        exchange.finish()
    return bytes(body)


class Clock:
    """The service's time: the local clock, mended by the last `Date` field where they differ clearly."""

    __slots__ = ("_offset",)

    _TOLERANCE = 2.0
    _BELIEVABLE = 100 * 366 * 86400.0
    """Seconds; a machine whose clock starts in 1970 is believed, a service in the year 9999 is not."""

    def __init__(self) -> None:
        self._offset = 0.0

    def learn(self, headers: Headers) -> None:
        """Take the time of an answer that came just now."""
        date = fields.http_date(headers.get("date"))
        if date is not None:
            offset = date.timestamp() - time.time()
            self._offset = offset if self._TOLERANCE < abs(offset) < self._BELIEVABLE else 0.0

    def now(self) -> Any:
        """Return the service's time as an aware `datetime` (UTC)."""
        from datetime import UTC, datetime

        return datetime.fromtimestamp(time.time() + self._offset, UTC)
