"""iCloud's setup service: turns a sign-in into cookies, and says where the account's services are."""

import json
from collections.abc import Mapping
from urllib.parse import urlencode

from attrs import evolve, frozen

from downspout import Http, Response
from downspout.errors import AuthenticationError, DownspoutError, PermissionDenied, ProtocolError, RateLimited
from downspout_icloud import _cookies
from downspout_icloud._errors import fault_in, other_region, refusal_of
from downspout_icloud._session import Session, service_address
from downspout_icloud._settings import Site
from downspout_icloud._wire import AccountAnswer

_OVER = (400, 401, 403, 404, 421)
"""How the setup service says that a session, or its token, has ended."""


@frozen
class Standing:
    """How a session stands after a call.

    Attributes:
        session: as it is now.
        is_whole: whether data may be asked for; else a code is wanted first.
        pcs_required: whether documents want cookies for protected data.
    """

    session: Session
    is_whole: bool
    pcs_required: bool


@frozen
class Setup:
    """An account's way to ask the setup service.

    Attributes:
        site: the account's settings.
        http: asks.
    """

    site: Site
    http: Http

    def sign_in(self, session: Session) -> Standing | None:
        """Turn the session's token into cookies; return `None` where the token has ended (or there is none).

        Raises:
            ConfigurationError: the account lives in another region.
            AuthenticationError: terms wait to be accepted.
            PermissionDenied: access from the web is switched off.
            RateLimited: iCloud asks for patience.
        """
        if session.session_token is None:
            return None
        body = {
            "accountCountryCode": session.country or "",
            "dsWebAuthToken": session.session_token,
            "extended_login": True,
            "trustToken": session.trust_token or "",
        }
        return self._standing(session, "/accountLogin", json.dumps(body).encode())

    def validate(self, session: Session) -> Standing | None:
        """Ask whether the cookies still hold; return `None` if they do not.

        Raises:
            DownspoutError: as for `sign_in`.
        """
        if _cookies.WEB_TOKEN not in session.cookies:
            return None
        return self._standing(session, "/validate", b"null")

    def sign_off(self, session: Session) -> None:
        """End the session and the trust in this client; a session that has ended already is no trouble.

        Raises:
            DownspoutError: iCloud does not take it back.
        """
        own = {"clientId": session.client_id, "dsid": session.dsid or ""}
        path = "/logout?" + urlencode({name: value for name, value in own.items() if value})
        response, _ = self.post(path, json.dumps({"trustBrowser": False, "allBrowsers": False}).encode(), session)
        refusal = None if response.status in _OVER else refusal_of(response)
        if refusal is not None:
            raise refusal.error(self.site.account)

    def post(self, path: str, body: bytes | None, session: Session) -> tuple[Response, Session]:
        """Ask with the session's cookies; return the answer, and the session with the cookies that came."""
        response = self.http.request(
            "POST",
            f"{self.site.setup}{path}",
            headers={**self._headers(session.cookies), "Content-Type": "application/json"},
            body=body,
        )
        now = self.http.now()
        cookies = _cookies.updated(session.cookies, response.headers, now)
        ends = [c.expires_at for c in _cookies.received(response.headers, now) if c.name == _cookies.WEB_TOKEN]
        return response, evolve(session, cookies=cookies, expires_at=ends[-1] if ends else session.expires_at)

    def _headers(self, cookies: Mapping[str, str]) -> dict[str, str]:
        home = self.site.region.home
        own = {"Origin": home, "Referer": f"{home}/"}
        return own | ({"Cookie": _cookies.header(cookies)} if cookies else {})

    def _standing(self, session: Session, path: str, body: bytes) -> Standing | None:
        response, session = self.post(path, body, session)
        elsewhere = other_region(fault_in(response).domainToUse, self.site.account)
        if elsewhere is not None:
            raise elsewhere
        if response.status in _OVER:
            return None
        refusal = refusal_of(response)
        if refusal is not None:
            raise _patient(refusal.error(self.site.account))
        return self._read(response.json(AccountAnswer), session)

    def _read(self, answer: AccountAnswer, session: Session) -> Standing | None:
        if answer.termsUpdateNeeded:
            raise AuthenticationError(
                f"{self.site.account}: new terms of iCloud wait to be accepted.",
                hint=f"Sign in at {self.site.region.home}, accept them, then run {self.site.login}.",
            )
        if answer.dsInfo is None:
            return None
        if answer.dsInfo.isWebAccessAllowed is False:
            raise PermissionDenied(
                f"{self.site.account}: access to iCloud data on the web is switched off for this Apple ID.",
                hint="Switch it on in the iCloud settings of a device.",
            )
        services = answer.webservices or {}
        drive, docs = services.get("drivews"), services.get("docws")
        whole = not answer.hsaChallengeRequired and _cookies.WEB_TOKEN in session.cookies
        if whole and (docs is None or drive is None) and self.site.endpoint is None:
            raise ProtocolError(f"{self.site.account}: iCloud does not say where the account's Drive is.")
        session = evolve(
            session,
            dsid=str(answer.dsInfo.dsid),
            drive=service_address(drive.url if drive else None, self.site, "drivews") or session.drive,
            docs=self.site.endpoint
            or service_address(docs.url if docs else None, self.site, "docws")
            or session.docs,
        )
        return Standing(session, whole, bool(docs is None or docs.pcsRequired))


def _patient(error: DownspoutError) -> DownspoutError:
    """Return the error; a pause without a length becomes one of minutes, as sign-in wants it."""
    if isinstance(error, RateLimited) and error.retry_after is None:
        error.retry_after = 600.0
    return error
