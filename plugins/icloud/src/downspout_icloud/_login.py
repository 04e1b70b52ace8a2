"""Who is asking: the way that asks least goes first. Apple counts sign-ins by password, and locks accounts."""

from uuid import uuid4

from attrs import frozen

from downspout import Credential, Http, Interaction, Secret
from downspout.errors import AuthenticationError
from downspout_icloud._codes import give_code
from downspout_icloud._identity import Identity
from downspout_icloud._protection import Protection
from downspout_icloud._session import Session, direct, is_direct
from downspout_icloud._settings import Site
from downspout_icloud._setup import Setup, Standing


def end_session(site: Site, credential: Credential, http: Http) -> None:
    """End the session that a sign-in opened; there is none where the settings say it all.

    Raises:
        DownspoutError: iCloud does not take it back.
    """
    session = Session.of(credential)
    if session is not None:
        Setup(site, http).sign_off(session)


def sign_in(site: Site, refused: Credential | None, interaction: Interaction | None, http: Http) -> Credential:
    """Return a credential that is worth trying.

    Args:
        site: the account's settings.
        refused: what no longer holds (or, at a login, what was there before), or `None`.
        interaction: somebody who can be asked, or `None`.
        http: asks.

    Raises:
        AuthenticationError: there is nothing to sign in with, or Apple does not accept it.
        ConfigurationError: the account lives in another region.
        PermissionDenied: access from the web is switched off.
        RateLimited: Apple takes no sign-ins for a while.
    """
    direct_refused = refused is not None and is_direct(refused)
    if site.is_direct and not direct_refused and (interaction is None or site.username is None):
        return direct(site)
    if site.username is None and site.is_direct and interaction is None:
        raise AuthenticationError(
            f"{site.account}: iCloud does not accept the dsid and token of the settings.",
            hint=f"Set new ones; or set username instead, and run {site.login}.",
        )
    site.check_reachable()
    before = Session.of(refused) if refused is not None else None
    return _SignIn(site, Setup(site, http), interaction, http).from_(before).credential(site)


@frozen
class _SignIn:
    site: Site
    setup: Setup
    interaction: Interaction | None
    http: Http

    def from_(self, before: Session | None) -> Session:
        """Return a session that holds, going on from one that may not."""
        if before is not None and self.site.username in (None, before.username):
            standing = self._revived(before)
            if standing is not None:
                return self._opened(standing, is_new=False)
        return self._opened(self._anew(before), is_new=True)

    def _revived(self, before: Session) -> Standing | None:
        """Return how the session stands by its cookies, else by its token; `None`: it takes a password."""
        standing = self.setup.validate(before)
        if standing is not None and standing.is_whole:
            if self.interaction is not None:
                self.interaction.tell(f"Signed in already, as {before.username}.")
                return standing
            if self._is_news(standing, before):
                return standing
        standing = self.setup.sign_in(before)
        return standing if standing is not None and standing.is_whole else None

    def _is_news(self, standing: Standing, before: Session) -> bool:
        """Whether the session differs from the one that was refused."""
        now = standing.session
        return (now.cookies, now.drive, now.docs) != (dict(before.cookies), before.drive, before.docs)

    def _anew(self, before: Session | None) -> Standing:
        username, password = self._asked(before)
        same = before is not None and before.username == username
        client_id = self.site.client_id or (before.client_id if before is not None and same else str(uuid4()))
        trust_token = before.trust_token if before is not None and same else None
        identity = Identity(self.site, self.http, client_id, trust_token=trust_token)
        coded = identity.prove(username, password)
        if coded:
            give_code(identity, self.interaction)
        standing = self.setup.sign_in(self._session(identity, username))
        if standing is not None and not standing.is_whole and not coded:
            give_code(identity, self.interaction)
            standing = self.setup.sign_in(self._session(identity, username))
        if standing is None or not standing.is_whole:
            raise AuthenticationError(
                f"{self.site.account}: Apple took the sign-in, but iCloud gives no session for it.",
                hint=f"Wait some minutes, then run {self.site.login}.",
            )
        return standing

    def _session(self, identity: Identity, username: str) -> Session:
        return Session(
            username,
            identity.client_id,
            session_token=identity.session_token,
            trust_token=identity.trust_token,
            country=identity.country,
        )

    def _asked(self, before: Session | None) -> tuple[str, Secret]:
        username = self.site.username or (before.username if before is not None else None)
        if self.interaction is not None:
            username = username or self.interaction.ask("Apple ID").strip().lower()
            password = self.site.password or Secret(self.interaction.secret(f"Password of {username}"))
        elif username and self.site.password:
            password = self.site.password
        else:
            raise AuthenticationError(f"{self.site.account}: nobody is signed in.", hint=f"Run {self.site.login}.")
        if not username or not password.reveal():
            raise AuthenticationError(f"{self.site.account}: no Apple ID or no password.", hint="Give both.")
        return username, password

    def _opened(self, standing: Standing, *, is_new: bool) -> Session:
        if not standing.pcs_required:
            return standing.session
        return Protection(self.setup, self.interaction).opened(standing.session, is_new=is_new)
