"""A service that asks for patience gets it, and nobody else has to be patient with it."""

import time

import pytest

from downspout import Link
from downspout._batch import lane as lanes
from downspout._batch.lane import Lane
from downspout.errors import RateLimited, Unavailable
from downspout.testing import Document, Header, Status, StatusOnly, Throttle

from .rig import Depot, expected, failures, statuses, uris


class _Hooks:
    batch_size = 10


class _Account:
    name = "depot"


class _Session:
    hooks = _Hooks
    account = _Account


@pytest.fixture
def lane():
    return Lane(_Session(), 8)


def test_documents_that_are_throttled_arrive_all_the_same(rig):
    for number in range(0, 30, 3):
        rig.server.script(f"/depot/d{number:05}", [Throttle("0")])
    assert statuses(rig.run(uris(30))) == {"ok": 30}
    assert rig.files() == expected(30)


def test_a_throttling_service_slows_its_own_account_only(rig):
    slow = rig.add(Depot(rig.server, "slow"))
    for number in range(4):
        rig.server.script(f"/slow/d{number:05}", [Throttle("1")])
    order = [result.reference.account for result in rig.results([*uris(4, "slow"), *uris(60)], jobs=4)]
    assert order.count("depot") == 60
    assert order.index("slow") >= 55
    assert len(slow.calls) >= 1


def test_nothing_of_an_account_starts_while_it_asks_to_wait(rig):
    rig.server.script("/depot/d00000", [Throttle("1")])
    began = time.monotonic()
    times = [time.monotonic() - began for _ in rig.results(uris(40), jobs=2)]
    # Some were under way when the answer came; the others waited.
    assert sum(moment > 0.9 for moment in times) > 30


def test_a_call_that_is_throttled_as_a_whole_is_made_again(rig):
    rig.depot.troubles = [RateLimited("slowly", retry_after=0.05), Unavailable("away", retry_after=0.05)]
    assert statuses(rig.run(uris(30))) == {"ok": 30}
    assert list(map(len, rig.depot.calls)) == [30, 30, 30]


def test_a_call_that_is_throttled_for_ever_fails_after_the_retries(rig):
    rig.depot.troubles = [RateLimited("slowly", retry_after=0.01)] * 9
    results = rig.run(uris(3), retries=2)
    assert statuses(results) == {"failed": 3}
    assert len(rig.depot.calls) == 3
    assert {error.kind for error in failures(results).values()} == {"rate-limited"}


def test_a_document_that_is_throttled_alone_is_asked_for_again(rig):
    answers = [RateLimited("slowly", retry_after=0.01), Unavailable("away", retry_after=0.01)]
    rig.depot.outcomes["d00001"] = lambda ref: answers.pop(0) if answers else rig.depot.link_to(ref)
    assert statuses(rig.run(uris(3))) == {"ok": 3}
    assert rig.depot.asked.count("d00001") == 3


def test_a_document_that_is_throttled_for_ever_fails_alone(rig):
    rig.depot.outcomes["d00001"] = Unavailable("away", retry_after=0.01)
    results = rig.run(uris(3), retries=3)
    assert statuses(results) == {"ok": 2, "failed": 1}
    assert rig.depot.asked.count("d00001") == 4


def test_a_service_that_wants_too_long_a_pause_is_not_waited_for_nor_asked_again(rig):
    rig.depot.troubles = [RateLimited("tomorrow", retry_after=86400.0)]
    results = rig.run([*uris(250), "nobody:x"])
    assert statuses(results) == {"failed": 2, "left": 249}
    assert {error.kind for error in failures(results).values()} == {"rate-limited", "no-provider"}
    assert len(rig.depot.calls) == 1


def test_a_store_that_wants_too_long_a_pause_is_left_alone_and_says_so(rig):
    rig.server.script("*", [None, Throttle("9000")], repeat_last=True)
    other = rig.add(Depot(rig.server, "other"))
    other.link_to = lambda ref: Link(ref, rig.server.url("/elsewhere"), name="x.bin")
    rig.server.documents["/elsewhere"] = Document(b"x")
    rig.server.script("/elsewhere", [None])
    results = rig.run([*uris(40), "other:a"], jobs=1)
    (error,) = failures(results).values()
    assert "9000 s" in error.message
    assert "minutes" in error.hint
    assert statuses(results) == {"ok": 2, "failed": 1, "left": 38}
    assert sum(rig.fetched().values()) == 3


def test_a_document_that_is_away_for_hours_holds_up_no_other(rig):
    rig.server.script("/depot/d00000", [Status(503) + Header("Retry-After", ("9000",))], repeat_last=True)
    results = rig.run(uris(20), jobs=1)
    assert statuses(results) == {"ok": 19, "failed": 1}


def test_a_document_that_is_away_for_seconds_comes_after_the_others(rig):
    rig.server.script("/depot/d00000", [Status(503) + Header("Retry-After", ("2",))])
    results = rig.run(uris(3), jobs=1)
    assert [result.index for result in results] == [2, 3, 1]
    assert statuses(results) == {"ok": 3}


def test_a_service_in_trouble_is_tried_as_often_as_asked(rig):
    rig.server.script("/depot/d00000", [StatusOnly(503)], repeat_last=True)
    results = rig.run(uris(2), retries=1)
    assert statuses(results) == {"ok": 1, "failed": 1}
    assert rig.fetched()["d00000"] == 2


def test_a_server_with_few_connections_is_not_overrun(tmp_path):
    from .rig import rigs

    for rig in rigs(tmp_path / "few", max_connections=2):
        assert statuses(rig.run(uris(40), jobs=8, retries=20)) == {"ok": 40}


def test_the_limit_sinks_by_half_and_recovers_by_one(lane):
    lane.slow_down(None)
    assert lane.limit == 4
    lane.slow_down(None)  # one answer of many that came together
    assert lane.limit == 4
    for _ in range(lanes._RECOVERY):
        lane.went_well()
    assert lane.limit == 5


def test_the_limit_is_never_below_one_nor_above_its_most(lane):
    for _ in range(10):
        lane._slowed_at = 0.0
        lane.slow_down(None)
    assert lane.limit == 1
    for _ in range(200):
        lane.went_well()
    assert lane.limit == 8


def test_a_shorter_pause_does_not_end_a_longer_one(lane):
    lane.slow_down(10.0)
    until = lane.not_before
    lane.slow_down(1.0)
    assert lane.not_before == until
