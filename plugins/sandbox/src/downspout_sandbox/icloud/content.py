"""The content host: signed links are the only authority, no cookie is wanted and none is read."""

import uuid
from email.utils import formatdate
from typing import Final
from urllib.parse import quote, unquote_plus

import attrs
from aiohttp import web

from downspout_sandbox.content import send_document
from downspout_sandbox.documents import Document
from downspout_sandbox.icloud import items
from downspout_sandbox.icloud.links import Asset, BadLink, ExpiredLink, Links
from downspout_sandbox.icloud.state import Drives
from downspout_sandbox.icloud.switches import Switches
from downspout_sandbox.world import World

_MOVED: Final = "moved=1"
_REFUSALS: Final = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 410: "Gone"}


@attrs.frozen
class Content:
    """The handlers of the content host."""

    world: World

    async def get(self, request: web.Request) -> web.StreamResponse:
        """`GET /B/…` and `GET /packageDownload`: the bytes behind a link."""
        switches = self.world.switches(Switches, request)
        if switches.refuse_first and self.world.count("icloud content") <= switches.refuse_first:
            return _refused(switches.refuse_status)
        path, query = request.match_info.get("path", ""), request.raw_path.partition("?")[2]
        try:
            asset = self.world.state(Links).check(path, query, self.world.now())
        except ExpiredLink:
            return _refused(410)
        except BadLink:
            return _refused(400)
        document = self._document(asset)
        if document is None:
            return _refused(404)
        if switches.redirect and _MOVED not in query.split("&"):
            location = f"{self.world.url('icloud-content')}{request.raw_path}&{_MOVED}"
            return web.Response(status=330, headers={"Location": location})
        name = document.name if asset.part == "package" else _last_segment(request)
        return await send_document(request, document, world=self.world, headers=self._headers(name))

    def _document(self, asset: Asset) -> Document | None:
        drive = self.world.state(Drives).of(self.world)
        item = drive.find(asset.zone, asset.docwsid)
        newest = drive.document(item) if item is not None else None
        if newest is None:
            return None
        document = next((each for each in (newest, *newest.versions) if each.tag == asset.mark), None)
        if document is None or asset.part != "thumbnail":
            return document
        return items.thumbnail_of(document)

    def _headers(self, name: str) -> dict[str, str]:
        shown = quote(name, safe="")
        return {
            "Content-Type": "application/octet-stream",
            "Server": "AppleHttpServer/78689afb4479",
            "X-Apple-Request-UUID": str(uuid.uuid4()),
            "X-Responding-Instance": "contentvendorws:12300401:sandbox:8201:23A1:nocommit",
            "Content-Disposition": f"attachment; filename=\"{shown}\"; filename*=UTF-8''{shown}",
            "Cache-Control": "no-transform,private,max-age=2592000,s-maxage=2592000",
            "Last-Modified": formatdate(self.world.now(), usegmt=True),
        }


def _last_segment(request: web.Request) -> str:
    """Give the file's name as the link has it; an unreplaced placeholder is as good as any."""
    return unquote_plus(request.raw_path.partition("?")[0].rpartition("/")[2])


def _refused(status: int) -> web.Response:
    return web.Response(status=status, text=_REFUSALS.get(status, "Refused") + "\n")


def make_app(world: World) -> web.Application:
    """Make the application of the content host."""
    content = Content(world)
    app = web.Application()
    app.router.add_get("/B/{path}/{name:.*}", content.get)
    app.router.add_get("/packageDownload", content.get)
    return app
