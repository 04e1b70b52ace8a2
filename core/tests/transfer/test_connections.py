"""Several connections for one document: when they help, how they share, what becomes of their troubles."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from downspout._transfer import work
from downspout.errors import Cancelled, DownspoutError, PermissionDenied, StorageError
from downspout.testing import (
    ContentRange,
    Cut,
    Document,
    Drip,
    ETag,
    Fault,
    IfRangeIgnored,
    LinkDeath,
    LyingServer,
    Pattern,
    RangeIgnored,
    RangeShifted,
    Replacement,
    Stall,
    Status,
    Throttle,
    WrongTotal,
)

from .rig import MIB, OLD, Rig, rigs

SIZE = 8 * MIB


@attrs.frozen
class OnRange(Fault):
    """A lie that only requests for a range meet: those of further connections, as long as nothing breaks.

    Attributes:
        fault: the lie.
        times: how many of them meet it; the ones after that get an honest answer.
        met: those that did.
    """

    fault: Fault
    times: int = 10**6
    met: list[Any] = attrs.field(factory=list, eq=False)

    def _applies(self, request: Any) -> bool:
        return "range" in request.headers and len(self.met) < self.times

    def _prepare(self, stage, request):
        if self._applies(request):
            self.fault._prepare(stage, request)

    def _change(self, answer):
        if not self._applies(answer.request):
            return answer
        self.met.append(answer.request)
        return self.fault._change(answer)


@pytest.fixture
def slow_rig(tmp_path: Path) -> Iterator[Rig]:
    """A server that gives 8 MiB/s to each connection, so that several have something to do."""
    yield from rigs(tmp_path / "out", rate=8.0 * MIB)


@pytest.fixture
def document(slow_rig: Rig) -> Document:
    return slow_rig.serve(SIZE)


def get_with(rig: Rig, fault: Fault | None, connections: int = 4, **options: Any) -> OnRange | None:
    """Download over several connections while a fault holds for every request for a range."""
    lie = None if fault is None else OnRange(fault)
    if lie is not None:
        rig.server.script("/doc", [lie], repeat_last=True)
    rig.get(connections=connections, **options)
    assert rig.holds(rig.server.documents["/doc"])
    assert rig.leftovers() == []
    return lie


# When they help.


def test_as_many_connections_as_were_asked_for(slow_rig: Rig, document):
    get_with(slow_rig, None, 4)
    assert slow_rig.server.connections_seen == 4
    ranges = slow_rig.ranges()
    assert ranges[0] is None
    assert len(ranges) >= 4
    assert all(text.startswith("bytes=") for text in ranges[1:])


def test_every_piece_is_asked_for_against_the_same_version(slow_rig: Rig, document):
    get_with(slow_rig, None, 4)
    assert {request.headers.get("if-range") for request in slow_rig.server.requests[1:]} == {'"v1"'}


def test_one_connection_stays_alone(slow_rig: Rig, document):
    get_with(slow_rig, None, 1)
    assert slow_rig.ranges() == [None]


@pytest.mark.parametrize(
    ("facts", "of_server"),
    [
        ({"etag": None}, {}),
        ({"etag": 'W/"v1"'}, {}),
        ({"etag": None, "last_modified": OLD}, {}),
        ({}, {"content": b"small" * 1000}),
        ({"headers": {"Accept-Ranges": "none"}}, {}),
    ],
    ids=["no tag", "a weak tag", "a date", "a small document", "no ranges"],
)
def test_one_connection_where_several_are_not_safe_or_of_no_use(slow_rig: Rig, facts, of_server):
    fields = facts.pop("headers", {})
    document = slow_rig.serve(of_server.get("content", 3 * MIB), **facts)
    for name, value in fields.items():
        from downspout.testing import Header

        slow_rig.server.script("/doc", [Header(name, (value,))], repeat_last=True)
    slow_rig.get(connections=4)
    assert slow_rig.holds(document)
    assert slow_rig.ranges() == [None]


def test_connections_are_added_where_they_help(tmp_path: Path):
    """How many, and when, `test_engine` tells with a clock of its own."""
    for rig in rigs(tmp_path / "out", rate=2.0 * MIB):
        rig.serve(9 * MIB)
        get_with(rig, None, None)
        assert 2 <= rig.server.connections_seen <= 8


def test_no_connection_is_added_where_it_would_come_too_late(rig: Rig):
    rig.serve(3 * MIB)
    get_with(rig, None, None)
    assert rig.ranges() == [None]


def test_with_a_bound_on_the_speed_one_connection_is_enough(slow_rig: Rig):
    slow_rig.serve(2 * MIB)
    get_with(slow_rig, None, None, limit_rate=16.0 * MIB)
    assert slow_rig.server.connections_seen == 1


# How they share.


@pytest.mark.parametrize("slow", [Drip(1000.0), Stall(1000)], ids=["slow", "stuck"])
def test_work_is_taken_from_a_connection_that_is_slow(rig: Rig, monkeypatch, slow):
    monkeypatch.setattr(work, "_STUCK_SECONDS", 0.4)
    monkeypatch.setattr(work, "_RATE_SECONDS", 0.3)
    rig.serve(SIZE)
    rig.server.script("/doc", [Drip(4.0 * MIB), slow])
    begun = time.monotonic()
    rig.get(connections=2)
    assert time.monotonic() - begun < 6
    assert rig.holds(rig.server.documents["/doc"])


def test_work_is_taken_from_a_connection_that_gets_no_answer(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(work, "_STUCK_SECONDS", 0.3)
    for rig in rigs(tmp_path / "out", max_connections=1, when_full="wait", rate=8.0 * MIB):
        rig.serve(SIZE)
        begun = time.monotonic()
        get_with(rig, None, 4, timeout=20.0)
        assert time.monotonic() - begun < 8


def test_what_a_slow_first_connection_cannot_do_others_do(rig: Rig, monkeypatch):
    monkeypatch.setattr(work, "_STUCK_SECONDS", 0.4)
    monkeypatch.setattr(work, "_RATE_SECONDS", 0.3)
    rig.serve(SIZE)
    rig.server.script("/doc", [Drip(20_000.0, MIB)])
    begun = time.monotonic()
    rig.get(connections=3)
    assert time.monotonic() - begun < 6
    assert rig.holds(rig.server.documents["/doc"])


def test_all_pieces_of_an_interrupted_transfer_are_kept(slow_rig: Rig, document):
    cancel = threading.Event()

    def progress(event):
        if event.done > 4 * MIB:
            cancel.set()

    slow_rig.server.rate = 2.0 * MIB
    assert isinstance(slow_rig.fail(connections=4, progress=progress, cancel=cancel), Cancelled)
    pieces = slow_rig.record()["ranges"]
    assert len(pieces) > 1
    held = sum(stop - start for start, stop in pieces)
    slow_rig.server.forget()
    assert slow_rig.get(connections=2).transferred == SIZE - held
    assert slow_rig.holds(document)
    assert None not in slow_rig.ranges()


# Their troubles.


@pytest.mark.parametrize(
    "fault",
    [
        Status(500),
        Status(404),
        Throttle("60"),
        Throttle(None),
        Throttle("86400", 503),
        RangeIgnored(),
        RangeShifted(1000),
        ContentRange(None),
        ETag(None),
        Cut(0),
    ],
)
def test_a_further_connection_that_fails_is_no_trouble(slow_rig: Rig, document, fault):
    """The first connection goes on with what it has; of what a server throttles, nothing is waited for."""
    lie = OnRange(fault, 3)
    slow_rig.server.script("/doc", [lie], repeat_last=True)
    begun = time.monotonic()
    slow_rig.get(connections=4)
    assert time.monotonic() - begun < 8
    assert slow_rig.holds(document)
    assert len(lie.met) == 3
    assert None not in slow_rig.ranges()[1:]  # nothing began again


@pytest.mark.parametrize("ending", ["close", "reset"])
def test_a_further_connection_that_dies_on_the_way_goes_on(slow_rig: Rig, document, ending):
    lie = OnRange(Cut(500_000, ending), 3)
    slow_rig.server.script("/doc", [lie], repeat_last=True)
    slow_rig.get(connections=4)
    assert slow_rig.holds(document)
    assert len(lie.met) == 3


@pytest.mark.parametrize("when_full", ["503", "close"])
def test_a_server_that_allows_one_connection_is_content_with_one(tmp_path: Path, when_full):
    for rig in rigs(tmp_path / "out", max_connections=1, when_full=when_full, rate=16.0 * MIB):
        rig.serve(SIZE)
        get_with(rig, None, 4)


@pytest.mark.parametrize("ignored", [True, False], ids=["If-Range ignored", "If-Range honoured"])
def test_a_version_that_changes_between_the_pieces_begins_anew_with_one(slow_rig: Rig, document, ignored):
    newer = Document(Pattern(SIZE - 5, seed=3), etag='"v2"')
    change = Replacement(newer) + IfRangeIgnored() if ignored else Replacement(newer)
    lie = OnRange(change, 1)
    slow_rig.server.script("/doc", [lie], repeat_last=True)
    slow_rig.get(connections=4)
    assert slow_rig.holds(newer)
    assert lie.met


def test_another_tag_over_the_same_bytes_is_another_version(slow_rig: Rig, document):
    lie = OnRange(ETag('"v2"'), 1)
    slow_rig.server.script("/doc", [lie], repeat_last=True)
    slow_rig.get(connections=4)
    assert slow_rig.holds(document)
    assert None in slow_rig.ranges()[1:]


def test_another_size_is_another_version(slow_rig: Rig, document):
    lie = OnRange(WrongTotal(7), 1)
    slow_rig.server.script("/doc", [lie], repeat_last=True)
    slow_rig.get(connections=4)
    assert slow_rig.holds(document)


def test_a_link_that_dies_for_all_is_asked_for_again_once(slow_rig: Rig):
    document = slow_rig.serve(SIZE, links_only=True)
    lie = OnRange(LinkDeath(), 1)
    slow_rig.server.script("/doc", [lie], repeat_last=True)
    slow_rig.get(connections=4)
    assert slow_rig.holds(document)
    assert len(slow_rig.ferry.asked) == 2


def test_links_that_die_all_the_time_end_it(slow_rig: Rig):
    slow_rig.serve(SIZE, links_only=True)
    slow_rig.ferry.link = {"uses": 1}
    slow_rig.server.script("/doc", [Cut(2 * MIB, "reset")])
    slow_rig.ferry.links = [{"uses": 1}] + [{"uses": 0}] * 40
    begun = time.monotonic()
    assert isinstance(slow_rig.fail(connections=4), PermissionDenied)
    assert time.monotonic() - begun < 8


def test_a_disk_that_fails_under_a_further_connection_ends_it(slow_rig: Rig, document, monkeypatch):
    from downspout._transfer.part import Part

    write = Part.write

    def fails_for_helpers(self, data, position):
        if threading.current_thread().name == "downspout-helper":
            raise StorageError("No space left on device while writing it.")
        write(self, data, position)

    monkeypatch.setattr(Part, "write", fails_for_helpers)
    begun = time.monotonic()
    assert isinstance(slow_rig.fail(connections=3), StorageError)
    assert time.monotonic() - begun < 3


def test_stopping_ends_all_connections_at_once(tmp_path: Path):
    cancel = threading.Event()
    for rig in rigs(tmp_path / "out"):
        rig.serve(SIZE)
        rig.server.script("/doc", [Stall(3 * MIB)], repeat_last=True)
        stopper = threading.Thread(target=lambda server=rig.server: (server.wait_for_stall(), cancel.set()))
        stopper.start()
        begun = time.monotonic()
        assert isinstance(rig.fail(connections=4, cancel=cancel, timeout=30.0), Cancelled)
        assert time.monotonic() - begun < 5
        stopper.join()


def test_no_thread_of_a_transfer_outlives_it_for_long(slow_rig: Rig, document):
    get_with(slow_rig, None, 4)
    deadline = time.monotonic() + 5
    while any(thread.name == "downspout-helper" for thread in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_many_transfers_over_many_connections_are_all_right(tmp_path: Path):
    with LyingServer(rate=20.0 * MIB) as server:
        for rig in rigs(tmp_path / "out"):
            documents = {f"/{n}": Document(Pattern(3 * MIB + n, seed=n)) for n in range(4)}
            server.documents |= documents
            client, troubles = rig.client(), []

            def bring(path: str, client=client, folder=rig.folder, troubles=troubles) -> None:
                try:
                    client.download(server.url(path), folder / path.strip("/"), connections=3)
                except DownspoutError as exc:
                    troubles.append(exc)

            threads = [threading.Thread(target=bring, args=(path,)) for path in documents]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(30)
            assert troubles == []
            assert all((rig.folder / path[1:]).read_bytes() == doc.read() for path, doc in documents.items())
