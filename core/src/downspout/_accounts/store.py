"""Where credentials are kept: in memory, or in files that only their owner can read."""

import contextlib
import json
import os
import stat
import threading
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from downspout._models import Credential, Secret
from downspout.errors import ConfigurationError, StorageError

VERSION = 1
_MAX_BYTES = 1024 * 1024


class MemoryStore:
    """Implements `CredentialStore` for as long as the client lives."""

    def __init__(self) -> None:
        self._credentials: dict[str, Credential] = {}
        self._locks: dict[str, threading.RLock] = {}
        self._lock = threading.Lock()

    def get(self, account: str) -> Credential | None:
        """See `CredentialStore`."""
        return self._credentials.get(account)

    def put(self, account: str, credential: Credential) -> None:
        """See `CredentialStore`."""
        self._credentials[account] = credential

    def delete(self, account: str) -> None:
        """See `CredentialStore`."""
        self._credentials.pop(account, None)

    def lock(self, account: str) -> contextlib.AbstractContextManager[object]:
        """See `CredentialStore`."""
        with self._lock:
            return self._locks.setdefault(account, threading.RLock())


class FileStore:
    """Implements `CredentialStore` with one file an account, 0600 in a folder of 0700.

    Args:
        folder: made when something is first stored.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._threads = MemoryStore()

    def get(self, account: str) -> Credential | None:
        """See `CredentialStore`."""
        path = self._path(account)
        try:
            with path.open("rb") as file:
                _check_private(path, os.fstat(file.fileno()))
                data = file.read(_MAX_BYTES + 1)
        except FileNotFoundError:
            return None
        except OSError as exc:
            raise StorageError.from_os(f"reading the stored credential of {account}", exc) from exc
        return decoded(account, data)

    def put(self, account: str, credential: Credential) -> None:
        """See `CredentialStore`."""
        path = self._path(account)
        new = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}.new")
        try:
            self._make_folder()
            fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(fd, "wb") as file:
                file.write(encoded(credential))
                file.flush()
                os.fsync(file.fileno())
            new.replace(path)
        except OSError as exc:
            with contextlib.suppress(OSError):
                new.unlink()
            raise StorageError.from_os(f"storing the credential of {account}", exc) from exc

    def delete(self, account: str) -> None:
        """See `CredentialStore`."""
        try:
            self._path(account).unlink(missing_ok=True)
        except OSError as exc:
            raise StorageError.from_os(f"forgetting the credential of {account}", exc) from exc

    def lock(self, account: str) -> contextlib.AbstractContextManager[object]:
        """See `CredentialStore`."""
        return self._locked(account)

    @contextlib.contextmanager
    def _locked(self, account: str) -> Iterator[None]:
        with self._threads.lock(account):
            try:
                self._make_folder()
                fd = os.open(self._path(account).with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
            except OSError as exc:
                raise StorageError.from_os(f"locking the credential of {account}", exc) from exc
            try:
                _flock(fd)
                yield
            finally:
                os.close(fd)

    def _make_folder(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def _path(self, account: str) -> Path:
        return self._folder / f"{account}.json"


def _flock(fd: int) -> None:
    try:
        import fcntl
    except ImportError:  # pragma: no cover - Windows: threads are still kept apart
        return
    with contextlib.suppress(OSError):  # a file system without locks: the atomic rename still holds
        fcntl.flock(fd, fcntl.LOCK_EX)


def _check_private(path: Path, facts: os.stat_result) -> None:
    """Refuse what others can read or have written: it is a secret no more, or never was ours."""
    if not stat.S_ISREG(facts.st_mode):
        raise ConfigurationError(
            f"The credential file {path} is no regular file.", hint="Remove it, log in again."
        )
    if not hasattr(os, "getuid"):  # pragma: no cover - Windows keeps its own permissions
        return
    if facts.st_uid != os.getuid():
        raise ConfigurationError(
            f"The credential file {path} belongs to somebody else.", hint="Remove it, and log in again."
        )
    if facts.st_mode & 0o077:
        raise ConfigurationError(
            f"The credential file {path} can be read by others.",
            hint=f"Run `chmod 600 {path}`, and log in again if somebody may have read it.",
        )


def encoded(credential: Credential) -> bytes:
    """Return a credential as bytes to store; the only way by which secrets leave their type."""
    values = {
        name: {"secret": value.reveal()} if isinstance(value, Secret) else value
        for name, value in credential.values.items()
    }
    document = {
        "version": VERSION,
        "origins": sorted(credential.origins),
        "values": values,
        "expires_at": credential.expires_at and credential.expires_at.isoformat(),
    }
    return json.dumps(document).encode()


def decoded(account: str, data: bytes) -> Credential:
    """Return the credential that `encoded` made.

    Raises:
        ConfigurationError: it is damaged, or of a later version; nothing of it is used.
    """
    try:
        document = json.loads(data)
        version = document["version"]
        if version == VERSION:
            expires = document["expires_at"]
            return Credential(
                account,
                origins=document["origins"],
                values={name: _decoded_value(value) for name, value in document["values"].items()},
                expires_at=None if expires is None else datetime.fromisoformat(expires),
            )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as exc:
        raise ConfigurationError(
            f"The stored credential of {account} is damaged.",
            hint=f"Run `downspout logout {account}`, then `downspout login {account}`.",
        ) from exc
    raise ConfigurationError(
        f"The stored credential of {account} is of version {version!r}, which this downspout does not read.",
        hint="Update downspout, or log in again.",
    )


def _decoded_value(value: str | Mapping[str, Any]) -> Secret | str:
    if isinstance(value, str):
        return value
    secret = value["secret"]
    if not isinstance(secret, str):
        raise TypeError("a secret is text")
    return Secret(secret)
