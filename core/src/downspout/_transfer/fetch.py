"""The bytes of one document, from the network to its part file, over one connection or several."""

import contextvars
import threading
import time
from datetime import datetime

from downspout._models import Link, Progress, Stream
from downspout._transfer.decide import Append, Complete, Fail, Identity, Restart, Said, decide
from downspout._transfer.helpers import Helpers
from downspout._transfer.inspect import HEAD, objection
from downspout._transfer.options import Options
from downspout._transfer.pace import SpeedWatch
from downspout._transfer.part import Part
from downspout._transfer.patience import PROGRESS, Patience
from downspout._transfer.ranges import missing, total
from downspout._transfer.record import Record, record_key
from downspout._transfer.source import Source
from downspout._transfer.work import Segment, Work
from downspout.errors import Cancelled, DownspoutError, IntegrityError, LinkRefused, StorageError, Unavailable

_BLOCK = 1024 * 1024
_NOTE_SECONDS = 0.25
_NOTE_SHARE = 20
"""Noting how far it is takes at most one part in so many of the time, however slow the disk is at flushing."""
_TELL_SECONDS = 0.1
_HELPER_RETRIES = 2
_buffers = threading.local()


class StartOver(Exception):
    """What is held is worth nothing; `stream`, if any, brings the document from its beginning."""

    def __init__(self, stream: Stream | None = None, trouble: DownspoutError | None = None) -> None:
        super().__init__()
        self.stream, self.trouble = stream, trouble


class Fetch:
    """One document on its way to its part file.

    Args:
        source: gives links and streams.
        part: takes the bytes.
        options: what is wanted.
        patience: the budget of attempts.

    Attributes:
        identity: which bytes the part holds, as far as anybody said.
        name: of the target, for judging its first bytes.
        shown: what messages name.
        transferred: bytes that came over the network.
        size_was_announced: whether the size comes from anything but the end of the bytes.
        modified_at: when the server says that the document changed, or `None`.
        link: the link that was used last, or `None`.
    """

    def __init__(self, source: Source, part: Part, options: Options, patience: Patience) -> None:
        self._source, self._part, self._options, self._patience = source, part, options, patience
        self.shown = source.reference.shown
        self._lock = threading.Lock()
        self._streams: set[Stream] = set()
        self._helpers = Helpers(self, options)
        self._noted_at = self._told_at = time.monotonic()
        self._noted = 0
        self._note_pause = _NOTE_SECONDS
        self._fatal: BaseException | None = None
        self._work = Work((), [(0, None)])
        self.name = part.target.name
        self.identity = Identity()
        self.transferred = 0
        self.size_was_announced = False
        self.modified_at: datetime | None = None
        self.link: Link | None = None

    # The story.

    def run(self, link: Link, first: Stream | None) -> None:
        """Bring down all that is missing.

        Args:
            link: the link in hand.
            first: a stream of it, opened from the beginning, or `None`.

        Raises:
            DownspoutError: it did not come; the part is kept for the next run where that is safe.
        """
        self._take_up(link)
        stream = first if self._work.fetched == 0 else None
        if first is not None and stream is None:
            first.close()
        try:
            while True:
                try:
                    self._fetch_all(stream)
                    self._check_all_there()
                except StartOver as over:
                    stream = self._start_over(over)
                else:
                    break
        except BaseException:
            self._stop_helpers()
            self._note_in_the_end()
            raise

    def _fetch_all(self, stream: Stream | None) -> None:
        try:
            while (segment := self._next_segment()) is not None:
                self.fill(segment, self._patience, stream)
                stream = None
        finally:
            if stream is not None:
                stream.close()
        if self._fatal is not None:
            raise self._fatal

    def _check_all_there(self) -> None:
        size, done = self.identity.size, self._work.done()
        if size is None or (size and done != ((0, size),)):
            raise StartOver(trouble=Unavailable(f"{self.shown}: some of its bytes did not come."))

    def _next_segment(self) -> Segment | None:
        """Return work for the first connection; when there is none, wait for the others to end."""
        segment = self._work.take()
        if segment is None:
            self._helpers.join()
            segment = self._work.take()
        return segment if self._fatal is None else None

    def _take_up(self, link: Link) -> None:
        """Go on from what an earlier run left, if it is surely of the same document; else forget it."""
        record, now = self._part.record, Identity(link.version, None, link.size)
        if record is not None and record.key == record_key(self._source.reference):
            held = record.identity
            confirmed = held.confirms(now) or (held.etag is not None and not held.contradicts(now))
            done = [(start, min(stop, self._part.size)) for start, stop in record.done if start < self._part.size]
            if confirmed and done:
                self.identity = held.completed_by(now)
                self._work = Work(done, self._gaps(done))
                self._noted = self._work.fetched
                return
        if self._part.size:
            self._part.reset()

    def _gaps(self, done: list[tuple[int, int]]) -> list[tuple[int, int | None]]:
        size = self.identity.size
        if size is None:
            return [(done[0][1] if done[0][0] == 0 else 0, None)]
        gaps = missing(done, size)
        # All there, but is it still the document? One byte and its validator tell.
        return list(gaps) if gaps else [(max(0, size - 1), size)]

    def _start_over(self, over: StartOver) -> Stream | None:
        self._stop_helpers()
        self._helpers.forbid()
        self._part.reset()
        self.identity, self._fatal = Identity(), None
        self._work = Work((), [(0, None)])
        self._noted = 0
        if over.trouble is not None:
            self._patience.after(over.trouble)
        return over.stream

    # One connection.

    def fill(self, segment: Segment, patience: Patience, stream: Stream | None = None) -> None:
        """Fetch `segment`, over as many streams as it takes.

        Raises:
            StartOver: the document is another one by now.
            DownspoutError: the budget is spent.
        """
        ended = False
        try:
            while True:
                link = None
                try:
                    self._check()
                    link = self.link = self._source.link()
                    if stream is None:
                        stream = self._open(link, segment)
                    ended = self._use(stream, link, segment)
                    if ended:
                        return
                    stream = None
                except DownspoutError as exc:
                    stream = None
                    if isinstance(exc, LinkRefused) and link is not None:
                        self._source.refuse(link)
                    patience.after(exc)
        finally:
            self._work.put_back(segment, ended=ended)

    def _open(self, link: Link, segment: Segment) -> Stream:
        start = segment.position
        if start == 0:
            return self._source.open(link, 0, None, None)
        return self._source.open(link, start, segment.stop, self.identity.etag)

    def _use(self, stream: Stream, link: Link, segment: Segment) -> bool:
        """Take from `stream` what it has for `segment`; return whether nothing of it is missing."""
        with self._lock:
            self._streams.add(stream)
        handed_on = False
        try:
            held = self.identity if self._work.fetched else Identity()
            said = Said.by(stream, link)
            decision = decide(segment.position, held, said, self.shown)
            if isinstance(decision, Fail):
                raise decision.error
            if isinstance(decision, Restart):
                handed_on = decision.here
                raise StartOver(stream if decision.here else None)
            if isinstance(decision, Complete):
                self._learn(said.identity, link, segment)
                return True
            self.modified_at = self.modified_at or stream.modified_at
            self._place(decision, segment)
            self._learn(said.identity, link, segment)
            return self._pump(stream, link, segment)
        finally:
            with self._lock:
                self._streams.discard(stream)
            if not handed_on:
                stream.close()

    def _place(self, decision: Append, segment: Segment) -> None:
        """Let a stream that starts earlier than asked write again what is there: the same bytes."""
        if decision.at < segment.position:
            segment.position = decision.at
            segment.begun = min(segment.begun, decision.at)

    def _learn(self, said: Identity, link: Link, segment: Segment) -> None:
        """Take over what an answer says of the document; refuse what contradicts the service's own word."""
        if link.size is not None and said.size is not None and link.size != said.size:
            raise self._contradiction(f"the server has {said.size} bytes, the service says {link.size}", link)
        known = said.completed_by(Identity(link.version, None, link.size))
        self.identity = self.identity.completed_by(known)
        self.size_was_announced = self.size_was_announced or self.identity.size is not None
        if segment.stop is None:
            segment.stop = self.identity.size

    def _contradiction(self, what: str, link: Link) -> Exception:
        """A fresh link may lead to the document; if it does not, the bytes are not what they should be."""
        trouble = LinkRefused(
            f"{self.shown}: {what}.",
            hint="Sign in again, or ask the service's owner; --accept-html takes a page as it is.",
            final=IntegrityError,
        )
        self._source.refuse(link)
        return StartOver(trouble=trouble)

    def _pump(self, stream: Stream, link: Link, segment: Segment) -> bool:
        """Move bytes until the stream or the segment ends; return whether the segment did."""
        limiter = self._options.limiter
        buffer = _buffer(_BLOCK if limiter is None else limiter.block)
        watch = SpeedWatch(self._options.min_speed, self.shown)
        unseen = segment.position == 0
        while True:
            self._check()
            if segment.stop is not None and segment.position >= segment.stop > 0:
                return True
            count = stream.readinto(buffer)
            reached = segment.position + count
            if unseen and (not count or reached >= HEAD or reached >= (segment.stop or reached + 1)):
                before = self._part.read(0, min(HEAD, segment.position))
                self._judge(before + bytes(buffer[: min(count, HEAD)]), link)
                unseen = False
            if not count:
                return self._ended(stream, link, segment)
            kept = self._work.room(segment, count)
            if kept < count and segment.stop == self.identity.size and stream.size is None:
                raise self._contradiction(f"more than {segment.stop} bytes came", link)
            self._part.write(buffer[:kept], segment.position)
            complete = self._work.advance(segment, kept)
            self._came(kept)
            watch.came(kept)
            if limiter is not None:
                limiter.spend(count, self._patience.wait)
            if complete:
                return True
            self._helpers.consider(stream, link)

    def _ended(self, stream: Stream, link: Link, segment: Segment) -> bool:
        """Judge the end of a stream: of the document, or merely of what this answer had."""
        if segment.stop is None:
            if link.size is not None and link.size != segment.position:
                raise self._contradiction(f"{segment.position} bytes came, the service says {link.size}", link)
            self.identity = self.identity.completed_by(Identity(size=segment.position))
            segment.stop = segment.position
            return True
        if segment.position >= segment.stop:
            return True
        if stream.stop is None or stream.stop >= segment.stop:
            if self.identity.etag is None and self.identity.version is None:
                raise self._contradiction(f"{segment.position} bytes came of {segment.stop}", link)
            raise Unavailable(f"{self.shown}: the bytes stopped at {segment.position} of {segment.stop}.")
        return False

    def _judge(self, head: bytes, link: Link) -> None:
        """Look at the first bytes: a sign-in page is not a document."""
        options = self._options
        found = objection(
            head[:HEAD],
            link,
            self.name,
            accept_html=options.accept_html,
            has_digest=options.sha256 is not None,
        )
        if found is not None:
            raise self._contradiction(found, link)

    # On the way.

    def _check(self) -> None:
        if self._options.cancelled():
            raise Cancelled(f"{self.shown}: stopped.", hint="Run it again to go on.")
        if self._fatal is not None:
            raise self._fatal

    def _came(self, count: int) -> None:
        self.transferred += count
        fetched = self._work.fetched
        self._patience.reached(fetched)
        now = time.monotonic()
        if now - self._told_at >= _TELL_SECONDS:
            self._told_at = now
            self.tell()
        fresh = fetched - self._noted
        due = now - self._noted_at >= self._note_pause or (self._noted == 0 and fresh >= PROGRESS)
        if fresh and due and self._lock.acquire(blocking=False):
            try:
                self._note()
            finally:
                self._lock.release()

    def tell(self) -> None:
        """Report how far it is."""
        fetched, size = self._work.fetched, self.identity.size
        done = fetched if size is None else min(fetched, size)
        self._options.progress(Progress(self._source.reference, "downloading", done, size, self.name))

    def _note(self) -> None:
        begun = self._noted_at = time.monotonic()
        if self.identity.etag is None and self.identity.version is None:
            return  # nothing could be confirmed later
        done = self._work.done()
        self._part.note(Record(record_key(self._source.reference), self.identity, done))
        self._noted = total(done)
        self._noted_at = time.monotonic()
        self._note_pause = max(_NOTE_SECONDS, _NOTE_SHARE * (self._noted_at - begun))

    def _note_in_the_end(self) -> None:
        """Keep what has come, if a later run can use it; whatever ends this one goes on being raised."""
        try:
            if self._work.fetched and self._work.fetched != self._noted:
                self._note()
        except StorageError:
            return

    # Several connections.

    def help(self) -> None:
        """Fetch what the first connection has not got to. Runs in a thread of its own; its troubles are minor."""
        patience = Patience(self._options, self.shown, _HELPER_RETRIES)
        try:
            while self._fatal is None and (segment := self._work.take()) is not None:
                self.fill(segment, patience)
        except (StartOver, StorageError) as exc:
            with self._lock:
                self._fatal = self._fatal or exc
            self._close_streams()
        except DownspoutError:
            return  # the first connection meets it too, and decides

    def rest(self) -> tuple[int, int]:
        """Return bytes on disk, and the longest run that could be shared."""
        return self._work.fetched, self._work.largest_rest()

    def start_helper(self) -> threading.Thread:
        """Start one more connection."""
        context = contextvars.copy_context()
        thread = threading.Thread(target=lambda: context.run(self.help), name="downspout-helper", daemon=True)
        thread.start()
        return thread

    def _close_streams(self) -> None:
        with self._lock:
            streams = list(self._streams)
        for stream in streams:
            stream.close()

    def _stop_helpers(self) -> None:
        with self._lock:
            self._fatal = self._fatal or Cancelled(f"{self.shown}: stopped.")
        self._close_streams()
        self._helpers.join()


def _buffer(size: int) -> memoryview:
    """Return a buffer of this thread's own; making a large one costs more than a small document."""
    found: memoryview | None = getattr(_buffers, "view", None)
    if found is None:
        found = _buffers.view = memoryview(bytearray(_BLOCK))
    return found[:size]
