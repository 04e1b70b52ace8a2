"""What is still to be fetched, shared among the connections of one document."""

import threading
import time
from collections.abc import Callable, Iterable
from operator import attrgetter

from downspout._transfer.ranges import Range, merged, total

LEAST_SHARE = 1024 * 1024
"""A connection's rest is not split below this: asking costs more than it brings."""
_WORTH_SECONDS = 1.0
"""Nor is a rest that its connection, slow as it may be, brings down in about this time."""
_RATE_SECONDS = 1.0
_STUCK_SECONDS = 2.0
"""What a connection that brings nothing for so long should bring is fetched by an idle one as well."""
_SLICE = 0.1


class Segment:
    """A run of bytes that one connection fetches; its end comes nearer when another one takes from it.

    Attributes:
        begun: position of its first byte.
        position: of the next byte.
        stop: position behind the last byte, or `None` while nobody knows the size.
        rivals: it, and segments of other connections that end where it does: the first to get there ends them.
        interrupt: called when a rival was quicker, to wake whoever waits for bytes.
    """

    __slots__ = ("_mark", "_moved_at", "_rate", "begun", "interrupt", "position", "rivals", "stop")

    def __init__(self, start: int, stop: int | None) -> None:
        self.begun = self.position = start
        self.stop = stop
        self.rivals = list[Segment]((self,))
        self.interrupt: Callable[[], None] | None = None
        self._moved_at = time.monotonic()
        self._mark = (self._moved_at, start)
        self._rate: float | None = None

    @property
    def left(self) -> int:
        """Bytes to go; 0 if nobody knows."""
        return 0 if self.stop is None else max(0, self.stop - self.position)

    @property
    def is_complete(self) -> bool:
        """Whether nothing is to be fetched any more."""
        return self.stop is not None and self.position >= self.stop

    @property
    def is_stuck(self) -> bool:
        """Whether nothing has come for a while."""
        return time.monotonic() - self._moved_at >= _STUCK_SECONDS

    def move(self, count: int) -> int:
        """Go on by `count` bytes; return how many of them were still this segment's own."""
        own = count if self.stop is None else min(count, self.left)
        self.position += own
        now = self._moved_at = time.monotonic()
        since, before = self._mark
        if now - since >= _RATE_SECONDS:
            self._rate, self._mark = (self.position - before) / (now - since), (now, self.position)
        return own

    def half(self) -> int:
        """Return how many of its last bytes an idle connection had better fetch; 0: none."""
        least = LEAST_SHARE
        if self._rate is not None and not self.is_stuck:
            least = min(least, int(self._rate * _WORTH_SECONDS))
        return self.left - self.left // 2 if len(self.rivals) == 1 and self.left >= 2 * least else 0

    def double(self) -> "Segment":
        """Return a rival that fetches what is left."""
        rival = Segment(self.position, self.stop)
        rival.rivals = self.rivals
        self.rivals.append(rival)
        return rival

    def end(self) -> None:
        """Give up what is left: a rival has it."""
        self.stop = self.position
        self.rivals = list[Segment]((self,))
        if self.interrupt is not None:
            self.interrupt()


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
        self._fetched = total(self._done)

    @property
    def fetched(self) -> int:
        """How many bytes are on disk; for a moment, those that two connections fetched count twice."""
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
                segment = self.take()
                if segment is not None or all(other.is_complete for other in self._active):
                    return segment
                self._changed.wait(_SLICE)

    def take(self) -> Segment | None:
        """Return something to fetch now, or `None`: what nobody has, or else what another one has too much of."""
        with self._changed:
            if self._waiting:
                segment: Segment | None = self._waiting.pop(0)
            else:
                segment = (self._halved() or self._doubled()) if self._active else None
            if segment is not None:
                self._active.append(segment)
            return segment

    def _halved(self) -> Segment | None:
        """Take from the connection that has most to spare."""
        donor = max(self._active, key=Segment.half, default=None)
        spare = donor.half() if donor is not None else 0
        if donor is None or donor.stop is None or not spare:
            return None
        donor.stop -= spare
        return Segment(donor.stop, donor.stop + spare)

    def _doubled(self) -> Segment | None:
        """Do once more what connections that are stuck should do."""
        for segment in self._active:
            if segment.left and all(rival.is_stuck for rival in segment.rivals):
                return max(segment.rivals, key=attrgetter("position")).double()
        return None

    def advance(self, segment: Segment, count: int) -> None:
        """Note that `count` more bytes of `segment` are on disk."""
        with self._changed:
            self._fetched += segment.move(count)

    def put_back(self, segment: Segment) -> None:
        """Let go of a segment; what of it is missing is for whoever asks next."""
        with self._changed:
            self._active.remove(segment)
            self._done = merged([*self._done, (segment.begun, segment.position)])
            segment.rivals.remove(segment)
            if segment.is_complete:
                for rival in tuple(segment.rivals):
                    rival.end()
            elif not segment.rivals:
                self._waiting.insert(0, Segment(segment.position, segment.stop))
            self._fetched = total(self.done())
            self._changed.notify_all()

    def done(self) -> tuple[Range, ...]:
        """Return the merged ranges that are on disk now."""
        with self._changed:
            if not self._active:
                return tuple(self._done)
            return tuple(merged([*self._done, *((s.begun, s.position) for s in self._active)]))

    def largest_rest(self) -> int:
        """Return the longest run that another connection could take a half of."""
        with self._changed:
            return max((segment.left for segment in (*self._active, *self._waiting)), default=0)
