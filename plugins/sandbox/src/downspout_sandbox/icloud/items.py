"""What lies in the emulated drive: folders, files, app libraries, somebody else's share, the trash, and trouble.

The bytes are the sandbox's documents; an item adds where it lies, how it is named there and what is wrong with it.
"""

import base64
import functools
import io
import unicodedata
import uuid
import zipfile
from collections.abc import Iterable, Iterator
from enum import Enum
from typing import Final

import attrs

from downspout_sandbox import samples
from downspout_sandbox.documents import SMALL_LIMIT, Document, Folder, Library, hash_text, small_id

CLOUD_DOCS: Final = "com.apple.CloudDocs"
PAGES: Final = "com.apple.Pages"
OBSIDIAN: Final = "iCloud.md.obsidian"
ROOT: Final = "root"
TRASH: Final = "TRASH_ROOT"
OWNER: Final = "_4f7a1c0de9b85520c3a6d1f0b2e49877"
"""The record name of the person who shares a folder with the account."""

SEED_ID: Final = "8C3C0E05-FBBA-48CB-8B82-2EEE9DD923E2"
"""The document of the service's published example: a scan with a thumbnail."""

_NAMESPACE: Final = uuid.UUID("6f4b1f63-2a4e-4c0c-9f0e-3f6f2a0f7a51")
_SMALL_PREFIX: Final = "00000000-0000-4000-8000-"
_PICTURE: Final = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDACgcHiMeGSgjISMtKygwPGRBPDc3PHtYXUlkkYCZlo+AjIqgtObDoKrarYqMyP/L"
    "2u71////m8H////6/+b9//j/wAALCAAQABABAREA/8QAFQABAQAAAAAAAAAAAAAAAAAABAD/xAAVEAEBAAAAAAAAAAAAAAAA"
    "AAADAP/aAAgBAQAAPwAJFMIqIppFf//Z"
)
"""A JPEG of 16 by 16 grey pixels, which stands for every thumbnail."""

_WITH_THUMBNAIL: Final = frozenset({"application/pdf", "image/png"})


class Flaw(Enum):
    """What is wrong with an item of the folder Trouble."""

    NONE = ""
    NO_TOKEN = "no-token"
    GONE = "gone"
    ABSENT = "absent"
    BROKEN = "broken"
    SHORT = "short"
    DENIED = "denied"


class Kind(Enum):
    """What an item is, in the service's words."""

    FILE = "FILE"
    FOLDER = "FOLDER"
    APP_LIBRARY = "APP_LIBRARY"


@attrs.frozen
class Item:
    """One item of the drive.

    Attributes:
        docwsid: Its identifier inside its zone.
        kind: File, folder, or an app's folder.
        name: With its extension.
        parent: Zone and docwsid of the folder that it lies in; None for a root.
        zone: The container.
        document: The sandbox's document whose bytes these are; None for folders.
        package: It is a bundle that comes as a ZIP.
        owner: Record name of the person whose share it lies in, or None.
        share_top: It is what was shared itself, not something below.
        flaw: What is wrong with it.
        trashed: It lies in the trash.
    """

    docwsid: str
    kind: Kind
    name: str
    parent: tuple[str, str] | None = (CLOUD_DOCS, ROOT)
    zone: str = CLOUD_DOCS
    document: str | None = None
    package: bool = False
    owner: str | None = None
    share_top: bool = False
    flaw: Flaw = Flaw.NONE
    trashed: bool = False

    @property
    def key(self) -> tuple[str, str]:
        """Zone and docwsid, by which it is found."""
        return self.zone, self.docwsid

    @property
    def drivewsid(self) -> str:
        """The identifier that drivews takes."""
        if self.docwsid == TRASH:
            return TRASH
        kind = "FILE" if self.kind is Kind.FILE else "FOLDER"
        if self.owner is not None and not self.share_top:
            kind += "_IN_SHARED_FOLDER"
        elif self.owner is not None and self.kind is not Kind.FILE:
            kind = "SHARED_FOLDER"
        return f"{kind}::{self.zone}::{self.docwsid}"

    @property
    def needs_owner(self) -> bool:
        """Its link is given only with the owner in the path."""
        return self.owner is not None and not self.share_top


def docwsid_of(document: str) -> str:
    """Give the identifier, in the drive, of a document of the sandbox (`large`, `small-00042`)."""
    digits = document.removeprefix("small-")
    if digits != document and digits.isascii() and digits.isdigit() and int(digits) < SMALL_LIMIT:
        return f"{_SMALL_PREFIX}{int(digits):012d}"
    return str(uuid.uuid5(_NAMESPACE, document)).upper()


class Drive:
    """The items of one drive, by zone and identifier and by folder."""

    def __init__(self, library: Library, trouble: bool) -> None:
        self._library = library
        self._items: dict[tuple[str, str], Item] = {}
        self._children: dict[tuple[str, str], list[Item]] = {}
        self._by_item_id: dict[str, Item] = {}
        for item in (*_samples(library), *_extras(), *_shared(), *_trouble(listed=trouble)):
            self._add(item)

    def _add(self, item: Item) -> None:
        self._items[item.key] = item
        if item.parent is not None:
            self._children.setdefault(item.parent, []).append(item)

    def find(self, zone: str, docwsid: str) -> Item | None:
        """Find an item; small documents are there whether their folder lists them or not."""
        found = self._items.get((zone, docwsid))
        if found is None and zone == CLOUD_DOCS and docwsid.startswith(_SMALL_PREFIX):
            return _small(docwsid)
        return found

    def by_item_id(self, wanted: str) -> Item | None:
        """Find an item by the identifier that the newer calls take."""
        if not self._by_item_id:
            self._by_item_id.update((item_id(item), item) for item in self._items.values())
        return self._by_item_id.get(wanted)

    def children(self, item: Item) -> list[Item]:
        """Give what lies in a folder, in order."""
        return self._children.get(item.key, [])

    def app_libraries(self) -> list[Item]:
        """Give the folders that apps keep in the drive."""
        return [item for item in self._items.values() if item.kind is Kind.APP_LIBRARY]

    def child(self, folder: Item, name: str) -> Item | None:
        """Find an item by its name, case and composition aside as the service's own store has it."""
        wanted = fold(name)
        return next((item for item in self.children(folder) if fold(item.name) == wanted), None)

    def by_path(self, path: str) -> Item | None:
        """Find an item by its path from the root."""
        found: Item | None = self._items[CLOUD_DOCS, ROOT]
        for name in filter(None, path.split("/")):
            if found is None:
                return None
            found = self.child(found, name)
        return found

    def listed_size(self, item: Item) -> int | None:
        """Give the bytes that a listing says a file has; a package's are those of its members."""
        document = self.document(item)
        if document is None:
            return None
        if item.package:
            return sum(len(data) for _, data in _members(item.name))
        return document.size + (1 if item.flaw is Flaw.SHORT else 0)

    def document(self, item: Item) -> Document | None:
        """Give the bytes of a file as they are now; a package's are its ZIP."""
        if item.package:
            return _packed(item.name)
        return self._library.get(item.document) if item.document is not None else None


def fold(name: str) -> str:
    """Bring names together that the drive takes for the same."""
    return unicodedata.normalize("NFC", name).casefold()


def thumbnail_of(document: Document) -> Document | None:
    """Give the small picture of a document, or None for a kind that has none."""
    if document.media_type not in _WITH_THUMBNAIL:
        return None
    return Document(f"thumbnail-{document.id}", document.name, "image/jpeg", samples.Whole(_PICTURE))


def etag_of(item: Item, document: Document | None, moved: int = 0) -> str:
    """Give an item's etag: the item's own half and the content's; `moved` makes a later one."""
    base = 11 if item.docwsid == SEED_ID else hash_text(item.docwsid) % 40_000
    number = base + 2 * (document.version if document is not None else 1) + moved
    return f"{_base36(number + 1)}::{_base36(number)}" if item.kind is Kind.FILE else _base36(number)


def item_id(item: Item) -> str:
    """Give the identifier by which the service's newer calls know an item."""
    try:
        number = uuid.UUID(item.docwsid).bytes
    except ValueError:
        number = uuid.uuid5(_NAMESPACE, f"{item.zone} {item.docwsid}").bytes
    return base64.urlsafe_b64encode(b"\x08\x90\xbf\xbd\xa6\x05\x10\x00\x22\x10" + number).rstrip(b"=").decode()


def _base36(number: int) -> str:
    digits = ""
    while number or not digits:
        number, digit = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return digits


def _small(docwsid: str) -> Item | None:
    digits = docwsid.removeprefix(_SMALL_PREFIX)
    if len(digits) != 12 or not (digits.isascii() and digits.isdigit()) or int(digits) >= SMALL_LIMIT:
        return None
    document = small_id(int(digits))
    return Item(docwsid, Kind.FILE, f"{document}.bin", (CLOUD_DOCS, docwsid_of("batch")), document=document)


def _samples(library: Library) -> Iterator[Item]:
    yield Item(ROOT, Kind.FOLDER, "", None)
    placed: set[str] = set()
    for parent, folder in library.walk():
        here = (CLOUD_DOCS, ROOT if parent is None else docwsid_of(folder.id))
        if parent is not None:
            above = ROOT if parent.id == library.root.id else docwsid_of(parent.id)
            yield Item(here[1], Kind.FOLDER, folder.name, (CLOUD_DOCS, above))
        yield from _files(library, folder, here, placed)
    for each in ("certificate", "page"):
        trash = (CLOUD_DOCS, TRASH)
        yield Item(docwsid_of(each), Kind.FILE, _name(library, each), trash, document=each, trashed=True)


def _files(library: Library, folder: Folder, here: tuple[str, str], placed: set[str]) -> Iterator[Item]:
    for each in folder.documents:
        if library.get(each) is None:
            continue
        docwsid = docwsid_of(f"{folder.id}/{each}" if each in placed else each)
        placed.add(each)
        yield Item(docwsid, Kind.FILE, _name(library, each), here, document=each)


def _name(library: Library, key: str) -> str:
    document = library.get(key)
    return document.name if document is not None else key


def _extras() -> Iterator[Item]:
    yield Item(TRASH, Kind.FOLDER, "", None)
    yield Item(SEED_ID, Kind.FILE, "Gescanntes Dokument.pdf", document="report")
    yield Item("documents", Kind.APP_LIBRARY, "Pages", zone=PAGES)
    pages, notes = (PAGES, "documents"), (OBSIDIAN, "documents")
    yield Item(docwsid_of("letter"), Kind.FILE, "Letter.pages", pages, PAGES, "package", package=True)
    yield Item(docwsid_of("pages-text"), Kind.FILE, "Plain.txt", pages, PAGES, "minutes")
    yield Item("documents", Kind.APP_LIBRARY, "Obsidian", zone=OBSIDIAN)
    vault = (OBSIDIAN, docwsid_of("vault"))
    yield Item(vault[1], Kind.FOLDER, "Vault", notes, OBSIDIAN)
    yield Item(docwsid_of("vault-note"), Kind.FILE, "Note.md", vault, OBSIDIAN, "notes")
    yield Item(docwsid_of("slides"), Kind.FILE, "Slides.key", document="package", package=True)


def _shared() -> Iterator[Item]:
    top = Item(docwsid_of("share"), Kind.FOLDER, "Shared plans", owner=OWNER, share_top=True)
    below = Item(docwsid_of("share-older"), Kind.FOLDER, "Older", top.key, owner=OWNER)
    yield top
    yield below
    yield Item(docwsid_of("share-plan"), Kind.FILE, "plan.pdf", top.key, document="contract", owner=OWNER)
    yield Item(docwsid_of("share-table"), Kind.FILE, "table.csv", below.key, document="table", owner=OWNER)
    letter = Item(docwsid_of("share-letter"), Kind.FILE, "From Ann.txt", document="notes", owner=OWNER)
    yield attrs.evolve(letter, share_top=True)


def _trouble(*, listed: bool) -> Iterator[Item]:
    folder = (CLOUD_DOCS, docwsid_of("trouble"))
    yield Item(folder[1], Kind.FOLDER, "Trouble", (CLOUD_DOCS, ROOT) if listed else None)
    for flaw in Flaw:
        if flaw is not Flaw.NONE:
            docwsid = docwsid_of(f"trouble-{flaw.value}")
            yield Item(docwsid, Kind.FILE, f"{flaw.value}.txt", folder, document="notes", flaw=flaw)
    yield Item(docwsid_of("hostile"), Kind.FILE, "..\\../..\x00\u202egpj.exe", folder, document="hostile")


def _members(name: str) -> Iterable[tuple[str, bytes]]:
    yield f"{name}/Index.txt", samples.text(name)
    yield f"{name}/Data/picture.png", samples.png()


@functools.cache
def _packed(name: str) -> Document:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in _members(name):
            archive.writestr(zipfile.ZipInfo(path, (2026, 1, 1, 8, 30, 0)), data, zipfile.ZIP_DEFLATED)
    return Document(f"package {name}", name, "application/zip", samples.Whole(buffer.getvalue()))
