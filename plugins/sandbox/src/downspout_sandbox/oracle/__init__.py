"""Oracle Content Management's REST API for documents, version 1.2, and its identity service.

The vendor's page "Download File" and its neighbours, and what is known beyond them. The hosted service ended on
2026-01-01.
"""

from collections.abc import Awaitable, Callable

from aiohttp import web

from downspout_sandbox.oracle import identity, names
from downspout_sandbox.oracle.access import (
    CLIENT_ID,
    CLIENT_SECRET,
    PASSWORD,
    USERNAME,
    Refused,
    Sessions,
    Switches,
    error_answer,
)
from downspout_sandbox.oracle.api import Api
from downspout_sandbox.oracle.links import LinkApi
from downspout_sandbox.world import Apps, World

__all__ = ["Switches", "environment", "examples", "make_apps", "sign_in_help"]


def make_apps(world: World) -> Apps:
    """Give the API, which sends the documents too (`oracle`), and the identity service (`oracle-identity`)."""

    @web.middleware
    async def refusals(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        try:
            return await handler(request)
        except Refused as refused:
            return error_answer(refused)

    api = web.Application(middlewares=[refusals])
    Api(world).add_routes(api)
    LinkApi(world).add_routes(api)
    tokens = web.Application()
    identity.Identity(world).add_routes(tokens)
    return {"oracle": api, "oracle-identity": tokens}


def environment(world: World) -> dict[str, str]:
    """Give the settings of the account `oracle`."""
    way = world.switches(Switches).sign_in
    found = {"DOWNSPOUT_ORACLE_ENDPOINT": world.url("oracle")}
    if way in {"basic", "password"} or world.general.sign_in:
        found |= {"DOWNSPOUT_ORACLE_USERNAME": USERNAME, "DOWNSPOUT_ORACLE_PASSWORD": PASSWORD}
    if way in {"client", "password"}:
        found |= {
            "DOWNSPOUT_ORACLE_CLIENT_ID": CLIENT_ID,
            "DOWNSPOUT_ORACLE_CLIENT_SECRET": CLIENT_SECRET,
            "DOWNSPOUT_ORACLE_TOKEN_ENDPOINT": f"{world.url('oracle-identity')}/oauth2/v1/token",
            "DOWNSPOUT_ORACLE_SCOPE": identity.scope(world),
        }
    if world.general.sign_in:
        return found
    found |= {
        "DOWNSPOUT_ORACLE_ACCESS_CODE": names.ACCESS_CODE,
        "DOWNSPOUT_ORACLE_APPLINK_TOKEN": names.APPLINK_TOKEN,
        "DOWNSPOUT_ORACLE_APPLINK_REFRESH_TOKEN": names.APPLINK_REFRESH_TOKEN,
    }
    if way == "token":
        found["DOWNSPOUT_ORACLE_TOKEN"] = world.state(Sessions).users.first_text(USERNAME)
    return found


def examples(world: World) -> list[str]:  # noqa: ARG001
    """Give some URIs that work with that environment."""
    return [
        f"oracle:{names.REPORT}?version=2",
        f"oracle:{names.file_id('large')}",
        f"oracle:{names.file_id(names.PRIVATE)}?link={names.OPEN_LINK}",
        "oracle:/Reports/2025",
    ]


def sign_in_help(world: World) -> list[str]:
    """Tell what to answer when signing in."""
    token = world.state(Sessions).users.first_text(USERNAME)
    return [
        f"oracle: user {USERNAME}, password {PASSWORD}; or token {token}",
        f"oracle: access code {names.ACCESS_CODE} of the link {names.CODE_LINK}",
    ]
