"""What is still to be fetched, shared among the connections of one document."""

import threading
from collections.abc import Iterable

from downspout._transfer.ranges import Range, merged

LEAST_SHARE = 1024 * 1024
"""A connection's rest is not split below this: asking costs more than it brings."""


class Segment:
    """A run of bytes that one connection fetches; its end comes nearer when another one takes from it.

    Attributes:
        position: of the next byte.
        stop: position behind the last byte, or `None` while nobody knows the size.
    """

    __slots__ = ("begun", "position", "stop")

    def __init__(self, start: int, stop: int | None) -> None:
        self.begun = self.position = start
        self.stop = stop

    @property
    def left(self) -> int:
        """Bytes to go; 0 if nobody knows."""
        return 0 if self.stop is None else self.stop - self.position


class Work:
    """The ranges that are done, those that nobody has taken, and those that are being fetched.

    Args:
        done: ranges that are on disk.
        gaps: ranges that are not; the last may end with `None`.
    """

    def __init__(self, done: Iterable[Range], gaps: Iterable[tuple[int, int | None]]) -> None:
        self._lock = threading.Lock()
        self._done = merged(done)
        self._waiting = [Segment(start, stop) for start, stop in gaps]
        self._active: list[Segment] = []
        self._fetched = sum(stop - start for start, stop in self._done)

    @property
    def fetched(self) -> int:
        """How many bytes are on disk."""
        return self._fetched

    def take(self) -> Segment | None:
        """Return something to fetch: what nobody has, or else the second half of the longest rest."""
        with self._lock:
            if self._waiting:
                segment = self._waiting.pop(0)
            else:
                longest = max(self._active, key=lambda active: active.left, default=None)
                if longest is None or longest.stop is None or longest.left < 2 * LEAST_SHARE:
                    return None
                middle = longest.position + longest.left // 2
                segment = Segment(middle, longest.stop)
                longest.stop = middle
            self._active.append(segment)
            return segment

    def advance(self, segment: Segment, count: int) -> bool:
        """Note that `count` bytes of `segment` are on disk; return whether it is complete."""
        with self._lock:
            segment.position += count
            self._fetched += count
            return segment.stop is not None and segment.position >= segment.stop

    def room(self, segment: Segment, count: int) -> int:
        """Return how many of `count` bytes that came for `segment` are still its own."""
        stop = segment.stop
        return count if stop is None else min(count, max(0, stop - segment.position))

    def put_back(self, segment: Segment, *, ended: bool) -> None:
        """Let go of a segment; what of it is missing is taken by somebody else, unless it `ended`."""
        with self._lock:
            self._active.remove(segment)
            self._done = merged([*self._done, (segment.begun, segment.position)])
            if not ended and (segment.stop is None or segment.position < segment.stop):
                self._waiting.insert(0, Segment(segment.position, segment.stop))

    def done(self) -> tuple[Range, ...]:
        """Return the merged ranges that are on disk now."""
        with self._lock:
            return tuple(merged([*self._done, *((s.begun, s.position) for s in self._active)]))

    def largest_rest(self) -> int:
        """Return the longest run that another connection could take a half of."""
        with self._lock:
            return max((segment.left for segment in (*self._active, *self._waiting)), default=0)
