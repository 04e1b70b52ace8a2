"""One account's credential: asked for when it is needed, renewed once for everybody who uses it."""

import logging
import threading
import time
from collections.abc import Callable

from downspout._accounts import marked, still_right, unmarked
from downspout._models import Account, Credential, CredentialStore, Interaction
from downspout.errors import AuthenticationError, ConfigurationError, DownspoutError, RateLimited, StorageError

_log = logging.getLogger(__name__)
_RENEWALS = 2
_SHORT_PAUSE = 1.0
_DEAD_SECONDS = 60.0
"""So long nobody asks again for a credential that could not be had: workers would queue up to be refused."""

Authenticate = Callable[[Credential | None, Interaction | None], Credential | None]


class Credentials:
    """The credential of one account. Safe for threads; with a shared store, for processes too.

    Args:
        account: whose.
        store: where it is kept.
        authenticate: asks the plugin: `(refused, interaction) -> Credential or None`.
    """

    def __init__(self, account: Account, store: CredentialStore, authenticate: Authenticate) -> None:
        self._account, self._store, self._authenticate = account, store, authenticate
        self._lock = threading.Lock()
        self._current: Credential | None = None
        self._looked = False
        self._renewals = 0
        self._dead: DownspoutError | None = None
        self._died_at = self._pause_ends = 0.0
        self._pause: RateLimited | None = None

    def current(self) -> Credential | None:
        """Return the credential in hand, or the stored one if it was made from the settings of now, or `None`."""
        if not self._looked:
            with self._lock:
                if not self._looked:
                    self._current = self._stored()
                    self._looked = True
        return self._current

    def _stored(self) -> Credential | None:
        stored = self._store.get(self._account.name)
        if stored is None or not still_right(stored, self._account):
            return None
        return unmarked(stored)

    def worked(self, credential: Credential | None) -> None:
        """Say that the service accepted `credential`: the count of renewals in a row starts anew."""
        if self._renewals and credential is self._current:
            self._renewals = 0

    def renew(self, refused: Credential | None, cause: AuthenticationError) -> Credential:
        """Return another credential than `refused`: one that somebody got meanwhile, or a new one.

        Args:
            refused: what the service did not accept; `None` if there was nothing to show.
            cause: how it said so; raised if there is no other way.

        Raises:
            AuthenticationError: there is none to be had without somebody to ask.
            DownspoutError: the service could not be asked.
        """
        with self._lock:
            if self._current is not None and self._current is not refused:
                return self._current
            if self._dead is not None:
                if time.monotonic() - self._died_at < _DEAD_SECONDS:
                    raise self._dead
                self._dead, self._renewals = None, 0  # a client that lives for days gets another chance
            self._check_pause()
            try:
                if self._renewals >= _RENEWALS:
                    raise cause
                self._current = self._renewed(refused, cause)
            except (AuthenticationError, ConfigurationError) as exc:
                self._dead, self._died_at = self._hinted(exc), time.monotonic()
                raise self._dead from exc
            except RateLimited as exc:
                self._pause = exc
                self._pause_ends = time.monotonic() + (exc.retry_after or _SHORT_PAUSE)
                raise
            self._looked = True
            self._renewals += refused is not None
            return self._current

    def _check_pause(self) -> None:
        """Ask nothing before the pause between sign-ins is over: the service may lock the account."""
        left = self._pause_ends - time.monotonic()
        if self._pause is not None and left > 0:
            raise RateLimited(self._pause.message, hint=self._pause.hint, retry_after=left) from self._pause

    def _renewed(self, refused: Credential | None, cause: AuthenticationError) -> Credential:
        with self._store.lock(self._account.name):
            stored = self._stored()
            if stored is not None and (refused is None or stored.values != refused.values):
                return stored  # another process was quicker
            if refused is not None:
                _log.info("%s Renewing the credential of %s.", cause.message, self._account.name)
            credential = self._authenticate(refused, None)
            if credential is None:
                raise cause
            if stored is not None:
                self._keep(credential)
            return credential

    def _keep(self, credential: Credential) -> None:
        try:
            self._store.put(self._account.name, marked(credential, self._account))
        except (StorageError, ConfigurationError) as exc:
            _log.warning("The renewed credential of %s could not be stored: %s", self._account.name, exc.message)

    def _hinted(self, error: DownspoutError) -> DownspoutError:
        if error.hint is None:
            error.hint = f"Run `downspout login {self._account.name}`."
        return error

    @property
    def dead(self) -> DownspoutError | None:
        """Why no credential is to be had any more, or `None`."""
        return self._dead

    def log_in(self, interaction: Interaction | None) -> Credential:
        """Get a new credential, with somebody to ask, and store it.

        Raises:
            DownspoutError: it did not work; what was stored is as it was.
        """
        with self._lock, self._store.lock(self._account.name):
            credential = self._authenticate(self._current or self._stored(), interaction)
            if credential is None:
                raise AuthenticationError(
                    f"The account {self._account.name} needs no sign-in.", hint="Use it as it is."
                )
            self._store.put(self._account.name, marked(credential, self._account))
            self._current, self._looked, self._dead, self._renewals = credential, True, None, 0
            return credential

    def forget(self) -> Credential | None:
        """Forget the credential, in hand and in the store; return the one that was stored, if any."""
        with self._lock, self._store.lock(self._account.name):
            try:
                stored = self._stored()
            except DownspoutError:  # what nobody can read can be forgotten all the same
                stored = None
            self._store.delete(self._account.name)
            self._current, self._looked, self._dead, self._renewals = None, True, None, 0
            return stored
