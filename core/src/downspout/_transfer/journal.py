"""Saying how far a document is: to whoever looks on, and to the record for a later run."""

import threading
import time
from collections.abc import Callable

from downspout._models import Progress, Reference
from downspout._transfer.decide import Identity
from downspout._transfer.part import Part
from downspout._transfer.patience import PROGRESS
from downspout._transfer.ranges import total
from downspout._transfer.record import Record, record_key
from downspout._transfer.work import Work
from downspout.errors import StorageError

_TELL_SECONDS = 0.1
_NOTE_SECONDS = 0.25
_NOTE_SHARE = 20
"""Noting how far it is takes at most one part in so many of the time, however slow the disk is at flushing."""


class Journal:
    """Keeps the record of a part, and tells the progress of it. Safe for threads.

    Args:
        reference: the document.
        part: where it goes.
        progress: told how far it is.
    """

    def __init__(self, reference: Reference, part: Part, progress: Callable[[Progress], None]) -> None:
        self._reference, self._part, self._progress = reference, part, progress
        self._noting = threading.Lock()
        self._noted_at = time.monotonic()
        self._told_at = float("-inf")  # the first bytes are a change of phase
        self._note_pause = _NOTE_SECONDS
        self._noted = 0

    def begin(self, noted: int) -> None:
        """Say that the record knows of `noted` bytes: 0 where there is none."""
        self._noted = noted

    def came(self, work: Work, identity: Identity) -> None:
        """Tell and note what came, if it is time to."""
        now = time.monotonic()
        if now - self._told_at >= _TELL_SECONDS:
            self._told_at = now
            self.tell(work, identity)
        fresh = work.fetched - self._noted
        due = now - self._noted_at >= self._note_pause or (self._noted == 0 and fresh >= PROGRESS)
        if fresh and due and self._noting.acquire(blocking=False):
            try:
                self._note(work, identity)
            finally:
                self._noting.release()

    def tell(self, work: Work, identity: Identity) -> None:
        """Tell how far it is."""
        done = work.fetched if identity.size is None else min(work.fetched, identity.size)
        name = self._part.target.name
        self._progress(Progress(self._reference, "downloading", done, identity.size, name))

    def _note(self, work: Work, identity: Identity) -> None:
        begun = self._noted_at = time.monotonic()
        if identity.etag is None and identity.version is None:
            return  # nothing could be confirmed later
        done = work.done()
        self._part.note(Record(record_key(self._reference), identity, done))
        self._noted = total(done)
        self._noted_at = time.monotonic()
        self._note_pause = max(_NOTE_SECONDS, _NOTE_SHARE * (self._noted_at - begun))

    def end(self, work: Work, identity: Identity) -> None:
        """Keep what has come, if a later run can use it; whatever ends this one goes on being raised."""
        try:
            if work.fetched and work.fetched != self._noted:
                self._note(work, identity)
        except StorageError:
            return
