"""Who is asking: an app that signs, a session from the settings, or somebody who answers questions."""

import re
from urllib.parse import parse_qs, urlsplit

from attrs import evolve

from downspout import Credential, Http, Interaction, Secret
from downspout.errors import AuthenticationError, ConfigurationError, ProtocolError
from downspout_koodrive import _sign
from downspout_koodrive._api import V1, Api, authorization, secret_texts
from downspout_koodrive._errors import refusal_of
from downspout_koodrive._session import Session, renewed, user_of
from downspout_koodrive._settings import Site
from downspout_koodrive._wire import CodeAddress

_PAGE = re.compile(r"https?://[\x21-\x7e]{1,4096}")
_WAYS = (
    "in the browser, and paste the address it ends at",
    "with a session token",
    "with an AppId and its secret",
)


def sign_in(site: Site, refused: Credential | None, interaction: Interaction | None, http: Http) -> Credential:
    """Return a credential that is worth trying; with somebody to ask, one that the service honours.

    Args:
        site: the account's settings.
        refused: what no longer holds (or, at a login, what was there before), or `None`.
        interaction: somebody who can be asked, or `None`.
        http: asks.

    Raises:
        AuthenticationError: there is nothing to sign in with, or the service does not honour it.
        ConfigurationError: app authentication lacks a part.
    """
    app_refused = refused is not None and bool(refused.reveal("app_id"))
    if site.app_id is not None and (interaction is not None or not app_refused):
        app = _app(site.app_id, site.app_secret, site.user_id, site)
        return app if interaction is None else _checked(app, site, http)
    if refused is not None and not app_refused:
        try:
            return _after(refused, site, http).credential(site)
        except AuthenticationError:
            if interaction is None:
                raise
    if site.token is not None or site.refresh_token is not None:
        return _configured(site, http, check=interaction is not None).credential(site)
    if interaction is not None:
        return _asked(site, interaction, http)
    raise _nothing(site, app_refused=app_refused)


def end_session(site: Site, credential: Credential, http: Http) -> None:
    """End the session of a credential; an app has none.

    Raises:
        DownspoutError: the service does not take it back.
    """
    session = Session.of(credential, site)
    if session.token is None:
        return
    headers = {"Authorization": authorization(session.token.reveal(), site.separator)}
    if session.session_id is not None:
        headers["x-session-id"] = session.session_id.reveal()
    response = http.request("GET", f"{site.base}{V1}/session/logoff", headers=headers)
    problem = refusal_of(response, secret_texts(*credential.values.values(), *site.secrets))
    if problem is not None:
        error = problem.error(site.account)
        if not isinstance(error, AuthenticationError):  # then it has ended already
            raise error


def _nothing(site: Site, *, app_refused: bool) -> AuthenticationError:
    if app_refused:
        return AuthenticationError(
            f"{site.account}: KooDrive does not accept the app's signature.",
            hint="Check app_id, app_secret and user_id, and the clock of this machine.",
        )
    return AuthenticationError(
        f"{site.account}: there is no token for KooDrive.",
        hint=f"Run {site.login}, or set token, or app_id with app_secret.",
    )


def _app(app_id: str, secret: Secret | None, user_id: str | None, site: Site) -> Credential:
    if secret is None or user_id is None:
        missing = "app_secret" if secret is None else "user_id"
        raise ConfigurationError(
            f"{site.account}: app authentication needs app_id, app_secret and user_id.", hint=f"Set {missing} too."
        )
    values: dict[str, Secret | str] = {"app_id": app_id, "app_secret": secret, "user_id": user_id}
    return Credential(site.account, frozenset({site.origin}), values)


def _checked(app: Credential, site: Site, http: Http) -> Credential:
    """Return the app's credential unless the service does not know it; other trouble is left to the first use."""
    api = Api(site, app, http)
    problem = api.refusal(api.own_space(app.reveal("user_id")))
    error = problem.error(site.account) if problem is not None else None
    if isinstance(error, AuthenticationError):
        raise error
    return app


def _after(refused: Credential, site: Site, http: Http) -> Session:
    """Return what comes after a session that ended: the settings' token if it is another one, else a renewal."""
    session = Session.of(refused, site)
    if site.token is not None and site.token not in {session.token, session.configured}:
        return Session.configured_in(site)
    return renewed(session, site, http)


def _configured(site: Site, http: Http, *, check: bool) -> Session:
    """Return the session in the settings; whether it holds is asked only for `check`, or to learn whose it is."""
    session = Session.configured_in(site)
    if session.token is None:
        return _with_user(renewed(session, site, http), site, http)
    if session.user_id is not None and not check:
        return session
    try:
        user_id = user_of(session.token, site, http)
    except AuthenticationError:
        return _with_user(renewed(session, site, http), site, http)
    return evolve(session, user_id=session.user_id or user_id)


def _with_user(session: Session, site: Site, http: Http) -> Session:
    """Return the session with its user's id, as far as the service tells."""
    if session.user_id is not None or session.token is None:
        return session
    return evolve(session, user_id=user_of(session.token, site, http))


def _asked(site: Site, interaction: Interaction, http: Http) -> Credential:
    way = interaction.choose(f"How do you sign in to KooDrive ({site.base})?", _WAYS)
    if way == 0:
        return _by_browser(site, interaction, http).credential(site)
    if way == 1:
        return _by_token(site, interaction, http).credential(site)
    app_id = interaction.ask("AppId").strip()
    secret = Secret(interaction.secret("AppSecret").strip())
    user_id = site.user_id or interaction.ask("KooDrive user id").strip()
    app = _app(_answered(app_id, site), Secret(_answered(secret.reveal(), site)), _answered(user_id, site), site)
    return _checked(app, site, http)


def _by_token(site: Site, interaction: Interaction, http: Http) -> Session:
    interaction.tell("The token is the value of the cookie named Authorization of a signed-in browser.")
    token = _answered(interaction.secret("Session token").strip(), site)
    session_id = interaction.secret("Session id (empty if you have none)").strip()
    user_id = user_of(Secret(token), site, http)
    return Session(Secret(token), Secret(session_id) if session_id else None, user_id=site.user_id or user_id)


def _by_browser(site: Site, interaction: Interaction, http: Http) -> Session:
    domain = site.authority
    url = f"{site.base}{V1}/session/authCodeURL?{_sign.query_string([('domain', domain)])}"
    response = http.request("GET", url)
    problem = refusal_of(response)
    if problem is not None:
        raise problem.error(site.account)
    interaction.tell(f"Open this page and sign in: {_page(response.json(CodeAddress).uri, site)}")
    code = _code_in(_answered(interaction.secret("Address that it ends at, or the code in it").strip(), site))
    response = http.request("POST", f"{site.base}{V1}/session/", json={"code": code, "domain": domain})
    problem = refusal_of(response, [code])
    if problem is not None:
        raise problem.error(site.account)
    return Session(user_id=site.user_id).taking(response, http.now())


def _page(url: str, site: Site) -> str:
    if not _PAGE.fullmatch(url):
        raise ProtocolError(f"{site.account}: KooDrive answered with a sign-in page that is no address.")
    return url


def _code_in(text: str) -> str:
    codes = parse_qs(urlsplit(text).query).get("code") if "://" in text else None
    return codes[0] if codes else text


def _answered(text: str, site: Site) -> str:
    if not text or not text.isascii() or not text.isprintable():
        raise AuthenticationError(
            f"{site.account}: that cannot be signed in with.", hint=f"Run {site.login} again."
        )
    return text
