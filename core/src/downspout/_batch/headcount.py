"""How many threads are of use: many can wait at the same time, but Python runs one at a time."""

import time

_PERIOD = 0.05
_QUICK = 400.0
"""Documents per second: only where they are so small can threads be in each other's way."""
_TOLERANCE = 0.7
_FIRST_BAN = 5.0


class Headcount:
    """Says whether one more worker may start. Its owner holds a lock.

    Where documents are many and small, and come at once, every system call of a worker hands the interpreter to
    another one that waits for it, and handing over costs more than the call. So one worker alone is tried then,
    and kept to as long as it is as quick as all of them were.

    Args:
        jobs: how many there are.

    Attributes:
        working: how many are at work.
    """

    def __init__(self, jobs: int) -> None:
        self._jobs = self._most = jobs
        self.working = jobs
        self._finished, self._since = 0, time.monotonic()
        self._least = 0.0
        self._is_settled = False
        self._ban, self._banned_until = _FIRST_BAN, 0.0

    @property
    def has_room(self) -> bool:
        """Whether one more may start."""
        if self._most < self._jobs and time.monotonic() - self._since > 4 * _PERIOD:
            self._let_all(time.monotonic())  # the one is at something slow
        return self.working < self._most

    def finished(self) -> None:
        """Count a document that is there; now and then, compare how quickly they come."""
        self._finished += 1
        now = time.monotonic()
        passed = now - self._since
        if passed < _PERIOD:
            return
        rate = self._finished / passed
        self._finished, self._since = 0, now
        if self._most < self._jobs:
            if rate < self._least:
                self._let_all(now)
            elif not self._is_settled:
                self._least, self._is_settled = _TOLERANCE * self._least, True
        elif rate >= _QUICK and now >= self._banned_until:
            self._most, self._least, self._is_settled = 1, rate, False

    def _let_all(self, now: float) -> None:
        self._most = self._jobs
        self._finished, self._since = 0, now
        self._banned_until, self._ban = now + self._ban, 2 * self._ban
