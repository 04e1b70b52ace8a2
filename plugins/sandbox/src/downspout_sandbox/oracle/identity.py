"""Oracle's identity service: OAuth 2 tokens (RFC 6749, sections 4.3 and 4.4)."""

import base64

from aiohttp import web

from downspout_sandbox.oracle.access import (
    CLIENT_ID,
    CLIENT_SECRET,
    FEDERATED,
    GRANT_LIFE,
    PASSWORD,
    USERNAME,
    Sessions,
)
from downspout_sandbox.world import World


def scope(world: World) -> str:
    """Give the scope that a client must ask for."""
    return f"{world.url('oracle')}/urn:opc:cec:all"


class Identity:
    """The token endpoint and the page for signing in, as handlers."""

    def __init__(self, world: World) -> None:
        self.world = world

    def add_routes(self, app: web.Application) -> None:
        """Put the calls at their paths."""
        app.router.add_post("/oauth2/v1/token", self.token)
        app.router.add_get("/ui/v1/signin", self.page)

    async def token(self, request: web.Request) -> web.Response:
        """Give a token for a client's secret, or for a user's password."""
        if not _is_client(request.headers.get("Authorization", "")):
            headers = {"WWW-Authenticate": 'Basic realm="sandbox"'}
            return _error(401, "invalid_client", "Client authentication failed.", headers)
        form = await request.post()
        if form.get("scope") != scope(self.world):
            return _error(400, "invalid_scope", "The scope is unknown.")
        match form.get("grant_type"):
            case "client_credentials":
                return self._issue()
            case "password" if form.get("username") == FEDERATED:
                message = "A federated user can't perform local authentication."
                return _error(400, "invalid_grant", message)
            case "password" if (form.get("username"), form.get("password")) == (USERNAME, PASSWORD):
                return self._issue()
            case "password":
                return _error(400, "invalid_grant", "The user name or the password is wrong.")
        return _error(400, "unsupported_grant_type", "The grant type is unknown.")

    def _issue(self) -> web.Response:
        token = self.world.state(Sessions).grants.issue(USERNAME, self.world)
        life = self.world.general.token_life
        body = {
            "access_token": token.text,
            "token_type": "Bearer",
            "expires_in": int(GRANT_LIFE if life is None else life),
        }
        return web.json_response(body, headers={"Cache-Control": "no-store"})

    async def page(self, _request: web.Request) -> web.Response:
        """Show the page for signing in."""
        return web.Response(text="<!DOCTYPE html><title>Sign in</title>", content_type="text/html")


def _is_client(header: str) -> bool:
    try:
        pair = base64.b64decode(header.removeprefix("Basic "), validate=True).decode()
    except ValueError:
        return False
    return header.startswith("Basic ") and pair == f"{CLIENT_ID}:{CLIENT_SECRET}"


def _error(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> web.Response:
    body = {"error": code, "error_description": message}
    return web.json_response(body, status=status, headers=headers)
