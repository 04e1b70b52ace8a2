"""Links into the object store, as KooDrive hands them out: signed for an hour, for `GET` and for nobody else."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote, urlsplit

from downspout import Link, Reference, origin_of
from downspout.errors import InvalidURI, ProtocolError
from downspout_koodrive._documents import Known
from downspout_koodrive._wire import Record, whole_number

_URL = re.compile(r"[\x21-\x7e]{1,16384}")
_FILENAME = re.compile(r"""(?i)\bfilename\s*=\s*("?)([^";]*)\1""")


def link_of(reference: Reference, record: Record, known: Known) -> Link:
    """Return the link of a successful record.

    Args:
        reference: what was asked for.
        record: what the service answered for it.
        known: what a listing said of it.

    Raises:
        ProtocolError: there is no link in the record, or one that is no URL.
    """
    url = record.url or ""
    if not url:
        raise ProtocolError(f"{reference.shown}: KooDrive says that it went well, and gives no link (field url).")
    if not _is_url(url):
        raise ProtocolError(f"{reference.shown}: KooDrive gives a link that is no address.")
    signed = _query(url)
    return Link(
        reference,
        url,
        name=record.fileName or _name(signed.get("response-content-disposition", "")) or known.name,
        size=known.size,
        version=known.version,
        expires_at=_expiry(signed),
        modified_at=known.modified_at,
    )


def expires_at(url: str) -> datetime | None:
    """Return when a signed URL dies: `X-Amz-Date` + `X-Amz-Expires`, or the older `Expires`; else `None`."""
    return _expiry(_query(url))


def name_in(url: str) -> str | None:
    """Return the name that the store was told to give the document, or `None`.

    It is encoded twice, and the second time within a plain `filename=`, where no standard looks for it.
    """
    return _name(_query(url).get("response-content-disposition", ""))


def _is_url(text: str) -> bool:
    if not _URL.fullmatch(text):
        return False
    try:
        origin_of(text)
    except InvalidURI:
        return False
    return True


def _query(url: str) -> dict[str, str]:
    """Return the query, decoded once; names in lower case, the first of each."""
    found: dict[str, str] = {}
    for pair in urlsplit(url).query.split("&"):
        name, _, value = pair.partition("=")
        found.setdefault(unquote(name).lower(), unquote(value))
    return found


def _expiry(signed: Mapping[str, str]) -> datetime | None:
    try:
        life = whole_number(signed.get("x-amz-expires"))
        if life is not None:
            signed_at = datetime.strptime(signed.get("x-amz-date", ""), "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
            return signed_at + timedelta(seconds=life)
        epoch = whole_number(signed.get("expires"))
        return None if epoch is None else datetime.fromtimestamp(epoch, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _name(disposition: str) -> str | None:
    match = _FILENAME.search(disposition)
    return unquote(match[2]).strip() or None if match else None
