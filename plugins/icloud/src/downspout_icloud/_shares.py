"""Public shares: looked up in a database that anyone may ask."""

import base64
from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import quote

from attrs import frozen

from downspout import Http, Link, Reference
from downspout.errors import DownspoutError, NotFound, PermissionDenied, ProtocolError
from downspout.hookspecs import Outcome
from downspout_icloud._documents import Share, composed
from downspout_icloud._errors import Problem, Refusal, misshapen, plain_code, problem_error, refusal_of
from downspout_icloud._links import end_of, usable
from downspout_icloud._settings import REGIONS, Site
from downspout_icloud._wire import Record, RecordFields, ShareAnswer, ShareResult, whole_number

_PATH = "/database/1/com.apple.cloudkit/production/public/records/resolve"
_MILLISECONDS = 10**11  # larger numbers of a date are no seconds
_INVITED = frozenset({"ACCESS_DENIED", "AUTHENTICATION_REQUIRED", "AUTHENTICATION_FAILED"})


@frozen
class Shares:
    """The way to public shares.

    Attributes:
        site: the account's settings.
        http: asks; nothing tells who is asking.
    """

    site: Site
    http: Http

    def resolve(self, wanted: Sequence[tuple[Reference, Share]]) -> list[Outcome]:
        """Return an outcome for each share, in order."""
        answers: dict[tuple[str, str], ShareResult | Problem] = {}
        places: dict[str, list[str]] = {}
        for _, share in wanted:
            places.setdefault(self._place(share), []).append(share.guid)
        for place, guids in places.items():
            found = self._ask(place, list(dict.fromkeys(guids)))
            answers.update({(place, guid): answer for guid, answer in found.items()})
        return [_outcome(reference, share, answers[self._place(share), share.guid]) for reference, share in wanted]

    def _place(self, share: Share) -> str:
        """Return where a share is looked up: in its own region, unless the settings name another place."""
        usual = {region.share for region in REGIONS.values()}
        return REGIONS["china"].share if share.is_china and self.site.share in usual else self.site.share

    def _ask(self, place: str, guids: Sequence[str]) -> dict[str, ShareResult | Problem]:
        found = self._asked(place, guids)
        if not isinstance(found, dict):
            return (
                dict.fromkeys(guids, found)
                if len(guids) == 1 or _is_trouble(found)
                else self._singly(place, guids)
            )
        left = [guid for guid in guids if guid not in found]
        if not left:
            return found
        if len(guids) == 1:
            return dict.fromkeys(
                guids, ProtocolError(f"{self.site.account}: iCloud's answer leaves the share out.")
            )
        return {**found, **self._singly(place, left)}

    def _singly(self, place: str, guids: Sequence[str]) -> dict[str, ShareResult | Problem]:
        return {key: answer for guid in guids for key, answer in self._ask(place, [guid]).items()}

    def _asked(self, place: str, guids: Sequence[str]) -> dict[str, ShareResult | Problem] | Problem:
        body = {"shortGUIDs": [{"value": guid} for guid in guids]}
        response = self.http.request("POST", f"{place}{_PATH}", json=body)
        refusal = refusal_of(response)
        if refusal is not None:
            return refusal
        try:
            results = response.json(ShareAnswer).results
        except ProtocolError as exc:
            return misshapen(response, exc)
        return {result.shortGUID.value: result for result in results if result.shortGUID.value in guids}


def _is_trouble(problem: Problem) -> bool:
    return isinstance(problem, Refusal) and (problem.concerns_everybody or problem.status >= 500)


def _outcome(reference: Reference, share: Share, answer: ShareResult | Problem) -> Outcome:
    try:
        if isinstance(answer, ShareResult):
            return _link(reference, share, answer)
        raise problem_error(answer, reference.shown)
    except DownspoutError as exc:
        return exc


def _link(reference: Reference, share: Share, result: ShareResult) -> Link:
    shown = reference.shown
    code = plain_code(result.serverErrorCode)
    if result.requireAppleLogin or code in _INVITED:
        raise PermissionDenied(
            f"{shown}: this share is for invited people only.",
            hint="Accept it with your Apple ID, then use its path in your drive; or ask its owner to open it.",
        )
    if result.serverErrorCode:
        raise _refused(code, shown)
    fields = _document(result.rootRecord, shown)
    asset = fields.fileContent.value if fields.fileContent is not None else None
    if asset is None or not asset.downloadURL:
        raise ProtocolError(
            f"{shown}: iCloud's answer has no fileContent.downloadURL.",
            hint="It may be a document that people write together: ask its owner for a copy.",
        )
    name = _name(fields) or share.name
    url = usable(asset.downloadURL.replace("${f}", quote(name or "download", safe="")), shown)
    sizes = (whole_number(asset.size), whole_number(fields.size.value) if fields.size is not None else None)
    return Link(
        reference,
        url,
        name,
        size=next((size for size in sizes if size is not None), None),
        version=asset.fileChecksum or None,
        expires_at=end_of(url),
        modified_at=_modified(fields),
    )


def _refused(code: str, shown: str) -> DownspoutError:
    if code in ("NOT_FOUND", "BAD_REQUEST"):
        return NotFound(
            f"{shown}: there is no such share.", hint="Its owner may have stopped sharing; ask for a new link."
        )
    return Refusal(200, code or "UNKNOWN").error(shown)


def _document(record: Record | None, shown: str) -> RecordFields:
    if record is not None and record.recordType == "folder":
        raise NotFound(
            f"{shown}: it is a folder, and the folders of public shares cannot be listed.",
            hint="Add it to your drive in a browser, then use its path there.",
        )
    if record is None or record.fields is None:
        raise ProtocolError(f"{shown}: iCloud's answer has no rootRecord.fields.")
    return record.fields


def _name(fields: RecordFields) -> str | None:
    """Return the document's name; its base is text in base64, whatever the field is called."""
    try:
        base = base64.b64decode((fields.encryptedBasename and fields.encryptedBasename.value) or "").decode()
    except ValueError:
        return None
    extension = fields.extension.value if fields.extension is not None else None
    return composed(f"{base}.{extension}" if extension else base) if base else None


def _modified(fields: RecordFields) -> datetime | None:
    number = whole_number(fields.mtime.value) if fields.mtime is not None else None
    if number is None:
        return None
    try:
        return datetime.fromtimestamp(number / 1000 if number >= _MILLISECONDS else number, UTC)
    except (ValueError, OverflowError, OSError):
        return None
