"""KooDrive's calls about documents: download links, listings, details, spaces, shares."""

import base64
import typing
from urllib.parse import quote

from aiohttp import web

from downspout_sandbox.documents import Document, Folder
from downspout_sandbox.frame import json_object, whole_number
from downspout_sandbox.koodrive import names, signing
from downspout_sandbox.koodrive.access import BAD_PARAMETERS, Refused, Switches, check_caller
from downspout_sandbox.world import World

_LONGEST_BATCH = 100
_LINK_LIFE = 3600  # seconds
Json = dict[str, typing.Any]


class Api:
    """The calls, as handlers."""

    def __init__(self, world: World) -> None:
        self.world = world

    def add_routes(self, app: web.Application) -> None:
        """Put the calls at their paths."""
        v1 = "/koodrive/ose/v1"
        app.router.add_post(f"{v1}/files/download", self.download)
        app.router.add_get(f"{v1}/files/path", self.path)
        app.router.add_post(f"{v1}/files/{{file_id}}/detail", self.detail)
        app.router.add_post(f"{v1}/files/{{type:[01]}}", self.list)
        app.router.add_post(f"{v1}/files/{{group}}/{{type:[01]}}", self.list)
        app.router.add_get(f"{v1}/space/{{owner}}", self.space)
        app.router.add_get("/koodrive/ose/v2/space/{owner}", self.spaces)
        app.router.add_post(f"{v1}/share/verify", self.verify_share)
        app.router.add_post(f"{v1}/share/download", self.download_share)
        app.router.add_post(f"{v1}/share/public/download", self.download_public_share)

    async def download(self, request: web.Request) -> web.Response:
        """Give the download links of up to 100 documents."""
        body = await self._checked(request)
        ids = body.get("fileIds")
        if not isinstance(ids, list) or not 1 <= len(ids) <= _LONGEST_BATCH:
            raise Refused(400, BAD_PARAMETERS, "fileIds holds 1 to 100 ids.")
        if not all(isinstance(each, str) for each in ids):
            raise Refused(400, BAD_PARAMETERS, "fileIds holds text.")
        shared = self._shared_folder(request)
        self._check_container(body, shared)
        options = self.world.switches(Switches, request)
        records = [self._record(each, shared, options) for each in ids if names.UNLISTED not in each]
        if options.drop_every:
            records = [each for number, each in enumerate(records, 1) if number % options.drop_every]
        return web.json_response(self._batch(records, len(ids), options))

    def _batch(self, records: list[Json], asked: int, options: Switches) -> Json:
        good = sum(each["code"] == "0" for each in records)
        batch_code = 1 if good == asked else (0 if good else 2)
        if options.batch_code is not None:
            batch_code = options.batch_code
        if options.reverse:
            records.reverse()
        return {
            "downloads": records,
            "batchCode": self._number(batch_code, options),
            "code": self._number(0, options),
            "msg": "Success.",
        }

    def _record(self, file_id: str, shared: bool, options: Switches) -> Json:
        trouble = names.trouble_of(file_id)
        if names.find_folder(file_id, self.world) is not None:
            trouble = ("13000406", "The operation is not allowed on a folder.")
        document = names.find_document(file_id, self.world)
        hidden = document is None or shared != (document.id == names.SHARED_DOCUMENT)
        if trouble is not None or document is None or hidden:
            code, message = trouble or ("13000302", "The file is not in the space.")
            return {"fileId": file_id, "code": code, "msg": message}
        url = "" if options.empty_url else self._link(document, options)
        name = names.shown_name(document)
        return {"fileId": file_id, "url": url, "fileName": name, "code": "0", "msg": "success"}

    def _link(self, document: Document, options: Switches) -> str:
        life = self.world.general.link_life
        seconds = _LINK_LIFE if life is None else max(1, int(life))
        path = "/" + names.object_key(document)
        # The name is encoded here and once more with the query: so do KooDrive's links.
        query = {"response-content-disposition": f'attachment; filename="{quote(document.name)}"'}
        base = self.world.url("koodrive-store")
        if options.old_links:
            return signing.sign_old_link(base, path, query, int(self.world.now()) + seconds)
        return signing.sign_link(base, path, query, self.world.now(), seconds)

    async def list(self, request: web.Request) -> web.Response:
        """Give one page of a folder's or the recycle bin's contents."""
        body = await self._checked(request)
        shared = self._shared_folder(request)
        self._check_container(body, shared)
        options = self.world.switches(Switches, request)
        folder = self._folder_to_list(str(body.get("parentFileId") or "root"), shared)
        if request.match_info["type"] == "1" or body.get("parentFileId") == "sbox":
            children: list[Document | Folder] = []
        elif shared and folder is self.world.library.root:
            document = self.world.library.get(names.SHARED_DOCUMENT)
            children = [document] if document is not None else []
        else:
            children = list(self.world.library.children(folder))
        wanted = str(body.get("fileName") or "")
        items = [self._item(each, folder, options) for each in children]
        items = [each for each in items if wanted in each["fileName"]]
        return web.json_response(_page(items, body, options))

    def _folder_to_list(self, parent: str, shared: bool) -> Folder:
        if parent == "sbox" or (shared and parent == names.SHARED_FOLDER):
            return self.world.library.root
        folder = names.find_folder(parent, self.world)
        if folder is None:
            known = names.find_document(parent, self.world) is not None
            code = 13000304 if known else 13000309
            raise Refused(400, code, "The folder does not exist.")
        return folder

    async def detail(self, request: web.Request) -> web.Response:
        """Give what is known of one document or folder."""
        body = await self._checked(request)
        self._check_container(body, self._shared_folder(request))
        options = self.world.switches(Switches, request)
        file_id = request.match_info["file_id"]
        trouble = names.trouble_of(file_id)
        if trouble is not None:
            raise Refused(400, int(trouble[0]), trouble[1])
        found = names.find_folder(file_id, self.world) or names.find_document(file_id, self.world)
        if found is None:
            raise Refused(400, 13000302, "The file is not in the space.")
        parent = self.world.library.parent(found.id) or self.world.library.root
        item = self._item(found, parent, options)
        return web.json_response({**item, "code": self._number(0, options), "msg": "Success."})

    async def path(self, request: web.Request) -> web.Response:
        """Give the path of a document or folder, as ids and as names; both begin with the space itself."""
        check_caller(request, b"", self.world)
        file_id = request.query.get("fileId", "")
        found = names.find_folder(file_id, self.world) or names.find_document(file_id, self.world)
        if found is None:
            raise Refused(400, 13000302, "The file is not in the space.")
        ids, shown = [file_id], [found.name]
        folder = self.world.library.parent(found.id)
        while folder is not None and folder is not self.world.library.root:
            ids.insert(0, names.folder_id(folder))
            shown.insert(0, folder.name)
            folder = self.world.library.parent(folder.id)
        paths = {"fileIdPath": "/".join(["root", *ids]), "namePath": "/".join(["root", *shown])}
        return web.json_response({**paths, "code": 0, "msg": "Success."})

    def _item(self, each: Document | Folder, parent: Folder, options: Switches) -> Json:
        is_folder = isinstance(each, Folder)
        name = each.name if isinstance(each, Folder) else names.shown_name(each)
        item: Json = {
            "category": "drive#file",
            "id": names.folder_id(each) if isinstance(each, Folder) else names.file_id(each.id),
            "fileName": name,
            "fileType": self._number(10 if is_folder else 45, options),
            "parentFolder": [names.folder_id(parent) if parent is not self.world.library.root else "root"],
            "containers": [names.CONTAINER],
            "createdTime": "2026-01-01T08:00:00.000Z",
            "editedTime": "2026-01-01T08:30:00.000Z",
            "recycled": False,
            "favorite": False,
            "properties": {},
        }
        if isinstance(each, Document):
            item["mimeType"] = each.media_type.partition(";")[0]
            item["size"] = self._number(each.size, options)
            item["fileSuffix"] = name.rpartition(".")[2]
        return item

    async def space(self, request: web.Request) -> web.Response:
        """Give the space of an owner: data is an object."""
        check_caller(request, b"", self.world)
        owner = request.match_info["owner"]
        kind = request.query.get("type", "1")
        return web.json_response({"code": 0, "msg": "Success.", "data": self._space(owner, kind)})

    async def spaces(self, request: web.Request) -> web.Response:
        """Give the spaces of an owner: data is a list."""
        check_caller(request, b"", self.world)
        space = self._space(request.match_info["owner"], "1")
        return web.json_response({"code": 0, "msg": "Success.", "data": [space]})

    def _space(self, owner: str, kind: str) -> Json:
        containers = {(names.USER, "1"): names.CONTAINER, (names.GROUP, "2"): names.GROUP_CONTAINER}
        containers[names.GROUP, "1"] = names.GROUP_CONTAINER
        if (owner, kind) not in containers:
            raise Refused(400, 13000301, "The space does not exist.")
        return {
            "type": int(kind),
            "status": 1,
            "ownerId": owner,
            "containerId": containers[owner, kind],
            "bizRootFileId": "root",
            "bizSboxFileId": "sbox",
            "capacity": "1099511627776",
            "spaceUsed": "20971520",
            "tenantId": "sandbox-tenant",
        }

    async def verify_share(self, request: web.Request) -> web.Response:
        """Give the token for a shared document from its short URL and code."""
        body = await json_object(request) or {}
        if body.get("extractCode") != SHARE_CODE:
            raise Refused(400, 13000410, "The code is wrong.")
        return web.json_response({"code": 0, "msg": "Success.", "kdstoken": "sandbox-kdstoken"})

    async def download_share(self, request: web.Request) -> web.Response:
        """Give the link of a shared document to a signed-in user."""
        return self._share_link(await self._checked(request), request)

    async def download_public_share(self, request: web.Request) -> web.Response:
        """Give the link of a publicly shared document to anyone."""
        return self._share_link(await json_object(request) or {}, request)

    def _share_link(self, body: Json, request: web.Request) -> web.Response:
        document = names.find_document(str(body.get("fileId")), self.world)
        if body.get("shareId") != SHARE_ID or body.get("kdstoken") != "sandbox-kdstoken" or document is None:
            raise Refused(400, 13000309, "The share does not exist.")
        url = self._link(document, self.world.switches(Switches, request))
        return web.json_response({"code": 0, "msg": "Success.", "downloadUrl": url})

    async def _checked(self, request: web.Request) -> Json:
        check_caller(request, await request.read(), self.world)
        body = await json_object(request)
        if body is None or not request.content_type.endswith("json"):
            raise Refused(400, BAD_PARAMETERS, "The body is a JSON object of type application/json.")
        return body

    def _shared_folder(self, request: web.Request) -> bool:
        folder = request.headers.get("x-hw-share-folder-id")
        if folder not in {None, names.SHARED_FOLDER}:
            raise Refused(400, 13000309, "The shared folder does not exist.")
        return folder is not None

    def _check_container(self, body: Json, shared: bool) -> None:
        container = body.get("containerId")
        if not isinstance(container, str) or not 1 <= len(container) <= 64:
            raise Refused(400, BAD_PARAMETERS, "containerId is text of 1 to 64 characters.")
        if container == names.FOREIGN_CONTAINER:
            raise Refused(400, 13000410, "The user has no permission on the space.")
        if not shared and container not in {names.CONTAINER, names.GROUP_CONTAINER}:
            raise Refused(400, 13000301, "The space does not exist.")

    def _number(self, number: int, options: Switches) -> int | str:
        return str(number) if options.code_text else number


SHARE_ID = "sandbox-share"
SHARE_CODE = "code1234"


def _page(items: list[Json], body: Json, options: Switches) -> Json:
    page = body.get("pageInfo") or {}
    if not isinstance(page, dict):
        raise Refused(400, BAD_PARAMETERS, "pageInfo is an object.")
    size, cursor = whole_number(page.get("pageSize") or 100), str(page.get("pageCursor") or "")
    if size is None or not 1 <= size <= 1000:
        raise Refused(400, BAD_PARAMETERS, "pageSize is a number from 1 to 1000.")
    start, step, turn = 0, size, 0
    if cursor:
        start, turn = _read_cursor(cursor)
    if options.short_pages:
        step = 0 if turn == 1 else max(1, step // 2)
    shown = items[start : start + step]
    answer: Json = {"category": "drive#fileList", "files": shown, "code": 0, "msg": "Success."}
    if start + step < len(items):
        text = f"{start + step}:{turn + 1}"
        answer["nextCursor"] = base64.urlsafe_b64encode(text.encode()).decode()
    return answer


def _read_cursor(cursor: str) -> tuple[int, int]:
    try:
        start, _, turn = base64.urlsafe_b64decode(cursor).decode().partition(":")
        return int(start), int(turn)
    except ValueError:
        raise Refused(400, BAD_PARAMETERS, "The cursor is not one of ours.") from None
