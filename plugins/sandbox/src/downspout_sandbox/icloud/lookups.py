"""docws' older ways to ask about an item: by path, by identifier, and the newer drive items."""

import attrs
from aiohttp import web

from downspout_sandbox.documents import Document
from downspout_sandbox.icloud import answers, authority, items
from downspout_sandbox.icloud.items import CLOUD_DOCS, Drive, Item, Kind
from downspout_sandbox.icloud.links import LIFE_BY_ID, Asset, Links, std64
from downspout_sandbox.icloud.state import Drives
from downspout_sandbox.world import World

Body = dict[str, object]

_PAGE_LIMIT = 1000


@attrs.frozen
class Lookups:
    """The handlers of docws that describe items."""

    world: World

    async def by_path(self, request: web.Request) -> web.Response:
        """`POST /ws/{zone}/list/lookup_by_path`: the body is a path, as JSON text."""
        path = await answers.read_json(request)
        refused = authority.refusal(request, self.world, docws=True)
        if refused is not None:
            return refused
        item = self._drive.by_path(path) if isinstance(path, str) else None
        if item is None or request.match_info["zone"] != CLOUD_DOCS:
            return web.json_response(answers.not_found_body(), status=404)
        return web.json_response([self._record(item)])

    async def by_id(self, request: web.Request) -> web.Response:
        """`GET /ws/{zone}/list/lookup_by_id?document_id=…`."""
        await answers.read_json(request)
        refused = authority.refusal(request, self.world, docws=True)
        if refused is not None:
            return refused
        item = self._drive.find(request.match_info["zone"], request.query.get("document_id", ""))
        if item is None:
            return web.json_response(answers.not_found_body(), status=404)
        return web.json_response(self._record(item))

    async def drive_item(self, request: web.Request) -> web.Response:
        """`GET /v1/item/{item_id}`."""
        await answers.read_json(request)
        refused = authority.refusal(request, self.world, docws=True)
        if refused is not None:
            return refused
        item = self._drive.by_item_id(request.match_info["item_id"])
        if item is None:
            return web.json_response(answers.not_found_body(), status=404)
        return web.json_response(self._drive_item(item))

    async def enumerate(self, request: web.Request) -> web.Response:
        """`GET /v1/enumerate/{item_id}?limit=N`: what lies in a folder."""
        await answers.read_json(request)
        refused = authority.refusal(request, self.world, docws=True)
        if refused is not None:
            return refused
        item = self._drive.by_item_id(request.match_info["item_id"])
        limit = request.query.get("limit", str(_PAGE_LIMIT))
        if item is None:
            return web.json_response(answers.not_found_body(), status=404)
        if not (limit.isascii() and limit.isdigit() and len(limit) < 10):
            return web.json_response(answers.invalid_body("limit is no number"), status=400)
        children = self._drive.children(item)[: int(limit)]
        return web.json_response({"drive_item": [self._drive_item(child) for child in children]})

    @property
    def _drive(self) -> Drive:
        return self.world.state(Drives).of(self.world)

    def _record(self, item: Item) -> Body:
        drive = self._drive
        document = drive.document(item)
        modified = int(document.modified_at * 1000) if document is not None else 0
        body: Body = {
            "status": {"status_code": 0, "error_message": ""},
            "document_id": item.docwsid,
            "item_id": items.item_id(item),
            "urls": self._urls(item, document),
            "etag": items.etag_of(item, document),
            "parent_id": item.parent[1] if item.parent is not None else "",
            "name": item.name,
            "type": "FILE" if item.kind is Kind.FILE else "FOLDER",
            "deleted": item.trashed,
            "mtime": modified,
            "btime": modified,
            "zone": item.zone,
        }
        if document is not None:
            asset = Asset(item.zone, item.docwsid, "data", document.tag)
            body["size"] = drive.listed_size(item)
            body["data"] = {
                "signature": std64(asset.signature),
                "owner": authority.DSID,
                "size": drive.listed_size(item),
                "reference_signature": std64(asset.reference_signature),
                "wrapping_key": std64(asset.wrapping_key),
            }
        return body

    def _drive_item(self, item: Item) -> Body:
        document = self._drive.document(item)
        modified = str(int(document.modified_at * 1000)) if document is not None else "0"
        info: Body = {
            "name": item.name,
            "type": "FILE" if item.kind is Kind.FILE else "FOLDER",
            "version": items.etag_of(item, document),
            "modified_at": modified,
            "created_at": modified,
            "urls": self._urls(item, document),
        }
        size = self._drive.listed_size(item)
        if size is not None:
            info["size"] = str(size)
        return {"item_id": items.item_id(item), "item_info": info}

    def _urls(self, item: Item, document: Document | None) -> dict[str, str]:
        """Give `url_download`: good for files in somebody's share, of no use for others, as clients have found."""
        if document is None:
            return {}
        asset = Asset(item.zone, item.docwsid, "package" if item.package else "data", document.tag)
        base, now = self.world.url("icloud-content"), self.world.now()
        url = self.world.state(Links).token(asset, base, item.name, now, LIFE_BY_ID)["url"]
        return {"url_download": url if item.owner is not None else url.rpartition("&s=")[0]}


def add_to(router: web.UrlDispatcher, world: World) -> None:
    """Add the routes."""
    lookups = Lookups(world)
    router.add_post("/ws/{zone}/list/lookup_by_path", lookups.by_path)
    router.add_get("/ws/{zone}/list/lookup_by_id", lookups.by_id)
    router.add_get("/v1/item/{item_id}", lookups.drive_item)
    router.add_get("/v1/enumerate/{item_id}", lookups.enumerate)
