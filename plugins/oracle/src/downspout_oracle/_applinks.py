"""Application links: a token for 15 minutes, and another that renews it for 24 hours.

Renewing needs the link's id, which stands in a URI, while `authenticate` is asked about an account only. So the
id that an account was refused for is kept beside the account, until `authenticate` takes it.
"""

from datetime import timedelta
from threading import Lock
from weakref import WeakKeyDictionary

from downspout import Account, Http, Secret
from downspout.errors import AuthenticationError, ProtocolError
from downspout_oracle import _errors, _wire

LIFE = timedelta(minutes=15)
SPENT = "applink_spent"
"""Name of the credential's value that says that renewing was tried, and refused."""
UNTIL = "applink_until"
"""Name of the credential's value that says when a renewed token ends."""
HINT = "Have the application make the link again, and set applink_token and applink_refresh_token."

_refused: WeakKeyDictionary[Account, str] = WeakKeyDictionary()
_lock = Lock()


def remember(account: Account, applink: str) -> None:
    """Keep the id of the application link whose token was refused."""
    with _lock:
        _refused[account] = applink


def take(account: Account) -> str | None:
    """Return the id that `remember` kept, and forget it; `None` if there was none."""
    with _lock:
        return _refused.pop(account, None)


def renew(base_url: str, applink: str, token: str, refresh_token: str, http: Http) -> Secret:
    """Return a new access token for an application link.

    Raises:
        AuthenticationError: the refresh token is not accepted (any more).
        DownspoutError: see `Http.request`.
    """
    pair = {"accessToken": token, "refreshToken": refresh_token}
    response = http.request("PUT", f"{base_url}/applinks/token", headers={"appLinkID": applink, **pair})
    subject = "Renewing an application link"
    error = _errors.error_for(response, subject, pair.values())
    if error.retryable:
        raise error
    if not response.ok or _errors.told(response) is not None:
        raise AuthenticationError(error.message, hint=HINT)
    fresh = response.json(_wire.Renewal).accessToken
    if not _wire.is_token(fresh):
        raise ProtocolError(f"{subject}: the field accessToken holds no token.")
    return Secret(fresh)
