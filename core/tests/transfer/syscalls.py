"""The calls by which a transfer changes a disk, one by one: counted, failed, or the last that a process makes."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

NAMES = (
    "open",
    "pwrite",
    "ftruncate",
    "fsync",
    "fdatasync",
    "fchmod",
    "utime",
    "link",
    "rename",
    "replace",
    "unlink",
)

Before = Callable[[int, str, tuple[Any, ...]], None]


@contextmanager
def watched(before: Before) -> Iterator[list[str]]:
    """Call `before` with the number, name and arguments of each call that changes a disk; yield their names.

    Opening counts only where it may make a file.
    """
    seen: list[str] = []
    originals = {name: getattr(os, name) for name in NAMES}

    def wrapped(name: str) -> Callable[..., Any]:
        original = originals[name]

        def call(*args: Any, **kwargs: Any) -> Any:
            if name != "open" or args[1] & os.O_CREAT:
                seen.append(name)
                before(len(seen), name, args)
            return original(*args, **kwargs)

        return call

    for name in NAMES:
        setattr(os, name, wrapped(name))
    try:
        yield seen
    finally:
        for name, original in originals.items():
            setattr(os, name, original)
