"""Links die while documents wait, and the documents arrive all the same."""

import datetime
import time

from downspout._batch.lane import Answer, Lane, Ready
from downspout._batch.wanted import Wanted
from downspout.testing import Cut

from .rig import Depot, expected, statuses, uris


def dying(rig, life):
    rig.depot.link = {"life": life}

    def before(_):
        rig.depot.facts = {"expires_at": datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=life)}

    rig.depot.before = before


def test_five_hundred_documents_whose_links_live_one_second_all_arrive(rig):
    dying(rig, 1.0)
    rig.server.latency = 0.02
    results = rig.run(uris(500), jobs=8)
    assert statuses(results) == {"ok": 500}
    assert rig.files() == expected(500)
    refused = [link for link in {request.target for request in rig.server.requests} if "?" in link]
    assert len(refused) >= 500


def test_a_link_that_died_in_the_queue_is_asked_for_again_and_not_tried(rig):
    dying(rig, 0.3)
    rig.server.latency = 0.1
    results = rig.run(uris(40), jobs=2)
    assert statuses(results) == {"ok": 40}
    assert len(rig.depot.calls) > 1
    assert max(map(len, rig.depot.calls[2:])) < 40
    assert max(rig.fetched().values()) <= 2


def test_a_link_that_dies_without_notice_is_asked_for_again(rig):
    rig.depot.link = {"life": 0.2}
    rig.server.latency = 0.02
    results = rig.run(uris(60), jobs=2)
    assert statuses(results) == {"ok": 60}
    assert sorted(set(map(len, rig.depot.calls))) == [1, 60]


def test_a_link_that_seems_dead_on_arrival_is_tried(rig):
    rig.depot.facts = {"expires_at": datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)}
    assert statuses(rig.run(uris(30))) == {"ok": 30}
    assert len(rig.depot.calls) == 1


def test_links_that_came_dead_are_not_all_tried(rig):
    """Their lives were over before their answer was here: one refusal tells that of all of them."""
    soon = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=1)
    rig.depot.link, rig.depot.facts = {"life": 0.0}, {"expires_at": soon}

    def before(references):
        if len(rig.depot.calls) > 1:
            rig.depot.link, rig.depot.facts = {}, {}

    rig.depot.before = before
    assert statuses(rig.run(uris(60), jobs=2)) == {"ok": 60}
    assert sum(rig.fetched().values()) <= 60 + 2


def test_a_document_cut_half_way_goes_on_with_a_new_link(rig):
    from downspout.testing import Document, Pattern

    document = Document(Pattern(3_000_000), etag='"v1"')
    rig.server.documents["/depot/big"] = document
    rig.depot.link = {"uses": 1}
    rig.server.script("/depot/big", [Cut(2_000_000)])
    (result,) = rig.run(["depot:big"], connections=1)
    assert result.status == "ok"
    assert result.path.read_bytes() == document.read()
    ranges = [request.headers.get("range") for request in rig.server.requests_to("/depot/big")]
    assert ranges[0] is None
    assert ranges[-1] is not None


def test_single_use_links_are_used_once(rig):
    rig.depot.link, rig.depot.facts = {"uses": 1}, {"single_use": True}
    assert statuses(rig.run(uris(50))) == {"ok": 50}
    assert max(rig.fetched().values()) == 1


def test_batches_grow_smaller_only_for_the_account_whose_links_die(rig):
    other = rig.add(Depot(rig.server, "other", 50))
    dying(rig, 0.2)
    rig.server.latency = 0.05
    mixed = [*uris(40), *uris(50, "other")]
    assert statuses(rig.run(mixed, jobs=2)) == {"ok": 90}
    assert list(map(len, other.calls)) == [50]


class _Hooks:
    batch_size = 40


class _Session:
    hooks = _Hooks


def resolved(lane, *, dead):
    """Let a lane resolve a batch, and start all of it; so many of its links are dead by then."""
    asked = lane.ask()
    lane.asking.clear()
    now = time.monotonic()
    answer = Answer(now - 2)
    lane.ready.extend(
        Ready(item, None, now - 1 if number < dead else None, answer) for number, item in enumerate(asked)
    )
    while lane.next_ready() is not None:
        pass
    return len(asked)


def test_batches_shrink_by_half_however_many_links_died_and_grow_again():
    lane = Lane(_Session(), 8)
    lane.pending.extend(Wanted(f"depot:{number}") for number in range(1000))
    assert resolved(lane, dead=30) == 40
    assert resolved(lane, dead=5) == 20
    assert resolved(lane, dead=0) == 10
    assert [resolved(lane, dead=0) for _ in range(7)] == [12, 15, 18, 22, 27, 33, 40]
    for _ in range(9):
        last = resolved(lane, dead=99)
    assert last == 1
    assert len(lane.pending) > 500


def test_a_link_without_an_end_is_never_stale():
    assert not Ready(Wanted("depot:a"), None).is_stale
    assert Ready(Wanted("depot:a"), None, time.monotonic() - 1, Answer(time.monotonic() - 2)).is_stale


def test_a_link_that_came_dead_is_stale_once_another_one_of_its_answer_was_refused():
    now = time.monotonic()
    answer = Answer(now)
    first, second, alive = (
        Ready(Wanted("depot:a"), object(), dies, answer) for dies in (now - 1, now - 1, now + 60)
    )
    for link in (object(), second.link):  # another link of the document, and one of another document
        first.was_refused(link)
    alive.was_refused(alive.link)
    assert not second.is_stale
    first.was_refused(first.link)
    assert (first.is_stale, second.is_stale, alive.is_stale) == (True, True, False)
