"""KooDrive's identifiers for the sample documents, and the documents that are in trouble."""

import attrs

from downspout_sandbox import samples
from downspout_sandbox.documents import Document, Folder, small_id
from downspout_sandbox.world import World

CONTAINER = "IAADfsBFCO6WtAtuA9add2fea594e4e75b8feb8474ef236"
GROUP_CONTAINER = "IAADgroup000000000000000000000000000000000000000"
FOREIGN_CONTAINER = "IAADforeign0000000000000000000000000000000000000"
USER = "1505084218764547200"
GROUP = "1505084218764540001"
SHARED_FOLDER = "Fshared-folder-000000000000000000"
INVOICE = "Fn1bTLIOomJkTCAe9DEVBRY4U6IkuqkMZ"
SHARED_DOCUMENT = "shared"

_INVOICE_NAME = "Invoice 1.pdf"  # the seed's two names for one document: this one, and the one in its link

# Documents whose record in an answer says that they cannot be had: the code and what it means.
TROUBLES = {
    "recycled": ("13000306", "The file is in the recycle bin."),
    "blocked": ("13000407", "No download address."),
    "failing": ("13000408", "Download failed."),
    "forbidden": ("13000410", "The user has no permission on the space."),
}
# Documents with a good record and something else amiss.
UNLISTED = "unlisted"  # has no record in the answer
DENIED = "denied"  # its link is refused by the store
WARNED = "warned"  # a warning comes instead of it
_WARNING = samples.Whole(b"This file was blocked because its content is against the rules.\n")


def file_id(key: str) -> str:
    """Give the 33 characters by which KooDrive knows a document: `F` and 32 more."""
    if key == "invoice":
        return INVOICE
    if key.startswith("small-"):
        return "F" + key.removeprefix("small-").rjust(32, "0")
    return "F" + f"{key}-".ljust(32, "0")


def folder_id(folder: Folder) -> str:
    """Give the 33 characters by which KooDrive knows a folder."""
    return "F" + f"folder-{folder.id}-".ljust(32, "0")


def find_document(file_id_: str, world: World) -> Document | None:
    """Give the document behind a file id, or None."""
    if file_id_ == INVOICE:
        return world.library.get("invoice")
    if len(file_id_) != 33 or not file_id_.startswith("F"):
        return None
    rest = file_id_[1:]
    if rest.isascii() and rest.isdigit():
        return world.library.get(small_id(int(rest)))
    key = rest.rstrip("0").removesuffix("-")
    if key in {DENIED, UNLISTED, WARNED}:
        return _troubled(key, world)
    document = world.library.get(key)
    return document if document is not None and file_id(key) == file_id_ else None


def trouble_of(file_id_: str) -> tuple[str, str] | None:
    """Give the code and the message of a document that cannot be had, or None."""
    return TROUBLES.get(file_id_[1:].rstrip("0").removesuffix("-"))


def find_folder(file_id_: str, world: World) -> Folder | None:
    """Give the folder behind a file id, or None; `root` is the uppermost."""
    if file_id_ in {"root", ""}:
        return world.library.root
    if not file_id_.startswith("Ffolder-"):
        return None
    return world.library.folder(file_id_.removeprefix("Ffolder-").rstrip("0").removesuffix("-"))


def shown_name(document: Document) -> str:
    """Give the name that answers in JSON carry."""
    return _INVOICE_NAME if document.id == "invoice" else document.name


def object_key(document: Document) -> str:
    """Give the store's key for this version of a document: hex digits."""
    return f"{document.version:04x}{document.id.encode().hex()}"


def find_object(key: str, world: World) -> Document | None:
    """Give the version of a document behind a store's key, or None."""
    try:
        key, version = bytes.fromhex(key[4:]).decode(), int(key[:4], 16)
    except ValueError:
        return None
    if key == WARNED:
        return attrs.evolve(_troubled(WARNED, world), content=_WARNING, media_type="text/plain")
    document = _troubled(key, world) if key == DENIED else world.library.get(key)
    return document.at_version(version) if document is not None else None


def warning_for(document: Document) -> Document:
    """Give what comes instead of a blocked document."""
    return attrs.evolve(document, content=_WARNING, media_type="text/plain")


def _troubled(key: str, world: World) -> Document:
    picture = world.library.get("picture")
    assert picture is not None
    return attrs.evolve(picture, id=key, name=f"{key}.png", version=1, versions=())
