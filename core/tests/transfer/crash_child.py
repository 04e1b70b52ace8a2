"""Downloads in children that end, as if by `kill -9`, at every n-th call that changes the disk.

Run as a program, it reads a plan (JSON) from its first argument and prints what it found, a line of JSON for each
kill. It makes its children by fork, so that a thousand of them take seconds.
"""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from syscalls import watched

from downspout import Account, Client, DownspoutError, Link, Provider
from downspout._transfer import journal
from downspout.hookspecs import hookimpl

KILLED = 99
FAILED = 3


class Harbour:
    """A provider whose link is given."""

    provider = Provider("crash", "Crash")

    def __init__(self, plan: dict[str, Any]) -> None:
        self.plan = plan

    @hookimpl
    def resolve_link(self, references):
        return [Link(reference, self.plan["url"]) for reference in references]


def killer(at: int | None) -> Callable[[int, str, tuple[Any, ...]], None]:
    """Return what ends the process at a call; of what that call would write, half is written."""

    def before(number: int, name: str, args: tuple[Any, ...]) -> None:
        if number == at:
            if name == "pwrite":
                os.lseek(args[0], args[2], os.SEEK_SET)
                os.write(args[0], bytes(args[1])[: len(args[1]) // 2])
            os._exit(KILLED)

    return before


def download(plan: dict[str, Any], at: int | None) -> int:
    """Download in a child; return its exit status, 0 if it went well."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    status = FAILED
    try:
        with watched(killer(at)) as calls, make_client(plan) as client:
            result = client.download("crash:doc", plan["target"], exists=plan["exists"])
            Path(plan["report"]).write_text(json.dumps([result.transferred, len(calls)]))
        status = 0
    except DownspoutError as exc:
        print(repr(exc), file=sys.stderr)
    finally:
        os._exit(status)


def make_client(plan: dict[str, Any]) -> Client:
    """Return a client that knows the one document."""
    account = Account("crash", "crash", {"allow_http": True, "allow_private": True})
    return Client([account], plugins=[Harbour(plan)], timeout=5.0)


def state(plan: dict[str, Any]) -> dict[str, Any]:
    """Return what is on disk."""
    folder, new = Path(plan["target"]).parent, Path(plan["new"]).read_bytes()
    old = plan["old"].encode() if plan["old"] is not None else None
    found = {}
    for path in folder.iterdir():
        if not path.name.startswith(".downspout-"):
            data = path.read_bytes()
            found[path.name] = "new" if data == new else "old" if data == old else "NEITHER"
    noted = 0
    for record in folder.glob(".downspout-*.json"):
        noted = sum(stop - start for start, stop in json.loads(record.read_bytes())["ranges"])
    return {"files": found, "noted": noted, "work": sum(1 for _ in folder.glob(".downspout-*"))}


def prepare(plan: dict[str, Any]) -> None:
    """Empty the folder, but for the old file."""
    folder = Path(plan["target"]).parent
    for path in folder.iterdir():
        path.unlink()
    if plan["old"] is not None:
        Path(plan["target"]).write_text(plan["old"])


def run(plan: dict[str, Any], kills: list[int]) -> dict[str, Any]:
    """Kill one download after the other at the calls named, then let one end; return what there was to see."""
    prepare(plan)
    steps = []
    for at in kills:
        steps.append({"at": at, "status": download(plan, at), **state(plan)})
        if steps[-1]["status"] != KILLED:
            break
    status = steps[-1]["status"]
    if status == KILLED:
        status = download(plan, None)
    transferred, calls = json.loads(Path(plan["report"]).read_text()) if status == 0 else (None, None)
    return {"steps": steps, "status": status, "transferred": transferred, "calls": calls, **state(plan)}


def main() -> None:
    """Kill at every call until one download ends untouched; each time once more on the way to recovery."""
    plan = json.loads(sys.argv[1])
    journal._NOTE_SECONDS, journal._NOTE_SHARE = 0.0, 0  # so that every block is noted
    number = 0
    while True:
        number += 1
        for second in plan["seconds"]:
            outcome = run(plan, [number, *([] if second is None else [second])])
            print(json.dumps(outcome), flush=True)
        if outcome["steps"][0]["status"] != KILLED:
            return


if __name__ == "__main__":
    main()
