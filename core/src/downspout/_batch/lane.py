"""One account's share of a batch: what is to be resolved, what can start, and how fast it may go."""

import logging
import time
from collections import deque

from attrs import define, field

from downspout._access import Session
from downspout._batch.troubles import is_too_long
from downspout._batch.wanted import Wanted
from downspout._models import Link
from downspout.errors import AuthenticationError, DownspoutError, RateLimited

_log = logging.getLogger(__name__)
_PATIENCE_FOR_A_BATCH = 0.2
_RECOVERY = 8
"""So many documents in a row that went well allow one more at a time."""


@define(eq=False)
class Answer:
    """What one call for links answered.

    Attributes:
        came_at: monotonic time.
        came_dead: whether one of its links that seemed dead on arrival was refused: so are the others.
    """

    came_at: float = field(factory=time.monotonic)
    came_dead: bool = False


@define(eq=False)
class Ready:
    """A document whose link is in hand.

    Attributes:
        wanted: the document.
        link: where it is.
        dies_at: monotonic time, or `None` if nobody can tell.
        answer: which it came with.
    """

    wanted: Wanted
    link: Link
    dies_at: float | None = None
    answer: Answer = field(factory=Answer)

    @property
    def seemed_dead(self) -> bool:
        """Whether it was dead when it came, as far as clocks agree."""
        return self.dies_at is not None and self.dies_at <= self.answer.came_at

    @property
    def is_stale(self) -> bool:
        """Whether the link has died while it waited; dead on arrival is not believed before one was tried."""
        if self.dies_at is None:
            return False
        return self.answer.came_dead if self.seemed_dead else time.monotonic() >= self.dies_at

    def was_refused(self, link: Link) -> None:
        """Say that `link`, this one or one that came after it, was refused."""
        if link is self.link and self.seemed_dead:
            self.answer.came_dead = True


@define(eq=False)
class Lane:
    """The state of one account. Its owner holds the lock.

    Attributes:
        session: the account in use.
        limit: how many documents at a time; sinks when the service throttles, and recovers.
        most: how high it may recover.
        pending: what is to be resolved; folders' children come first.
        ready: what can start.
        batch: how many are resolved at once; fewer when links die before their turn.
        active: documents that are being brought down.
        asking: those that are being resolved.
        not_before: monotonic time before which nothing starts.
        dead: why nothing of this account will come, or `None`.
        busy: those that are being brought down.
        offered_at: monotonic time at which something was last put into `pending`.
        failures: calls in a row that failed as a whole.
    """

    session: Session
    most: int
    limit: int = field(init=False)
    batch: int = field(init=False)
    pending: deque[Wanted] = field(factory=deque)
    ready: deque[Ready] = field(factory=deque)
    active: int = 0
    asking: set[Wanted] = field(factory=set)
    not_before: float = 0.0
    dead: DownspoutError | None = None
    busy: set[Wanted] = field(factory=set)
    offered_at: float = 0.0
    failures: int = 0
    _good: int = 0
    _slowed_at: float = 0.0
    _wilted: bool = False

    def __attrs_post_init__(self) -> None:
        self.limit = self.most
        self.batch = self.session.hooks.batch_size

    @property
    def has_work(self) -> bool:
        """Whether anything is waiting or under way."""
        return bool(self.pending or self.ready or self.active or self.asking)

    def is_closed_by(self, error: DownspoutError) -> bool:
        """Return whether the account is of no use any more: nobody signs in, or it asks for hours of patience."""
        signed_out = isinstance(error, AuthenticationError) or self.session.credentials.dead is error
        return signed_out or (isinstance(error, RateLimited) and is_too_long(error))

    def should_ask(self, now: float, *, more_to_come: bool) -> bool:
        """Return whether it is time to resolve some more.

        A service that knows batches gets full ones, unless nothing more comes, or nothing else is to be done
        while they fill up; and not before what is in hand can nearly all start.
        """
        if not self.pending:
            return False
        if self.batch == 1:
            return self.active + len(self.asking) + len(self.ready) < self.limit
        if self.asking or len(self.ready) >= self.limit:
            return False
        if len(self.pending) >= self.batch or not more_to_come:
            return True
        return not self.active and not self.ready and now - self.offered_at > _PATIENCE_FOR_A_BATCH

    def ask(self) -> tuple[Wanted, ...]:
        """Take out what is to be resolved next. Where no link of the last batch died, a batch may grow again."""
        if not self._wilted:
            self.batch = min(self.session.hooks.batch_size, self.batch + max(1, self.batch // 4))
        self._wilted = False
        count = min(self.batch, len(self.pending))
        wanted = tuple(self.pending.popleft() for _ in range(count))
        self.asking.update(wanted)
        return wanted

    def slow_down(self, seconds: float | None) -> None:
        """The service throttles: half as many at a time, and a pause if it asked for one."""
        now = time.monotonic()
        self._good = 0
        if now - self._slowed_at > 1.0:  # one answer of many that came together
            self._slowed_at = now
            self.limit = max(1, self.limit // 2)
            name, pause = self.session.account.name, seconds or 0.0
            _log.info("The account %s: %d at a time from now on, after %.1f s.", name, self.limit, pause)
        if seconds is not None:
            self.not_before = max(self.not_before, now + seconds)

    def went_well(self) -> None:
        """One more document came down."""
        self.failures = 0
        self._good += 1
        if self._good >= _RECOVERY and self.limit < self.most:
            self.limit, self._good = self.limit + 1, 0

    def next_ready(self) -> Ready | None:
        """Return a document whose link is still alive; the others are to be resolved again, in smaller batches."""
        while self.ready:
            ready = self.ready.popleft()
            if not ready.is_stale:
                return ready
            self.pending.appendleft(ready.wanted)
            if not self._wilted:
                self._wilted, self.batch = True, max(1, self.batch // 2)
        return None
