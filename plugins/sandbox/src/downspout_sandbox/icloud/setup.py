"""The setup service: session tokens become cookies, cookies are checked, terms accepted, protected data opened."""

from typing import Final

import attrs
from aiohttp import web

from downspout_sandbox.icloud import accounts, answers, authority
from downspout_sandbox.icloud.accounts import Standing
from downspout_sandbox.icloud.authority import DSID, WEB_TOKEN, Session, Sessions
from downspout_sandbox.icloud.identity import Grant, Identity
from downspout_sandbox.icloud.switches import Switches
from downspout_sandbox.world import World

PREFIX: Final = "/setup/ws/1"
_TERMS_VERSION: Final = 4711
_MISSING: Final = f"Missing {WEB_TOKEN} cookie"
_LOGIN_COOKIES: Final = (
    WEB_TOKEN,
    "X-APPLE-WEBAUTH-VALIDATE",
    "X-APPLE-DS-WEB-SESSION-TOKEN",
    authority.PCS_DOCUMENTS,
)


class Terms:
    """Whether the pending terms were accepted."""

    def __init__(self) -> None:
        self.accepted = False


@attrs.frozen
class Setup:
    """The handlers of the setup service."""

    world: World

    async def account_login(self, request: web.Request) -> web.Response:
        """`POST /accountLogin`: a session token becomes cookies."""
        body = await answers.read_object(request)
        switches = self.world.switches(Switches, request)
        refused = _no_origin(request) or accounts.wrong_region(request, switches)
        if refused is not None:
            return refused
        grant = self._grant(body)
        if isinstance(grant, web.Response):
            return grant
        trusted = grant.trusted or self._identity.trusts(answers.text_of(body.get("trustToken")), self.world)
        terms = switches.terms_pending and not self.world.state(Terms).accepted
        return self._logged_in(Standing(grant.verified or trusted, trusted, terms), switches)

    async def validate(self, request: web.Request) -> web.Response:
        """`POST /validate`: the account again, if the cookies are still good. The body is `null` or empty."""
        await answers.read_json(request)
        session = self._sessions.of(request, self.world)
        refused = _no_origin(request)
        if refused is not None:
            return refused
        switches = self.world.switches(Switches, request)
        if session is None or switches.validate_refused or switches.no_web_access:
            return _session_over(_MISSING if session is None else "Invalid global session")
        return web.json_response(accounts.account_json(self.world, Standing(True, session.trusted)))

    async def logout(self, request: web.Request) -> web.Response:
        """`POST /logout`: end the session and, unless `trustBrowser` is set, the trust."""
        body = await answers.read_object(request)
        session = self._sessions.of(request, self.world)
        if session is None:
            return _session_over(_MISSING)
        self._sessions.close(session)
        self._identity.forget_sessions(trust=body.get("trustBrowser") is not True)
        response = web.json_response({"success": True})
        for name in _LOGIN_COOKIES:
            accounts.drop_cookie(response, name)
        return response

    async def terms(self, request: web.Request) -> web.Response:
        """`GET /getTerms`, with a body: which terms wait."""
        await answers.read_object(request)
        return web.json_response({"iCloudTerms": {"version": _TERMS_VERSION, "text": "Be kind to the sandbox."}})

    async def repair_done(self, request: web.Request) -> web.Response:
        """`GET /repairDone`, with a body: the terms are accepted."""
        body = await answers.read_object(request)
        if accounts.REPAIR not in authority.cookies_of(request):
            return _session_over(f"Missing {accounts.REPAIR} cookie")
        if str(body.get("acceptedICloudTerms")) != str(_TERMS_VERSION):
            return web.json_response({"success": False, "error": "Wrong version of the terms"}, status=400)
        self.world.state(Terms).accepted = True
        return web.json_response({"success": True})

    async def web_access(self, request: web.Request) -> web.Response:
        """`POST /requestWebAccessState`: whether protected data may be seen from the web."""
        await answers.read_json(request)
        session, switches = self._sessions.of(request, self.world), self.world.switches(Switches, request)
        if session is None:
            return _session_over(_MISSING)
        body: dict[str, object] = {"dsid": int(DSID), "isWebAccessAllowed": not switches.no_web_access}
        if switches.protection:
            _poll_consent(session, switches)
            expiry = int(self.world.now() * 1000) + 3_600_000 if session.consented else 0
            body |= {"isDeviceConsentedForPCS": session.consented, "isICDRSDisabled": True}
            body |= {"deviceConsentForPCSExpiry": expiry}
        return web.json_response(body)

    async def ask_consent(self, request: web.Request) -> web.Response:
        """`POST /enableDeviceConsentForPCS`: a device asks its owner."""
        await answers.read_json(request)
        session = self._sessions.of(request, self.world)
        if session is None:
            return _session_over(_MISSING)
        session.consent_asked = True
        return web.json_response({"isDeviceConsentNotificationSent": True, "dsid": int(DSID)})

    async def request_pcs(self, request: web.Request) -> web.Response:
        """`POST /requestPCS`: the cookies of one application, once a device has sent them."""
        body = await answers.read_object(request)
        session, switches = self._sessions.of(request, self.world), self.world.switches(Switches, request)
        if session is None:
            return web.json_response({"success": False, "error": _MISSING}, status=500)
        waiting = _waiting(session, switches)
        if waiting is not None:
            return web.json_response({"status": "failure", "message": waiting})
        response = web.json_response({"status": "success", "message": "Successfully uploaded cookies."})
        if body.get("appName") == "iclouddrive":
            for cookie in accounts.pcs_cookies(session):
                accounts.set_cookie(response, self.world, *cookie)
        return response

    @property
    def _identity(self) -> Identity:
        return self.world.state(Identity)

    @property
    def _sessions(self) -> Sessions:
        return self.world.state(Sessions)

    def _grant(self, body: dict[str, object]) -> Grant | web.Response:
        """Give what the body's session token stands for, or the answer that it stands for nothing."""
        if body.get("dsWebAuthToken") is None:
            return web.json_response({"success": False, "error": "Missing apple_id field"}, status=400)
        grant = self._identity.granted(answers.text_of(body["dsWebAuthToken"]))
        if grant is None:
            return web.json_response({"success": False, "error": "Invalid Session Token"}, status=400)
        if self._identity.is_over(grant, self.world):
            return _session_over("Invalid global session")
        return grant

    def _logged_in(self, standing: Standing, switches: Switches) -> web.Response:
        session = None
        if standing.verified and not standing.terms:
            session = self._sessions.open(self.world.now(), trusted=standing.trusted)
        response = web.json_response(accounts.account_json(self.world, standing))
        for cookie in accounts.cookies_for(session, standing, switches):
            accounts.set_cookie(response, self.world, *cookie)
        return response


def _no_origin(request: web.Request) -> web.Response | None:
    if request.headers.get("Origin"):
        return None
    return web.json_response({"success": False, "error": "Missing Origin header"}, status=403)


def _session_over(reason: str) -> web.Response:
    body = {"success": False, "requestInfo": [{"country": "US"}], "trustTokens": [], "error": reason}
    return web.json_response(body, status=421)


def _poll_consent(session: Session, switches: Switches) -> None:
    if not session.consent_asked or session.consented:
        return
    session.consent_polls += 1
    session.consented = 0 <= switches.consent_polls <= session.consent_polls


def _waiting(session: Session, switches: Switches) -> str | None:
    """Say what a request for PCS cookies still waits for, or None."""
    if not switches.protection:
        return None
    if not session.consented:
        return "Requested the device to upload cookies."
    session.pcs_requests += 1
    if 0 <= switches.pcs_failures < session.pcs_requests:
        return None
    return (
        "Requested the device to upload cookies."
        if session.pcs_requests == 1
        else "Cookies not available yet on server."
    )


def make_app(world: World) -> web.Application:
    """Make the application of the setup service."""
    setup = Setup(world)
    app = web.Application(middlewares=[answers.bad_bodies])
    router = app.router
    router.add_post(f"{PREFIX}/accountLogin", setup.account_login)
    router.add_post(f"{PREFIX}/validate", setup.validate)
    router.add_post(f"{PREFIX}/logout", setup.logout)
    router.add_get(f"{PREFIX}/getTerms", setup.terms)
    router.add_get(f"{PREFIX}/repairDone", setup.repair_done)
    router.add_post(f"{PREFIX}/requestWebAccessState", setup.web_access)
    router.add_post(f"{PREFIX}/enableDeviceConsentForPCS", setup.ask_consent)
    router.add_post(f"{PREFIX}/requestPCS", setup.request_pcs)
    return app
