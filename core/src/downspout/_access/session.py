"""One account in use: its plugin, its credential, its rules and its connections, together."""

import logging
from collections.abc import Callable, Sequence
from itertools import count

from attrs import evolve

from downspout._access.credentials import Credentials
from downspout._http import BoundHttp, Clock, Pool, Rules
from downspout._models import Account, Credential, CredentialStore, Interaction, Link, Reference, Stream, origin_of
from downspout._plugins import Hooks, Outcome
from downspout.errors import AuthenticationError, DownspoutError, InvalidURI, LinkRefused

_log = logging.getLogger(__name__)
_CREDENTIALS_A_CALL = 4
"""So many are tried after the one in hand, though others of the account's calls succeed meanwhile."""


def _never() -> bool:
    return False


class Session:
    """Asks the plugin of one account, and renews its credential where that helps. Safe for threads.

    Args:
        account: with its settings.
        hooks: of its provider.
        store: keeps its credential.
        pool: connections.
        rules: where its requests may go.
        timeout: seconds to connect, and without a byte.

    Attributes:
        clock: the service's time.
        credentials: the account's credential.
    """

    def __init__(
        self,
        account: Account,
        hooks: Hooks,
        store: CredentialStore,
        pool: Pool,
        rules: Rules,
        timeout: float | None,
    ) -> None:
        self.account: Account = account
        self.hooks: Hooks = hooks
        self.clock: Clock = Clock()
        self._typed: set[str] = set(rules.trusted)
        self._http = BoundHttp(
            pool, evolve(rules, trusted=self._typed), account, None, self.clock, account.name, timeout
        )
        self.credentials: Credentials = Credentials(account, store, self._authenticate)

    def trust(self, reference: Reference) -> None:
        """Exempt the origin of a URL that the user typed from the rules on addresses and on `http:`."""
        if reference.is_url:
            try:
                self._typed.add(origin_of(reference.document))
            except InvalidURI:
                _log.debug("no origin in %s", reference.shown)

    def _authenticate(self, refused: Credential | None, interaction: Interaction | None) -> Credential | None:
        return self.hooks.authenticate(self.account, refused, interaction, self._http)

    def sign_off(self) -> None:
        """Forget the stored credential, then have the service take it back; forgotten it is in any case.

        Raises:
            StorageError: it cannot be forgotten.
        """
        stored = self.credentials.forget()
        if stored is None:
            return
        try:
            self.hooks.sign_off(self.account, stored, self._bound(stored, self.account.name, _never))
        except DownspoutError as exc:
            _log.warning(
                "%s: the service was not told to end the session, which lasts as long as it would anyway: %s",
                self.account.name,
                exc.message,
            )

    def _bound(self, credential: Credential | None, shown: str, cancelled: Callable[[], bool]) -> BoundHttp:
        own = self._http
        return BoundHttp(own.pool, own.rules, self.account, credential, self.clock, shown, own.timeout, cancelled)

    def resolve(self, references: Sequence[Reference], cancelled: Callable[[], bool] = _never) -> list[Outcome]:
        """Return one outcome for each of `references` (at most the provider's batch size).

        Raises:
            DownspoutError: the whole call failed, for all of them.
        """
        shown = references[0].shown if len(references) == 1 else f"the account {self.account.name}"
        credential = self.credentials.current()
        outcomes: dict[int, Outcome] = {}
        asked = list(range(len(references)))
        for tries in count():  # pragma: no branch - left from inside
            http = self._bound(credential, shown, cancelled)
            try:
                answers = self.hooks.resolve_link(self.account, [references[i] for i in asked], credential, http)
            except AuthenticationError as exc:
                credential = self._renewed(credential, exc, tries)
                continue
            outcomes.update(zip(asked, answers, strict=True))
            refused = [i for i in asked if isinstance(outcomes[i], AuthenticationError)]
            if len(refused) < len(asked):
                self.credentials.worked(credential)
            again = self._renew_for(refused, outcomes, credential, tries)
            if again is None:
                break
            asked, credential = refused, again
        return [outcomes[i] for i in range(len(references))]

    def _renewed(self, refused: Credential | None, cause: AuthenticationError, tries: int) -> Credential:
        if tries >= _CREDENTIALS_A_CALL:
            raise cause
        return self.credentials.renew(refused, cause)

    def _renew_for(
        self, refused: list[int], outcomes: dict[int, Outcome], credential: Credential | None, tries: int
    ) -> Credential | None:
        """Return a credential to ask once more with, or `None` if the outcomes stand."""
        if not refused:
            return None
        cause = outcomes[refused[0]]
        try:
            return self._renewed(credential, cause, tries) if isinstance(cause, AuthenticationError) else None
        except AuthenticationError as exc:
            if len(refused) == len(outcomes):
                raise
            outcomes.update(dict.fromkeys(refused, exc))
            return None

    def open(
        self, link: Link, start: int, stop: int | None, etag: str | None, cancelled: Callable[[], bool] = _never
    ) -> Stream:
        """Return open bytes of `link`.

        Raises:
            DownspoutError: as `open_stream` does; `AuthenticationError` only where no credential helps.
        """
        credential = self.credentials.current()
        tries = 0
        while True:
            http = self._bound(credential, link.reference.shown, cancelled)
            try:
                stream = self.hooks.open_stream(self.account, link, credential, start, stop, etag, http)
            except AuthenticationError as exc:
                credential = self._renewed(credential, exc, tries)
                tries += 1
            except LinkRefused as exc:
                exc.expired = exc.expired or (link.expires_at is not None and self.clock.now() >= link.expires_at)
                raise
            else:
                self.credentials.worked(credential)
                return stream
