"""What an application may rely on: nothing of its process is touched, and what it shares may be shared."""

import contextvars
import os
import pickle
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import downspout_koodrive
from downspout import Account, Client, Credential, Link, PluginRegistry, Provider, Secret, hookimpl
from downspout.errors import (
    AuthenticationError,
    Cancelled,
    ConfigurationError,
    DownspoutError,
    InvalidURI,
    NoProvider,
    PermissionDenied,
    PluginError,
)
from downspout.testing import Document, LyingServer, Pattern
from downspout_sandbox import Sandbox
from downspout_sandbox.koodrive import names

MIB = 2**20
SECONDS = 60
caller = contextvars.ContextVar("caller", default="nobody")


def settings_of(sandbox):
    prefix = "DOWNSPOUT_KOODRIVE_"
    variables = sandbox.environment.items()
    found = {name.removeprefix(prefix).lower(): text for name, text in variables if prefix in name}
    return found | {"allow_http": True, "allow_private": True}


@pytest.fixture(scope="module")
def services():
    with Sandbox(services=["koodrive"], small_count=40) as running:
        yield running


@pytest.fixture
def sandbox(services):
    services.reset()
    return services


@pytest.fixture
def client(sandbox):
    account = Account("koodrive", "koodrive", settings_of(sandbox))
    with Client([account], plugins=[downspout_koodrive], timeout=10.0, retries=2) as one:
        yield one


def small(count):
    return [f"koodrive:{names.file_id(f'small-{number:05d}')}" for number in range(count)]


def ours():
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("downspout-")]


@pytest.fixture(autouse=True)
def no_thread_is_left():
    """Whatever a test does, the threads of its clients are gone when it is over."""
    before = set(ours())
    yield
    assert set(ours()) <= before


# The process belongs to the application.

UNTOUCHED = """
import locale, logging, os, signal, socket, sys, threading, warnings, builtins

def state():
    root, own = logging.getLogger(), logging.getLogger("downspout")
    return {
        "signals": [signal.getsignal(number) for number in signal.valid_signals()],
        "logging": (root.handlers[:], root.level, own.handlers[:], own.level, own.propagate),
        "threads": [thread.name for thread in threading.enumerate()],
        "environment": dict(os.environ),
        "hooks": (sys.excepthook, threading.excepthook, sys.displayhook, sys.stdout, sys.stderr),
        "switches": (socket.getdefaulttimeout(), os.getcwd(), sys.path[:], locale.setlocale(locale.LC_ALL)),
        "warnings": warnings.filters[:],
    }

class Untouchable:
    def __getattr__(self, name):
        raise AssertionError(f"somebody wants to read standard input ({name})")

sys.stdin, builtins.input = Untouchable(), None
before = state()
"""


def run(code, environment, tmp_path):
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env={name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ} | environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    return ran.stdout


def test_nothing_of_the_process_is_touched(sandbox, tmp_path):
    code = f"""{UNTOUCHED}
import downspout
assert state() == before
from downspout import Client
with Client.from_user_config() as client:
    client.download("koodrive:/notes.txt", ".")
    list(client.download_many(["koodrive:/Languages", "koodrive:/nothing"], "many", ledger="ledger.sqlite"))
    client.open("koodrive:/large.bin").read(100)
assert state() == before, (before, state())
"""
    assert run(code, sandbox.environment | {"HOME": str(tmp_path)}, tmp_path) == ""


def test_nobody_is_asked_where_nobody_can_answer(sandbox, tmp_path):
    code = f"""{UNTOUCHED}
from downspout import Client
from downspout.errors import AuthenticationError
with Client.from_user_config() as client:
    download, login = lambda uri: client.download(uri, "x"), lambda _: client.login("koodrive", None)
    for ask in (client.resolve, client.open, download, login):
        try:
            ask("koodrive:/notes.txt")
        except AuthenticationError as error:
            print(error.hint)
"""
    hidden = {"DOWNSPOUT_KOODRIVE_TOKEN": "", "DOWNSPOUT_KOODRIVE_SESSION_ID": "", "HOME": str(tmp_path)}
    assert run(code, sandbox.environment | hidden, tmp_path).count("downspout login koodrive") == 4


def test_a_client_of_ones_own_knows_nothing_of_the_machine(sandbox, tmp_path, monkeypatch):
    for name, value in sandbox.environment.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "config.toml").write_text('[accounts.mine]\nprovider = "web"\nendpoint = "https://a.example"\n')
    monkeypatch.setenv("DOWNSPOUT_CONFIG", str(tmp_path / "config.toml"))
    with Client(plugins=[downspout_koodrive]) as client:
        assert client.accounts.names() == ["koodrive"]
        assert client.accounts.get("koodrive")["token"] is None
        for uri in ("mine:https://a.example/x", "https://a.example/x", "web:https://a.example/x", "icloud:/x"):
            with pytest.raises(NoProvider):
                client.resolve(uri)


# Strangers.

PRIVATE = [
    "https://127.0.0.1/x",
    "https://localhost/x",
    "https://[::1]/x",
    "https://[::ffff:127.0.0.1]/x",
    "https://0x7f000001/x",
    "https://2130706433/x",
    "https://169.254.169.254/latest/meta-data",
    "https://10.0.0.1/x",
    "https://[64:ff9b::7f00:1]/x",
    "web:https://192.168.1.1/x",
    "http://127.0.0.1/x",
    "http://8.8.8.8/x",
]


@pytest.mark.parametrize("uri", PRIVATE)
def test_what_a_stranger_types_leads_to_no_address_in_here(uri, tmp_path):
    with Client(plugins=["web"], timeout=5.0, retries=0) as client:
        for ask in (client.open, lambda uri: client.download(uri, tmp_path)):
            with pytest.raises(PermissionDenied, match="not allowed"):
                ask(uri)


@pytest.mark.parametrize("uri", ["file:///etc/passwd", "/etc/passwd", "", "web:", "ftp://a.example/x", "data:,1"])
def test_what_a_stranger_types_is_no_file_of_this_machine(uri):
    with Client(plugins=["web"]) as client, pytest.raises((NoProvider, InvalidURI)):
        client.open(uri)


def test_the_one_at_the_machine_may_go_anywhere():
    with LyingServer() as server:
        server.documents["/x"] = Document(b"here")
        with Client(plugins=["web"], trust_typed=True) as client:
            assert client.open(server.url("/x")).read() == b"here"


# Tenants.


class Echo:
    """A provider that writes down what its hooks saw, each time in a thread of the core's."""

    provider = Provider("echo", "Echo")

    def __init__(self, server):
        self.server, self.seen = server, []

    @hookimpl
    def resolve_link(self, account, references):
        self.seen.append((caller.get(), threading.current_thread().name))
        return [Link(reference, self.server.url("/x")) for reference in references]

    @hookimpl
    def open_stream(self, link, start, stop, etag, http):
        self.seen.append((caller.get(), threading.current_thread().name))
        return http.open("GET", link.url, start=start, stop=stop, etag=etag)


@pytest.fixture
def echo():
    with LyingServer() as server:
        server.documents["/x"] = Document(b"x" * 1000, name="x")
        yield Echo(server)


@pytest.fixture
def echo_client(echo):
    account = Account("echo", "echo", {"allow_http": True, "allow_private": True})
    with Client([account], plugins=[echo]) as client:
        yield client


def ways(client, folder):
    yield lambda: client.resolve("echo:x")
    yield lambda: client.open("echo:x").close()
    yield lambda: client.download("echo:x", folder, exists="overwrite")
    yield lambda: list(client.download_many(["echo:x"], folder, exists="overwrite"))


def test_context_variables_reach_the_hooks_and_do_not_come_back(echo, echo_client, tmp_path):
    for number, way in enumerate(ways(echo_client, tmp_path)):
        caller.set(f"request {number}")
        way()
        assert {who for who, _ in echo.seen} == {f"request {number}"}
        assert all(thread.startswith("downspout-hook") for _, thread in echo.seen)
        echo.seen.clear()
    with ThreadPoolExecutor(2) as pool:
        list(echo_client.download_many(["echo:x"], tmp_path, exists="overwrite", executor=pool))
    assert {who for who, _ in echo.seen} == {"request 3"}


def test_tenants_side_by_side_share_plugins_and_nothing_else(sandbox):
    registry = PluginRegistry([downspout_koodrive])
    good = Account("koodrive", "koodrive", settings_of(sandbox))
    poor = Account("koodrive", "koodrive", {**settings_of(sandbox), "token": "wrong", "session_id": ""})
    with Client([good], plugins=registry) as rich, Client([poor], plugins=registry) as other:
        for _ in range(2):
            assert rich.open("koodrive:/notes.txt").read(5) == b"Notes"
            with pytest.raises(AuthenticationError):
                other.open("koodrive:/notes.txt")
        other.close()
        assert rich.signed_in("koodrive") is not None
        assert rich.open("koodrive:/notes.txt").read(5) == b"Notes"


def test_a_policy_sees_the_clients_that_were_given_it_and_no_others(echo, tmp_path):
    class Policy:
        name = "policy"

        @hookimpl(wrapper=True)
        def open_stream(self):
            raise PermissionDenied("Nobody reads here.")
            yield

    account = Account("echo", "echo", {"allow_http": True, "allow_private": True})
    with Client([account], plugins=[echo, Policy()]) as strict, Client([account], plugins=[echo]) as free:
        with pytest.raises(PermissionDenied, match="Nobody reads here"):
            strict.open("echo:x")
        assert free.open("echo:x").read() == b"x" * 1000


class Answering:
    """An extension that takes the place of a provider instead of wrapping it."""

    name = "policy"

    @hookimpl
    def open_stream(self, link):
        return None


class Misspelt:
    name = "policy"

    @hookimpl(wrapper=True)
    def open_streams(self, link):
        return (yield)


class Raising:
    name = "policy"

    @hookimpl(wrapper=True)
    def resolve_link(self):
        yield
        raise LookupError("the policy's table is gone")


@pytest.mark.parametrize("extensions", [[], [Answering()], [Misspelt()]])
def test_a_required_extension_that_is_missing_or_broken_stops_everything(echo, extensions):
    with pytest.raises(ConfigurationError, match="required extension policy is not there"):
        Client(plugins=[echo, *extensions], required_extensions=["policy"])


def test_an_extension_that_fails_refuses(echo):
    account = Account("echo", "echo", {"allow_http": True, "allow_private": True})
    client = Client([account], plugins=[echo, Raising()], required_extensions=["policy"])
    with client, pytest.raises(PluginError, match="LookupError"):
        client.open("echo:x")
    assert echo.server.requests == []


def test_the_command_does_nothing_without_an_extension_that_it_requires(sandbox, tmp_path):
    (tmp_path / "config.toml").write_text('required_extensions = ["size-policy"]\n')
    variables = {
        "DOWNSPOUT_CONFIG": str(tmp_path / "config.toml"),
        "HOME": str(tmp_path),
        "PATH": os.environ["PATH"],
    }
    ran = subprocess.run(
        [sys.executable, "-m", "downspout", "get", "-d", "out", "koodrive:/notes.txt"],
        env=sandbox.environment | variables,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert ran.returncode != 0
    assert "The required extension size-policy is not there" in ran.stderr
    assert list(sandbox.requests) == []
    assert not list(tmp_path.glob("out/*"))


# Threads.


def test_one_client_serves_sixteen_threads_with_one_renewal(client, sandbox, tmp_path):
    sandbox.set(token_uses=5)
    library = sandbox.world.library
    uris = small(40)

    def one(number):
        uri = uris[number % 40]
        document = library.get(f"small-{number % 40:05d}")
        way = number % 3
        if way == 0:
            with client.open(uri) as file:
                return file.read() == document.read(0, MIB)
        if way == 1:
            result = client.download(uri, tmp_path / f"{number}.bin", compute_hash=True)
            return result.sha256 == document.sha256
        with client.open_at(uri, 1000, 3000) as reader:
            return reader.readall() == document.read(1000, 3000)

    try:
        with ThreadPoolExecutor(16) as pool:
            assert all(pool.map(one, range(160), timeout=SECONDS))
    finally:
        sandbox.set(token_uses=None)
    renewals = [each for each in sandbox.requests if each.path.endswith("/session/refresh")]
    assert len(renewals) == 1


def test_many_batches_run_side_by_side(client, tmp_path):
    def batch(number):
        results = client.download_many(small(20), tmp_path / str(number), jobs=4)
        return {result.status for result in results}

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(batch, range(4), timeout=SECONDS)) == [{"ok"}] * 4


# Endings.


@pytest.fixture
def slow():
    with LyingServer(rate=4 * MIB) as server:
        server.documents["/x"] = Document(Pattern(64 * MIB), name="x.bin")
        yield server


def test_a_client_closed_while_it_is_busy_keeps_what_came(slow, tmp_path):
    client = Client(plugins=["web"], trust_typed=True, timeout=5.0)
    begun = threading.Event()
    failures = []

    def download():
        try:
            client.download(slow.url("/x"), tmp_path / "x", progress=lambda event: event.done and begun.set())
        except DownspoutError as exc:
            failures.append(exc)

    def read():
        try:
            client.open(slow.url("/x")).read()
        except DownspoutError as exc:
            failures.append(exc)

    def batch():
        found.extend(client.download_many([slow.url("/x")], tmp_path / "many", jobs=2))

    found = []
    threads = [threading.Thread(target=each) for each in (download, read, batch)]
    for thread in threads:
        thread.start()
    assert begun.wait(10)
    client.close()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    assert [type(failure) for failure in failures] == [Cancelled, Cancelled]
    assert [result.status for result in found] == ["left"]
    assert len(list(tmp_path.glob(".downspout-*.part"))) == 1
    client.close()
    for ask in (client.resolve, client.open):
        with pytest.raises(RuntimeError, match="closed"):
            ask(slow.url("/x"))


def test_results_that_nobody_takes_any_more_stop_the_work(client, sandbox, tmp_path):
    results = client.download_many(small(40), tmp_path, jobs=2)
    next(results)
    results.close()
    asked = len(sandbox.requests)
    assert not [name for name in ours() if name.startswith("downspout-batch")]
    assert len(sandbox.requests) == asked


def test_a_client_that_was_taken_along_by_a_fork_refuses(sandbox, tmp_path):
    if not hasattr(os, "fork"):
        pytest.skip("there is no fork here")
    code = """
import os, sys, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # Python's own, on forks of processes with threads
from downspout import Client
client = Client.from_user_config()
client.resolve("koodrive:/notes.txt")
if os.fork() == 0:
    try:
        client.download("koodrive:/notes.txt", "x")
    except RuntimeError as error:
        print(error, flush=True)
    with Client.from_user_config() as fresh:
        print(fresh.open("koodrive:/notes.txt").read(5), flush=True)
    os._exit(0)
os.wait()
print(client.open("koodrive:/notes.txt").read(5))
client.close()
"""
    out = run(code, sandbox.environment | {"HOME": str(tmp_path)}, tmp_path).splitlines()
    assert out[0].startswith("A Client does not survive a fork. Build a new one in the worker")
    assert out[1:] == ["b'Notes'", "b'Notes'"]


def test_secrets_do_not_travel_and_results_do(client, tmp_path):
    credential = Credential("a", "https://a.example", {"token": Secret("hunter2")})
    for value in (client, credential, Secret("hunter2"), {"deep": [credential]}):
        with pytest.raises(TypeError, match=r"never pickled.*build its own Client"):
            pickle.dumps(value)
    results = list(client.download_many([*small(1), "koodrive:Fnothing"], tmp_path))
    again = pickle.loads(pickle.dumps(results))
    assert [result.status for result in again] == [result.status for result in results]
    failed = next(result.error for result in again if result.error is not None)
    assert (failed.kind, failed.hint) == next((r.error.kind, r.error.hint) for r in results if r.error is not None)
