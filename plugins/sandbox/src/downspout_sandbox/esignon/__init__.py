"""eSignon and the host of its documents.

The vendor's page "Create Download URL" (2020-09) and its neighbours, and what is known beyond them.
"""

from collections.abc import Awaitable, Callable

from aiohttp import web

from downspout_sandbox.esignon import links, names
from downspout_sandbox.esignon.access import PASSWORD, USERNAME, Refused, Switches, answer, token_text
from downspout_sandbox.esignon.api import Api
from downspout_sandbox.world import Apps, World

__all__ = ["Switches", "environment", "examples", "make_apps", "sign_in_help"]


def make_apps(world: World) -> Apps:
    """Give the API (`esignon`) and the host of the documents (`esignon-documents`)."""

    @web.middleware
    async def refusals(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        try:
            return await handler(request)
        except Refused as refused:
            options = world.switches(Switches, request)
            return answer({}, options, code=refused.code, message=refused.message, status=refused.status)

    api = web.Application(middlewares=[refusals])
    Api(world).add_routes(api)
    documents = web.Application()
    links.add_routes(documents, world)
    return {"esignon": api, "esignon-documents": documents}


def environment(world: World) -> dict[str, str]:
    """Give the settings of the account `esignon`."""
    found = {
        "DOWNSPOUT_ESIGNON_ENDPOINT": world.url("esignon"),
        "DOWNSPOUT_ESIGNON_COMPANY_ID": names.COMPANY,
        "DOWNSPOUT_ESIGNON_USERNAME": USERNAME,
        "DOWNSPOUT_ESIGNON_PASSWORD": PASSWORD,
        "DOWNSPOUT_ESIGNON_CLIENT_ID": names.CLIENT,
    }
    return found if world.general.sign_in else found | {"DOWNSPOUT_ESIGNON_TOKEN": token_text(0)}


def examples(world: World) -> list[str]:  # noqa: ARG001
    """Give some URIs that work with that environment."""
    return ["esignon:12584", "esignon:12584?part=certificate", "esignon:12586", "esignon:/"]


def sign_in_help(world: World) -> list[str]:  # noqa: ARG001
    """Tell what to answer when signing in."""
    return [f"esignon: company {names.COMPANY}, user {USERNAME}, password {PASSWORD}"]
