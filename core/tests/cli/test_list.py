"""`downspout get -i`: lists, ledgers, and the same command again."""

import json
import os
import time

import pytest

from .rig import content


def test_a_list_is_read_with_its_targets_and_digests(shell):
    shell.list_of(
        "\ufeff# documents",
        "depot:d1",
        "",
        "depot:d2\tsub/two.bin\r",
        f"depot:d3\t\t{'0' * 64}",
        "depot:d4\t../up",
        "nonsense",
    )
    ran = shell.run("get", "-i", "list.txt", "-d", "out", "--json")
    assert ran.status == 1
    status = {line["index"]: line["status"] for line in ran.json[:-1]}
    assert status == {2: "ok", 4: "ok", 5: "failed", 6: "failed", 7: "failed"}
    assert shell.files("out") == {"d1.bin": content("d1"), "sub/two.bin": content("d2")}
    assert "downspout: Line 7: 'nonsense' is no URI." in ran.err


def test_standard_input_is_a_list_too(shell):
    ran = shell.run("get", "-i", "-", stdin="depot:d1\ndepot:d2\n")
    assert ran.status == 0
    assert sorted(ran.out.splitlines()) == ["d1.bin", "d2.bin"]


def test_without_standard_input_there_is_no_list_from_it(shell):
    with shell.started("get", "-i", "-", stdin=None, preexec_fn=lambda: os.close(0)) as process:
        assert process.wait(20) == 2
        assert b"no standard input" in process.stderr.read()


def test_the_last_line_needs_no_end_and_long_lines_are_told(shell):
    ran = shell.run("get", "-i", "-", "--json", stdin=f"depot:{'x' * 200_000}\ndepot:d1")
    assert {line["index"]: line["status"] for line in ran.json[:-1]} == {1: "failed", 2: "ok"}
    assert "Line 1 is longer than" in ran.err


def test_arguments_come_before_the_list(shell):
    shell.list_of("depot:d2")
    ran = shell.run("get", "depot:d1", "-i", "list.txt", "--json")
    assert sorted(line["uri"] for line in ran.json[:-1]) == ["depot:d1", "depot:d2"]


def test_what_a_pipe_gives_is_done_before_it_gives_more(shell):
    import subprocess

    with shell.started("get", "-i", "-", stdin=subprocess.PIPE) as process:
        process.stdin.write(b"depot:d1\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"d1.bin\n"
        process.stdin.close()
        assert process.wait(20) == 0


def test_the_same_command_again_asks_nothing_about_what_is_done(shell, depot):
    shell.list_of(*(f"depot:d{number}" for number in range(30)), "depot:gone")
    assert shell.run("get", "-i", "list.txt", "-d", "out").status == 1
    assert (shell.folder / "out" / ".downspout.sqlite").exists()
    depot.calls.clear()
    ran = shell.run("get", "-i", "list.txt", "-d", "out", "--json")
    assert depot.calls == [["gone"]]
    assert ran.json[-1]["summary"]["skipped"] == 30
    assert {line["path"] for line in ran.json[:-1]} >= {"out/d0.bin", "out/d29.bin"}


def test_a_ledger_is_kept_where_it_is_asked_for_or_not_at_all(shell):
    shell.list_of("depot:d1")
    shell.run("get", "-i", "list.txt", "-d", "one", "--no-ledger")
    assert os.listdir(shell.folder / "one") == ["d1.bin"]
    shell.run("get", "-i", "list.txt", "-d", "two", "--ledger", "my.sqlite")
    assert os.listdir(shell.folder / "two") == ["d1.bin"]
    assert (shell.folder / "my.sqlite").exists()
    shell.run("get", "depot:d1", "-d", "three")
    assert os.listdir(shell.folder / "three") == ["d1.bin"]
    ran = shell.run("get", "depot:d1", "-d", "three", "--ledger", "other.sqlite")
    assert ran.status == 1


def test_refresh_asks_again_and_fetches_what_changed(shell, depot):
    depot.facts = {"d1": {"version": "1"}, "d2": {"version": "1"}}
    shell.list_of("depot:d1", "depot:d2")
    assert shell.run("get", "-i", "list.txt").status == 0
    depot.facts["d2"] = {"version": "2"}
    ran = shell.run("get", "-i", "list.txt", "--refresh", "--json")
    assert ran.status == 0
    assert {line["uri"]: line["status"] for line in ran.json[:-1]} == {"depot:d1": "skipped", "depot:d2": "ok"}


def test_a_dry_run_knows_what_is_done_and_makes_no_ledger(shell, depot):
    shell.list_of("depot:d1", "depot:d2")
    ran = shell.run("get", "-i", "list.txt", "-d", "out", "--dry-run")
    assert not (shell.folder / "out").exists()
    shell.list_of("depot:d1", name="first.txt")
    shell.run("get", "-i", "first.txt", "-d", "out")
    depot.calls.clear()
    ran = shell.run("get", "-i", "list.txt", "-d", "out", "--dry-run", "--json")
    assert ran.status == 0
    assert ran.err.count("would download") == 1
    assert depot.calls == [["d2"]]


def test_a_dry_run_asks_in_batches(shell, depot):
    shell.list_of(*(f"depot:d{number}" for number in range(130)))
    assert shell.run("get", "-i", "list.txt", "--dry-run").status == 0
    assert list(map(len, depot.calls)) == [100, 30]


def test_a_ledger_in_use_is_told_with_its_holder(shell, depot):
    depot.gate.clear()
    shell.list_of("depot:d1")
    with shell.started("get", "-i", "list.txt") as first:
        depot.wait_for_requests(1, timeout=20)
        ran = shell.run("get", "-i", "list.txt")
        assert ran.status == 1
        assert f"in use by process {first.pid} since" in ran.err
        assert ran.err.count("\n") == 1
        depot.gate.set()
        assert first.wait(20) == 0


def test_a_damaged_ledger_is_said_in_a_line(shell):
    (shell.folder / ".downspout.sqlite").write_bytes(b"not a ledger at all" * 99)
    shell.list_of("depot:d1")
    ran = shell.run("get", "-i", "list.txt")
    assert ran.status == 1
    assert ran.err.count("\n") == 1
    assert "ledger" in ran.err


@pytest.mark.parametrize("name", ["missing.txt", "folder", "/proc/self/mem"])
def test_a_list_that_cannot_be_read_is_said(shell, name):
    (shell.folder / "folder").mkdir()
    ran = shell.run("get", "-i", name)
    assert ran.status in {1, 2}
    assert name in ran.err
    assert "Traceback" not in ran.err


def test_ledger_shows_counts_and_kinds(shell):
    shell.list_of("depot:d1", "depot:d2", "depot:gone", "depot:lost")
    shell.run("get", "-i", "list.txt")
    ran = shell.run("ledger", ".downspout.sqlite")
    assert ran.status == 0
    assert ran.out.splitlines() == [
        "ok       2",
        "failed   2",
        "left     0",
        "bytes    2.0 KiB",
        "failed   2 not-found",
    ]


def test_ledger_exports(shell):
    shell.list_of("depot:d1", "depot:gone")
    shell.run("get", "-i", "list.txt")
    rows = shell.run("ledger", ".downspout.sqlite", "--json").json
    assert {row["key"]: row["status"] for row in rows} == {"depot:d1": "ok", "depot:gone": "failed"}
    lines = shell.run("ledger", ".downspout.sqlite", "--csv").out.splitlines()
    assert lines[0].startswith("key,status,target,size")
    assert len(lines) == 3


def test_ledger_of_nothing_and_of_both_kinds(shell):
    ran = shell.run("ledger", "none.sqlite")
    assert (ran.status, ran.out) == (1, "")
    assert ran.err.startswith("downspout: There is no ledger at")
    assert shell.run("ledger", "none.sqlite", "--csv", "--json").status == 2


def test_results_come_as_documents_finish(shell, depot):
    depot.gate.set()
    slow = depot.big("d9", 4_000_000)
    depot.script("/files/d9", [__import__("downspout.testing").testing.Delay(1.0)])
    with shell.started("get", "depot:d1", "depot:d9", "--json") as process:
        began = time.monotonic()
        assert json.loads(process.stdout.readline())["uri"] == "depot:d1"
        assert time.monotonic() - began < 20
        assert process.poll() is None
        assert json.loads(process.stdout.readline())["size"] == slow.size
