"""Further connections: when they help, and how they come to an end."""

import contextvars
import threading
import time
from collections.abc import Callable

from downspout._models import Stream
from downspout._transfer.options import MOST_CONNECTIONS, Options
from downspout._transfer.source import Opened
from downspout._transfer.work import LEAST_SHARE, Work
from downspout.errors import Cancelled

_LOOK_SECONDS = 0.25
_SETTLE_SECONDS = 3.0
"""So long at most is waited for new connections before it is measured what they bring."""
_SLOW_START = 2.0
"""It is measured for so many times as long as they took to come about: a far server's take longer to get going."""
_WORTH_SECONDS = 1.0
_GAIN = 1.15


class Helpers:
    """The connections of a document besides the first, and what all of them must know of each other.

    Args:
        work: what they share.
        options: how many are wanted.
        hire: returns what one more of them does.

    Attributes:
        fatal: what ended the work of all, or `None`.
    """

    def __init__(self, work: Work, options: Options, hire: Callable[[], Callable[[], None]]) -> None:
        self._work, self._hire = work, hire
        self._wanted = 1 if options.limiter is not None and options.connections is None else options.connections
        self._forbidden = self._wanted == 1
        self._started = 0
        self._started_at: float | None = None
        self._looked_at: float | None = None
        self._looked_fetched = 0
        self._look_seconds = _LOOK_SECONDS
        self._rate = 0.0
        self._streams: set[Stream] = set()
        self._changed = threading.Condition()
        self.fatal: BaseException | None = None

    # When they help.

    def forbid(self) -> None:
        """Stay with one connection: the answers of several did not agree."""
        self._forbidden = True

    def consider(self, opened: Opened) -> None:
        """Start helpers if that is wanted, safe, and worth it. Called after every block of the first connection.

        Safe is: the size is known, ranges are honoured, and a strong entity tag tells the pieces of one version
        from those of another. A link that works once is left to one connection.
        """
        size = opened.stream.size
        if self._forbidden or (size is not None and size < 2 * LEAST_SHARE):
            return
        etag = opened.stream.etag
        if opened.link.single_use or not opened.stream.ranges or etag is None or not etag.startswith('"'):
            self._forbidden = True
            return
        rest = self._work.largest_rest()
        if rest < 2 * LEAST_SHARE:
            return
        if self._wanted is not None:
            self._forbidden = True
            self._start(self._wanted - 1)
        else:
            self._look(self._work.fetched, rest)

    def _look(self, fetched: int, rest: int) -> None:
        """Double the connections as long as each doubling makes it faster."""
        now, running = time.monotonic(), 1 + self._started
        if self._looked_at is None:
            if self._are_settled(now, running):
                self._looked_at, self._looked_fetched = now, fetched
            return
        passed = now - self._looked_at
        if passed < self._look_seconds:
            return
        rate = (fetched - self._looked_fetched) / passed
        self._looked_at, self._looked_fetched = now, fetched
        if running >= MOST_CONNECTIONS or rate < _GAIN * self._rate:
            self._forbidden = True
        elif rest >= rate * _WORTH_SECONDS:
            self._rate, self._looked_at = rate, None
            self._start(running)

    def _are_settled(self, now: float, running: int) -> bool:
        """Return whether those that were started last are all at work, or have had their time to get there."""
        if self._started_at is None:
            return True
        taken = now - self._started_at
        if len(self._streams) < running and taken < _SETTLE_SECONDS:
            return False
        self._look_seconds = max(_LOOK_SECONDS, _SLOW_START * taken)
        return True

    def _start(self, count: int) -> None:
        self._started += count
        self._started_at = time.monotonic()
        for _ in range(count):
            context, run = contextvars.copy_context(), self._hire()
            threading.Thread(target=context.run, args=(run,), name="downspout-helper", daemon=True).start()

    # How they end.

    def enter(self, stream: Stream) -> None:
        """Let this thread read `stream` and write what comes, until it leaves it; not any more once all has ended.

        Raises:
            BaseException: what ended it.
        """
        with self._changed:
            self.check()
            self._streams.add(stream)

    def leave(self, stream: Stream) -> None:
        """Say that this thread neither reads `stream` nor writes what came of it any more."""
        with self._changed:
            self._streams.discard(stream)
            self._changed.notify_all()

    def check(self) -> None:
        """Raise what ended the work of all, if anything did."""
        if self.fatal is not None:
            raise self.fatal

    def fail(self, trouble: BaseException) -> bool:
        """End the work of all; return whether `trouble` is the first to do so."""
        with self._changed:
            first = self.fatal is None
            if first:
                self.fatal = trouble
            streams = list(self._streams)
        for stream in streams:
            stream.close()
        return first

    def stop(self) -> None:
        """End it, and wait until nobody reads or writes any more.

        A helper that still waits for an answer is not waited for: it gets no further than `enter`.
        """
        if not self._started:
            return
        self.fail(Cancelled("The download has ended."))
        with self._changed:
            while self._streams:
                self._changed.wait()
