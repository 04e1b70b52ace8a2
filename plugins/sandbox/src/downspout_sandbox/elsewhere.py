"""A host that no service owns: where the switch `redirect` sends those who ask for a document.

It takes no credential, so whatever it is sent beyond a range is a credential that went astray: see `requests`.
"""

from collections.abc import Awaitable, Callable

import attrs
from aiohttp import web

from downspout_sandbox.documents import Document
from downspout_sandbox.world import World

NAME = "elsewhere"

Send = Callable[[web.Request, Document, str | None], Awaitable[web.StreamResponse]]


@attrs.define
class Places:
    """The documents that can be had here, by their place, each with its validator."""

    known: dict[str, tuple[Document, str | None]] = attrs.field(factory=dict)

    def put(self, document: Document, etag: str | None) -> str:
        """Make a document available; give its path."""
        path = f"/{document.id.encode().hex()}/{document.version}/{document.size}"
        self.known[path] = document, etag
        return path


def make_app(world: World, send: Send) -> web.Application:
    """Make the host's application; `send` sends a document with its validator."""

    async def get(request: web.Request) -> web.StreamResponse:
        found = world.state(Places).known.get(request.path)
        return await send(request, *found) if found is not None else web.Response(status=404)

    app = web.Application()
    app.router.add_get("/{path:.*}", get)
    return app
