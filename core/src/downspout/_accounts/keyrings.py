"""Credentials in the system's keyring, where there is one that works; else in files of ours."""

import contextlib
import json
import logging
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from downspout._accounts.store import FileStore, decoded, encoded
from downspout._models import Credential
from downspout.errors import ConfigurationError, StorageError

T = TypeVar("T")
_log = logging.getLogger(__name__)
_SERVICE = "downspout"
_PIECE = 1000
"""Characters in one entry: Windows takes 2,560 bytes, of two a character."""
_MOST_PIECES = 200
_PROBE_SECONDS = 3.0
_ASK_SECONDS = 60.0
"""A keyring may ask its owner for a password; on a machine without a desktop some never answer."""


class UserStore:
    """Implements `CredentialStore` for the person at this machine.

    A small file says which accounts have a credential in the keyring, so that nobody else waits for it: loading
    it costs more than starting a download.

    Args:
        folder: where files of ours go.
        probe: returns a keyring backend that works, or `None`.
    """

    def __init__(self, folder: Path, probe: Callable[[], Any] | None = None) -> None:
        self._files = FileStore(folder)
        self._folder = folder
        self._probe = probe or usable_backend
        self._backend: Any = None
        self._probed = False

    def get(self, account: str) -> Credential | None:
        """See `CredentialStore`."""
        if not self._mark(account).exists():
            return self._files.get(account)
        backend = self._keyring()
        if backend is None:
            raise ConfigurationError(
                f"The credential of {account} is in a keyring that does not answer.",
                hint=f"Unlock it, or run `downspout logout {account}` and `downspout login {account}`.",
            )
        text = _joined(lambda name: _bounded(lambda: backend.get_password(_SERVICE, name), account), account)
        return None if text is None else decoded(account, text.encode())

    def put(self, account: str, credential: Credential) -> None:
        """See `CredentialStore`."""
        backend = self._keyring()
        if backend is None:
            self._files.put(account, credential)
            self._mark(account).unlink(missing_ok=True)
            return
        try:
            self._write(backend, account, encoded(credential).decode())
        except StorageError as exc:
            _log.warning("The keyring does not take the credential of %s: %s", account, exc.message)
            self._files.put(account, credential)
            self._mark(account).unlink(missing_ok=True)
            return
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._mark(account).touch(mode=0o600)
        self._files.delete(account)

    def _write(self, backend: Any, account: str, text: str) -> None:
        """Write the pieces first and their number last: it is what makes them count."""
        pieces = [text[start : start + _PIECE] for start in range(0, len(text), _PIECE)]
        if len(pieces) > _MOST_PIECES:
            raise StorageError(f"The credential of {account} is too long for a keyring.")
        for number, piece in enumerate(pieces):
            _bounded(partial(backend.set_password, _SERVICE, f"{account}/{number}", piece), account)
        head = json.dumps({"pieces": len(pieces)})
        _bounded(lambda: backend.set_password(_SERVICE, account, head), account)

    def delete(self, account: str) -> None:
        """See `CredentialStore`."""
        self._files.delete(account)
        mark = self._mark(account)
        if not mark.exists():
            return
        backend = self._keyring()
        if backend is not None:
            head = _head(_bounded(lambda: backend.get_password(_SERVICE, account), account))
            for name in (account, *(f"{account}/{number}" for number in range(head))):
                with contextlib.suppress(StorageError):
                    _bounded(partial(backend.delete_password, _SERVICE, name), account)
        mark.unlink(missing_ok=True)

    def lock(self, account: str) -> contextlib.AbstractContextManager[object]:
        """See `CredentialStore`."""
        return self._files.lock(account)

    def _mark(self, account: str) -> Path:
        return self._folder / f"{account}.keyring"

    def _keyring(self) -> Any:
        if not self._probed:
            self._backend, self._probed = self._probe(), True
        return self._backend


def usable_backend() -> Any:
    """Return the keyring's backend if the extra `keyring` is installed and one works here, else `None`.

    Asking is bounded: there are machines on which a keyring waits for a desktop that never comes.
    """

    def probe() -> Any:
        try:
            import keyring
            import keyring.backends.fail
            import keyring.backends.null
        except ImportError:
            return None
        backend = keyring.get_keyring()
        useless = isinstance(backend, keyring.backends.fail.Keyring | keyring.backends.null.Keyring)
        # Below 1 are those that the keyring package itself would rather not use: plain text in a file of theirs.
        if useless or backend.priority < 1:
            return None
        backend.get_password(_SERVICE, "probe")
        return backend

    try:
        return _within(probe, _PROBE_SECONDS)
    except Exception as exc:
        _log.debug("no usable keyring: %s", type(exc).__name__)
        return None


def _joined(read: Callable[[str], str | None], account: str) -> str | None:
    count = _head(read(account))
    pieces = [read(f"{account}/{number}") for number in range(count)]
    found = [piece for piece in pieces if piece is not None]
    return "".join(found) if found and len(found) == count else None


def _head(text: str | None) -> int:
    """Return how many pieces there are, as the head says; nonsense is none."""
    try:
        count = json.loads(text or "{}")["pieces"]
    except (ValueError, KeyError, TypeError):
        return 0
    return count if type(count) is int and 0 < count <= _MOST_PIECES else 0


def _bounded(function: Callable[[], T], account: str) -> T:
    try:
        return _within(function, _ASK_SECONDS)
    except Exception as exc:
        raise StorageError(
            f"The keyring does not work for the account {account} ({type(exc).__name__}).",
            hint="Unlock it, or set PYTHON_KEYRING_BACKEND=keyring.backends.null.Keyring to do without.",
        ) from exc


def _within(function: Callable[[], T], seconds: float) -> T:
    """Return what `function` returns in a daemon thread, within `seconds`.

    Raises:
        TimeoutError: it took longer.
    """
    answer: list[T] = []
    trouble: list[BaseException] = []

    def run() -> None:
        try:
            answer.append(function())
        except BaseException as exc:
            trouble.append(exc)

    thread = threading.Thread(target=run, name="downspout-keyring", daemon=True)
    thread.start()
    thread.join(seconds)
    if trouble:
        raise trouble[0]
    if not answer:
        raise TimeoutError
    return answer[0]


def default_store() -> UserStore:
    """Return the user's own store: the system's keyring, or files in the user state directory."""
    from platformdirs import user_state_path

    return UserStore(user_state_path("downspout", appauthor=False) / "credentials")
