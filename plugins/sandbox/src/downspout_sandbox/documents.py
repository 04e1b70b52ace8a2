"""The sample documents and the folders they lie in.

Everything here is neutral: a document's `id` (`invoice`, `small-00042`) is turned into a service's own identifier
by that service. Reading is deterministic and costs nothing until asked for.
"""

import functools
import unicodedata
from collections.abc import Iterator

import attrs

from downspout_sandbox import samples

_MODIFIED_AT = 1_767_256_200.0  # 2026-01-01T08:30:00Z
SMALL_SIZE = 16 * 1024
SMALL_LIMIT = 1_000_000
PDF = "application/pdf"
BINARY = "application/octet-stream"


@attrs.frozen(slots=False)
class Document:
    """One version of a document.

    Attributes:
        id: The name by which the sandbox knows it; every version has the same.
        name: The name of the file.
        media_type: What `Content-Type` says.
        content: Where the bytes come from.
        version: 1 for the first.
        versions: The earlier versions, the oldest first.
        modified_at: Seconds since the epoch.
    """

    id: str
    name: str
    media_type: str
    content: samples.Content
    version: int = 1
    versions: "tuple[Document, ...]" = attrs.field(default=(), repr=False)
    modified_at: float = _MODIFIED_AT

    @functools.cached_property
    def size(self) -> int:
        """How many bytes the document has."""
        return self.content.size

    @functools.cached_property
    def sha256(self) -> str:
        """The SHA-256 of the bytes, in lower-case hex."""
        return self.content.sha256()

    @functools.cached_property
    def tag(self) -> str:
        """32 hex digits that change with the version and cost no reading; what validators are made of."""
        return f"{hash_text(self.id):016x}{self.version:08x}{self.size & 0xFFFFFFFF:08x}"

    def read(self, start: int, stop: int) -> bytes | memoryview:
        """Give the bytes from `start` up to, not including, `stop`; at most what there is."""
        return self.content.read(start, stop)

    def at_version(self, number: int) -> "Document | None":
        """Give this or an earlier version, or None."""
        return next((each for each in (*self.versions, self) if each.version == number), None)

    def changed(self, data: bytes | None = None) -> "Document":
        """Give the next version: these bytes, or as many others as there are."""
        version = self.version + 1
        noise = samples.Noise(self.size, hash_text(self.id) % 1000 + version)
        return attrs.evolve(
            self,
            content=noise if data is None else samples.Whole(data),
            version=version,
            versions=(*self.versions, attrs.evolve(self, versions=())),
            modified_at=self.modified_at + 3600,
        )


@attrs.frozen
class Folder:
    """A folder: documents' ids and folders, in order."""

    id: str
    name: str
    documents: tuple[str, ...] = ()
    folders: "tuple[Folder, ...]" = ()


def hash_text(text: str) -> int:
    """Give a 64-bit number for a text, the same in every process (FNV-1a)."""
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return value


class Library:
    """The documents by id, and the tree of folders.

    Args:
        large_size: Bytes of the document `large`.
        small_count: How many small documents the folder `Batch` lists; any up to a million can be asked for.
    """

    def __init__(self, large_size: int, small_count: int) -> None:
        self._documents = {document.id: document for document in _documents(large_size)}
        self.root = _tree(small_count)
        self._folders: dict[str, Folder] = {}
        self._parents: dict[str, Folder] = {}
        for parent, folder in self.walk():
            self._folders[folder.id] = folder
            if parent is not None:
                self._parents[folder.id] = parent
            self._parents.update(dict.fromkeys(folder.documents, folder))

    def get(self, key: str) -> Document | None:
        """Give the newest version of a document, or None where there is none of that id."""
        document = self._documents.get(key)
        if document is None and key.startswith("small-"):
            document = _small(key)
            if document is not None:
                self._documents[key] = document
        return document

    def change(self, key: str, data: bytes | None = None) -> None:
        """Give a document a new version: with these bytes, or with as many others.

        Raises:
            KeyError: There is no such document.
        """
        document = self.get(key)
        if document is None:
            raise KeyError(key)
        self._documents[key] = document.changed(data)

    def children(self, folder: Folder) -> Iterator[Document | Folder]:
        """Yield a folder's folders, then its documents, in order."""
        yield from folder.folders
        for key in folder.documents:
            document = self.get(key)
            if document is not None:
                yield document

    def folder(self, key: str) -> Folder | None:
        """Give a folder by its id (`root`, `reports`, …), or None."""
        return self._folders.get(key)

    def walk(self) -> Iterator[tuple[Folder | None, Folder]]:
        """Yield each folder after its parent; the root has none."""
        queue: list[tuple[Folder | None, Folder]] = [(None, self.root)]
        while queue:
            pair = queue.pop(0)
            yield pair
            queue.extend((pair[1], child) for child in pair[1].folders)

    def parent(self, key: str) -> Folder | None:
        """Give the folder that a document or a folder lies in, or None (the root; what lies in no folder)."""
        return self._parents.get(key)


def _small(key: str) -> Document | None:
    digits = key.removeprefix("small-")
    if not (digits.isascii() and digits.isdigit()) or key != small_id(int(digits)):
        return None
    number = int(digits)
    if number >= SMALL_LIMIT:
        return None
    return Document(key, f"{key}.bin", BINARY, samples.Noise(SMALL_SIZE, number))


def small_id(number: int) -> str:
    """Give the id of the small document of that number, from 0."""
    return f"small-{number:05}"


def _documents(large_size: int) -> Iterator[Document]:
    def whole(key: str, name: str, media_type: str, data: bytes) -> Document:
        return Document(key, name, media_type, samples.Whole(data))

    plain, accents = "text/plain; charset=utf-8", unicodedata.normalize("NFD", "Résumé.pdf")
    yield whole("invoice", "发票1.pdf", PDF, samples.pdf("Invoice 1"))
    yield whole("contract", "계약서.pdf", PDF, samples.pdf("Contract"))
    yield whole("certificate", "계약서 certificate.pdf", PDF, samples.pdf("History certificate"))
    yield whole("minutes", "議事録.txt", plain, samples.text("議事録"))
    yield whole("receipt", "إيصال.txt", plain, samples.text("إيصال"))
    yield whole("resume", accents, PDF, samples.pdf("Resume"))
    yield whole("picture", "picture.png", "image/png", samples.png())
    yield whole("notes", "notes.txt", plain, samples.text("Notes"))
    yield whole("summary", "summary.txt", plain, samples.text("Summary"))
    yield whole("table", "table.csv", "text/csv", samples.table())
    yield whole("shared", "shared.txt", plain, samples.text("Shared by somebody else"))
    yield whole(
        "page", "page.html", "text/html", b"<!doctype html><title>A page</title><p>A document after all.\n"
    )
    yield whole("twin", "Twins", plain, samples.text("A file named as its folder"))
    yield whole("twin-inner", "Twins", plain, samples.text("A file two folders down, with the same name"))
    yield whole("private", "private.pdf", PDF, samples.pdf("Private"))
    yield whole("hostile", "..\\../..\x00\u202egpj.exe", BINARY, samples.text("A name that means harm"))
    yield whole("empty", "empty.dat", BINARY, b"")
    yield Document("large", "large.bin", BINARY, samples.Noise(large_size))
    first = Document("report", "report.pdf", PDF, samples.Whole(samples.pdf("Report, first draft")))
    second = Document("report", "report.pdf", PDF, samples.Whole(samples.pdf("Report, second")), 2)
    third = samples.Whole(samples.pdf("Report, third and last"))
    yield Document("report", "report.pdf", PDF, third, 3, (first, second))


def _tree(small_count: int) -> Folder:
    twins = Folder("twins-inner", "Twins", ("twin-inner",))
    reports = Folder("reports-2025", "2025", ("report", "table"))
    return Folder(
        "root",
        "",
        ("notes", "picture", "large", "empty", "invoice"),
        (
            Folder("reports", "Reports", ("summary",), (reports,)),
            Folder("languages", "Languages", ("contract", "minutes", "receipt", "resume")),
            Folder("twins", "Twins", ("twin",), (twins,)),
            Folder("nothing", "Nothing"),
            Folder("batch", "Batch", tuple(small_id(number) for number in range(small_count))),
        ),
    )
