"""How long to try: a budget that only progress refills, waits that grow, and words when it is over."""

import logging
import random
import threading
import time
from collections.abc import Callable

from downspout._transfer.options import Options
from downspout._transfer.source import never
from downspout.errors import Cancelled, DownspoutError, LinkRefused, RateLimited, Unavailable

_log = logging.getLogger(__name__)

PROGRESS = 1024 * 1024
"""So many new bytes (or the end of the document) count as progress."""
_FIRST_WAIT, _LONGEST_WAIT = 0.25, 20.0
LONGEST_RETRY_AFTER = 300.0
"""Seconds; a service that wants more has to be asked another time."""
_REFUSALS = 2
_SLICE = 0.1


class Patience:
    """Counts attempts in a row without progress. One for all connections of a document.

    Args:
        options: how often, and how long; whom to tell.
        shown: what messages name.
        retries: so many failed attempts in a row are tried again; `None`: as the options say.
    """

    def __init__(self, options: Options, shown: str, retries: int | None = None) -> None:
        self._options, self._shown = options, shown
        self._retries = options.retries if retries is None else retries
        self._failures = self._refusals = self._restarts = 0
        self._mark = 0
        self._lock = threading.Lock()

    def reached(self, done: int) -> None:
        """Say that `done` bytes are on disk; bytes that were there before, and are again, are no progress."""
        if done >= self._mark + PROGRESS:
            self._mark = done
            self._failures = self._refusals = self._restarts = 0

    def restarted(self, error: DownspoutError) -> None:
        """Say that all begins anew because of `error`; go on at once, but not for ever.

        Raises:
            DownspoutError: the budget is spent.
        """
        self._restarts += 1
        if self._restarts > self._retries + 1:
            raise error

    def after(self, error: DownspoutError, enough: Callable[[], bool] = never) -> None:
        """Wait as `error` asks for, or raise what is final about it.

        Args:
            error: what failed just now.
            enough: whether there is nothing to wait for any more.

        Raises:
            DownspoutError: the budget is spent, or trying again would not help.
            Cancelled: while waiting.
        """
        if not error.retryable:
            raise error
        with self._lock:
            self._failures += 1
            self._refusals += isinstance(error, LinkRefused) and not error.expired
            failures, refusals = self._failures, self._refusals
        if failures > self._retries or refusals >= _REFUSALS:
            if isinstance(error, LinkRefused):
                raise error.settle() from error
            raise error
        asked = error.retry_after if isinstance(error, RateLimited | Unavailable) else None
        if isinstance(error, RateLimited) or asked is not None:
            self._options.throttled(error)
        if asked is not None and asked > self._options.longest_wait:
            raise _too_long(error, asked) from error
        if isinstance(error, LinkRefused):
            _log.info("%s Asking for the link again.", error.message)
            return
        pause = asked if asked is not None else self._backoff(failures)
        _log.info("%s Trying again in %.1f s.", error.message, pause)
        self.wait(pause, enough)

    def _backoff(self, failures: int) -> float:
        longest: float = min(_FIRST_WAIT * 2 ** (failures - 1), _LONGEST_WAIT)
        return longest * random.uniform(0.5, 1.0)

    def wait(self, seconds: float, enough: Callable[[], bool] = never) -> None:
        """Wait, unless it is cancelled or `enough` meanwhile.

        Raises:
            Cancelled: it is.
        """
        end = time.monotonic() + seconds
        while True:
            if self._options.cancelled():
                raise Cancelled(f"{self._shown}: stopped.", hint="Run it again to go on.")
            left = end - time.monotonic()
            if left <= 0 or enough():
                return
            time.sleep(min(_SLICE, left))


def _too_long(error: DownspoutError, asked: float) -> DownspoutError:
    if asked <= LONGEST_RETRY_AFTER:
        return error
    kind = RateLimited if isinstance(error, RateLimited) else Unavailable
    return kind(
        f"{error.message.rstrip('.')}, and asks to wait {asked:.0f} s, which is too long.",
        hint=f"Try again in {max(1, round(asked / 60))} minutes.",
        retry_after=asked,
    )
