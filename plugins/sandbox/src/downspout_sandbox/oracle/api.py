"""Oracle's calls about documents and folders: content, metadata, versions, listings, search."""

import time
import typing
from urllib.parse import quote

from aiohttp import web

from downspout_sandbox.content import range_of_none, send_document
from downspout_sandbox.documents import Document, Folder
from downspout_sandbox.frame import whole_number
from downspout_sandbox.oracle import names
from downspout_sandbox.oracle.access import (
    USERNAME,
    Refused,
    Switches,
    check_reader,
    check_user,
    error_answer,
    not_found,
)
from downspout_sandbox.world import World

Json = dict[str, typing.Any]
PREFIX = "/documents/api/1.2"
_CREATED_AT = 1_767_225_600.0  # 2026-01-01T00:00:00Z
_USER = {
    "id": "U0000000000000000000000000000000000000000JO",
    "displayName": "Jo",
    "loginName": USERNAME,
    "type": "user",
}


class Api:
    """The calls, as handlers."""

    def __init__(self, world: World) -> None:
        self.world = world

    def add_routes(self, app: web.Application) -> None:
        """Put the calls at their paths, with and without a final slash."""
        for path, handler in (
            ("/files/lists", self.several),
            ("/files/{id}", self.file),
            ("/files/{id}/data", self.data),
            ("/files/{id}/data/rendition", self.rendition),
            ("/files/{id}/versions", self.versions),
            ("/folders/items", self.items),
            ("/folders/search/items", self.search),
            ("/folders/{id}", self.folder),
            ("/folders/{id}/items", self.items),
            ("/folders/{id}/search/items", self.search),
        ):
            app.router.add_get(PREFIX + path, handler)
            app.router.add_get(f"{PREFIX}{path}/", handler)

    async def data(self, request: web.Request) -> web.StreamResponse:
        """Send a document: the newest version, or the one asked for."""
        guid = request.match_info["id"]
        check_reader(request, guid, self.world, download=True)
        document = self._version(guid, request)
        return await self._send(request, document)

    async def rendition(self, request: web.Request) -> web.StreamResponse:
        """Send a rendition of a document: here always the same picture."""
        guid = request.match_info["id"]
        check_reader(request, guid, self.world)
        self._version(guid, request)
        picture = self.world.library.get("picture")
        if not request.query.get("rendition") or picture is None:
            raise not_found(guid)
        return await self._send(request, picture)

    async def _send(self, request: web.Request, document: Document) -> web.StreamResponse:
        headers = {}
        if not self.world.switches(Switches, request).plain_names:
            plain = "".join(each if " " < each < "\x7f" and each not in '"\\%' else "_" for each in document.name)
            coded = quote(document.name, safe="")
            headers["Content-Disposition"] = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{coded}"
        return await send_document(
            request,
            document,
            world=self.world,
            etag=f'"{document.tag}"',
            headers=headers,
            unsatisfiable=_unsatisfiable,
        )

    async def file(self, request: web.Request) -> web.Response:
        """Give what is known of a document."""
        guid = request.match_info["id"]
        check_reader(request, guid, self.world)
        document = self._version(guid, request)
        return web.json_response({**self._shown(document, request), "errorCode": "0"})

    async def several(self, request: web.Request) -> web.Response:
        """Give what is known of up to 100 documents."""
        check_user(request, self.world)
        ids = [each for each in request.query.get("idList", "").split(",") if each]
        if not 1 <= len(ids) <= 100:
            raise Refused(400, "-1", "!csInvalidParameter,idList", "idList holds 1 to 100 ids.")
        found = [names.find_document(each, self.world) for each in ids]
        items = [self._shown(each, request) for each in found if each is not None and each.id != names.PRIVATE]
        return web.json_response({"items": items, "count": self._number(len(items), request), "errorCode": "0"})

    async def versions(self, request: web.Request) -> web.Response:
        """Give the versions of a document, the newest first."""
        guid = request.match_info["id"]
        check_reader(request, guid, self.world)
        document = self._version(guid, request)
        items = [self._shown(each, request) for each in (document, *reversed(document.versions))]
        return web.json_response({"items": items, "count": self._number(len(items), request), "errorCode": "0"})

    async def folder(self, request: web.Request) -> web.Response:
        """Give what is known of a folder."""
        check_reader(request, request.match_info["id"], self.world)
        folder = self._folder(request)
        return web.json_response({**self._shown(folder, request), "errorCode": "0"})

    async def items(self, request: web.Request) -> web.Response:
        """Give one page of a folder's contents, or those of the home folder."""
        check_reader(request, request.match_info.get("id", "self"), self.world)
        folder = self._folder(request)
        wanted = request.query.get("filterName")
        children = [each for each in self.world.library.children(folder) if wanted is None or each.name == wanted]
        reverse = request.query.get("orderby", "name:asc").endswith(":desc")
        children.sort(key=lambda each: each.name, reverse=reverse)
        return web.json_response(self._page(children, names.folder_id(folder), request))

    async def search(self, request: web.Request) -> web.Response:
        """Find documents and folders by a part of their names."""
        check_user(request, self.world)
        wanted = request.query.get("fulltext") or request.query.get("querytext")
        if not wanted:
            raise Refused(400, "-1", "!csInvalidParameter,fulltext", "fulltext or querytext is needed.")
        start = self._folder(request)
        found: list[Document | Folder] = []
        queue = [start]
        while queue:
            for child in self.world.library.children(queue.pop(0)):
                if isinstance(child, Folder):
                    queue.append(child)
                if wanted.lower() in child.name.lower():
                    found.append(child)
        page = self._page(found, names.folder_id(start), request)
        return web.json_response({**page, "totalCount": self._number(len(found), request)})

    def _version(self, guid: str, request: web.Request) -> Document:
        document = names.find_document(guid, self.world)
        text = request.query.get("version")
        if document is not None and text is not None:
            document = document.at_version(whole_number(text) or 0)
        if document is None:
            raise not_found(guid)
        return document

    def _folder(self, request: web.Request) -> Folder:
        guid = request.match_info.get("id", "self")
        folder = names.find_folder(guid, self.world)
        if folder is None:
            raise not_found(guid)
        return folder

    def _page(self, children: list[Document | Folder], owner: str, request: web.Request) -> Json:
        limit, start = (whole_number(request.query.get(*each)) for each in (("limit", "50"), ("offset", "0")))
        if limit is None or start is None or not 1 <= limit <= 10_000:
            raise Refused(400, "-1", "!csInvalidParameter,limit", "limit is a number from 1 to 10000.")
        shown = children[start : start + limit]
        more = start + limit < len(children)
        return {
            "count": self._number(len(shown), request),
            "totalResults": self._number(len(children), request),
            "hasMore": self._number(int(more), request),
            "offset": self._number(start, request),
            "limit": self._number(limit, request),
            "ownerFolderID": owner,
            "items": [self._shown(each, request) for each in shown],
            "errorCode": "0",
        }

    def _shown(self, each: Document | Folder, request: web.Request) -> Json:
        parent = self.world.library.parent(each.id) or self.world.library.root
        shown: Json = {
            "parentID": names.folder_id(parent),
            "name": each.name,
            "createdTime": _iso(_CREATED_AT),
            "createdBy": _USER,
            "modifiedBy": _USER,
            "ownedBy": _USER,
        }
        if isinstance(each, Folder):
            return {**shown, "id": names.folder_id(each), "type": "folder", "modifiedTime": _iso(_CREATED_AT)}
        return {
            **shown,
            "id": names.file_id(each.id),
            "type": "file",
            "size": self._number(each.size, request),
            "version": self._number(each.version, request),
            "mimeType": each.media_type.partition(";")[0],
            "modifiedTime": _iso(each.modified_at),
        }

    def _number(self, number: int, request: web.Request) -> str | int:
        return number if self.world.switches(Switches, request).numbers else str(number)


def _unsatisfiable(size: int) -> web.Response:
    message = "Unable to download file. The range cannot be satisfied."
    answer = error_answer(Refused(416, "-1", "!csUnableToDownloadFile!csRangeNotSatisfiable", message))
    answer.headers.update(range_of_none(size))
    return answer


def _iso(moment: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))
