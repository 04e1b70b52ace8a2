"""Runs contestants side by side, and keeps what each took."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median

from attrs import field, frozen

OURS = "downspout"


@frozen
class Sample:
    """One turn.

    Attributes:
        seconds: wall time.
        peak: most memory that the process held, in bytes; 0 if nobody looked.
        cpu: seconds of processor time, user and system.
    """

    seconds: float
    peak: int = 0
    cpu: float = 0.0


@frozen
class Row:
    """One kind of work.

    Attributes:
        name: as on the command line.
        title: for people.
        goal: the most that downspout may take, as a part of the best peer's time; `None`: nothing is compared.
        contestants: by name, ours first; each takes its turn and returns its sample.
        rounds: how often each has its turn.
        limit: arithmetic lower bound in seconds, or `None`.
        most_peak: bytes of memory that downspout may hold, or `None`.
        against: the peer that the goal is about; `None`: the best of them.
        reset: called before each turn.
        note: what is worth saying of the outcome; called at the end.
    """

    name: str
    title: str
    goal: float | None
    contestants: Mapping[str, Callable[[], Sample]]
    rounds: int = 5
    limit: float | None = None
    most_peak: int | None = None
    against: str | None = None
    reset: Callable[[], None] = field(default=lambda: None)
    note: Callable[[], str] = field(default=lambda: "")


@frozen
class Outcome:
    """What came of a row: the samples of each contestant, round by round."""

    row: Row
    samples: Mapping[str, Sequence[Sample]]
    note: str = ""

    def seconds(self, name: str) -> float:
        """Return a contestant's median."""
        return median(sample.seconds for sample in self.samples[name])

    @property
    def peak(self) -> int:
        """Most memory that downspout held, in bytes."""
        return max(sample.peak for sample in self.samples[OURS])

    @property
    def rival(self) -> str | None:
        """The peer that counts, or `None`."""
        peers = [name for name in self.samples if name != OURS]
        if self.row.against in peers:
            return self.row.against
        return min(peers, key=self.seconds, default=None)

    @property
    def ratio(self) -> float | None:
        """The median of downspout's part of the peer's time (or the limit), round by round; or `None`."""
        ours = [sample.seconds for sample in self.samples[OURS]]
        if self.row.limit is not None:
            return median(ours) / self.row.limit
        if self.rival is None:
            return None
        return median(a / b.seconds for a, b in zip(ours, self.samples[self.rival], strict=True))


def measured(row: Row, rounds: int) -> Outcome:
    """Let every contestant have its turn, round by round; the first round warms up and does not count."""
    samples: dict[str, list[Sample]] = {name: [] for name in row.contestants}
    for number in range(rounds + (rounds > 1)):
        for name, turn in row.contestants.items():
            row.reset()
            sample = turn()
            if number or rounds == 1:
                samples[name].append(sample)
    row.reset()
    return Outcome(row, samples, row.note())


class Failure(Exception):
    """A contestant did not do its work."""


def run(command: Sequence[str | os.PathLike[str]], env: Mapping[str, str]) -> Sample:
    """Run a command to its end.

    Its peak is the child's own as long as that is above what this process holds, because exec hands it on.

    Raises:
        Failure: its status is not 0.
    """
    begun = time.perf_counter()
    with subprocess.Popen(
        command, env=dict(env), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        said = process.stderr.read()[-300:]
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise Failure(f"{Path(command[0]).name} ended with {process.returncode}: {said.decode(errors='replace')}")
    return Sample(seconds, usage.ru_maxrss * 1024, usage.ru_utime + usage.ru_stime)


def run_inside(script: Path, env: Mapping[str, str], *arguments: str) -> Sample:
    """Run a script of ours that measures itself, and prints `{"seconds": …}`."""
    done = subprocess.run(
        [sys.executable, script, *arguments], env=dict(env), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Failure(f"{script.name} ended with {done.returncode}: {done.stderr[-300:]}")
    return Sample(**json.loads(done.stdout))
