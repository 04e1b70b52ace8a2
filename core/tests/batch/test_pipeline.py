"""What is asked of a service, in which portions, and what becomes of each document."""

import pytest

from downspout import Reference
from downspout._batch import Wanted
from downspout.errors import NotFound, ProtocolError

from .rig import Depot, content, expected, failures, statuses, uris


@pytest.mark.parametrize(("count", "calls"), [(1, 1), (100, 1), (101, 2), (250, 3)])
def test_documents_are_asked_for_in_full_batches(rig, count, calls):
    results = rig.run(uris(count))
    assert len(rig.depot.calls) == calls
    assert statuses(results) == {"ok": count}
    assert rig.files() == expected(count)


def test_full_batches_though_accounts_alternate_in_the_list(rig):
    other = rig.add(Depot(rig.server, "other", 40))
    mixed = [uri for pair in zip(uris(120), uris(120, "other", 500), strict=True) for uri in pair]
    results = rig.run(mixed)
    assert statuses(results) == {"ok": 240}
    assert (len(rig.depot.calls), len(other.calls)) == (2, 3)


def test_a_service_that_knows_no_batches_is_asked_one_by_one_side_by_side(rig):
    single = rig.add(Depot(rig.server, "single", 1))
    results = rig.run(uris(30, "single"), jobs=4)
    assert statuses(results) == {"ok": 30}
    assert [len(call) for call in single.calls] == [1] * 30


def test_one_bad_document_fails_alone(rig):
    rig.depot.outcomes["d00007"] = NotFound("depot:d00007: gone.")
    results = rig.run(uris(250))
    assert len(rig.depot.calls) == 3
    assert statuses(results) == {"ok": 249, "failed": 1}
    assert failures(results) == {8: rig.depot.outcomes["d00007"]}


def test_results_carry_position_text_and_bytes(rig):
    (result,) = rig.run(["depot:a%20b"], compute_hash=True)
    assert (result.index, result.uri) == (1, "depot:a%20b")
    assert result.reference == Reference("depot", "a b")
    assert result.path == rig.folder / "a b.bin"
    assert result.size == result.transferred == len(content("a b"))
    assert result.sha256 == __import__("hashlib").sha256(content("a b")).hexdigest()


def test_references_and_numbered_wishes_are_taken_as_they_are(rig):
    wanted = [Reference("depot", "one"), Wanted("depot:two", index=70), Wanted("depot:three")]
    assert {result.index: result.uri for result in rig.run(wanted)} == {
        1: "depot:one",
        70: "depot:two",
        3: "depot:three",
    }


def test_equal_references_are_brought_down_once(rig):
    results = rig.run(["depot:a", "depot:b", "DEPOT:a", "depot:%61"])
    assert statuses(results) == {"ok": 2, "skipped": 2}
    assert {result.index for result in results} == {1, 2, 3, 4}
    assert {result.path for result in results if result.index != 2} == {rig.folder / "a.bin"}
    assert rig.fetched() == {"a": 1, "b": 1}


def test_what_equals_a_failure_fails_as_well(rig):
    rig.depot.outcomes["a"] = NotFound("depot:a: gone.")
    results = rig.run(["depot:a", "depot:b", "depot:a"])
    assert set(failures(results)) == {1, 3}
    assert rig.depot.asked.count("a") == 1


def test_an_equal_reference_that_comes_late_is_answered_too(rig):
    def late():
        yield "depot:a"
        rig.server.wait_for_requests(1)
        yield "depot:a"

    assert statuses(rig.run(late())) == {"ok": 1, "skipped": 1}


def test_an_unknown_account_costs_its_own_documents(rig):
    results = rig.run(["depot:a", "nobody:x", "nobody:y"])
    assert statuses(results) == {"ok": 1, "failed": 2}
    assert {error.kind for error in failures(results).values()} == {"no-provider"}


def test_nothing_wanted_is_nothing_done(rig):
    assert rig.run([]) == []
    assert rig.depot.calls == []


def test_a_digest_that_is_wrong_keeps_the_file_away(rig):
    wanted = [Wanted("depot:a", sha256="0" * 64, index=1), Wanted("depot:b", index=2)]
    results = rig.run(wanted)
    assert failures(results)[1].kind == "integrity"
    assert list(rig.files()) == ["b.bin"]
    assert rig.work_files() == []


def test_a_web_address_is_a_document_too(rig):
    rig.server.documents["/w.txt"] = __import__("downspout.testing").testing.Document(b"web")
    results = rig.run([rig.server.url("/w.txt?sig=secret"), "depot:a"])
    assert rig.files() == {"w.txt": b"web", "a.bin": content("a")}
    assert "secret" not in repr(results)


def test_an_error_of_our_own_says_so(rig, monkeypatch):
    from downspout._batch import pipeline

    def broken(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(pipeline, "bring_down", broken)
    (result,) = rig.run(["depot:a"])
    assert result.error.kind == "plugin"
    assert isinstance(result.error.__cause__, ZeroDivisionError)


def test_a_protocol_error_of_a_whole_call_is_each_documents_own(rig):
    rig.depot.troubles = [ProtocolError("nonsense")]
    results = rig.run(uris(130))
    assert statuses(results) == {"failed": 100, "ok": 30}
