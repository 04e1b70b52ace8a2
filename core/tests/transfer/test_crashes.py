"""`kill -9` at every call that changes the disk, and again while the next run recovers."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from downspout._transfer.decide import Identity
from downspout.testing import Document

from .rig import MIB, Rig
from .syscalls import watched

SIZE, SMALL = 3 * MIB + 1234, MIB + 1234
KILLED, FAILED = 99, 3  # as `crash_child` has them
OLD = "the old file"


@pytest.fixture
def quick_folder(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one: a thousand flushes of a disk take minutes."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        yield Path(folder)


@pytest.fixture
def kill(rig: Rig, quick_folder: Path):
    """Return a function that runs the program of `crash_child`."""
    whole, target = quick_folder / "new", quick_folder / "out" / "doc.bin"
    target.parent.mkdir(exist_ok=True)

    def run(exists: str, old: str | None, seconds: list[int | None], size: int = SIZE) -> list[dict[str, Any]]:
        whole.write_bytes(rig.serve(size).read())
        plan = {
            "url": rig.server.url("/doc"),
            "target": str(target),
            "new": str(whole),
            "old": old,
            "exists": exists,
            "seconds": seconds,
            "report": str(quick_folder / "report"),
        }
        program = [sys.executable, str(Path(__file__).with_name("crash_child.py")), json.dumps(plan)]
        done = subprocess.run(program, capture_output=True, text=True, timeout=800, check=False)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    return run


def check(outcome: dict[str, Any], *, exists: str, old: str | None, size: int = SIZE) -> None:
    """Old or new at each step; then new, and no byte that was noted was fetched twice."""
    before = {} if old is None else {"doc.bin": "old"}
    after = {"doc.bin": "old", "doc (1).bin": "new"} if exists == "rename" and old else {"doc.bin": "new"}
    killed = [step for step in outcome["steps"] if step["status"] == KILLED]
    forgotten = [step for step in killed if step["files"] == after and step["noted"] == 0]
    for step in killed:
        assert step["files"] in [before, after, *([{**after, "doc (2).bin": "new"}] if forgotten else [])]
    assert outcome["work"] <= 1, "at worst a record without its part"
    if forgotten:  # it was over, but for the exit of the process: what stands there is a file like any other
        assert outcome["status"] == (FAILED if exists == "fail" else 0)
        assert {**outcome["files"], **after} == outcome["files"]
        assert set(outcome["files"].values()) <= {"old", "new"}
    else:
        assert outcome["status"] == 0
        assert outcome["files"] == after
        finished = bool(killed) and killed[-1]["files"] == after
        held = size if finished else killed[-1]["noted"] if killed else 0
        assert outcome["transferred"] == size - held, "each block is noted here: no more than one comes twice"


MODES = [("fail", None), ("overwrite", None), ("overwrite", OLD), ("rename", OLD)]


@pytest.mark.parametrize(("exists", "old"), MODES)
def test_a_kill_at_any_call_leaves_the_old_file_or_the_new_one(kill, exists, old):
    outcomes = kill(exists, old, [None])
    assert len(outcomes) > 25
    for outcome in outcomes:
        check(outcome, exists=exists, old=old)
    assert outcomes[-1]["steps"][0]["status"] == 0


@pytest.mark.parametrize(("exists", "old"), [("fail", None), ("overwrite", OLD)])
def test_a_kill_while_recovering_from_a_kill_leaves_the_old_file_or_the_new_one(kill, exists, old):
    for outcome in kill(exists, old, [3, 15], size=SMALL):
        check(outcome, exists=exists, old=old, size=SMALL)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("exists", "old"), [("fail", None), ("overwrite", OLD), ("rename", OLD)])
def test_a_kill_at_any_call_after_a_kill_at_any_call(kill, exists, old):
    for outcome in kill(exists, old, list(range(1, 30)), size=SMALL):
        check(outcome, exists=exists, old=old, size=SMALL)


# A power cut: what is flushed, and in which order.


def order_of_calls(rig: Rig, **options: Any) -> list[str]:
    """Return the calls of a download by name; of flushes, what is flushed."""
    order = []

    def note(_: int, name: str, args: tuple[Any, ...]) -> None:
        if name in {"fsync", "fdatasync"}:
            path = os.readlink(f"/proc/self/fd/{args[0]}")
            what = "folder" if os.path.isdir(path) else path.rpartition(".")[2].partition(" ")[0]
            order.append(f"flush {what}")
        elif name in {"link", "replace", "rename", "unlink"}:
            order.append(f"{name} {str(args[0]).rpartition('.')[2]}")
        else:
            order.append(name)

    client = rig.client()
    with watched(note):
        rig.get(client=client, **options)
    return order


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="finds out by /proc what a descriptor is")
@pytest.mark.parametrize("replaces", [False, True])
def test_the_file_is_flushed_before_it_gets_its_name_and_the_folder_after(rig: Rig, replaces):
    document: Document = rig.serve(2 * MIB)
    if replaces:
        rig.target.write_text(OLD)
    order = order_of_calls(rig, exists="overwrite")
    named = order.index("replace spare" if replaces else "link part")
    flushed = max(index for index, call in enumerate(order) if call == "flush part")
    written = max(index for index, call in enumerate(order) if call in {"pwrite", "ftruncate", "fchmod"})
    folder = order.index("flush folder")
    removed = [index for index, call in enumerate(order) if call in {"unlink part", "unlink json"}]
    assert written < flushed < named < folder < removed[-2]
    assert rig.holds(document)


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="finds out by /proc what a descriptor is")
def test_bytes_are_flushed_before_the_record_speaks_of_them(rig: Rig):
    rig.serve(2 * MIB)
    order = order_of_calls(rig)
    noted = order.index("replace new")
    assert "flush new" in order[:noted]
    assert order.index("flush part") < order.index("flush new")
    assert max(index for index, call in enumerate(order[:noted]) if call == "pwrite") < order.index("flush part")


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="finds out by /proc what a descriptor is")
def test_a_record_is_gone_for_good_before_the_bytes_that_it_speaks_of(rig: Rig):
    """Else it would be there again after a power cut, and vouch for what was written in their place."""
    document = rig.serve(MIB, etag='"v2"')
    rig.leave_part(b"x" * 1000, identity=Identity(etag='"v1"', size=MIB))
    order = order_of_calls(rig)
    assert order.index("unlink json") < order.index("flush folder") < order.index("ftruncate")
    assert rig.holds(document)
