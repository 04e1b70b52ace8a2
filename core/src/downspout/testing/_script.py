"""Scripts: what happens the first, the second, the n-th time."""

import threading
from collections.abc import Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


class Script(Generic[T]):
    """What happens to the first, second, … of something; afterwards nothing, or the last again.

    Args:
        entries: One for each; None: nothing happens.
        repeat_last: Whether the last entry holds for all that follow.
    """

    def __init__(self, entries: Sequence[T | None], repeat_last: bool = False) -> None:
        self._entries = tuple(entries)
        self._repeat_last = repeat_last
        self._lock = threading.Lock()
        self._position = 0

    def next(self) -> T | None:
        """Give the entry whose turn it is."""
        with self._lock:
            position, self._position = self._position, self._position + 1
        if position < len(self._entries):
            return self._entries[position]
        return self._entries[-1] if self._entries and self._repeat_last else None
