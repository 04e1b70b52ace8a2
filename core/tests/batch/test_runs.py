"""The same batch again: what is done is not asked about, what failed is tried, what was cut goes on."""

import hashlib
import json
import os
import subprocess
import sys
import threading

import pytest

from downspout._batch import Ledger, Wanted
from downspout.errors import NotFound, StorageError, Unavailable
from downspout.testing import Cut, Document, Pattern, StatusOnly

from .rig import content, expected, failures, statuses, uris


def versions(rig, **of):
    """Give documents versions, and bytes that go with them."""
    for document, version in of.items():
        rig.server.documents[f"/depot/{document}"] = Document(content(f"{document} {version}"))
        rig.depot.outcomes[document] = lambda ref, version=version: rig.depot.link_to(ref, version=version)


def test_what_is_done_is_not_asked_about(rig):
    assert statuses(rig.run(uris(150), ledger=rig.ledger)) == {"ok": 150}
    rig.depot.calls.clear()
    results = rig.run(uris(150), ledger=rig.ledger)
    assert statuses(results) == {"skipped": 150}
    assert rig.depot.calls == []
    assert {result.path.name for result in results} == set(expected(150))
    assert {result.size for result in results} == {len(content("d00000"))}


def test_a_renamed_list_of_the_same_documents_is_done_too(rig):
    rig.run(uris(5), ledger=rig.ledger)
    assert statuses(rig.run(reversed(uris(8)), ledger=rig.ledger)) == {"skipped": 5, "ok": 3}


def test_what_failed_is_tried_again(rig):
    rig.depot.outcomes["d00001"] = NotFound("gone")
    rig.run(uris(3), ledger=rig.ledger)
    del rig.depot.outcomes["d00001"]
    assert statuses(rig.run(uris(3), ledger=rig.ledger)) == {"skipped": 2, "ok": 1}


def test_failures_are_counted_by_kind(rig):
    rig.depot.outcomes = {"d00001": NotFound("gone"), "d00002": NotFound("gone"), "d00003": Unavailable("away")}
    rig.run(uris(5), ledger=rig.ledger, retries=0)
    with Ledger.open(rig.ledger, readonly=True) as ledger:
        summary = ledger.summary()
    assert dict(summary.counts) == {"ok": 2, "failed": 3}
    assert dict(summary.kinds) == {"not-found": 2, "unavailable": 1}


def test_attempts_add_up_over_runs(rig):
    rig.depot.outcomes["a"] = NotFound("gone")
    for _ in range(3):
        rig.run(["depot:a"], ledger=rig.ledger)
    with Ledger.open(rig.ledger, readonly=True) as ledger:
        assert ledger.lookup("depot:a").attempts == 3


def test_a_document_cut_in_one_run_goes_on_in_the_next(rig):
    document = Document(Pattern(3_000_000), etag='"v1"')
    rig.server.documents["/depot/big"] = document
    rig.server.script("/depot/big", [Cut(2_000_000)])
    assert statuses(rig.run(["depot:big"], ledger=rig.ledger, retries=0, connections=1)) == {"failed": 1}
    (result,) = rig.run(["depot:big"], ledger=rig.ledger, connections=1)
    assert result.path.read_bytes() == document.read()
    assert result.transferred < 1_500_000
    assert rig.work_files() == []


def test_a_file_that_was_changed_or_removed_is_no_longer_done(rig):
    rig.run(uris(3), ledger=rig.ledger)
    (rig.folder / "d00000.bin").unlink()
    (rig.folder / "d00001.bin").write_bytes(b"mine")
    results = rig.run(uris(3), ledger=rig.ledger)
    assert statuses(results) == {"ok": 1, "failed": 1, "skipped": 1}
    assert failures(results)[2].kind == "exists"
    assert (rig.folder / "d00001.bin").read_bytes() == b"mine"


def test_a_digest_that_a_later_list_asks_for_is_held_against_the_file(rig):
    rig.run(uris(2), ledger=rig.ledger)
    right = hashlib.sha256(content("d00000")).hexdigest()
    wanted = [Wanted("depot:d00000", sha256=right, index=1), Wanted("depot:d00001", sha256=right, index=2)]
    results = rig.run(wanted, ledger=rig.ledger)
    assert statuses(results) == {"skipped": 1, "failed": 1}
    assert 2 in failures(results)


def test_a_file_that_goes_while_it_is_looked_at_has_no_digest(tmp_path):
    from downspout._batch import memory

    assert memory._digest_of(tmp_path / "gone") == ""


def test_a_recorded_digest_is_believed(rig):
    right = hashlib.sha256(content("d00000")).hexdigest()
    for status in ("ok", "skipped"):
        assert statuses(rig.run([Wanted("depot:d00000", sha256=right)], ledger=rig.ledger)) == {status: 1}


def test_folders_are_listed_again_and_their_documents_are_not_fetched_again(rig):
    rig.depot.folders["top"] = {"a.bin": "a", "sub/": "sub"}
    rig.depot.folders["sub"] = {"b.bin": "b"}
    assert statuses(rig.run(["depot:top"], ledger=rig.ledger)) == {"ok": 2}
    rig.depot.folders["sub"]["c.bin"] = "c"
    assert statuses(rig.run(["depot:top"], ledger=rig.ledger)) == {"skipped": 2, "ok": 1}
    assert rig.fetched() == {"a": 1, "b": 1, "c": 1}


def test_refresh_fetches_what_changed_and_nothing_else(rig):
    versions(rig, a="1", b="1")
    assert statuses(rig.run(["depot:a", "depot:b"], ledger=rig.ledger)) == {"ok": 2}
    versions(rig, b="2")
    assert statuses(rig.run(["depot:a", "depot:b"], ledger=rig.ledger)) == {"skipped": 2}
    results = rig.run(["depot:a", "depot:b"], ledger=rig.ledger, refresh=True)
    assert {str(result.reference): result.status for result in results} == {"depot:a": "skipped", "depot:b": "ok"}
    assert rig.files() == {"a.bin": content("a 1"), "b.bin": content("b 2")}
    assert rig.fetched() == {"a": 1, "b": 2}


def test_refresh_replaces_no_file_that_somebody_changed(rig):
    versions(rig, a="1")
    rig.run(["depot:a"], ledger=rig.ledger)
    versions(rig, a="2")
    (rig.folder / "a.bin").write_bytes(b"mine")
    results = rig.run(["depot:a"], ledger=rig.ledger, refresh=True)
    assert failures(results)[1].kind == "exists"
    assert (rig.folder / "a.bin").read_bytes() == b"mine"


def test_refresh_fetches_again_where_no_version_tells(rig):
    rig.run(["depot:a"], ledger=rig.ledger)
    assert statuses(rig.run(["depot:a"], ledger=rig.ledger, refresh=True)) == {"ok": 1}
    assert rig.fetched() == {"a": 2}


def test_refresh_that_fails_keeps_the_old_file(rig):
    versions(rig, a="1")
    rig.run(["depot:a"], ledger=rig.ledger)
    versions(rig, a="2")
    rig.server.script("/depot/a", [StatusOnly(500)], repeat_last=True)
    assert statuses(rig.run(["depot:a"], ledger=rig.ledger, refresh=True, retries=0)) == {"failed": 1}
    assert rig.files() == {"a.bin": content("a 1")}


@pytest.mark.parametrize(
    ("exists", "status", "names"),
    [
        ("fail", "failed", {"a.bin": b"mine"}),
        ("skip", "skipped", {"a.bin": b"mine"}),
        ("overwrite", "ok", {"a.bin": content("a")}),
        ("rename", "ok", {"a.bin": b"mine", "a (1).bin": content("a")}),
    ],
)
@pytest.mark.parametrize("with_ledger", [False, True])
def test_what_is_there_is_treated_as_asked(rig, exists, status, names, with_ledger):
    (rig.folder / "a.bin").write_bytes(b"mine")
    ledger = rig.ledger if with_ledger else None
    (result,) = rig.run(["depot:a"], exists=exists, ledger=ledger)
    assert result.status == status
    assert rig.files() == names
    if status == "ok" and with_ledger:
        assert statuses(rig.run(["depot:a"], exists=exists, ledger=ledger)) == {"skipped": 1}
        assert rig.files() == names


def test_a_second_batch_on_one_ledger_is_told_who_holds_it(rig):
    rig.depot.gate.clear()
    first = rig.results(uris(2), ledger=rig.ledger)
    threading.Timer(0.2, rig.depot.gate.set).start()
    next(first)
    with pytest.raises(StorageError, match=r"in use by this process since \d{4}-"):
        rig.run(uris(2), ledger=rig.ledger)
    first.close()
    assert len(rig.run(uris(2), ledger=rig.ledger)) == 2


def test_a_second_process_is_told_who_holds_the_ledger(rig):
    code = (
        "import sys; from downspout._batch import Ledger\n"
        "with Ledger.open(sys.argv[1]): print('held', flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, rig.ledger], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout.readline() == "held\n"
        with pytest.raises(StorageError, match=f"in use by process {process.pid} since"):
            rig.run(uris(2), ledger=rig.ledger)
    assert rig.fetched() == {}


def test_an_open_ledger_is_the_callers_to_close(rig):
    with Ledger.open(rig.ledger) as ledger:
        rig.run(uris(2), ledger=ledger)
        assert ledger.summary().counts["ok"] == 2


def test_no_ledger_no_file(rig):
    rig.run(uris(3))
    assert sorted(os.listdir(rig.folder)) == sorted(expected(3))


def test_a_ledger_holds_neither_link_nor_secret(rig):
    rig.server.documents["/w.txt"] = Document(b"web")
    rig.server.script("/w.txt", [StatusOnly(404)])
    web = rig.server.url("/w.txt?sig=planted-secret")
    rig.depot.outcomes["bad"] = NotFound("gone: https://x.example/?token=planted-secret")
    rig.run([web, "depot:a", "depot:bad"], ledger=rig.ledger, retries=0)
    data = rig.ledger.read_bytes()
    assert b"planted-secret" not in data
    assert b"127.0.0.1" not in data


def test_a_ledger_that_the_disk_does_not_take_ends_the_batch(rig, monkeypatch):
    from downspout._batch import ledger_file

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ledger_file._Group, "write", full)
    with pytest.raises(StorageError):
        rig.run(uris(150), ledger=rig.ledger)
    for thread in threading.enumerate():
        if thread.name == "downspout-batch":
            thread.join(5.0)
            assert not thread.is_alive()


def test_a_crash_between_the_name_and_the_ledger_is_noticed(rig):
    """The part and the target are one file then; nothing is fetched again."""
    rig.run(["depot:a"], ledger=rig.ledger)
    rig.ledger.unlink()
    target = rig.folder / "a.bin"
    part = rig.leave_part("a.bin", b"")
    part.unlink()
    os.link(target, part)
    note = {"version": 1, "uri": "depot:a", "document_version": None, "etag": None, "size": 1, "ranges": []}
    part.with_suffix(".json").write_text(json.dumps(note))
    assert statuses(rig.run(["depot:a"], ledger=rig.ledger)) == {"ok": 1}
    assert rig.fetched() == {"a": 1}
    assert rig.work_files() == []


def test_work_files_of_what_is_done_are_swept(rig):
    rig.run(["depot:a"], ledger=rig.ledger)
    part = rig.leave_part("a.bin", b"")
    part.unlink()
    os.link(rig.folder / "a.bin", part)
    rig.run(["depot:a"], ledger=rig.ledger)
    assert rig.work_files() == []


def test_a_folder_that_cannot_be_made_is_an_error_at_once(rig):
    (rig.folder / "file").write_text("mine")
    with pytest.raises(StorageError, match="making the folder"):
        next(rig.client().download_many(["depot:a"], rig.folder / "file" / "sub"))
