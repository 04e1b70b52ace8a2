"""What a reference names: an entry by its id, a path in the drive, or a share that anyone may open."""

import re
import unicodedata
from urllib.parse import unquote, urlsplit

from attrs import frozen

from downspout import Reference
from downspout.errors import InvalidURI
from downspout_icloud._wire import Item

CLOUD_DOCS = "com.apple.CloudDocs"
ROOT = f"FOLDER::{CLOUD_DOCS}::root"
THUMBNAIL = "thumbnail"

_HOSTS = frozenset({"www.icloud.com", "icloud.com", "www.icloud.com.cn", "icloud.com.cn"})
_SHARE = re.compile(r"/iclouddrive/([A-Za-z0-9_-]{1,128})/?")
_ZONE = re.compile(r"[A-Za-z0-9._-]{1,255}")
_KIND = re.compile(r"[A-Z_]{1,64}")
_ID = re.compile(r"[\x21-\x24\x26-\x2e\x30-\x39\x3b-\x7e]{1,255}")
_HINT = "Write icloud:DOCWSID, icloud:/path/in/the/drive, or a share's https: URL."


@frozen
class Share:
    """A public share.

    Attributes:
        guid: the short identifier in its URL.
        is_china: whether it lives in the Chinese region.
        name: what its URL calls it, which may lack an extension, or `None`.
    """

    guid: str
    is_china: bool
    name: str | None


@frozen
class Path:
    """A path in the drive.

    Attributes:
        names: from the root down, composed (NFC); none of them is the root itself.
        is_folder: whether only a folder will do.
    """

    names: tuple[str, ...]
    is_folder: bool


@frozen
class Entry:
    """A document or folder by its id.

    Attributes:
        docwsid: the id within its zone.
        zone: whose documents it is among.
        kind: what the drive calls it (`FILE`, `FOLDER_IN_SHARED_FOLDER` …), or `None` if the URI does not say.
        is_folder: whether only a folder will do.
    """

    docwsid: str
    zone: str
    kind: str | None
    is_folder: bool

    @property
    def drivewsid(self) -> str:
        """What the drive knows it as."""
        kind = self.kind or ("FOLDER" if self.is_folder else "FILE")
        return f"{kind}::{self.zone}::{self.docwsid}"

    @property
    def is_shared(self) -> bool:
        """Whether it lies in a folder of somebody else's, whom only the drive can tell."""
        return self.kind is not None and "IN_SHARED_FOLDER" in self.kind


@frozen
class Target:
    """What a reference names, and which part of it.

    Attributes:
        what: the thing itself.
        thumbnail: whether its small picture is wanted.
    """

    what: Share | Path | Entry
    thumbnail: bool = False

    @classmethod
    def of(cls, reference: Reference) -> "Target":
        """Return what `reference` names.

        Raises:
            InvalidURI: nothing that iCloud could have.
        """
        options = dict(reference.options)
        part, zone = options.pop("part", "document"), options.pop("zone", None)
        if options:
            raise InvalidURI(
                f"{reference.shown}: iCloud knows no option {next(iter(options))!r}.", hint="Use zone, or part."
            )
        if part not in ("document", THUMBNAIL):
            raise InvalidURI(f"{reference.shown}: there is no such part.", hint="Write ?part=thumbnail.")
        what = _named(reference, zone)
        if isinstance(what, Share) and part == THUMBNAIL:
            raise InvalidURI(f"{reference.shown}: a share has no thumbnail.", hint="Leave ?part= out.")
        return cls(what, part == THUMBNAIL)


def composed(name: str) -> str:
    """Return a name as the drive compares it: composed, because it comes decomposed."""
    return unicodedata.normalize("NFC", name)


def folded(name: str) -> str:
    """Return a name without regard to case, as the drive's own comparison has none."""
    return composed(composed(name).casefold())


def reference_to(item: Item, account: str, parent: tuple[str, ...] | None, *, alone: bool) -> Reference:
    """Return what an entry of a folder is asked for with, even once the hint is gone.

    Args:
        item: the entry.
        account: whose.
        parent: path of the folder, or `None` if it was asked for by id.
        alone: whether no other entry of the folder has that name.
    """
    name = composed(item.full_name)
    owned = item.owner is None and "IN_SHARED_FOLDER" not in item.drivewsid
    by_path = parent is not None and alone and name not in ("", ".", "..") and "/" not in name
    if by_path and (item.is_folder or not owned):
        path = "/".join(("", *(parent or ()), name))
        return Reference(account, f"{path}/" if item.is_folder else path, {}, item)
    kind, _, rest = item.drivewsid.partition("::")
    if not owned or kind not in ("FILE", "FOLDER") or rest != f"{item.zone}::{item.docwsid}":
        return Reference(account, item.drivewsid, {}, item)
    options = {} if item.zone == CLOUD_DOCS else {"zone": item.zone}
    return Reference(account, f"{item.docwsid}/" if item.is_folder else item.docwsid, options, item)


def _named(reference: Reference, zone: str | None) -> Share | Path | Entry:
    document = reference.document
    if reference.is_url or document.startswith("/"):
        if zone is not None:
            raise InvalidURI(f"{reference.shown}: only an id has a zone.", hint="Leave ?zone= out.")
        return _share(reference) if reference.is_url else _path(reference)
    kind, _, rest = document.partition("::")
    if rest:
        inner, _, docwsid = rest.partition("::")
        if not _KIND.fullmatch(kind) or zone not in (None, inner):
            raise InvalidURI(f"{reference.shown}: that is no id of iCloud Drive.", hint=_HINT)
        return _entry(reference, docwsid.rstrip("/"), inner, kind, is_folder=_is_folder(kind, document))
    return _entry(
        reference,
        document.rstrip("/"),
        CLOUD_DOCS if zone is None else zone,
        None,
        is_folder=document.endswith("/"),
    )


def _is_folder(kind: str, document: str) -> bool:
    return document.endswith("/") or not (kind.startswith("FILE") or kind == "PACKAGE")


def _entry(reference: Reference, docwsid: str, zone: str, kind: str | None, *, is_folder: bool) -> Entry:
    if not _ID.fullmatch(docwsid) or not _ZONE.fullmatch(zone) or zone.strip(".") == "":
        raise InvalidURI(f"{reference.shown}: that is no id of iCloud Drive.", hint=_HINT)
    return Entry(docwsid, zone, kind, is_folder)


def _path(reference: Reference) -> Path:
    names = tuple(composed(name) for name in reference.document.split("/") if name)
    if any(name in (".", "..") for name in names):
        raise InvalidURI(f"{reference.shown}: a path goes from the root down, without '.' and '..'.")
    return Path(names, reference.document.endswith("/"))


def _share(reference: Reference) -> Share:
    try:
        parts = urlsplit(reference.document)
        host = (parts.hostname or "").lower()
    except ValueError:
        parts, host = urlsplit(""), ""
    match = _SHARE.fullmatch(parts.path)
    if host not in _HOSTS or match is None:
        raise InvalidURI(
            f"{reference.shown}: that is no share of iCloud Drive.",
            hint="A share looks like https://www.icloud.com/iclouddrive/0a1b…#name.",
        )
    name = unquote(parts.fragment).replace("_", " ").strip()
    return Share(match[1], host.endswith(".cn"), name or None)
