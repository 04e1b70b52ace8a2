"""The calls that list folders and give links, with what every one of them carries."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, urlencode

from attrs import frozen

from downspout import Credential, Http, Response
from downspout.errors import AuthenticationError, ConfigurationError
from downspout_icloud import _cookies
from downspout_icloud._session import Session, is_direct
from downspout_icloud._settings import Site

_BUILD = "1923Hotfix2"  # of the web app; nobody checks it


@frozen
class Api:
    """An account's way to its drive.

    Attributes:
        site: the account's settings.
        credential: a session's, or one made of the settings alone.
        http: asks.
    """

    site: Site
    credential: Credential
    http: Http

    @classmethod
    def of(cls, site: Site, credential: Credential | None, http: Http) -> "Api":
        """Return the way to ask with `credential`.

        Raises:
            AuthenticationError: there is none; only public shares are for strangers.
        """
        if credential is None:
            raise AuthenticationError(f"{site.account}: nobody is signed in.", hint=f"Run {site.login}.")
        return cls(site, credential, http)

    @property
    def has_drive(self) -> bool:
        """Whether folders can be listed."""
        return bool(self.credential.reveal("drive"))

    def check_drive(self, subject: str) -> None:
        """Check that folders can be listed.

        Raises:
            AuthenticationError: a sign-in is needed for that, and may be had.
            ConfigurationError: a sign-in is needed for that, and the account has no user for it.
        """
        if self.has_drive:
            return
        if self.site.username is not None or not is_direct(self.credential):
            raise AuthenticationError(f"{subject}: folders want a sign-in.", hint=f"Run {self.site.login}.")
        raise ConfigurationError(
            f"{subject}: with dsid and token alone, documents can be had by id only.",
            hint=f"Take them out, set username, and run {self.site.login}.",
        )

    def drive(self, path: str, body: Sequence[Any]) -> Response:
        """Ask the service that lists folders."""
        url = f"{self.credential.reveal('drive')}{path}"
        return self.http.request("POST", url, headers=self._headers(), json=body)

    def batch(self, zone: str, ids: Sequence[str]) -> Response:
        """Ask for the links of several documents of a zone."""
        body = [{"document_id": each} for each in ids]
        return self.http.request(
            "POST", self._docs(f"/ws/{zone}/download/batch"), headers=self._headers(), json=body
        )

    def by_id(self, zone: str, docwsid: str, owner: str | None) -> Response:
        """Ask for the links of one document; of somebody else's by its owner."""
        whose = f"/{quote(owner, safe='')}" if owner else ""
        url = self._docs(f"/ws/{zone}/download/by_id{whose}", ("document_id", docwsid))
        return self.http.request("GET", url, headers=self._headers())

    def _docs(self, path: str, *first: tuple[str, str]) -> str:
        known = {name: self.credential.reveal(name) for name in ("client_id", "dsid", "token")}
        query = [
            *first,
            ("clientBuildNumber", _BUILD),
            ("clientMasteringNumber", _BUILD),
            ("clientId", known["client_id"]),
            ("dsid", known["dsid"]),
            ("token", known["token"]),
        ]
        given = [(name, value) for name, value in query if value]
        return f"{self.credential.reveal('docs')}{path}?{urlencode(given)}"

    def _headers(self) -> dict[str, str]:
        home = self.site.region.home
        headers = {"Origin": home, "Referer": f"{home}/"}
        session = Session.of(self.credential)
        cookies = session.cookies if session is not None else {}
        return headers | ({"Cookie": _cookies.header(cookies)} if cookies else {})
