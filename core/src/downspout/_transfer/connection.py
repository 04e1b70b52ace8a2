"""One connection at work: it brings down segments, over as many streams as that takes."""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from downspout._transfer.decide import Complete, Fail, Identity, Restart, Said, decide
from downspout._transfer.options import Options
from downspout._transfer.pace import SpeedWatch
from downspout._transfer.patience import Patience
from downspout._transfer.source import Opened, open_document
from downspout._transfer.work import Segment
from downspout.errors import DownspoutError, ProtocolError, Unavailable

if TYPE_CHECKING:
    from downspout._transfer.fetch import Fetch

_BLOCK = 1024 * 1024
_buffers = threading.local()


class StartOver(Exception):
    """What is held is worth nothing.

    Attributes:
        opened: brings the document from its beginning, if there is such a stream already.
        trouble: what to count and wait for before all is asked for again, or `None`.
        why: in words.
    """

    def __init__(self, why: str, opened: Opened | None = None, trouble: DownspoutError | None = None) -> None:
        super().__init__(why)
        self.why, self.opened, self.trouble = why, opened, trouble

    def let_go(self) -> None:
        """Close the stream that nobody takes."""
        if self.opened is not None:
            self.opened.close()


class Connection:
    """Brings down segments of a document, one after the other.

    Args:
        fetch: the document.
        options: what is wanted.
        patience: how many failures this connection may meet.
        helps: whether it is not the first: then it gives up where the first would start over.
    """

    def __init__(self, fetch: "Fetch", options: Options, patience: Patience, *, helps: bool = False) -> None:
        self._fetch, self._options, self._patience, self._helps = fetch, options, patience, helps
        self._work, self._crew, self._part = fetch.work, fetch.helpers, fetch.part

    def run(self, opened: Opened | None = None) -> None:
        """Work until there is nothing left to do.

        Args:
            opened: a stream from the beginning, or `None`.

        Raises:
            StartOver: the document is another one by now.
            DownspoutError: the budget is spent.
        """
        try:
            while (segment := self._work.next(self._check)) is not None:
                given, opened = opened, None
                self._fill(segment, given)
        finally:
            if opened is not None:
                opened.close()

    def _check(self) -> None:
        self._crew.check()
        self._fetch.check_cancelled()

    def _fill(self, segment: Segment, opened: Opened | None) -> None:
        def is_over() -> bool:
            return segment.is_complete or self._crew.fatal is not None

        try:
            while not segment.is_complete:
                try:
                    opened = opened or self._open(segment, is_over)
                    self._use(opened, segment)
                except DownspoutError as exc:
                    self._check()  # what ends all goes before what ended this stream
                    if not segment.is_complete:
                        self._patience.after(exc, is_over)
                opened = None
        finally:
            self._work.put_back(segment)

    def _open(self, segment: Segment, is_over: Callable[[], bool]) -> Opened:
        self._check()
        start, source = segment.position, self._fetch.source
        if start == 0:
            return open_document(source, 0, None, None)
        stop = None if segment.stop is None else max(start + 1, segment.stop)  # another one may have it all by now
        return open_document(source, start, stop, self._fetch.identity.etag, given_up=is_over)

    def _use(self, opened: Opened, segment: Segment) -> None:
        """Take from a stream what it has for `segment`."""
        handed_on, segment.interrupt = False, opened.close
        try:
            self._crew.enter(opened.stream)
            try:
                self._follow(opened, segment)
            finally:
                self._crew.leave(opened.stream)
        except StartOver as over:
            handed_on = over.opened is opened
            raise
        finally:
            segment.interrupt = None
            if not handed_on:
                opened.close()

    def _follow(self, opened: Opened, segment: Segment) -> None:
        fetch = self._fetch
        held = fetch.identity if self._work.fetched else Identity()
        said = Said.by(opened.stream, opened.link)
        match decide(segment.position, held, said, fetch.shown):
            case Fail(error):
                raise error
            case Restart(here, why):
                if self._helps and not held.contradicts(said.identity):
                    raise ProtocolError(f"{fetch.shown}: {why}.")  # the first connection may do better
                raise StartOver(why, opened if here else None)
            case Complete():
                fetch.learn(said.identity, opened)
                segment.stop = segment.position
            case _:
                fetch.learn(said.identity, opened)
                if segment.stop is None:
                    segment.stop = fetch.identity.size
                self._pump(opened, segment)

    def _pump(self, opened: Opened, segment: Segment) -> None:
        """Move bytes until the stream or the segment ends."""
        limiter, begun = self._options.limiter, segment.position
        buffer = _buffer(_BLOCK if limiter is None else limiter.block)
        watch = SpeedWatch(self._options.min_speed, self._fetch.shown)
        while not segment.is_complete:
            self._check()
            at, count = opened.position, opened.readinto(buffer)
            if not count:
                self._check()  # an end that we made ourselves is not the document's
                break
            self._take(buffer[max(0, segment.position - at) : count], segment, opened)
            watch.came(count)
            if limiter is not None:
                limiter.spend(count, self._patience.wait)
            if not self._helps:
                self._crew.consider(opened)
        self._look_behind(opened, segment)
        if not segment.is_complete:
            self._ended(opened, segment, begun)

    def _take(self, data: memoryview, segment: Segment, opened: Opened) -> None:
        """Write `data`, as far as it is still this segment's; what came before its position is there already."""
        fetch, position = self._fetch, segment.position
        fetch.judge_head(data, position, opened.link)
        kept = len(data) if segment.stop is None else min(len(data), segment.left)
        if kept < len(data) and opened.stream.stop is None and segment.stop == fetch.identity.size:
            raise fetch.contradiction(f"more came than the {segment.stop} bytes it may have", opened.link)
        self._part.write(data[:kept], position)
        self._work.advance(segment, kept)
        fetch.came(kept)
        self._patience.reached(self._work.fetched)

    def _look_behind(self, opened: Opened, segment: Segment) -> None:
        """See that a stream has no more bytes than it announced, or than the document may have."""
        if opened.is_cut_short or (opened.stream.stop is None and segment.stop != self._fetch.identity.size):
            return
        try:
            more = opened.has_more()
        except Unavailable:
            return  # all bytes are there; how their stream ended does not matter
        if more:
            raise self._fetch.contradiction(f"more came than the {opened.position} bytes it may have", opened.link)

    def _ended(self, opened: Opened, segment: Segment, begun: int) -> None:
        """Judge the end of a stream: of the document, or merely of what this answer had."""
        fetch, at = self._fetch, segment.position
        if segment.stop is None and not opened.is_cut_short:
            fetch.ends_at(at)
            segment.stop = at
        elif opened.stream.stop is None and fetch.identity.etag is None and fetch.identity.version is None:
            raise fetch.contradiction(f"{at} bytes came of {segment.stop}", opened.link)
        elif opened.stream.stop is None or opened.is_cut_short:
            raise Unavailable(f"{fetch.shown}: the bytes stopped at {at} of {segment.stop}.")
        elif at == begun:
            raise Unavailable(f"{fetch.shown}: the server does not send what lies behind byte {at}.")


def _buffer(size: int) -> memoryview:
    """Return a buffer of this thread's own; making a large one costs more than a small document."""
    found: memoryview | None = getattr(_buffers, "view", None)
    if found is None:
        found = _buffers.view = memoryview(bytearray(_BLOCK))
    return found[:size]
