"""When more connections help: as many as were asked for, or as long as each doubling makes it faster."""

import threading
import time
from typing import TYPE_CHECKING

from downspout._models import Link, Stream
from downspout._transfer.options import MOST_CONNECTIONS, Options
from downspout._transfer.work import LEAST_SHARE

if TYPE_CHECKING:
    from downspout._transfer.fetch import Fetch

_LOOK_SECONDS = 0.25
_WORTH_SECONDS = 1.0
_GAIN = 1.15


class Helpers:
    """The further connections of a fetch.

    Args:
        fetch: whose.
        options: how many are wanted.
    """

    def __init__(self, fetch: "Fetch", options: Options) -> None:
        self._fetch = fetch
        self._wanted = 1 if options.limiter is not None and options.connections is None else options.connections
        self._threads: list[threading.Thread] = []
        self._forbidden = self._wanted == 1
        self._looked_at: float | None = None
        self._looked_fetched = 0
        self._rate = 0.0

    def forbid(self) -> None:
        """Stay with one connection from now on: the answers of several did not agree."""
        self._forbidden = True

    def join(self) -> None:
        """Wait until all have ended."""
        for thread in self._threads:
            thread.join()
        self._threads = [thread for thread in self._threads if thread.is_alive()]

    def consider(self, stream: Stream, link: Link) -> None:
        """Start helpers if that is wanted, safe, and worth it. Called after every block of the first connection.

        Safe is: the size is known, ranges are honoured, and a strong entity tag tells the pieces of one version
        from those of another. A link that works once is left to one connection.
        """
        if self._forbidden or threading.current_thread() in self._threads:
            return
        etag = stream.etag
        if link.single_use or not stream.ranges or etag is None or not etag.startswith('"'):
            self._forbidden = True
            return
        fetched, rest = self._fetch.rest()
        if rest < 2 * LEAST_SHARE:
            return
        if self._wanted is not None:
            self._forbidden = True
            self._start(self._wanted - 1)
        else:
            self._look(fetched, rest)

    def _look(self, fetched: int, rest: int) -> None:
        now = time.monotonic()
        if self._looked_at is None:
            self._looked_at, self._looked_fetched = now, fetched
            return
        passed = now - self._looked_at
        if passed < _LOOK_SECONDS:
            return
        rate = (fetched - self._looked_fetched) / passed
        self._looked_at, self._looked_fetched = now, fetched
        running = 1 + len(self._threads)
        if running >= MOST_CONNECTIONS or rate < _GAIN * self._rate or rest < rate * _WORTH_SECONDS:
            self._forbidden = rate < _GAIN * self._rate or running >= MOST_CONNECTIONS
            return
        self._rate = rate
        self._start(running)

    def _start(self, count: int) -> None:
        self._threads += [self._fetch.start_helper() for _ in range(count)]
