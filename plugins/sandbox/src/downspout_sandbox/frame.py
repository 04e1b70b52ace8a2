"""What stands around every endpoint: the record of requests, the faults that switches ask for, the control calls.

Control calls, on every endpoint, for a shell or a test in another process:

- `GET /_sandbox/switches`, `POST /_sandbox/switches` with a JSON object of switches to set;
- `GET /_sandbox/requests`: what was asked so far;
- `POST /_sandbox/reset`;
- `POST /_sandbox/advance` with `{"seconds": 300}`: move the services' clocks on;
- `POST /_sandbox/change` with `{"id": "large"}`: give a document other bytes.
"""

import asyncio
import json
import time
import typing
from collections.abc import Awaitable, Callable
from email.utils import formatdate

from aiohttp import hdrs, web

from downspout_sandbox.switches import Switches
from downspout_sandbox.world import Recorded, World

CONTROL = "/_sandbox/"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def surround(app: web.Application, service: str, endpoint: str, world: World) -> None:
    """Put the frame around a service's application; must be called before it starts."""

    @web.middleware
    async def frame(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith(CONTROL):
            return await _control(request, world)
        return await _answer(request, handler, endpoint, world)

    # Recorded before the first byte goes out, so that whoever has an answer finds its request recorded.
    async def record(request: web.Request, response: web.StreamResponse) -> None:
        ahead = world.now() - time.time()
        if abs(ahead) >= 1:
            response.headers[hdrs.DATE] = formatdate(world.now(), usegmt=True)
        path, _, query = request.raw_path.partition("?")
        if not path.startswith(CONTROL):
            method, headers = request.method, request.headers
            world.requests.append(Recorded(service, endpoint, method, path, query, headers, response.status))

    app.middlewares.insert(0, frame)
    app.on_response_prepare.append(record)


async def _answer(request: web.Request, handler: Handler, endpoint: str, world: World) -> web.StreamResponse:
    general = world.switches(Switches, request)
    if not general.faults_at or endpoint in general.faults_at.split(","):
        if general.latency:
            await asyncio.sleep(general.latency)
        fault = _fault(endpoint, general, world)
        if fault is not None:
            return fault
    return await handler(request)


def _fault(endpoint: str, general: Switches, world: World) -> web.Response | None:
    if not (general.fail_every or general.fail_first or general.throttle_every):
        return None
    number = world.count(f"requests {endpoint}")
    headers = {hdrs.RETRY_AFTER: general.retry_after} if general.retry_after else {}
    if general.throttle_every and number % general.throttle_every == 0:
        return web.Response(status=429, text="Too many requests.", headers=headers)
    if number <= general.fail_first or (general.fail_every and number % general.fail_every == 0):
        wanted = headers if general.fail_status in {429, 503} else {}
        return web.Response(status=general.fail_status, text="The sandbox fails, as asked.", headers=wanted)
    return None


async def _control(request: web.Request, world: World) -> web.Response:
    what = (request.method, request.path.removeprefix(CONTROL))
    try:
        body = await request.json() if request.can_read_body else {}
        return _controlled(what, body, world)
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        return web.json_response({"error": str(error)}, status=400)


def _controlled(what: tuple[str, str], body: dict[str, typing.Any], world: World) -> web.Response:
    match what:
        case ("POST", "switches"):
            world.set_switches(body)
        case ("POST", "reset"):
            world.reset()
        case ("POST", "advance"):
            world.advance(float(body["seconds"]))
        case ("POST", "change"):
            world.library.change(body["id"])
        case ("GET", "requests"):
            return web.json_response([_as_json(each) for each in world.requests])
        case ("GET", "switches"):
            pass
        case _:
            return web.json_response({"error": "There is no such control call."}, status=404)
    return web.json_response(world.switch_values())


def _as_json(recorded: Recorded) -> dict[str, object]:
    return {
        "service": recorded.service,
        "endpoint": recorded.endpoint,
        "method": recorded.method,
        "path": recorded.path,
        "query": recorded.query,
        "headers": [list(pair) for pair in recorded.headers.items()],
        "status": recorded.status,
    }


async def json_object(request: web.Request) -> dict[str, typing.Any] | None:
    """Read a request's body as a JSON object; None where it is anything else."""
    try:
        found = json.loads(await request.read())
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def whole_number(text: object) -> int | None:
    """Read what a client sent as a number: at most 15 ASCII digits, or an integer as large; else None."""
    digits = str(text)
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 15 else None
