"""What is still to be fetched, shared among the connections of one document."""

import threading
import time
from collections.abc import Callable, Iterable

from downspout._transfer.ranges import Range, merged

LEAST_SHARE = 1024 * 1024
"""A connection's rest is not split below this: asking costs more than it brings."""
_WORTH_SECONDS = 1.0
"""Nor is a rest that its connection, slow as it may be, brings down in about this time."""
_STUCK_SECONDS = 2.0
"""A connection that brings nothing for so long loses all its rest to one that is idle."""
_SLICE = 0.1


class Segment:
    """A run of bytes that one connection fetches; its end comes nearer when another one takes from it.

    Attributes:
        position: of the next byte.
        stop: position behind the last byte, or `None` while nobody knows the size.
    """

    __slots__ = ("_moved_at", "_since", "begun", "position", "stop")

    def __init__(self, start: int, stop: int | None) -> None:
        self.begun = self.position = start
        self.stop = stop
        self._since = self._moved_at = time.monotonic()

    @property
    def left(self) -> int:
        """Bytes to go; 0 if nobody knows."""
        return 0 if self.stop is None else max(0, self.stop - self.position)

    @property
    def is_complete(self) -> bool:
        """Whether nothing is to be fetched any more."""
        return self.stop is not None and self.position >= self.stop

    def move(self, count: int) -> int:
        """Go on by `count` bytes; return how many of them were still this segment's own."""
        own = count if self.stop is None else min(count, self.left)
        self.position += own
        self._moved_at = time.monotonic()
        return own

    def to_spare(self) -> int:
        """Return how many of its last bytes an idle connection had better fetch; 0: none."""
        left, now = self.left, time.monotonic()
        if now - self._moved_at >= _STUCK_SECONDS:
            return left
        rate = (self.position - self.begun) / max(now - self._since, 1e-6)
        slow = now - self._since >= _STUCK_SECONDS
        least = min(LEAST_SHARE, int(rate * _WORTH_SECONDS)) if slow else LEAST_SHARE
        return left - left // 2 if left >= 2 * least else 0


class Work:
    """The ranges that are done, those that nobody has taken, and those that are being fetched.

    Args:
        done: ranges that are on disk.
        gaps: ranges that are not; the last may end with `None`.
    """

    def __init__(self, done: Iterable[Range], gaps: Iterable[tuple[int, int | None]]) -> None:
        self._changed = threading.Condition()
        self._done = merged(done)
        self._waiting = [Segment(start, stop) for start, stop in gaps]
        self._active: list[Segment] = []
        self._fetched = sum(stop - start for start, stop in self._done)

    @property
    def fetched(self) -> int:
        """How many bytes are on disk."""
        return self._fetched

    def next(self, check: Callable[[], None]) -> Segment | None:
        """Return something to fetch; wait for it while others are at work, who may leave some of it.

        Args:
            check: called now and then; raises what ends the waiting.

        Returns:
            `None` once nothing is left to do.
        """
        while True:
            check()
            with self._changed:
                segment = self._waiting.pop(0) if self._waiting else self._shared()
                if segment is not None:
                    self._active.append(segment)
                    return segment
                if not self._active:
                    return None
                self._changed.wait(_SLICE)

    def _shared(self) -> Segment | None:
        """Take from the connection that has most to spare; the same bytes from two hurt nobody."""
        donor = max(self._active, key=Segment.to_spare, default=None)
        spare = 0 if donor is None else donor.to_spare()
        if donor is None or donor.stop is None or not spare:
            return None
        segment = Segment(donor.stop - spare, donor.stop)
        donor.stop -= spare
        return segment

    def advance(self, segment: Segment, count: int) -> None:
        """Note that `count` more bytes of `segment` are on disk."""
        with self._changed:
            self._fetched += segment.move(count)

    def put_back(self, segment: Segment) -> None:
        """Let go of a segment; what of it is missing is for whoever asks next."""
        with self._changed:
            self._active.remove(segment)
            self._done = merged([*self._done, (segment.begun, segment.position)])
            if not segment.is_complete:
                self._waiting.insert(0, Segment(segment.position, segment.stop))
            self._changed.notify_all()

    def done(self) -> tuple[Range, ...]:
        """Return the merged ranges that are on disk now."""
        with self._changed:
            return tuple(merged([*self._done, *((s.begun, s.position) for s in self._active)]))

    def largest_rest(self) -> int:
        """Return the longest run that another connection could take a half of."""
        with self._changed:
            return max((segment.left for segment in (*self._active, *self._waiting)), default=0)
