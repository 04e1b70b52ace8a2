"""A provider whose documents, folders and troubles a test lays out, and a client that brings them down."""

import hashlib
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import attrs

from downspout import Account, Client, Credential, Folder, Link, Provider, Reference, Result, Secret
from downspout._transfer.finished import work_files
from downspout.errors import AuthenticationError, DownspoutError
from downspout.hookspecs import hookimpl
from downspout.testing import Document, LyingServer, Pattern

LENIENT = {"allow_http": True, "allow_private": True}
SMALL = 700


def content(document: str) -> bytes:
    """Return the bytes of the document of that name: no two are alike."""
    return hashlib.sha256(document.encode()).digest() * (SMALL // 32)


class Depot:
    """A provider in one object. Every document exists, unless the test says otherwise.

    Args:
        server: sends the documents.
        name: of the provider; documents are `NAME:anything`.
        batch_size: how many references it takes at once.

    Attributes:
        calls: the documents of each call, in order.
        troubles: what the first, second, … call raises; `None`: nothing.
        outcomes: what single documents come to: a value, or a function of the reference.
        folders: the children of folders: `path in the folder -> document`; a folder's path ends in `/`.
        pages: how many children a folder gives at once.
        link: what its links do, by the names of `LyingServer.link`.
        facts: what it says of each document, by the names of `Link`.
        gate: every call waits for it.
        before: called with the number of the call.
    """

    def __init__(self, server: LyingServer, name: str = "depot", batch_size: int = 100) -> None:
        self.provider = Provider(name, name.title(), batch_size=batch_size)
        self.server = server
        self.calls: list[list[str]] = []
        self.troubles: list[BaseException | None] = []
        self.outcomes: dict[str, Any] = {}
        self.folders: dict[str, dict[str, str]] = {}
        self.pages = 1000
        self.link: dict[str, Any] = {}
        self.facts: dict[str, Any] = {}
        self.gate = threading.Event()
        self.gate.set()
        self.before: Callable[[int], None] = lambda _: None
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        return self.provider.name

    @property
    def asked(self) -> list[str]:
        """The documents that were asked for, in order."""
        return [document for call in self.calls for document in call]

    @hookimpl
    def resolve_link(self, account, references, credential):
        with self._lock:
            self.calls.append([reference.document for reference in references])
            number = len(self.calls)
            trouble = self.troubles.pop(0) if self.troubles else None
        self.gate.wait(30)
        self.before(number)
        if trouble is not None:
            raise trouble
        return [self.outcome(reference) for reference in references]

    def outcome(self, reference: Reference) -> Any:
        special = self.outcomes.get(reference.document)
        if special is not None:
            return special(reference) if callable(special) else special
        if reference.document in self.folders:
            return self._page(reference)
        return self.link_to(reference)

    def link_to(self, reference: Reference, **more: Any) -> Link:
        path = f"/{self.name}/{reference.document}"
        if path not in self.server.documents:
            self.server.documents[path] = Document(content(reference.document))
        facts = {"name": reference.document.rpartition("/")[2] + ".bin", **self.facts, **more}
        return Link(reference, self.server.link(path, **self.link), **facts)

    def _page(self, reference: Reference) -> Folder:
        first = reference.hint or 0
        entries = list(self.folders[reference.document].items())
        page = entries[first : first + self.pages]
        more = Reference(reference.account, reference.document, hint=first + self.pages)
        return Folder(
            [(path, Reference(reference.account, document), None, None) for path, document in page],
            more if first + self.pages < len(entries) else None,
        )


class Bank(Depot):
    """A depot that wants to know who is asking.

    Attributes:
        issued: how many credentials it gave out.
        valid: the tokens that are honoured.
        wear: calls after which a token is no longer honoured; `None`: never.
        closed: whether it gives out no more credentials.
    """

    def __init__(self, server: LyingServer, name: str = "bank", batch_size: int = 100) -> None:
        super().__init__(server, name, batch_size)
        self.issued = 0
        self.uses: Counter[str] = Counter()
        self.wear: int | None = None
        self.closed = False

    @hookimpl
    def authenticate(self, account, refused):
        if self.closed:
            raise AuthenticationError(f"The account {account.name} is not signed in.")
        self.issued += 1
        return Credential(account.name, account.origins, {"token": Secret(f"token-{self.issued}")})

    @hookimpl
    def resolve_link(self, account, references, credential):
        token = "" if credential is None else credential.reveal("token")
        with self._lock:
            self.uses[token] += 1
            last = token != f"token-{self.issued}"
            worn = self.wear is not None and token == "token-1" and self.uses[token] > self.wear
        if not token or last or worn:
            raise AuthenticationError(f"{account.name}: the session has ended.")
        return super().resolve_link(account, references, credential)


@attrs.define
class Rig:
    """What a test holds in its hands.

    Attributes:
        server: sends the documents.
        folder: where they go.
        depot: the first provider; `plugins` has all of them.
    """

    server: LyingServer
    folder: Path
    stack: ExitStack
    depot: Depot = attrs.field(default=attrs.Factory(lambda self: Depot(self.server), takes_self=True))
    plugins: list[Any] = attrs.field(default=attrs.Factory(lambda self: [self.depot], takes_self=True))

    def add(self, plugin: Any) -> Any:
        """Offer one more provider."""
        self.plugins.append(plugin)
        return plugin

    def client(self, **settings: Any) -> Client:
        """Return a client that is closed in the end."""
        named = [Account(plugin.provider.name, plugin.provider.name, LENIENT) for plugin in self.plugins]
        settings = {"timeout": 5.0, "trust_typed": True, **settings}
        return self.stack.enter_context(Client(named, plugins=["web", *self.plugins], **settings))

    def run(self, wanted: Iterable[Any], *, client: Client | None = None, **options: Any) -> list[Result]:
        """Bring everything down; options named as settings of a client are given to one of its own."""
        return list(self.results(wanted, client=client, **options))

    def results(self, wanted: Iterable[Any], *, client: Client | None = None, **options: Any) -> Iterator[Result]:
        names = {"timeout", "retries", "min_speed", "limit_rate", "hook_timeout", "observer", "credentials"}
        settings = {name: options.pop(name) for name in names & options.keys()}
        return (client or self.client(**settings)).download_many(wanted, self.folder, **options)

    @property
    def ledger(self) -> Path:
        """Where a test keeps its ledger."""
        return self.folder / ".downspout.sqlite"

    def files(self) -> dict[str, bytes]:
        """Return what is below the folder, by relative path, work files and ledger left out."""
        found = (path for path in self.folder.rglob("*") if path.is_file())
        return {
            path.relative_to(self.folder).as_posix(): path.read_bytes()
            for path in found
            if not path.name.startswith(".")
        }

    def work_files(self) -> list[str]:
        """Return the names of parts and records that are left."""
        return sorted(path.name for path in self.folder.rglob(".downspout-*"))

    def fetched(self) -> Counter[str]:
        """Return how often each document was asked for at the server."""
        return Counter(request.path.rpartition("/")[2] for request in self.server.requests)

    def leave_part(self, name: str, data: bytes) -> Path:
        """Leave bytes of a document that is not complete."""
        part, _ = work_files(self.folder / name)
        part.write_bytes(data)
        return part


def uris(count: int, depot: str = "depot", first: int = 0) -> list[str]:
    """Return the URIs of so many documents."""
    return [f"{depot}:d{number:05}" for number in range(first, first + count)]


def expected(count: int, first: int = 0) -> dict[str, bytes]:
    """Return the files that `uris` bring."""
    return {f"d{number:05}.bin": content(f"d{number:05}") for number in range(first, first + count)}


def statuses(results: Iterable[Result]) -> Counter[str]:
    return Counter(result.status for result in results)


def failures(results: Iterable[Result]) -> dict[int, DownspoutError]:
    """Return the errors by index."""
    return {result.index: result.error for result in results if result.status == "failed" and result.error}


def big(size: int, **facts: Any) -> Document:
    return Document(Pattern(size), **facts)


def rigs(folder: Path, **server: Any) -> Iterator[Rig]:
    """Yield a rig whose server is made with `server`."""
    folder.mkdir(exist_ok=True)
    with ExitStack() as stack:
        yield Rig(stack.enter_context(LyingServer(**server)), folder, stack)
