"""Speeds: an upper bound shared by many connections, a lower bound for each."""

import threading
import time
from collections import deque
from collections.abc import Callable

from downspout.errors import Unavailable

_WINDOW = 30.0
_BURST_SECONDS = 0.25
_BLOCK_SECONDS = 0.04


class Limiter:
    """Holds the bytes of all its users together below a rate.

    Args:
        rate: bytes per second.
    """

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self._next = time.monotonic()
        self._lock = threading.Lock()

    @property
    def block(self) -> int:
        """The largest read that keeps the flow even."""
        return max(1024, min(256 * 1024, int(self.rate * _BLOCK_SECONDS)))

    def spend(self, count: int, wait: Callable[[float], None]) -> None:
        """Account for `count` bytes that have come, and wait until they were due."""
        with self._lock:
            now = time.monotonic()
            self._next = max(self._next, now - _BURST_SECONDS) + count / self.rate
            due = self._next - now
        if due > 0:
            wait(due)


class SpeedWatch:
    """Tells a stream that is slower than it may be from one that is merely slow.

    Args:
        least: bytes per second, over 30 s; 0 watches nothing.
        shown: what messages name.
    """

    def __init__(self, least: float, shown: str) -> None:
        self._least, self._shown = least, shown
        self._seen: deque[tuple[float, int]] = deque([(time.monotonic(), 0)])
        self._count = 0

    def came(self, count: int) -> None:
        """Say that `count` bytes came.

        Raises:
            Unavailable: too few in the last 30 s.
        """
        if not self._least:
            return
        now = time.monotonic()
        self._count += count
        if now - self._seen[-1][0] >= 1.0:
            self._seen.append((now, self._count))
        while len(self._seen) > 1 and now - self._seen[1][0] >= _WINDOW:
            self._seen.popleft()
        since, before = self._seen[0]
        if now - since >= _WINDOW and self._count - before < self._least * (now - since):
            raise Unavailable(
                f"{self._shown}: fewer than {self._least:g} bytes per second came for {_WINDOW:.0f} s.",
                hint="Try again, or lower --min-speed.",
            )
