"""What is measured (design section 7): each function prepares the ground for a row and returns it."""

import json
import math
import sys
import urllib.request
from collections.abc import Callable
from functools import partial
from pathlib import Path

from ground import LARGE_SIZE, MIB, MIDDLE_SIZE, SMALL_SIZE, Ground
from measure import OURS, Failure, Row, Sample, run, run_inside

_HERE = Path(__file__).resolve().parent
_SLEEPERS, _SLEEPER_SIZE, _SLEEP, _SLEEPER_JOBS = 500, 64 * 1024, 0.05, 16
_KOODRIVE_IDS = 10_000


def _large(ground: Ground, kind: str) -> Row:
    url = ground.nginx(kind) + ground.document("large.bin", LARGE_SIZE)
    ours = {**ground.environment, "DOWNSPOUT_CA_BUNDLE": str(ground.authority)}
    out = ground.out / "o.bin"
    commands: dict[str, list[str | Path]] = {
        OURS: [ground.downspout, "get", "-q", "-d", ground.out, url],
        "curl": ["curl", "-sS", "--cacert", ground.authority, "-o", out, url],
        "wget": ["wget", "-q", "--ca-certificate", ground.authority, "-O", out, url],
    }
    return Row(
        name=kind,
        title=f"one document of 1 GiB over {kind}",
        goal=1.0 if kind == "http" else 1.1,
        contestants=_commands(ground, commands, ours),
        most_peak=64 * MIB,
        against="curl",
        reset=ground.clear,
    )


def _connections(ground: Ground, name: str, *options: str) -> Row:
    url = ground.nginx("slow") + ground.document("middle.bin", MIDDLE_SIZE)
    commands: dict[str, list[str | Path]] = {
        OURS: [ground.downspout, "get", "-q", *options, "-d", ground.out, url],
        "aria2c": ["aria2c", "-q", "-x8", "-s8", "-k1M", "-d", ground.out, url],
    }
    how = "8 connections" if options else "as many connections as help"
    return Row(
        name=name,
        title=f"256 MiB, 8 MiB/s per connection, {how}",
        goal=1.1 if options else None,
        contestants=_commands(ground, commands, ground.environment),
        rounds=3,
        reset=ground.clear,
        note=lambda: f"arithmetic limit {MIDDLE_SIZE / (64 * MIB):g} s",
    )


def _small(ground: Ground, name: str, uris: list[str], title: str, jobs: int = 16) -> Row:
    address = ground.nginx("http")
    paths = ground.small_documents()
    ours, rclone, aria2c = (ground.folder / f"{name}.{who}" for who in ("ours", "rclone", "aria2c"))
    ours.write_text("\n".join(uris))
    rclone.write_text("\n".join(path.lstrip("/") for path in paths))
    aria2c.write_text("\n".join(address + path for path in paths))
    commands: dict[str, list[str | Path]] = {
        OURS: [ground.downspout, "get", "-q", f"-j{jobs}", "-d", ground.out, "-i", ours],
        "rclone": [
            *("rclone", "copy", "--transfers", "16", "--http-no-head", "--http-url", address),
            *("--files-from", rclone, ":http:", ground.out),
        ],
        "aria2c": ["aria2c", "-q", "-j16", "-d", ground.out, "-i", aria2c],
    }
    environment = {**ground.environment, "PYTHONPATH": str(_documents_provider(ground, address))}
    return Row(
        name=name,
        title=f"2,000 documents of 16 KiB, {title}, {jobs} jobs",
        goal=1.5,
        contestants=_commands(ground, commands, environment),
        against="rclone",
        reset=ground.clear,
    )


def _documents_provider(ground: Ground, address: str) -> Path:
    (ground.www / "answer.json").write_text('{"ok": true}')
    source = (_HERE / "providers" / "documents.py").read_text()
    source = source.replace("SIZE = 0", f"SIZE = {SMALL_SIZE}").replace("http://documents.example", address)
    return ground.install("documents", {"benchmark": source})


def _small_batched(ground: Ground) -> Row:
    uris = [f"benchmark:{path.rpartition('/')[2]}" for path in ground.small_documents()]
    return _small(ground, "small", uris, "links by the hundred")


def _small_web(ground: Ground, name: str = "small-web", jobs: int = 16) -> Row:
    address = ground.nginx("http")
    return _small(ground, name, [address + path for path in ground.small_documents()], "plain URLs", jobs)


def _latency(ground: Ground) -> Row:
    address = ground.sleepy_server(_SLEEPER_SIZE, _SLEEP)
    given = [address, str(_SLEEPERS), str(_SLEEPER_JOBS), str(ground.out)]
    return Row(
        name="latency",
        title="500 documents of 64 KiB, 50 ms before each answer, 16 jobs, inside the process",
        goal=1.1,
        contestants={OURS: partial(run_inside, _HERE / "inside.py", ground.environment, *given)},
        limit=math.ceil(_SLEEPERS / _SLEEPER_JOBS) * _SLEEP,
        reset=ground.clear,
    )


def _koodrive(ground: Ground) -> Row:
    environment = {**ground.environment, **ground.sandbox("koodrive")}
    listed = ground.folder / "koodrive.list"
    listed.write_text("".join(f"koodrive:F{number:032}\n" for number in range(_KOODRIVE_IDS)))
    command: list[str | Path] = [ground.downspout, "get", "-q", "-j16", "-d", ground.out, "-i", listed]

    def calls() -> str:
        address = environment["DOWNSPOUT_KOODRIVE_ENDPOINT"]
        with urllib.request.urlopen(f"{address}/_sandbox/requests") as answer:
            asked = json.load(answer)
        return f"{sum(each['endpoint'] == 'koodrive' for each in asked)} resolve calls"

    return Row(
        name="koodrive",
        title="10,000 KooDrive ids from the sandbox, 16 jobs",
        goal=None,
        contestants={OURS: partial(run, command, environment)},
        rounds=1,
        most_peak=120 * MIB,
        reset=ground.clear,
        note=calls,
    )


def _listed(ground: Ground, count: int) -> Row:
    site = ground.install("memory", {"memory": (_HERE / "providers" / "memory.py").read_text()})
    listed = ground.folder / f"{count}.list"
    listed.write_text("".join(f"memory:{number:06}.txt\n" for number in range(count)))
    command: list[str | Path] = [ground.downspout, "get", "-q", "-j16", "-d", ground.out, "-i", listed]

    def turn() -> Sample:
        sample = run(command, {**ground.environment, "PYTHONPATH": str(site)})
        there = sum(1 for _ in ground.out.glob("*.txt"))
        if there != count:
            raise Failure(f"{there} documents are there, not {count}")
        return sample

    return Row(
        name=f"list-{count // 1000}k",
        title=f"{count:,} URIs from a file, documents without a network",
        goal=None,
        contestants={OURS: turn},
        rounds=1,
        most_peak=200 * MIB,
        reset=ground.clear,
    )


def _start(ground: Ground, option: str) -> Row:
    commands: dict[str, list[str | Path]] = {
        OURS: [ground.downspout, f"--{option}"],
        "import click": [sys.executable, "-c", "import click"],
    }
    return Row(
        name=option,
        title=f"downspout --{option}",
        goal=1.5,
        contestants=_commands(ground, commands, ground.environment),
        rounds=15,
    )


def _many_plugins(ground: Ground) -> Row:
    source = (_HERE / "providers" / "idle.py").read_text()

    def sources(count: int) -> dict[str, str]:
        names = [f"idle{number:02}" for number in range(count)]
        return {name: source.replace("NAME", name) for name in names}

    command: list[str | Path] = [ground.downspout, "link", "idle00:document"]
    sites = {OURS: ground.install("fifty", sources(50)), "one installed": ground.install("one", sources(1))}
    return Row(
        name="plugins",
        title="50 providers installed, one used",
        goal=1.1,
        contestants={
            name: partial(run, command, {**ground.environment, "PYTHONPATH": str(site)})
            for name, site in sites.items()
        },
        rounds=15,
    )


def _commands(
    ground: Ground, commands: dict[str, list[str | Path]], environment: dict[str, str]
) -> dict[str, Callable[[], Sample]]:
    """Return a turn for each command whose program is here."""
    ours = {name: command for name, command in commands.items() if name not in ground.unavailable}
    return {
        name: partial(run, [ground.peers.get(name, command[0]), *command[1:]], environment)
        for name, command in ours.items()
    }


ALL: dict[str, Callable[[Ground], Row]] = {
    "http": partial(_large, kind="http"),
    "https": partial(_large, kind="https"),
    "connections": lambda ground: _connections(ground, "connections", "-x8"),
    "ramp": lambda ground: _connections(ground, "ramp"),
    "small": _small_batched,
    "small-web": _small_web,
    "small-one": partial(_small_web, name="small-one", jobs=1),
    "latency": _latency,
    "koodrive": _koodrive,
    "list-10k": partial(_listed, count=10_000),
    "list-50k": partial(_listed, count=50_000),
    "list-100k": partial(_listed, count=100_000),
    "version": partial(_start, option="version"),
    "help": partial(_start, option="help"),
    "plugins": _many_plugins,
}
