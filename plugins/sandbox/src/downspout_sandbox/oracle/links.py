"""Oracle's calls about public links and applinks."""

import re
import typing

from aiohttp import web

from downspout_sandbox.frame import json_object
from downspout_sandbox.oracle import names
from downspout_sandbox.oracle.access import (
    APPLINK_REFRESH_LIFE,
    USERNAME,
    Applink,
    Refused,
    Sessions,
    check_user,
    no_privilege,
    not_found,
)
from downspout_sandbox.oracle.api import PREFIX
from downspout_sandbox.tokens import make_secret
from downspout_sandbox.world import World

Json = dict[str, typing.Any]
_ROLES = ("viewer", "downloader", "contributor", "manager")
_EXPIRATION = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\Z")


class LinkApi:
    """The calls, as handlers."""

    def __init__(self, world: World) -> None:
        self.world = world

    def add_routes(self, app: web.Application) -> None:
        """Put the calls at their paths."""
        app.router.add_put(f"{PREFIX}/applinks/token", self.refresh)
        app.router.add_post(f"{PREFIX}/applinks/{{kind:file|folder}}/{{id}}", self.create_applink)
        app.router.add_post(f"{PREFIX}/publiclinks/{{kind:file|folder}}/{{id}}", self.create_public_link)
        app.router.add_get(f"{PREFIX}/publiclinks/{{kind:file|folder}}/{{id}}", self.public_links)
        app.router.add_get(f"{PREFIX}/publiclinks/{{id}}", self.public_link)

    async def refresh(self, request: web.Request) -> web.Response:
        """Give a new access token for an applink's refresh token, any number of times within its life."""
        headers, state = request.headers, self.world.state(Sessions)
        applink = headers.get("appLinkID", "")
        if not applink or not headers.get("accessToken") or not headers.get("refreshToken"):
            raise Refused(400, "-1", "!csApplinkTokenMalformed", "A header is missing.")
        known = state.applink_refresh_tokens.use(
            headers["refreshToken"], self.world, APPLINK_REFRESH_LIFE, wears=False
        )
        if known is None or known.owner != applink or applink not in state.applinks:
            raise Refused(403, "-20", "!csApplinkTokenInvalid", "The refresh token is not valid.")
        token = state.applink_tokens.issue(applink, self.world)
        return web.json_response({"accessToken": token.text, "type": "applink", "errorCode": "0"})

    async def create_applink(self, request: web.Request) -> web.Response:
        """Make an applink."""
        guid, body = await self._owned(request), await json_object(request) or {}
        role = body.get("role", "viewer")
        if not body.get("assignedUser") or role not in _ROLES:
            raise Refused(400, "-1", "!csInvalidParameter", "assignedUser or role is wrong.", guid)
        state = self.world.state(Sessions)
        link_id = "LF" + make_secret("oracle applink", len(state.applinks))
        target = guid if request.match_info["kind"] == "file" else ""
        state.applinks[link_id] = Applink(target, str(role))
        answer = {
            "appLinkID": link_id,
            "accessToken": state.applink_tokens.issue(link_id, self.world).text,
            "refreshToken": state.applink_refresh_tokens.issue(link_id, self.world).text,
            "appLinkUrl": f"{self.world.url('oracle')}/documents/embed/link/app/{link_id}",
            "assignedUser": body["assignedUser"],
            "role": role,
            "id": guid,
            "type": "applink",
            "errorCode": "0",
        }
        return web.json_response(answer)

    async def create_public_link(self, request: web.Request) -> web.Response:
        """Make a public link."""
        guid, body = await self._owned(request), await json_object(request) or {}
        role, code = body.get("role", "viewer"), body.get("password")
        expiration = str(body.get("expirationTime", "2999-01-01T00:00:00"))
        right_code = code is None or (isinstance(code, str) and 8 <= len(code) <= 50)
        if role not in _ROLES or not right_code or not _EXPIRATION.match(expiration):
            raise Refused(400, "-1", "!csInvalidParameter", "role, password or expirationTime is wrong.", guid)
        state = self.world.state(Sessions)
        file = request.match_info["kind"] == "file"
        link_id = ("LD" if file else "LF") + make_secret("oracle link", len(state.links))[:42].upper()
        anyone = body.get("assignedUsers", "@everybody") == "@everybody"
        link = names.PublicLink(link_id, str(role), anyone, code, target=guid if file else None)
        state.links[link_id] = link
        return web.json_response({**_shown(link), "errorCode": "0"})

    async def public_links(self, request: web.Request) -> web.Response:
        """Give the public links that lead to an item."""
        guid = await self._owned(request)
        links = self.world.state(Sessions).links.values()
        items = [_shown(link) for link in links if link.target in {None, guid}]
        return web.json_response({"items": items, "count": str(len(items)), "errorCode": "0"})

    async def public_link(self, request: web.Request) -> web.Response:
        """Give one public link."""
        check_user(request, self.world)
        link = self.world.state(Sessions).links.get(request.match_info["id"])
        if link is None:
            raise Refused(400, "-26", "!csLinkInvalidOrExpired", "The link is invalid or has expired.")
        return web.json_response({**_shown(link), "errorCode": "0"})

    async def _owned(self, request: web.Request) -> str:
        user, guid = check_user(request, self.world), request.match_info["id"]
        find = names.find_document if request.match_info["kind"] == "file" else names.find_folder
        if find(guid, self.world) is None:
            raise not_found(guid)
        if user != USERNAME:
            raise no_privilege(user, guid)
        return guid


def _shown(link: names.PublicLink) -> Json:
    return {
        "linkID": link.id,
        "linkName": link.id[:8],
        "role": link.role,
        "assignedUsers": "@everybody" if link.anyone else "@serviceinstance",
        "createdTime": "2026-01-01T00:00:00Z",
        "expirationTime": "2026-01-02T00:00:00Z" if link.expired else "2999-01-01T00:00:00Z",
        "ownedBy": {"displayName": "Jo", "loginName": USERNAME, "type": "user"},
        "type": "publiclink",
    }
