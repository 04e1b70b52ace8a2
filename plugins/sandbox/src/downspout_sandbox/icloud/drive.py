"""drivews: folders and what lies in them."""

import unicodedata
from datetime import UTC, datetime
from typing import Final

import attrs
from aiohttp import web

from downspout_sandbox.documents import hash_text
from downspout_sandbox.icloud import answers, authority, items
from downspout_sandbox.icloud.items import CLOUD_DOCS, OWNER, TRASH, Drive, Item, Kind
from downspout_sandbox.icloud.state import Drives
from downspout_sandbox.world import World

Body = dict[str, object]

_CREATED: Final = "2025-11-03T09:12:44Z"
_OPENED: Final = "2026-01-02T07:00:00Z"
_UUID_OF_SHARE: Final = "3E2B8C51-7D10-4A7C-9C7E-0C4A1F6B2D93"


@attrs.frozen
class Folders:
    """The handlers of drivews."""

    world: World

    async def in_folders(self, request: web.Request) -> web.Response:
        """`POST /retrieveItemDetailsInFolders`: several folders with their children."""
        body = await answers.read_json(request)
        refused = authority.refusal(request, self.world)
        if refused is not None:
            return refused
        if not isinstance(body, list) or not all(isinstance(each, dict) for each in body):
            return web.json_response(answers.invalid_body("Not a list of folders"), status=400)
        found: list[Body] = []
        for element in body:
            item = self._find(element)
            if item is not None and _needs_share(item) and not _right_share(element):
                return web.json_response(answers.invalid_body("shareID is missing"), status=400)
            found.append(self._unknown(element) if item is None else self._folder(item))
        return web.json_response(found)

    async def details(self, request: web.Request) -> web.Response:
        """`POST /retrieveItemDetails`: several items without their children."""
        body = await answers.read_json(request)
        refused = authority.refusal(request, self.world)
        if refused is not None:
            return refused
        elements = body[0].get("items") if isinstance(body, list) and body and isinstance(body[0], dict) else None
        if not isinstance(elements, list) or not all(isinstance(each, dict) for each in elements):
            return web.json_response(answers.invalid_body("Not a list of items"), status=400)
        found = []
        for element in elements:
            item = self._find(element)
            found.append(self._unknown(element) if item is None else describe(self._drive, item))
        return web.json_response([{"items": found}])

    async def app_libraries(self, request: web.Request) -> web.Response:
        """`GET /retrieveAppLibraries`: the folders of applications."""
        await answers.read_json(request)
        refused = authority.refusal(request, self.world)
        if refused is not None:
            return refused
        drive = self._drive
        return web.json_response({"items": [describe(drive, item) for item in drive.app_libraries()]})

    @property
    def _drive(self) -> Drive:
        return self.world.state(Drives).of(self.world)

    def _find(self, element: Body) -> Item | None:
        asked = answers.text_of(element.get("drivewsid"))
        kind, _, rest = asked.partition("::")
        zone, _, docwsid = rest.partition("::")
        if kind == TRASH and not rest:
            zone, docwsid = CLOUD_DOCS, TRASH
        item = self._drive.find(zone, docwsid)
        return item if item is not None and (item.docwsid == TRASH or item.drivewsid == asked) else None

    def _unknown(self, element: Body) -> Body:
        return {"drivewsid": element.get("drivewsid"), "status": "ID_INVALID"}

    def _folder(self, item: Item) -> Body:
        drive = self._drive
        children = drive.children(item)
        body = describe(drive, item)
        files = sum(child.kind is Kind.FILE for child in children)
        body |= {"assetQuota": sum(drive.listed_size(child) or 0 for child in children), "fileCount": files}
        body |= {"shareCount": 0, "shareAliasCount": 0, "directChildrenCount": len(children)}
        body |= {"items": [describe(drive, child) for child in children], "numberOfItems": len(children)}
        return body | {"status": "OK"}


def _needs_share(item: Item) -> bool:
    return item.needs_owner and item.kind is not Kind.FILE


def _right_share(element: Body) -> bool:
    given = element.get("shareID")
    return isinstance(given, dict) and given.get("zoneID") == _share_id()["zoneID"]


def _share_id() -> Body:
    return {
        "shareName": _UUID_OF_SHARE,
        "recordName": f"SHARE-{_UUID_OF_SHARE}",
        "zoneID": {"zoneName": CLOUD_DOCS, "ownerRecordName": OWNER},
    }


def describe(drive: Drive, item: Item) -> Body:
    """Describe one item as listings do; names are decomposed, as the service keeps them."""
    body: Body = {"drivewsid": item.drivewsid, "docwsid": item.docwsid, "zone": item.zone}
    if item.docwsid == TRASH:
        return body
    body |= {"dateCreated": _CREATED, "etag": items.etag_of(item, drive.document(item)), "type": item.kind.value}
    body |= _names(item)
    if item.parent is not None:
        parent = drive.find(*item.parent)
        body |= {"parentId": parent.drivewsid if parent is not None else "", "isChainedToParent": True}
    if item.kind is Kind.FILE:
        body |= _file(drive, item)
    if item.kind is Kind.APP_LIBRARY:
        icon = {"url": f"https://icons.example/{item.zone}.png", "type": "IOS", "size": 120}
        body |= {
            "maxDepth": "ANY",
            "icons": [icon],
            "supportedExtensions": ["pages"],
            "supportedTypes": ["public.data"],
        }
    if item.owner is not None:
        body |= _sharing(item)
    if item.trashed:
        body |= {"restorePath": item.name}
    return body


def _names(item: Item) -> Body:
    name = unicodedata.normalize("NFD", item.name)
    base, dot, extension = name.rpartition(".")
    if item.kind is not Kind.FILE or not dot or not base:
        return {"name": name}
    return {"name": base, "extension": extension, "hiddenExtension": item.package}


def _file(drive: Drive, item: Item) -> Body:
    document = drive.document(item)
    modified = datetime.fromtimestamp(document.modified_at if document is not None else 0, UTC)
    return {
        "item_id": items.item_id(item),
        "dateModified": modified.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "dateChanged": modified.strftime("%Y-%m-%dT%H:%M:%S-00:00"),
        "lastOpenTime": _OPENED,
        "size": drive.listed_size(item),
        "shortGUID": f"0{hash_text(item.docwsid):016x}",
    }


def _sharing(item: Item) -> Body:
    owner = {"firstName": "Ann", "lastName": "Owner", "ownerRecordName": item.owner}
    token = f"unified-{hash_text(item.docwsid):016x}"
    return {"share": "TO_ME", "shareID": _share_id(), "owner": owner, "unifiedToken": token}


def make_app(world: World) -> web.Application:
    """Make the application of drivews."""
    folders = Folders(world)
    app = web.Application(middlewares=[answers.bad_bodies])
    app.router.add_post("/retrieveItemDetailsInFolders", folders.in_folders)
    app.router.add_post("/retrieveItemDetails", folders.details)
    app.router.add_get("/retrieveAppLibraries", folders.app_libraries)
    return app
