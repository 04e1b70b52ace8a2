"""The bytes of a document, as they come over one connection."""

import threading
import time

from downspout._http import fields
from downspout._http.pool import Exchange, mapped
from downspout._http.reply import Answer
from downspout._http.wire import BadAnswer
from downspout._models import Stream
from downspout._names import name_from_disposition
from downspout.errors import Unavailable

_MOMENT = 0.05
"""Seconds after which bytes that have come are handed on, though the buffer would hold more."""


class HttpStream(Stream):
    """A 200, 206 or 416, read as the stream of bytes that it says it is.

    Args:
        exchange: the answer; the stream closes it.
        shown: what messages name.
        timeout: seconds without a byte.
    """

    def __init__(self, exchange: Exchange, *, shown: str, timeout: float | None) -> None:
        self._exchange: Exchange | None = exchange
        self._shown, self._timeout = shown, timeout
        self._trouble: Exception | None = None
        self._reading = threading.RLock()
        self._hung_up = False
        answer, headers = exchange.answer, exchange.answer.headers
        self.etag = fields.strong_validator(headers)
        self.media_type = fields.media_type(headers.get("content-type"))
        self.modified_at = fields.http_date(headers.get("last-modified"))
        disposition = headers.get("content-disposition")
        self.name = None if disposition is None else name_from_disposition(disposition)
        if answer.status == 206:
            self._place_range(answer)
        elif answer.status == 416:
            self._place_nothing(fields.unsatisfied_size(headers.get("content-range")))
        else:
            self.size = self.stop = answer.length
            self.ranges = "bytes" in headers.get("accept-ranges", "").lower()

    def _place_range(self, answer: Answer) -> None:
        headers, length = answer.headers, answer.length
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
        with self._reading:
            exchange = self._exchange
            if exchange is None:
                return 0
            if self._trouble is not None:
                raise self._fail(self._trouble)
            filled = self._receive(exchange, memoryview(buffer))
            if self._hung_up and not filled:
                raise self._fail(ConnectionAbortedError())  # an end that we made is not the document's
            return filled

    def _receive(self, exchange: Exchange, view: memoryview) -> int:
        answer, filled, moment = exchange.answer, 0, time.monotonic() + _MOMENT
        answer.wire.deadline = None if self._timeout is None else moment + self._timeout
        try:
            while filled < len(view):
                count = answer.fill(view[filled:], moment)
                filled += count
                if not count:
                    break
                if time.monotonic() > moment:
                    return filled
                answer.wire.deadline = moment
        except (OSError, ValueError, BadAnswer) as exc:
            if filled and isinstance(exc, TimeoutError):
                return filled
            self._trouble = exc
            if not filled:
                raise self._fail(exc) from exc
            return filled  # first hand on what came before it
        if filled < len(view) and not self._hung_up:
            self._exchange = None
            exchange.finish()
        return filled

    def _fail(self, exc: Exception) -> Unavailable:
        self.close()
        error = mapped(exc, self._shown, self._timeout)
        if isinstance(error, Unavailable):
            return error
        return Unavailable(f"{self._shown}: the bytes stopped before their end.")

    def hang_up(self) -> None:
        """Make a reader in another thread return at once, with an error."""
        exchange = self._exchange
        if exchange is not None and not exchange.answer.is_over:
            self._hung_up = True
            exchange.hang_up()

    def close(self) -> None:
        """See `Stream`. While another thread reads, it only wakes; who reads closes the connection after that."""
        self.hang_up()
        if self._reading.acquire(blocking=False):
            try:
                exchange, self._exchange = self._exchange, None
                if exchange is not None:
                    exchange.finish()
            finally:
                self._reading.release()
