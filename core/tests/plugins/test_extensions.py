"""Extensions wrap every hook: they see, change and refuse."""

import pytest

from downspout import Account, Credential, Link
from downspout.errors import AuthenticationError, PermissionDenied, PluginError
from downspout.testing import Document, LyingServer


@pytest.fixture
def server():
    with LyingServer() as server:
        server.documents["/a"] = Document(b"hello")
        yield server


@pytest.fixture
def service(plugin, server):
    def resolve_link(account, references, credential):
        if credential is None:
            raise AuthenticationError("Who are you?")
        return [Link(reference, server.url("/a")) for reference in references]

    def authenticate(account):
        return Credential(account.name, (), {"token": "t"})

    return plugin("svc", authenticate=authenticate, resolve_link=resolve_link)


def client(client_of, *plugins):
    return client_of(*plugins, accounts=[Account("svc", "svc", {"allow_http": True, "allow_private": True})])


def recording(seen, name):
    def wrapper(account):
        seen.append(f"{name}>")
        answer = yield
        seen.append(f"<{name}")
        return answer

    return wrapper


def test_an_extension_sees_all_three_hooks(client_of, service, extension):
    seen = []
    audit = extension(
        "audit", **{hook: recording(seen, hook) for hook in ("authenticate", "resolve_link", "open_stream")}
    )
    with client(client_of, service, audit).open("svc:x") as file:
        assert file.read() == b"hello"
    assert seen == [
        "resolve_link>",
        "authenticate>",
        "<authenticate",
        "resolve_link>",
        "<resolve_link",
        "open_stream>",
        "<open_stream",
    ]


def test_extensions_wrap_each_other_in_turn(client_of, service, extension):
    seen = []
    outer = extension("outer", resolve_link=recording(seen, "outer"))
    inner = extension("inner", resolve_link=recording(seen, "inner"))
    made = client(client_of, service, inner, outer)
    made.resolve("svc:x")
    assert seen[-4:] == ["outer>", "inner>", "<inner", "<outer"]


@pytest.mark.parametrize("hook", ["authenticate", "resolve_link", "open_stream"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_an_extension_may_refuse_every_call(client_of, service, extension, server, hook, when):
    def refuse(account):
        if when == "before":
            raise PermissionDenied("Not on a Sunday.")
        answer = yield
        if hook == "open_stream":
            answer.close()  # who keeps a stream from the core closes it
        raise PermissionDenied("Not on a Sunday.")

    made = client(client_of, service, extension("sunday", **{hook: refuse}))
    with pytest.raises(PermissionDenied, match="Not on a Sunday"):
        made.open("svc:x").read()
    assert (server.requests == []) is not (hook == "open_stream" and when == "after")


def test_what_an_extension_changes_is_checked_like_what_a_plugin_answers(client_of, service, extension):
    def spoil(references):
        yield
        return "nonsense"

    with pytest.raises(PluginError, match="its resolve_link answered"):
        client(client_of, service, extension("spoiler", resolve_link=spoil)).resolve("svc:x")


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_extension_that_breaks_costs_that_call(client_of, service, extension, when):
    broken = [True]

    def resolve_link(credential):
        if when == "before" and broken:
            raise ValueError("s3cret")
        answer = yield
        if broken:
            raise ValueError("s3cret")
        return answer

    made = client(client_of, service, extension("breaker", resolve_link=resolve_link))
    with pytest.raises(PluginError, match="raised ValueError") as caught:
        made.resolve("svc:x")
    assert "s3cret" not in caught.value.message
    broken.clear()
    assert made.resolve("svc:x")


def test_an_extension_that_never_yields_costs_that_call(client_of, service, extension):
    def resolve_link(references):
        if False:
            yield

    with pytest.raises(PluginError, match="raised RuntimeError"):
        client(client_of, service, extension("silent", resolve_link=resolve_link)).resolve("svc:x")


def test_an_extension_sees_what_the_core_opens_by_itself(client_of, service, extension):
    seen = []

    def open_stream(link, start):
        seen.append(start)
        return (yield)

    made = client(client_of, service, extension("audit", open_stream=open_stream))
    assert not made.session("svc").hooks.opens_by_itself
    with made.open("svc:x") as file:
        assert file.read(2) == b"he"
    assert seen == [0]
    assert client(client_of, service).session("svc").hooks.opens_by_itself
