"""The threads of a batch: started, listened to, and left alone where they do not stop."""

import contextvars
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor

from downspout._batch.outbox import Outbox
from downspout._models import Failed, Result

_LEAVE_SECONDS = 1.5

Box = Outbox[Result | Failed | BaseException | None]
"""Results, failures to tell of, what is raised to whoever iterates; a `None` for each thread that has ended."""


class Crew:
    """Whoever works on a batch. Belongs to the thread that iterates.

    Args:
        box: what they hand over.
        cancelled: whether to stop; asked again and again.
        executor: whose threads do the work, or `None` for threads of our own.
    """

    def __init__(self, box: Box, cancelled: Callable[[], bool], executor: Executor | None) -> None:
        self._box, self._cancelled, self._executor = box, cancelled, executor
        self._busy = 0

    def start(self, function: Callable[[], None], *, hired: bool = True) -> None:
        """Run `function` in a copy of the caller's context, in the executor's threads if it is `hired` work."""
        context = contextvars.copy_context()

        def run() -> None:
            try:
                context.run(function)
            except BaseException as exc:  # ours alone: plugins' were caught where they are called
                self._box.put(exc, urgent=True)
            self._box.put(None, urgent=True)

        if self._executor is not None and hired:
            self._executor.submit(run)
        else:
            threading.Thread(target=run, name="downspout-batch", daemon=True).start()
        self._busy += 1

    def delivered(self, abandoned: Callable[[], Iterator[Result]]) -> Iterator[Result | Failed | BaseException]:
        """Yield what comes until every thread has ended; once it is cancelled, for a moment only.

        Args:
            abandoned: gives what those are still at that did not stop in time.
        """
        end = None
        while self._busy:
            now = time.monotonic()
            if end is None and self._cancelled():
                end = now + _LEAVE_SECONDS
            elif end is not None and now > end:
                self._busy = 0
                yield from abandoned()
                return
            for item in self._box.take():
                if item is None:
                    self._busy -= 1
                else:
                    yield item
