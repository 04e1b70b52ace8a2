"""Threads that run hooks: daemons, each call in a copy of its caller's context, each within a time limit."""

import contextlib
import contextvars
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")


class TimeLimitExceeded(Exception):
    """The call did not end in time; its thread was left alone with it."""


class _Call:
    __slots__ = ("abandoned", "answer", "context", "done", "function", "trouble")

    def __init__(self, function: Callable[[], Any]) -> None:
        self.function = function
        self.context = contextvars.copy_context()
        self.done = threading.Event()
        self.abandoned = False
        self.answer: Any = None
        self.trouble: BaseException | None = None

    def drop(self) -> None:
        """Let go of an answer that nobody waits for: a stream holds a connection."""
        close = getattr(self.answer, "close", None)
        if close is not None:
            with contextlib.suppress(Exception):
                close()


class _Worker(threading.Thread):
    """One thread, and the calls that are handed to it. Ends when it gets `None`."""

    def __init__(self, number: int) -> None:
        super().__init__(name=f"downspout-hook-{number}", daemon=True)
        self.calls: SimpleQueue[_Call | None] = SimpleQueue()

    def run(self) -> None:
        while (call := self.calls.get()) is not None:
            try:
                call.answer = call.context.run(call.function)
            except BaseException as exc:  # a plugin's SystemExit ends neither this thread nor the program
                call.trouble = exc
            call.done.set()
            if call.abandoned:
                call.drop()
            del call  # an idle thread holds no credential


class Workers:
    """Idle threads, reused. Safe for threads."""

    def __init__(self) -> None:
        self._idle: list[_Worker] = []
        self._lock = threading.Lock()
        self._number = 0
        self._closed = False

    def call(self, function: Callable[[], T], limit: float | None) -> T:
        """Return what `function` returns in a thread of ours, or raise what it raises.

        Args:
            function: called without arguments, in a copy of the current context.
            limit: seconds; `None` waits for ever.

        Raises:
            TimeLimitExceeded: it took longer. It runs on, and what it returns is dropped.
        """
        call = _Call(function)
        worker = self._worker()
        worker.calls.put(call)
        in_time = False
        try:
            in_time = call.done.wait(limit)
        finally:  # Ctrl-C ends the waiting, too
            self._give_back(worker) if in_time else self._abandon(worker, call)
        if not in_time:
            raise TimeLimitExceeded
        if isinstance(call.trouble, KeyboardInterrupt):
            raise RuntimeError from call.trouble  # no signal reaches that thread: nobody pressed Ctrl-C
        if call.trouble is not None:
            raise call.trouble
        answer: T = call.answer
        return answer

    def _worker(self) -> _Worker:
        with self._lock:
            if self._idle:
                return self._idle.pop()
            self._number += 1
            worker = _Worker(self._number)
        worker.start()
        return worker

    def _abandon(self, worker: _Worker, call: _Call) -> None:
        worker.calls.put(None)
        call.abandoned = True
        if call.done.is_set():  # pragma: no cover - just now: a matter of microseconds
            call.drop()

    def _give_back(self, worker: _Worker) -> None:
        with self._lock:
            if not self._closed:
                self._idle.append(worker)
                return
        worker.calls.put(None)

    def close(self) -> None:
        """End the idle threads, and wait for them; busy ones end after their call."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.calls.put(None)
        for worker in idle:
            worker.join(1.0)
