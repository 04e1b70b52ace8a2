"""A lying server, a provider whose links and credentials die, and a client that brings documents down from it."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import attrs

from downspout import (
    Account,
    Client,
    Credential,
    DownspoutError,
    Link,
    Provider,
    Reference,
    Result,
    Secret,
    Setting,
)
from downspout._transfer.decide import Identity
from downspout._transfer.finished import work_files
from downspout._transfer.record import Record, record_key, write_record
from downspout.errors import AuthenticationError
from downspout.hookspecs import hookimpl
from downspout.testing import Content, Document, LyingServer, Pattern

KIB = 1024
MIB = 1024 * 1024
OLD = "Mon, 02 Jan 2023 03:04:05 GMT"


class Ferry:
    """A provider in one object: each link is a new one, and dies as the test says.

    Args:
        server: where its documents are.

    Attributes:
        facts: what it says of every document, by the names of `Link`.
        link: what its links do, by the names of `LyingServer.link`; `links`: more of it for the first, second, …
        troubles: what the first, second, … call raises; `None`: nothing.
        asked: the references that it was asked for, in order.
        before_link: called with the number of each link before it is made.
        address: where links lead instead; `None`: to the document at the server.
    """

    provider = Provider("ferry", "Ferry")
    host = "127.0.0.1"

    def __init__(self, server: LyingServer) -> None:
        self.server = server
        self.facts: dict[str, Any] = {}
        self.link: dict[str, Any] = {}
        self.links: list[Mapping[str, Any]] = []
        self.troubles: list[DownspoutError | None] = []
        self.asked: list[Reference] = []
        self.before_link: Callable[[int], None] = lambda _: None
        self.address: str | None = None

    @hookimpl
    def resolve_link(self, account, references):
        self.asked += references
        trouble = self.troubles.pop(0) if self.troubles else None
        if trouble is not None:
            raise trouble
        return [self._link_to(reference) for reference in references]

    def _link_to(self, reference: Reference) -> Link:
        number = len(self.asked) - 1
        self.before_link(number)
        special = self.links[number] if number < len(self.links) else {}
        url = self.address or self.server.link(reference.document, **{**self.link, **special})
        return Link(reference, url.replace("127.0.0.1", self.host), **self.facts)


class Harbour(Ferry):
    """A ferry that wants to know who is aboard.

    Attributes:
        issued: how many credentials it gave out.
        valid: the tokens that are honoured; the test lets them die by taking them out.
        origins: where its credentials may be shown; `None`: at the endpoint.
    """

    provider = Provider("harbour", "Harbour", settings=(Setting("endpoint", "where its documents are"),))
    host = "localhost"  # an origin of its own, so that URLs of the server go to `web`

    def __init__(self, server: LyingServer) -> None:
        super().__init__(server)
        self.issued = 0
        self.valid: set[str] = set()

    @hookimpl
    def authenticate(self, account, refused):
        self.issued += 1
        token = f"token-{self.issued}"
        self.valid.add(token)
        return Credential(account.name, account.origins, {"token": Secret(token)})

    @hookimpl
    def open_stream(self, link, credential, start, stop, etag, http):
        if credential is None or credential.reveal("token") not in self.valid:
            raise AuthenticationError(f"{link.reference.shown}: who is asking?")
        headers = {"X-Ferry-Token": credential.reveal("token")}
        return http.open("GET", link.url, headers=headers, start=start, stop=stop, etag=etag)


@attrs.define
class Rig:
    """What a test holds in its hands.

    Attributes:
        server: the server.
        folder: where documents go.
        ferry: the provider whose links die; `ferry:/doc` is the document at `/doc`.
        harbour: the same, asking for a credential.
    """

    server: LyingServer
    folder: Path
    stack: ExitStack
    ferry: Ferry = attrs.field(default=attrs.Factory(lambda self: Ferry(self.server), takes_self=True))
    harbour: Harbour = attrs.field(default=attrs.Factory(lambda self: Harbour(self.server), takes_self=True))

    def serve(self, content: bytes | Content | int, path: str = "/doc", **facts: Any) -> Document:
        """Put a document on the server; a number stands for a `Pattern` of so many bytes."""
        document = Document(Pattern(content) if isinstance(content, int) else content, **facts)
        self.server.documents[path] = document
        return document

    def client(self, accounts: Mapping[str, Any] | None = None, **settings: Any) -> Client:
        """Return a client that is closed in the end; `accounts` has further settings of both providers."""
        settings = {"timeout": 5.0, "trust_typed": True, **settings}
        endpoint = self.server.url("/", host=self.harbour.host)
        lenient = {"allow_http": True, "allow_private": True, **(accounts or {})}
        named = [
            Account("ferry", "ferry", lenient),
            Account("harbour", "harbour", {"endpoint": endpoint, **lenient}),
        ]
        return self.stack.enter_context(Client(named, plugins=["web", self.ferry, self.harbour], **settings))

    @property
    def target(self) -> Path:
        """Where `get` puts a document."""
        return self.folder / "doc.bin"

    def get(self, uri: str = "ferry:/doc", target: Path | None = None, *, client: Client | None = None, **options):
        """Bring a document down; a path stands for the URL of it at the server.

        Options named as settings of a client are given to one of its own.
        """
        names = {"timeout", "retries", "min_speed", "limit_rate", "accept_html", "observer"}
        settings = {name: options.pop(name) for name in names & options.keys()}
        client = client or self.client(**settings)
        uri = self.server.url(uri) if uri.startswith("/") else uri
        return client.download(uri, target or self.target, **options)

    def fail(self, uri: str = "ferry:/doc", **options: Any) -> DownspoutError:
        """Return the error that bringing a document down ends with."""
        try:
            result: Result = self.get(uri, **options)
        except DownspoutError as exc:
            return exc
        raise AssertionError(f"it went well: {result}")

    def holds(self, document: Document) -> bool:
        """Return whether the target has exactly the bytes of a document."""
        return self.target.read_bytes() == document.read()

    def ranges(self, path: str = "/doc") -> list[str | None]:
        """Return what ranges were asked for, `None` for all of it."""
        return [request.headers.get("range") for request in self.server.requests_to(path)]

    def leftovers(self) -> list[str]:
        """Return the names in the folder that are work files of ours."""
        return sorted(entry.name for entry in self.folder.iterdir() if entry.name.startswith(".downspout-"))

    def leave_part(
        self,
        data: bytes,
        uri: str = "ferry:/doc",
        *,
        identity: Identity = Identity(etag='"v1"'),  # noqa: B008 - frozen
        done: tuple[tuple[int, int], ...] | None = None,
    ) -> None:
        """Leave what a run that was killed leaves: a part that holds `data`, and its record."""
        part, note = work_files(self.target)
        part.write_bytes(data)
        uri = self.server.url(uri) if uri.startswith("/") else uri
        reference = Reference.parse(uri)
        write_record(note, Record(record_key(reference), identity, done or ((0, len(data)),)))

    def record(self) -> dict[str, Any]:
        """Return the record beside the part."""
        document: dict[str, Any] = json.loads(work_files(self.target)[1].read_bytes())
        return document


def rigs(folder: Path, **server: Any) -> Iterator[Rig]:
    """Yield a rig whose server is made with `server`."""
    folder.mkdir(exist_ok=True)
    with ExitStack() as stack:
        yield Rig(stack.enter_context(LyingServer(**server)), folder, stack)
