"""Send documents: whole and by range, at a given speed, cut or silent where a switch says so.

RFC 9110, sections 13 (conditions) and 14 (ranges). Of several ranges none is honoured: the answer is the whole.
"""

import asyncio
import contextlib
import functools
import re
from collections.abc import Callable, Mapping
from email.utils import formatdate

import attrs
from aiohttp import hdrs, web

from downspout_sandbox import elsewhere
from downspout_sandbox.documents import Document
from downspout_sandbox.switches import Switches
from downspout_sandbox.world import World

_BLOCK = 256 * 1024
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})\Z")
_LOGIN_PAGE = (
    "<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body><form method='post'>"
    "<input name='user'><input name='password' type='password'></form></body></html>\n"
)


@attrs.frozen
class Unsatisfiable:
    """A range that the document does not have."""


@attrs.frozen
class Part:
    """The bytes to send: from `start` up to, not including, `stop`; `whole` where no range was honoured."""

    start: int
    stop: int
    whole: bool


def parse_range(text: str | None, size: int) -> Part | Unsatisfiable:
    """Read a `Range` header for a document of `size` bytes; what is not one range of bytes means everything."""
    whole = Part(0, size, whole=True)
    match = _RANGE.match(text.replace(" ", "")) if text else None
    if match is None:
        return whole
    first, last = match.groups()
    if first:
        if last and int(last) < int(first):
            return whole
        start, stop = int(first), min(int(last) + 1 if last else size, size)
        return Part(start, stop, whole=False) if start < size else Unsatisfiable()
    if not last:
        return whole
    start = max(0, size - int(last))
    return Part(start, size, whole=False) if start < size else Unsatisfiable()


def login_page(status: int = 200) -> web.Response:
    """Make the page that stands in a document's place when a session is over."""
    return web.Response(status=status, text=_LOGIN_PAGE, content_type="text/html")


def plain_416(size: int) -> web.Response:
    """Make the plain answer to a range that a document of `size` bytes does not have."""
    return web.Response(status=416, text="The range cannot be satisfied.", headers=range_of_none(size))


def range_of_none(size: int) -> dict[str, str]:
    """Give the `Content-Range` of a 416."""
    return {hdrs.CONTENT_RANGE: f"bytes */{size}"}


async def send_document(
    request: web.Request,
    document: Document,
    *,
    world: World,
    etag: str | None = None,
    headers: Mapping[str, str] | None = None,
    unsatisfiable: Callable[[int], web.Response] = plain_416,
    failed: Callable[[], web.Response] | None = None,
) -> web.StreamResponse:
    """Answer a GET or HEAD with a document's bytes, as the request's headers and the switches say.

    Args:
        request: Its `Range`, `If-Range` and `If-Match` are honoured.
        document: What to send.
        world: Gives the switches.
        etag: The validator with its quotes, or None for none.
        headers: More headers; `Content-Type` overrides the document's media type.
        unsatisfiable: Makes the 416 from the size in bytes.
        failed: Makes the 412 for an `If-Match` that names other bytes; None: a plain one.
    """
    general = world.switches(Switches, request)
    if general.login_page:
        return login_page()
    if general.no_etag:
        etag = None
    if not _matches(request, etag):
        return failed() if failed else web.Response(status=412, text="The document has changed.")
    honoured = not general.ignore_range and _continues(request, document, etag, general)
    asked = request.headers.get("Range") if honoured else None
    part = parse_range(asked, document.size)
    if isinstance(part, Unsatisfiable):
        return unsatisfiable(document.size)
    if general.redirect:
        return web.Response(status=302, headers={hdrs.LOCATION: _elsewhere(document, etag, world)})
    return await _send(request, document, part, _headers(document, part, etag, headers), world, general)


def make_elsewhere(world: World) -> web.Application:
    """Make the host to which the switch `redirect` sends; it redirects no further."""

    async def send(request: web.Request, document: Document, etag: str | None) -> web.StreamResponse:
        part = parse_range(request.headers.get("Range"), document.size)
        if isinstance(part, Unsatisfiable):
            return plain_416(document.size)
        general = world.switches(Switches, request)
        return await _send(request, document, part, _headers(document, part, etag, None), world, general)

    return elsewhere.make_app(world, send)


def _elsewhere(document: Document, etag: str | None, world: World) -> str:
    return world.url(elsewhere.NAME) + world.state(elsewhere.Places).put(document, etag)


async def _send(
    request: web.Request,
    document: Document,
    part: Part,
    headers: dict[str, str],
    world: World,
    general: Switches,
) -> web.StreamResponse:
    if general.ignore_range:
        del headers[hdrs.ACCEPT_RANGES]
    _count_change(world, document, general)
    if _is_plain(general) and part.stop - part.start <= _BLOCK:
        body = bytes(document.read(part.start, part.stop))
        return web.Response(status=200 if part.whole else 206, body=body, headers=headers)
    return await _stream(request, document, part, headers, world, general)


def _matches(request: web.Request, etag: str | None) -> bool:
    wanted = request.headers.get("If-Match")
    return wanted is None or wanted == "*" or etag in [each.strip() for each in wanted.split(",")]


def _continues(request: web.Request, document: Document, etag: str | None, general: Switches) -> bool:
    condition = request.headers.get("If-Range")
    if condition is None or general.ignore_if_range:
        return True
    return condition in {etag, _date(document.modified_at)} and not condition.startswith("W/")


def _headers(
    document: Document, part: Part, etag: str | None, headers: Mapping[str, str] | None
) -> dict[str, str]:
    found: dict[str, str] = {
        hdrs.CONTENT_TYPE: document.media_type,
        hdrs.ACCEPT_RANGES: "bytes",
        hdrs.LAST_MODIFIED: _date(document.modified_at),
    }
    if etag is not None:
        found[hdrs.ETAG] = etag
    if not part.whole:
        found[hdrs.CONTENT_RANGE] = f"bytes {part.start}-{part.stop - 1}/{document.size}"
    if headers:
        found.update(headers)
    return found


@functools.lru_cache(maxsize=256)
def _date(moment: float) -> str:
    return formatdate(moment, usegmt=True)


def _is_plain(general: Switches) -> bool:
    return general.cut_after is None and general.stall_after is None and not general.rate and not general.no_length


def _count_change(world: World, document: Document, general: Switches) -> None:
    limit = general.change_after
    if limit is not None and world.count(f"sent {document.id}") == limit:
        world.library.change(document.id)


async def _stream(
    request: web.Request,
    document: Document,
    part: Part,
    headers: Mapping[str, str],
    world: World,
    general: Switches,
) -> web.StreamResponse:
    response = web.StreamResponse(status=200 if part.whole else 206, headers=headers)
    if general.no_length:
        response.enable_chunked_encoding()
    else:
        response.content_length = part.stop - part.start
    await response.prepare(request)
    if request.method == hdrs.METH_HEAD:
        return response
    limit = _fault_limit(world, general)
    stop = part.stop if limit is None else min(part.stop, part.start + limit)
    # A client that has gone is no news here; what aiohttp makes of the exception would go to standard error.
    with contextlib.suppress(ConnectionError):
        await _pump(response, document, part.start, stop, general.rate)
        if stop < part.stop:
            await _break(request, silent=general.stall_after == limit)
    return response


def _fault_limit(world: World, general: Switches) -> int | None:
    limits = [each for each in (general.cut_after, general.stall_after) if each is not None]
    if not limits or (general.cut_times is not None and world.count("faulty answers") > general.cut_times):
        return None
    return min(limits)


async def _pump(response: web.StreamResponse, document: Document, start: int, stop: int, rate: int) -> None:
    block = min(_BLOCK, max(1024, rate // 20)) if rate else _BLOCK
    loop = asyncio.get_running_loop()
    begun, sent = loop.time(), 0
    for place in range(start, stop, block):
        piece = document.read(place, min(place + block, stop))
        await response.write(piece)
        sent += len(piece)
        if rate:
            await asyncio.sleep(max(0.0, begun + sent / rate - loop.time()))


async def _break(request: web.Request, *, silent: bool) -> None:
    """Leave an answer unfinished: say nothing more until the client goes, or close after what was written."""
    transport = request.transport
    while silent and transport is not None and not transport.is_closing():
        await asyncio.sleep(0.05)
    if transport is not None:
        transport.close()
