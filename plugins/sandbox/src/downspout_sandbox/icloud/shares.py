"""CloudKit's door for public share links: a short identifier becomes a record with a link."""

import base64
from typing import Final

import attrs
from aiohttp import web

from downspout_sandbox.documents import Document
from downspout_sandbox.icloud import answers, items
from downspout_sandbox.icloud.items import CLOUD_DOCS, OWNER, SEED_ID, Item
from downspout_sandbox.icloud.links import LIFE_BY_ID, PLACEHOLDER, Asset, Links
from downspout_sandbox.icloud.state import Drives
from downspout_sandbox.icloud.switches import Switches
from downspout_sandbox.world import World

Body = dict[str, object]

# What follows `https://www.icloud.com/iclouddrive/` in the links that people send each other.
SHARED_DOCUMENT: Final = "0b9SandboxSharedDocument0"
SHARED_FOLDER: Final = "0c3SandboxSharedFolder000"
SHARED_IN_PRIVATE: Final = "05aSandboxPrivateShare000"
SHARED_LARGE: Final = "0d7SandboxSharedLarge0000"

_DOCUMENTS: Final = {
    SHARED_DOCUMENT: SEED_ID,
    SHARED_LARGE: items.docwsid_of("large"),
    SHARED_IN_PRIVATE: items.docwsid_of("notes"),
}
_REASONS: Final = {
    "NOT_FOUND": "Cannot resolve shortGUID",
    "BAD_REQUEST": "shortGUID is empty",
    "ACCESS_DENIED": "Access is denied",
    "AUTHENTICATION_REQUIRED": "Sign in first",
}


@attrs.frozen
class Shares:
    """The handler of the public database."""

    world: World

    async def resolve(self, request: web.Request) -> web.Response:
        """`POST …/public/records/resolve`: failures are results too, with status 200."""
        body = await answers.read_object(request)
        asked = body.get("shortGUIDs")
        if not isinstance(asked, list) or not asked or not all(isinstance(each, dict) for each in asked):
            error = {"serverErrorCode": "BAD_REQUEST", "reason": "missing required field 'shortGUIDs'"}
            return web.json_response(error, status=400)
        switches = self.world.switches(Switches, request)
        return web.json_response({"results": [self._result(each, switches) for each in asked]})

    def _result(self, asked: Body, switches: Switches) -> Body:
        guid = answers.text_of(asked.get("value"))
        if switches.share_error:
            return _failure(guid, switches.share_error)
        if not guid:
            return _failure(guid, "BAD_REQUEST")
        if guid == SHARED_FOLDER:
            return self._share(guid, "Shared plans", {"recordName": guid, "recordType": "folder", "fields": {}})
        item = self.world.state(Drives).of(self.world).find(CLOUD_DOCS, _DOCUMENTS.get(guid, ""))
        if item is None:
            return _failure(guid, "NOT_FOUND")
        if guid == SHARED_IN_PRIVATE:
            return _short(guid) | {"requireAppleLogin": True, "minimallyResolved": True}
        return self._share(guid, item.name.rpartition(".")[0], self._record(item, switches))

    def _share(self, guid: str, title: str, record: Body) -> Body:
        share = {
            "recordName": f"SHARE-{guid}",
            "recordType": "cloudkit.share",
            "publicPermission": "READ",
            "fields": {
                "cloudkit.title": {"value": title, "type": "STRING"},
                "cloudkit.type": {"value": "public.data", "type": "STRING"},
            },
        }
        access = {
            "token": f"public-{guid}",
            "tokenTTL": 1_200_000,
            "databasePartition": self.world.url("icloud-share"),
        }
        return _short(guid) | {
            "containerIdentifier": "com.apple.clouddocs",
            "environment": "production",
            "databaseScope": "SHARED",
            "zoneID": {"zoneName": CLOUD_DOCS, "ownerRecordName": OWNER, "zoneType": "REGULAR_CUSTOM_ZONE"},
            "requireAppleLogin": False,
            "minimallyResolved": False,
            "anonymousPublicAccess": access,
            "share": share,
            "ownerIdentity": {"nameComponents": {"givenName": "Ann", "familyName": "Owner"}},
            "rootRecord": record,
        }

    def _record(self, item: Item, switches: Switches) -> Body:
        document = self.world.state(Drives).of(self.world).document(item)
        assert document is not None
        base, _, extension = item.name.rpartition(".")
        size: int | str = str(document.size) if switches.share_size_text else document.size
        return {
            "recordName": item.docwsid,
            "recordType": "content",
            "fields": {
                "encryptedBasename": {
                    "value": base64.b64encode(base.encode()).decode(),
                    "type": "ENCRYPTED_BYTES",
                },
                "extension": {"value": extension, "type": "STRING"},
                "size": {"value": size, "type": "NUMBER_INT64"},
                "mtime": {"value": int(document.modified_at), "type": "NUMBER_INT64"},
                "fileContent": {"type": "ASSETID", "value": self._asset(item, document, size)},
            },
        }

    def _asset(self, item: Item, document: Document, size: int | str) -> Body:
        asked = self.world.general.link_life
        life = LIFE_BY_ID if asked is None else asked
        asset = Asset(item.zone, item.docwsid, "data", document.tag)
        base = self.world.url("icloud-content")
        token = self.world.state(Links).token(asset, base, PLACEHOLDER, self.world.now(), life)
        return {
            "fileChecksum": token["signature"],
            "referenceChecksum": token["reference_signature"],
            "wrappingKey": token["wrapping_key"],
            "size": size,
            "downloadURL": token["url"],
        }


def _short(guid: str) -> Body:
    return {"shortGUID": {"value": guid, "shouldFetchRootRecord": True}}


def _failure(guid: str, code: str) -> Body:
    reason = _REASONS.get(code, "The share cannot be resolved")
    private = code.startswith("AUTHENTICATION")
    return _short(guid) | {"serverErrorCode": code, "reason": reason, "requireAppleLogin": private}


def make_app(world: World) -> web.Application:
    """Make the application of the public database."""
    shares = Shares(world)
    app = web.Application(middlewares=[answers.bad_bodies])
    path = (
        "/database/1/{container:com\\.apple\\.cloudkit|com\\.apple\\.clouddocs}/production/public/records/resolve"
    )
    app.router.add_post(path, shares.resolve)
    return app
