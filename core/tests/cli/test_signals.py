"""How `get` ends before its time: within two seconds, with what came by then kept."""

import os
import signal
import subprocess
import time

import pytest

from downspout.testing import Stall

STATUS = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}


def end_of(process, limit=20.0):
    """Wait for a process to end; return its status and how long that took."""
    began = time.monotonic()
    process.wait(limit)
    return process.returncode, time.monotonic() - began


@pytest.mark.parametrize("number", STATUS, ids=lambda number: number.name)
def test_a_batch_that_is_told_to_end_keeps_what_it_has(shell, depot, number):
    document = depot.big("d9", 3_000_000)
    depot.script("/files/d9", [Stall(2_000_000)])
    shell.list_of("depot:d1", "depot:d9", *(f"depot:d1{number:04}" for number in range(2000)))
    with shell.started("get", "-i", "list.txt", "-j", "2", "--json", "-x", "1") as process:
        for _ in range(5):
            process.stdout.readline()
        depot.wait_for_requests(1, "/files/d9", timeout=20)
        time.sleep(0.6)
        process.send_signal(number)
        rest = process.stdout.read().decode().splitlines()
        status, seconds = end_of(process)
        err = process.stderr.read().decode()
    assert status == STATUS[number]
    assert seconds < 2
    assert "Traceback" not in err
    assert "Fatal" not in err
    assert any('"left"' in line for line in rest)
    assert rest[-1].startswith('{"summary"')
    assert list(shell.folder.glob(".downspout-*.part"))
    ran = shell.run("get", "-i", "list.txt", "--json")
    assert ran.status == 0
    assert ran.json[-1]["summary"]["skipped"] >= 4
    assert (shell.folder / "d9.bin").read_bytes() == document.read()
    asked = [request.headers.get("range") for request in depot.requests_to("/files/d9")]
    assert asked[0] is None
    assert asked[-1] is not None


@pytest.mark.parametrize("command", [["get", "depot:d9", "-o", "x.bin"], ["get", "depot:d9", "-o", "-"]])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_one_document_ends_as_quickly(shell, depot, command, number):
    depot.big("d9", 3_000_000)
    depot.script("/files/d9", [Stall(1_000_000)], repeat_last=True)
    with shell.started(*command, stdout=subprocess.DEVNULL) as process:
        depot.wait_for_requests(1, "/files/d9", timeout=20)
        time.sleep(0.3)
        process.send_signal(number)
        status, seconds = end_of(process)
        err = process.stderr.read().decode()
    assert status == STATUS[number]
    assert seconds < 2
    assert "Traceback" not in err


@pytest.mark.parametrize("command", ["get", "cat", "ls", "link"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_service_that_does_not_answer_holds_nobody_up(shell, depot, command, number):
    depot.gate.clear()
    with shell.started(command, "depot:d1") as process:
        depot.wait_for_requests(1, timeout=20)
        process.send_signal(number)
        status, seconds = end_of(process)
        err = process.stderr.read().decode()
    depot.gate.set()
    assert status in {STATUS[number], -number}
    assert seconds < 2.5
    assert "Traceback" not in err
    assert "Fatal" not in err


def test_a_second_signal_is_not_waited_for(shell, depot):
    depot.gate.clear()
    with shell.started("get", "depot:d1") as process:
        depot.wait_for_requests(1, timeout=20)
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        status, seconds = end_of(process)
    depot.gate.set()
    assert status == 130
    assert seconds < 1


def test_a_list_that_is_still_being_written_holds_nobody_up(shell):
    with shell.started("get", "-i", "-", stdin=subprocess.PIPE) as process:
        process.stdin.write(b"depot:d1\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"d1.bin\n"
        process.send_signal(signal.SIGINT)
        status, seconds = end_of(process)
        err = process.stderr.read().decode()
    assert status == 130
    assert seconds < 2
    assert "Fatal" not in err


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_a_reader_that_goes_away_ends_it_with_141(shell, depot, more):
    depot.latency = 0.02
    shell.list_of(*(f"depot:d{number}" for number in range(2000)))
    with shell.started("get", "-i", "list.txt", "-j", "2", *more) as process:
        process.stdout.readline()
        process.stdout.close()
        status, seconds = end_of(process)
        err = process.stderr.read().decode()
    assert status == 141
    assert seconds < 5
    assert "Traceback" not in err
    assert "Broken" not in err
    assert len(shell.files()) < 1500


@pytest.mark.parametrize("command", [["cat", "depot:d9"], ["get", "depot:d9", "-o", "-"], ["ls", "depot:top"]])
def test_other_readers_that_go_away(shell, depot, command):
    depot.big("d9", 8_000_000)
    depot.facts["top"] = {"children": [[f"{number}.bin", "d1", 1] for number in range(20_000)]}
    with shell.started(*command) as process:
        process.stdout.read(10)
        process.stdout.close()
        status, _ = end_of(process)
        err = process.stderr.read().decode()
    assert status == 141
    assert err == ""


def test_a_reader_that_was_never_there(shell):
    shell.list_of("depot:d1")
    shell.run("get", "-i", "list.txt")
    for command in (["ledger", ".downspout.sqlite", "--json"], ["accounts"], ["completion", "bash"]):
        read, write = os.pipe()
        os.close(read)
        with shell.started(*command, stdout=write) as process:
            os.close(write)
            assert end_of(process)[0] == 141
            assert process.stderr.read() == b""


def test_nohup_stays_nohup(shell, depot):
    depot.gate.clear()
    ignore = lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)  # noqa: E731
    with shell.started("get", "depot:d1", preexec_fn=ignore) as process:
        depot.wait_for_requests(1, timeout=20)
        process.send_signal(signal.SIGHUP)
        depot.gate.set()
        assert end_of(process)[0] == 0


def test_killed_at_any_moment_it_goes_on(shell, depot):
    """Nothing that was recorded is fetched again; everything is right in the end."""
    count = 300
    shell.list_of(*(f"depot:d{number}" for number in range(count)))
    for wait in (0.45, 0.6, 0.5):
        with shell.started("get", "-i", "list.txt", "-j", "4", stdout=subprocess.DEVNULL) as process:
            time.sleep(wait)
            process.kill()
    recorded = shell.run("ledger", ".downspout.sqlite", "--json")
    done = {row["key"] for row in recorded.json if row["status"] == "ok"} if recorded.status == 0 else set()
    depot.forget()
    ran = shell.run("get", "-i", "list.txt", "--json")
    assert ran.status == 0
    asked = {f"depot:{request.path.rpartition('/')[2]}" for request in depot.requests if "/files/" in request.path}
    assert asked & done == set()
    assert len(shell.files()) == count
    assert not list(shell.folder.glob(".downspout-*"))
    assert os.listdir(shell.folder)
