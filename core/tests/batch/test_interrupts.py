"""Whoever asks a batch to stop is obeyed at once, and what came by then is kept."""

import contextvars
import pickle
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from downspout.errors import Cancelled, NotFound, RateLimited
from downspout.testing import Document, Pattern, Stall

from .rig import Depot, expected, failures, rigs, statuses, uris

WHO = contextvars.ContextVar("WHO", default="nobody")


def threads_of_batches():
    return [thread for thread in threading.enumerate() if thread.name.startswith("downspout-")]


def test_what_is_not_begun_is_left(rig):
    cancel = threading.Event()
    results = []
    for result in rig.results(uris(400), cancel=cancel, jobs=2, ledger=rig.ledger):
        results.append(result)
        if len(results) == 20:
            cancel.set()
            began = time.monotonic()
    assert time.monotonic() - began < 2
    counts = statuses(results)
    assert set(counts) == {"ok", "left"}
    assert counts["ok"] < 60
    assert sum(counts.values()) == 400
    assert statuses(rig.run(uris(400), ledger=rig.ledger))["skipped"] == counts["ok"]
    assert rig.files() == expected(400)


def test_a_call_that_is_stopped_on_its_way_leaves_its_documents(rig):
    cancel = threading.Event()
    rig.depot.before = lambda _: cancel.set()
    rig.depot.troubles = [Cancelled("depot: stopped.")]
    results = rig.run(uris(150), cancel=cancel, ledger=rig.ledger)
    assert statuses(results) == {"left": 150}
    assert {result.error for result in results} == {None}
    assert len(rig.depot.calls) == 1


def test_a_function_may_ask_to_stop(rig):
    rig.run(uris(3))
    results = rig.run(uris(50, first=100), cancel=lambda: len(rig.server.requests) > 20, jobs=1)
    assert statuses(results)["left"] > 0


def test_a_stop_before_the_beginning_leaves_everything(rig):
    cancel = threading.Event()
    cancel.set()
    results = rig.run(uris(30), cancel=cancel)
    assert statuses(results) == {"left": 30}
    assert rig.depot.calls == []


def test_a_document_that_is_cut_off_by_a_stop_goes_on_later(tmp_path):
    for rig in rigs(tmp_path / "slow", rate=1_000_000):
        document = Document(Pattern(3_000_000), etag='"v1"')
        rig.server.documents["/depot/big"] = document
        cancel = threading.Event()
        threading.Timer(1.5, cancel.set).start()
        (result,) = rig.run(["depot:big"], cancel=cancel, ledger=rig.ledger, connections=1)
        assert result.status == "left"
        assert len(rig.work_files()) == 2
        rig.server.rate = None
        (result,) = rig.run(["depot:big"], ledger=rig.ledger, connections=1)
        assert result.path.read_bytes() == document.read()
        assert rig.server.requests_to("/depot/big")[-1].headers.get("range") is not None
        assert result.transferred < 3_000_000


def test_plugins_that_hang_do_not_hold_up_a_stop(rig):
    other = rig.add(Depot(rig.server, "other"))
    other.gate.clear()
    cancel = threading.Event()
    threading.Timer(0.3, cancel.set).start()
    began = time.monotonic()
    results = rig.run([*uris(3), *uris(150, "other", 50)], cancel=cancel)
    other.gate.set()
    assert time.monotonic() - began < 2.5
    assert statuses(results) == {"ok": 3, "left": 150}


def test_servers_that_fall_silent_do_not_hold_up_a_stop(rig):
    rig.server.script("/depot/d00001", [Stall(100)], repeat_last=True)
    cancel = threading.Event()
    began = time.monotonic()
    results = []
    for result in rig.results(uris(3), cancel=cancel):
        results.append(result)
        if len(results) == 2:
            cancel.set()
            began = time.monotonic()
    assert time.monotonic() - began < 2
    assert statuses(results) == {"ok": 2, "left": 1}


def test_a_pause_that_a_service_asks_for_does_not_hold_up_a_stop(rig):
    rig.depot.troubles = [RateLimited("slowly", retry_after=60.0)]
    cancel = threading.Event()
    threading.Timer(0.3, cancel.set).start()
    began = time.monotonic()
    assert statuses(rig.run(uris(5), cancel=cancel)) == {"left": 5}
    assert time.monotonic() - began < 2


def test_whoever_stops_iterating_stops_the_batch(rig):
    results = rig.results(uris(2000), ledger=rig.ledger, jobs=2)
    done = {next(results).index for _ in range(10)}
    began = time.monotonic()
    results.close()
    assert time.monotonic() - began < 2
    assert len(rig.files()) < 200
    for thread in threads_of_batches():
        if "hook" not in thread.name:
            thread.join(5)
    again = rig.run(uris(100), ledger=rig.ledger)
    assert done <= {result.index for result in again if result.status == "skipped"}
    assert rig.files().items() >= expected(100).items()


def test_closing_the_client_stops_its_batches(rig):
    client = rig.client()
    results = rig.results(uris(1000), client=client)
    next(results)
    client.close()
    rest = list(results)
    assert statuses(rest)["left"] > 0


def test_an_executor_does_the_work(rig):
    with ThreadPoolExecutor(3, thread_name_prefix="mine") as executor:
        names = set()
        rig.depot.outcomes = {
            f"d{number:05}": lambda ref: names.add(WHO.get()) or rig.depot.link_to(ref) for number in range(30)
        }
        WHO.set("jo")
        assert statuses(rig.run(uris(30), executor=executor, jobs=4)) == {"ok": 30}
    assert names == {"jo"}


def test_an_executor_smaller_than_the_number_of_jobs_is_enough(rig):
    with ThreadPoolExecutor(1) as executor:
        assert statuses(rig.run(uris(30), executor=executor, jobs=8)) == {"ok": 30}


def test_an_executor_that_takes_no_work_is_an_error_and_leaves_nothing_behind(rig):
    executor = ThreadPoolExecutor(1)
    executor.shutdown()
    with pytest.raises(RuntimeError, match="shutdown"):
        rig.run(uris(30), executor=executor)
    for thread in threads_of_batches():
        thread.join(5)
        assert not thread.is_alive() or "hook" in thread.name


def test_results_go_from_process_to_process(rig):
    rig.depot.outcomes["d00001"] = NotFound("gone", hint="Ask.")
    results = rig.run(uris(2))
    copied = pickle.loads(pickle.dumps(results))
    assert failures(copied)[2].hint == "Ask."
    assert [result.path for result in copied] == [result.path for result in results]


def test_progress_is_told_by_several_threads_and_ends_with_each_document(rig):
    told = []
    rig.run(uris(10), progress=told.append)
    done = [progress for progress in told if progress.phase == "done"]
    assert len(done) == 10
    assert {progress.name for progress in done} == set(expected(10))
    assert {progress.phase for progress in told} >= {"resolving", "verifying", "done"}
