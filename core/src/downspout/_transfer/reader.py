"""A document as a file object: read by position, never brought down whole."""

import io
import threading
from collections.abc import Callable

from downspout._models import Link
from downspout._names import choose_name
from downspout._transfer.decide import Identity, Said
from downspout._transfer.inspect import HEAD, objection
from downspout._transfer.options import Options
from downspout._transfer.patience import Patience
from downspout._transfer.source import Opened, Source, open_document
from downspout.errors import DownspoutError, IntegrityError, LinkRefused, NotFound, ProtocolError, Unavailable

_FIRST_WINDOW = 1024 * 1024
_LARGEST_WINDOW = 64 * 1024 * 1024
_SKIP = 256 * 1024
_BUFFER = 256 * 1024


def _unheard(_given: int, _error: DownspoutError | None) -> None:
    return None


class DocumentReader(io.RawIOBase):
    """Reads a document where it is, and goes on where a link, a credential or a connection dies.

    Asks for what is near the position, more the longer it is read in order. All that it ever returns is of one
    version: another one is an `IntegrityError`.

    Args:
        source: gives links and streams.
        options: retries, and when to stop.
        first: position to begin at; negative: so many bytes before the end.
        end: position behind the last byte that is given, or `None`.
        exact: whether to ask for what each read wants and for no byte beyond, and for none before the first read
            unless nobody else says how long the document is.
        ended: told once how many bytes were given, and the error that it ended with, or `None` when it is closed.

    Attributes:
        name: the document's name, or `None`.
        version: the document's version, or `None`.
    """

    def __init__(
        self,
        source: Source,
        options: Options,
        *,
        first: int = 0,
        end: int | None = None,
        exact: bool = False,
        ended: Callable[[int, DownspoutError | None], None] = _unheard,
    ) -> None:
        super().__init__()
        self._source, self._options = source, options
        self._end, self._exact, self._ended = end, exact, ended
        self._shown = source.reference.shown
        self._position = max(first, 0)
        self._opened: Opened | None = None
        self._window = _FIRST_WINDOW
        self._read_up_to = -1  # where the last read ended: going on from there is reading in order
        self._identity = Identity()
        self._told_size: int | None = None
        self._wanted = HEAD
        self._given = 0
        self._lock = threading.RLock()
        self.name: str | None = None
        self.version: str | None = None
        self._tellingly(lambda: self._patiently(lambda: self._begin(first)))

    def _begin(self, first: int) -> int:
        """Ask for the first bytes, in one request where the server knows ranges."""
        if self._exact and self._resolve().size is not None:
            return 0
        self._identity = Identity()
        opened = self._connect(first)
        size = self._identity.size
        if first < 0:
            if size is None:
                raise ProtocolError(f"{self._shown}: nobody says how long it is.", hint="Ask for a first byte.")
            self._position = max(0, size + first)
        elif first == 0:
            self._look(opened)
        elif opened.stream.unsatisfied or (size is not None and first >= size):
            raise NotFound(f"{self._shown} has no byte {first}.")
        return 0

    def _resolve(self) -> Link:
        """Learn what the link tells; nothing is asked of it yet."""
        link = self._source.link()
        self.name, self.version, self._told_size = link.name, link.version, link.size
        return link

    def _look(self, opened: Opened) -> None:
        """Look at the first bytes, before anybody gets them: a sign-in page is not a document."""
        found = objection(
            opened.peek(HEAD),
            opened.link,
            choose_name(self.name, None, opened.link.url),
            accept_html=self._options.accept_html,
            has_digest=False,
        )
        if found is not None:
            self._source.refuse(opened.link)
            raise LinkRefused(f"{self._shown}: {found}.", hint="Sign in again.", final=IntegrityError)

    def _tellingly(self, step: Callable[[], int]) -> int:
        """Return what `step` gives; an error is told to who wants to know how the reading ended."""
        try:
            return step()
        except DownspoutError as exc:
            self._tell_end(exc)
            raise

    def _patiently(self, step: Callable[[], int]) -> int:
        """Return what `step` gives, tried again where that may help."""
        patience = Patience(self._options, self._shown)
        while True:
            patience.wait(0)  # a client that is closed ends its readers
            try:
                return step()
            except DownspoutError as exc:
                self._let_go()
                patience.after(exc)

    @property
    def size(self) -> int | None:
        """Bytes of the document, or `None` if nobody says."""
        return self._told_size if self._identity.size is None else self._identity.size

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move; nothing is asked before something is read.

        Raises:
            io.UnsupportedOperation: from the end, though nobody says where that is.
            ValueError: before the beginning.
        """
        if whence == io.SEEK_END and self.size is None:
            raise io.UnsupportedOperation("the size of the document is not known")
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size or 0}[whence]
        if base + offset < 0:
            raise ValueError("a position before the beginning")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Read some bytes; fewer than fit is no sign of the end.

        Raises:
            DownspoutError: they are not to be had, or are of another version by now.
        """
        with self._lock:
            if self.closed:
                raise ValueError("I/O operation on closed file.")
            size = self._last()
            if not len(buffer) or (size is not None and self._position >= size):
                return 0
            self._wanted = room = (
                len(buffer) if self._end is None else min(len(buffer), self._end - self._position)
            )
            count = self._tellingly(lambda: self._patiently(lambda: self._some(memoryview(buffer)[:room])))
            self._position += count
            self._given += count
            self._read_up_to = self._position
            return count

    def _last(self) -> int | None:
        """Return the position behind the last byte to give, or `None` if nobody knows."""
        size = self.size
        return size if self._end is None else self._end if size is None else min(self._end, size)

    def _some(self, buffer: memoryview) -> int:
        """Return how many bytes of the position are in `buffer` now, 0 at the end of the document."""
        while True:
            opened = self._approach()
            if opened is None:
                return 0
            count = opened.readinto(buffer)
            if self._exact and opened.position == opened.stream.stop:
                self._let_go()  # who jumps about holds no connection between the jumps
                return count
            if count or self._is_the_end(opened):
                return count
            self._let_go()  # this answer ends here, the document does not

    def _is_the_end(self, opened: Opened) -> bool:
        """Judge the end of a stream.

        Raises:
            Unavailable: bytes are missing.
            IntegrityError: there are more than was announced.
        """
        at, size = opened.position, self._identity.size
        if opened.stream.unsatisfied:
            return True
        if size is None and opened.stream.stop is None:
            self._identity = self._identity.completed_by(Identity(size=at))
            return True
        if opened.is_cut_short or (opened.stream.stop is None and at != size):
            raise Unavailable(f"{self._shown}: the bytes stopped at {at}.")
        if opened.has_more():
            raise IntegrityError(f"{self._shown}: more came than the bytes up to {at} that were announced.")
        return at == size

    def _approach(self) -> Opened | None:
        """Bring a stream to the position: go on, skip a little, or ask anew; `None`: the document ends before."""
        opened, position = self._opened, self._position
        if opened is not None:
            ahead, stop = position - opened.position, opened.stream.stop
            beyond = ahead > 0 and stop is not None and position >= stop
            if ahead < 0 or beyond or (ahead > _SKIP and opened.stream.ranges):
                self._let_go()
                opened = None
        if opened is None:
            in_order = self._read_up_to == position
            self._window = min(self._window * 4, _LARGEST_WINDOW) if in_order else _FIRST_WINDOW
            opened = self._connect()
        waste = memoryview(bytearray(min(max(position - opened.position, 0), _SKIP)))
        while opened.position < position and not opened.stream.unsatisfied:
            if not opened.readinto(waste[: position - opened.position]):
                self._is_the_end(opened)  # or else it raises: what was announced reached beyond the position
                return None
        return opened

    def _connect(self, first: int = 0) -> Opened:
        """Open a stream at the position (or `first`, if that is negative), of the version that was read before."""
        start, link = min(first, 0) or self._position, self._source.link()
        stop = self._next_stop(single_use=link.single_use)
        opened = self._opened = open_document(self._source, start, stop, self._identity.etag, link=link)
        said = Said.by(opened.stream, link)
        self._check(said, start, opened)
        self._identity = self._identity.completed_by(said.identity).completed_by(Identity(size=link.size))
        self.name = self.name or link.name or opened.stream.name
        self.version = self._identity.version
        return opened

    def _next_stop(self, *, single_use: bool) -> int | None:
        size = self.size
        if self._exact and not single_use:
            stop = self._position + self._wanted
        elif self._identity == Identity() and self._position:
            return self._end
        elif size is None or single_use or self._position == 0:
            return None
        else:
            stop = self._position + self._window
        return None if size is not None and stop >= size else stop

    def _check(self, said: Said, asked: int, opened: Opened) -> None:
        """Refuse an answer that is of another version, or does not have what was asked for."""
        held, link, size, stop = self._identity, opened.link, said.identity.size, opened.stream.stop
        if held.contradicts(said.identity):
            raise IntegrityError(
                f"{self._shown} has changed while it was read.",
                hint="Open it again, and read it from the beginning.",
            )
        if link.size is not None and size not in {None, link.size}:
            self._source.refuse(link)
            what = f"{self._shown}: the server has {size} bytes, the service says {link.size}."
            raise LinkRefused(what, hint="Ask the service's owner.", final=IntegrityError)
        if said.unsatisfied:
            misses = held.size is not None and asked < held.size
        else:
            beyond = stop is not None and asked >= stop and not said.whole
            misses = said.start is None or (asked >= 0 and (said.start > asked or beyond))
        if misses:
            raise ProtocolError(f"{self._shown}: the server does not send the part that was asked for.")
        if held != Identity() and not said.unsatisfied and not held.confirms(said.identity):
            raise IntegrityError(
                f"{self._shown}: nothing says that it is still the same document.",
                hint="Download it, and read the file.",
            )

    def _let_go(self) -> None:
        opened, self._opened = self._opened, None
        if opened is not None:
            opened.close()

    def close(self) -> None:
        """Let go of the connection."""
        if not self.closed:
            self._let_go()
            self._tell_end(None)
        super().close()

    def _tell_end(self, error: DownspoutError | None) -> None:
        ended, self._ended = self._ended, _unheard
        ended(self._given, error)


class DocumentFile(io.BufferedReader):
    """A document that is read: a `DocumentReader`, as its `raw`, behind a buffer. `name` is the document's."""

    def __init__(self, reader: DocumentReader) -> None:
        super().__init__(reader, _BUFFER)
        self._reader = reader

    @property
    def size(self) -> int | None:
        """Bytes of the document, or `None` if nobody says."""
        return self._reader.size

    @property
    def version(self) -> str | None:
        """The document's version, or `None`."""
        return self._reader.version
