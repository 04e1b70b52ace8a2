"""Many documents: read as they come, resolved in batches just in time, brought down side by side."""

import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from concurrent.futures import Executor
from itertools import chain
from pathlib import Path

from attrs import evolve, field, frozen

from downspout._access import DocumentSource, Session, life_left
from downspout._batch.crew import Crew
from downspout._batch.feed import Feed, Settled
from downspout._batch.folders import base_of, only_new, unfold
from downspout._batch.headcount import Headcount
from downspout._batch.lane import Answer, Lane, Ready
from downspout._batch.ledger import Row
from downspout._batch.memory import Memory
from downspout._batch.outcomes import Outcomes
from downspout._batch.paths import make_below
from downspout._batch.troubles import asked_pause, is_too_long, may_wait, pause_after
from downspout._batch.wanted import Wanted
from downspout._models import Event, Failed, Folder, Link, Progress, Result
from downspout._plugins import TimeLimitExceeded
from downspout._transfer import Brought, Options, bring_down
from downspout.errors import (
    Cancelled,
    DownspoutError,
    InvalidURI,
    PluginError,
)

Outcome = Link | Folder | DownspoutError


@frozen
class BatchOptions:
    """How a batch is brought down.

    Attributes:
        jobs: how many documents at a time.
        transfer: for each of them.
        refresh: whether what is done is asked about again.
        tell: told of what happens.
        executor: whose threads do the work, or `None` for threads of our own.
    """

    jobs: int
    transfer: Options
    refresh: bool = False
    tell: Callable[[Event], None] = field(default=lambda _: None)
    executor: Executor | None = None


@frozen
class _Resolve:
    lane: Lane
    wanted: tuple[Wanted, ...]


@frozen
class _Start:
    lane: Lane
    ready: Ready


class Batch:
    """One run over many references.

    Args:
        wanted: read by a thread of ours, as far ahead as there is use for.
        read: completes a `Wanted` with its reference, or with its error.
        session_of: gives the session of an account; raises for what cannot be used.
        memory: names and what is done.
        options: what is wanted.
    """

    def __init__(
        self,
        wanted: Iterable[Wanted],
        read: Callable[[Wanted], Wanted],
        session_of: Callable[[str], Session],
        memory: Memory,
        options: BatchOptions,
    ) -> None:
        self._session_of, self._memory, self._options = session_of, memory, options
        self._lanes: dict[str, Lane] = {}
        self._wake = threading.Condition()
        self._stopping = False
        self._headcount = Headcount(options.jobs)
        self._turn: deque[Lane] = deque()
        self._feed = Feed(wanted, read, self)
        self._outcomes = Outcomes(memory, self._feed, options.tell)
        self._crew = Crew(self._outcomes.box, lambda: self.cancelled, options.executor)

    # The story.

    def run(self) -> Generator[Result, None, None]:
        """Yield what comes of each document, as it comes."""
        try:
            self._crew.start(self._feed.run, hired=False)
            for _ in range(self._options.jobs):
                self._crew.start(self._work)
            for result in self._delivered():
                if isinstance(result, BaseException):
                    raise result
                yield result
                self._feed.delivered()
        finally:
            self._stop()
            for _ in self._delivered():  # what is noted on the way out is noted before the ledger closes
                pass
            self._memory.sweep()

    def _delivered(self) -> Iterator[Result | BaseException]:
        for item in self._crew.delivered(self._abandoned):
            if isinstance(item, Failed):
                self._options.tell(item)
            else:
                yield item

    def _abandoned(self) -> Iterator[Result]:
        """Yield what threads that did not stop in time are still at."""
        with self._wake:
            for lane in self._lanes.values():
                for item in (*lane.busy, *lane.asking):
                    yield Result(item.reference, "left", index=item.index, uri=item.shown)

    def _stop(self) -> None:
        with self._wake:
            self._stopping = True
            self._wake.notify_all()
        self._feed.stop()

    @property
    def cancelled(self) -> bool:
        """Whether to stop."""
        return self._stopping or self._options.transfer.cancelled()

    # What the feed brings.

    def offer(self, items: list[Wanted]) -> None:
        """Take over what was read; settle at once what needs no network."""
        done = self._memory.done(items)
        lanes = [self._lane(item) for item in items]
        with self._wake:
            for item, lane in zip(items, lanes, strict=True):
                if item.error is not None:
                    self._outcomes.failed(item, item.error)
                elif (undone := self._undone(item, done)) is None:
                    continue
                elif isinstance(lane, DownspoutError):
                    self._outcomes.failed(item, lane)
                else:
                    self._enqueue(lane, undone)
            self._wake.notify_all()

    def _undone(self, item: Wanted, done: Mapping[str, Row]) -> Wanted | None:
        """Return what is to be asked for; `None` if it is there, and was answered for."""
        row = done.get(item.key)
        if row is None:
            return item
        if self._options.refresh:
            return evolve(item, done=row)
        self._outcomes.skipped(item, self._memory.path_of(row), row.size, row.version)
        return None

    def exhausted(self) -> None:
        """Nothing more will be read."""
        with self._wake:
            self._wake.notify_all()

    def repeat(self, item: Wanted, settled: Settled) -> None:
        """Answer for a reference that was asked for already in this run."""
        self._outcomes.repeated(item, settled)

    def _lane(self, item: Wanted) -> Lane | DownspoutError:
        """Return the lane of an account, or why it cannot be used. Called by the feed's thread alone."""
        if item.reference is None:
            return item.error or InvalidURI(f"{item.shown} names nothing.")
        name = item.reference.account
        lane = self._lanes.get(name)
        if lane is None:
            try:
                lane = Lane(self._session_of(name), self._options.jobs)
            except DownspoutError as exc:
                return exc
            with self._wake:
                self._lanes[name] = lane
                self._turn.append(lane)
        return lane

    def _enqueue(self, lane: Lane, item: Wanted) -> None:
        if self.cancelled:
            self._outcomes.left(item, None)
        elif lane.dead is None:
            lane.pending.append(item)
            lane.offered_at = time.monotonic()
        else:
            self._not_tried(lane, item, lane.dead)

    # What the workers do.

    def _work(self) -> None:
        while (action := self._next()) is not None:
            if isinstance(action, _Resolve):
                self._resolve(action)
            else:
                self._bring(action.lane, action.ready)

    def _next(self) -> _Resolve | _Start | None:
        with self._wake:
            self._headcount.working -= 1
            while not self.cancelled:
                action = self._choose() if self._headcount.has_room else None
                if action is not None:
                    self._headcount.working += 1
                    return action
                if self._finished():
                    self._wake.notify_all()
                    return None
                self._wake.wait(0.05)
            self._leave_everything()
            return None

    def _finished(self) -> bool:
        return self._feed.ended and not any(lane.has_work for lane in self._lanes.values())

    def _choose(self) -> _Resolve | _Start | None:
        """Return the next thing to do, each account in its turn; what keeps others busy comes first."""
        now = time.monotonic()
        for _ in range(len(self._turn)):
            lane = self._turn[0]
            self._turn.rotate(-1)
            if now < lane.not_before:
                continue
            if lane.should_ask(now, more_to_come=not self._feed.ended):
                return _Resolve(lane, lane.ask())
            ready = lane.next_ready() if lane.active < lane.limit else None
            if ready is not None:
                lane.active += 1
                lane.busy.add(ready.wanted)
                return _Start(lane, ready)
        return None

    # Where is it?

    def _resolve(self, action: _Resolve) -> None:
        lane, wanted = action.lane, action.wanted
        references = [item.reference for item in wanted if item.reference is not None]
        try:
            outcomes = lane.session.resolve(references, lambda: self.cancelled)
        except Cancelled:
            with self._wake:
                lane.asking.difference_update(wanted)
                lane.pending.extendleft(reversed(wanted))
                self._wake.notify_all()
            return
        except DownspoutError as exc:
            self._resolve_failed(lane, wanted, exc)
            return
        pages = [unfold(item, found, self._memory.claim) for item, found in zip(wanted, outcomes, strict=True)]
        done = self._memory.done(chain(*pages))
        mine: Ready | None = None
        answer = Answer()
        with self._wake:
            lane.asking.difference_update(wanted)
            lane.failures = 0
            for item, outcome, page in zip(wanted, outcomes, pages, strict=True):
                if isinstance(outcome, Folder):
                    self._unfold(lane, item, page, done)
                    continue
                ready = self._take(lane, item, outcome, answer)
                if ready is None:
                    continue
                if mine is None and lane.active < lane.limit:
                    mine = ready
                    lane.active += 1
                    lane.busy.add(item)
                else:
                    lane.ready.append(ready)
            if self._headcount.has_room:
                self._wake.notify_all()
        if mine is not None:
            self._bring(lane, mine)

    def _take(self, lane: Lane, item: Wanted, outcome: Link | DownspoutError, answer: Answer) -> Ready | None:
        if isinstance(outcome, Link):
            if item.done is not None and outcome.version is not None and outcome.version == item.done.version:
                self._outcomes.skipped(item, self._memory.path_of(item.done), item.done.size, outcome.version)
                return None
            return Ready(item, outcome, life_left(outcome, lane.session), answer)
        if not self._again(lane, item, outcome):
            self._outcomes.failed(item, outcome)
        return None

    def _unfold(self, lane: Lane, item: Wanted, page: list[Wanted], done: Mapping[str, Row]) -> None:
        """Put a folder's page before everything else."""
        self._feed.unfolded(len(page) - 1)
        for found in page:
            if found.error is not None:
                self._outcomes.failed(found, found.error)
        self._outcomes.unfolded(item, self._memory.directory / base_of(item))
        fresh = only_new([found for found in page if found.error is None], self._feed.is_repeated)
        undone = [left for found in fresh if (left := self._undone(found, done)) is not None]
        lane.pending.extendleft(reversed(undone))

    def _resolve_failed(self, lane: Lane, wanted: tuple[Wanted, ...], error: DownspoutError) -> None:
        with self._wake:
            lane.asking.difference_update(wanted)
            lane.failures += 1
            if lane.is_closed_by(error):
                self._outcomes.failed(wanted[0], error)
                self._give_up(lane, error, wanted[1:])
            elif isinstance(error.__cause__, TimeLimitExceeded):
                self._give_up(lane, error, wanted)
            elif may_wait(error) and lane.failures <= self._options.transfer.retries:
                lane.slow_down(pause_after(error, lane.failures))
                lane.pending.extendleft(reversed(wanted))
            else:
                for item in wanted:
                    self._outcomes.failed(item, error)
            self._wake.notify_all()

    def _give_up(self, lane: Lane, error: DownspoutError, wanted: Iterable[Wanted]) -> None:
        """Nothing more will come of this account: what waits stays undone, and says why."""
        lane.dead = error
        waiting = [*wanted, *(ready.wanted for ready in lane.ready), *lane.pending]
        lane.ready.clear()
        lane.pending.clear()
        for item in waiting:
            self._not_tried(lane, item, error)

    def _not_tried(self, lane: Lane, item: Wanted, error: DownspoutError) -> None:
        if lane.is_closed_by(error):
            self._outcomes.left(item, error)
        else:
            self._outcomes.failed(item, error)

    def _again(self, lane: Lane, item: Wanted, error: DownspoutError) -> bool:
        """Put a document that failed for now behind the others; return whether that was done."""
        tried_enough = item.attempts >= self._options.transfer.retries
        if tried_enough or lane.dead is not None or not may_wait(error):
            return False
        lane.slow_down(pause_after(error, item.attempts + 1))
        lane.pending.append(evolve(item, attempts=item.attempts + 1))
        return True

    # Give me bytes.

    def _bring(self, lane: Lane, ready: Ready) -> None:
        item = ready.wanted
        assert item.reference is not None
        source = DocumentSource(
            lane.session,
            item.reference,
            link=ready.link,
            cancelled=lambda: self.cancelled,
            tell=self._options.tell,
            refused=ready.was_refused,
        )
        transfer = self._options.transfer
        options = evolve(
            transfer,
            exists=transfer.exists if item.done is None else "overwrite",
            cancelled=lambda: self.cancelled,
            sha256=item.sha256 or transfer.sha256,
            keep_leftovers=True,
            longest_wait=1.0,
            throttled=lambda error: self._throttled(lane, error),
            progress=self._progress,
        )
        try:
            brought = bring_down(source, lambda name: self._place(item, name), options)
        except DownspoutError as exc:
            self._not_brought(lane, item, exc)
        except Exception as exc:
            error = PluginError(f"{item.shown}: an error of ours, {type(exc).__name__}.", hint="Please report it.")
            error.__cause__ = exc
            self._not_brought(lane, item, error)
        else:
            self._brought(lane, item, brought)

    def _progress(self, event: Progress) -> None:
        try:
            self._options.transfer.progress(event)
        except Exception as exc:  # the application's own: it is no failure of the document
            self._outcomes.box.put(exc, urgent=True)

    def _place(self, item: Wanted, name: str) -> Path:
        assert item.reference is not None
        wanted = item.target if item.target is not None else name if item.below is None else item.below / name
        target = self._memory.claim(item, str(wanted))
        return make_below(self._memory.directory, target)

    def _throttled(self, lane: Lane, error: DownspoutError) -> None:
        with self._wake:
            lane.slow_down(None if is_too_long(error) else asked_pause(error))  # nobody waits that long

    def _brought(self, lane: Lane, item: Wanted, brought: Brought) -> None:
        with self._wake:
            lane.active -= 1
            lane.busy.discard(item)
            lane.went_well()
            self._headcount.finished()
            if self._headcount.has_room:
                self._wake.notify()
        self._outcomes.brought(item, brought)

    def _not_brought(self, lane: Lane, item: Wanted, error: DownspoutError) -> None:
        with self._wake:
            lane.active -= 1
            lane.busy.discard(item)
            if isinstance(error, Cancelled):
                self._outcomes.stopped(item, error)
            elif lane.is_closed_by(error) or isinstance(error.__cause__, TimeLimitExceeded):
                self._outcomes.failed(item, error)
                self._give_up(lane, error, ())
            elif asked_pause(error) is None or not self._again(lane, item, error):
                self._outcomes.failed(item, error)
            self._wake.notify_all()

    # The end.

    def _leave_everything(self) -> None:
        """Say of all that waits that it is left; the first worker that stops does it for all."""
        for lane in self._lanes.values():
            waiting = [*(ready.wanted for ready in lane.ready), *lane.pending]
            lane.ready.clear()
            lane.pending.clear()
            for item in waiting:
                self._outcomes.left(item, None)
