"""Credentials between runs: files that only their owner can read, written in one step, never half believed."""

import json
import os
import stat
import subprocess
import sys
import threading
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from downspout import Credential, Secret
from downspout._accounts import FileStore, MemoryStore
from downspout._accounts.store import decoded, encoded
from downspout.errors import ConfigurationError, StorageError

CREDENTIAL = Credential(
    "work",
    {"https://h", "https://t:8443"},
    {"token": Secret("s3cret é"), "kind": "bearer"},
    datetime(2030, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
)


@pytest.fixture(params=["memory", "file"])
def store(request, tmp_path):
    return MemoryStore() if request.param == "memory" else FileStore(tmp_path / "deep" / "credentials")


@pytest.fixture
def files(tmp_path):
    store = FileStore(tmp_path / "credentials")
    store.put("work", CREDENTIAL)
    return store


@pytest.fixture
def path(files, tmp_path):
    return tmp_path / "credentials" / "work.json"


def test_what_is_put_is_what_is_got_until_it_is_deleted(store):
    assert store.get("work") is None
    store.put("work", CREDENTIAL)
    store.put("work.eu", Credential("work.eu", ()))
    found = store.get("work")
    assert found == CREDENTIAL
    assert isinstance(found.values["token"], Secret)
    assert found.expires_at == CREDENTIAL.expires_at
    store.delete("work")
    store.delete("work")
    assert store.get("work") is None
    assert store.get("work.eu").origins == frozenset()


@given(
    st.dictionaries(st.text(max_size=9), st.text(max_size=20) | st.text(max_size=20).map(Secret), max_size=5),
    st.none() | st.datetimes(timezones=st.just(UTC)),
)
def test_any_credential_survives_being_stored(values, expires_at):
    try:
        [text.encode() for value in values.values() for text in [getattr(value, "_value", value)]]
        [name.encode() for name in values]
    except UnicodeEncodeError:
        return
    credential = Credential("work", {"https://h"}, values, expires_at)
    assert decoded("work", encoded(credential)) == credential


def test_a_file_is_its_owner_s_alone(files, path):
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    files.put("work", Credential("work", ()))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with files.lock("work"):
        assert stat.S_IMODE(path.with_suffix(".lock").stat().st_mode) == 0o600
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["work.json", "work.lock"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o602, 0o644])
def test_a_file_that_others_can_read_is_not_believed(files, path, mode):
    path.chmod(mode)
    with pytest.raises(ConfigurationError, match="can be read by others") as caught:
        files.get("work")
    assert "chmod 600" in caught.value.hint
    path.chmod(0o600)
    assert files.get("work") == CREDENTIAL


def test_a_file_of_somebody_else_is_not_believed(files, path, monkeypatch):
    monkeypatch.setattr(os, "getuid", lambda: path.stat().st_uid + 1)
    with pytest.raises(ConfigurationError, match="belongs to somebody else"):
        files.get("work")


def test_what_is_no_file_is_not_read(files, path):
    path.unlink()
    path.symlink_to("/dev/null")
    with pytest.raises(ConfigurationError, match="no regular file"):
        files.get("work")
    path.unlink()
    path.mkdir()
    with pytest.raises(StorageError, match="reading the stored credential of work"):
        files.get("work")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"7",
        b"\xff",
        b"{}",
        b'{"version": 1}',
        b'{"version": 1, "origins": ["nonsense"], "values": {}, "expires_at": null}',
        b'{"version": 1, "origins": 7, "values": {}, "expires_at": null}',
        b'{"version": 1, "origins": [], "values": [], "expires_at": null}',
        b'{"version": 1, "origins": [], "values": {"a": 7}, "expires_at": null}',
        b'{"version": 1, "origins": [], "values": {"a": {"secret": 7}}, "expires_at": null}',
        b'{"version": 1, "origins": [], "values": {"a": {}}, "expires_at": null}',
        b'{"version": 1, "origins": [], "values": {}, "expires_at": "soon"}',
        b'{"version": 1, "origins": [], "values": {}, "expires_at": 7}',
        b"[" * 100_000,
        b'{"version": 1, "origins": [], "values": {}, "expires_at": null, "x": "' + b"x" * 1_100_000 + b'"}',
    ],
    ids=lambda data: repr(data)[:60],
)
def test_a_damaged_file_is_not_half_believed(files, path, data):
    path.write_bytes(data)
    with pytest.raises(ConfigurationError, match="stored credential of work is damaged") as caught:
        files.get("work")
    assert "downspout logout work" in caught.value.hint
    files.put("work", CREDENTIAL)
    assert files.get("work") == CREDENTIAL


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(st.data())
def test_a_file_cut_or_changed_anywhere_is_damaged_or_whole(data):
    whole = encoded(CREDENTIAL)
    at = data.draw(st.integers(0, len(whole) - 1))
    changed = whole[:at] + data.draw(st.binary(max_size=3)) + whole[at + data.draw(st.integers(0, len(whole))) :]
    try:
        found = decoded("work", changed)
    except ConfigurationError:
        return
    assert found.account == "work"


def test_a_later_version_is_not_guessed_at(files, path):
    path.write_text(json.dumps({"version": 2}))
    with pytest.raises(ConfigurationError, match="is of version 2, which this downspout does not read"):
        files.get("work")


def test_trouble_with_the_disk_is_said_so(tmp_path):
    (tmp_path / "credentials").write_text("a file where a folder should be")
    store = FileStore(tmp_path / "credentials")
    with pytest.raises(StorageError, match="reading the stored credential"):
        store.get("work")
    with pytest.raises(StorageError, match="storing the credential"):
        store.put("work", CREDENTIAL)
    with pytest.raises(StorageError, match="forgetting the credential"):
        store.delete("work")
    with pytest.raises(StorageError, match="locking the credential"), store.lock("work"):
        pass


def test_what_was_stored_stays_when_storing_fails(files, path, monkeypatch):
    def full(fd):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="No space left on device while storing the credential of work"):
        files.put("work", Credential("work", ()))
    assert files.get("work") == CREDENTIAL
    assert [entry.name for entry in path.parent.iterdir()] == ["work.json"]


def test_a_leftover_of_a_run_that_was_killed_is_in_nobody_s_way(files, path):
    path.with_suffix(f".{os.getpid()}-{threading.get_ident()}.new").write_text("half")
    with pytest.raises(StorageError):
        files.put("work", Credential("work", ()))
    files.put("work", Credential("work", ()))
    assert files.get("work").origins == frozenset()


def count_up(store, path):
    for _ in range(20):
        with store.lock("work"):
            number = int(path.read_text())
            path.write_text(str(number + 1))


def test_one_at_a_time_holds_the_lock(store, tmp_path):
    path = tmp_path / "number"
    path.write_text("0")
    threads = [threading.Thread(target=count_up, args=(store, path)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_text() == "160"


def test_threads_are_kept_apart_where_files_have_no_locks(tmp_path, monkeypatch):
    fcntl = pytest.importorskip("fcntl")

    def flock(fd, how):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", flock)
    path = tmp_path / "number"
    path.write_text("0")
    store = FileStore(tmp_path / "credentials")
    threads = [threading.Thread(target=count_up, args=(store, path)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_text() == "160"


def test_accounts_do_not_wait_for_each_other(store):
    with store.lock("work"), store.lock("other"):
        pass


COUNT = """
import pathlib, sys
from downspout._accounts import FileStore
store, path = FileStore(pathlib.Path(sys.argv[1])), pathlib.Path(sys.argv[2])
for _ in range(20):
    with store.lock("work"):
        number = int(path.read_text())
        path.write_text(str(number + 1))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="processes are kept apart by flock")
def test_one_process_at_a_time_holds_the_lock(tmp_path):
    path = tmp_path / "number"
    path.write_text("0")
    command = [sys.executable, "-c", COUNT, str(tmp_path / "credentials"), str(path)]
    processes = [subprocess.Popen(command) for _ in range(2)]
    assert [process.wait(30) for process in processes] == [0, 0]
    assert path.read_text() == "40"


def test_a_process_that_is_killed_gives_the_lock_back(tmp_path):
    code = f"""
import pathlib, sys, time
from downspout._accounts import FileStore
with FileStore(pathlib.Path({str(tmp_path)!r})).lock("work"):
    print("locked", flush=True)
    time.sleep(30)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"locked\n"
        process.kill()
    with FileStore(tmp_path).lock("work"):
        pass
