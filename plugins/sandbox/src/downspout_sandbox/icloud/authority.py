"""Who may ask drivews and docws: the sessions that accountLogin opened, and the token of the published example."""

import secrets
from typing import Final

import attrs
from aiohttp import web

from downspout_sandbox.icloud import answers
from downspout_sandbox.icloud.switches import Switches
from downspout_sandbox.world import World

DSID: Final = "12345678901"
SEED_TOKEN: Final = "Aq6sandbox1Tfb0Gd3Zc2n9r8-token=="
"""What `token` in the query has to be where no cookie speaks for the client."""

CLIENT_ID: Final = "0e4fa3f4-8a3c-4d53-9a61-2f0f4c6f7a10"
WEB_TOKEN: Final = "X-APPLE-WEBAUTH-TOKEN"
PCS_DOCUMENTS: Final = "X-APPLE-WEBAUTH-PCS-Documents"

_SEED_PARAMETERS: Final = ("clientBuildNumber", "clientMasteringNumber", "clientId", "dsid", "token")
_LIFE: Final = 30 * 86_400.0
_MISSING_TOKEN: Final = f"Missing {WEB_TOKEN} cookie"
_REASONS: Final = {401: "Unauthorized", 421: _MISSING_TOKEN, 423: "Missing PCS cookies from the request"}


@attrs.define
class Session:
    """One browser's session.

    Attributes:
        token: What its cookie carries.
        opened_at: The service's time, seconds since the epoch.
        trusted: It was opened in a trusted browser.
        first: It is the first of the account, whose life `token_uses` may cut short.
        uses: Calls of drivews and docws so far.
        pcs: The value of its PCS cookie, or None while it has none.
        consent_asked: A device was asked for its consent.
        consent_polls: Questions for the state of consent since then.
        consented: The device gave it.
        pcs_requests: Requests for PCS cookies since then.
    """

    token: str
    opened_at: float
    trusted: bool = False
    first: bool = False
    uses: int = 0
    pcs: str | None = None
    consent_asked: bool = False
    consent_polls: int = 0
    consented: bool = False
    pcs_requests: int = 0


class Sessions:
    """The sessions of the account, by the token in their cookie."""

    def __init__(self) -> None:
        self._sessions: dict[str, Session] = {}
        self._opened = 0
        self._seed = Session(SEED_TOKEN, 0.0, first=True)

    def open(self, now: float, *, trusted: bool) -> Session:
        """Open one more session."""
        token = secrets.token_urlsafe(48)
        session = Session(token, now, trusted, first=self._opened == 0)
        self._opened += 1
        self._sessions[token] = session
        return session

    def close(self, session: Session) -> None:
        """Forget a session."""
        self._sessions.pop(session.token, None)

    def of(self, request: web.Request, world: World) -> Session | None:
        """Give the living session that a request's cookies name, or None."""
        session = self._sessions.get(cookie_token(cookies_of(request).get(WEB_TOKEN, "")))
        return session if session is not None and _alive(session, world) else None

    def by_seed(self, request: web.Request, world: World) -> bool:
        """Tell whether a request without cookies carries what the published example does."""
        if request.query.get("token") != SEED_TOKEN or request.query.get("dsid") != DSID:
            return False
        return _alive(self._seed, world) and count_use(self._seed, world)


def count_use(session: Session, world: World) -> bool:
    """Count a call; False where the session has been used up."""
    session.uses += 1
    return _alive(session, world)


def _alive(session: Session, world: World) -> bool:
    general = world.general
    if session.first and general.token_uses is not None and session.uses > general.token_uses:
        return False
    life = general.token_life if general.token_life is not None else _LIFE
    return session.opened_at == 0.0 or world.now() < session.opened_at + life


def cookies_of(request: web.Request) -> dict[str, str]:
    """Read the cookies; some clients send their values in quotation marks, others without."""
    pairs = (pair.strip().partition("=") for pair in request.headers.get("Cookie", "").split(";"))
    return {name: value.strip('"') for name, _, value in pairs if name}


def cookie_value(token: str, version: int = 2) -> str:
    """Wrap a token as the service's cookies do, without the quotation marks."""
    return f"v={version}:t={token}~~"


def cookie_token(value: str) -> str:
    """Take the token out of a cookie's value; empty where it has none."""
    _, mark, rest = value.partition(":t=")
    return rest.partition(":")[0].removesuffix("~~") if mark else ""


def refusal(request: web.Request, world: World, *, docws: bool = False) -> web.Response | None:
    """Give the answer that turns a call of drivews or docws away, or None where it may go on.

    Args:
        request: Judged by its cookies and origin or, on docws, by the published example's query.
        world: Gives sessions and switches.
        docws: The call goes to docws.
    """
    switches = world.switches(Switches, request)
    asked = _asked_error(switches, world)
    if asked is not None:
        return asked
    sessions = world.state(Sessions)
    if docws and WEB_TOKEN not in cookies_of(request) and "token" in request.query:
        if not sessions.by_seed(request, world):
            return answers.session_error(421, _MISSING_TOKEN)
        return _seed_query(request)
    session = sessions.of(request, world)
    if session is None or switches.no_web_access or not count_use(session, world):
        return answers.session_error(421, _MISSING_TOKEN)
    if not request.headers.get("Origin"):
        return web.json_response({"error": "Missing Origin header"}, status=403)
    if switches.protection and cookies_of(request).get(PCS_DOCUMENTS, "") != session.pcs:
        return _no_pcs(switches)
    return None


def _asked_error(switches: Switches, world: World) -> web.Response | None:
    status = switches.drive_answer
    if not status:
        return None
    if switches.drive_errors >= 0 and world.count("icloud drive errors") > switches.drive_errors:
        return None
    if status in _REASONS:
        return answers.session_error(status, _REASONS[status])
    if status in {429, 503}:
        body = answers.web_error_body("ThrottledException", "THROTTLED", "Request was throttled")
        body["retryAfter"] = 1
        headers = {"Retry-After": world.general.retry_after} if world.general.retry_after else {}
        return web.json_response(body, status=status, headers=headers)
    return answers.web_error(status, "InternalException", "INTERNAL_FAILURE", "The request failed")


def _seed_query(request: web.Request) -> web.Response | None:
    for name in _SEED_PARAMETERS:
        if not request.query.get(name):
            return web.json_response(answers.invalid_body(f"Missing query parameter {name}"), status=400)
    return None


def _no_pcs(switches: Switches) -> web.Response:
    if switches.pcs_status == 400:
        return web.json_response(answers.invalid_body("Cannot find PCS auth info from request"), status=400)
    return answers.session_error(423, _REASONS[423])
