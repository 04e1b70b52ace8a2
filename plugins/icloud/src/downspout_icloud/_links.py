"""From documents to links: several of a zone by one call, and one by one where that does not help."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, cast
from urllib.parse import unquote_plus, urlsplit

from attrs import define, field, frozen

from downspout import Link, Reference
from downspout.errors import NotFound, ProtocolError
from downspout_icloud._api import Api
from downspout_icloud._documents import composed
from downspout_icloud._errors import Problem, Refusal, misshapen, problem_error, refusal_in, refusal_of
from downspout_icloud._wire import BatchAnswer, Download, Item, whole_number

LARGEST_BATCH = 50
"""Nobody outside knows how many the service takes; so many were never refused."""

NOTHING = "data:,"
"""Where a document without bytes is (RFC 2397): the service gives no link for it."""

_END = re.compile(r"[?&]e=([0-9]{1,11})(?:&|$)")
_URL = re.compile(r"https?://[\x21-\x7e]{1,16384}")
_DRIFT = "Report it to the plugin's authors if it stays that way."


@frozen
class Wanted:
    """A document whose links are wanted.

    Attributes:
        zone: whose documents it is among.
        docwsid: its id there.
        owner: who shared it, or `None` for the account's own.
        is_inside: whether it lies in a folder that somebody shared, so that the owner has to be named.
    """

    zone: str
    docwsid: str
    owner: str | None = None
    is_inside: bool = False


Answer = Download | Problem


@define
class Links:
    """The links of one call.

    Attributes:
        api: asks.
    """

    api: Api
    _stopped: Refusal | None = field(default=None, init=False)

    def find(self, wanted: Sequence[Wanted]) -> dict[Wanted, Answer]:
        """Return what iCloud says of each document.

        Raises:
            AuthenticationError: the session is over, for all of them.
            RateLimited: iCloud asks for patience, for all of them.
        """
        found: dict[Wanted, Answer] = {}
        zones: dict[str, list[Wanted]] = {}
        for each in dict.fromkeys(wanted):
            if each.owner is None:
                zones.setdefault(each.zone, []).append(each)
        for zone, those in zones.items():
            for first in range(0, len(those), LARGEST_BATCH):
                found.update(self._batch(zone, those[first : first + LARGEST_BATCH]))
        for each in dict.fromkeys(wanted):
            if each not in found:
                found[each] = self._stopped or self._one(each)
        if self._stopped is not None and all(answer == self._stopped for answer in found.values()):
            raise self._stopped.error(self.api.site.account)
        return found

    def _batch(self, zone: str, those: Sequence[Wanted]) -> dict[Wanted, Answer]:
        """Ask for several; of whom the answer says nothing has to be asked for alone."""
        if self._stopped is not None:
            return {}
        response = self.api.batch(zone, [each.docwsid for each in those])
        refusal = refusal_of(response)
        if refusal is not None:
            self._stopped = refusal if refusal.concerns_everybody else None
            return {}
        try:
            answer: BatchAnswer = response.json(cast("Any", BatchAnswer))
        except ProtocolError as exc:
            return {those[0]: misshapen(response, exc)} if len(those) == 1 else {}
        elements = answer if isinstance(answer, list) else [answer]
        by_id = {element.document_id: element for element in reversed(elements) if element is not None}
        said: dict[Wanted, Answer] = {}
        for each in those:
            element = by_id.get(each.docwsid)
            refused = None if element is None else refusal_in(element)
            if refused is not None:
                said[each] = refused
            elif element is not None and element.has_bytes:
                said[each] = element
        return said

    def _one(self, wanted: Wanted) -> Answer:
        """Ask for one; of somebody else's with its owner where it is not found without."""
        answer: Answer | None = None
        owners = (wanted.owner,) if wanted.is_inside or wanted.owner is None else (None, wanted.owner)
        for owner in owners:
            answer = self._by_id(wanted, owner)
            if not isinstance(answer, Refusal) or answer.kind is not NotFound:
                break
        if isinstance(answer, Refusal) and answer.concerns_everybody:
            self._stopped = answer
        return answer or Refusal(404)

    def _by_id(self, wanted: Wanted, owner: str | None) -> Answer:
        """Ask once, and once more after a 400, which the service answers now and then for no reason."""
        response = self.api.by_id(wanted.zone, wanted.docwsid, owner)
        if response.status == 400:
            response = self.api.by_id(wanted.zone, wanted.docwsid, owner)
        refusal = refusal_of(response)
        if refusal is not None:
            return refusal
        try:
            answer = response.json(Download)
        except ProtocolError as exc:
            return misshapen(response, exc)
        if answer.document_id != wanted.docwsid:
            return ProtocolError(f"{wanted.docwsid}: iCloud's answer is about another document.", hint=_DRIFT)
        return refusal_in(answer) or answer


def link_of(reference: Reference, answer: Answer, item: Item | None, *, thumbnail: bool) -> Link:
    """Return the link that an answer gives.

    Args:
        reference: what was asked for.
        answer: what iCloud said.
        item: what a listing said before, or `None`.
        thumbnail: whether the small picture is wanted.

    Raises:
        NotFound: there is none; there is no such part.
        ProtocolError: the answer makes no sense.
        DownspoutError: iCloud refuses it.
    """
    shown = reference.shown
    if not isinstance(answer, Download):
        raise problem_error(answer, shown)
    token = answer.thumbnail_token if thumbnail else answer.data_token or answer.package_token
    if token is None and thumbnail:
        raise NotFound(
            f"{shown}: iCloud has no thumbnail of it.", hint="Leave ?part= out for the document itself."
        )
    if token is None:
        raise ProtocolError(f"{shown}: iCloud's answer has neither data_token nor package_token.", hint=_DRIFT)
    url = usable(token.url, shown)
    if thumbnail:
        return Link(reference, url, name_in(url), version=answer.double_etag, expires_at=end_of(url))
    package = answer.data_token is None
    moved = item is not None and None not in (item.etag, answer.double_etag) and item.etag != answer.double_etag
    name = composed(item.full_name) if item is not None else name_in(url)
    return Link(
        reference,
        url,
        zipped(name) if package else name,
        size=None if item is None or moved or package else whole_number(item.size),
        version=answer.double_etag,
        expires_at=end_of(url),
        modified_at=None if item is None or moved else moment(item.dateModified),
        media_type="application/zip" if package else None,
    )


def nothing_of(reference: Reference, item: Item) -> Link:
    """Return the link of a document that has no bytes."""
    name = composed(item.full_name)
    return Link(reference, NOTHING, name, size=0, version=item.etag, modified_at=moment(item.dateModified))


def usable(url: str, shown: str) -> str:
    """Return a link as it came.

    Raises:
        ProtocolError: it is none.
    """
    try:
        good = _URL.fullmatch(url) is not None and bool(urlsplit(url).hostname)
    except ValueError:
        good = False
    if not good:
        raise ProtocolError(f"{shown}: iCloud's answer has a link that is no address.", hint=_DRIFT)
    return url


def end_of(url: str) -> datetime | None:
    """Return when a link dies, by its own `e` (seconds since 1970), or `None`."""
    match = _END.search(url)
    try:
        return datetime.fromtimestamp(int(match[1]), UTC) if match else None
    except (ValueError, OverflowError, OSError):
        return None


def name_in(url: str) -> str | None:
    """Return the name in a link's path, where a space is a plus sign, or `None`."""
    last = urlsplit(url).path.rpartition("/")[2]
    name = composed(unquote_plus(last, errors="replace"))
    return None if name in ("", "${f}", "packageDownload") else name


def zipped(name: str | None) -> str | None:
    """Return the name of a package: it comes down as a ZIP archive of its folder."""
    return name if name is None or name.lower().endswith(".zip") else f"{name}.zip"


def moment(text: str | None) -> datetime | None:
    """Return a listing's date (RFC 3339) as an aware time, or `None`."""
    try:
        when = datetime.fromisoformat((text or "").strip())
        return when.astimezone(UTC) if when.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
