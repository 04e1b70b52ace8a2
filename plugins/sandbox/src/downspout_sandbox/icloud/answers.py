"""Answers that several endpoints give: JSON bodies, the shapes of their errors; and how bodies are read."""

import json
import uuid
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

BUSY_PAGE: Final = "<html><head><title>503 Service Temporarily Unavailable</title></head></html>\n"


class BadBody(Exception):
    """A request's body is not the JSON that its call takes."""


async def read_json(request: web.Request) -> object:
    """Read a request's body, whatever its media type says; None where there is none.

    Raises:
        BadBody: It is no UTF-8 or no JSON.
        aiohttp.web.HTTPRequestEntityTooLarge: It is longer than 1 MiB.
    """
    body = await request.read()
    if not body.strip():
        return None
    try:
        value: object = json.loads(body)
    except (ValueError, RecursionError):
        raise BadBody("The body is no JSON.") from None
    return value


@web.middleware
async def bad_bodies(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Answer 400 where a handler could not read what was sent."""
    try:
        return await handler(request)
    except BadBody as error:
        return web.json_response(invalid_body(str(error)), status=400)


async def read_object(request: web.Request) -> dict[str, object]:
    """Read a request's body as a JSON object; empty and `null` count as an empty one.

    Raises:
        BadBody: It is anything else.
    """
    value = await read_json(request)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadBody("The body is no JSON object.")
    return value


def text_of(value: object) -> str:
    """Give a JSON value if it is text, else an empty text."""
    return value if isinstance(value, str) else ""


def web_error(status: int, error_code: str, server_code: str, reason: str) -> web.Response:
    """Make an error of docws or drivews in their usual shape."""
    return web.json_response(web_error_body(error_code, server_code, reason), status=status)


def web_error_body(error_code: str, server_code: str, reason: str) -> dict[str, object]:
    """Make the body of such an error."""
    return {
        "uuid": str(uuid.uuid4()),
        "messageForDeveloper": reason,
        "error_code": error_code,
        "serverErrorCode": server_code,
        "reason": reason,
    }


def not_found_body() -> dict[str, object]:
    """Make the body for a document that is not there, or not the account's."""
    return web_error_body("WSObjectNotFound", "NOT_FOUND", "ObjectNotFoundException: Could not find document")


def invalid_body(reason: str) -> dict[str, object]:
    """Make the body for a request that cannot be answered."""
    return web_error_body("InvalidRequestException", "BAD_REQUEST", reason)


def session_error(status: int, reason: str) -> web.Response:
    """Make the answer to a call whose cookies do not do: 421 and 423 have a shape of their own."""
    body = {"requestUUID": str(uuid.uuid4()), "errorReason": reason, "errorCode": status}
    return web.json_response(body, status=status)


def service_errors(status: int, code: str, message: str, *, key: str = "serviceErrors") -> web.Response:
    """Make an error of the identity service; `key` is spelled `service_errors` where codes are verified."""
    error = {"code": code, "message": message, "suppressDismissal": False}
    return web.json_response({key: [error], "hasError": True}, status=status)


def busy() -> web.Response:
    """Make the page of a service that has had enough of a client."""
    return web.Response(status=503, text=BUSY_PAGE, content_type="text/html")
