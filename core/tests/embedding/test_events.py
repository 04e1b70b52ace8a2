"""What observers are told: whatever begins, ends, once."""

import contextlib
import threading

import pytest

from downspout import Client, Done, DownspoutError, Failed, Opened, Progress, Resolved
from downspout.errors import Cancelled
from downspout.testing import Document, LyingServer, Pattern, Stall, Status

DOCUMENT = Document(Pattern(100_000), name="d.bin")


@pytest.fixture
def server():
    with LyingServer() as running:
        running.documents["/d"] = DOCUMENT
        yield running


@pytest.fixture
def events():
    return []


@pytest.fixture
def client(events):
    with Client(plugins=["web"], trust_typed=True, timeout=5.0, retries=0, observer=events.append) as one:
        yield one


def begun(events):
    return {event.reference for event in events if isinstance(event, Progress | Resolved | Opened)}


def ends(events):
    return [event for event in events if isinstance(event, Done | Failed)]


def one(client, uri, target, **options):
    with contextlib.suppress(DownspoutError):
        client.download(uri, target, **options)


def many(client, uri, target, **options):
    for _ in client.download_many([uri], target, **options):
        pass


ways = pytest.mark.parametrize("way", [one, many])


@ways
def test_a_document_that_comes_down_is_done(server, client, events, tmp_path, way):
    way(client, server.url("/d"), tmp_path, compute_hash=True)
    (end,) = ends(events)
    assert (end.size, end.path, end.skipped) == (100_000, tmp_path / "d.bin", False)
    assert end.digest == f"sha256:{DOCUMENT.sha256()}"
    assert begun(events) == {end.reference}


@ways
def test_a_document_that_is_there_already_is_done_and_said_to_be_skipped(server, client, events, tmp_path, way):
    (tmp_path / "d.bin").write_bytes(b"here")
    way(client, server.url("/d"), tmp_path, exists="skip")
    (end,) = ends(events)
    assert (end.size, end.skipped) == (4, True)


@ways
@pytest.mark.parametrize("trouble", [Status(404), Status(500)])
def test_a_document_that_cannot_be_had_has_failed(server, client, events, tmp_path, way, trouble):
    server.script("/d", [trouble], repeat_last=True)
    way(client, server.url("/d"), tmp_path)
    assert [type(end) for end in ends(events)] == [Failed]


@ways
def test_a_document_that_is_stopped_has_failed(server, client, events, tmp_path, way):
    server.script("/d", [Stall(1000)], repeat_last=True)
    stop = threading.Event()
    way(client, server.url("/d"), tmp_path, cancel=stop, progress=lambda event: event.done and stop.set())
    (end,) = ends(events)
    assert isinstance(end.error, Cancelled)


def test_the_first_bytes_are_told_at_once(server, client, events, tmp_path):
    client.download(server.url("/d"), tmp_path)
    phases = [event.phase for event in events if isinstance(event, Progress)]
    assert phases == ["resolving", "downloading", "verifying", "done"]


def test_an_observer_that_fails_costs_nothing(server, tmp_path, caplog):
    def observer(event):
        raise LookupError("no table for that")

    with Client(plugins=["web"], trust_typed=True, observer=observer) as client:
        assert client.download(server.url("/d"), tmp_path).status == "ok"
    assert "The observer failed" in caplog.text


def test_what_an_application_s_progress_raises_comes_back_to_it(server, client, tmp_path):
    def progress(event):
        raise LookupError("no bar for that")

    with pytest.raises(LookupError, match="no bar"):
        client.download(server.url("/d"), tmp_path / "one", progress=progress)
    with pytest.raises(LookupError, match="no bar"):
        list(client.download_many([server.url("/d")] * 3, tmp_path / "many", progress=progress))
    assert not list((tmp_path / "one").glob("d*"))
