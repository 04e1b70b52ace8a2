"""The client behind a file system: given, or made where it is needed, in each process its own."""

import os
import threading
import weakref
from collections.abc import Callable, Mapping
from typing import Any

from downspout import Client

MakeClient = Callable[[], Client]


class ClientSource:
    """Gives a client. Those that it made are closed when it is forgotten, and when the process ends.

    Args:
        given: a client (not closed here), a function that makes one, or `None` for one that knows what the
            command knows.
        settings: for a client of the last kind.
    """

    def __init__(self, given: Client | MakeClient | None, settings: Mapping[str, Any]) -> None:
        if given is not None and settings:
            names = ", ".join(sorted(settings))
            raise TypeError(f"With a client of your own, set {names} where you make it.")
        self._given, self._settings = given, dict(settings)
        self._made: Client | None = None
        self._process = 0
        self._end: Callable[[], object] | None = None
        self._lock = threading.Lock()

    def __call__(self) -> Client:
        """Return the client of this process."""
        if isinstance(self._given, Client):
            return self._given
        with self._lock:
            made = self._made
            if made is None or self._process != os.getpid():
                self._process = os.getpid()
                self._made = made = self._make()
                self._end = weakref.finalize(self, made.close)
            return made

    def _make(self) -> Client:
        if callable(self._given):
            return self._given()
        return Client.from_user_config(**self._settings)

    def close(self) -> None:
        """Close the client if it was made here; the next call makes another."""
        with self._lock:
            end, self._end, self._made = self._end, None, None
        if end is not None:
            end()
