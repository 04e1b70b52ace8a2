"""Sees what a plugin does besides answering: prompts, connections of its own, processes, files, output.

Python tells its audit hooks (PEP 578) of all of these. Such a hook stays until the process ends, so there is one
for all watches, added by the first; outside of a watch it returns at once. What a watched call does is found by a
context variable, which the core hands on to the threads that hooks run in.
"""

import io
import logging
import os
import sys
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Literal, TextIO, cast

from attrs import define, field

Deed = Literal["prompt", "connection", "process", "file"]

_TERMINALS = frozenset({"/dev/tty", "CONIN$", "CONOUT$"})
_PROCESSES = frozenset({"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.spawn"})
_WRITES = os.O_WRONLY | os.O_RDWR
_UNHEEDED = ("__pycache__", os.devnull)


@define
class Watch:
    """What was seen.

    Attributes:
        allowed: addresses `(host, port)` that may be connected to.
        deeds: what was done besides answering, in the order it happened.
        output: what was written to standard output and standard error.
        logged: log records, formatted, with their tracebacks.
    """

    allowed: Collection[tuple[str, int]] = ()
    deeds: list[tuple[Deed, str]] = field(factory=list)
    output: io.StringIO = field(factory=io.StringIO)
    logged: list[str] = field(factory=list)

    def seen(self, *kinds: Deed) -> list[str]:
        """Return the deeds of these kinds, as phrases."""
        return list(dict.fromkeys(text for kind, text in self.deeds if kind in kinds))

    @contextmanager
    def watching(self) -> Iterator["Watch"]:
        """Watch what this thread, and the hooks that it calls, do within the block. Blocks do not nest."""
        _add_audit_hook()
        token = _current.set(self)
        streams = (sys.stdin, sys.stdout, sys.stderr)
        handler, root = _Handler(self), logging.getLogger()
        level = root.level
        root.addHandler(handler)
        root.setLevel(logging.DEBUG)
        sys.stdin, sys.stdout, sys.stderr = cast("TextIO", _Stdin(self)), self.output, self.output
        try:
            yield self
        finally:
            sys.stdin, sys.stdout, sys.stderr = streams
            root.setLevel(level)
            root.removeHandler(handler)
            _current.reset(token)


_current: ContextVar[Watch | None] = ContextVar("downspout_contract_watch", default=None)
_adding = threading.Lock()
_added = False


def _add_audit_hook() -> None:
    global _added
    with _adding:
        if not _added:
            sys.addaudithook(_audit)
            _added = True


def _audit(event: str, args: tuple[Any, ...]) -> None:  # pragma: no cover - Python traces no audit hook
    watch = _current.get(None)
    if watch is None:
        return
    seen = _seen(event, args, watch)
    if seen is not None:
        watch.deeds.append(seen)


def _seen(event: str, args: tuple[Any, ...], watch: Watch) -> tuple[Deed, str] | None:
    if event == "open":
        return _opened(*args)
    if event in {"builtins.input", "webbrowser.open"}:
        return "prompt", f"calls {event.replace('builtins.', '')}()"
    if event in {"socket.connect", "socket.sendto"} and _is_foreign(args[1], watch.allowed):
        return "connection", f"connects to {args[1]!r} by itself"
    if event in _PROCESSES:
        return "process", f"starts a process ({event})"
    return None


def _is_foreign(address: object, allowed: Collection[tuple[str, int]]) -> bool:
    return not isinstance(address, tuple) or tuple(address[:2]) not in allowed


def _opened(path: object, _mode: object, flags: object) -> tuple[Deed, str] | None:
    name = os.fsdecode(path) if isinstance(path, str | bytes) else ""
    if name in _TERMINALS:
        return "prompt", f"opens the terminal ({name})"
    writes = isinstance(flags, int) and bool(flags & _WRITES)
    if not name or not writes or any(each in name for each in _UNHEEDED):
        return None
    return "file", f"writes the file {os.path.basename(name)}"


class _Handler(logging.Handler):
    """Keeps what is logged."""

    def __init__(self, watch: Watch) -> None:
        super().__init__(logging.NOTSET)
        self._watch = watch
        self.setFormatter(logging.Formatter("%(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self._watch.logged.append(self.format(record))


class _Stdin(io.TextIOBase):
    """Nobody is there: reading is noted, and finds the end."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1) -> str:  # noqa: ARG002
        self._watch.deeds.append(("prompt", "reads standard input"))
        return ""

    def readline(self, size: int = -1) -> str:  # type: ignore[override]
        return self.read(size)
