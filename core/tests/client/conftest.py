"""A service of a few documents, and a client that may talk to it."""

import threading

import pytest

from downspout import Account, Credential, Folder, Link, Reference, Secret, Setting
from downspout.errors import AuthenticationError, NotFound
from downspout.testing import Document, FakeService

OPEN = {"allow_http": True, "allow_private": True}


@pytest.fixture
def server():
    with FakeService() as server:
        for name in "abc":
            server.documents[f"/{name}"] = Document(name.encode() * 1000, name=f"{name}.txt")
        yield server


@pytest.fixture
def service(plugin, server):
    """A provider `svc` in batches of three: tokens, a folder, documents that are not there."""
    calls = []

    def authenticate(account, refused):
        token = account.text("token")
        if token is None or refused is not None:
            raise AuthenticationError("No token.")
        return Credential(account.name, [server.origin], {"token": Secret(token)})

    def resolve_link(account, references, credential):
        calls.append([str(reference) for reference in references])
        return [outcome(account, reference, credential) for reference in references]

    def outcome(account, reference, credential):
        if reference.document == "folder":
            return Folder([(f"{name}.txt", Reference(account.name, name)) for name in "abc"])
        if reference.document == "gone":
            return NotFound(f"{reference}: gone.")
        if reference.document.startswith("secret") and credential is None:
            return AuthenticationError("Who are you?")
        return Link(reference, server.url(f"/{reference.document.removeprefix('secret-')}"))

    settings = (Setting("token", "proof", secret=True), Setting("endpoint", "where"))
    module = plugin("svc", settings=settings, batch_size=3, authenticate=authenticate, resolve_link=resolve_link)
    module.calls = calls
    return module


@pytest.fixture
def client(client_of, service):
    return client_of(service, accounts=[Account("svc", "svc", OPEN)], timeout=10.0)


@pytest.fixture
def no_thread_left():
    """Check that a test leaves none of our threads behind."""
    before = set(threading.enumerate())
    yield
    left = [
        thread for thread in threading.enumerate() if thread not in before and thread.name.startswith("downspout")
    ]
    for thread in left:
        thread.join(5)
    assert not [thread for thread in left if thread.is_alive()]
