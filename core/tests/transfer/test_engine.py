"""The engine on streams that no HTTP server gives: a protocol of its own, at moments of our choice."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from downspout import Link, Reference, Stream
from downspout._transfer import Options, bring_down, helpers
from downspout._transfer.decide import Identity
from downspout._transfer.finished import work_files
from downspout._transfer.helpers import Helpers
from downspout._transfer.record import Record, write_record
from downspout._transfer.source import Opened, never
from downspout._transfer.work import Work
from downspout.errors import Cancelled, IntegrityError, ProtocolError, Unavailable
from downspout.testing import Pattern

from .rig import MIB

SIZE = 8 * MIB
REFERENCE = Reference("ferry", "/doc")
CONTENT = bytes(b"".join(Pattern(SIZE).read(start, start + MIB) for start in range(0, SIZE, MIB)))


class Piece(Stream):
    """A stream of bytes that are here, for as long as nobody closes it.

    Attributes:
        pause: waited for before the bytes from `pause_at` on are given.
        closed: whether it was closed.
    """

    def __init__(self, data: bytes, start: int | None = 0, **facts: Any) -> None:
        self._data, self._at = memoryview(data), 0
        self.start, self.stop, self.size = start, None if start is None else start + len(data), None
        self.ranges, self.etag = True, '"v1"'
        for name, value in facts.items():
            setattr(self, name, value)
        self.pause, self.pause_at = threading.Event(), len(data) + 1
        self.closed = False

    def readinto(self, buffer):
        if self._at >= self.pause_at:
            self.pause.wait(10)
        if self.closed:
            raise Unavailable("The stream was closed.")
        count = min(len(buffer), len(self._data) - self._at, max(1, self.pause_at - self._at))
        buffer[:count] = self._data[self._at : self._at + count]
        self._at += count
        return count

    def close(self):
        self.closed = True
        self.pause.set()


class Berth:
    """A source whose streams a test makes.

    Args:
        make: returns a stream, or raises; called with number, start and stop.
        facts: what the link says.
    """

    def __init__(self, make: Callable[[int, int, int | None], Stream], **facts: Any) -> None:
        self.reference = REFERENCE
        self.streams: list[Stream] = []
        self._make, self._facts = make, facts
        self._lock = threading.Lock()
        self._calls = 0

    def link(self) -> Link:
        return Link(REFERENCE, "https://store.example/doc", **self._facts)

    def refuse(self, link: Link) -> None:
        pass

    def open(self, link, start, stop, etag, given_up=never):
        with self._lock:
            number, self._calls = self._calls, self._calls + 1
        stream = self._make(number, start, stop)
        self.streams.append(stream)
        return stream


def honest(number: int, start: int, stop: int | None) -> Piece:
    return Piece(CONTENT[start:stop], start, size=SIZE)


def test_a_protocol_of_its_own_will_do(tmp_path: Path):
    brought = bring_down(Berth(honest), tmp_path / "doc", Options(connections=3))
    assert (tmp_path / "doc").read_bytes() == CONTENT
    assert (brought.result.size, brought.result.verified, brought.kept) == (SIZE, "size", ())


def test_every_stream_is_closed(tmp_path: Path):
    berth = Berth(honest)
    bring_down(berth, tmp_path / "doc", Options(connections=4))
    deadline = time.monotonic() + 5
    while not all(stream.closed for stream in berth.streams):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_stream_that_does_not_say_where_it_starts_is_no_beginning(tmp_path: Path):
    with pytest.raises(ProtocolError, match="without saying which"):
        bring_down(Berth(lambda *_: Piece(CONTENT, None)), tmp_path / "doc", Options())
    with pytest.raises(ProtocolError, match="although all was asked for"):
        bring_down(Berth(lambda *_: Piece(CONTENT, 5)), tmp_path / "doc", Options())
    assert list(tmp_path.iterdir()) == []


def test_work_files_are_kept_for_who_notes_what_is_done(tmp_path: Path):
    target = tmp_path / "doc"
    options = Options(keep_leftovers=True)
    brought = bring_down(Berth(honest), target, options)
    assert {Path(path) for path in brought.kept} == set(work_files(target))
    again = bring_down(Berth(honest), target, options)
    assert (again.result.status, again.kept) == ("ok", brought.kept)
    assert bring_down(Berth(honest), target, Options()).kept == ()
    assert list(tmp_path.iterdir()) == [target]


def test_a_stream_that_is_open_already_is_let_go_where_a_part_goes_on(tmp_path: Path):
    part, note = work_files(tmp_path / "doc")
    part.write_bytes(CONTENT[:1000])
    write_record(note, Record(str(REFERENCE), Identity(etag='"v1"', size=SIZE), ((0, 1000),)))
    berth = Berth(honest)
    bring_down(berth, lambda name: tmp_path / name, Options(connections=1))
    assert (tmp_path / "doc").read_bytes() == CONTENT
    assert berth.streams[0].closed
    assert [stream.start for stream in berth.streams] == [0, 1000]


def test_a_stream_that_is_open_already_is_let_go_where_nothing_is_begun(tmp_path: Path):
    berth = Berth(honest)
    (tmp_path / "doc").write_bytes(b"")
    result = bring_down(berth, lambda name: tmp_path / name, Options(exists="skip")).result
    assert result.status == "skipped"
    assert berth.streams[0].closed


def test_interrupts_keep_what_came(tmp_path: Path):
    def progress(event):
        if event.phase == "verifying":
            raise KeyboardInterrupt

    target = tmp_path / "doc"
    with pytest.raises(KeyboardInterrupt):
        bring_down(Berth(honest), target, Options(progress=progress))
    assert not target.exists()
    assert bring_down(Berth(honest), target, Options()).result.transferred == 0


def test_what_ends_badly_behind_the_end_is_no_trouble(tmp_path: Path):
    class Abrupt(Piece):
        def readinto(self, buffer):
            count = super().readinto(buffer)
            if not count:
                raise Unavailable("The connection broke off.")
            return count

    berth = Berth(lambda *_: Abrupt(CONTENT, stop=None), size=SIZE)
    bring_down(berth, tmp_path / "doc", Options(connections=1, retries=0))
    assert (tmp_path / "doc").read_bytes() == CONTENT


# Several who find at the same time that all has to be done again.


class Changed(Piece):
    """The whole document in a new version; it says so only when its turn has come."""

    def __init__(self, turn: Callable[["Changed"], object]) -> None:
        self._turn = turn
        super().__init__(CONTENT, 0, size=SIZE)

    @property
    def etag(self):
        self._turn(self)
        return '"v2"'

    @etag.setter
    def etag(self, value):
        pass


def is_further() -> bool:
    return threading.current_thread().name == "downspout-helper"


def paused() -> Piece:
    """Return the first stream: it stands still after 1 MiB until it is closed."""
    stream = Piece(CONTENT, 0, size=SIZE)
    stream.pause_at = MIB
    return stream


@pytest.mark.parametrize("finders", [1, 3])
def test_of_those_who_find_a_new_version_one_brings_it(tmp_path: Path, finders):
    together = threading.Barrier(finders, timeout=10)

    def make(number: int, start: int, stop: int | None) -> Piece:
        if number == 0:
            return paused()
        return Changed(lambda _: is_further() and together.wait()) if is_further() else Changed(lambda _: None)

    berth = Berth(make)
    bring_down(berth, tmp_path / "doc", Options(connections=1 + finders))
    assert (tmp_path / "doc").read_bytes() == CONTENT
    assert all(stream.closed for stream in berth.streams)
    assert len(berth.streams) == 1 + finders


def test_where_the_first_connection_finds_it_at_the_same_time_one_of_them_brings_it(tmp_path: Path):
    first_is_back = threading.Event()

    def first_turn(stream: Changed) -> None:
        first_is_back.set()
        stream.pause.wait(10)  # until the other one has found it, and closed this one

    def make(number: int, start: int, stop: int | None) -> Piece:
        if number == 0:
            stream = Piece(CONTENT[:MIB], 0, size=SIZE, stop=SIZE)
            stream.pause_at = MIB
            threading.Timer(0.2, stream.close).start()
            return stream
        if is_further():
            return Changed(lambda _: first_is_back.wait(10))
        return Changed(first_turn if not first_is_back.is_set() else lambda _: None)

    berth = Berth(make)
    bring_down(berth, tmp_path / "doc", Options(connections=2))
    assert (tmp_path / "doc").read_bytes() == CONTENT
    assert all(stream.closed for stream in berth.streams)


def test_a_stream_that_is_stopped_before_it_is_read_is_let_go(tmp_path: Path):
    berth, asked = Berth(honest), []

    def cancelled() -> bool:
        asked.append(None)
        return bool(berth.streams)

    with pytest.raises(Cancelled):
        bring_down(berth, lambda name: tmp_path / name, Options(cancelled=cancelled))
    assert berth.streams[0].closed
    assert list(tmp_path.iterdir()) == []


# When further connections help.


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(helpers, "time", clock)
    return clock


def watch(
    clock: Clock, speed: Callable[[int], float], size: int, options: Options, *, late: float = 0.0
) -> list[float]:
    """Return when connections were started, for a server that gives so many of them `speed` bytes per second.

    Each gets its answer `late` seconds after it was started.
    """
    work = Work((), [(0, size)])
    segment = work.take()
    started: list[float] = []
    coming: list[float] = []

    def hire() -> Callable[[], None]:
        started.append(clock.now)
        coming.append(clock.now + late)
        return lambda: None

    crew = Helpers(work, options, hire)
    opened = Opened(Piece(b"", 0, size=size), Link(REFERENCE, "https://store.example/doc"))
    crew.enter(opened.stream)
    while not segment.is_complete:
        clock.now += 0.05
        while coming and coming[0] <= clock.now:
            crew.enter(Piece(b""))
            del coming[0]
        work.advance(segment, min(segment.left, int(0.05 * speed(1 + len(started)))))
        crew.consider(opened)
    return started


def test_a_server_that_is_slow_to_each_gets_as_many_as_are_allowed(clock):
    started = watch(clock, lambda count: count * MIB, 200 * MIB, Options())
    assert len(started) == 7
    assert started[-1] < 5


def test_a_server_that_is_no_faster_for_two_gets_no_third(clock):
    assert len(watch(clock, lambda count: MIB, 200 * MIB, Options())) == 1


def test_a_server_that_is_no_faster_for_four_gets_no_fifth(clock):
    assert len(watch(clock, lambda count: min(count, 2) * MIB, 200 * MIB, Options())) == 3


def test_what_further_connections_bring_is_measured_when_they_are_at_work(clock):
    quick = watch(clock, lambda count: count * MIB, 200 * MIB, Options())
    slow = watch(clock, lambda count: count * MIB, 200 * MIB, Options(), late=1.0)
    assert len(slow) == len(quick) == 7
    assert slow[1] - slow[0] >= 1.0  # not before the first of them had its answer


def test_connections_that_never_get_an_answer_are_not_waited_for(clock):
    started = watch(clock, lambda count: count * MIB, 200 * MIB, Options(), late=1000.0)
    assert 1 < len(started) <= 7


def test_nobody_is_hired_for_the_last_second(clock):
    assert len(watch(clock, lambda count: count * 2 * MIB, 5 * MIB, Options())) == 1


def test_the_end_waits_for_those_who_still_read_or_write():
    work, at_work, told = Work((), [(0, 100 * MIB)]), threading.Event(), threading.Event()
    events: list[str] = []

    class Helped(Piece):
        def close(self) -> None:
            told.set()

    def help_out() -> None:
        helped = Helped(b"")
        crew.enter(helped)
        at_work.set()
        assert told.wait(10)
        time.sleep(0.05)  # the other one is waiting by now, or has not waited at all
        events.append("left")
        crew.leave(helped)

    crew = Helpers(work, Options(connections=2), lambda: help_out)
    work.take()
    crew.consider(Opened(Piece(b"", 0, size=100 * MIB), Link(REFERENCE, "https://store.example/doc")))
    assert at_work.wait(10)
    crew.stop()
    assert events == ["left"]


def test_what_is_down_in_a_second_gets_no_help(clock):
    assert watch(clock, lambda count: 20 * MIB, 20 * MIB, Options()) == []


def test_as_many_as_are_wanted_start_at_once(clock):
    started = watch(clock, lambda count: count * MIB, 20 * MIB, Options(connections=4))
    assert len(started) == 3
    assert len(set(started)) == 1


def test_one_is_one(clock):
    assert watch(clock, lambda count: MIB, 20 * MIB, Options(connections=1)) == []


@pytest.mark.parametrize(
    ("of_stream", "of_link"),
    [
        ({"etag": None}, {}),
        ({"etag": "Mon, 02 Jan 2023 03:04:05 GMT"}, {}),
        ({"ranges": False}, {}),
        ({}, {"single_use": True}),
    ],
)
def test_help_is_not_safe_everywhere(of_stream, of_link):
    link, work = Link(REFERENCE, "https://store.example/doc", **of_link), Work((), [(0, SIZE)])
    work.take()
    crew = Helpers(work, Options(connections=4), lambda: pytest.fail("nobody is to be hired"))
    for _ in range(2):
        crew.consider(Opened(Piece(b"", 0, size=SIZE, **of_stream), link))


def test_a_contradicted_digest_is_not_what_was_asked_for(tmp_path: Path):
    berth = Berth(honest, digests={"sha256": "0" * 64})
    with pytest.raises(IntegrityError):
        bring_down(berth, tmp_path / "doc", Options())
    assert list(tmp_path.iterdir()) == []
