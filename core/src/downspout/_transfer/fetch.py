"""The bytes of one document, from the network to its part file, over one connection or several."""

import logging
from collections.abc import Callable
from datetime import datetime
from functools import partial

from attrs import evolve

from downspout._models import Link
from downspout._transfer.connection import Connection, StartOver
from downspout._transfer.decide import Identity
from downspout._transfer.helpers import Helpers
from downspout._transfer.inspect import HEAD, objection
from downspout._transfer.journal import Journal
from downspout._transfer.options import Options
from downspout._transfer.part import Part
from downspout._transfer.patience import Patience
from downspout._transfer.ranges import missing
from downspout._transfer.record import record_key
from downspout._transfer.source import Opened, Source
from downspout._transfer.work import Work
from downspout.errors import Cancelled, DownspoutError, IntegrityError, LinkRefused, StorageError, Unavailable

_HELPER_RETRIES = 2
_log = logging.getLogger(__name__)


class Fetch:
    """One document on its way to its part file.

    Args:
        source: gives links and streams.
        part: takes the bytes.
        options: what is wanted.
        patience: the budget of attempts.
        link: the link in hand.

    Attributes:
        source: as given.
        part: as given.
        work: what is still to be fetched.
        helpers: the further connections.
        identity: which bytes the part holds, as far as anybody said.
        shown: what messages name.
        size_was_announced: whether the size comes from anything but the end of the bytes.
        modified_at: when the document changed, as its service or the server says, or `None`.
        link: the link that brought bytes last.
    """

    def __init__(self, source: Source, part: Part, options: Options, patience: Patience, link: Link) -> None:
        self.source, self.part, self._options, self._patience = source, part, options, patience
        self.shown = source.reference.shown
        self._journal = Journal(source.reference, part, options.progress)
        self.link = link
        self._transferred_before = 0
        self._begin(Identity(), Work((), [(0, None)]))

    def _begin(self, identity: Identity, work: Work) -> None:
        self.identity, self.work, self._held = identity, work, work.fetched
        self.helpers = Helpers(work, self._options, self._hire)
        self.size_was_announced = self._judged = False
        self.modified_at: datetime | None = None
        self._journal.begin(work.fetched)

    @property
    def transferred(self) -> int:
        """Bytes that came over the network."""
        return self._transferred_before + self.work.fetched - self._held

    # The story.

    def run(self, opened: Opened | None) -> None:
        """Bring down all that is missing.

        Args:
            opened: the document from its beginning, if it was opened already.

        Raises:
            DownspoutError: it did not come; the part is kept for the next run where that is safe.
        """
        if self._take_up() and opened is not None:
            opened.close()
            opened = None
        try:
            while (over := self._round(opened)) is not None:
                opened = self._start_over(over)
        except BaseException:
            self.keep()
            raise

    def keep(self) -> None:
        """Note what has come for a later run; whatever ends this one goes on being raised."""
        self._journal.end(self.work, self.identity)

    def _round(self, opened: Opened | None) -> StartOver | None:
        """Bring down what is missing; return why all has to be done again, or `None` when all is there."""
        over = None
        try:
            Connection(self, self._options, self._patience).run(opened)
            self.helpers.check()
            self._check_all_there()
        except StartOver as exc:
            over = exc
        finally:
            self._end_helpers(over)
        return over

    def _end_helpers(self, over: StartOver | None) -> None:
        self.helpers.stop()
        found = self.helpers.fatal
        if isinstance(found, StartOver) and found is not over:
            found.let_go()

    def _start_over(self, over: StartOver) -> Opened | None:
        _log.info("%s: starting over: %s.", self.shown, over.why)
        try:
            self.part.reset()
            self._transferred_before = self.transferred
            self._begin(Identity(), Work((), [(0, None)]))
            self.helpers.forbid()
            if over.trouble is not None:
                self._patience.after(over.trouble)
            else:
                self._patience.restarted(Unavailable(f"{self.shown}: {over.why}, again and again."))
        except BaseException:
            over.let_go()
            raise
        return over.opened

    def _check_all_there(self) -> None:
        size, done = self.identity.size, self.work.done()
        if size is None or (size and done != ((0, size),)):
            why = "some of its bytes did not come"
            raise StartOver(why, trouble=Unavailable(f"{self.shown}: {why}."))
        if not self._judged:
            self._judge(self.part.read(0, HEAD), self.link)

    # What an earlier run left.

    def _take_up(self) -> bool:
        """Go on from what an earlier run left, if it is surely of the same document; else forget it."""
        record, now = self.part.record, Identity(self.link.version, None, self.link.size)
        if record is not None and record.key == record_key(self.source.reference):
            held, size = record.identity, self.part.size
            confirmed = held.confirms(now) or (held.etag is not None and not held.contradicts(now))
            done = [(start, min(stop, size)) for start, stop in record.done if start < size]
            if confirmed and done:
                identity = held.completed_by(now)
                self._begin(identity, Work(done, _gaps(done, identity.size)))
                return True
        if self.part.size:
            self.part.reset()
        return False

    # What connections ask and tell.

    def check_cancelled(self) -> None:
        """Raise `Cancelled` if it was asked for."""
        if self._options.cancelled():
            raise Cancelled(f"{self.shown}: stopped.", hint="Run it again to go on.")

    def learn(self, said: Identity, opened: Opened) -> None:
        """Take over what an answer says of the document; refuse what contradicts the service's own word."""
        link = opened.link
        if link.size is not None and said.size is not None and link.size != said.size:
            raise self.contradiction(f"the server has {said.size} bytes, the service says {link.size}", link)
        self.link = link
        self.identity = self.identity.completed_by(said).completed_by(Identity(size=link.size))
        self.size_was_announced = self.size_was_announced or self.identity.size is not None
        self.modified_at = link.modified_at or self.modified_at or opened.stream.modified_at

    def ends_at(self, position: int) -> None:
        """Say that the document ends at `position`: nobody had said so before."""
        self.identity = self.identity.completed_by(Identity(size=position))

    def came(self, count: int) -> None:
        """Say that bytes are on disk."""
        if count:
            self._patience.reached(self.work.fetched)
            self._journal.came(self.work, self.identity)

    def judge_head(self, data: memoryview, position: int, link: Link) -> None:
        """Look at the first bytes as soon as they are here; `data` comes at `position`."""
        if not self._judged and position < HEAD <= position + len(data):
            self._judge(self.part.read(0, position) + bytes(data[: HEAD - position]), link)

    def _judge(self, head: bytes, link: Link) -> None:
        """A sign-in page is not a document."""
        self._judged = True
        found = objection(
            head,
            link,
            self.part.target.name,
            accept_html=self._options.accept_html,
            has_digest=self._options.sha256 is not None,
        )
        if found is not None:
            raise self.contradiction(found, link)

    def contradiction(self, what: str, link: Link) -> StartOver:
        """A fresh link may lead to the document; if it does not, the bytes are not what they should be."""
        self.source.refuse(link)
        trouble = LinkRefused(
            f"{self.shown}: {what}.",
            hint="Sign in again, or ask the service's owner; --accept-html takes a page as it is.",
            final=IntegrityError,
        )
        return StartOver(what, trouble=trouble)

    # Several connections.

    def _hire(self) -> Callable[[], None]:
        """Return the work of one more connection; its troubles are minor."""
        options = evolve(self._options, longest_wait=0.0)
        patience = Patience(options, self.shown, _HELPER_RETRIES)
        return partial(self._help, self.helpers, Connection(self, options, patience, helps=True))

    def _help(self, helpers: Helpers, connection: Connection) -> None:
        try:
            connection.run()
        except StartOver as over:
            if not helpers.fail(over) and helpers.fatal is not over:
                over.let_go()
        except StorageError as exc:
            helpers.fail(exc)
        except DownspoutError:
            return  # the first connection meets it too, and decides


def _gaps(done: list[tuple[int, int]], size: int | None) -> list[tuple[int, int | None]]:
    if size is None:
        return [(done[0][1] if done[0][0] == 0 else 0, None)]
    gaps = missing(done, size)
    # All there, but is it still the document? One byte and its validator tell.
    return list(gaps) if gaps else [(max(0, size - 1), size)]
