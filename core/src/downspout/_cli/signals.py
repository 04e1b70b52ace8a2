"""Signals: the first asks to stop, the second does not ask."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = tuple(
    number for number in (getattr(signal, name, None) for name in ("SIGINT", "SIGTERM", "SIGHUP")) if number
)


_PATIENCE = 1.95
"""Seconds to end in good order; whatever hangs then (a plugin, a disk) is left to it. All is safe against that."""


class Stop:
    """Whether a signal asked to stop.

    Attributes:
        signal: the number of the first that did, or `None`.
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        self._end: threading.Timer | None = None

    def asked(self) -> bool:
        """Return whether to stop."""
        return self.signal is not None

    @property
    def status(self) -> int:
        """The exit status that the signal stands for."""
        return 128 + (self.signal or 0)

    def _handle(self, number: int, _: FrameType | None) -> None:
        if self.signal is not None:
            os._exit(128 + number)
        self.signal = number
        self._end = threading.Timer(_PATIENCE, os._exit, (128 + number,))
        self._end.daemon = True
        self._end.start()

    def over(self) -> None:
        """Everything has ended: nobody is to be hurried."""
        if self._end is not None:
            self._end.cancel()


@contextmanager
def stopping() -> Iterator[Stop]:
    """Catch the signals that end programs, for as long as the context lasts."""
    stop = Stop()
    before = {}
    for number in _SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup stays nohup
            before[number] = signal.signal(number, stop._handle)
    try:
        yield stop
    finally:
        stop.over()
        for number, handler in before.items():
            signal.signal(number, handler)
