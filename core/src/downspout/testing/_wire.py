"""Sending an answer: the head, the body in its framing, and the lies on the way."""

import os
import ssl
from typing import Final

from downspout.testing._answer import BODILESS, HONEST, Answer, Chunks, reason_of
from downspout.testing._connection import Connection, Pace
from downspout.testing._content import FileContent, blocks

_TOGETHER: Final = 1 << 16  # bytes up to which head and body leave in one packet


def send_answer(connection: Connection, answer: Answer, *, bodiless: bool, close: bool) -> bool:
    """Send an answer.

    Args:
        connection: Where to.
        answer: What.
        bodiless: Whether the body is left out because the request was a HEAD.
        close: Whether the client wants the connection closed afterwards.

    Returns:
        Whether the connection can take another request.

    Raises:
        OSError: The connection broke.
        Stopped: The server stops.
    """
    close = close or answer.close or (answer.wire.lengths == () and answer.wire.chunks is None)
    if answer.wire is not HONEST:
        return _Liar(connection, answer).send(bodiless, close)
    head = head_of(answer, close)
    if bodiless or answer.length == 0:
        connection.send(head)
    elif isinstance(answer.content, bytes) and answer.length <= _TOGETHER:
        connection.send(head + answer.content[answer.start : answer.stop])
    else:
        connection.send(head)
        _send_content(connection, answer)
    return not close


def head_of(answer: Answer, close: bool) -> bytes:
    """Write the status line and header fields, the empty line included."""
    wire = answer.wire
    line = f"HTTP/1.1 {answer.status} {answer.reason or reason_of(answer.status)}\r\n".encode("latin-1", "replace")
    fields = [_field(name, value) for name, value in answer.headers]
    fields += [_field("Content-Length", value) for value in _lengths(answer)]
    if wire.chunks is not None:
        fields.append(b"Transfer-Encoding: chunked\r\n")
    if close:
        fields.append(b"Connection: close\r\n")
    return b"".join(
        (wire.before, line if wire.status_line is None else wire.status_line, *fields, wire.head_end, b"\r\n")
    )


def _lengths(answer: Answer) -> tuple[str, ...]:
    if answer.wire.lengths is not None:
        return answer.wire.lengths
    if answer.wire.chunks is not None or (answer.status in BODILESS and not answer.length):
        return ()
    return (str(answer.length),)


def _field(name: str, value: str | bytes) -> bytes:
    if isinstance(value, bytes):
        return b"%b: %b\r\n" % (name.encode("latin-1"), value)
    text = f"{name}: {value}\r\n"
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogateescape")


def _send_content(connection: Connection, answer: Answer) -> None:
    """Send the body in one go, by the kernel where it can."""
    by_kernel = hasattr(os, "sendfile") and not isinstance(connection.sock, ssl.SSLSocket)
    if isinstance(answer.content, FileContent) and by_kernel and connection.pace is None:
        _send_file(connection, answer.content.path, answer.start, answer.stop)
    elif isinstance(answer.content, bytes):
        connection.send(memoryview(answer.content)[answer.start : answer.stop])
    else:
        for piece in blocks(answer.content, answer.start, answer.stop):
            connection.send(piece)


def _send_file(connection: Connection, path: str, start: int, stop: int) -> None:
    with open(path, "rb") as file:
        while start < stop and (sent := os.sendfile(connection.sock.fileno(), file.fileno(), start, stop - start)):
            start += sent
            connection.sent += sent


class _Liar:
    """Sends an answer whose wire is not honest."""

    def __init__(self, connection: Connection, answer: Answer) -> None:
        self._connection = connection
        self._answer = answer
        self._wire = answer.wire
        self._sent = 0
        self._pace: Pace | None = None

    def send(self, bodiless: bool, close: bool) -> bool:
        """Send it; say whether the connection can take another request."""
        self._connection.pause(self._wire.delay)
        if self._wire.silent:
            self._connection.stall()
        if self._wire.raw is not None:
            self._connection.send(self._wire.raw)
            self._connection.end(self._wire.ending)
            return False
        self._send_head(close)
        if not bodiless and not self._send_body():
            return False
        return not close

    def _send_head(self, close: bool) -> None:
        pace = None if self._wire.head_rate is None else Pace(self._wire.head_rate)
        head = head_of(self._answer, close)
        if not self._wire.endless_head:
            self._connection.send(head, pace)
            return
        self._connection.send(head[:-2], pace)
        number = 0
        while True:
            number += 1
            self._connection.send(b"X-Endless-%d: %b\r\n" % (number, b"n" * 1000), pace)

    def _send_body(self) -> bool:
        """Send the body up to where it is cut; say whether it was not."""
        for stop, deed in self._itinerary():
            self._send_up_to(stop)
            if deed == "slow down":
                self._pace = None if self._wire.rate is None else Pace(self._wire.rate)
            elif deed == "stall":
                self._connection.stall()
            elif deed == "cut":
                self._connection.end(self._wire.ending)
                return False
        chunks = self._wire.chunks
        if chunks is None:
            return True
        self._connection.send(chunks.last)
        return not chunks.hang_up

    def _itinerary(self) -> list[tuple[int, str]]:
        """Tell up to which body byte to send and what to do there, in order."""
        length = self._answer.length
        deeds = (
            (self._wire.rate_after, "slow down"),
            (self._wire.stall_after, "stall"),
            (self._wire.cut_after, "cut"),
        )
        stops = [
            (max(0, min(length, at if at >= 0 else length + at)), deed) for at, deed in deeds if at is not None
        ]
        return [*sorted(stops, key=lambda stop: stop[0]), (length, "end")]

    def _send_up_to(self, stop: int) -> None:
        chunks = self._wire.chunks
        while self._sent < stop:
            end = stop if chunks is None else self._open_chunk(chunks)
            until = min(stop, end)
            first = self._answer.start
            for piece in blocks(self._answer.content, first + self._sent, first + until):
                self._connection.send(piece, self._pace)
            self._sent = until
            if chunks is not None and until == end:
                self._connection.send(b"\r\n")

    def _open_chunk(self, chunks: Chunks) -> int:
        """Send the size line if a chunk begins here; give the end of the chunk."""
        number, inside = divmod(self._sent, chunks.size)
        end = min(self._answer.length, (number + 1) * chunks.size)
        if not inside:
            honest = b"%x\r\n" % (end - self._sent)
            self._connection.send(chunks.odd_line if number == chunks.odd else honest)
        return end
