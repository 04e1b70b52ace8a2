"""What came of each document: remembered, told to whoever listens, and handed on."""

from collections.abc import Callable
from pathlib import Path

from attrs import evolve

from downspout._batch.feed import Feed, Settled
from downspout._batch.memory import Memory
from downspout._batch.outbox import Outbox
from downspout._batch.wanted import Wanted
from downspout._models import Event, Failed, Result, done
from downspout._transfer import Brought
from downspout.errors import DownspoutError


class Outcomes:
    """The way out of a batch. Safe for threads.

    Args:
        memory: what is done is noted in it.
        feed: hears what is settled, because equal references wait for it.
        tell: told of what happens.

    Attributes:
        box: results, failures to tell of, what is raised to whoever iterates, and a `None` for each thread that
            has ended.
    """

    def __init__(self, memory: Memory, feed: Feed, tell: Callable[[Event], None]) -> None:
        self._memory, self._feed, self._tell = memory, feed, tell
        self.box: Outbox[Result | Failed | BaseException | None] = Outbox()

    def brought(self, item: Wanted, brought: Brought) -> None:
        """A document is there."""
        result = evolve(brought.result, index=item.index, uri=item.shown)
        try:
            self._memory.record(item, result, brought.digest, brought.kept)
        except DownspoutError as exc:
            self.box.put(exc, urgent=True)
            return
        self._deliver(item, result)
        assert item.reference is not None
        self._tell(done(item.reference, result, brought.digest))

    def skipped(self, item: Wanted, path: Path | None, size: int | None, version: str | None) -> None:
        """A document was there already."""
        self._deliver(item, self._result(item, "skipped", path=path, size=size, version=version))

    def failed(self, item: Wanted, error: DownspoutError) -> None:
        """A document is not there, and will not be in this run."""
        self._note(item, self._result(item, "failed", error=error))
        if item.reference is not None:
            self.box.put(Failed(item.reference, error))  # told by whoever iterates: here a lock may be held

    def left(self, item: Wanted, error: DownspoutError | None) -> None:
        """A document was not tried to the end: `error` says why, `None` is an interrupt."""
        result = self._result(item, "left", error=error)
        if error is None:
            self._deliver(item, result)  # nothing is known of it that a later run would need
        else:
            self._note(item, result)

    def stopped(self, item: Wanted, error: DownspoutError) -> None:
        """A document was interrupted on its way."""
        self.left(item, None)
        assert item.reference is not None
        self.box.put(Failed(item.reference, error))  # told by whoever iterates: here a lock may be held

    def repeated(self, item: Wanted, settled: Settled) -> None:
        """A document was asked for already in this run."""
        if settled.status == "left":
            self.left(item, settled.error)
        elif settled.error is not None:
            self.failed(item, settled.error)
        else:
            self.skipped(item, Path(settled.path), settled.size, None)

    def unfolded(self, item: Wanted, folder: Path) -> None:
        """A folder is listed: it has no result of its own, but whoever asks for it again gets one."""
        self._feed.settled(item, self._result(item, "skipped", path=folder))

    def _note(self, item: Wanted, result: Result) -> None:
        try:
            self._memory.record(item, result, None, ())
        except DownspoutError as exc:
            self.box.put(exc, urgent=True)
        self._deliver(item, result)

    def _deliver(self, item: Wanted, result: Result) -> None:
        self._feed.settled(item, result)
        self.box.put(result)

    def _result(self, item: Wanted, status: str, **facts: object) -> Result:
        return Result(item.reference, status, index=item.index, uri=item.shown, **facts)  # type: ignore[arg-type]
