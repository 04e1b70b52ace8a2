"""Names: distinct within a run, and the same in every run."""

from pathlib import PurePosixPath

from downspout._batch import Wanted
from downspout.testing import Document

from .rig import content, failures, statuses


def same_name(rig, *documents, name="report.pdf"):
    for document in documents:
        rig.depot.outcomes[document] = lambda reference: rig.depot.link_to(reference, name=name)


def test_documents_of_one_name_get_two(rig):
    same_name(rig, "a", "b", "c")
    results = rig.run(["depot:a", "depot:b", "depot:c"])
    assert statuses(results) == {"ok": 3}
    assert set(rig.files()) == {"report.pdf", "report (1).pdf", "report (2).pdf"}
    assert {result.path.read_bytes() for result in results} == {content(name) for name in "abc"}


def test_names_that_a_file_system_may_take_for_one_are_two(rig):
    same_name(rig, "a", name="R\u00e9sum\u00e9.PDF")
    same_name(rig, "b", name="re\u0301sume\u0301.pdf")
    rig.run(["depot:a", "depot:b"])
    assert len(rig.files()) == 2
    assert len({name.casefold() for name in rig.files()}) == 2


def test_names_stay_with_their_documents_between_runs(rig):
    same_name(rig, "a", "b", "c")
    first = rig.run(["depot:a", "depot:b"], ledger=rig.ledger)
    names = {str(result.reference): result.path.name for result in first}
    for result in first:
        result.path.unlink()
    again = rig.run(["depot:c", "depot:b", "depot:a"], ledger=rig.ledger)
    assert statuses(again) == {"ok": 3}
    assert {str(result.reference): result.path.name for result in again} == {**names, "depot:c": "report (2).pdf"}
    assert all(result.path.read_bytes() == content(result.reference.document) for result in again)


def test_a_failed_document_keeps_its_name_for_the_next_run(rig):
    same_name(rig, "a", "b")
    assert statuses(rig.run([Wanted("depot:a", sha256="0" * 64)], ledger=rig.ledger)) == {"failed": 1}
    rig.run(["depot:b"], ledger=rig.ledger)
    rig.run(["depot:a"], ledger=rig.ledger)
    assert rig.files() == {"report.pdf": content("a"), "report (1).pdf": content("b")}


def test_the_name_is_the_streams_where_the_service_has_none(rig):
    rig.depot.outcomes["a"] = lambda reference: rig.depot.link_to(reference, name=None)
    rig.server.documents["/depot/a"] = Document(content("a"), name="発票.pdf")
    assert statuses(rig.run(["depot:a"])) == {"ok": 1}
    assert list(rig.files()) == ["発票.pdf"]


def chosen(uri, target, index):
    return Wanted(uri, target=PurePosixPath(target), chosen=True, index=index)


def test_a_chosen_target_is_kept(rig):
    rig.run([chosen("depot:a", "x/first.bin", 1), chosen("depot:b", "second.bin", 2)])
    assert rig.files() == {"x/first.bin": content("a"), "second.bin": content("b")}


def test_one_document_may_go_to_two_chosen_targets(rig):
    wanted = [chosen("depot:a", "one.bin", 1), chosen("depot:a", "two.bin", 2), Wanted("depot:a", index=3)]
    assert statuses(rig.run(wanted, ledger=rig.ledger)) == {"ok": 3}
    assert rig.files() == dict.fromkeys(("one.bin", "two.bin", "a.bin"), content("a"))
    assert statuses(rig.run(wanted, ledger=rig.ledger)) == {"skipped": 3}


def test_one_chosen_target_for_two_documents_is_an_error_of_one(rig):
    for _ in range(2):
        results = rig.run([chosen("depot:a", "x.bin", 1), chosen("depot:b", "X.bin", 2)], exists="skip")
        (error,) = failures(results).values()
        assert error.kind == "exists"
        assert "two documents" in error.message
    assert len(rig.files()) == 1
