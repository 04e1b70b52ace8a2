"""KooDrive's session management: sign-in codes, refreshing, signing off. Apps' signatures do not count here."""

import html
import typing
from urllib.parse import urlencode

from aiohttp import web

from downspout_sandbox.frame import json_object
from downspout_sandbox.koodrive import names
from downspout_sandbox.koodrive.access import (
    BAD_PARAMETERS,
    CARRIER_LIFE,
    CODE,
    NO_CREDENTIAL,
    SESSION,
    Refused,
    Sessions,
    Switches,
    token_text,
    use_token,
)
from downspout_sandbox.world import World

_REFRESH_LIFE = 86_400.0  # seconds; not published, a day here


class SessionApi:
    """The calls, as handlers."""

    def __init__(self, world: World) -> None:
        self.world = world

    def add_routes(self, app: web.Application) -> None:
        """Put the calls at their paths."""
        v1 = "/koodrive/ose/v1"
        app.router.add_get(f"{v1}/session/authCodeURL", self.code_url)
        app.router.add_get("/orgid", self.page)
        app.router.add_post(f"{v1}/session/", self.create)
        app.router.add_post(f"{v1}/session", self.create)
        app.router.add_post(f"{v1}/session/refresh", self.refresh)
        app.router.add_get(f"{v1}/session/auth", self.auth)
        app.router.add_get(f"{v1}/session/logoff", self.log_off)
        app.router.add_post(f"{v1}/auth/refreshToken", self.refresh_carrier)

    async def code_url(self, request: web.Request) -> web.Response:
        """Give the page where a person signs in."""
        if not request.query.get("domain"):
            raise Refused(400, BAD_PARAMETERS, "domain is missing.")
        query = urlencode({"response_type": "code", "redirect_uri": request.query["domain"]})
        uri = f"{self.world.url('koodrive')}/orgid?{query}"
        return web.json_response({"uri": uri, "orgIdHost": "orgid.example", "code": 0, "msg": "Success."})

    async def page(self, request: web.Request) -> web.Response:
        """Show what the sign-in page would end at: the front end's address with a code."""
        address = html.escape(f"{request.query.get('redirect_uri', '')}/?code={CODE}")
        text = f"<!DOCTYPE html>\n<title>OrgID</title>\n<p>Signed in. The next address is\n<pre>{address}</pre>\n"
        return web.Response(text=text, content_type="text/html")

    async def create(self, request: web.Request) -> web.Response:
        """Make a session from the code that the sign-in page gave."""
        body = await json_object(request) or {}
        if body.get("code") != CODE:
            raise Refused(400, NO_CREDENTIAL, "The code does not hold.")
        state = self.world.state(Sessions)
        state.ids.add(SESSION)
        data = {
            "accessToken": f"Bearer {state.access.issue(names.USER, self.world).text}",
            "sessionId": SESSION,
            "userId": names.USER,
            "userInfo": _user_info(),
        }
        return web.json_response({"code": 0, "msg": "Success.", "data": data})

    async def refresh(self, request: web.Request) -> web.Response:
        """Give a new token for one that may have expired; the session id proves the right to it."""
        options = self.world.switches(Switches, request)
        state = self.world.state(Sessions)
        text = token_text(request.headers.get("Authorization", ""), options)
        token = state.access.known(text) if text else None
        if token is None or request.headers.get("x-session-id") not in state.ids:
            raise Refused(options.auth_status, NO_CREDENTIAL, "The session does not hold.")
        state.access.end(token.text)
        new = state.access.issue(token.owner, self.world)
        return web.json_response({"accessToken": f"Bearer {new.text}", "code": 0, "msg": "Success."})

    async def auth(self, request: web.Request) -> web.Response:
        """Say whether a token still holds, and whose it is."""
        options = self.world.switches(Switches, request)
        use_token(request.headers.get("Authorization", ""), options, self.world)
        return web.json_response({"code": 0, "msg": "Success.", "data": _user_info()})

    async def log_off(self, request: web.Request) -> web.Response:
        """End a session."""
        options = self.world.switches(Switches, request)
        token = use_token(request.headers.get("Authorization", ""), options, self.world)
        state = self.world.state(Sessions)
        state.access.end(token.text)
        state.ids.discard(request.headers.get("x-session-id", SESSION))
        return web.json_response({"code": 0, "msg": "Success."})

    async def refresh_carrier(self, request: web.Request) -> web.Response:
        """Give new tokens for a refresh token, as the carrier edition does; it is spent by that."""
        options = self.world.switches(Switches, request)
        body = await json_object(request) or {}
        state = self.world.state(Sessions)
        old = token_text(request.headers.get("Authorization", ""), options, "AT")
        text = str(body.get("refreshToken"))
        token = state.refresh.use(text, self.world, _REFRESH_LIFE, wears=False)
        if token is None or not old:
            raise Refused(options.auth_status, NO_CREDENTIAL, "The refresh token does not hold.")
        state.refresh.end(text)
        state.access.end(old)
        info = {
            "accessToken": f"AT {state.access.issue(token.owner, self.world).text}",
            "expiresIn": int(CARRIER_LIFE),
            "issuedAt": str(int(self.world.now() * 1000)),
            "refreshToken": state.refresh.issue(token.owner, self.world).text,
        }
        return web.json_response({"code": 0, "msg": "Success.", "data": {"sessionInfo": info}})


def _user_info() -> dict[str, typing.Any]:
    return {
        "role": "member",
        "userName": "jo",
        "innerUserId": names.USER,
        "userId": names.USER,
        "tenantId": "sandbox-tenant",
        "orgId": "sandbox-organisation",
        "orgName": "Acme",
        "userCount": 1,
        "deptId": "1",
    }
