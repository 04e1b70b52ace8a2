"""The command, run beside the sandbox as a person runs it."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs

from downspout_sandbox import Recorded, Sandbox

ROTTEN = """
import downspout

provider = downspout.Provider("rotten", "Rotten")


@downspout.hookimpl
def resolve_link(account, references):
    raise RuntimeError("a bug of its own")
"""
"""A plugin that raises whatever it is asked."""


PAPER = """
import downspout

provider = downspout.Provider("paper", "Paper", batch_size=100)


class Sheet(downspout.Stream):
    start, stop, size = 0, 16, 16
    read = False

    def readinto(self, buffer):
        if self.read:
            return 0
        self.read = True
        buffer[:16] = b"0123456789abcdef"
        return 16

    def close(self):
        pass


@downspout.hookimpl
def resolve_link(account, references):
    return [downspout.Link(each, "https://paper.example/x", name=f"{each.document}.txt") for each in references]


@downspout.hookimpl
def open_stream(account):
    return Sheet()
"""
"""A plugin whose documents come from nowhere: what is left is what a batch itself costs."""


@attrs.frozen
class Ran:
    """What a run of the command came to.

    Attributes:
        status: its exit status.
        lines: its results, as JSON, without the summary.
        summary: the summary, or nothing if the run was cut off.
        err: what it said.
        peak: the most memory that it held (bytes).
    """

    status: int
    lines: list[dict[str, Any]]
    summary: dict[str, Any]
    err: str
    peak: int

    def by_status(self) -> Counter[str]:
        return Counter(line["status"] for line in self.lines)


@attrs.frozen
class Shell:
    """A folder, and the sandbox's environment.

    Attributes:
        folder: where commands are run.
        sandbox: the services.
        more: further variables.
    """

    folder: Path
    sandbox: Sandbox
    more: Mapping[str, str] = attrs.field(factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("DOWNSPOUT_")}
        home = self.folder / "home"
        own = {"HOME": str(home), "XDG_STATE_HOME": str(home / "state"), "XDG_CONFIG_HOME": str(home / "config")}
        return {**kept, **self.sandbox.environment, **own, **self.more}

    def list_of(self, uris: Iterable[str], name: str = "list.txt") -> str:
        """Write a list; return its name."""
        with (self.folder / name).open("w", encoding="utf-8") as file:
            file.writelines(f"{uri}\n" for uri in uris)
        return name

    def start(self, *args: str) -> subprocess.Popen[bytes]:
        """Start `downspout get`, its results and words going nowhere."""
        return subprocess.Popen(
            [sys.executable, "-m", "downspout", "get", *args],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def get(self, *args: str, limit: float = 100.0) -> Ran:
        """Run `downspout get --json` to its end."""
        command = [sys.executable, "-c", _MEASURED, "get", "--json", *args]
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            timeout=limit,
            check=False,
            text=True,
        )
        *lines, last = [json.loads(line) for line in done.stdout.splitlines()] or [{}]
        err, _, peak = done.stderr.rpartition("peak ")
        return Ran(done.returncode, lines, last.get("summary", {}), err, int(peak or 0))

    def files(self, below: str = "out") -> dict[str, bytes]:
        """Return what is below a folder, work files and ledgers left out."""
        root = self.folder / below
        return {
            path.relative_to(root).as_posix(): path.read_bytes()
            for path in root.rglob("*")
            if path.is_file() and not path.name.startswith(".")
        }

    def work_files(self, below: str = "out") -> list[str]:
        """Return the names of parts and records below a folder."""
        return [path.name for path in (self.folder / below).rglob(".downspout-*")]


_MEASURED = """
import atexit, sys
from downspout._cli import main

def tell():
    with open("/proc/self/status") as file:  # not getrusage, which counts whoever started the process as well
        peak = next((int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM:")), 0)
    sys.stderr.write(f"peak {peak}")

atexit.register(tell)
main()
"""


def small(count: int, first: int = 0) -> list[str]:
    """Return KooDrive's URIs of so many small documents."""
    return [f"koodrive:F{number:032d}" for number in range(first, first + count)]


def right(sandbox: Sandbox, count: int, first: int = 0) -> dict[str, bytes]:
    """Return the files that `small` brings."""
    found = {}
    for number in range(first, first + count):
        document = sandbox.world.library.get(f"small-{number:05d}")
        found[document.name] = bytes(document.read(0, document.size))
    return found


def resolves(requests: Iterable[Recorded]) -> int:
    """Return how many calls asked KooDrive for links."""
    return sum(each.method == "POST" and each.path.endswith("/files/download") for each in requests)


def fetches(requests: Iterable[Recorded]) -> Counter[str]:
    """Return how often each document was asked of KooDrive's store."""
    return Counter(each.path for each in requests if each.endpoint == "koodrive-store")


def install(folder: Path, name: str, code: str) -> None:
    """Install a plugin of that name in a folder, which commands need on their `PYTHONPATH`."""
    (folder / f"{name}_plugin.py").write_text(code)
    facts = folder / f"downspout_{name}-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: downspout-{name}\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text(f"[downspout.providers]\n{name} = {name}_plugin\n")
