"""Disks and targets that do not take what comes: full, read-only, occupied, changed meanwhile."""

import contextlib
import errno
import fcntl
import io
import os
import resource
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from downspout._transfer.finished import work_files
from downspout._transfer.part import Part, digest_of_file
from downspout._transfer.target import flush_folder, umask
from downspout.errors import DownspoutError, StorageError, TargetExists
from downspout.testing import Cut, Document, Stall, Status

from .rig import MIB, Rig
from .syscalls import watched

SIZE = MIB + 1234
OLD = b"the old file"


@pytest.fixture
def document(rig: Rig) -> Document:
    return rig.serve(SIZE)


# What may stand under the name.


@pytest.mark.parametrize("exists", ["fail", "skip", "overwrite", "rename"])
@pytest.mark.parametrize("kind", ["folder", "link", "dangling link", "pipe", "device"])
def test_what_is_no_regular_file_is_neither_replaced_nor_followed(rig: Rig, document, exists, kind):
    elsewhere, place = rig.folder / "elsewhere", rig.folder / "doc"
    if kind == "folder":
        place.mkdir()
    elif kind == "pipe":
        os.mkfifo(place)
    elif kind == "device":
        place.symlink_to("/dev/null")
    else:
        place.symlink_to(elsewhere)
    if kind == "link":
        elsewhere.write_bytes(OLD)
    error = rig.fail(target=rig.folder if kind == "folder" else place, exists=exists)
    assert isinstance(error, StorageError)
    assert "no regular file" in error.message
    assert not elsewhere.exists() or elsewhere.read_bytes() == OLD
    assert rig.leftovers() == []


def test_what_is_there_is_not_replaced_unless_it_is_said(rig: Rig, document):
    rig.target.write_bytes(OLD)
    error = rig.fail()
    assert isinstance(error, TargetExists)
    assert "--exists" in (error.hint or "")
    assert rig.get(exists="skip").status == "skipped"
    assert rig.server.requests == []
    assert rig.target.read_bytes() == OLD
    result = rig.get(exists="rename")
    assert result.path == rig.folder / "doc (1).bin"
    assert rig.target.read_bytes() == OLD
    assert rig.get(exists="overwrite").path == rig.target
    assert rig.holds(document)
    assert result.path.read_bytes() == document.read()
    assert rig.leftovers() == []


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o4755])
def test_the_mode_of_a_replaced_file_is_kept_but_for_what_gives_rights(rig: Rig, document, mode):
    rig.target.write_bytes(OLD)
    rig.target.chmod(mode)
    rig.get(exists="overwrite")
    assert stat.S_IMODE(rig.target.stat().st_mode) == mode & 0o777


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_a_new_file_has_the_mode_of_the_umask_whoever_it_stands_beside(rig: Rig, document, umask):
    program = (
        "import os, sys; os.umask(int(sys.argv[1])); from downspout import Client\n"
        "with Client(plugins=['web'], trust_typed=True) as client:\n"
        "    client.download(sys.argv[2], sys.argv[3], exists='rename')"
    )
    rig.target.write_bytes(OLD)
    rig.target.chmod(0o604)
    url = rig.server.url("/doc")
    subprocess.run([sys.executable, "-c", program, str(umask), url, str(rig.target)], check=True, timeout=30)
    assert stat.S_IMODE((rig.folder / "doc (1).bin").stat().st_mode) == 0o666 & ~umask


def test_work_files_are_nobody_else_s_to_read(rig: Rig, document):
    rig.server.script("/doc", [Cut(1000), Status(500)], repeat_last=True)
    rig.fail(retries=1)
    assert len(rig.leftovers()) == 2
    for name in rig.leftovers():
        assert stat.S_IMODE((rig.folder / name).stat().st_mode) == 0o600


def test_the_time_of_the_document_becomes_the_file_s(rig: Rig):
    rig.serve(10, last_modified="Mon, 02 Jan 2023 03:04:05 GMT")
    rig.get()
    assert rig.target.stat().st_mtime == 1672628645
    rig.serve(10, "/odd", last_modified="Fri, 31 Dec 9999 23:59:59 GMT")
    rig.get("/odd", target=rig.folder / "odd")


# The old file until the new one is whole.


@pytest.mark.parametrize("fault", [Status(500), Status(404), Cut(1000), Stall(1000)])
def test_the_old_file_stays_until_the_new_one_is_verified(rig: Rig, document, fault):
    rig.target.write_bytes(OLD)
    rig.server.script("/doc", [fault], repeat_last=True)
    rig.fail(exists="overwrite", retries=1, timeout=0.4)
    assert rig.target.read_bytes() == OLD
    rig.server.script("/doc", [])
    rig.fail(exists="overwrite", digest="0" * 64)
    assert rig.target.read_bytes() == OLD
    assert rig.leftovers() == []


def test_the_old_file_is_there_at_every_moment(rig: Rig, document):
    rig.target.write_bytes(OLD)
    seen = set()

    def look(*_: Any) -> None:
        seen.add(rig.target.read_bytes())

    client = rig.client()
    with watched(look):
        rig.get(client=client, exists="overwrite")
    assert seen == {OLD, document.read()}


# What others do meanwhile.


def meanwhile(rig: Rig, deed: Any, **options: Any) -> Any:
    """Do something while a download stands still, then let it go on."""
    rig.server.script("/doc", [Stall(MIB)])
    outcome: list[Any] = []

    def run() -> None:
        try:
            outcome.append(rig.get(**options))
        except DownspoutError as exc:
            outcome.append(exc)

    thread = threading.Thread(target=run)
    thread.start()
    rig.server.wait_for_stall()
    deed()
    rig.server.release()
    thread.join(20)
    return outcome[0]


def test_what_appeared_meanwhile_is_not_replaced_and_the_part_is_kept(rig: Rig, document):
    error = meanwhile(rig, lambda: rig.target.write_bytes(OLD))
    assert isinstance(error, TargetExists)
    assert rig.target.read_bytes() == OLD
    rig.target.unlink()
    assert rig.get().transferred == 0
    assert rig.holds(document)


def test_what_appeared_meanwhile_gets_company_where_that_was_wanted(rig: Rig, document):
    result = meanwhile(rig, lambda: rig.target.write_bytes(OLD), exists="rename")
    assert result.path == rig.folder / "doc (1).bin"
    assert rig.target.read_bytes() == OLD


def test_what_was_replaced_meanwhile_is_replaced_again_where_that_was_wanted(rig: Rig, document):
    rig.target.write_bytes(b"older")
    meanwhile(rig, lambda: rig.target.write_bytes(OLD), exists="overwrite")
    assert rig.holds(document)


@pytest.mark.parametrize("exists", ["fail", "overwrite", "rename"])
def test_a_link_that_appeared_meanwhile_is_not_followed(rig: Rig, document, exists):
    elsewhere = rig.folder / "elsewhere"
    elsewhere.write_bytes(OLD)
    error = meanwhile(rig, lambda: rig.target.symlink_to(elsewhere), exists=exists)
    assert isinstance(error, StorageError)
    assert elsewhere.read_bytes() == OLD
    assert rig.target.is_symlink()


def test_a_part_that_somebody_removed_meanwhile_is_an_error(rig: Rig, document):
    error = meanwhile(rig, work_files(rig.target)[0].unlink)
    assert isinstance(error, StorageError)
    assert "removed the part" in error.message
    assert not rig.target.exists()


def test_a_folder_that_went_away_meanwhile_is_an_error(rig: Rig, document):
    moved = rig.folder.with_name("moved")
    error = meanwhile(rig, lambda: rig.folder.rename(moved))
    assert isinstance(error, StorageError)
    assert not (moved / "doc.bin").exists()


# Disks that are full or broken.


@contextlib.contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond `size` bytes, as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("room", [0, 1000, MIB])
def test_a_disk_that_is_full_is_an_error_and_the_old_file_stays(rig: Rig, document, room):
    rig.target.write_bytes(OLD)
    client = rig.client()
    with files_of_at_most(room):
        error = rig.fail(client=client, exists="overwrite")
    assert isinstance(error, StorageError)
    assert error.hint == "Free space there, or choose another place with -d or -o."
    assert rig.target.read_bytes() == OLD
    rig.get(client=client, exists="overwrite")
    assert rig.holds(document)
    assert rig.leftovers() == []


def number_of_calls(rig: Rig, **options: Any) -> int:
    client = rig.client()
    with watched(lambda *_: None) as calls:
        rig.get(client=client, **options)
    return len(calls)


@pytest.mark.parametrize("sticky", [False, True], ids=["once", "from then on"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO], ids=["full", "broken"])
@pytest.mark.parametrize("exists", ["fail", "overwrite"])
def test_an_error_of_any_call_is_reported_and_mended(rig: Rig, document, exists, code, sticky):
    """Each call that changes the disk fails in turn, once or from then on; then the disk is well again."""
    old = OLD if exists == "overwrite" else None
    client = rig.client()
    number = failures = 0
    while True:
        number += 1
        rig.target.unlink(missing_ok=True)
        if old is not None:
            rig.target.write_bytes(old)

        def fail(count: int, name: str, args: Any, at: int = number) -> None:
            if count == at or (sticky and count > at):
                raise OSError(code, os.strerror(code))

        error = None
        with watched(fail) as calls:
            try:
                rig.get(client=client, exists=exists)
            except StorageError as exc:
                error = exc
        there = rig.target.read_bytes() if rig.target.exists() else None
        assert there in (old, document.read())
        if error is not None:
            failures += 1
            assert os.strerror(code) in error.message
            try:
                rig.get(client=client, exists=exists)
            except TargetExists:
                assert there == document.read()
        assert rig.holds(document)
        for name in rig.leftovers():  # what could not be removed is in nobody's way
            assert name.endswith((".json", ".part", ".new"))
            (rig.folder / name).unlink()
        if len(calls) < number:
            break
    assert failures > 10


@contextlib.contextmanager
def nobody() -> Iterator[Path]:
    """Be somebody without privileges; yield a folder of theirs."""
    with tempfile.TemporaryDirectory() as name:
        folder, me = Path(name), os.geteuid()
        folder.chmod(0o777)
        if me == 0:
            os.seteuid(65534)
        try:
            yield folder
        finally:
            if me == 0:
                os.seteuid(0)
            folder.chmod(0o777)


def test_a_folder_that_may_not_be_written_is_an_error(rig: Rig, document):
    client = rig.client()
    with nobody() as folder:
        rig.get(client=client, target=folder / "first")
        inner = folder / "inner"
        inner.mkdir()
        inner.chmod(0o500)
        error = rig.fail(client=client, target=inner / "doc.bin")
        assert isinstance(error, StorageError)
        assert "Permission denied" in error.message
        assert list(inner.iterdir()) == []
        inner.chmod(0o700)


def test_a_folder_that_is_not_there_is_an_error(rig: Rig, document):
    for target in (rig.folder / "nowhere" / "doc.bin", rig.folder / ("n" * 300)):
        assert isinstance(rig.fail(target=target), StorageError)
    (rig.folder / "file").write_bytes(b"")
    assert isinstance(rig.fail(target=rig.folder / "file" / "doc.bin"), StorageError)


# File systems that lack something.


def test_without_hard_links_a_rename_will_do(rig: Rig, document, monkeypatch):
    def no_links(*_: Any, **__: Any) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", no_links)
    rig.get()
    assert rig.holds(document)
    rig.serve(1000, etag='"v2"')
    assert rig.get(exists="rename").path == rig.folder / "doc (1).bin"
    rig.get(exists="overwrite")
    assert rig.target.stat().st_size == 1000
    assert isinstance(rig.fail(), TargetExists)
    error = meanwhile_without_links(rig)
    assert isinstance(error, TargetExists)
    assert rig.leftovers()  # the part is kept


def meanwhile_without_links(rig: Rig) -> Any:
    rig.target.unlink()
    rig.serve(SIZE, etag='"v3"')
    return meanwhile(rig, lambda: rig.target.write_bytes(OLD))


def test_without_locks_modes_and_times_a_file_is_a_file(rig: Rig, monkeypatch):
    def not_here(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOTSUP, "not here")

    for module, name in ((fcntl, "flock"), (os, "fchmod"), (os, "utime")):
        monkeypatch.setattr(module, name, not_here)
    document = rig.serve(10, last_modified="Mon, 02 Jan 2023 03:04:05 GMT")
    rig.get()
    assert rig.holds(document)


@pytest.mark.parametrize("code", [errno.EINVAL, errno.ENOTSUP, errno.EBADF])
def test_a_folder_that_cannot_be_flushed_needs_no_flush(rig: Rig, document, monkeypatch, code):
    fsync = os.fsync

    def not_of_folders(fd: int) -> None:
        if stat.S_ISDIR(os.fstat(fd).st_mode):
            raise OSError(code, os.strerror(code))
        fsync(fd)

    monkeypatch.setattr(os, "fsync", not_of_folders)
    rig.get()
    assert rig.holds(document)


def test_a_disk_that_writes_a_little_at_a_time_is_given_all(rig: Rig, document, monkeypatch):
    pwrite = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda fd, data, at: pwrite(fd, data[:50_000], at))
    rig.get()
    assert rig.holds(document)


def test_a_disk_that_does_not_give_back_what_it_took_is_an_error(rig: Rig, document, monkeypatch):
    def broken(*_: Any) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "preadv", broken)
    assert isinstance(rig.fail(compute_hash=True), StorageError)
    monkeypatch.setattr(os, "pread", broken)
    assert isinstance(rig.fail(), StorageError)
    assert not rig.target.exists()


def test_a_finished_file_that_cannot_be_read_back_is_an_error(tmp_path: Path):
    with pytest.raises(StorageError, match="reading doc"):
        digest_of_file(tmp_path / "doc", "sha256", lambda: False)


def test_what_lies_behind_the_end_is_cut_off(tmp_path: Path):
    with Part(tmp_path / "doc") as part:
        part.write(memoryview(b"hello world"), 0)
        part.truncate(5)
        assert part.read(0, 100) == b"hello"
        assert part.read(0, 0) == b""


def test_a_disk_that_does_not_cut_is_an_error(tmp_path: Path, monkeypatch):
    def fails(*_: Any) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with Part(tmp_path / "doc") as part:
        part.write(memoryview(b"hello"), 0)
        monkeypatch.setattr(os, "ftruncate", fails)
        with pytest.raises(StorageError):
            part.truncate(3)
        with pytest.raises(StorageError):
            part.reset()


def test_the_umask_is_known_without_proc_as_well(monkeypatch):
    def no_proc(*_: Any, **__: Any) -> None:
        raise FileNotFoundError

    before = umask.__wrapped__()
    monkeypatch.setattr("builtins.open", no_proc)
    assert umask.__wrapped__() == before
    monkeypatch.setattr("builtins.open", lambda *_, **__: io.StringIO("Name: x\n"))
    assert umask.__wrapped__() == before


def test_a_folder_that_cannot_be_opened_is_not_flushed(tmp_path: Path):
    flush_folder(tmp_path / "nowhere")


def test_the_errors_of_closing_tell_nothing_new(tmp_path: Path, monkeypatch):
    close = os.close

    def closes_and_fails(fd: int) -> None:
        close(fd)
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with Part(tmp_path / "doc") as part:
        part.write(memoryview(b"hello"), 0)
        monkeypatch.setattr(os, "close", closes_and_fails)
    monkeypatch.undo()
    assert list(tmp_path.iterdir()) == []


def test_the_number_of_calls_for_a_small_document_is_small(rig: Rig):
    """Thousands of small documents pay for each call."""
    rig.serve(1000)
    assert number_of_calls(rig) <= 20
