"""A service on loopback that says what a test tells it to, and the hooks bound to an account of it."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import attrs
import pytest

import downspout_koodrive
from downspout import Account, Credential, Http, Link, Reference, Secret, Stream
from downspout._http import BoundHttp, Clock, Pool, Rules  # a hook's `http`, as the core makes it
from downspout.hookspecs import Outcome
from downspout_koodrive import provider

DOWNLOAD = "/koodrive/ose/v1/files/download"
LIST = "/koodrive/ose/v1/files/0"
USER = "1505084218764547200"


@attrs.frozen
class Asked:
    """A request as the service got it."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def json(self):
        return json.loads(self.body)


@attrs.frozen
class Said:
    """An answer."""

    status: int
    body: bytes
    headers: dict[str, str] = attrs.field(factory=dict)


def said(value: object, status: int = 200, **headers: str) -> Said:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return Said(status, body, {name.replace("_", "-"): text for name, text in headers.items()})


Answerer = Callable[[Asked], object]


class Service:
    """A server whose answers are functions by path; what was asked is kept."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.answers: dict[str, Answerer] = {}
        self.clock_ahead = 0.0  # seconds by which its `Date` is ahead; the local clock's otherwise
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def on(self, path: str, answer: object) -> None:
        """Answer `path` with a value, an instance of `Said`, or what a function of the request gives."""
        self.answers[path] = answer if callable(answer) else lambda _: answer

    def at(self, path: str) -> list[Asked]:
        return [asked for asked in self.asked if asked.path == path]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def _answer(self, asked: Asked) -> Said:
        self.asked.append(asked)
        answer = self.answers.get(asked.path, lambda _: said({"unknown": True}, 404))(asked)
        return answer if isinstance(answer, Said) else said(answer)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = -1

            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                answer = service._answer(Asked(self.command, self.path, headers, body))
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            do_GET = do_POST = do_HEAD = handle_any  # noqa: N815

            def date_time_string(self, timestamp: float | None = None) -> str:
                return formatdate((timestamp or time.time()) + service.clock_ahead, usegmt=True)

            def log_message(self, *_: object) -> None:
                pass

        return Handler


@attrs.define
class Drive:
    """The hooks of the plugin, bound to one account of a service."""

    service: Service
    account: Account
    pool: Pool
    clock: Clock = attrs.field(factory=Clock)
    credential: Credential | None = None

    def http(self, credential: Credential | None = None) -> Http:
        rules = Rules(trusted=self.account.origins, allow_http=True, allow_private=True)
        return BoundHttp(self.pool, rules, self.account, credential, self.clock, "koodrive:", 5.0)

    def authenticate(self, refused: Credential | None = None, interaction=None) -> Credential:
        http = self.http(refused)
        self.credential = downspout_koodrive.authenticate(self.account, refused, interaction, http)
        return self.credential

    def resolve(self, *references: str | Reference) -> Sequence[Outcome]:
        credential = self.credential or self.authenticate()
        parsed = [Reference.parse(each) if isinstance(each, str) else each for each in references]
        return downspout_koodrive.resolve_link(self.account, parsed, credential, self.http(credential))

    def open(self, url: str, start: int = 0, stop: int | None = None) -> Stream:
        link = Link(Reference.parse("koodrive:F1"), url)
        return downspout_koodrive.open_stream(self.account, link, start, stop, None, self.http(self.credential))


def record(file_id: str, *, code: object = "0", **fields: object) -> dict[str, object]:
    """Return the record of a document as the service writes it."""
    url = f"https://store.example/{file_id}?X-Amz-Date=20260101T000000Z&X-Amz-Expires=3600"
    return {"fileId": file_id, "url": url, "fileName": f"{file_id}.txt", "code": code, "msg": "success", **fields}


def links(asked: Asked) -> dict[str, object]:
    """Answer a call for links: every document is there."""
    records = [record(file_id) for file_id in asked.json["fileIds"]]
    return {"downloads": records, "batchCode": 1, "code": 0, "msg": "Success."}


@pytest.fixture(scope="module")
def server() -> Iterator[Service]:
    server = Service()
    yield server
    server.close()


@pytest.fixture
def service(server: Service) -> Service:
    server.asked.clear()
    server.answers.clear()
    server.clock_ahead = 0.0
    server.on(DOWNLOAD, links)
    return server


@pytest.fixture
def pool() -> Iterator[Pool]:
    pool = Pool(5.0)
    yield pool
    pool.close()


@pytest.fixture
def drive(service: Service, pool: Pool) -> Callable[..., Drive]:
    """Return a function that makes the hooks for an account with some settings."""
    secret = {setting.name for setting in provider.settings if setting.secret}

    def make(**settings: str | None) -> Drive:
        given = {"endpoint": service.url, "container_id": "C1", "user_id": USER, "token": "token-of-a-session"}
        given.update(settings)
        values: dict[str, object] = {each.name: each.default for each in provider.settings}
        for name, value in given.items():
            values[name] = Secret(value) if name in secret and value is not None else value
        return Drive(service, Account("koodrive", "koodrive", values), pool)

    return make


@pytest.fixture
def say() -> Callable[..., Said]:
    return said


@pytest.fixture
def make_record() -> Callable[..., dict[str, object]]:
    return record


@pytest.fixture
def make_service() -> Callable[[], Service]:
    return Service
