"""A client's life: threads, closing while busy, forks, observers that break, contexts that travel."""

import contextlib
import contextvars
import logging
import os
import threading
import time

import pytest

from downspout import Account, Client, Credential, Done, Failed, Link, Opened, Progress, Resolved, Secret
from downspout.errors import AuthenticationError, Cancelled, DownspoutError, NotFound
from downspout.testing import Answer, Document, Silence, Stall

pytestmark = pytest.mark.usefixtures("no_thread_left")
OPEN = {"allow_http": True, "allow_private": True}


def test_a_client_is_a_context_and_closes_twice_without_harm(service):
    with Client(plugins=[service]) as client:
        assert client.resolve("svc:a")
    client.close()
    for use in (
        lambda: client.resolve("svc:a"),
        lambda: client.open("svc:a"),
        lambda: client.login("svc", None),
        lambda: client.session("svc"),
        lambda: client.download("svc:a", "never"),
    ):
        with pytest.raises(RuntimeError, match="The client is closed"):
            use()


def test_closing_leaves_no_thread_and_no_connection(client, server, tmp_path):
    results = list(client.download_many([f"svc:{name}" for name in "abc"] * 5, tmp_path, exists="rename"))
    assert {result.status for result in results} == {"ok", "skipped"}
    client.open("svc:a").read(1)
    client.close()
    server.wait_for_connections(0)


@contextlib.contextmanager
def soon(limit=5.0):
    began = time.monotonic()
    yield
    assert time.monotonic() - began < limit


def closing(client, server):
    thread = threading.Thread(target=lambda: (server.wait_for_stall(), client.close()))
    thread.start()
    return thread


def test_closing_ends_a_download_and_keeps_what_came(client, server, tmp_path):
    server.documents["/big"] = Document(b"x" * 3_000_000)
    server.script("/big", [Stall(2_000_000)], repeat_last=True)
    came = threading.Event()
    thread = threading.Thread(target=lambda: (came.wait(5), client.close()))
    thread.start()
    with soon(), pytest.raises(Cancelled):
        client.download("svc:big", tmp_path / "big", connections=1, progress=lambda at: at.done and came.set())
    thread.join()
    assert not (tmp_path / "big").exists()
    assert any(path.suffix == ".part" and path.stat().st_size for path in tmp_path.iterdir())


def test_closing_ends_a_batch(client, server, tmp_path):
    server.script("*", [Silence()], repeat_last=True)
    thread = closing(client, server)
    with soon():
        results = list(client.download_many([f"svc:{name}" for name in "abc"], tmp_path))
    thread.join()
    assert [result.status for result in results] == ["left"] * 3


def test_closing_ends_a_reader(client, server):
    server.script("/a", [Stall(10)], repeat_last=True)
    thread = closing(client, server)
    with soon(), pytest.raises(Cancelled):
        client.open("svc:a").read()
    thread.join()


def test_closing_ends_a_question(client_of, plugin, server):
    server.route("/ask", lambda request: Answer(200))
    server.script("/ask", [Silence()])

    def resolve_link(references, http):
        http.request("GET", server.url("/ask"))
        return [NotFound("Gone.") for _ in references]

    client = client_of(plugin("svc", resolve_link=resolve_link), accounts=[Account("svc", "svc", OPEN)])
    thread = closing(client, server)
    with soon(), pytest.raises(Cancelled):
        client.resolve("svc:a")
    thread.join()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is nothing to survive")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_client_does_not_survive_a_fork(client):
    assert client.resolve("svc:a")
    reading, writing = os.pipe()
    child = os.fork()
    if not child:  # pragma: no cover - in a process that ends at once
        try:
            client.resolve("svc:a")
            text = b"it survived"
        except RuntimeError as exc:
            text = str(exc).encode()
        finally:
            os.write(writing, text)
            os._exit(0)
    os.close(writing)
    with open(reading, "rb") as pipe:
        assert pipe.read() == b"A Client does not survive a fork. Build a new one in the worker process."
    os.waitpid(child, 0)
    assert client.resolve("svc:a")


# Observers.


def test_an_observer_is_told_of_everything(client_of, service, tmp_path):
    events = []
    client = client_of(service, accounts=[Account("svc", "svc", OPEN)], observer=events.append)
    client.download("svc:a", tmp_path / "a", compute_hash=True)
    with pytest.raises(NotFound):
        client.download("svc:gone", tmp_path / "gone")
    list(client.download_many(["svc:b", "svc:gone"], tmp_path))
    kinds = [type(event) for event in events]
    assert kinds.count(Done) == 2
    assert kinds.count(Failed) == 2
    assert {Resolved, Opened, Progress} <= set(kinds)
    done = next(event for event in events if isinstance(event, Done))
    assert (done.size, done.path, done.digest[:7]) == (1000, tmp_path / "a", "sha256:")


@pytest.mark.parametrize("trouble", [ValueError("s"), RecursionError(), DownspoutError("s")])
def test_what_an_observer_raises_is_logged_and_dropped(client_of, service, tmp_path, caplog, trouble):
    def observer(event):
        raise trouble

    client = client_of(service, accounts=[Account("svc", "svc", OPEN)], observer=observer)
    assert client.download("svc:a", tmp_path / "a").status == "ok"
    assert [result.status for result in client.download_many(["svc:b"], tmp_path)] == ["ok"]
    with client.open("svc:c") as file:
        assert file.read() == b"c" * 1000
    messages = {record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR}
    assert messages == {"The observer failed; the download goes on."}


# Contexts and cancelling.

TENANT = contextvars.ContextVar("tenant", default="nobody")


def test_the_caller_s_context_reaches_the_hooks(client_of, plugin, server, tmp_path):
    seen = []

    def resolve_link(references):
        seen.append(TENANT.get())
        return [Link(reference, server.url(f"/{reference.document}")) for reference in references]

    def open_stream(link, http):
        seen.append(TENANT.get())
        return http.open("GET", link.url)

    made = plugin("svc", resolve_link=resolve_link, open_stream=open_stream)
    client = client_of(made, accounts=[Account("svc", "svc", OPEN)])
    TENANT.set("acme")
    client.resolve("svc:a")
    client.download("svc:a", tmp_path / "a")
    list(client.download_many(["svc:b", "svc:c"], tmp_path))
    with client.open("svc:a") as file:
        file.read()
    assert set(seen) == {"acme"}
    assert len(seen) >= 9


@pytest.mark.parametrize("kind", ["event", "function"])
def test_a_caller_cancels_with_an_event_or_a_function(client, server, tmp_path, kind):
    server.script("/a", [Stall(10)], repeat_last=True)
    event = threading.Event()
    thread = threading.Thread(target=lambda: (server.wait_for_stall(), event.set()))
    thread.start()
    with soon(), pytest.raises(Cancelled):
        client.download("svc:a", tmp_path / "a", cancel=event if kind == "event" else event.is_set)
    thread.join()
    assert client.resolve("svc:b")


# Many threads.


class Ending:
    """A plugin whose tokens end every now and then, whoever uses them."""

    def __init__(self, server):
        self.server, self.lock = server, threading.Lock()
        self.token = self.calls = 0

    def authenticate(self, account):
        with self.lock:
            self.token += 1
            return Credential(account.name, [self.server.origin], {"token": Secret(str(self.token))})

    def resolve_link(self, references, credential):
        with self.lock:
            self.calls += 1
            self.token += self.calls in {
                25,
                60,
            }  # a call is refused twice at the most: that many renewals are allowed
            if credential is None or credential.reveal("token") != str(self.token):
                raise AuthenticationError("It has ended.")
        return [Link(reference, self.server.url(f"/{reference.document}")) for reference in references]


def use(client, thread, contents, folder):
    for number in range(thread, thread + 8):
        document = f"d{number % 40}"
        expected = contents[f"/{document}"]
        if number % 3 == 0:
            with client.open(f"svc:{document}") as file:
                assert file.read() == expected
        elif number % 3 == 1:
            path = client.download(f"svc:{document}", folder / f"{thread}-{number}").path
            assert path.read_bytes() == expected
        else:
            outcomes = list(client.resolve_many([f"svc:{document}"] * 5))
            assert [outcome.url.rpartition("/")[2] for outcome in outcomes] == [document] * 5


def test_sixteen_threads_share_one_client(client_of, plugin, server, tmp_path):
    """Resolving, reading, downloading, and a credential that ends now and then, all at once."""
    contents = {f"/d{number}": bytes([number]) * (1000 + number) for number in range(40)}
    server.documents |= {path: Document(content) for path, content in contents.items()}
    ending = Ending(server)

    def authenticate(account):
        return ending.authenticate(account)

    def resolve_link(references, credential):
        return ending.resolve_link(references, credential)

    made = plugin("svc", batch_size=4, authenticate=authenticate, resolve_link=resolve_link)
    client = client_of(made, accounts=[Account("svc", "svc", OPEN)], timeout=30.0)
    trouble = []

    def work(thread):
        try:
            use(client, thread, contents, tmp_path)
        except BaseException as exc:
            trouble.append(exc)

    threads = [threading.Thread(target=work, args=(thread,)) for thread in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert trouble == []
    assert not any(thread.is_alive() for thread in threads)
    assert ending.calls > 100
