"""docws: where a document is now. The published batch, `by_id` as clients call it today, lookups."""

from collections.abc import Sequence

import attrs
from aiohttp import web

from downspout_sandbox.documents import Document
from downspout_sandbox.icloud import answers, authority, items, lookups
from downspout_sandbox.icloud.items import CLOUD_DOCS, Flaw, Item
from downspout_sandbox.icloud.links import LIFE_BY_BATCH, LIFE_BY_ID, Asset, Links
from downspout_sandbox.icloud.state import Drives
from downspout_sandbox.icloud.switches import Switches
from downspout_sandbox.world import World

Body = dict[str, object]


@attrs.frozen
class Failure:
    """A document that has no link: the status by itself, and the body."""

    status: int
    body: Body


@attrs.frozen
class Docs:
    """The handlers of docws."""

    world: World

    async def batch(self, request: web.Request) -> web.Response:
        """`POST /ws/{zone}/download/batch`: links of several documents, or of one that stands by itself."""
        body = await answers.read_json(request)
        refused = authority.refusal(request, self.world, docws=True) or self._spoilt(request)
        switches = self.world.switches(Switches, request)
        if refused is not None:
            return refused
        wanted = _wanted(body)
        if switches.batch_status:
            return web.json_response(answers.invalid_body("The batch was refused"), status=switches.batch_status)
        if wanted is None or not wanted or len(wanted) > switches.batch_limit:
            return web.json_response(answers.invalid_body("Not a list of documents to download"), status=400)
        return self._batch(request.match_info["zone"], wanted, switches)

    async def by_id(self, request: web.Request) -> web.Response:
        """`GET /ws/{zone}/download/by_id[/{owner}]`: one document's link; some clients send `null` with it."""
        await answers.read_json(request)
        refused = authority.refusal(request, self.world, docws=True) or self._spoilt(request)
        if refused is not None:
            return refused
        switches = self.world.switches(Switches, request)
        zone, owner = request.match_info["zone"], request.match_info.get("owner")
        outcome = self._outcome(zone, request.query.get("document_id", ""), owner, switches, LIFE_BY_ID)
        if isinstance(outcome, Failure):
            return web.json_response(outcome.body, status=outcome.status)
        return web.json_response(outcome)

    def _spoilt(self, request: web.Request) -> web.Response | None:
        every = self.world.switches(Switches, request).spurious_every
        if every and self.world.count("icloud docws calls") % every == 0:
            return web.json_response(answers.invalid_body("Something went wrong"), status=400)
        return None

    def _batch(self, zone: str, wanted: Sequence[str], switches: Switches) -> web.Response:
        found: list[Body] = []
        for docwsid in wanted:
            outcome = self._outcome(zone, docwsid, None, switches, LIFE_BY_BATCH, batch=True)
            if isinstance(outcome, Failure):
                if switches.batch_failure == "whole":
                    return web.json_response(outcome.body, status=outcome.status)
                found.extend(_failed(docwsid, outcome, switches.batch_failure))
            elif outcome:
                found.append(outcome)
        return web.json_response(found[::-1] if switches.batch_reversed else found)

    def _outcome(
        self,
        zone: str,
        docwsid: str,
        owner: str | None,
        switches: Switches,
        life: float,
        *,
        batch: bool = False,
    ) -> Body | Failure:
        drive = self.world.state(Drives).of(self.world)
        item = drive.find(zone, docwsid)
        document = drive.document(item) if item is not None else None
        if item is None or document is None or (item.needs_owner and item.owner != owner):
            return Failure(404, answers.not_found_body())
        failure = _flawed(item, document)
        if failure is not None:
            return failure
        if batch and item.flaw is Flaw.ABSENT:
            return {}
        if self.world.general.link_life is not None:
            life = self.world.general.link_life
        return self._links(item, document, switches, life, full=not batch)

    def _links(self, item: Item, document: Document, switches: Switches, life: float, *, full: bool) -> Body:
        """Make one document's answer; `full`: with the two fields that the published example does not have."""
        body: Body = {"document_id": item.docwsid}
        if full:
            body |= {"item_id": items.item_id(item), "owner_dsid": int(authority.DSID)}
        if item.flaw is Flaw.NO_TOKEN:
            body |= {"data_token": None, "package_token": None}
        elif item.package:
            if item.zone == CLOUD_DOCS:
                body["data_token"] = None
            body["package_token"] = self._token(item, document, "package", item.name, life)
        else:
            body["data_token"] = self._token(item, document, "data", item.name, life)
        if not switches.no_thumbnails and items.thumbnail_of(document) is not None:
            name = item.name.rpartition(".")[0] + ".jpg"
            body["thumbnail_token"] = self._token(item, document, "thumbnail", name, life)
        body["double_etag"] = items.etag_of(item, document, 2 if switches.etag_moves else 0)
        return body

    def _token(self, item: Item, document: Document, part: str, name: str, life: float) -> dict[str, str]:
        asset = Asset(item.zone, item.docwsid, part, document.tag)
        base = self.world.url("icloud-content")
        return self.world.state(Links).token(asset, base, name, self.world.now(), life)


def _wanted(body: object) -> list[str] | None:
    """Read the documents that a batch names; a bare object counts as a list of one."""
    elements = [body] if isinstance(body, dict) else body
    if not isinstance(elements, list):
        return None
    found: list[str] = []
    for element in elements:
        if not isinstance(element, dict) or not isinstance(element.get("document_id"), str):
            return None
        found.append(element["document_id"])
    return found


def _flawed(item: Item, document: Document) -> Failure | None:
    if item.flaw is Flaw.GONE:
        return Failure(404, answers.not_found_body())
    if item.flaw is Flaw.DENIED:
        return Failure(403, answers.web_error_body("AccessDeniedException", "ACCESS_DENIED", "Access denied"))
    if item.flaw is Flaw.BROKEN:
        reason = "The request failed"
        return Failure(500, answers.web_error_body("InternalException", "INTERNAL_FAILURE", reason))
    if document.size == 0:
        return Failure(400, answers.invalid_body("The document has no content"))
    return None


def _failed(docwsid: str, failure: Failure, how: str) -> list[Body]:
    """Give the elements, one or none, that stand for a document without a link."""
    if how == "missing":
        return []
    if how == "null":
        return [{"document_id": docwsid, "data_token": None, "double_etag": None}]
    if how == "status":
        status = {"status_code": failure.status, "error_message": failure.body["reason"]}
        return [{"document_id": docwsid, "status": status}]
    return [{"document_id": docwsid} | failure.body]


def make_app(world: World) -> web.Application:
    """Make the application of docws."""
    docs = Docs(world)
    app = web.Application(middlewares=[answers.bad_bodies])
    app.router.add_post("/ws/{zone}/download/batch", docs.batch)
    app.router.add_get("/ws/{zone}/download/by_id", docs.by_id)
    app.router.add_get("/ws/{zone}/download/by_id/{owner}", docs.by_id)
    lookups.add_to(app.router, world)
    return app
