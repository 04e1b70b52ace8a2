"""Hands results from the threads that have them to the one that wants them."""

import threading
from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")

_MANY = 32
_LOOK_SECONDS = 0.02


class Outbox(Generic[T]):
    """A queue whose other end is woken seldom: to wake a thread costs as much as to bring down a small document.

    It is woken by what is urgent and when many wait; otherwise it looks in by itself, soon enough for people.
    """

    def __init__(self) -> None:
        self._waiting: deque[T] = deque()
        self._wake = threading.Event()

    def put(self, item: T, *, urgent: bool = False) -> None:
        """Hand `item` over. Safe for threads."""
        self._waiting.append(item)
        if urgent or len(self._waiting) >= _MANY:
            self._wake.set()

    def take(self) -> Iterator[T]:
        """Yield what has come, perhaps after a moment; it may be nothing. For one thread alone."""
        self._wake.wait(_LOOK_SECONDS)
        self._wake.clear()
        while self._waiting:
            yield self._waiting.popleft()
