"""`get --dry-run`: what would be done, without doing it."""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from attrs import evolve

from downspout._batch import Ledger, Memory, Wanted
from downspout._cli.common import say
from downspout._client import Client
from downspout._models import Folder, Link, Result
from downspout._names import choose_name
from downspout.errors import DownspoutError

_CHUNK = 1000


def foreseen(
    client: Client, wanted: Iterable[Wanted], directory: Path, ledger: Path | None, *, refresh: bool
) -> Iterator[Result]:
    """Yield what would come of each document: `failed` or `skipped`. Folders are not unfolded.

    Args:
        client: asks where they are.
        wanted: what is asked for.
        directory: where they would go; not made.
        ledger: what is done already, if the file is there; only read.
        refresh: whether what is done would be asked about again.
    """
    waiting = iter(wanted)
    known = Ledger.open(ledger, readonly=True) if ledger is not None and ledger.exists() else None
    try:
        memory = Memory(directory, known)
        while chunk := [client.complete(item) for item in islice(waiting, _CHUNK)]:
            done = {} if refresh else memory.done(chunk)
            asked = {item: item.reference for item in chunk if item.reference is not None and item.key not in done}
            outcomes = dict(zip(asked, client.resolve_many(asked.values()), strict=True))
            for item in chunk:
                row = done.get(item.key)
                if row is not None:
                    yield _result(item, "skipped", memory.path_of(row), row.size)
                else:
                    yield _foreseen(item, item.error or outcomes[item], directory)
    finally:
        if known is not None:
            known.close()


def _foreseen(item: Wanted, outcome: Link | Folder | DownspoutError, directory: Path) -> Result:
    if isinstance(outcome, DownspoutError):
        return evolve(_result(item, "failed"), error=outcome)
    if isinstance(outcome, Folder):
        path = directory / (item.target or "")
        say(f"would download the {len(outcome.children)} or more documents of {item.shown} to {path}")
        return _result(item, "skipped", path)
    path = directory / (item.target or choose_name(outcome.name, None, outcome.url))
    say(f"would download {item.shown} to {path}")
    return _result(item, "skipped", path, outcome.size)


def _result(item: Wanted, status: str, path: Path | None = None, size: int | None = None) -> Result:
    return Result(item.reference, status, path, size, index=item.index, uri=item.shown)  # type: ignore[arg-type]
