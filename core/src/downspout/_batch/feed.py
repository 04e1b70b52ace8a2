"""Reads what is wanted, a little ahead of the work, and knows what was asked for twice."""

import threading
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple, Protocol

from downspout._batch.arrivals import Arrivals
from downspout._batch.wanted import Wanted
from downspout._models import Result, Status
from downspout.errors import DownspoutError

_CHUNK = 100
_LOOK_SECONDS = 0.1
_LEAVE_SECONDS = 0.5
_AHEAD = 1000
"""So many documents at most are in hand, from being read to being delivered."""


class Settled(NamedTuple):
    """What came of a document, kept small: there may be a hundred thousand.

    Attributes:
        status: as in `Result`.
        error: why it is not there, or `None`.
        path: where it is, or nothing.
        size: bytes, or `None`.
    """

    status: Status
    error: DownspoutError | None
    path: str
    size: int | None


class Taker(Protocol):
    """Who takes over what was read."""

    @property
    def cancelled(self) -> bool:
        """Whether to stop reading."""

    def offer(self, items: list[Wanted]) -> None:
        """Take over some more."""

    def repeat(self, item: Wanted, settled: "Settled") -> None:
        """Answer for what was brought down, or was not, already."""

    def exhausted(self) -> None:
        """Hear that nothing more comes."""


class Feed:
    """The reading end of a batch. `run` belongs to a thread of its own.

    Args:
        wanted: what is asked for.
        read: completes each with its reference or its error.
        taker: takes it over.
    """

    def __init__(self, wanted: Iterable[Wanted], read: Callable[[Wanted], Wanted], taker: Taker) -> None:
        self._arrivals = Arrivals(wanted, _CHUNK)
        self._read, self._taker = read, taker
        self._room = threading.Condition()
        self._outstanding = 0
        self._seen: dict[bytes, Settled | list[Wanted]] = {}
        self._stopped = False
        self.ended = False

    def run(self) -> None:
        """Read to the end, or until it is stopped."""
        leave = None
        self._arrivals.start()
        try:
            while not self._stopped:
                if self._taker.cancelled:
                    leave = leave or time.monotonic() + _LEAVE_SECONDS
                    if time.monotonic() > leave:
                        break
                came = self._arrivals.take(_LOOK_SECONDS)
                if came is None:
                    break
                items = [self._read(item) for item in came]
                self._wait_for_room(len(items))
                self._taker.offer([item for item in items if not self.is_repeated(item)])
        finally:
            self._arrivals.stop()
            self.ended = True
            self._taker.exhausted()

    def _wait_for_room(self, count: int) -> None:
        with self._room:
            while self._outstanding + count > _AHEAD and not self._stopped and not self._taker.cancelled:
                self._room.wait(0.1)
            self._outstanding += count

    def is_repeated(self, item: Wanted) -> bool:
        """Hold back what is equal to something earlier: it is brought down once."""
        if item.reference is None or item.error is not None:
            return False
        token = item.token
        with self._room:
            before = self._seen.get(token)
            if before is None:
                self._seen[token] = []
                return False
            if isinstance(before, list):
                before.append(item)
                return True
        self._taker.repeat(item, before)
        return True

    def settled(self, item: Wanted, result: Result) -> None:
        """Remember what came of `item`, and answer for those that are equal to it."""
        if item.reference is None:
            return
        token = item.token
        with self._room:
            waiting = self._seen.get(token)
            if not isinstance(waiting, list):
                return
            settled = self._seen[token] = Settled(result.status, result.error, str(result.path or ""), result.size)
        for other in waiting:
            self._taker.repeat(other, settled)

    def unfolded(self, count: int) -> None:
        """A folder became `count` documents more."""
        with self._room:
            self._outstanding += count

    def delivered(self) -> None:
        """One result has left: there is room for one more document."""
        with self._room:
            self._outstanding -= 1
            if self._outstanding + _CHUNK <= _AHEAD:
                self._room.notify()

    def stop(self) -> None:
        """Read no more."""
        with self._room:
            self._stopped = True
            self._room.notify_all()
