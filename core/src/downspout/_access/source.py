"""A document's links and streams, for a transfer."""

import threading
import time
from collections.abc import Callable

from downspout._access.session import Session
from downspout._models import Event, Folder, Link, Opened, Reference, Resolved, Stream
from downspout.errors import DownspoutError, InvalidURI


def _never() -> bool:
    return False


class DocumentSource:
    """Implements `downspout._transfer.Source` for a document of a session's account.

    Args:
        session: the account in use.
        reference: the document.
        link: a link that is in hand already, or `None`.
        cancelled: whether to stop waiting.
        tell: told of what happens.
        refused: told of a link that is of no use.
    """

    def __init__(
        self,
        session: Session,
        reference: Reference,
        *,
        link: Link | None = None,
        cancelled: Callable[[], bool],
        tell: Callable[[Event], None],
        refused: Callable[[Link], None] | None = None,
    ) -> None:
        self._session, self._reference = session, reference
        self._cancelled, self._tell = cancelled, tell
        self._link, self._refused = link, refused
        self._lock = threading.Lock()

    @property
    def reference(self) -> Reference:
        """See `Source`."""
        return self._reference

    def link(self) -> Link:
        """See `Source`."""
        with self._lock:
            if self._link is None:
                self._link = self._resolved()
            return self._link

    def _resolved(self) -> Link:
        outcome = self._session.resolve([self._reference], self._cancelled)[0]
        if isinstance(outcome, DownspoutError):
            raise outcome
        if isinstance(outcome, Folder):
            raise InvalidURI(
                f"{self._reference.shown} is a folder.", hint="Give a folder to download it into (-d), not a file."
            )
        self._tell(Resolved(self._reference))
        return outcome

    def refuse(self, link: Link) -> None:
        """See `Source`."""
        with self._lock:
            if self._link is link:
                self._link = None
        if self._refused is not None:
            self._refused(link)

    def open(
        self, link: Link, start: int, stop: int | None, etag: str | None, given_up: Callable[[], bool] = _never
    ) -> Stream:
        """See `Source`."""
        stopped, has_answer = self._cancelled, False
        stream = self._session.open(link, start, stop, etag, lambda: stopped() or (not has_answer and given_up()))
        has_answer = True  # whoever is handed the stream decides for himself when it is of no use any more
        if link.single_use:
            self.refuse(link)
        self._tell(Opened(self._reference, stream.start or 0))
        return stream


def life_left(link: Link, session: Session) -> float | None:
    """Return the monotonic time at which a link that came just now dies (or seems to have died), if it is known.

    Its age counts from now on by the monotonic clock.
    """
    if link.expires_at is None:
        return None
    life: float = (link.expires_at - session.clock.now()).total_seconds()
    return time.monotonic() + life
