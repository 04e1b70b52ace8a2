"""What a client sent: requests and their header fields, as values."""

import json
import time
from collections.abc import Iterator, Mapping
from socket import socket
from typing import Final
from urllib.parse import parse_qsl, unquote

import attrs

MAX_HEAD: Final = 1 << 20
"""Bytes that a request's head may have before the connection is closed."""

MAX_BODY: Final = 64 << 20
"""Bytes that a request's body may have before the connection is closed."""


class BadRequest(Exception):
    """The client did not speak HTTP/1.1; the text says in which way."""


class Headers(Mapping[str, str]):
    """Header fields as they came: in order, repeated ones kept, names compared without regard to case.

    As a mapping it gives each name once, and the values of a repeated field joined by ", " (RFC 9110 5.3).

    Example:
        >>> headers = Headers([("Range", "bytes=0-"), ("X-Id", "1"), ("x-id", "2")])
        >>> headers["range"], headers["X-ID"], headers.get_all("x-id"), headers.get("cookie")
        ('bytes=0-', '1, 2', ['1', '2'], None)
    """

    __slots__ = ("_index", "pairs")

    pairs: tuple[tuple[str, str], ...]

    def __init__(
        self, pairs: Mapping[str, str] | list[tuple[str, str]] | tuple[tuple[str, str], ...] = ()
    ) -> None:
        self.pairs = tuple(pairs.items()) if isinstance(pairs, Mapping) else tuple(pairs)
        self._index: dict[str, list[str]] | None = None

    def _by_name(self) -> dict[str, list[str]]:
        # Built at the first look-up only: most requests of a benchmark are asked for one field or none.
        if self._index is None:
            index: dict[str, list[str]] = {}
            for name, value in self.pairs:
                index.setdefault(name.lower(), []).append(value)
            self._index = index
        return self._index

    def get_all(self, name: str) -> list[str]:
        """Give every value of `name` in the order of arrival; an empty list where there is none."""
        return list(self._by_name().get(name.lower(), ()))

    def __getitem__(self, name: str) -> str:
        return ", ".join(self._by_name()[name.lower()])

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._by_name()

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name())

    def __len__(self) -> int:
        return len(self._by_name())

    def __repr__(self) -> str:
        return f"Headers({list(self.pairs)!r})"


@attrs.frozen
class Request:
    """One request as it arrived.

    Attributes:
        method: As sent (`GET`).
        target: The request target as sent: path and query, or a whole URL, or `host:port` for `CONNECT`.
        path: The target's path, percent-decoded once as UTF-8.
        query: The target's query as sent, without the `?`; empty where there is none.
        headers: The header fields.
        body: The body, framing removed; empty where there is none.
        connection: Number of the connection it came on, counted from 1 for each server.
        when: `time.monotonic()` at its arrival, in seconds.
        version: `HTTP/1.1` or `HTTP/1.0`.
    """

    method: str
    target: str
    path: str = ""
    query: str = ""
    headers: Headers = attrs.field(factory=Headers)
    body: bytes = b""
    connection: int = 0
    when: float = 0.0
    version: str = "HTTP/1.1"

    @property
    def params(self) -> dict[str, str]:
        """The query's names and values, decoded; the last one of a repeated name."""
        return dict(parse_qsl(self.query, keep_blank_values=True))

    @property
    def form(self) -> dict[str, str]:
        """The body read as `application/x-www-form-urlencoded`; the last value of a repeated name."""
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))

    def json(self) -> object:
        """Read the body as JSON.

        Raises:
            ValueError: The body is none.
        """
        return json.loads(self.body)

    @property
    def wants_close(self) -> bool:
        """Whether the client asked for the connection to end after the answer."""
        connection = self.headers.get("connection", "").lower()
        return "close" in connection or (self.version == "HTTP/1.0" and "keep-alive" not in connection)


def parse_head(head: bytes, connection: int) -> Request:
    """Read a request line and header fields.

    Args:
        head: The bytes before the empty line, without it.
        connection: Number of the connection.

    Raises:
        BadRequest: They are none.
    """
    first, *lines = head.decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise BadRequest(f"no request line: {first[:80]!r}")
    method, target, version = words
    path, query = split_target(target)
    return Request(method, target, path, query, _parse_fields(lines), b"", connection, time.monotonic(), version)


def split_target(target: str) -> tuple[str, str]:
    """Split a request target into its decoded path and its query as sent."""
    if not target.startswith("/") and "://" in target:
        target = "/" + target.split("://", 1)[1].partition("/")[2]
    path, _, query = target.partition("?")
    return (unquote(path) if "%" in path else path), query


def _parse_fields(lines: list[str]) -> Headers:
    pairs: list[tuple[str, str]] = []
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise BadRequest(f"no header field: {line[:80]!r}")
        pairs.append((name, value.strip(" \t")))
    return Headers(pairs)


class Incoming:
    """The receiving side of one connection: bytes in, requests out."""

    def __init__(self, sock: socket, connection: int) -> None:
        self._sock = sock
        self._connection = connection
        self._buffer = b""

    def read_request(self) -> Request | None:
        """Wait for the next request and read it whole, its body included.

        Returns:
            The request, or None when the client is done.

        Raises:
            BadRequest: What came is no request, or is larger than `MAX_HEAD` or `MAX_BODY`.
            OSError: The connection broke.
        """
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            if len(self._buffer) > MAX_HEAD:
                raise BadRequest("the head of the request is too large")
            if not self._receive():
                return None
        head, self._buffer = self._buffer[:end], self._buffer[end + 4 :]
        request = parse_head(head, self._connection)
        if request.method in ("GET", "HEAD") and "content-length" not in request.headers:
            return request
        return self._with_body(request)

    def take_rest(self) -> bytes:
        """Hand over what was received beyond the last request: the start of a tunnel's bytes."""
        rest, self._buffer = self._buffer, b""
        return rest

    def _receive(self) -> bool:
        data = self._sock.recv(1 << 16)
        self._buffer += data
        return bool(data)

    def _with_body(self, request: Request) -> Request:
        chunked = "chunked" in request.headers.get("transfer-encoding", "").lower()
        length = request.headers.get("content-length", "0")
        if not chunked and not (length.isascii() and length.isdigit() and int(length) <= MAX_BODY):
            raise BadRequest("no usable Content-Length")
        if not chunked and length == "0":
            return request
        if request.headers.get("expect", "").lower() == "100-continue":
            self._sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        return attrs.evolve(request, body=self._chunks() if chunked else self._exactly(int(length)))

    def _exactly(self, size: int) -> bytes:
        pieces, missing = [self._buffer[:size]], size - len(self._buffer)
        self._buffer = self._buffer[size:]
        while missing > 0:
            data = self._sock.recv(min(missing, 1 << 20))
            if not data:
                raise BadRequest("the body ended early")
            pieces.append(data)
            missing -= len(data)
        return b"".join(pieces)

    def _line(self) -> bytes:
        while (end := self._buffer.find(b"\r\n")) < 0:
            if len(self._buffer) > MAX_HEAD or not self._receive():
                raise BadRequest("a chunk line ended early")
        line, self._buffer = self._buffer[:end], self._buffer[end + 2 :]
        return line

    def _chunks(self) -> bytes:
        body = bytearray()
        while (size := self._chunk_size()) > 0:
            if len(body) + size > MAX_BODY:
                raise BadRequest("the body is too large")
            body += self._exactly(size)
            self._line()
        while self._line():
            continue  # trailers, which nobody here asks for
        return bytes(body)

    def _chunk_size(self) -> int:
        try:
            return int(self._line().split(b";")[0], 16)
        except ValueError as exc:
            raise BadRequest("no chunk size") from exc
