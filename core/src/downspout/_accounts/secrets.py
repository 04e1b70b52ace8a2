"""Secrets that are fetched when they are needed, not when the configuration is read."""

import shlex
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

from downspout._models import Secret
from downspout.errors import ConfigurationError

_COMMAND_SECONDS = 120.0
_MAX_BYTES = 64 * 1024


class DeferredSecret(Secret):
    """A secret that a file or a command gives, asked for once, when it is first revealed.

    Args:
        fetch: returns the text; called at most once.
    """

    __slots__ = ("_fetch", "_lock")

    def __init__(self, fetch: Callable[[], str]) -> None:
        super().__init__("")
        self._fetch: Callable[[], str] | None = fetch
        self._lock = threading.Lock()

    def reveal(self) -> str:
        """See `Secret`.

        Raises:
            ConfigurationError: the file cannot be read, or the command failed.
        """
        with self._lock:
            if self._fetch is not None:
                self._value = self._fetch()
                self._fetch = None
            return self._value

    def __bool__(self) -> bool:
        return True

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)


def from_file(account: str, setting: str, path: str) -> DeferredSecret:
    """Return the secret whose text is the first line of a file."""

    def fetch() -> str:
        try:
            with Path(path).expanduser().open("rb") as file:
                return _first_line(file.read(_MAX_BYTES))
        except (OSError, ValueError, RuntimeError) as exc:  # of a `~user` that is not there, of a NUL
            reason = getattr(exc, "strerror", None) or "no such place"
            raise ConfigurationError(
                f"{account}: the file that {setting}_file names cannot be read ({reason}).",
                hint=f"Check the path and its permissions: {path}",
            ) from exc

    return DeferredSecret(fetch)


def from_command(account: str, setting: str, command: str) -> DeferredSecret:
    """Return the secret whose text is the first line that a command prints. No shell is involved."""

    def fetch() -> str:
        try:
            done = subprocess.run(
                shlex.split(command), stdout=subprocess.PIPE, timeout=_COMMAND_SECONDS, check=True
            )
        except (OSError, ValueError, IndexError, subprocess.SubprocessError) as exc:  # IndexError: it is blank
            status = getattr(exc, "returncode", None)
            reason = f"it ended with status {status}" if status is not None else type(exc).__name__
            raise ConfigurationError(
                f"{account}: the command of {setting}_command failed ({reason}).",
                hint="Run it by hand, and see what it prints.",
            ) from None  # the exception holds what the command printed
        return _first_line(done.stdout)

    return DeferredSecret(fetch)


def _first_line(data: bytes) -> str:
    return data.decode("utf-8", "replace").partition("\n")[0].rstrip("\r")
