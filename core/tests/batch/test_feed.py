"""Lists are read a little ahead, and what has come never waits for what has not."""

import contextvars
import threading

import pytest

from downspout._batch.arrivals import Arrivals
from downspout.errors import StorageError

from .rig import Depot, expected, statuses, uris

WHO = contextvars.ContextVar("WHO", default="nobody")


def test_what_has_come_is_brought_down_before_the_rest_is_known(rig):
    def slow():
        yield "depot:d00000"
        rig.server.wait_for_requests(1)
        yield "depot:d00001"
        rig.server.wait_for_requests(2)

    assert statuses(rig.run(slow())) == {"ok": 2}
    assert rig.files() == expected(2)


def test_a_list_is_read_no_further_than_needed(rig):
    read = 0

    def endless():
        nonlocal read
        while True:
            read += 1
            yield f"depot:d{read:05}"

    results = rig.results(endless())
    delivered = [next(results) for _ in range(50)]
    results.close()
    assert statuses(delivered) == {"ok": 50}
    assert read < 1300


def test_what_a_list_raises_is_raised_where_results_are_read(rig):
    def broken():
        yield "depot:d00000"
        raise StorageError("The list cannot be read.")

    results = rig.results(broken())
    with pytest.raises(StorageError, match="cannot be read"):
        list(results)


def test_a_list_is_read_in_the_callers_context(rig):
    def who():
        yield f"depot:{WHO.get()}"

    token = WHO.set("jo")
    try:
        rig.run(who())
    finally:
        WHO.reset(token)
    assert list(rig.files()) == ["jo.bin"]


def test_a_list_that_never_ends_nor_gives_does_not_hold_up_a_stop(rig):
    cancel, silence = threading.Event(), threading.Event()

    def silent():
        yield "depot:d00000"
        silence.wait(30)

    results = rig.results(silent(), cancel=cancel)
    assert next(results).status == "ok"
    cancel.set()
    assert list(results) == []
    silence.set()


def test_a_thousand_are_in_hand_at_most_though_nobody_takes_results(rig):
    rig.depot.gate.clear()
    read = []
    results = rig.results(read.append(uri) or uri for uri in uris(5000))
    threading.Timer(0.5, rig.depot.gate.set).start()
    next(results)
    assert len(read) < 1300
    results.close()


def test_a_slow_account_is_not_kept_waiting_for_a_full_batch(rig):
    other = rig.add(Depot(rig.server, "other"))

    def mixed():
        yield "other:one"
        rig.server.wait_for_requests(1)
        yield from uris(3)

    assert statuses(rig.run(mixed())) == {"ok": 4}
    assert other.calls == [["one"]]


def test_arrivals_end_after_what_came():
    arrivals = Arrivals(iter(range(250)), 100)
    arrivals.start()
    came = []
    while (some := arrivals.take(5.0)) is not None:
        assert 0 < len(some) <= 100
        came += some
    assert came == list(range(250))


def test_arrivals_stop_in_the_middle():
    closed = threading.Event()

    def endless():
        try:
            while True:
                yield 1
        finally:
            closed.set()

    arrivals = Arrivals(endless(), 10)
    arrivals.start()
    assert arrivals.take(5.0)
    arrivals.stop()
    del arrivals
    assert closed.wait(5.0)
