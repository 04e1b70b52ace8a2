"""A service that answers whatever a test tells it to, over real HTTP, and remembers what it was asked."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from attrs import define, field, frozen

import downspout_oracle as plugin
from downspout import Account, Credential, Link, Reference, Secret, origin_of
from downspout._http import BoundHttp, Clock, Pool, Rules

TOKEN = "Bearer eyJ.secret"


@frozen
class Asked:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


@frozen
class Answer:
    body: object = b""
    status: int = 200
    headers: Mapping[str, str] = {}
    media_type: str = "application/json"

    @property
    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body, ensure_ascii=False).encode()


@define
class Far:
    """A server on loopback. `answers` maps `METHOD path` (without query) to an answer or a function of `Asked`."""

    answers: dict[str, Answer | Callable[[Asked], Answer]] = field(factory=dict)
    asked: list[Asked] = field(factory=list)
    url: str = ""

    def paths(self) -> list[str]:
        return [f"{each.method} {each.path.partition('?')[0]}" for each in self.asked]


def serve() -> Iterator[Far]:
    far = Far()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1
        disable_nagle_algorithm = True

        def handle_any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            asked = Asked(self.command, self.path, dict(self.headers.items()), self.rfile.read(length))
            far.asked.append(asked)
            answer = far.answers.get(f"{asked.method} {asked.path.partition('?')[0]}", Answer(b"", 404))
            answer = answer(asked) if callable(answer) else answer
            self.send_response(answer.status)
            for name, value in {"Content-Type": answer.media_type, **answer.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        do_GET = do_POST = do_PUT = handle_any  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    far.url = f"http://127.0.0.1:{server.server_port}"
    yield far
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def far() -> Iterator[Far]:
    """The API."""
    yield from serve()


@pytest.fixture
def other() -> Iterator[Far]:
    """Another origin: the identity domain, or a stranger."""
    yield from serve()


@define
class Caller:
    """Calls the three hooks over real HTTP, for one account."""

    account: Account
    pool: Pool

    def http(self, credential: Credential | None) -> BoundHttp:
        rules = Rules(self.account.origins, allow_http=True, allow_private=True)
        return BoundHttp(self.pool, rules, self.account, credential, Clock(), "the document", 5.0)

    def signed(self, **values: str) -> Credential:
        values = values or {"authorization": TOKEN}
        origins = {origin_of(str(self.account["endpoint"]))}
        return Credential(self.account.name, origins, {name: Secret(value) for name, value in values.items()})

    def authenticate(self, refused=None, interaction=None):
        return plugin.authenticate(self.account, refused, interaction, self.http(None))

    def resolve(self, uri: str | Reference, credential: Credential | None = None, signed: bool = True):
        credential = self.signed() if credential is None and signed else credential
        reference = Reference.parse(uri) if isinstance(uri, str) else uri
        [outcome] = plugin.resolve_link(self.account, [reference], credential, self.http(credential))
        return outcome

    def open(self, link: Link, start=0, stop=None, etag=None, credential=None, signed: bool = True):
        credential = self.signed() if credential is None and signed else credential
        return plugin.open_stream(self.account, link, credential, start, stop, etag, self.http(credential))

    def read(self, link: Link, *args, **kwargs) -> bytes:
        stream = self.open(link, *args, **kwargs)
        buffer, read = bytearray(65536), b""
        while count := stream.readinto(buffer):
            read += buffer[:count]
        stream.close()
        return read


@pytest.fixture
def call(far: Far) -> Iterator[Callable[..., Caller]]:
    """Make a caller; settings as keywords."""
    pools = []

    def make(**settings: object) -> Caller:
        known = {each.name: each.default for each in plugin.provider.settings}
        secret = {each.name for each in plugin.provider.settings if each.secret}
        given = {"endpoint": far.url} | settings
        masked = {name: Secret(value) if name in secret and value else value for name, value in given.items()}
        pools.append(Pool(5.0))
        return Caller(Account("oracle", "oracle", known | masked), pools[-1])

    yield make
    for pool in pools:
        pool.close()


def refused(
    code: str, key: str = "!csFailed", status: int = 403, message: str = "Unable to download file."
) -> Answer:
    """The JSON of a failure, as in the seed."""
    body = {"errorCode": code, "errorKey": key, "errorMessage": message, "errorType": "file", "id": "D1"}
    return Answer(
        body | {"title": message, "type": "https://www.w3.org/Protocols/rfc2616/rfc2616-sec10.html"}, status
    )


@pytest.fixture
def refusal() -> Callable[..., Answer]:
    return refused


def described(guid: str = "D1", **fields: object) -> dict[str, object]:
    """The JSON of a file, all numbers as text."""
    known = {"id": guid, "parentID": "F1", "name": "report.pdf", "type": "file", "size": "13", "version": "3"}
    return {
        **known,
        "modifiedTime": "2026-01-01T08:30:00Z",
        "mimeType": "application/pdf",
        "errorCode": "0",
        **fields,
    }


@pytest.fixture
def described_file() -> Callable[..., dict[str, object]]:
    return described


@pytest.fixture
def answer() -> type[Answer]:
    return Answer
