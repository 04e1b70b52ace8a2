"""Readers as applications use them: where they ask, what they tell, how they end."""

import io
import threading

import pytest

from downspout import Client, Done, Failed
from downspout.errors import Cancelled, NotFound
from downspout.testing import Cut, Document, LyingServer, Pattern, RangeIgnored, Status

SIZE = 3_000_000
DOCUMENT = Document(Pattern(SIZE), name="d.bin")


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
    with Client(plugins=["web"], trust_typed=True, timeout=5.0, observer=events.append) as one:
        yield one


def ranges(server):
    return [request.headers.get("range") for request in server.requests]


def test_a_short_way_forward_beyond_the_end_of_an_answer_is_asked_for(server, client):
    with client.open(server.url("/d")) as reader:
        reader.raw.seek(1_000_000)
        reader.raw.read(1024)
        stop = 1_000_000 + 1024 * 1024
        reader.raw.seek(stop - 100)
        assert len(reader.raw.read(100)) == 100
        reader.raw.seek(stop + 1000)
        assert reader.raw.read(10) == DOCUMENT.read(stop + 1000, stop + 1010)
    assert len(ranges(server)) == 3


def test_an_exact_reader_asks_for_what_is_read_and_no_more(server, client):
    with client.open(server.url("/d"), exact=True) as reader:
        raw = reader.raw
        assert (reader.size, reader.name, reader.version) == (SIZE, "d.bin", None)
        assert raw.seek(-8, io.SEEK_END) == SIZE - 8
        assert raw.read(8) == DOCUMENT.read(SIZE - 8)
        raw.seek(500)
        assert raw.read(1000) == DOCUMENT.read(500, 1500)
        assert raw.read(1000) == DOCUMENT.read(1500, 2500)
        raw.seek(SIZE + 5)
        assert raw.read(10) == b""
    assert ranges(server) == ["bytes=0-2047", f"bytes={SIZE - 8}-", "bytes=500-1499", "bytes=1500-2499"]
    assert server.connections_seen == 1


def test_an_exact_reader_that_got_what_it_asked_for_holds_no_connection(server, client):
    with client.open(server.url("/d"), exact=True) as first, client.open(server.url("/d"), exact=True) as second:
        for reader in (first, second, first):
            reader.raw.seek(5000)
            assert reader.raw.read(5000) == DOCUMENT.read(5000, 10_000)
    assert server.connections_seen == 2  # the first bytes of both lie ready at the same time


def test_an_exact_reader_is_right_where_ranges_are_not_honoured(server, client):
    server.script("/d", [RangeIgnored()], repeat_last=True)
    with client.open(server.url("/d"), exact=True) as reader:
        for start in (100_000, 50, 2_999_990):
            reader.raw.seek(start)
            assert reader.raw.read(10) == DOCUMENT.read(start, start + 10)


def test_a_closed_reader_is_told_with_what_it_gave(server, client, events):
    with client.open(server.url("/d")) as reader:
        reader.raw.read(1000)
    done = [event for event in events if isinstance(event, Done)]
    assert [(event.size, event.path) for event in done] == [(1000, None)]


@pytest.mark.parametrize("exact", [False, True])
def test_what_cannot_be_opened_is_told(server, client, events, exact):
    with pytest.raises(NotFound) as caught:
        client.open(server.url("/nothing"), exact=exact)
    assert [event.error for event in events if isinstance(event, Failed)] == [caught.value]


def test_a_reader_that_fails_on_the_way_is_told_once(server, client, events):
    with client.open(server.url("/d")) as reader:
        reader.raw.read(10)
        reader.raw.seek(1_000_000)
        server.script("/d", [Status(404)], repeat_last=True)
        with pytest.raises(NotFound):
            reader.raw.read(10)
    ends = [event for event in events if isinstance(event, Done | Failed)]
    assert [type(event) for event in ends] == [Failed]


def test_closing_the_client_stops_a_reader_that_waits(client):
    with LyingServer(rate=20_000) as slow:
        slow.documents["/d"] = DOCUMENT
        reader = client.open(slow.url("/d"))
        trouble = []

        def read():
            try:
                while reader.raw.read(65536):
                    pass
            except Exception as exc:
                trouble.append(exc)

        thread = threading.Thread(target=read)
        thread.start()
        client.close()
        thread.join(10)
        assert not thread.is_alive()
        reader.close()
    assert [type(exc) for exc in trouble] == [Cancelled]


def test_an_exact_reader_goes_on_where_a_connection_breaks(server, client):
    with client.open(server.url("/d"), exact=True) as reader:
        server.script("/d", [Cut(1000, "reset")])
        reader.raw.seek(10)
        found = b""
        while len(found) < 5000:
            found += reader.raw.read(5000 - len(found))
        assert found == DOCUMENT.read(10, 5010)
