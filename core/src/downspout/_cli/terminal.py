"""Somebody at the keyboard: implements `downspout.Interaction`."""

import getpass
import sys
import threading
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

from downspout._cli.common import say, visible
from downspout.errors import AuthenticationError

T = TypeVar("T")


class _Task(Generic[T]):
    """Something done in one thread for another that waits for it."""

    def __init__(self, function: Callable[[], T]) -> None:
        self._function = function
        self._done = threading.Event()
        self._answer: list[T] = []
        self._trouble: BaseException | None = None

    def run(self) -> None:
        """Do it. What is raised goes to whoever waits."""
        try:
            self._answer.append(self._function())
        except KeyboardInterrupt:
            raise
        except BaseException as exc:
            self._trouble = exc
        self._done.set()

    def result(self) -> T:
        """Wait for it; return what it returned, or raise what it raised."""
        self._done.wait()
        if self._trouble is not None:
            raise self._trouble
        return self._answer[0]


class Terminal:
    """Asks on the terminal, or takes its answers from a pipe; what is asked goes to standard error.

    Plugins ask from threads of their own, but Ctrl-C reaches the main thread alone, and a program cannot end well
    while another thread reads its standard input. So whatever may ask is run by `serve`, which asks for it.
    """

    def __init__(self) -> None:
        self._questions: SimpleQueue[_Task[Any] | None] = SimpleQueue()

    def serve(self, function: Callable[[], T]) -> T:
        """Return what `function` returns; it runs in another thread, and its questions are asked in this one."""
        task = _Task(function)

        def run() -> None:
            task.run()
            self._questions.put(None)

        threading.Thread(target=run, name="downspout-login", daemon=True).start()
        while (question := self._questions.get()) is not None:
            question.run()
        return task.result()

    def ask(self, label: str) -> str:
        """See `Interaction`."""
        return self._answer(lambda: _read(label))

    def secret(self, label: str) -> str:
        """See `Interaction`."""
        return self._answer(lambda: _read(label, hidden=True))

    def choose(self, label: str, options: Sequence[str]) -> int:
        """See `Interaction`."""
        if not options:
            raise AuthenticationError(f"{visible(label)}: there is nothing to choose from.")
        return self._answer(lambda: _chosen(label, options))

    def tell(self, text: str) -> None:
        """See `Interaction`."""
        say(text)

    def _answer(self, question: Callable[[], T]) -> T:
        if threading.current_thread() is threading.main_thread():
            return question()
        task = _Task(question)
        self._questions.put(task)
        return task.result()


def _chosen(label: str, options: Sequence[str]) -> int:
    for number, option in enumerate(options, 1):
        say(f"  {number}. {option}")
    while True:
        answer = _read(f"{label} [1-{len(options)}]").strip()
        if answer.isdecimal() and 1 <= int(answer) <= len(options):
            return int(answer) - 1
        say(f"Answer with a number from 1 to {len(options)}.")


def _read(label: str, *, hidden: bool = False) -> str:
    """Return a line; from a terminal, one that is hidden is not shown.

    Raises:
        AuthenticationError: there is nobody to ask, or no answer left.
    """
    if sys.stdin is None:
        raise AuthenticationError("There is nobody to ask.", hint="Run it in a terminal.")
    label = visible(label)
    if not sys.stdin.isatty():
        say(f"{label}:")
        line = sys.stdin.readline()  # a script that answers: there is no echo to hide
    elif hidden:
        line = _hidden(label)
    else:
        sys.stderr.write(f"{label}: ")
        sys.stderr.flush()
        line = sys.stdin.readline()
    if not line:
        raise AuthenticationError(f"There was no answer to {label!r}.", hint="Answer every question.")
    return line.rstrip("\r\n")


def _hidden(label: str) -> str:
    try:
        return getpass.getpass(f"{label}: ", stream=sys.stderr) + "\n"
    except EOFError:
        say("")
        return ""
