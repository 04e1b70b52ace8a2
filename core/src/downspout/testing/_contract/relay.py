"""A forward proxy between a plugin and its emulator: sees every request, and may change every answer.

The account under test has it as its proxy, so that no setting, link or signature has to be rewritten. It leads to
loopback alone; what goes anywhere else is seen and refused.
"""

import http.client
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final
from urllib.parse import SplitResult, urlsplit

from attrs import frozen

from downspout._models import origin_of
from downspout.errors import InvalidURI
from downspout.testing._answer import Answer, Chunks
from downspout.testing._connection import Connection
from downspout.testing._message import BadRequest, Request
from downspout.testing._wire import send_answer
from downspout.testing._witness import Witness

_HOP_BY_HOP: Final = frozenset(
    {"connection", "keep-alive", "proxy-connection", "proxy-authorization", "transfer-encoding", "content-length"}
)
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_PATIENCE: Final = 20.0  # seconds that the emulator may take

Lie = Callable[[Request, Callable[[], Answer]], Answer]
"""Answers a request; the second argument asks the emulator."""


@frozen
class Passed:
    """A request that went by, and how it was answered.

    Attributes:
        request: its target is the whole URL.
        answer: as the plugin got it.
    """

    request: Request
    answer: Answer

    @property
    def origin(self) -> str:
        """Where the request went."""
        return origin_to(self.request)


def origin_to(request: Request) -> str:
    """Return the origin that a request for a whole URL goes to, or an empty text if it is none."""
    try:
        return origin_of(request.target)
    except InvalidURI:
        return ""


def parts_of(request: Request) -> Iterator[tuple[str, str]]:
    """Yield the parts of a request in which something may be told: each with its name."""
    yield "the URL", request.target
    for name, value in request.headers.pairs:
        yield f"the header {name}", value
    yield "the body", request.body.decode("utf-8", "replace")


class Relay(Witness):
    """A proxy that carries plain http to loopback, honest unless it is told to lie."""

    def __init__(self) -> None:
        super().__init__()
        self._lie: Lie | None = None
        self.passed: list[Passed] = []

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        return self.host, self.port

    @contextmanager
    def lying(self, lie: Lie) -> Iterator[None]:
        """Answer by `lie` within the block."""
        before, self._lie = self._lie, lie
        try:
            yield
        finally:
            self._lie = before
            self.release()

    def serve(self, connection: Connection) -> None:
        """Carry the requests of one connection, one after the other."""
        try:
            while (request := connection.read_request()) is not None:
                if not self._carry(connection, request):
                    return
        except BadRequest as exc:
            send_answer(connection, Answer(400, f"{exc}\n".encode()), bodiless=False, close=True)

    def _carry(self, connection: Connection, request: Request) -> bool:
        self.record(request)
        answer = self._lie(request, lambda: fetch(request)) if self._lie is not None else fetch(request)
        self.passed.append(Passed(request, answer))
        return send_answer(connection, answer, bodiless=request.method == "HEAD", close=request.wants_close)


def fetch(request: Request) -> Answer:
    """Ask whoever a request is for; what is not on loopback does not exist."""
    parts = _leading_to_loopback(request)
    if parts is None:
        return Answer(502, b"The contract's relay carries plain http to loopback only.\n")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=_PATIENCE)
    try:
        connection.putrequest(request.method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in _carried(request.headers.pairs):
            connection.putheader(name, value.encode("latin-1"))
        connection.putheader("Connection", "close")
        if request.body or request.method not in ("GET", "HEAD"):
            connection.putheader("Content-Length", str(len(request.body)))
        connection.endheaders(request.body or None)
        return _read(connection.getresponse(), request)
    except (OSError, http.client.HTTPException):
        return Answer(502, b"The emulator does not answer.\n")
    finally:
        connection.close()


def _leading_to_loopback(request: Request) -> SplitResult | None:
    try:
        parts = urlsplit(request.target)
        _ = parts.port
    except ValueError:
        return None
    carried = request.method != "CONNECT" and parts.scheme == "http" and parts.hostname in _LOOPBACK
    return parts if carried else None


def _read(response: http.client.HTTPResponse, request: Request) -> Answer:
    """Return an answer as it came, framing and all."""
    headers = _carried(response.getheaders())
    length = response.headers.get("Content-Length")
    try:
        body = response.read()
    except http.client.IncompleteRead as exc:
        whole = len(exc.partial) + (exc.expected or 0)
        cut = Answer(response.status, exc.partial + bytes(exc.expected or 1), headers)
        return cut.with_wire(lengths=(str(whole),), cut_after=len(exc.partial))
    answer = Answer(response.status, body, headers, reason=response.reason)
    if length is not None:
        return answer.with_wire(lengths=(length,)) if request.method == "HEAD" else answer
    if response.headers.get("Transfer-Encoding"):
        return answer.with_wire(chunks=Chunks())
    return answer.with_wire(lengths=()) if body else answer


def _carried(pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in pairs if name.lower() not in _HOP_BY_HOP]
