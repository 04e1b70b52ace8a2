"""Tokens from the identity domain: the client-credentials and the password grant (RFC 6749, 4.3 and 4.4)."""

from base64 import b64encode
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from downspout import Account, Http, origin_of
from downspout.errors import AuthenticationError, ConfigurationError, ProtocolError
from downspout_oracle import _wire

_PATH = "/oauth2/v1/token"
_LONGEST = 10 * 365 * 86_400
_SET_UP_WRONG = frozenset({"invalid_scope", "unauthorized_client", "unsupported_grant_type", "invalid_request"})


def is_configured(account: Account) -> bool:
    """Whether the account says where to ask for tokens, and as which client."""
    return all(account.text(name) for name in ("token_endpoint", "client_id", "client_secret"))


def ask(account: Account, http: Http) -> _wire.Grant:
    """Return a new token: for the user where one is configured, else for the client itself.

    Raises:
        AuthenticationError: client or user are not accepted.
        ConfigurationError: the client may not ask for this.
        DownspoutError: see `Http.request`.
    """
    username, password = account.text("username"), account.text("password")
    form = {"grant_type": "client_credentials", "scope": _scope(account)}
    if username and password:
        form |= {"grant_type": "password", "username": username, "password": password}
    client = basic(account.text("client_id") or "", account.text("client_secret") or "")
    response = http.request("POST", _url(account), headers={"Authorization": client}, form=form)
    subject = f"Asking for a token for {account.name}"
    if response.status in {400, 401, 403}:
        hidden = [text for name in ("client_secret", "password") if (text := account.text(name))]
        denial = _denial(response.json(_wire.Denial), hidden)
        kind = ConfigurationError if denial.error in _SET_UP_WRONG else AuthenticationError
        raise kind(
            f"{subject}: it is refused ({denial.error_description or denial.error or response.status}).",
            hint="Check client_id, client_secret, username and password; for single sign-on, set token instead.",
        )
    if response.status == 404:
        raise ConfigurationError(f"{subject}: nothing is there (404).", hint="Check token_endpoint.")
    if not response.ok:
        raise response.error(subject)
    grant = response.json(_wire.Grant)
    if not _wire.is_token(grant.access_token):
        raise ProtocolError(f"{subject}: the field access_token holds no token.")
    return grant


def basic(name: str, secret: str) -> str:
    """Return the value of `Authorization` for a name and a secret (RFC 7617, UTF-8)."""
    return f"Basic {b64encode(f'{name}:{secret}'.encode()).decode()}"


def expiry(grant: _wire.Grant, now: datetime) -> datetime | None:
    """Return when a token ends, or `None` if that is not said in a form that makes sense."""
    seconds = grant.expires_in
    return now + timedelta(seconds=seconds) if seconds is not None and 0 < seconds < _LONGEST else None


def _denial(denial: _wire.Denial, hidden: list[str]) -> _wire.Denial:
    return _wire.Denial(
        _wire.plain(denial.error, hidden, 40), _wire.plain(denial.error_description or "", hidden) or None
    )


def _url(account: Account) -> str:
    address = (account.text("token_endpoint") or "").rstrip("/")
    return address if urlsplit(address).path else address + _PATH


def _scope(account: Account) -> str:
    """Return the scope: as set, else what documents of this endpoint are known to need (host and port, always)."""
    scope = account.text("scope")
    if scope:
        return scope
    parts = urlsplit(origin_of(account.text("endpoint") or ""))
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return f"{parts.scheme}://{parts.hostname}:{port}/urn:opc:cec:all"
