"""One connection: urllib3 connects and asks, the answer is read here, every wait of it bounded.

`http.client` reads an answer through a buffered file; this module puts a file of its own below that buffer, so
that a deadline holds for each single `recv`, whoever is reading: a status line, dripping headers, a chunk size.
"""

import contextlib
import http.client
import io
import re
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, cast

import urllib3.connection

from downspout._http.addresses import connect
from downspout.errors import Cancelled

_INTERIM_ANSWERS = 16
"""So many 1xx answers are skipped before one is an error."""

_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;.*)?\r?\n", re.DOTALL)
_LONGEST_LINE = 4096

_SLICE = 0.25
"""Seconds between two looks at whether to stop."""


def _never() -> bool:
    return False


class BadAnswer(http.client.HTTPException):
    """The answer is not HTTP as RFC 9112 has it; the text is one of ours, never the far side's."""


class Wire(io.RawIOBase):
    """The receiving end of a socket: waits in slices, so that it can be told to stop.

    Args:
        sock: connected; its time limit is how long nothing may come.
        cancelled: looked at between two slices.

    Attributes:
        deadline: when (monotonic seconds) a `recv` fails, however much came before; or `None`.
        is_held: whether nothing is received for now, so that a buffer above can be looked into.
    """

    def __init__(self, sock: socket.socket, cancelled: Callable[[], bool]) -> None:
        self._sock = sock
        self._cancelled = cancelled
        self._patience = sock.gettimeout()
        # Keeps the descriptor open when `http.client` closes its connection before the body was read.
        self._hold = sock.makefile("rb", buffering=0)
        self.deadline = None if self._patience is None else time.monotonic() + self._patience
        sock.settimeout(_SLICE if self._patience is None else min(_SLICE, self._patience))
        self.is_held = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self.is_held:
            return None
        begun = time.monotonic()
        if self.deadline is not None and begun >= self.deadline:
            raise TimeoutError("the deadline has passed")
        while True:
            try:
                return self._sock.recv_into(buffer)
            except TimeoutError:
                if self._cancelled():
                    raise Cancelled("Stopped while waiting for bytes.") from None
                now = time.monotonic()
                if self._patience is not None and now - begun >= self._patience:
                    raise
                if self.deadline is not None and now >= self.deadline:
                    raise

    def close(self) -> None:
        if not self.closed:
            self._hold.close()
        super().close()


class Answer(http.client.HTTPResponse):
    """An answer whose body is read piece by piece, into the reader's own buffer."""

    def __init__(
        self,
        sock: socket.socket,
        debuglevel: int = 0,
        method: str | None = None,
        url: str | None = None,
        cancelled: Callable[[], bool] = _never,
    ) -> None:
        super().__init__(sock, debuglevel, method=method, url=url)
        self.fp.close()
        self.wire = Wire(sock, cancelled)
        self.fp = io.BufferedReader(self.wire)
        self._sock = sock
        self._behind_the_head: int | None = None

    def _read_status(self) -> tuple[str, int, str]:
        """Skip every interim answer: `http.client` itself skips 100 only, and calls a 103 the final one."""
        for _ in range(_INTERIM_ANSWERS):
            version, status, reason = super()._read_status()  # type: ignore[misc]  # typeshed leaves it out
            if status >= 200 or status == 101:
                return version, status, reason
            http.client.parse_headers(self.fp)
        raise BadAnswer("too many interim answers")

    def begin(self) -> None:
        """Read status and header fields; check what frames the body (RFC 9112, 6.3)."""
        super().begin()
        codings = {value.strip().lower() for value in self.headers.get_all("transfer-encoding") or ()}
        if codings - {"chunked", "identity"}:
            raise BadAnswer("a transfer coding that nobody asked for")
        lengths = set(self.headers.get_all("content-length") or ())
        if self.chunked or not lengths:
            return
        if len(lengths) > 1:
            raise BadAnswer("two different lengths")
        text = lengths.pop().strip()
        if not (text.isascii() and text.isdigit()):
            raise BadAnswer("a length that is no number")

    def _read_next_chunk_size(self) -> int:
        """Read a chunk's size strictly (RFC 9112, 7.1): `http.client` takes `-1`, `0x5` and `1_0`, too."""
        line = self.fp.readline(_LONGEST_LINE)
        if not line.endswith(b"\n") and len(line) < _LONGEST_LINE:
            raise http.client.IncompleteRead(b"")
        match = _CHUNK_SIZE.fullmatch(line)
        if match is None:
            raise BadAnswer("a chunk of no size")
        return int(match[1], 16)

    def fill(self, buffer: memoryview, until: float) -> int:
        """Receive into `buffer` until it is full or `until` (monotonic seconds) has passed.

        Returns:
            How many bytes, at least one; 0 only at the end of the body.

        Raises:
            http.client.IncompleteRead: the connection ended before the body.
        """
        if self.isclosed():
            return 0
        if self.chunked:
            data = self.read1(len(buffer))
            buffer[: len(data)] = data
            return len(data)
        if self.length is not None:
            buffer = buffer[: self.length]
        count = self._receive(buffer, until) if len(buffer) else 0
        if self.length is not None:
            if not count and self.length:
                left = self.length
                self._end()
                raise http.client.IncompleteRead(b"", left)
            self.length -= count
        if not self.length and (self.length is not None or not count):
            self._end()
        return count

    def _receive(self, buffer: memoryview, until: float) -> int:
        """Receive without a buffer in between: what came with the head first, then from the socket itself.

        A TLS record is 16 KiB, so this loop runs 65,536 times a GiB.
        """
        if self._behind_the_head is None:
            self.wire.is_held = True
            self._behind_the_head = len(self.fp.peek())
            self.wire.is_held = False
        if self._behind_the_head:
            data = self.fp.read(min(self._behind_the_head, len(buffer)))
            self._behind_the_head -= len(data)
            buffer[: len(data)] = data
            return len(data)
        filled = self.wire.readinto(buffer) or 0
        receive, size = self._sock.recv_into, len(buffer)
        while 0 < filled < size and time.monotonic() < until:
            try:
                count = receive(buffer[filled:])
            except TimeoutError:
                break
            if not count:
                break
            filled += count
        return filled

    def _end(self) -> None:
        """Let go of the connection, so that `isclosed()` says that all was read."""
        fp, self.fp = self.fp, None  # type: ignore[assignment]  # as http.client itself does
        fp.close()

    def hang_up(self) -> None:
        """Wake whoever reads: no more bytes come. Safe from any thread."""
        with contextlib.suppress(OSError):
            # Not `self._sock.shutdown`: of a TLS socket that would take the session from under its reader.
            socket.socket.shutdown(self._sock, socket.SHUT_RDWR)


class _Checked:
    """What both kinds of connection do differently from urllib3's own."""

    response_class: Any = Answer
    guarded = False
    shown = ""
    proxy_fields: Mapping[str, str] = MappingProxyType({})

    def _new_conn(self: Any) -> socket.socket:
        return connect(self._dns_host, self.port, self.timeout, guarded=self.guarded, shown=self.shown)

    def _tunnel(self: Any) -> None:
        super()._tunnel()  # type: ignore[misc]  # of the class that this one is mixed into
        self.sock.settimeout(self.timeout)  # the answer to CONNECT waited in slices

    def answer(self: Any) -> Answer:
        """Read the head of the answer to the last request; urllib3's own wrapper around it is left out."""
        return cast("Answer", http.client.HTTPConnection.getresponse(self))


class PlainConnection(_Checked, urllib3.connection.HTTPConnection):
    """A connection for `http:`, or to a proxy, that connects to checked addresses only."""


class TlsConnection(_Checked, urllib3.connection.HTTPSConnection):
    """The same for `https:`."""


Connection = PlainConnection | TlsConnection


def tls_context(ca_bundle: str | None) -> ssl.SSLContext:
    """Return a context that trusts `ca_bundle` (a file or folder), or what the system trusts.

    Raises:
        OSError: the bundle cannot be read, or is none.
    """
    import os

    if ca_bundle and os.path.isdir(ca_bundle):
        context = ssl.create_default_context(capath=ca_bundle)
    else:
        context = ssl.create_default_context(cafile=ca_bundle or None)
    context.set_alpn_protocols(["http/1.1"])
    return context
