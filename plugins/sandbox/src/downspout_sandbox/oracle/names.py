"""Oracle's GUIDs for the sample documents and folders, and the links that exist from the beginning."""

import attrs

from downspout_sandbox.documents import Document, Folder, small_id
from downspout_sandbox.tokens import make_secret
from downspout_sandbox.world import World

REPORT = "D34A657B8723A96097F80926T0000000000100000001"
CONTRACT = "DED694950C14AFF280419F9AB5D17B95F47087F4E518"
_FIXED = {"report": REPORT, "contract": CONTRACT}
_LENGTH = 44

PRIVATE = "private"  # belongs to somebody else: only links lead to it

CODE_LINK = "LF8D36FAFAB4388BECEAC4AEB5D17B95F47087F4E518"
ACCESS_CODE = "test12345"
OPEN_LINK = "LF00000000000000000000000000000000000000OPEN"
VIEWER_LINK = "LF000000000000000000000000000000000000VIEWER"
MEMBERS_LINK = "LF00000000000000000000000000000000000MEMBERS"
EXPIRED_LINK = "LF00000000000000000000000000000000000EXPIRED"

APPLINK = (
    "LF5Bxj4TPo_p4n4qWn0tbKTicR2cTUJKv7X_ng9E7ry93rRuDokPqS1d6-wKwhb_wtcGYFDsI_cNMxeKQ-HR-FXQhiVoGRTYM_MPZY8qpIC"
    "fYU94mmnMjM_cvsRhKMzc0NJgvwEJfqqDwPsAVrhc8cmg=="
)
APPLINK_TOKEN = "352FpiMmW66PeYI1Gh5b83I9CXRwZhLfYAu4TXdqpzD8uNKUBMZVVJ3ZvivUW8kQ"
APPLINK_REFRESH_TOKEN = make_secret("oracle", "applink refresh")


@attrs.frozen
class PublicLink:
    """A public link.

    Attributes:
        id: What the header `LinkID` carries.
        role: From `downloader` on, documents may be downloaded.
        anyone: Whether it holds without signing in.
        code: The access code, or None.
        expired: Whether its time is over.
        target: The GUID it was made for, or None for all documents.
    """

    id: str
    role: str = "downloader"
    anyone: bool = True
    code: str | None = None
    expired: bool = False
    target: str | None = None


FIRST_LINKS = (
    PublicLink(CODE_LINK, code=ACCESS_CODE),
    PublicLink(OPEN_LINK),
    PublicLink(VIEWER_LINK, role="viewer"),
    PublicLink(MEMBERS_LINK, anyone=False),
    PublicLink(EXPIRED_LINK, expired=True),
)


def file_id(key: str) -> str:
    """Give the GUID of a document: `D` and 43 more."""
    if key in _FIXED:
        return _FIXED[key]
    if key.startswith("small-"):
        return "D" + key.removeprefix("small-").rjust(_LENGTH - 1, "0")
    return _guid("D", key)


def folder_id(folder: Folder) -> str:
    """Give the GUID of a folder: `F` and 43 more; the uppermost is `self`."""
    return "self" if folder.id == "root" else _guid("F", folder.id)


def find_document(guid: str, world: World) -> Document | None:
    """Give the document behind a GUID, or None."""
    for name, fixed in _FIXED.items():
        if guid == fixed:
            return world.library.get(name)
    if len(guid) == _LENGTH and guid.startswith("D") and guid[1:].isascii() and guid[1:].isdigit():
        return world.library.get(small_id(int(guid[1:])))
    key = _read_guid("D", guid)
    return world.library.get(key) if key is not None and key not in _FIXED else None


def find_folder(guid: str, world: World) -> Folder | None:
    """Give the folder behind a GUID or `self`, or None."""
    if guid == "self":
        return world.library.root
    key = _read_guid("F", guid)
    return world.library.folder(key) if key is not None else None


def _guid(letter: str, key: str) -> str:
    return f"{letter}{key.encode().hex().upper()}T".ljust(_LENGTH, "0")


def _read_guid(letter: str, guid: str) -> str | None:
    head, mark, _ = guid.partition("T")
    try:
        key = bytes.fromhex(head[1:]).decode()
    except ValueError:
        return None
    return key if mark and guid == _guid(letter, key) else None
