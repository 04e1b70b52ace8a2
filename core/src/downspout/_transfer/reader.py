"""A document as a file object: read by position, never brought down whole."""

import io
import threading
from collections.abc import Callable

from downspout._models import Link, Stream
from downspout._names import choose_name
from downspout._transfer.decide import Identity, Restart, Said, decide
from downspout._transfer.inspect import HEAD, objection
from downspout._transfer.options import Options
from downspout._transfer.patience import Patience
from downspout._transfer.source import Source
from downspout.errors import DownspoutError, IntegrityError, LinkRefused, NotFound, ProtocolError

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
        self._position = 0
        self._stream: Stream | None = None
        self._stream_at = 0
        self._stream_stop: int | None = None
        self._window = _FIRST_WINDOW
        self._identity = Identity()
        self._ahead = b""
        self._link: Link | None = None
        self._told_size: int | None = None
        self._wanted = HEAD
        self._given = 0
        self._lock = threading.RLock()
        self.name: str | None = None
        self.version: str | None = None
        try:
            if not exact or self._resolve().size is None:
                self._begin(first)
        except DownspoutError as exc:
            self._tell_end(exc)
            raise

    def _resolve(self) -> Link:
        """Learn what the link tells; nothing is asked of it yet."""
        patience = Patience(self._options, self._shown)
        while True:
            try:
                link = self._source.link()
            except DownspoutError as exc:
                patience.after(exc)
            else:
                self.name, self.version, self._told_size = link.name, link.version, link.size
                return link

    def _begin(self, first: int) -> None:
        """Ask for the first bytes, in one request where the server knows ranges."""
        self._position = max(first, 0)
        patience = Patience(self._options, self._shown)
        while not (self._connect(patience, first) and self._looks_right(patience, first)):
            pass
        assert self._stream is not None
        if first < 0:
            size = self._identity.size
            if size is None:
                raise ProtocolError(f"{self._shown}: nobody says how long it is.", hint="Ask for a first byte.")
            self._position = max(0, size + first)
        elif first and self._stream.unsatisfied:
            raise NotFound(f"{self._shown} has no byte {first}.")

    def _looks_right(self, patience: Patience, first: int) -> bool:
        """Look at the first bytes, before anybody gets them: a sign-in page is not a document."""
        assert self._stream is not None
        if first or self._link is None:
            return True
        head = bytearray(HEAD)
        filled = 0
        while filled < HEAD and (count := self._stream.readinto(memoryview(head)[filled:])):
            filled += count
        self._ahead = bytes(head[:filled])
        found = objection(
            self._ahead,
            self._link,
            choose_name(self.name, None, self._link.url),
            accept_html=self._options.accept_html,
            has_digest=False,
        )
        if found is None:
            return True
        self._let_go()
        self._source.refuse(self._link)
        patience.after(LinkRefused(f"{self._shown}: {found}.", hint="Sign in again.", final=IntegrityError))
        return False

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
            self._wanted = len(buffer)
            try:
                count = self._next_bytes(buffer)
            except DownspoutError as exc:
                self._tell_end(exc)
                raise
            self._position += count
            self._given += count
            return count

    def _next_bytes(self, buffer: bytearray | memoryview) -> int:
        patience = Patience(self._options, self._shown)
        while True:
            patience.wait(0)  # a client that is closed ends its readers
            try:
                self._approach(patience)
                room = len(buffer) if self._end is None else self._end - self._position
                count = self._read(memoryview(buffer)[:room])
            except DownspoutError as exc:
                self._let_go()
                patience.after(exc)
                continue
            if count or self._is_the_end():
                return count
            self._let_go()  # this answer ends here, the document does not

    def _last(self) -> int | None:
        """Return the position behind the last byte to give, or `None` if nobody knows."""
        size = self.size
        return size if self._end is None else self._end if size is None else min(self._end, size)

    def _read(self, buffer: memoryview) -> int:
        assert self._stream is not None
        if self._ahead:
            count = min(len(buffer), len(self._ahead))
            buffer[:count], self._ahead = self._ahead[:count], self._ahead[count:]
        else:
            count = self._stream.readinto(buffer)
        self._stream_at += count
        return count

    def _is_the_end(self) -> bool:
        size = self._identity.size
        if size is None and self._stream_stop is None:
            self._identity = self._identity.completed_by(Identity(size=self._stream_at))
            return True
        return size is not None and self._stream_at >= size

    def _approach(self, patience: Patience) -> None:
        """Bring the stream to the position: go on, skip a little, or ask anew."""
        ahead = self._position - self._stream_at
        beyond = ahead > 0 and self._stream_stop is not None and self._position >= self._stream_stop
        if self._stream is None or ahead < 0 or beyond or (ahead > _SKIP and self._stream.ranges):
            in_order = self._stream_at == self._position and self._stream is None
            self._window = min(self._window * 4, _LARGEST_WINDOW) if in_order else _FIRST_WINDOW
            self._let_go()
            self._connect(patience)
        waste = memoryview(bytearray(min(max(self._position - self._stream_at, 1), _SKIP)))
        while self._stream_at < self._position:
            if not self._read(waste[: self._position - self._stream_at]):
                raise IntegrityError(f"{self._shown}: it ends before byte {self._position}.")

    def _connect(self, patience: Patience, first: int = 0) -> bool:
        """Open a stream at the position (or `first`, if that is negative), of the version that was read before."""
        while True:
            link = None
            try:
                link = self._source.link()
                start, stop = min(first, 0) or self._position, self._next_stop(link)
                stream = self._source.open(link, start, stop, self._identity.etag)
                self._accept(stream, link)
                self._link = link
                return True
            except DownspoutError as exc:
                if isinstance(exc, LinkRefused) and link is not None:
                    self._source.refuse(link)
                patience.after(exc)

    def _next_stop(self, link: Link) -> int | None:
        size = self.size
        if self._exact and not link.single_use:
            stop = self._position + self._wanted
        elif self._identity == Identity() and self._position:
            return self._end
        elif size is None or link.single_use or self._position == 0:
            return None
        else:
            stop = self._position + self._window
        return None if size is not None and stop >= size else stop

    def _accept(self, stream: Stream, link: Link) -> None:
        said = Said.by(stream, link)
        decision = decide(self._position, self._identity, said, self._shown)
        trouble: DownspoutError | None = None
        if self._identity != Identity() and self._identity.contradicts(said.identity):
            trouble = IntegrityError(
                f"{self._shown} has changed while it was read.",
                hint="Open it again, and read it from the beginning.",
            )
        elif self._identity == Identity():
            if said.start is None and not said.unsatisfied:
                trouble = ProtocolError(f"{self._shown}: the server sent a part without saying which.")
        elif said.start is None or said.start > self._position:
            trouble = IntegrityError(f"{self._shown}: the server does not send the part that was asked for.")
        elif self._position and isinstance(decision, Restart) and not self._identity.confirms(said.identity):
            trouble = IntegrityError(
                f"{self._shown}: nothing says that it is still the same document.",
                hint="Download it, and read the file.",
            )
        if trouble is not None:
            stream.close()
            raise trouble
        self._stream, self._stream_at, self._stream_stop = stream, stream.start or 0, stream.stop
        known = said.identity.completed_by(Identity(link.version, None, link.size))
        self._identity = self._identity.completed_by(known)
        self.name = self.name or link.name or stream.name
        self.version = self._identity.version

    def _let_go(self) -> None:
        stream, self._stream, self._ahead = self._stream, None, b""
        if stream is not None:
            stream.close()

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
