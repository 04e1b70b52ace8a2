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
from downspout_sandbox.switches import Switches as General
from downspout_sandbox.world import World

Body = dict[str, object]


@attrs.frozen
class Failure:
    """A document that has no link: the status by itself, and the body."""

    status: int
    body: Body


@attrs.frozen
class Ask:
    """How links are asked for.

    Attributes:
        switches: As they hold for this request.
        zone: The container.
        owner: Record name of the person whose share it is, or None.
        life: Seconds that the links shall live.
        batch: It is the batch of the published example.
    """

    switches: Switches
    zone: str
    owner: str | None
    life: float
    batch: bool


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
        return self._batch(wanted, self._ask(request, LIFE_BY_BATCH, batch=True))

    async def by_id(self, request: web.Request) -> web.Response:
        """`GET /ws/{zone}/download/by_id[/{owner}]`: one document's link; some clients send `null` with it."""
        await answers.read_json(request)
        refused = authority.refusal(request, self.world, docws=True) or self._spoilt(request)
        if refused is not None:
            return refused
        ask = self._ask(request, LIFE_BY_ID, batch=False)
        outcome = self._outcome(request.query.get("document_id", ""), ask)
        if isinstance(outcome, Failure):
            return web.json_response(outcome.body, status=outcome.status)
        return web.json_response(outcome)

    def _spoilt(self, request: web.Request) -> web.Response | None:
        every = self.world.switches(Switches, request).spurious_every
        if every and self.world.count("icloud docws calls") % every == 0:
            return web.json_response(answers.invalid_body("Something went wrong"), status=400)
        return None

    def _batch(self, wanted: Sequence[str], ask: Ask) -> web.Response:
        found: list[Body] = []
        how = ask.switches.batch_failure
        for docwsid in wanted:
            outcome = self._outcome(docwsid, ask)
            if isinstance(outcome, Failure) and how == "whole":
                return web.json_response(outcome.body, status=outcome.status)
            found += _failed(docwsid, outcome, how) if isinstance(outcome, Failure) else filter(None, [outcome])
        return web.json_response(found[::-1] if ask.switches.batch_reversed else found)

    def _outcome(self, docwsid: str, ask: Ask) -> Body | Failure:
        """Give a document's answer; an empty one where a batch leaves it out."""
        drive = self.world.state(Drives).of(self.world)
        item = drive.find(ask.zone, docwsid)
        document = drive.document(item) if item is not None else None
        if item is None or document is None or not _at_home(item, ask.owner):
            return Failure(404, answers.not_found_body())
        failure = _flawed(item, document)
        if failure is not None:
            return failure
        return {} if ask.batch and item.flaw is Flaw.ABSENT else self._links(item, document, ask)

    def _ask(self, request: web.Request, life: float, *, batch: bool) -> Ask:
        asked = self.world.switches(General, request).link_life
        switches = self.world.switches(Switches, request)
        zone, owner = request.match_info["zone"], request.match_info.get("owner")
        return Ask(switches, zone, owner, life if asked is None else asked, batch)

    def _links(self, item: Item, document: Document, ask: Ask) -> Body:
        """Make one document's answer; a batch lacks two fields, as the published example does."""
        body: Body = {"document_id": item.docwsid}
        if not ask.batch:
            body |= {"item_id": items.item_id(item), "owner_dsid": int(authority.DSID)}
        body |= self._content(item, document, ask.life)
        if not ask.switches.no_thumbnails and items.thumbnail_of(document) is not None:
            name = item.name.rpartition(".")[0] + ".jpg"
            body["thumbnail_token"] = self._token(item, document, "thumbnail", name, ask.life)
        body["double_etag"] = items.etag_of(item, document, 2 if ask.switches.etag_moves else 0)
        return body

    def _content(self, item: Item, document: Document, life: float) -> Body:
        """Make the token of the bytes; a package's `data_token` is null in one zone and missing in the others."""
        if item.flaw is Flaw.NO_TOKEN:
            return {"data_token": None, "package_token": None}
        if not item.package:
            return {"data_token": self._token(item, document, "data", item.name, life)}
        empty: Body = {"data_token": None} if item.zone == CLOUD_DOCS else {}
        return empty | {"package_token": self._token(item, document, "package", item.name, life)}

    def _token(self, item: Item, document: Document, part: str, name: str, life: float) -> dict[str, str]:
        asset = Asset(item.zone, item.docwsid, part, document.tag)
        base = self.world.url("icloud-content")
        return self.world.state(Links).token(asset, base, name, self.world.now(), life)


def _at_home(item: Item, owner: str | None) -> bool:
    """Tell whether an item is asked for where it is: with its owner below a share, without one elsewhere."""
    return owner == item.owner if item.needs_owner else owner in {None, item.owner}


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
