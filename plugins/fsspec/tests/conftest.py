"""Services to read from: the sandbox's KooDrive, and a shelf that tests write to."""

import re
from urllib.parse import quote

import pytest

import downspout_koodrive
from downspout import Account, Client, Folder, Link, Provider, Reference, Secret, hookimpl
from downspout.errors import NotFound
from downspout.testing import Document, LyingServer
from downspout_fsspec import DownspoutFileSystem
from downspout_sandbox import Sandbox

RANGE = re.compile(r"bytes=(\d+)-(\d*)\Z")


@pytest.fixture(autouse=True)
def no_instances_kept():
    """fsspec keeps file systems; a test begins and ends without any."""
    DownspoutFileSystem.clear_instance_cache()
    yield
    DownspoutFileSystem.clear_instance_cache()


@pytest.fixture
def sandbox():
    with Sandbox(services=["koodrive"], small_count=120) as running:
        yield running


@pytest.fixture
def configured(sandbox, monkeypatch, tmp_path):
    """The sandbox, in the environment of this process, and no other configuration."""
    for name, value in sandbox.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return sandbox


def koodrive_client(environment):
    """Return a client for the KooDrive that an environment describes."""
    prefix = "DOWNSPOUT_KOODRIVE_"
    found = {name.removeprefix(prefix).lower(): text for name, text in environment.items() if prefix in name}
    secret = {each.name for each in downspout_koodrive.provider.settings if each.secret}
    values = {name: Secret(text) if name in secret else text for name, text in found.items()}
    account = Account("koodrive", "koodrive", {**values, "allow_http": True, "allow_private": True})
    return Client([account], plugins=[downspout_koodrive], timeout=10.0, retries=2)


@pytest.fixture
def fs(sandbox):
    with koodrive_client(sandbox.environment) as client:
        yield DownspoutFileSystem(client=client)


class Served:
    """Counts the bytes of a document that a server was asked for."""

    def __init__(self, sandbox):
        self.sandbox = sandbox

    def ranges(self):
        """Return the first and the last byte of each request, `None` where it says neither."""
        found = []
        for request in self.sandbox.requests:
            if request.endpoint == "koodrive-store":
                matched = RANGE.match(request.headers.get("Range", ""))
                found.append(None if matched is None else (int(matched[1]), int(matched[2] or -1)))
        return found

    def bytes(self, size):
        """Return at most how many bytes were sent of a document of `size` bytes."""
        spans = [(0, -1) if span is None else span for span in self.ranges()]
        return sum((last if last >= 0 else size - 1) + 1 - first for first, last in spans)


@pytest.fixture
def served(sandbox):
    return Served(sandbox)


class Shelf:
    """A provider whose documents tests put there: `shelf:/a/b` by path, `shelf:F1/` by the folder's number.

    Attributes:
        documents: bytes by path; folders end in a slash and have `None`.
        sizes: whether listings and links say how long documents are.
        page: how many entries a page of a listing has.
        asked: the references that were asked for.
    """

    provider = Provider("shelf", "Shelf")

    def __init__(self, server):
        self.server = server
        self.documents = {"/": None}
        self.sizes = True
        self.page = 3
        self.asked = []

    def put(self, path, data):
        """Put bytes at a path, with the folders above it."""
        above = path.rstrip("/").rpartition("/")[0]
        while above:
            self.documents[f"{above}/"] = None
            above = above.rpartition("/")[0]
        self.documents[path] = data
        if data is not None:
            self.server.documents[path] = Document(data, etag=f'"{hash(data)}"')

    def remove(self, path):
        """Take a document, or a folder with everything in it, away."""
        gone = [name for name in self.documents if name == path or name.startswith(f"{path.rstrip('/')}/")]
        for name in gone:
            del self.documents[name]

    def _path(self, document):
        number, slash, rest = document.partition("/")
        if number:
            folders = sorted(name for name in self.documents if name.endswith("/"))
            if not number.removeprefix("F").isdigit() or rest or not slash:
                raise NotFound(f"shelf:{document}: there is no such number.")
            return folders[int(number.removeprefix("F"))]
        return document

    @hookimpl
    def resolve_link(self, references):
        self.asked += references
        return [self._outcome(reference) for reference in references]

    def _outcome(self, reference):
        try:
            path = self._path(reference.document)
            data = self.documents.get(path)
            if data is None:
                return self._folder(reference, path if path.endswith("/") else f"{path}/")
        except NotFound as exc:
            return exc
        size, version = (len(data), f"v{hash(data)}") if self.sizes else (None, None)
        return Link(reference, self.server.url(quote(path)), size=size, version=version)

    def _folder(self, reference, folder):
        if folder not in self.documents:
            raise NotFound(f"{reference.shown}: there is nothing.")
        inside = sorted(name for name in self.documents if name != folder and self._is_in(folder, name))
        start = int(reference.options.get("from", "0"))
        stop = start + self.page
        children = []
        for name in inside[start:stop]:
            data = self.documents[name]
            size = len(data) if data is not None and self.sizes else None
            children.append((name.removeprefix(folder), Reference("shelf", name), size, None))
        more = Reference("shelf", folder, {"from": str(stop)}) if stop < len(inside) else None
        return Folder(children, more)

    def _is_in(self, folder, name):
        return name.startswith(folder) and "/" not in name.removeprefix(folder).rstrip("/")


@pytest.fixture
def shelf():
    with LyingServer() as server:
        yield Shelf(server)


@pytest.fixture
def shelf_client(shelf):
    account = Account("shelf", "shelf", {"allow_http": True, "allow_private": True})
    with Client([account], plugins=["web", shelf], timeout=10.0, retries=2, trust_typed=True) as client:
        yield client
