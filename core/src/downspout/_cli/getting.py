"""What `downspout get` does once its options are understood."""

import contextlib
import gc
import time
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from attrs import define, evolve, field, frozen

from downspout._batch import Wanted
from downspout._cli.common import as_line, closed_pipe, emit, trace, user_client, visible
from downspout._cli.display import Display, display_for
from downspout._cli.lists import listed, number_of_wishes
from downspout._cli.signals import Stop, stopping
from downspout._client import Client
from downspout._models import Result
from downspout._transfer import Exists
from downspout.errors import DownspoutError, StorageError


@frozen
class Choices:
    """The options of `get`, as they were given."""

    uris: tuple[str, ...]
    list_file: str | None
    directory: str
    output: str | None
    jobs: int
    connections: int | None
    exists: Exists
    sha256: str | None
    compute_hash: bool
    limit_rate: float | None
    timeout: float
    min_speed: float
    retries: int
    accept_html: bool
    ledger: str | None
    no_ledger: bool
    refresh: bool
    dry_run: bool
    quiet: bool
    verbose: bool
    as_json: bool


@define
class Tally:
    """Counts results, and writes each as it comes."""

    as_json: bool
    begun: float = field(factory=time.monotonic)
    counts: Counter[str] = field(factory=Counter)
    kinds: Counter[str] = field(factory=Counter)
    transferred: int = 0

    def add(self, result: Result, display: Display) -> None:
        """Count one result, and write it to standard output."""
        self.counts[result.status] += 1
        self.transferred += result.transferred
        if result.error is not None and result.status == "failed":
            self.kinds[result.error.kind] += 1
        if self.as_json:
            display.show(as_line(as_json(result)))
        elif result.path is not None and result.status in {"ok", "skipped"}:
            display.show(visible(str(result.path)))

    @property
    def all_there(self) -> bool:
        """Whether every document is there."""
        return not self.counts["failed"] and not self.counts["left"]

    def summary(self) -> dict[str, Any]:
        """Return what it came to."""
        return {
            "ok": self.counts["ok"],
            "failed": self.counts["failed"],
            "skipped": self.counts["skipped"],
            "left": self.counts["left"],
            "bytes": self.transferred,
            "seconds": round(time.monotonic() - self.begun, 3),
            "kinds": dict(self.kinds),
        }


def as_json(result: Result) -> dict[str, Any]:
    """Return a result as the JSON line that stands for it."""
    error = result.error
    return {
        "index": result.index,
        "uri": result.uri,
        "status": result.status,
        "path": None if result.path is None else str(result.path),
        "size": result.size,
        "sha256": result.sha256,
        "verified": result.verified,
        "error": None if error is None else {"kind": error.kind, "message": error.message, "hint": error.hint},
    }


def run(choices: Choices) -> int:
    """Download, and return the exit status."""
    gc.freeze()  # what is imported stays to the end: no collection has to look at it
    with stopping() as stop, client_for(choices) as client:
        if choices.output == "-":
            from downspout._cli.show import copy_to_stdout

            return copy_to_stdout(client, choices.uris[0], stop, sha256=choices.sha256)
        tally = Tally(choices.as_json)
        try:
            with display_for(quiet=choices.quiet, verbose=choices.verbose, total=_total(choices)) as display:
                for result in _results(client, choices, stop, display):
                    tally.add(result, display)
                    display.ended(result)
                    if result.error is not None and result.status == "failed":
                        trace(result.error)
                display.close(tally.summary())
            if choices.as_json:
                emit({"summary": tally.summary()})
        except BrokenPipeError:
            stop.signal = stop.signal or 13
            return closed_pipe()
        if stop.asked():
            return stop.status
        return 0 if tally.all_there else 1


def _total(choices: Choices) -> int | None:
    """Return how many documents (or folders) are asked for, if that is to be had without waiting."""
    listed = 0 if choices.list_file is None else number_of_wishes(choices.list_file)
    return None if listed is None else len(choices.uris) + listed


def client_for(choices: Choices) -> Client:
    """Return the client that the options ask for."""
    return user_client(
        timeout=choices.timeout,
        retries=choices.retries,
        min_speed=choices.min_speed,
        limit_rate=choices.limit_rate or None,
        accept_html=choices.accept_html,
    )


def _results(client: Client, choices: Choices, stop: Stop, display: Display) -> Iterator[Result]:
    if choices.dry_run:
        from downspout._cli.foreseeing import foreseen

        directory = Path(choices.directory)
        yield from foreseen(client, _wanted(choices), directory, _ledger(choices), refresh=choices.refresh)
    elif choices.output is not None:
        yield _one(client, choices, stop, display)
    else:
        yield from client.download_many(
            _wanted(choices),
            choices.directory,
            jobs=choices.jobs,
            ledger=_ledger(choices),
            progress=display.progress,
            cancel=stop.asked,
            exists=choices.exists,
            connections=choices.connections,
            compute_hash=choices.compute_hash,
            refresh=choices.refresh,
        )


def _wanted(choices: Choices) -> Iterator[Wanted]:
    given = (Wanted(uri, sha256=choices.sha256, index=i) for i, uri in enumerate(choices.uris, 1))
    return chain(given, listed(choices.list_file) if choices.list_file is not None else ())


def _ledger(choices: Choices) -> Path | None:
    if choices.no_ledger:
        return None
    if choices.ledger is not None:
        return Path(choices.ledger)
    return Path(choices.directory) / ".downspout.sqlite" if choices.list_file is not None else None


def _one(client: Client, choices: Choices, stop: Stop, display: Display) -> Result:
    uri = choices.uris[0]
    wanted = Wanted(uri, index=1)
    target = Path(choices.directory) / (choices.output or "")
    try:
        with contextlib.suppress(DownspoutError):
            wanted = evolve(wanted, reference=client.reference(uri))
        Path(choices.directory).mkdir(parents=True, exist_ok=True)
        result = client.download(
            uri,
            target,
            exists=choices.exists,
            connections=choices.connections,
            progress=display.progress,
            cancel=stop.asked,
            digest=choices.sha256,
            compute_hash=choices.compute_hash,
        )
        return evolve(result, uri=wanted.shown)
    except OSError as exc:
        error: DownspoutError = StorageError.from_os(f"making the folder {choices.directory}", exc)
    except DownspoutError as exc:
        error = exc
    status = "left" if error.kind == "cancelled" else "failed"
    return Result(wanted.reference, status, error=error, index=1, uri=wanted.shown)  # type: ignore[arg-type]
