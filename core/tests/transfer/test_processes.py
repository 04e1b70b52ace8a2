"""Processes that are interrupted, killed, or after the same target."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from downspout._transfer.finished import work_files
from downspout.errors import StorageError
from downspout.testing import Stall

from .rig import MIB, Rig

SIZE = 3 * MIB


@contextmanager
def command(rig: Rig, *arguments: str, **options) -> Iterator[subprocess.Popen[bytes]]:
    """Run the command in a process of its own; it does not outlive the block."""
    environ = {**os.environ, "DOWNSPOUT_ALLOW_INSECURE": "1", "HOME": str(rig.folder), "TMPDIR": str(rig.folder)}
    environ.pop("DOWNSPOUT_CONFIG", None)
    program = [sys.executable, "-m", "downspout", *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    process = subprocess.Popen(program, cwd=rig.folder, env=environ, **pipes)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def get(rig: Rig, *more: str, **options):
    """Run `downspout get` for the document of the rig."""
    return command(rig, "get", rig.server.url("/doc"), "-o", rig.target.name, "--json", *more, **options)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
@pytest.mark.parametrize("connections", ["1", "3"])
def test_an_interrupted_download_keeps_what_came_and_ends_at_once(rig: Rig, number, status, connections):
    document = rig.serve(SIZE)
    rig.server.script("/doc", [Stall(int(1.7 * MIB))], repeat_last=True)
    with get(rig, "-x", connections) as process:
        rig.server.wait_for_stall(timeout=20)
        wait_until(work_files(rig.target)[1].exists)
        begun = time.monotonic()
        process.send_signal(number)
        out, err = process.communicate(timeout=10)
        assert time.monotonic() - begun < 2
    assert process.returncode == status, err
    assert b"Traceback" not in err
    assert json.loads(out.splitlines()[0])["status"] == "left"
    held = rig.record()["ranges"]
    assert held[0][0] == 0
    assert held[0][1] >= MIB
    rig.server.script("/doc", [])
    rig.server.release()
    assert rig.get("/doc").transferred == SIZE - sum(stop - start for start, stop in held)
    assert rig.holds(document)


def test_a_killed_download_goes_on_from_what_it_had_noted(rig: Rig):
    document = rig.serve(SIZE)
    rig.server.script("/doc", [Stall(int(1.7 * MIB))])
    with get(rig) as process:
        rig.server.wait_for_stall(timeout=20)
        wait_until(work_files(rig.target)[1].exists)
        process.kill()
    assert not rig.target.exists()
    rig.get("/doc")
    assert rig.holds(document)
    assert rig.ranges()[-1] is not None
    assert rig.leftovers() == []


def wait_until(condition, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("exists", ["fail", "overwrite", "rename"])
def test_of_two_processes_with_one_target_one_goes_first(rig: Rig, exists):
    document = rig.serve(SIZE)
    rig.server.script("/doc", [Stall(MIB)])
    with get(rig) as process:
        rig.server.wait_for_stall(timeout=20)
        error = rig.fail("/doc", exists=exists)
        assert isinstance(error, StorageError)
        assert "another process" in error.message
        rig.server.release()
        _, err = process.communicate(timeout=20)
        assert process.returncode == 0, err
    assert rig.holds(document)
    assert rig.leftovers() == []


def test_the_lock_of_a_process_that_died_holds_nobody_up(rig: Rig):
    document = rig.serve(SIZE)
    rig.server.script("/doc", [Stall(MIB)])
    with get(rig) as process:
        rig.server.wait_for_stall(timeout=20)
        assert isinstance(rig.fail("/doc"), StorageError)
        process.kill()
        process.wait(10)
    rig.get("/doc")
    assert rig.holds(document)


def test_many_processes_with_one_target_end_with_one_whole_file(rig: Rig):
    """Without locks, too, as on file systems whose locks do nothing: the rename carries the weight."""
    document = rig.serve(SIZE)
    program = (
        "import sys, fcntl; fcntl.flock = lambda fd, how: None\n"
        "from downspout import Client, DownspoutError\n"
        "with Client(plugins=['web'], trust_typed=True, retries=1) as client:\n"
        "    try: client.download(sys.argv[1], sys.argv[2])\n"
        "    except DownspoutError as exc: print(type(exc).__name__)\n"
    )
    arguments = [sys.executable, "-c", program, rig.server.url("/doc"), str(rig.target)]
    processes = [subprocess.Popen(arguments, stdout=subprocess.PIPE) for _ in range(4)]
    said = [process.communicate(timeout=60)[0].decode().strip() for process in processes]
    assert all(process.returncode == 0 for process in processes)
    assert set(said) <= {"", "TargetExists", "StorageError"}
    if "" not in said and not rig.target.exists():  # each was in the others' way: alone it comes down
        rig.get("/doc")
    assert rig.holds(document)


def test_a_reader_that_goes_away_ends_the_command_as_a_pipe_does(rig: Rig):
    rig.serve(64 * MIB)
    with command(rig, "cat", rig.server.url("/doc")) as process:
        assert process.stdout is not None
        process.stdout.read(1000)
        process.stdout.close()
        assert process.wait(10) == 141
        assert process.stderr is not None
        assert b"Traceback" not in process.stderr.read()
        process.stdout = None


def test_a_reader_of_results_that_goes_away_loses_no_document(rig: Rig):
    document = rig.serve(SIZE)
    rig.server.script("/doc", [Stall(MIB)])
    with get(rig) as process:
        rig.server.wait_for_stall(timeout=20)
        assert process.stdout is not None
        process.stdout.close()
        rig.server.release()
        assert process.wait(20) == 141
        process.stdout = None
    assert rig.holds(document)


def test_an_interrupted_download_gives_the_terminal_back_as_it_was(rig: Rig):
    import pty
    import termios

    rig.serve(SIZE)
    rig.server.script("/doc", [Stall(int(1.7 * MIB))])
    controller, terminal = pty.openpty()
    before = termios.tcgetattr(terminal)
    try:
        with get(rig, stdin=terminal, stderr=terminal) as process:
            rig.server.wait_for_stall(timeout=20)
            process.send_signal(signal.SIGINT)
            process.wait(10)
        assert process.returncode == 130
        assert termios.tcgetattr(terminal) == before
        os.set_blocking(controller, False)
        shown = b""
        while chunk := read_some(controller):
            shown += chunk
        # a cursor that was hidden is shown again
        assert shown.rfind(b"\x1b[?25h") >= shown.rfind(b"\x1b[?25l")
    finally:
        os.close(controller)
        os.close(terminal)


def read_some(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except (BlockingIOError, OSError):
        return b""


def test_memory_does_not_depend_on_the_size(rig: Rig, tmp_path: Path):
    """The most that a process ever has, for a small document and for one that is ten times larger."""
    program = (
        "import sys, resource; from downspout import Client\n"
        "with Client(plugins=['web'], trust_typed=True) as client:\n"
        "    client.download(sys.argv[1], sys.argv[2], connections=int(sys.argv[3]))\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )

    def most(size: int, connections: int) -> int:
        rig.serve(size)
        rig.target.unlink(missing_ok=True)
        arguments = [rig.server.url("/doc"), str(rig.target), str(connections)]
        done = subprocess.run(
            [sys.executable, "-c", program, *arguments], capture_output=True, check=True, timeout=60
        )
        return int(done.stdout) * 1024

    small = most(8 * MIB, 1)
    assert most(80 * MIB, 1) - small < 8 * MIB
    assert most(80 * MIB, 4) - small < 24 * MIB
