"""Application links: a token for 15 minutes, and another that renews it for 24 hours.

Renewing needs the link's id, which stands in a URI, while `authenticate` is asked about an account only. So the
id that an account was last refused for is remembered beside the account, for as long as the account lives.
"""

from datetime import timedelta
from threading import Lock
from weakref import WeakKeyDictionary

from downspout import Account, Http, Secret
from downspout.errors import AuthenticationError, ProtocolError
from downspout_oracle import _errors, _wire

LIFE = timedelta(minutes=15)

_refused: WeakKeyDictionary[Account, str] = WeakKeyDictionary()
_lock = Lock()


def remember(account: Account, applink: str) -> None:
    """Keep the id of the application link that needs a token."""
    with _lock:
        _refused[account] = applink


def last_refused(account: Account) -> str | None:
    """Return the id that `remember` kept, or `None`."""
    with _lock:
        return _refused.get(account)


def renew(base_url: str, account: Account, token: Secret, refresh_token: Secret, http: Http) -> Secret | None:
    """Return a new access token for the link that was last refused, or `None` if there was none.

    Raises:
        AuthenticationError: the refresh token is not accepted (any more).
        DownspoutError: see `Http.request`.
    """
    applink = last_refused(account)
    if applink is None:
        return None
    pair = {"accessToken": token.reveal(), "refreshToken": refresh_token.reveal()}
    response = http.request("PUT", f"{base_url}/applinks/token", headers={"appLinkID": applink, **pair})
    subject = f"Renewing the application link of {account.name}"
    error = _errors.error_for(response, subject)
    if error.retryable:
        raise error
    if not response.ok or _errors.told(response) is not None:
        raise AuthenticationError(error.message, hint="Have the application create the link again.")
    fresh = response.json(_wire.Renewal).accessToken
    if not _wire.is_token(fresh):
        raise ProtocolError(f"{subject}: the field accessToken holds no token.")
    return Secret(fresh)
