"""One connection as both sides of it see it: bytes out, bytes in, every wait bounded and cut short to stop."""

import contextlib
import re
import select
import socket
import ssl
import time
from collections.abc import Callable

from downspout.errors import Cancelled

_SLICE = 0.25
"""Seconds between two looks at whether to stop."""

_BLOCK = 64 * 1024
_NOT_READABLE_YET = (BlockingIOError, ssl.SSLWantReadError)
_NOT_WRITABLE_YET = (BlockingIOError, ssl.SSLWantWriteError)


def _never() -> bool:
    return False


def _is_readable(sock: socket.socket, seconds: float) -> bool:
    """Wait until there is something to receive, or for so long; return whether there is."""
    if not hasattr(select, "poll"):  # pragma: no cover - Windows, whose `select` takes any descriptor
        return bool(select.select([sock], [], [], seconds)[0])
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


def _is_writable(sock: socket.socket, seconds: float) -> bool:
    """Wait until something can be sent, or for so long; return whether it can."""
    if not hasattr(select, "poll"):  # pragma: no cover - Windows
        return bool(select.select([], [sock], [], seconds)[1])
    poll = select.poll()
    poll.register(sock, select.POLLOUT)
    return bool(poll.poll(seconds * 1000))


class BrokenOff(ConnectionError):
    """The far side hung up before the end."""


class BadAnswer(Exception):
    """The answer is not HTTP as RFC 9112 has it; the text is one of ours, never the far side's."""


class Wire:
    """A connected socket that never blocks: what is not there yet is waited for here.

    Args:
        sock: connected, all handshakes done; the wire owns it from now on.
        patience: seconds without a byte; `None` waits for ever.

    Attributes:
        deadline: when (monotonic seconds) a wait fails, however much came before; or `None`.
        cancelled: looked at now and then while waiting.
    """

    def __init__(self, sock: socket.socket, patience: float | None) -> None:
        sock.setblocking(False)
        if isinstance(sock, ssl.SSLSocket):
            # An end without TLS's goodbye is a cut, by whoever; typeshed leaves the attribute out.
            sock.suppress_ragged_eofs = False  # type: ignore[attr-defined]
        self._sock = sock
        self._patience = patience
        self._ahead, self._at = b"", 0  # what was received beyond what was wanted, and how far that is used
        self.deadline: float | None = None
        self.cancelled: Callable[[], bool] = _never

    def send(self, data: bytes) -> None:
        """Send all of `data`."""
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[self._sock.send(rest) :]
            except _NOT_WRITABLE_YET:
                self._wait(_is_writable)
            except ssl.SSLWantReadError:  # pragma: no cover - a server that renegotiates, as old ones do
                self._wait(_is_readable)

    @property
    def is_quiet(self) -> bool:
        """Whether nothing has come that nobody asked for, so that the next request may be sent."""
        # What TLS has decrypted already is not the system's any more, and `_is_readable` knows nothing of it.
        decrypted = isinstance(self._sock, ssl.SSLSocket) and self._sock.pending()
        return self._at == len(self._ahead) and not decrypted and not _is_readable(self._sock, 0.0)

    def take_until(self, end: re.Pattern[bytes], longest: int, begin: bytes = b"") -> bytes:
        """Return what comes, up to and with what `end` matches.

        Args:
            end: matches at most four bytes.
            longest: bytes.
            begin: what it has to begin with.

        Raises:
            BadAnswer: it is longer, or begins differently.
            BrokenOff: the connection ends before.
        """
        data, start = self._ahead, self._at
        found = end.search(data, start)
        while found is None:
            if len(data) - start > longest:
                raise BadAnswer("a line or a head without an end")
            self._ahead, self._at = data, start  # whoever waits too long may come back
            more = self._receive()
            if not more:
                raise BrokenOff
            searched = max(0, len(data) - start - 3)
            data, start = data[start:] + more, 0
            if not data.startswith(begin[: len(data)]):
                raise BadAnswer("what begins like no answer")
            found = end.search(data, searched)
        self._ahead, self._at = data, found.end()
        if self._at - start > longest:
            raise BadAnswer("a line or a head that is too long")
        return data[start : self._at]

    def _receive(self) -> bytes:
        while True:
            self._wait(_is_readable)  # an answer is hardly ever there as soon as it is asked for
            with contextlib.suppress(*_NOT_READABLE_YET):
                return self._sock.recv(_BLOCK)

    def receive_into(self, buffer: memoryview, until: float) -> int:
        """Receive into `buffer` until it is full or `until` (monotonic seconds) has passed.

        Nothing lies between the socket and the buffer, and little is done for each piece: a TLS record is 16 KiB,
        so the loop runs 65,536 times a GiB.

        Returns:
            How many bytes, at least one; 0 at the end of the connection.
        """
        ahead = len(self._ahead) - self._at
        if ahead:
            count = min(ahead, len(buffer))
            buffer[:count] = memoryview(self._ahead)[self._at : self._at + count]
            self._at += count
            return count
        receive, size, filled = self._sock.recv_into, len(buffer), 0
        while filled < size:
            try:
                count = receive(buffer[filled:])
            except _NOT_READABLE_YET:
                if filled:
                    break
                self._wait(_is_readable)
                continue
            filled += count
            if not count or time.monotonic() >= until:
                break
        return filled

    def _wait(self, ready: Callable[[socket.socket, float], bool]) -> None:
        """Wait in slices until the socket is ready.

        Raises:
            TimeoutError: patience or deadline are over.
            Cancelled: it is to stop.
        """
        now, end = time.monotonic(), self.deadline
        if self._patience is not None:
            end = now + self._patience if end is None else min(end, now + self._patience)
        while True:
            if end is not None and now >= end:
                raise TimeoutError("nothing came in time")
            if ready(self._sock, _SLICE if end is None else min(_SLICE, end - now)):
                return
            if self.cancelled():
                raise Cancelled("Stopped while waiting for bytes.")
            now = time.monotonic()

    def hang_up(self) -> None:
        """Wake whoever waits: no more bytes come. Safe from any thread."""
        with contextlib.suppress(OSError):
            # Not `self._sock.shutdown`: of a TLS socket that would take the session from under its reader.
            socket.socket.shutdown(self._sock, socket.SHUT_RDWR)

    def close(self) -> None:
        """Let go of the socket."""
        self._sock.close()
