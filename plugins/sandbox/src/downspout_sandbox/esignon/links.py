"""The host of eSignon's documents: links that carry their own authority, for five minutes or without end."""

import hmac

from aiohttp import web

from downspout_sandbox.content import login_page, send_document
from downspout_sandbox.documents import Document
from downspout_sandbox.esignon import names
from downspout_sandbox.esignon.access import Sessions, Switches
from downspout_sandbox.tokens import make_secret
from downspout_sandbox.world import World

_KEY = make_secret("esignon", "links").encode()
LIFE = 300  # seconds
_EVENTS = {"document": "DOC_DOWN", "certificate": "CERT_DOWN"}


def make_link(workflow: names.Workflow, part: str, expires_at: int, world: World) -> str:
    """Make a link to a workflow's `document` or `certificate`.

    Args:
        workflow: Whose.
        part: `document` or `certificate`.
        expires_at: Seconds since the epoch; 0: never.
        world: Tells the host and the version.
    """
    document = names.signed_document(workflow, part, world)
    version = document.version if document is not None else 1
    path = f"/docs/{part}/{workflow.number}/{version}/{expires_at}"
    return f"{world.url('esignon-documents')}{path}/{_sign(path)}"


class Documents:
    """The host, as one handler."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Send a document to whoever has a link that holds."""
        options = self.world.switches(Switches, request)
        document = self._find(request, options)
        if document is None:
            return _dead(options)
        self.world.state(Sessions).history.append(
            (int(request.match_info["number"]), _EVENTS[request.match_info["part"]])
        )
        headers = {"Content-Disposition": 'attachment; filename="document.pdf"'}
        return await send_document(request, document, world=self.world, etag=f'"{document.tag}"', headers=headers)

    def _find(self, request: web.Request, options: Switches) -> Document | None:
        path, _, signature = request.path.rpartition("/")
        found = request.match_info
        workflow = names.find(found["number"])
        if not hmac.compare_digest(_sign(path).encode(), signature.encode()) or workflow is None:
            return None
        expires_at = int(found["expires_at"])
        if expires_at and (options.dead_links or self.world.now() >= expires_at):
            return None
        document = names.signed_document(workflow, found["part"], self.world)
        return document.at_version(int(found["version"])) if document is not None else None


def _dead(options: Switches) -> web.Response:
    if options.dead_link == "html":
        return login_page()
    return web.Response(status=int(options.dead_link), text="The link is not valid any more.")


def _sign(path: str) -> str:
    return hmac.digest(_KEY, path.encode(), "sha256").hex()[:40]


def add_routes(app: web.Application, world: World) -> None:
    """Put the documents at their paths."""
    place = (
        r"/docs/{part:document|certificate}/{number:\d{1,15}}/{version:\d{1,15}}/{expires_at:\d{1,15}}/{signature}"
    )
    app.router.add_get(place, Documents(world).get)
