"""What is told on the way, how it is stopped, how fast it may be, how large."""

import threading
import time
from pathlib import Path
from statistics import median

import pytest

from downspout import Done, Failed, Opened, Progress, Resolved
from downspout._transfer import pace, patience
from downspout._transfer.decide import Identity
from downspout._transfer.finished import work_files
from downspout._transfer.pace import Limiter
from downspout.errors import Cancelled, IntegrityError
from downspout.testing import (
    Chunked,
    CloseDelimited,
    Cut,
    Delay,
    Document,
    FlippedByte,
    HeaderDrip,
    LyingServer,
    Pattern,
    Silence,
    Stall,
    Status,
    Throttle,
)

from .rig import MIB, Rig, rigs

SIZE = 3 * MIB


@pytest.fixture
def document(rig: Rig) -> Document:
    return rig.serve(SIZE)


# Progress.


@pytest.mark.parametrize("faults", [[], [Cut(MIB)], [Cut(MIB), Throttle("0"), Cut(MIB, "reset")]])
@pytest.mark.parametrize("connections", [1, 3])
def test_progress_only_goes_forward(rig: Rig, document, faults, connections):
    rig.server.rate = 16.0 * MIB
    rig.server.script("/doc", faults)
    seen: list[Progress] = []
    rig.get(progress=seen.append, connections=connections)
    assert all(type(event) is Progress for event in seen)
    phases = [event.phase for event in seen]
    assert sorted(phases, key=["resolving", "downloading", "verifying", "done"].index) == phases
    assert {"resolving", "downloading", "verifying", "done"} == set(phases)
    done = [event.done for event in seen if event.phase == "downloading"]
    assert done == sorted(done)
    assert all(0 <= count <= SIZE for count in done)
    assert {event.size for event in seen if event.phase == "downloading"} == {SIZE}
    assert (seen[-1].done, seen[-1].size, seen[-1].name) == (SIZE, SIZE, "doc.bin")
    assert {str(event.reference) for event in seen} == {"ferry:/doc"}


def test_progress_of_an_unknown_size_has_none(rig: Rig, document):
    rig.server.script("/doc", [CloseDelimited()])
    seen: list[Progress] = []
    rig.get(progress=seen.append)
    assert {event.size for event in seen if event.phase == "downloading"} <= {None}
    assert seen[-1].size == SIZE


def test_progress_goes_on_from_what_an_earlier_run_left(rig: Rig, document):
    rig.leave_part(document.read(0, 2 * MIB), identity=Identity(etag='"v1"', size=SIZE))
    seen: list[Progress] = []
    rig.server.rate = 4.0 * MIB
    rig.get(progress=seen.append)
    assert min(event.done for event in seen if event.phase == "downloading") >= 2 * MIB


def test_who_looks_on_is_told_what_happens(rig: Rig, document):
    seen: list[object] = []
    rig.server.script("/doc", [Cut(MIB)])
    rig.get(observer=seen.append, compute_hash=True)
    assert [event.start for event in seen if isinstance(event, Opened)] == [0, MIB]
    assert sum(isinstance(event, Resolved) for event in seen) == 1
    (done,) = (event for event in seen if isinstance(event, Done))
    assert (done.size, done.digest, done.path) == (SIZE, f"sha256:{document.sha256()}", rig.target)
    assert seen[-1] is done
    rig.target.unlink()
    rig.server.script("/doc", [Status(404)], repeat_last=True)
    error = rig.fail(observer=seen.append)
    assert isinstance(seen[-1], Failed)
    assert seen[-1].error is error


# Stopping.


def stopped_while(rig: Rig, fault, **options) -> tuple[float, Cancelled]:
    """Stop a download from another thread once the server has seen a request; return how long that took."""
    rig.server.script("/doc", [fault], repeat_last=True)
    cancel, at = threading.Event(), []

    def stop() -> None:
        rig.server.wait_for_requests(1)
        time.sleep(0.15)  # so that it stands where it will stand
        at.append(time.monotonic())
        cancel.set()

    thread = threading.Thread(target=stop)
    thread.start()
    error = rig.fail(cancel=cancel, timeout=30.0, **options)
    thread.join()
    assert isinstance(error, Cancelled)
    return time.monotonic() - at[0], error


@pytest.mark.parametrize(
    "fault", [Silence(), Stall(0), Stall(MIB), HeaderDrip(1.0), Delay(20.0), Throttle("30"), Status(500)]
)
def test_a_download_is_stopped_from_another_thread_wherever_it_stands(rig: Rig, document, fault, monkeypatch):
    monkeypatch.setattr(patience, "_FIRST_WAIT", 60.0)
    took, error = stopped_while(rig, fault)
    assert took < 1.5
    assert error.hint == "Run it again to go on."
    assert error.message.startswith("ferry:/doc")


def test_a_download_that_was_stopped_goes_on_where_it_was(rig: Rig, document):
    stopped_while(rig, Stall(2 * MIB))
    ((start, stop),) = rig.record()["ranges"]
    assert start == 0
    assert stop >= MIB
    rig.server.script("/doc", [])
    assert rig.get().transferred == SIZE - stop
    assert rig.holds(document)


def test_a_function_may_say_when_to_stop(rig: Rig, document):
    assert isinstance(rig.fail(cancel=lambda: True), Cancelled)
    assert rig.server.requests == []
    assert rig.leftovers() == []


def test_a_check_of_a_digest_is_stopped_too(rig: Rig, document):
    cancel = threading.Event()

    def progress(event: Progress) -> None:
        if event.phase == "verifying":
            cancel.set()

    assert isinstance(rig.fail(cancel=cancel, progress=progress, compute_hash=True), Cancelled)
    assert not rig.target.exists()
    assert rig.get().transferred == 0
    assert rig.holds(document)


def test_closing_the_client_stops_its_downloads(rig: Rig, document):
    rig.server.script("/doc", [Stall(MIB)])
    client = rig.client(timeout=30.0)
    thread = threading.Thread(target=lambda: (rig.server.wait_for_stall(), client.close()))
    thread.start()
    begun = time.monotonic()
    assert isinstance(rig.fail(client=client), Cancelled)
    assert time.monotonic() - begun < 5
    thread.join()


def test_who_looks_on_and_fails_stops_the_download_and_keeps_what_came(rig: Rig, document):
    def progress(event: Progress) -> None:
        if event.done >= MIB:
            raise ZeroDivisionError

    rig.server.rate = 8.0 * MIB
    with pytest.raises(ZeroDivisionError):
        rig.get(progress=progress)
    assert rig.record()["ranges"][0][1] >= MIB
    rig.get()
    assert rig.holds(document)


# Speed.


def test_a_limiter_spreads_bytes_evenly(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(pace.time, "monotonic", lambda: now[0])
    limiter = Limiter(1000.0)

    def wait(seconds: float) -> None:
        now[0] += seconds

    for _ in range(40):
        limiter.spend(250, wait)
    assert now[0] - 100.0 == pytest.approx(10.0, abs=0.3)
    now[0] += 60.0  # a pause earns nothing but a moment
    for _ in range(40):
        limiter.spend(250, wait)
    assert now[0] - 170.0 == pytest.approx(10.0, abs=0.6)


@pytest.mark.parametrize(("rate", "block"), [(10.0, 1024), (100_000.0, 4_000), (1e9, 256 * 1024)])
def test_a_limited_flow_is_read_in_pieces_that_keep_it_even(rate, block):
    assert Limiter(rate).block == block


@pytest.mark.parametrize("connections", [1, 3])
def test_the_rate_holds_within_five_percent_over_five_seconds(rig: Rig, connections):
    """Measured where it matters: what the process receives in any 5 s, all connections together."""
    rate = 2.0 * MIB
    rig.serve(14 * MIB)
    seen: list[tuple[float, int]] = []

    def progress(event: Progress) -> None:
        if event.phase == "downloading":
            seen.append((time.monotonic(), event.done))

    rig.get(limit_rate=rate, connections=connections, progress=progress)
    begun, ended = seen[0][0], seen[-1][0]
    windows = [
        (later[1] - sooner[1]) / (later[0] - sooner[0])
        for sooner in seen
        for later in seen
        if 5.0 <= later[0] - sooner[0] < 5.2 and sooner[0] > begun + 0.5
    ]
    assert ended - begun > 6
    assert windows
    assert max(windows) <= 1.05 * rate
    assert median(windows) >= 0.95 * rate  # a machine that is busy with something else may cost a moment


def test_the_rate_is_of_all_downloads_of_a_client_together(tmp_path: Path):
    with LyingServer() as server:
        for rig in rigs(tmp_path / "out"):
            client = rig.client(limit_rate=4.0 * MIB)
            server.documents |= {f"/{n}": Document(Pattern(MIB)) for n in range(4)}
            begun = time.monotonic()
            threads = [
                threading.Thread(target=client.download, args=(server.url(f"/{n}"), rig.folder / str(n)))
                for n in range(4)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(20)
            assert time.monotonic() - begun > 0.7
            assert len(list(rig.folder.iterdir())) == 4


# Size.


@pytest.mark.parametrize("size", [0, 1, 2047, 2048, 2049, MIB - 1, MIB, MIB + 1])
@pytest.mark.parametrize("framing", [None, CloseDelimited(), Chunked()])
def test_every_size_comes_whole(rig: Rig, size, framing):
    document = rig.serve(size)
    rig.server.script("/doc", [framing])
    result = rig.get()
    assert rig.holds(document)
    assert (result.size, result.verified) == (size, "none" if framing else "size")
    assert rig.leftovers() == []


@pytest.mark.parametrize("size", [2**31 - 1, 2**31, 2**31 + 1, 2**32, 2**32 + 1])
def test_sizes_beyond_what_32_bits_hold(rig: Rig, size):
    """All but the last bytes were there already: nothing near these sizes is moved or stored."""
    document = rig.serve(size)
    held = size - MIB - 7
    rig.leave_part(b"", identity=Identity(etag='"v1"', size=size), done=((0, held),))
    with open(work_files(rig.target)[0], "r+b") as part:
        part.truncate(held)
    result = rig.get()
    assert (result.size, result.transferred) == (size, MIB + 7)
    assert rig.target.stat().st_size == size
    with rig.target.open("rb") as file:
        file.seek(held)
        assert file.read() == document.read(held)
    assert rig.ranges() == [f"bytes={held}-{size - 1}"]


def test_reading_beyond_what_32_bits_hold(rig: Rig):
    document = rig.serve(2**32 + 1)
    with rig.client().open("ferry:/doc") as file:
        for position in (2**32, 2**31 - 1, 2**32 - 100):
            file.seek(position)
            assert file.read(50) == document.read(position, min(position + 50, document.size))


def test_a_digest_that_is_wrong_keeps_nothing(rig: Rig, document):
    rig.ferry.facts["digests"] = {"sha256": document.sha256()}
    rig.server.script("/doc", [FlippedByte(-1)])
    assert isinstance(rig.fail(), IntegrityError)
    assert list(rig.folder.iterdir()) == []
