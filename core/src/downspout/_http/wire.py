"""One connection: urllib3 connects and asks, the answer is read here, every wait of it bounded.

`http.client` reads an answer through a buffered file; this module puts a file of its own below that buffer, so
that a deadline holds for each single `recv`, whoever is reading: a status line, dripping headers, a chunk size.
"""

import contextlib
import http.client
import io
import socket
import ssl
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, cast

import urllib3.connection

from downspout._http.addresses import connect

_INTERIM_ANSWERS = 16
"""So many 1xx answers are skipped before one is an error."""


class BadAnswer(http.client.HTTPException):
    """The answer is not HTTP as RFC 9112 has it; the text is one of ours, never the far side's."""


class Wire(io.RawIOBase):
    """The receiving end of a socket, with a deadline besides the socket's own time limit.

    Attributes:
        deadline: when (monotonic seconds) a `recv` that has not returned fails, or `None`.
    """

    def __init__(self, sock: socket.socket, deadline: float | None) -> None:
        self._sock = sock
        self._file = sock.makefile("rb", buffering=0)
        self._patience = sock.gettimeout()
        self.deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self.deadline is not None:
            left = self.deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("the deadline has passed")
            if self._patience is None or left < self._patience:
                self._sock.settimeout(left)
        return self._file.readinto(buffer)

    def wait_until(self, deadline: float | None) -> None:
        """Set the deadline of the reads to come."""
        if self.deadline is not None and self._sock.fileno() != -1:
            self._sock.settimeout(self._patience)
        self.deadline = deadline

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


class Answer(http.client.HTTPResponse):
    """An answer whose body is read piece by piece, into the reader's own buffer."""

    def __init__(
        self, sock: socket.socket, debuglevel: int = 0, method: str | None = None, url: str | None = None
    ) -> None:
        super().__init__(sock, debuglevel, method=method, url=url)
        self.fp.close()
        timeout = sock.gettimeout()
        self.wire = Wire(sock, None if timeout is None else time.monotonic() + timeout)
        self.fp = io.BufferedReader(self.wire)
        self._sock = sock

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
        lengths = set(self.headers.get_all("content-length") or ())
        if self.chunked or not lengths:
            return
        if len(lengths) > 1:
            raise BadAnswer("two different lengths")
        text = lengths.pop().strip()
        if not (text.isascii() and text.isdigit()):
            raise BadAnswer("a length that is no number")

    def readinto_once(self, buffer: memoryview) -> int:
        """Receive once, into `buffer`; return how many bytes, 0 only at the end of the body.

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
        count = self.fp.readinto1(buffer) if len(buffer) else 0
        if self.length is not None:
            if not count and self.length:
                left = self.length
                self._end()
                raise http.client.IncompleteRead(b"", left)
            self.length -= count
        if not self.length and (self.length is not None or not count):
            self._end()
        return count

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
