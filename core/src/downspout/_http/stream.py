"""The bytes of a document, as they come over one connection."""

import http.client
import time

from downspout._http import fields
from downspout._http.pool import Exchange, mapped
from downspout._models import Headers, Stream
from downspout._names import name_from_disposition
from downspout.errors import Unavailable

_MOMENT = 0.2
"""Seconds after which bytes that have come are handed on, though the buffer would hold more."""


class HttpStream(Stream):
    """A 200, 206 or 416, read as the stream of bytes that it says it is.

    Args:
        exchange: the answer; the stream closes it.
        headers: its header fields.
        asked: whether a range was asked for; then an answer that contradicts itself has `start=None`
            (it does not say where it starts) rather than being an error.
        shown: what messages name.
        timeout: seconds without a byte.
    """

    def __init__(self, exchange: Exchange, headers: Headers, *, shown: str, timeout: float | None) -> None:
        self._exchange: Exchange | None = exchange
        self._shown, self._timeout = shown, timeout
        self._trouble: Exception | None = None
        answer = exchange.answer
        self.etag = fields.strong_validator(headers)
        self.media_type = fields.media_type(headers.get("content-type"))
        self.modified_at = fields.http_date(headers.get("last-modified"))
        disposition = headers.get("content-disposition")
        self.name = None if disposition is None else name_from_disposition(disposition)
        length = answer.length if not answer.chunked else None
        if answer.status == 206:
            self._place_range(headers, length)
        elif answer.status == 416:
            self._place_nothing(fields.unsatisfied_size(headers.get("content-range")))
        else:
            self.size = self.stop = length
            self.ranges = "bytes" in headers.get("accept-ranges", "").lower()

    def _place_range(self, headers: Headers, length: int | None) -> None:
        placed = fields.content_range(headers.get("content-range"))
        coded = headers.get("content-encoding", "identity").lower() not in {"", "identity"}
        if placed is None or coded or (length is not None and length != placed.stop - placed.start):
            self.start = None
            return
        if placed.start == placed.stop:  # Azure's way to say 416
            self._place_nothing(placed.size)
            return
        self.start, self.stop, self.size, self.ranges = placed.start, placed.stop, placed.size, True

    def _place_nothing(self, size: int | None) -> None:
        self.unsatisfied, self.size = True, size
        self.start = self.stop = size
        self.close()

    def readinto(self, buffer: memoryview | bytearray) -> int:
        """See `Stream`: several receives fill the buffer, as long as they come quickly."""
        exchange = self._exchange
        if exchange is None:
            return 0
        if self._trouble is not None:
            raise self._fail(self._trouble)
        view, filled = memoryview(buffer), 0
        begun = time.monotonic()
        if self._timeout is not None:
            exchange.answer.wire.deadline = begun + self._timeout + _MOMENT
        try:
            while filled < len(view):
                count = exchange.answer.fill(view[filled:], begun + _MOMENT)
                filled += count
                if not count:
                    break
                if time.monotonic() - begun > _MOMENT:
                    return filled
        except (OSError, ValueError, http.client.HTTPException, AttributeError) as exc:
            if not filled:
                raise self._fail(exc) from exc
            self._trouble = exc  # first hand on what came before it
            return filled
        if filled < len(view):
            self._end()
        return filled

    def _fail(self, exc: Exception) -> Unavailable:
        self.close()
        error = mapped(exc, self._shown, self._timeout)
        if isinstance(error, Unavailable):
            return error
        return Unavailable(f"{self._shown}: the bytes stopped before their end.")

    def _end(self) -> None:
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            exchange.finish()

    def hang_up(self) -> None:
        """Make a reader in another thread return at once, with an error."""
        exchange = self._exchange
        if exchange is not None:
            exchange.hang_up()

    def close(self) -> None:
        """See `Stream`."""
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            exchange.hang_up() if not exchange.answer.isclosed() else None
            exchange.finish()
