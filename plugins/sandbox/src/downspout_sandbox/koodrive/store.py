"""The object store behind KooDrive's links: it knows signatures, ranges and XML, and no session."""

from xml.sax.saxutils import escape

from aiohttp import web

from downspout_sandbox.content import range_of_none, send_document
from downspout_sandbox.koodrive import names, signing
from downspout_sandbox.koodrive.access import Switches
from downspout_sandbox.tokens import make_secret
from downspout_sandbox.world import World

_REQUEST_ID = make_secret("store", "request")[:32].upper()


class Store:
    """The store, as one handler for everything."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Send an object to whoever has a link that holds."""
        target = request.raw_path
        try:
            query = signing.check_link(request.method, target, request.headers, self.world.now())
        except signing.Problem as problem:
            return _refuse(request, problem)
        key = request.path.rpartition("/")[2]
        document = names.find_object(key, self.world)
        if document is None:
            return _refuse(request, signing.Problem(404, "NoSuchKey", "The specified key does not exist."))
        if document.id == names.DENIED:
            return _refuse(request, signing.Problem(403, "AccessDenied", "Access Denied"))
        if self.world.switches(Switches, request).warning:
            document = names.warning_for(document)
        headers = {"x-obs-request-id": _REQUEST_ID}
        for parameter, name in (
            ("response-content-disposition", "Content-Disposition"),
            ("response-content-type", "Content-Type"),
        ):
            if parameter in query:
                headers[name] = query[parameter]
        return await send_document(
            request,
            document,
            world=self.world,
            etag=f'"{document.tag}"',
            headers=headers,
            unsatisfiable=_unsatisfiable,
            failed=_precondition_failed,
        )


def _refuse(request: web.Request, problem: signing.Problem) -> web.Response:
    if request.method == "HEAD":
        return web.Response(status=problem.status)
    elements = {"Code": problem.code, "Message": problem.message, **problem.details}
    elements["Resource"] = request.path
    return _xml(problem.status, elements)


def _unsatisfiable(size: int) -> web.Response:
    elements = {"Code": "InvalidRange", "Message": "The requested range is not satisfiable"}
    return _xml(416, elements, range_of_none(size))


def _precondition_failed() -> web.Response:
    message = "At least one of the pre-conditions you specified did not hold"
    return _xml(412, {"Code": "PreconditionFailed", "Message": message})


def _xml(status: int, elements: dict[str, str], headers: dict[str, str] | None = None) -> web.Response:
    inner = {**elements, "RequestId": _REQUEST_ID, "HostId": "sandbox"}
    body = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in inner.items())
    text = f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<Error>{body}</Error>'
    return web.Response(status=status, text=text, content_type="application/xml", headers=headers)


def add_routes(app: web.Application, world: World) -> None:
    """Let the store answer at every path."""
    app.router.add_route("*", "/{key:.*}", Store(world).get)
