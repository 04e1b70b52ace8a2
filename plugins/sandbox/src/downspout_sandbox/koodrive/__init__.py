"""Huawei KooDrive and the object store behind its links.

The vendor's pages "Obtaining Download Links" (2026-02-12) and its neighbours, and what is known beyond them.
"""

from collections.abc import Awaitable, Callable

from aiohttp import web

from downspout_sandbox.koodrive import names, store
from downspout_sandbox.koodrive.access import (
    APP_ID,
    APP_SECRET,
    CODE,
    SESSION,
    Refused,
    Sessions,
    Switches,
    refused_answer,
)
from downspout_sandbox.koodrive.api import Api
from downspout_sandbox.koodrive.sessions import SessionApi
from downspout_sandbox.world import Apps, World

__all__ = ["Switches", "environment", "examples", "make_apps", "sign_in_help"]


def make_apps(world: World) -> Apps:
    """Give the API (`koodrive`) and the store (`koodrive-store`)."""

    @web.middleware
    async def refusals(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        try:
            return await handler(request)
        except Refused as refused:
            return refused_answer(refused, world.switches(Switches, request))

    api = web.Application(middlewares=[refusals])
    Api(world).add_routes(api)
    SessionApi(world).add_routes(api)
    objects = web.Application()
    store.add_routes(objects, world)
    return {"koodrive": api, "koodrive-store": objects}


def environment(world: World) -> dict[str, str]:
    """Give the settings of the account `koodrive`."""
    options, state = world.switches(Switches), world.state(Sessions)
    found = {
        "DOWNSPOUT_KOODRIVE_ENDPOINT": world.url("koodrive"),
        "DOWNSPOUT_KOODRIVE_CONTAINER_ID": names.CONTAINER,
        "DOWNSPOUT_KOODRIVE_USER_ID": names.USER,
    }
    if options.app_auth:
        return found | {"DOWNSPOUT_KOODRIVE_APP_ID": APP_ID, "DOWNSPOUT_KOODRIVE_APP_SECRET": APP_SECRET}
    secrets = {"DOWNSPOUT_KOODRIVE_TOKEN": state.access.first_text(names.USER)}
    if options.carrier:
        secrets["DOWNSPOUT_KOODRIVE_REFRESH_TOKEN"] = state.refresh.first_text(names.USER)
    else:
        secrets["DOWNSPOUT_KOODRIVE_SESSION_ID"] = SESSION
    return found if world.general.sign_in else found | secrets


def examples(world: World) -> list[str]:  # noqa: ARG001
    """Give some URIs that work with that environment."""
    return [
        f"koodrive:{names.INVOICE}",
        f"koodrive:{names.CONTAINER}/{names.file_id('large')}",
        f"koodrive:{names.file_id('small-00042')}",
        "koodrive:/Languages",
    ]


def sign_in_help(world: World) -> list[str]:
    """Tell what to answer when signing in."""
    state = world.state(Sessions)
    return [
        f"koodrive: the sign-in page ends at an address with ?code={CODE}",
        f"koodrive: session token {state.access.first_text(names.USER)}, session id {SESSION}",
        f"koodrive: app {APP_ID}, secret {APP_SECRET}",
    ]
