"""What comes from a list that may be slow: a pipe, a generator that asks somebody else."""

import contextvars
import threading
from collections import deque
from collections.abc import Iterable
from typing import Generic, TypeVar

T = TypeVar("T")


class Arrivals(Generic[T]):
    """Reads an iterable in a thread of its own, so that what has come never waits for what has not.

    Args:
        items: read a little ahead, no further than `most`.
        most: so many at most lie here.
    """

    def __init__(self, items: Iterable[T], most: int) -> None:
        self._items, self._most = items, most
        self._changed = threading.Condition()
        self._here: deque[T] = deque()
        self._trouble: BaseException | None = None
        self._ended = self._stopped = False

    def start(self) -> None:
        """Begin to read, in a copy of the caller's context."""
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(self._read,), name="downspout-list", daemon=True).start()

    def _read(self) -> None:
        try:
            for item in self._items:
                with self._changed:
                    self._here.append(item)
                    if len(self._here) == 1:
                        self._changed.notify_all()
                    self._changed.wait_for(lambda: len(self._here) < self._most or self._stopped)
                    if self._stopped:
                        return
        except BaseException as exc:  # the caller's own: raised where the results are read
            self._trouble = exc
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def take(self, timeout: float) -> list[T] | None:
        """Return all that is here, waiting for the first for `timeout` seconds; `None` at the end.

        Raises:
            BaseException: what the iterable raised, once all that came before is taken.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._here or self._ended, timeout)
            if not self._here and self._ended:
                if self._trouble is not None:
                    raise self._trouble
                return None
            taken = list(self._here)
            self._here.clear()
            self._changed.notify_all()
            return taken

    def stop(self) -> None:
        """Read no more; an iterable that is waiting for something is left alone with it."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
