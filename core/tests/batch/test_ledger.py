"""The ledger remembers what is done, through crashes, damage and company."""

import csv
import errno
import hashlib
import io
import itertools
import json
import os
import random
import resource
import socket
import sqlite3
import subprocess
import sys
import threading
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from downspout._batch import ledger_file, ledger_lock
from downspout._batch.ledger import Ledger, Row, Summary, key_of, to_csv, to_jsonl
from downspout._models import Reference
from downspout.errors import StorageError

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
NUMBER = st.integers(0, 2**63 - 1)
SERIAL = itertools.count()
ROWS = st.builds(
    Row,
    key=TEXT,
    status=st.sampled_from(["ok", "failed", "left"]),
    target=st.none() | TEXT,
    size=st.none() | NUMBER,
    mtime_ns=st.none() | NUMBER | NUMBER.map(int.__neg__),
    version=st.none() | st.text(),
    digest=st.none() | st.binary(min_size=1, max_size=64).map(lambda data: f"sha256:{data.hex()}"),
    attempts=NUMBER,
    kind=st.none() | TEXT,
    message=st.none() | st.text(),
    created=NUMBER,
)
EVERY_TEST_ITS_OWN = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60
)


def told(row):
    """A row without what the ledger itself puts in."""
    return {name: getattr(row, name) for name in Row.__slots__ if name in Row.__annotations__} | {
        "created": 0,
        "updated": 0,
    }


def numbered(number, **more):
    return Row(f"key-{number}", "ok", target=f"dir/report {number}.pdf", size=number, mtime_ns=number, **more)


@pytest.fixture
def path(tmp_path):
    return tmp_path / ".downspout.sqlite"


@pytest.fixture
def ledger(path):
    with Ledger.open(path) as ledger:
        yield ledger


# What is recorded is read


@EVERY_TEST_ITS_OWN
@given(st.lists(ROWS, min_size=1, max_size=8), st.booleans())
def test_what_is_recorded_is_read_before_and_after_it_is_on_disk(tmp_path, rows, flushed):
    path = tmp_path / f"{next(SERIAL)}.sqlite"
    last = {row.key: told(row) for row in rows}
    with Ledger.open(path) as ledger:
        for row in rows:
            ledger.record(row)
        if flushed:
            ledger.flush()
        assert {key: told(row) for key, row in ledger.lookup_many(last).items()} == last
        assert {row.key: told(row) for row in ledger.rows()} == last
    with Ledger.open(path, readonly=True) as ledger:
        assert {row.key: told(row) for row in ledger.rows()} == last
        assert {key: told(row) for key, row in ledger.lookup_many(last).items()} == last


def test_what_is_unknown_is_not_there(ledger):
    assert ledger.lookup("oracle:X") is None
    assert ledger.lookup_many(["a", "b"]) == {}
    assert ledger.name_of("oracle:X") is None
    assert ledger.summary() == Summary({}, 0, {})
    assert list(ledger.rows()) == []


def test_a_document_at_another_target_is_no_answer(ledger):
    ledger.record(numbered(1))
    assert ledger.lookup("key-1", "dir/report 1.pdf") == ledger.lookup("key-1")
    assert ledger.lookup("key-1", "elsewhere.pdf") is None


def test_the_first_time_stays_and_the_last_time_moves(path):
    with Ledger.open(path) as ledger:
        ledger.record(Row("key", "left", created=1000))
    with Ledger.open(path) as ledger:
        ledger.record(Row("key", "ok"))
        ledger.flush()
        row = ledger.lookup("key")
    assert row.created == 1000
    assert abs(row.updated - time.time()) < 60


def test_more_rows_than_a_page_or_a_query_takes(ledger):
    for number in range(ledger_file.GROUP + 1000):
        ledger.record(numbered(number))
    keys = [f"key-{number}" for number in range(ledger_file.GROUP + 1000)]
    assert [row.key for row in ledger.rows()] == keys
    assert set(ledger.lookup_many(keys)) == set(keys)


def test_rows_can_be_recorded_while_they_are_read(ledger):
    for number in range(3000):
        ledger.record(numbered(number))
    for row in ledger.rows():
        ledger.record(Row(row.key, "failed", kind="storage"))
    assert ledger.summary().counts == {"failed": 3000}


def test_whoever_records_faster_than_the_disk_takes_waits(ledger):
    committing, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        committing.set()
        assert go_on.wait(30)

    ledger.record(Row("first", "left"), hold)
    assert committing.wait(30)

    recorded = 0

    def record_many() -> None:
        nonlocal recorded
        for number in range(ledger_file._MOST_WAITING + 1):
            ledger.record(Row(f"key-{number}", "left"))
            recorded = number + 1

    recording = threading.Thread(target=record_many)
    recording.start()
    until = time.monotonic() + 30
    while recorded < ledger_file._MOST_WAITING:
        assert time.monotonic() < until
    recording.join(0.5)
    assert recorded == ledger_file._MOST_WAITING
    go_on.set()
    recording.join(30)
    ledger.flush()
    assert ledger.summary().counts == {"left": ledger_file._MOST_WAITING + 2}


def test_a_row_reaches_the_disk_without_being_asked_to(ledger, path):
    ledger.record(numbered(1))
    until = time.monotonic() + 10
    with Ledger.open(path, readonly=True) as reader:
        while reader.lookup("key-1") is None:
            assert time.monotonic() < until


def test_many_threads_record_and_claim(ledger):
    def work(thread):
        for number in range(200):
            ledger.claim(f"{thread}/{number}", "report.pdf")
            ledger.record(Row(f"{thread}/{number}", "ok", size=1, target=ledger.name_of(f"{thread}/{number}")))
            if number % 50 == 0:
                ledger.flush()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    targets = [row.target for row in ledger.rows()]
    assert sorted(targets) == sorted({"report.pdf"} | {f"report ({number}).pdf" for number in range(1, 800)})


def test_a_summary_counts(ledger):
    for number in range(3):
        ledger.record(numbered(number))
    ledger.record(Row("a", "failed", kind="not-found", size=100))
    ledger.record(Row("b", "failed", kind="not-found"))
    ledger.record(Row("c", "failed", kind="storage"))
    ledger.record(Row("d", "left", kind="unavailable"))
    summary = ledger.summary()
    assert summary.counts == {"ok": 3, "failed": 3, "left": 1}
    assert summary.bytes == 3
    assert summary.kinds == {"not-found": 2, "storage": 1}


# Names


def test_two_documents_of_one_name_get_two_names_and_keep_them(path):
    with Ledger.open(path) as ledger:
        assert ledger.claim("a", "dir/report.pdf") == "dir/report.pdf"
        assert ledger.claim("b", "dir/report.pdf") == "dir/report (1).pdf"
        assert ledger.claim("c", "other/report.pdf") == "other/report.pdf"
    with Ledger.open(path) as ledger:
        assert ledger.claim("c", "dir/report.pdf") == "other/report.pdf"
        assert ledger.claim("d", "dir/report.pdf") == "dir/report (2).pdf"
        assert ledger.claim("b", "dir/report.pdf") == "dir/report (1).pdf"
        assert ledger.claim("a", "dir/report.pdf") == "dir/report.pdf"
        assert ledger.name_of("b") == "dir/report (1).pdf"


def test_names_that_differ_by_case_or_composition_are_one(ledger):
    assert ledger.claim("a", "Café.pdf") == "Café.pdf"
    assert ledger.claim("b", "cafe\u0301.PDF") == "cafe\u0301 (1).PDF"
    ledger.flush()
    assert ledger.claim("c", "CAFÉ.pdf") == "CAFÉ (2).pdf"


def test_a_name_that_looks_numbered_is_in_nobodys_way(ledger):
    assert ledger.claim("a", "a (1).pdf") == "a (1).pdf"
    assert ledger.claim("b", "a.pdf") == "a.pdf"
    assert ledger.claim("c", "a.pdf") == "a (2).pdf"


@pytest.mark.parametrize("flushed", [False, True])
def test_the_target_of_a_recorded_document_is_taken(ledger, flushed):
    ledger.record(Row("typed", "ok", target="a.pdf"))
    if flushed:
        ledger.flush()
    assert ledger.claim("other", "a.pdf") == "a (1).pdf"
    assert ledger.claim("typed", "b.pdf") == "a.pdf"


def test_a_recorded_target_takes_no_name_from_another(path):
    with Ledger.open(path) as ledger:
        ledger.claim("a", "a.pdf")
        ledger.record(Row("typed", "ok", target="a.pdf"))
    with Ledger.open(path) as ledger:
        assert ledger.name_of("a") == "a.pdf"
        assert ledger.name_of("typed") is None


def test_thousands_of_one_name_are_told_apart_quickly(ledger):
    before = time.monotonic()
    names = {ledger.claim(f"key-{number}", "download") for number in range(5000)}
    assert len(names) == 5000
    assert time.monotonic() - before < 30
    ledger._last_numbers = dict.fromkeys(map(str, range(5000)), 0)  # as after thousands of other names
    assert ledger.claim("one more", "download") == "download (5000)"


# Keys, and what is never kept


def test_the_key_of_a_url_is_its_digest():
    url = "https://host.example/a?X-Amz-Signature=0123456789"
    key = key_of(Reference.parse(url))
    assert key == hashlib.sha256(url.encode()).hexdigest()
    assert key != key_of(Reference.parse(f"work:{url}"))
    assert len(key_of(Reference.parse(f"work:{url}"))) == 64
    assert len(key_of(Reference("web", url, {"name": "x"}))) == 64


def test_the_key_of_anything_else_is_its_uri():
    assert key_of(Reference.parse("oracle:D34A?version=2")) == "oracle:D34A?version=2"


def test_no_signature_is_on_disk(path):
    with Ledger.open(path) as ledger:
        ledger.record(
            Row("key", "failed", message="GET https://h.example/x?sig=s3cr3t failed;\x9b31m Bearer s3cr3ts3cr3t")
        )
    assert b"s3cr3t" not in path.read_bytes()
    with Ledger.open(path, readonly=True) as ledger:
        assert "\x9b" not in ledger.lookup("key").message


def test_long_texts_are_bounded():
    row = Row("key", "failed", version="v" * 5000, kind="k" * 5000, message="m" * 5000)
    assert {len(row.version), len(row.kind), len(row.message)} == {1000}
    assert Row("key", "ok", version="half \ud83d").version == "half ?"


@pytest.mark.parametrize(
    "values",
    [
        {"key": ""},
        {"key": "half \ud83d"},
        {"key": None},
        {"status": "skipped"},
        {"target": ""},
        {"size": -1},
        {"size": 2**63},
        {"size": True},
        {"size": 1.0},
        {"mtime_ns": 2**63},
        {"digest": "sha256:XYZ"},
        {"digest": "https://h.example/"},
        {"attempts": None},
        {"created": -1},
    ],
)
def test_what_no_ledger_holds_is_no_row(values):
    with pytest.raises((TypeError, ValueError)):
        Row(**{"key": "key", "status": "ok"} | values)


def test_the_ledger_is_its_owners_alone(ledger, path):
    ledger.record(numbered(1))
    ledger.flush()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.with_name(path.name + "-lock").stat().st_mode & 0o777 == 0o600


# Done, and `stat` agrees


@pytest.fixture
def document(tmp_path):
    document = tmp_path / "a.pdf"
    document.write_bytes(b"12345")
    os.utime(document, ns=(0, 1_700_000_001_123_456_789))
    return document


@pytest.fixture
def done(document):
    return Row("key", "ok", target="a.pdf", size=5, mtime_ns=document.stat().st_mtime_ns)


def test_what_is_there_as_it_was_left_is_done(done, tmp_path):
    assert done.is_done_in(tmp_path)


@pytest.mark.parametrize("time_ns", [1_700_000_001_000_000_000, 1_700_000_000_000_000_000])
def test_a_time_that_the_file_system_rounded_down_agrees(done, document, tmp_path, time_ns):
    os.utime(document, ns=(0, time_ns))
    assert done.is_done_in(tmp_path)


@pytest.mark.parametrize(
    "time_ns",
    [1_700_000_001_123_456_788, 1_700_000_002_000_000_000, 1_699_999_999_000_000_000, 1_700_000_001_100_000_000],
)
def test_a_file_that_was_touched_is_not_done(done, document, tmp_path, time_ns):
    os.utime(document, ns=(0, time_ns))
    assert not done.is_done_in(tmp_path)


def test_what_is_gone_or_cut_or_something_else_is_not_done(done, document, tmp_path):
    os.truncate(document, 4)
    assert not done.is_done_in(tmp_path)
    document.unlink()
    assert not done.is_done_in(tmp_path)
    document.symlink_to("elsewhere")
    assert not Row("key", "ok", target="a.pdf", size=9, mtime_ns=document.lstat().st_mtime_ns).is_done_in(tmp_path)


def test_what_was_never_finished_is_not_done(document, tmp_path):
    mtime_ns = document.stat().st_mtime_ns
    assert not Row("key", "left", target="a.pdf", size=5, mtime_ns=mtime_ns).is_done_in(tmp_path)
    assert not Row("key", "ok", target=None, size=5, mtime_ns=mtime_ns).is_done_in(tmp_path)
    assert not Row("key", "ok", target="a.pdf", size=5).is_done_in(tmp_path)
    assert not Row("key", "ok", target="a\0.pdf", size=5, mtime_ns=mtime_ns).is_done_in(tmp_path)


# Exports


@EVERY_TEST_ITS_OWN
@given(st.lists(ROWS, max_size=5))
def test_json_lines_hold_everything(rows):
    out = io.StringIO()
    to_jsonl(rows, out)
    lines = out.getvalue().split("\n")[:-1]
    assert [Row(**json.loads(line)) for line in lines] == rows


@EVERY_TEST_ITS_OWN
@given(st.lists(ROWS, max_size=5))
def test_csv_holds_everything_and_runs_no_formula(rows):
    out = io.StringIO(newline="")
    to_csv(rows, out)
    read = list(csv.DictReader(io.StringIO(out.getvalue(), newline="")))
    assert [cells["key"].removeprefix("'") for cells in read] == [row.key.removeprefix("'") for row in rows]
    for cells in read:
        assert list(cells) == [name for name in Row.__annotations__ if name in cells]
        assert not cells["key"].startswith(("=", "+", "-", "@", "\t", "\r"))


# Two processes

HOLD = """
import sys, time
from downspout._batch.ledger import Ledger, Row
ledger = Ledger.open(sys.argv[1])
ledger.record(Row("first", "ok"))
ledger.flush()
print("ready", flush=True)
sys.stdin.read()
ledger.close()
"""


class Other:
    """Another process, with a ledger open."""

    def __init__(self, script, path, *arguments):
        self.process = subprocess.Popen(
            [sys.executable, "-c", script, path, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
        self.process.stdin.close()
        self.process.stdout.close()

    def line(self):
        return self.process.stdout.readline().strip()

    def kill(self):
        self.process.kill()
        self.process.wait(30)


def test_a_second_process_is_told_who_holds_the_ledger(path):
    with Other(HOLD, path) as other:
        assert other.line() == "ready"
        with pytest.raises(StorageError, match=rf"in use by process {other.process.pid} since \d{{4}}-") as caught:
            Ledger.open(path)
        assert "--ledger" in caught.value.hint
        with Ledger.open(path, readonly=True) as reader:
            assert reader.lookup("first").status == "ok"
        other.process.stdin.close()
        assert other.process.wait(30) == 0
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    Ledger.open(path).close()


def test_a_holder_that_was_killed_holds_nothing(path):
    with Other(HOLD, path) as other:
        assert other.line() == "ready"
        other.kill()
    with Ledger.open(path) as ledger:
        assert ledger.lookup("first").status == "ok"


def test_the_same_process_is_told_as_well(ledger, path):
    with pytest.raises(StorageError, match="in use by this process since"):
        Ledger.open(path)


@pytest.mark.parametrize("note", ["", "{", "[1]", "[" * 990, '{"pid": true, "since": "x"}', '{"since": 1e300}'])
def test_a_note_that_nobody_can_read_is_still_a_lock(ledger, path, note):
    path.with_name(path.name + "-lock").write_text(note)
    with pytest.raises(StorageError, match=r"in use by another process\."):
        Ledger.open(path)


def test_a_lock_on_another_machine_names_it(ledger, path):
    path.with_name(path.name + "-lock").write_text('{"pid": 7, "host": "elsewhere.example", "since": 1}')
    with pytest.raises(StorageError, match=r"process 7 on elsewhere\.example since 19"):
        Ledger.open(path)


def test_a_lock_file_that_somebody_replaced_is_left_alone(path):
    lock = path.with_name(path.name + "-lock")
    with Ledger.open(path):
        lock.unlink()
        lock.write_text("another's")
    assert lock.read_text() == "another's"


def test_a_lock_file_that_vanishes_is_made_again(path, monkeypatch):
    lock = path.with_name(path.name + "-lock")
    flock, calls = ledger_lock.fcntl.flock, []

    def late(descriptor, operation):
        if not calls:
            lock.unlink()  # as the one who held it would, just then
        calls.append(operation)
        flock(descriptor, operation)

    monkeypatch.setattr(ledger_lock.fcntl, "flock", late)
    with Ledger.open(path):
        assert json.loads(lock.read_text())["pid"] == os.getpid()
    assert len(calls) == 2


def test_a_lock_file_that_vanishes_for_ever_is_an_error(path, monkeypatch):
    lock = path.with_name(path.name + "-lock")
    monkeypatch.setattr(ledger_lock.fcntl, "flock", lambda *_: lock.unlink())
    with pytest.raises(StorageError, match="in use"):
        Ledger.open(path)


@pytest.fixture
def no_flock(monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOSYS, "no locks here")

    monkeypatch.setattr(ledger_lock.fcntl, "flock", refuse)


@pytest.mark.parametrize(
    ("pid", "host", "held"),
    [
        (os.getppid(), socket.gethostname(), True),
        (1, socket.gethostname(), True),
        (2**31 - 1, socket.gethostname(), False),
        (os.getpid(), socket.gethostname(), False),
        ("x", socket.gethostname(), False),
        (7, "elsewhere.example", True),
        (None, None, False),
    ],
    ids=[
        "parent",
        "init",
        "nobody",
        "ourselves",
        "no number",
        "another machine",
        "no note",
    ],  # the same in every worker
)
def test_without_flock_the_process_id_decides(path, no_flock, pid, host, held):
    note = {"pid": pid, "host": host, "since": 1} if host else {}
    path.with_name(path.name + "-lock").write_text(json.dumps(note))
    if held:
        with pytest.raises(StorageError, match="in use by process"):
            Ledger.open(path)
    else:
        Ledger.open(path).close()


def test_a_process_of_somebody_else_is_alive(path, no_flock, monkeypatch):
    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr(os, "kill", refuse)
    path.with_name(path.name + "-lock").write_text(json.dumps({"pid": 7, "host": socket.gethostname()}))
    with pytest.raises(StorageError, match=r"in use by process 7\."):
        Ledger.open(path)


# Crashes

WRITE = """
import sys
from downspout._batch.ledger import Ledger, Row
first = int(sys.argv[2])
with Ledger.open(sys.argv[1]) as ledger:
    for number in range(first, first + 1_000_000):
        name = ledger.claim(f"key-{number}", "report.pdf")
        ledger.record(Row(f"key-{number}", "ok", target=name, size=number, mtime_ns=number))
        if number % 50 == 0:
            ledger.flush()
            print(number, flush=True)
"""


def test_a_crash_at_any_moment_leaves_all_that_was_flushed(path):
    chance = random.Random(5)
    flushed, names = -1, {}
    for _ in range(8):
        with Other(WRITE, path, str(flushed + 1)) as other:
            lines = [other.line() for _ in range(chance.randrange(1, 6))]
            time.sleep(chance.random() / 20)  # anywhere: between groups, or in the middle of a commit
            other.kill()
            lines += other.process.stdout.read().split("\n")[:-1]
        flushed = int(lines[-1])
        with Ledger.open(path) as ledger:
            rows = {row.key: row for row in ledger.rows()}
        assert {f"key-{number}" for number in range(flushed + 1)} <= set(rows)
        assert all(rows[key].target == name for key, name in names.items())
        names = {key: row.target for key, row in rows.items()}
        assert len(set(names.values())) == len(names)


def test_a_reader_sees_past_a_crash(path):
    with Other(WRITE, path, "0") as other:
        assert other.line() == "0"
        other.kill()
    with Ledger.open(path, readonly=True) as ledger:
        assert ledger.lookup("key-0").status == "ok"
    with pytest.raises(StorageError, match="opened only to be read"):
        ledger.record(numbered(1))


@pytest.fixture(scope="module")
def half_committed(tmp_path_factory):
    """A ledger before a commit, with half of it, and the journal of it."""
    path = tmp_path_factory.mktemp("crash") / "ledger.sqlite"
    with Ledger.open(path) as ledger:
        for number in range(500):
            ledger.record(numbered(number))
    old = path.read_bytes()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA cache_size = 1")  # so that it writes before it commits
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("UPDATE documents SET status = 'failed', message = ?", ("x" * 300,))
    connection.execute("DELETE FROM names")
    new, journal = path.read_bytes(), path.with_name(path.name + "-journal").read_bytes()
    connection.execute("ROLLBACK")
    connection.close()
    return old, new, journal


@pytest.mark.parametrize("readonly", [True, False])
@pytest.mark.parametrize("share", [0, 0.001, 0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 1])
def test_a_commit_cut_anywhere_is_undone(path, half_committed, share, readonly):
    """What a power cut may leave: the journal whole, the pages written up to some byte."""
    old, new, journal = half_committed
    cut = int(len(new) * share)
    crashed = new[:cut] + old[cut:]
    assert share < 0.1 or crashed != old
    path.write_bytes(crashed)
    path.with_name(path.name + "-journal").write_bytes(journal)
    with Ledger.open(path, readonly=readonly) as ledger:
        assert ledger.summary().counts == {"ok": 500}
        assert [ledger.name_of(row.key) for row in ledger.rows()] == [row.target for row in ledger.rows()]


def test_a_commit_cut_without_its_journal_is_refused(path, half_committed):
    old, new, _ = half_committed
    path.write_bytes(new[: len(new) // 2] + old[len(new) // 2 :])
    with pytest.raises(StorageError, match="is damaged"):
        Ledger.open(path)


@pytest.fixture
def full_disk():
    """A way to say that no file may grow beyond so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_is_said_and_leaves_what_was_there(path, full_disk):
    ledger = Ledger.open(path)
    ledger.record(Row("first", "ok"))
    ledger.flush()
    full_disk(path.stat().st_size + 5000)
    for number in range(1000):
        ledger.record(Row(f"key-{number}", "ok"))
    for use in (ledger.flush, lambda: ledger.record(numbered(1)), lambda: ledger.claim("a", "b"), ledger.close):
        with pytest.raises(StorageError, match="does not work") as caught:
            use()
        assert "Free space" in caught.value.hint
    ledger.close()
    with Ledger.open(path, readonly=True) as ledger:
        assert [row.key for row in ledger.rows()] == ["first"]


def test_a_full_disk_takes_no_new_ledger(path, full_disk):
    full_disk(1000)
    with pytest.raises(StorageError):
        Ledger.open(path)
    full_disk(1_000_000)
    Ledger.open(path).close()


# Damage, and files that are something else


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    path = tmp_path_factory.mktemp("sound") / "ledger.sqlite"
    with Ledger.open(path) as ledger:
        for number in range(200):
            ledger.record(numbered(number, version=f"v{number}", digest="sha256:00ff"))
    return path.read_bytes()


def read_all(path, readonly):
    with Ledger.open(path, readonly=readonly) as ledger:
        assert len(list(ledger.rows())) == 200
        for number in range(200):
            assert ledger.lookup(f"key-{number}") is not None
        ledger.summary()


def assert_is_whole_or_refused(path):
    for readonly in (True, False):
        refusal = None
        try:
            read_all(path, readonly)
        except StorageError as error:
            refusal = error
        assert refusal is None or refusal.hint


@EVERY_TEST_ITS_OWN
@given(st.data())
def test_a_damaged_ledger_is_whole_or_refused(tmp_path, sound, data):
    path = tmp_path / f"{next(SERIAL)}.sqlite"
    content = bytearray(sound)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1) | st.integers(0, 200))
        noise = data.draw(st.binary(min_size=1, max_size=20))
        content[at : at + len(noise)] = noise
    path.write_bytes(content)
    assert_is_whole_or_refused(path)


@pytest.mark.parametrize("share", [0.001, 0.01, 0.1, 0.5, 0.9, 0.99])
def test_a_truncated_ledger_is_refused(path, sound, share):
    path.write_bytes(sound[: int(len(sound) * share)])
    for readonly in (True, False):
        with pytest.raises(StorageError, match=r"damaged|no ledger") as caught:
            Ledger.open(path, readonly=readonly)
        assert caught.value.hint
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def change(path, *statements):
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in statements:
        connection.execute(statement)
    connection.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE documents SET status = 'perhaps'",
        "UPDATE documents SET size = 'big'",
        "UPDATE documents SET size = -1",
        "UPDATE documents SET key = x'ff'",
        "UPDATE documents SET version = CAST(x'ff' AS TEXT)",
    ],
)
def test_values_that_no_ledger_holds_are_damage(path, statement):
    with Ledger.open(path) as ledger:
        ledger.record(numbered(1))
    change(path, statement)
    with Ledger.open(path) as ledger, pytest.raises(StorageError, match="is damaged"):
        list(ledger.rows())


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER t AFTER INSERT ON documents BEGIN DELETE FROM documents; END",
        "CREATE TABLE more (x)",
        "DROP TABLE names",
        "ALTER TABLE documents ADD COLUMN more",
    ],
)
def test_a_ledger_of_another_shape_is_refused(path, statement):
    Ledger.open(path).close()
    change(path, statement)
    with pytest.raises(StorageError, match="is damaged"):
        Ledger.open(path)


def test_the_ledger_of_a_newer_downspout_is_refused(path):
    Ledger.open(path).close()
    change(path, "PRAGMA user_version = 2")
    for readonly in (True, False):
        with pytest.raises(StorageError, match="newer downspout") as caught:
            Ledger.open(path, readonly=readonly)
        assert "Upgrade" in caught.value.hint


def test_another_database_is_no_ledger(path):
    change(path, "CREATE TABLE theirs (x)", "INSERT INTO theirs VALUES (1)")
    before = path.read_bytes()
    with pytest.raises(StorageError, match="no ledger of downspout"):
        Ledger.open(path)
    assert path.read_bytes() == before


def test_a_text_is_no_ledger(path):
    path.write_text("oracle:D34A\n" * 1000)
    with pytest.raises(StorageError, match="is damaged"):
        Ledger.open(path)


def test_what_is_no_regular_file_is_no_ledger(path, tmp_path):
    (tmp_path / "elsewhere").write_bytes(b"")
    path.symlink_to("elsewhere")
    with pytest.raises(StorageError, match="no regular file"):
        Ledger.open(path)
    with pytest.raises(StorageError, match="no regular file"):
        Ledger.open(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(StorageError, match="no regular file"):
        Ledger.open(tmp_path / "pipe", readonly=True)


def test_what_is_not_there_is_not_read(path):
    with pytest.raises(StorageError, match="There is no ledger at"):
        Ledger.open(path, readonly=True)
    assert list(path.parent.iterdir()) == []


def test_a_place_that_takes_no_file_is_said(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    for place in ("missing/ledger", "file/ledger"):
        for readonly in (True, False):
            with pytest.raises(StorageError):
                Ledger.open(tmp_path / place, readonly=readonly)


def test_a_name_that_is_too_long_is_said(tmp_path):
    with pytest.raises(StorageError, match="too long"):
        Ledger.open(tmp_path / ("x" * 252))


def test_a_database_that_another_program_locks_is_said(path, monkeypatch):
    monkeypatch.setattr(ledger_file, "_BUSY", 0.1)
    Ledger.open(path).close()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StorageError, match="is locked"):
        Ledger.open(path)
    connection.close()
    Ledger.open(path).close()


def test_a_program_that_reads_for_ever_is_said(path, monkeypatch):
    monkeypatch.setattr(ledger_file, "_BUSY", 0.1)
    ledger = Ledger.open(path)
    ledger.record(Row("first", "ok"))
    ledger.flush()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN")
    assert connection.execute("SELECT key FROM documents").fetchall() == [("first",)]
    ledger.record(Row("second", "ok"))
    with pytest.raises(StorageError, match="is locked"):
        ledger.flush()
    with pytest.raises(StorageError, match="is locked"):
        ledger.close()
    connection.close()
    with Ledger.open(path) as ledger:
        assert [row.key for row in ledger.rows()] == ["first"]


def test_a_file_that_cannot_be_made_is_said(path, monkeypatch):
    really = os.open

    def refuse(name, *rest):
        if name == path:
            raise PermissionError(errno.EACCES, "Permission denied")
        return really(name, *rest)

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(StorageError, match="Permission denied while making"):
        Ledger.open(path)
    assert list(path.parent.iterdir()) == []


def test_what_is_closed_stays_closed(path):
    ledger = Ledger.open(path)
    ledger.close()
    ledger.close()
    for use in (
        lambda: ledger.record(numbered(1)),
        lambda: ledger.claim("a", "b"),
        lambda: ledger.lookup("a"),
        lambda: list(ledger.rows()),
        ledger.summary,
    ):
        with pytest.raises(StorageError, match="is closed"):
            use()


def test_a_hundred_thousand_documents_cost_seconds(path):
    before = time.process_time()
    with Ledger.open(path) as ledger:
        for number in range(100_000):
            ledger.record(numbered(number))
    with Ledger.open(path) as ledger:
        for start in range(0, 100_000, 100):
            keys = [f"key-{number}" for number in range(start, start + 100)]
            assert len(ledger.lookup_many(keys)) == 100
        assert ledger.summary().counts == {"ok": 100_000}
    assert time.process_time() - before < 30
