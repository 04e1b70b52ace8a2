"""A small iCloud that answers what a test tells it to, and the plugin's hooks bound to an account of it."""

import json
from collections.abc import Callable, Iterator, Sequence

import pytest
from attrs import define, evolve, field

import downspout_icloud as plugin
from downspout import Account, Credential, Link, Reference, Secret
from downspout._http import BoundHttp, Clock, Pool, Rules  # a hook's `http`, as the core makes it
from downspout.hookspecs import Outcome
from downspout.testing import Answer, FakeService

SEED_ID = "8C3C0E05-FBBA-48CB-8B82-2EEE9DD923E2"
DIRECT = {"dsid": "12345678901", "token": "st-0123456789", "client_id": "0a1b2c3d-0000-11ee-8000-0242ac120002"}
COOKIES = {"X-APPLE-WEBAUTH-TOKEN": '"v=2:t=planted-cookie~~"', "X-APPLE-WEBAUTH-PCS-Documents": '"pcs"'}


@define
class ICloud:
    """The API origin: sign-in, setup, drive, documents and shares by path; `contents` is another origin."""

    api: FakeService
    contents: FakeService

    def on(self, call: str, reply: object, status: int = 200, headers=()) -> None:
        """Answer `METHOD /path` with JSON, bytes, an `Answer`, or what a function of the request gives."""
        method, path = call.split(" ")

        def handler(request, **_):
            value = reply(request) if callable(reply) else reply
            if isinstance(value, bytes):
                return Answer(status, value, headers)
            return value if isinstance(value, Answer) else Answer.json(value, status, headers)

        self.api.route(path, handler, methods=[method])

    def asked(self, path: str = "") -> list:
        return [request for request in self.api.requests if path in request.path]


@define
class Caller:
    """Calls the three hooks over real HTTP, for one account."""

    account: Account
    pool: Pool
    credential: Credential | None = None
    clock: Clock = field(factory=Clock)

    def http(self, credential: Credential | None = None) -> BoundHttp:
        rules = Rules(self.account.origins, allow_http=True, allow_private=True)
        return BoundHttp(self.pool, rules, self.account, credential, self.clock, "the account icloud", 5.0)

    def authenticate(self, refused: Credential | None = None, interaction=None) -> Credential:
        self.credential = plugin.authenticate(self.account, refused, interaction, self.http())
        return self.credential

    def resolve(self, *uris: str | Reference) -> Sequence[Outcome]:
        references = [Reference.parse(uri) if isinstance(uri, str) else uri for uri in uris]
        references = [evolve(each, account="icloud") if each.account == "web" else each for each in references]
        return plugin.resolve_link(self.account, references, self.credential, self.http(self.credential))

    def open(self, link: Link, start: int = 0, stop: int | None = None):
        return plugin.open_stream(self.account, link, start, stop, self.http(self.credential))

    def read(self, link: Link, start: int = 0, stop: int | None = None) -> bytes:
        stream = self.open(link, start, stop)
        buffer, content = bytearray(1 << 16), bytearray()
        while count := stream.readinto(buffer):
            content += buffer[:count]
        stream.close()
        return bytes(content)


class Answers:
    """Somebody who answers questions: by a part of the label. What was said and asked is kept."""

    def __init__(self, **answers: object) -> None:
        self.answers = {name.replace("_", " "): value for name, value in answers.items()}
        self.said: list[str] = []
        self.labels: list[str] = []

    def _answer(self, label: str) -> object:
        self.labels.append(label)
        for part, answer in self.answers.items():
            if part.lower() in label.lower():
                return answer.pop(0) if isinstance(answer, list) else answer
        raise AssertionError(f"nobody expected to be asked {label!r}")

    def ask(self, label: str) -> str:
        return str(self._answer(label))

    secret = ask

    def choose(self, label: str, options: Sequence[str]) -> int:
        wanted = self._answer(label)
        return next(index for index, option in enumerate(options) if str(wanted) in option)

    def tell(self, text: str) -> None:
        self.said.append(text)


@pytest.fixture
def icloud() -> Iterator[ICloud]:
    with FakeService() as api, FakeService() as contents:
        yield ICloud(api, contents)


@pytest.fixture
def pool() -> Iterator[Pool]:
    pool = Pool(5.0)
    yield pool
    pool.close()


def account_of(settings: dict[str, object]) -> Account:
    secret = {each.name for each in plugin.provider.settings if each.secret}
    values: dict[str, object] = plugin.provider.defaults(settings)
    for name, value in settings.items():
        values[name] = Secret(str(value)) if name in secret and value is not None else value
    return Account("icloud", "icloud", values)


@pytest.fixture
def hooks(pool) -> Callable[[dict[str, object]], Caller]:
    """Return a function that makes the hooks for an account with exactly these settings."""
    return lambda settings: Caller(account_of(settings), pool)


@pytest.fixture
def call(icloud, hooks) -> Callable[..., Caller]:
    """Return a function that makes the hooks for an account with some settings."""

    def make(**settings: object) -> Caller:
        origin = icloud.api.origin
        given = {
            "auth_endpoint": f"{origin}/auth",
            "setup_endpoint": f"{origin}/setup",
            "share_endpoint": f"{origin}/share",
        }
        return hooks(given | settings)

    return make


@pytest.fixture
def direct(icloud, call) -> Caller:
    """The hooks for an account as the seed has it: docws, dsid, token, client id."""
    caller = call(endpoint=f"{icloud.api.origin}/docs", **DIRECT)
    caller.authenticate()
    return caller


@pytest.fixture
def signed(icloud, call) -> Caller:
    """The hooks for an account that is signed in."""
    caller = call(username="jo@acme.example")
    origin = icloud.api.origin
    values = {
        "username": "jo@acme.example",
        "client_id": "client-1",
        "cookies": Secret(json.dumps(COOKIES)),
        "drive": f"{origin}/drive",
        "docs": f"{origin}/docs",
        "dsid": "12345678901",
        "session_token": Secret("session-1"),
        "trust_token": Secret("trust-1"),
        "country": "USA",
    }
    caller.credential = Credential("icloud", frozenset({origin}), values)
    return caller


@pytest.fixture
def answers() -> type[Answers]:
    return Answers
