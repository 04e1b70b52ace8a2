"""An account in use: its plugin is asked, and its credential renewed a bounded number of times."""

import contextlib
import time
from datetime import UTC, datetime, timedelta

import pytest

from downspout import Account, Credential, Folder, Link, Reference, Secret
from downspout._access import DocumentSource, Session, life_left
from downspout._accounts import MemoryStore
from downspout._http import Pool, Rules
from downspout._plugins import Hooks, PluginRegistry, Workers
from downspout.errors import AuthenticationError, InvalidURI, NotFound, PermissionDenied, Unavailable
from downspout.testing import Delay, Document, Header, LyingServer

NAMES = "abcde"


@pytest.fixture
def server():
    with LyingServer() as server:
        server.documents["/a"] = Document(b"hello")
        yield server


@pytest.fixture
def session_of(plugin):
    with contextlib.ExitStack() as stack:
        workers = stack.enter_context(contextlib.closing(Workers()))
        pool = stack.enter_context(contextlib.closing(Pool(5.0)))

        def make(*, settings=None, rules=None, batch_size=5, **hooks):
            registry = PluginRegistry([plugin("svc", batch_size=batch_size, **hooks)])
            account = Account("svc", "svc", settings or {})
            rules = rules or Rules(allow_http=True, allow_private=True)
            return Session(account, Hooks(registry.load("svc"), workers, 5.0), MemoryStore(), pool, rules, 5.0)

        yield make


def nothing():
    return []


def references(names):
    return [Reference("svc", name) for name in names]


class Service:
    """A plugin whose tokens end: `accepts` says which credential opens which document."""

    def __init__(self, accepts, *, as_values=True):
        self.accepts, self.as_values = accepts, as_values
        self.calls, self.tokens = [], 0

    def authenticate(self, account, refused):
        self.tokens += 1
        return Credential(account.name, (), {"token": Secret(f"t{self.tokens}")})

    def resolve_link(self, references, credential):
        token = credential.reveal("token") if credential else None
        names = "".join(reference.document for reference in references)
        self.calls.append((token, names))
        refused = AuthenticationError("Not with that.")
        found = [self.accepts(token, name) for name in names]
        if not self.as_values and not all(found):
            raise refused
        return [
            Link(reference, "https://h.example/") if good else refused
            for reference, good in zip(references, found, strict=True)
        ]


@pytest.fixture
def asked(session_of):
    def ask(service, names=NAMES):
        def authenticate(account, refused):
            return service.authenticate(account, refused)

        def resolve_link(references, credential):
            return service.resolve_link(references, credential)

        session = session_of(authenticate=authenticate, resolve_link=resolve_link)
        return session, session.resolve(references(names))

    return ask


def kinds(outcomes):
    return "".join("L" if isinstance(outcome, Link) else "E" for outcome in outcomes)


def test_public_documents_need_no_account(asked):
    service = Service(lambda token, name: True)
    assert kinds(asked(service)[1]) == "LLLLL"
    assert (service.calls, service.tokens) == ([(None, NAMES)], 0)


@pytest.mark.parametrize("as_values", [True, False])
def test_a_credential_is_got_when_one_is_needed_and_the_call_made_again(asked, as_values):
    service = Service(lambda token, name: token == "t1", as_values=as_values)
    session, outcomes = asked(service)
    assert kinds(outcomes) == "LLLLL"
    assert [outcome.reference for outcome in outcomes] == references(NAMES)
    assert service.calls == [(None, NAMES), ("t1", NAMES)]
    session.resolve(references("a"))
    assert service.calls[-1] == ("t1", "a")


def test_only_those_that_were_refused_are_asked_for_again(asked):
    service = Service(lambda token, name: name in "ac" or token == "t1")
    assert kinds(asked(service)[1]) == "LLLLL"
    assert service.calls == [(None, NAMES), ("t1", "bde")]


def test_one_document_that_no_credential_opens_costs_no_other(asked):
    service = Service(lambda token, name: name != "c" and token is not None)
    _, outcomes = asked(service)
    assert kinds(outcomes) == "LLELL"
    assert isinstance(outcomes[2], AuthenticationError)
    assert service.tokens <= 4


@pytest.mark.parametrize("as_values", [True, False])
def test_an_account_that_nothing_opens_is_an_error_for_all(asked, as_values):
    service = Service(lambda token, name: False, as_values=as_values)
    with pytest.raises(AuthenticationError, match="Not with that"):
        asked(service)
    assert service.tokens == 3
    assert len(service.calls) == 4


@pytest.mark.parametrize("as_values", [True, False])
def test_one_call_has_an_end_though_others_succeed_meanwhile(session_of, as_values):
    """Other calls of the account that succeed start the count of renewals anew; this call counts for itself."""
    tokens, sessions = [], []

    def authenticate(account):
        tokens.append(1)
        assert len(tokens) < 20
        return Credential(account.name, (), {"token": Secret(f"t{len(tokens)}")})

    def resolve_link(references, credential):
        sessions[0].credentials.worked(credential)  # as a call that succeeds just now does
        refused = AuthenticationError("Never.")
        if not as_values:
            raise refused
        return [refused for _ in references]

    sessions.append(session_of(authenticate=authenticate, resolve_link=resolve_link))
    with pytest.raises(AuthenticationError, match="Never"):
        sessions[0].resolve(references("a"))
    assert len(tokens) == 4


def test_opening_has_an_end_though_others_succeed_meanwhile(session_of):
    tokens, sessions = [], []

    def authenticate(account):
        tokens.append(1)
        assert len(tokens) < 20
        return Credential(account.name, (), {"token": Secret(f"t{len(tokens)}")})

    def open_stream(credential):
        sessions[0].credentials.worked(credential)
        raise AuthenticationError("Never.")

    sessions.append(session_of(authenticate=authenticate, resolve_link=nothing, open_stream=open_stream))
    with pytest.raises(AuthenticationError, match="Never"):
        sessions[0].open(Link(Reference("svc", "a"), "https://h.example/"), 0, None, None)
    assert len(tokens) == 4


def test_a_failure_of_the_service_ends_the_call(session_of):
    def resolve_link():
        raise Unavailable("Down.")

    with pytest.raises(Unavailable):
        session_of(resolve_link=resolve_link).resolve(references(NAMES))


def test_messages_name_the_document_or_the_account(session_of):
    shown = []

    def resolve_link(http, references):
        shown.append(http.shown)
        return [NotFound("Gone.") for _ in references]

    session = session_of(resolve_link=resolve_link)
    session.resolve(references("a"))
    session.resolve(references("ab"))
    assert shown == ["svc:a", "the account svc"]


# Bytes.


def test_a_stream_is_opened_with_a_new_credential_where_that_helps(session_of, server):
    seen = []

    def authenticate(account):
        return Credential(account.name, [server.origin], {"token": Secret("t")})

    def open_stream(link, credential, http):
        seen.append(credential is not None)
        if credential is None:
            raise AuthenticationError("Who are you?")
        return http.open("GET", link.url, headers={"X-Token": credential.reveal("token")})

    session = session_of(authenticate=authenticate, resolve_link=nothing, open_stream=open_stream)
    stream = session.open(Link(Reference("svc", "a"), server.url("/a")), 0, None, None)
    buffer = bytearray(10)
    assert bytes(buffer[: stream.readinto(buffer)]) == b"hello"
    stream.close()
    assert seen == [False, True]
    assert server.requests[0].headers["x-token"] == "t"


def test_a_typed_url_s_origin_is_trusted_for_its_account_only(session_of, server):
    session, other = (session_of(resolve_link=nothing, rules=Rules()) for _ in range(2))
    link = Link(Reference("svc", "a"), server.url("/a"))
    with pytest.raises(PermissionDenied):
        session.open(link, 0, None, None)
    session.trust(Reference("svc", server.url("/typed")))
    session.open(link, 0, None, None).close()
    with pytest.raises(PermissionDenied):
        other.open(link, 0, None, None)


def test_what_is_no_url_trusts_nothing(session_of):
    session = session_of(resolve_link=nothing, rules=Rules())
    session.trust(Reference("svc", "no-url"))
    session.trust(Reference("svc", "https://ü" + "x" * 70))
    assert session._typed == set()


def test_whoever_waits_without_being_told_to_stop_waits(session_of, server):
    server.route("/slow", lambda request: {})
    server.script("/slow", [Delay(0.4)])
    server.script("/a", [Delay(0.4)])

    def resolve_link(references, http):
        assert http.request("POST", server.url("/slow")).ok
        return [Link(references[0], server.url("/a"))]

    session = session_of(resolve_link=resolve_link)
    (link,) = session.resolve(references("a"))
    source(session, [], link).open(link, 0, None, None).close()


# A document's links.


def source(session, told, link=None):
    return DocumentSource(session, Reference("svc", "a"), link=link, cancelled=lambda: False, tell=told.append)


def linking(server, answers=None, **more):
    calls = []

    def resolve_link(references):
        calls.append(1)
        answer = answers[len(calls) - 1] if answers else None
        return [answer or Link(references[0], server.url("/a"), **more)]

    return calls, resolve_link


def test_a_link_is_asked_for_once_until_it_is_refused(session_of, server):
    calls, resolve_link = linking(server)
    told = []
    made = source(session_of(resolve_link=resolve_link), told)
    assert made.reference == Reference("svc", "a")
    link = made.link()
    assert made.link() is link
    made.refuse(Link(Reference("svc", "a"), "https://other.example/"))
    assert made.link() is link
    made.refuse(link)
    made.refuse(link)
    assert made.link() is not link
    assert len(calls) == 2
    assert [type(event).__name__ for event in told] == ["Resolved", "Resolved"]


def test_a_link_in_hand_is_used_and_what_is_opened_is_told(session_of, server):
    calls, resolve_link = linking(server)
    told = []
    link = Link(Reference("svc", "a"), server.url("/a"))
    made = source(session_of(resolve_link=resolve_link), told, link)
    made.open(made.link(), 2, None, None).close()
    assert calls == []
    assert [(type(event).__name__, event.start) for event in told] == [("Opened", 2)]


def test_a_link_of_a_single_use_is_used_once(session_of, server):
    calls, resolve_link = linking(server, single_use=True)
    made = source(session_of(resolve_link=resolve_link), [])
    for _ in range(2):
        made.open(made.link(), 0, None, None).close()
    assert len(calls) == 2


def test_an_error_or_a_folder_is_no_link(session_of, server):
    _, resolve_link = linking(server, [NotFound("Gone."), Folder(())])
    made = source(session_of(resolve_link=resolve_link), [])
    with pytest.raises(NotFound):
        made.link()
    with pytest.raises(InvalidURI, match="svc:a is a folder") as caught:
        made.link()
    assert "-d" in caught.value.hint


@pytest.mark.parametrize(("seconds", "left"), [(None, None), (60, 60), (-60, -60)])
def test_the_life_of_a_link_counts_from_its_arrival(session_of, seconds, left):
    session = session_of(resolve_link=nothing)
    expires_at = None if seconds is None else datetime.now(UTC) + timedelta(seconds=seconds)
    link = Link(Reference("svc", "a"), "https://h.example/", expires_at=expires_at)
    ends = life_left(link, session)
    assert (ends is None) is (left is None)
    if left is not None:
        assert abs(ends - time.monotonic() - left) < 5


def test_the_life_of_a_link_is_told_by_the_service_s_clock(session_of, server):
    """A machine whose clock is years ahead, as the service sees it: the link is not dead on arrival."""
    server.route("/resolve", lambda request: {})
    server.script("/resolve", [Header("Date", ("Thu, 01 Jan 2015 00:00:00 GMT",))])
    expires_at = datetime(2015, 1, 1, 0, 1, tzinfo=UTC)

    def resolve_link(references, http):
        assert http.request("POST", server.url("/resolve")).ok
        assert http.now().year == 2015
        return [Link(references[0], server.url("/a"), expires_at=expires_at)]

    session = session_of(settings={"an_endpoint": server.origin}, resolve_link=resolve_link)
    (link,) = session.resolve(references("a"))
    assert abs(life_left(link, session) - time.monotonic() - 60) < 5
