"""Parts, records, and what is left of runs that were killed."""

import errno
import fcntl
import json
import os
import stat
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from downspout import Reference
from downspout._transfer.decide import Identity
from downspout._transfer.finished import left_by_finished, remove, sweep, work_files
from downspout._transfer.part import Part
from downspout._transfer.record import Record, read_record, record_key, write_record
from downspout.errors import NotFound, StorageError, TargetExists
from downspout.testing import Cut, Document, Pattern, Status

from .rig import MIB, Rig

SIZE = 5000
KEY = "ferry:/doc"
V1 = Identity(etag='"v1"', size=SIZE)
OLD = b"the old file"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "doc"


def finish(part: Part, exists: str = "fail", *, keep: bool = False):
    record = Record(KEY, V1, ((0, part.size),))
    return part.finish(record, exists, None, keep=keep)


# Work files.


def test_work_files_stand_beside_their_target_and_are_its_own(tmp_path: Path):
    part, record = work_files(tmp_path / "doc")
    assert part.parent == record.parent == tmp_path
    assert part.name.startswith(".downspout-")
    assert part.suffix == ".part"
    assert record.suffix == ".json"
    assert work_files(tmp_path / "doc") == (part, record)
    assert work_files(tmp_path / "doc2")[0] != part
    assert work_files(tmp_path / "x" / "doc")[0].name == part.name


@pytest.mark.parametrize("name", ["n" * 255, "…" * 85, "a b\nc", "\udcff\udcfe"])
def test_any_name_that_a_file_may_have_has_work_files(tmp_path: Path, name):
    with Part(tmp_path / name) as part:
        part.write(memoryview(b"hello"), 0)
        path, _ = finish(part)
    assert path.read_bytes() == b"hello"
    assert os.listdir(tmp_path) == [name]


def test_a_part_that_nobody_could_go_on_from_is_removed(target: Path):
    with Part(target) as part:
        part.write(memoryview(b"hello"), 0)
    assert list(target.parent.iterdir()) == []


def test_a_part_that_is_noted_is_kept_with_its_record(target: Path):
    with Part(target) as part:
        part.write(memoryview(b"hello"), 0)
        part.note(Record(KEY, V1, ((0, 5),)))
    with Part(target) as part:
        assert part.record == Record(KEY, V1, ((0, 5),))
        assert part.read(1, 3) == b"ell"
        part.reset()
        assert (part.size, part.record) == (0, None)
    assert list(target.parent.iterdir()) == []


def test_a_part_that_was_removed_under_its_holder_is_not_the_holder_s_to_remove(target: Path):
    path, _ = work_files(target)
    with Part(target):
        path.unlink()
        path.write_bytes(b"somebody else's")
    assert path.read_bytes() == b"somebody else's"


def test_a_record_without_its_part_is_of_no_use(target: Path):
    """It speaks of bytes that are gone, and would lie about the ones that come."""
    _, note = work_files(target)
    write_record(note, Record(KEY, V1, ((0, SIZE),)))
    with Part(target) as part:
        assert part.record is None
        assert not note.exists()


def test_a_part_is_held_by_one_at_a_time(target: Path):
    with Part(target) as part:
        part.write(memoryview(b"hello"), 0)
        with pytest.raises(StorageError, match="being downloaded by another process"), Part(target):
            raise AssertionError
        assert part.read(0, 5) == b"hello"
    with Part(target) as part:
        finish(part)


def test_who_opens_a_part_that_is_just_being_renamed_looks_again(target: Path, monkeypatch):
    """Between opening and locking, the holder may have finished: the file is the document by then."""
    path, _ = work_files(target)
    path.write_bytes(b"whole")
    flock, renamed = fcntl.flock, []

    def finishes_first(fd: int, operation: int) -> None:
        if not renamed:
            renamed.append(path.rename(target))
        flock(fd, operation)

    monkeypatch.setattr(fcntl, "flock", finishes_first)
    with Part(target) as part:
        part.write(memoryview(b"new"), 0)
        assert part.record is None
    assert target.read_bytes() == b"whole"


@pytest.mark.parametrize("code", [None, errno.ENOTSUP], ids=["locks for everybody", "no locks"])
def test_where_locks_keep_nobody_out_each_works_on_a_file_of_its_own(target: Path, monkeypatch, code):
    def flock(*_: object) -> None:
        if code is not None:
            raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", flock)
    with Part(target) as first:
        first.write(memoryview(b"first"), 0)
        first.note(Record(KEY, V1, ((0, 5),)))
        with Part(target) as second:
            assert second.record == Record(KEY, V1, ((0, 5),))
            assert second.read(0, 9) == b"first"
            first.write(memoryview(b"FIRST"), 0)
            assert second.read(0, 9) == b"first"
            with pytest.raises(StorageError, match="removed the part"):
                finish(first)
            finish(second)
    assert target.read_bytes() == b"first"
    assert os.listdir(target.parent) == ["doc"]


def test_a_copy_that_the_disk_does_not_take_leaves_the_part(target: Path, monkeypatch):
    with Part(target) as part:
        part.write(memoryview(b"first"), 0)
        part.note(Record(KEY, V1, ((0, 5),)))
    monkeypatch.setattr(fcntl, "flock", lambda *_: None)
    replace = os.replace

    def fails(source, name):
        if str(source).endswith(".copy"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        replace(source, name)

    monkeypatch.setattr(os, "replace", fails)
    with pytest.raises(StorageError, match="No space"), Part(target):
        raise AssertionError
    assert set(target.parent.iterdir()) == set(work_files(target))


@pytest.mark.parametrize("kind", ["link", "dangling link", "folder", "pipe"])
def test_a_part_that_is_no_regular_file_is_refused(target: Path, kind):
    path, _ = work_files(target)
    elsewhere = target.with_name("elsewhere")
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(elsewhere)
    if kind == "link":
        elsewhere.write_bytes(OLD)
    with pytest.raises(StorageError), Part(target):
        raise AssertionError
    assert not elsewhere.exists() or elsewhere.read_bytes() == OLD


def test_a_part_that_is_a_document_by_now_is_not_written_to(target: Path):
    """A run was killed when its document had both names; another document wants the target."""
    path, note = work_files(target)
    path.write_bytes(OLD)
    os.link(path, target)
    write_record(note, Record("ferry:/other", V1, ((0, len(OLD)),)))
    with Part(target) as part:
        assert part.record is None
        part.write(memoryview(b"new bytes"), 0)
    assert target.read_bytes() == OLD


def test_the_spare_name_of_a_killed_run_costs_no_byte(target: Path):
    with Part(target) as part:
        part.write(memoryview(b"hello"), 0)
        part.note(Record(KEY, V1, ((0, 5),)))
    path, _ = work_files(target)
    os.link(path, path.with_suffix(".spare"))
    with Part(target) as part:
        assert part.record is not None
        assert part.read(0, 5) == b"hello"
        finish(part)
    assert os.listdir(target.parent) == ["doc"]


def test_a_finished_part_has_one_name_unless_it_is_to_be_kept(target: Path):
    with Part(target) as part:
        part.write(memoryview(b"hello"), 0)
        path, kept = finish(part, keep=True)
    assert path == target
    assert {*map(Path, kept), target} == set(target.parent.iterdir())
    finished = left_by_finished(target, KEY)
    assert finished is not None
    assert (finished.path, finished.leftovers) == (target, kept)
    assert left_by_finished(target, "ferry:/other") is None
    remove(kept)
    remove(kept)
    assert os.listdir(target.parent) == ["doc"]
    assert left_by_finished(target, KEY) is None


def test_a_file_that_only_looks_finished_is_not(target: Path):
    path, note = work_files(target)
    write_record(note, Record(KEY, V1, ((0, 5),)))
    assert left_by_finished(target, KEY) is None
    target.write_bytes(OLD)
    assert left_by_finished(target, KEY) is None  # no part
    path.write_bytes(OLD)
    assert left_by_finished(target, KEY) is None  # a part of its own
    path.unlink()
    other = target.with_name("other")
    other.write_bytes(OLD)
    os.link(other, path)
    assert left_by_finished(target, KEY) is None  # a part that has some other name
    note.write_bytes(b"{")
    assert left_by_finished(target, KEY) is None


@pytest.mark.parametrize("others", [0, 1, 2, 5, 40])
def test_a_document_that_got_a_number_is_found_again(target: Path, others):
    for number in range(others + 1):
        target.with_name("doc" if not number else f"doc ({number})").write_bytes(OLD)
    with Part(target) as part:
        part.write(memoryview(b"hello"), 0)
        path, kept = finish(part, "rename", keep=True)
    assert path == target.with_name(f"doc ({others + 1})")
    finished = left_by_finished(target, KEY)
    assert finished is not None
    assert (finished.path, finished.leftovers) == (path, kept)


def test_names_that_are_taken_while_a_number_is_looked_for_are_left_alone(target: Path, monkeypatch):
    target.write_bytes(OLD)
    link, late = os.link, []

    def somebody_was_quicker(source, name, **options):
        if not late and str(name).endswith("(1)"):
            late.append(Path(name).write_bytes(b"theirs"))
        link(source, name, **options)

    monkeypatch.setattr(os, "link", somebody_was_quicker)
    with Part(target) as part:
        part.write(memoryview(b"hello"), 0)
        path, _ = finish(part, "rename")
    assert path == target.with_name("doc (2)")
    assert target.with_name("doc (1)").read_bytes() == b"theirs"


@pytest.mark.parametrize("exists", ["fail", "skip"])
def test_a_name_that_is_taken_in_the_end_keeps_the_part(target: Path, exists):
    with Part(target) as part:
        part.write(memoryview(b"hello"), 0)
        target.write_bytes(OLD)
        with pytest.raises(TargetExists):
            finish(part, exists)
    assert target.read_bytes() == OLD
    assert work_files(target)[0].read_bytes() == b"hello"


def test_a_part_that_is_discarded_leaves_nothing(target: Path):
    with Part(target) as part:
        part.note(Record(KEY, V1, ()))
        part.discard()
    assert list(target.parent.iterdir()) == []


def test_sweeping_takes_parts_of_documents_and_leaves_parts_of_others(tmp_path: Path):
    for name in ("done", "under way"):
        with Part(tmp_path / name) as part:
            part.write(memoryview(b"hello"), 0)
            part.note(Record(KEY, V1, ((0, 5),)))
            if name == "done":
                finish(part, keep=True)
    (tmp_path / ".downspout-mine").write_bytes(b"")
    sweep(tmp_path)
    left = {entry.name for entry in tmp_path.iterdir()}
    assert left == {"done", ".downspout-mine", *(path.name for path in work_files(tmp_path / "under way"))}


def test_threads_may_write_to_different_places(target: Path):
    block = 64 * 1024
    with Part(target) as part:
        threads = [
            threading.Thread(target=part.write, args=(memoryview(bytes([n]) * block), n * block))
            for n in range(16)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        path, _ = finish(part)
    assert path.read_bytes() == b"".join(bytes([n]) * block for n in range(16))


# Records.

records = st.builds(
    Record,
    st.text(),
    st.builds(
        Identity,
        st.none() | st.text(),
        st.none() | st.text(),
        st.none() | st.integers(0, 2**62),
    ),
    st.lists(st.integers(1, 1000), max_size=6).map(
        lambda steps: tuple((sum(steps[:n]) * 2, sum(steps[:n]) * 2 + step) for n, step in enumerate(steps))
    ),
)


@settings(deadline=None)
@given(record=records)
def test_a_record_is_read_as_it_was_written(tmp_path_factory, record):
    path = tmp_path_factory.mktemp("record") / "x.json"
    write_record(path, record)
    assert read_record(path) == record
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(path.parent) == ["x.json"]


GOOD = {"version": 1, "uri": KEY, "document_version": None, "etag": '"v1"', "size": 9, "ranges": [[0, 5]]}


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"version": None},
        {"uri": 5},
        {"etag": ["x"]},
        {"size": -1},
        {"size": True},
        {"size": 1.5},
        {"size": 2**63},
        {"size": "9"},
        {"ranges": None},
        {"ranges": 5},
        {"ranges": [[0]]},
        {"ranges": [[0, 1, 2]]},
        {"ranges": [[-5, 1]]},
        {"ranges": [[0, None]]},
        {"ranges": ["ab"]},
        {"ranges": [{"a": 1}]},
    ],
    ids=str,
)
def test_a_record_of_another_shape_is_none(tmp_path: Path, change):
    path = tmp_path / "x.json"
    path.write_text(json.dumps(GOOD))
    assert read_record(path) is not None
    path.write_text(json.dumps({**GOOD, **change}))
    assert read_record(path) is None


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b"5", b"null", b"\xff\xfe", b"[" * 100_000, b'{"version": 1}', b'{"size": ' + b"9" * 5000],
)
def test_a_damaged_record_is_none(tmp_path: Path, data):
    path = tmp_path / "x.json"
    path.write_bytes(data)
    assert read_record(path) is None


@settings(deadline=None)
@given(data=st.binary(max_size=200))
def test_no_record_at_all_raises(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("record") / "x.json"
    path.write_bytes(data)
    read_record(path)


def test_a_record_that_is_no_file_is_none(tmp_path: Path):
    path = tmp_path / "x.json"
    assert read_record(path) is None
    os.mkfifo(path)
    assert read_record(path) is None
    path.unlink()
    path.mkdir()
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    assert read_record(path) is None
    assert before == (len(os.listdir("/proc/self/fd")) if before else 0)
    path.rmdir()
    path.symlink_to(tmp_path / "y.json")
    write_record(tmp_path / "y.json", Record(KEY, V1, ()))
    assert read_record(path) is None


@pytest.mark.parametrize("kind", ["file", "link", "pipe"])
def test_what_stands_in_the_way_of_a_new_record_is_not_written_to(tmp_path: Path, kind):
    path, new, elsewhere = tmp_path / "x.json", tmp_path / "x.json.new", tmp_path / "elsewhere"
    elsewhere.write_bytes(OLD)
    if kind == "file":
        os.link(elsewhere, new)
    elif kind == "link":
        new.symlink_to(elsewhere)
    else:
        os.mkfifo(new)
    write_record(path, Record(KEY, V1, ()))
    assert read_record(path) == Record(KEY, V1, ())
    assert elsewhere.read_bytes() == OLD


def test_of_a_url_the_record_keeps_a_digest_only():
    secret = "https://store.example/x?signature=geheim"
    key = record_key(Reference.parse(secret))
    assert key.startswith("sha256:")
    assert "geheim" not in key
    assert record_key(Reference.parse("ferry:/doc?part=all")) == "ferry:/doc?part=all"


# The same over a network.

WHOLE = {**GOOD, "size": SIZE, "ranges": [[0, 2000]]}


def test_a_record_has_what_is_needed_and_no_link(rig: Rig):
    rig.serve(SIZE, links_only=True)
    rig.ferry.facts |= {"version": "7", "size": SIZE}
    rig.server.script("/doc", [Cut(2000), Status(500)], repeat_last=True)
    rig.fail(retries=1)
    assert rig.record() == {
        "version": 1,
        "uri": "ferry:/doc",
        "document_version": "7",
        "etag": '"v1"',
        "size": SIZE,
        "ranges": [[0, 2000]],
    }


@pytest.mark.parametrize(
    "damage",
    [
        lambda note: note.write_bytes(b"{"),
        lambda note: note.unlink(),
        lambda note: note.write_text(json.dumps({**WHOLE, "uri": "ferry:/other"})),
        lambda note: note.write_text(json.dumps({**WHOLE, "etag": None})),
        lambda note: note.write_text(json.dumps({**WHOLE, "document_version": "6"})),
        lambda note: note.write_text(json.dumps({**WHOLE, "size": SIZE + 1})),
        lambda note: note.write_text(json.dumps({**WHOLE, "ranges": []})),
    ],
    ids=[
        "damaged",
        "removed",
        "of another",
        "without a tag",
        "of another version",
        "of another size",
        "of nothing",
    ],
)
def test_a_part_whose_record_does_not_vouch_for_it_is_begun_anew(rig: Rig, damage):
    document = rig.serve(SIZE)
    rig.ferry.facts |= {"version": "7", "size": SIZE}
    rig.leave_part(b"x" * 2000)
    damage(work_files(rig.target)[1])
    rig.get()
    assert rig.holds(document)
    assert rig.ranges() == [None]
    assert rig.leftovers() == []


def test_a_record_that_claims_more_than_there_is_is_believed_as_far_as_there_is(rig: Rig):
    document = rig.serve(SIZE)
    rig.leave_part(document.read(0, 1000), done=((0, 2000), (3000, 4000)), identity=V1)
    rig.get()
    assert rig.holds(document)
    assert rig.ranges() == [f"bytes=1000-{SIZE - 1}"]


def test_a_record_that_claims_more_than_the_document_has_is_not_believed(rig: Rig):
    document = rig.serve(SIZE)
    rig.leave_part(b"x" * (SIZE + 500), identity=Identity(etag='"v1"', size=SIZE))
    rig.get()
    assert rig.holds(document)
    assert rig.leftovers() == []


def test_only_the_gaps_of_a_part_are_fetched(rig: Rig):
    document = rig.serve(SIZE)
    rig.leave_part(
        document.read(0, 1000) + b"?" * 1000 + document.read(2000, 3000),
        done=((0, 1000), (2000, 3000)),
        identity=V1,
    )
    assert rig.get().transferred == SIZE - 2000
    assert rig.holds(document)
    assert rig.ranges() == ["bytes=1000-1999", f"bytes=3000-{SIZE - 1}"]


def test_a_gap_at_the_beginning_is_filled_too(rig: Rig):
    document = rig.serve(SIZE)
    rig.leave_part(b"?" * 1000 + document.read(1000), done=((1000, SIZE),), identity=V1)
    rig.get()
    assert rig.holds(document)


def test_a_part_of_unknown_size_goes_on_from_its_first_run(rig: Rig):
    document = rig.serve(SIZE)
    rig.leave_part(b"?" * 1000 + document.read(1000, 2000), done=((1000, 2000),))
    rig.get()
    assert rig.holds(document)
    assert rig.ranges() == [None]


def test_a_run_that_was_killed_when_all_was_done_is_not_done_again(rig: Rig):
    document = rig.serve(SIZE)
    rig.leave_part(document.read(), identity=V1)
    os.link(work_files(rig.target)[0], rig.target)
    for options in ({"exists": "fail"}, {"exists": "skip"}):
        result = rig.get(**options)
        assert (result.status, result.size, result.verified, result.sha256) == ("ok", SIZE, "size", None)
        rig.leave_part(document.read(), identity=V1)
        os.replace(work_files(rig.target)[0], rig.target)
        os.link(rig.target, work_files(rig.target)[0])
    assert rig.get(compute_hash=True).sha256 == document.sha256()
    assert rig.server.requests == []
    assert rig.leftovers() == []


def test_a_run_that_was_killed_when_all_was_done_is_held_against_the_digest_of_now(rig: Rig):
    document = rig.serve(SIZE)
    for digest in (document.sha256(), "0" * 64):
        rig.target.unlink(missing_ok=True)
        rig.leave_part(document.read(), identity=V1)
        os.link(work_files(rig.target)[0], rig.target)
        if digest == document.sha256():
            assert rig.get(digest=digest).verified == "digest"
        else:
            assert isinstance(rig.fail(digest=digest), TargetExists)
    assert rig.holds(document)
    assert rig.server.requests == []


def test_another_document_does_not_touch_the_one_that_was_just_finished(rig: Rig):
    document = rig.serve(SIZE)
    other = rig.serve(Pattern(SIZE, seed=1), "/other")
    rig.leave_part(document.read(), identity=V1)
    os.link(work_files(rig.target)[0], rig.target)
    rig.server.script("/other", [Status(404), Status(404)])
    rig.fail("/other", exists="overwrite")
    assert rig.holds(document)
    rig.get("/other", exists="overwrite")
    assert rig.holds(other)
    assert rig.leftovers() == []


def test_a_large_part_survives_many_small_runs(rig: Rig):
    document: Document = rig.serve(3 * MIB)
    came = 0
    for _ in range(40):
        rig.server.script("/doc", [Cut(200_000), Status(404), Status(404)])
        try:
            rig.get()
            break
        except NotFound:
            held = rig.record()["ranges"]
            assert held == [[0, held[0][1]]]
            assert held[0][1] > came
            came = held[0][1]
    assert rig.holds(document)
