"""Sessions: the tokens that prove one, and how they are renewed.

A token lives for 20 minutes (30 in the carrier edition) and each call begins its life anew, so a credential of
the standard edition has no time of expiry.
"""

import re
from datetime import datetime, timedelta

from attrs import evolve, frozen

from downspout import Credential, Http, Response, Secret
from downspout.errors import AuthenticationError, DownspoutError, ProtocolError
from downspout_koodrive._api import V1, authorization, secret_texts
from downspout_koodrive._errors import refusal_of
from downspout_koodrive._settings import Site
from downspout_koodrive._wire import SessionAnswer, Tokens, UserAnswer, whole_number

_SECRET = re.compile(r"[\x20-\x7e]{1,8192}")
_USER = re.compile(r"[\x21-\x7e]{1,256}")
_LONGEST_LIFE = 30 * 86_400  # seconds


@frozen
class Session:
    """A session as far as it is known.

    Attributes:
        token: with or without its scheme, or `None` if there is only something to renew it with.
        session_id: renews the token in the standard edition.
        refresh_token: renews it in the carrier edition.
        user_id: whose it is.
        configured: the token that the settings hold: a renewed one is never given up for it.
        expires_at: see `Credential`.
    """

    token: Secret | None = None
    session_id: Secret | None = None
    refresh_token: Secret | None = None
    user_id: str | None = None
    configured: Secret | None = None
    expires_at: datetime | None = None

    @classmethod
    def configured_in(cls, site: Site) -> "Session":
        """Return what the settings hold of a session."""
        return cls(site.token, site.session_id, site.refresh_token, site.user_id, configured=site.token)

    @classmethod
    def of(cls, credential: Credential, site: Site) -> "Session":
        """Return what a credential holds of a session; the settings fill the gaps."""

        def secret(name: str) -> Secret | None:
            return Secret(credential.reveal(name)) if credential.reveal(name) else None

        return cls(
            secret("token"),
            secret("session_id") or site.session_id,
            secret("refresh_token") or site.refresh_token,
            site.user_id or credential.reveal("user_id") or None,
            secret("configured"),
        )

    def credential(self, site: Site) -> Credential:
        """Return the session as what proves who is asking, to the service alone."""
        values = {
            "token": self.token,
            "session_id": self.session_id,
            "refresh_token": self.refresh_token,
            "user_id": self.user_id,
            "configured": self.configured,
        }
        known = {name: value for name, value in values.items() if value is not None}
        return Credential(site.account, frozenset({site.origin}), known, self.expires_at)

    def taking(self, response: Response, now: datetime) -> "Session":
        """Return the session with the tokens that the service answered.

        Raises:
            ProtocolError: there is no token in the answer, or one that cannot be sent.
        """
        levels = response.json(SessionAnswer).levels()
        found = next((level for level in levels if level.accessToken), None)
        if found is None:
            raise ProtocolError("KooDrive answered without a field accessToken.")
        users = [str(level.userId) for level in levels if level.userId is not None]
        return evolve(
            self,
            token=_sendable(found.accessToken),
            session_id=_sendable(found.sessionId) or self.session_id,
            refresh_token=_sendable(found.refreshToken) or self.refresh_token,
            user_id=self.user_id or next(filter(_USER.fullmatch, users), None),
            expires_at=_expiry(found, now),
        )


def renewed(session: Session, site: Site, http: Http) -> Session:
    """Return the session with a new token.

    Raises:
        AuthenticationError: it cannot be renewed.
        Unavailable: the service cannot be asked right now.
    """
    secrets = secret_texts(session.token, session.session_id, session.refresh_token, *site.secrets)
    for renew in (_renewed_by_session_id, _renewed_by_refresh_token):
        response = renew(session, site, http)
        if response is None:
            continue
        problem = refusal_of(response, secrets)
        if problem is None:
            return session.taking(response, http.now())
        error = problem.error(site.account)
        if error.retryable:
            raise error
    raise AuthenticationError(
        f"{site.account}: the session is over and cannot be renewed.",
        hint=f"Run {site.login}, or set a new token together with its session_id.",
    )


def user_of(token: Secret, site: Site, http: Http) -> str | None:
    """Return the id of the user whose token it is, or `None` if the service does not tell.

    Raises:
        AuthenticationError: the service does not honour the token.
    """
    headers = {"Authorization": authorization(token.reveal(), site.separator)}
    try:
        response = http.request("GET", f"{site.base}{V1}/session/auth", headers=headers)
        problem = refusal_of(response, secret_texts(token, *site.secrets))
        if problem is not None:
            raise problem.error(site.account)
        user = str(response.json(UserAnswer).data.userId)
    except AuthenticationError:
        raise
    except DownspoutError:  # a courtesy: the call that matters will say what is wrong
        return None
    return user if _USER.fullmatch(user) else None


def _renewed_by_session_id(session: Session, site: Site, http: Http) -> Response | None:
    if session.token is None or session.session_id is None:
        return None
    headers = {
        "Authorization": authorization(session.token.reveal(), site.separator),
        "x-session-id": session.session_id.reveal(),
    }
    return http.request("POST", f"{site.base}{V1}/session/refresh", headers=headers)


def _renewed_by_refresh_token(session: Session, site: Site, http: Http) -> Response | None:
    if session.refresh_token is None:
        return None
    headers = {}
    if session.token is not None:
        headers["Authorization"] = authorization(session.token.reveal(), site.separator, scheme="AT")
    body = {"refreshToken": session.refresh_token.reveal()}
    return http.request("POST", f"{site.base}{V1}/auth/refreshToken", headers=headers, json=body)


def _sendable(text: str | None) -> Secret | None:
    """Return a token as a secret.

    Raises:
        ProtocolError: it could not stand in a header.
    """
    if not text:
        return None
    if not _SECRET.fullmatch(text):
        raise ProtocolError("KooDrive answered with a token that no header can hold.")
    return Secret(text)


def _expiry(tokens: Tokens, now: datetime) -> datetime | None:
    seconds = whole_number(tokens.expiresIn)
    return now + timedelta(seconds=min(seconds, _LONGEST_LIFE)) if seconds else None
