"""The API as a URI reaches it: addresses, the headers that authorise, and what refusals mean there."""

from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from attrs import frozen

from downspout import Account, Credential, DownspoutError, Http, Response, Secret
from downspout.errors import AuthenticationError, ConfigurationError, PermissionDenied
from downspout_oracle import _applinks, _errors
from downspout_oracle._asked import Asked

_API = "/documents/api/1.2"
_SIGN_IN_SECRETS = ("token", "password", "client_secret")
_NOT_IN_COOKIES = frozenset('";\\ ')


def base_url(account: Account) -> str:
    """Return the address that all calls begin with.

    Raises:
        ConfigurationError: `endpoint` is missing.
    """
    address = (account.text("endpoint") or "").rstrip("/")
    if not address:
        raise ConfigurationError(
            f"The account {account.name} has no endpoint.",
            hint="Set endpoint to https://….cec.ocp.oraclecloud.com.",
        )
    return address if "/documents/api/" in urlsplit(address).path else address + _API


@frozen
class Api:
    """Calls for one URI, authorised the way it says.

    Attributes:
        account: its endpoint is asked.
        asked: the URI.
        credential: what `authenticate` gave, or `None`.
        http: sends the headers to the endpoint's origin only.
    """

    account: Account
    asked: Asked
    credential: Credential | None
    http: Http

    def url(self, *path: str, **query: str | int | None) -> str:
        """Return the address of a call; path parts are escaped, parameters that are `None` left out."""
        given = {name: value for name, value in query.items() if value is not None}
        escaped = "/".join(quote(part, safe="") for part in path)
        return f"{base_url(self.account)}/{escaped}" + (f"?{urlencode(given)}" if given else "")

    def get(self, *path: str, **query: str | int | None) -> Response:
        """Ask. A page for signing in is the failure that it stands for.

        Raises:
            DownspoutError: see `signed_out`, `headers` and `Http.request`.
        """
        response = self.http.request("GET", self.url(*path, **query), headers=self.headers())
        if response.ok and response.headers.get("content-type", "").lower().startswith("text/html"):
            raise self.signed_out()
        return response

    def read(self, response: Response, shape: type) -> Any:
        """Return an answer as a `shape`, if status and body say that it succeeded.

        Raises:
            DownspoutError: it did not succeed, or is not of that shape.
        """
        if not response.ok or _errors.told(response) is not None:
            raise self.refusal(response)
        return response.json(shape)

    def headers(self) -> dict[str, str]:
        """Return the header fields that authorise this URI.

        Raises:
            AuthenticationError: there is nothing yet to make them of.
            ConfigurationError: there never will be.
            PermissionDenied: there was, but it has ended.
        """
        authorization = self._value("authorization")
        fields = {"Authorization": authorization} if authorization else {}
        if self.asked.applink is not None:
            return {**fields, **self._applink_headers(self.asked.applink)}
        if self.asked.link is not None:
            return {**fields, **self._link_headers(self.asked.link)}
        if not fields:
            raise AuthenticationError(
                f"The account {self.account.name} has not signed in to Oracle Content Management.",
                hint=f"Sign in: downspout login {self.account.name}.",
            )
        return fields

    def _link_headers(self, link: str) -> dict[str, str]:
        """A public link needs nobody; a configured access code that is no credential yet is waited for."""
        code = self._value("access_code")
        if not code and self.credential is None and self._is_set("access_code"):
            raise AuthenticationError(f"{self.asked.reference.shown}: its access code has not been sent yet.")
        return {"LinkID": link} | ({"Cookie": f"dAccessCode-{link}={as_cookie(code)}"} if code else {})

    def _applink_headers(self, applink: str) -> dict[str, str]:
        token, shown = self._value("applink_token"), self.asked.reference.shown
        if token:
            return {"appLinkID": applink, "accessToken": token}
        if self._value(_applinks.SPENT):
            raise PermissionDenied(f"{shown}: its application link can no longer be renewed.", hint=_applinks.HINT)
        if self._is_set("applink_token"):
            raise AuthenticationError(f"{shown}: its access token has not been sent yet.")
        raise ConfigurationError(
            f"{shown}: there is no access token for the application link.",
            hint=f"Set applink_token, or sign in: downspout login {self.account.name}.",
        )

    def _value(self, name: str) -> str:
        return self.credential.reveal(name) if self.credential is not None else ""

    def _secrets(self) -> list[str]:
        values = self.credential.values.values() if self.credential is not None else ()
        return [value.reveal().rpartition(" ")[2] for value in values if isinstance(value, Secret)]

    def _is_set(self, name: str) -> bool:
        return bool(self.account.settings.get(name))

    def refusal(self, response: Response) -> DownspoutError:
        """Return the error for an answer that refuses, as this URI is authorised.

        `AuthenticationError` only where another credential may help: it makes the core get one, and where none
        is to be had, nothing else of the account is tried.
        """
        error = _errors.error_for(response, self.asked.reference.shown, self._secrets())
        if not isinstance(error, AuthenticationError | PermissionDenied):
            return error
        code = _errors.code_of(_errors.told(response))
        mendable = response.status in {401, 403} and self._another_credential_may_help(response.status, code)
        return (AuthenticationError if mendable else PermissionDenied)(error.message, hint=error.hint)

    def _another_credential_may_help(self, status: int, code: str | None) -> bool:
        if self.asked.applink is not None:
            return self._applink_may_be_renewed(self.asked.applink)
        if self.asked.link is None:
            return status == 401
        if code == _errors.CODE_NEEDED:
            return self._is_set("access_code") and not self._value("access_code")
        return self.may_sign_in()

    def _applink_may_be_renewed(self, applink: str) -> bool:
        """An expired token is refused like a missing right; one renewed a moment ago is not expired."""
        until = self._value(_applinks.UNTIL)
        if not self._value("applink_refresh_token") or (until and self.http.now() < datetime.fromisoformat(until)):
            return False
        _applinks.remember(self.account, applink)
        return True

    def may_sign_in(self) -> bool:
        """Whether nobody is signed in, though the account says how: then a refusal is not the last word."""
        return any(map(self._is_set, _SIGN_IN_SECRETS)) and not self._value("authorization")

    def signed_out(self) -> DownspoutError:
        """Return the error for a page where an answer or a document should be."""
        message = f"{self.asked.reference.shown}: a page for signing in came instead."
        linked = self.asked.link is not None or self.asked.applink is not None
        kind = PermissionDenied if linked and not self.may_sign_in() else AuthenticationError
        return kind(message, hint=f"Sign in: downspout login {self.account.name}.")


def as_cookie(code: str) -> str:
    """Return an access code as a cookie's value: as it is.

    Raises:
        ConfigurationError: it has characters that end a cookie, or that none may have.
    """
    if not all("!" <= character <= "~" and character not in _NOT_IN_COOKIES for character in code):
        raise ConfigurationError(
            "The access code has characters that cannot be sent in a cookie.",
            hint="Ask the owner for a code of letters and digits.",
        )
    return code
