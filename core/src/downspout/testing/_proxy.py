"""A forward proxy that lies: tunnels by CONNECT, forwards whole URLs, keeps what it was asked."""

import base64
import selectors
import socket
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

import attrs

from downspout.testing._answer import Answer, Wire
from downspout.testing._connection import Connection, Pace
from downspout.testing._fault import Fault
from downspout.testing._message import BadRequest, Request
from downspout.testing._script import Script
from downspout.testing._wire import send_answer
from downspout.testing._witness import Witness

_NOT_FORWARDED: Final = frozenset(
    {"connection", "proxy-connection", "proxy-authorization", "keep-alive", "content-length", "transfer-encoding"}
)
_ESTABLISHED: Final = Answer(200, reason="Connection Established")


class LyingProxy(Witness):
    """An HTTP proxy on loopback that is honest unless a script says otherwise. A context manager.

    It serves one request or tunnel for each connection. Of the faults it takes those that replace the answer
    (`Status(407)`, `EmptyReply()`, `Garbage()`, …) and, for what comes back from the far side, `Cut`, `Stall`,
    `Drip`, `Delay` and `Silence`; these count all bytes that come back, heads and TLS records included.

    Args:
        tls: Whether the proxy itself is spoken to by TLS.
        hosts: Where names lead: `{"store.example": "127.0.0.1:8080"}`, or with a port (`"store.example:443"`)
            where it matters; what is not named is connected to as it is.
        credentials: User and password that it insists on (407); None: none.
        rate: Bytes per second and connection; None: as fast as it goes.

    Attributes:
        requests: What it was asked: `target` is `host:port` of a tunnel (method `CONNECT`), or a whole URL.

    Example:
        >>> import urllib.request
        >>> with LyingServer() as server, LyingProxy() as proxy:
        ...     server.documents["/a"] = Document(b"hello")
        ...     opener = urllib.request.build_opener(urllib.request.ProxyHandler({"http": proxy.origin}))
        ...     with opener.open(server.url("/a")) as response:
        ...         print(response.read(), proxy.requests[0].target == server.url("/a"))
        b'hello' True
    """

    def __init__(
        self,
        tls: bool = False,
        *,
        hosts: Mapping[str, str] | None = None,
        credentials: tuple[str, str] | None = None,
        rate: float | None = None,
    ) -> None:
        super().__init__(tls, rate=rate)
        self.hosts: Mapping[str, str] = dict(hosts or {})
        self._authorization = None if credentials is None else _basic(*credentials)
        self._script: Script[Fault] = Script(())

    def script(self, entries: Sequence[Fault | None], *, repeat_last: bool = False) -> None:
        """Say what happens to the requests from now on, one entry each.

        Args:
            entries: A fault, or None for an honest proxy.
            repeat_last: Whether the last entry holds for all further requests; otherwise they are honest.
        """
        self._script = Script(entries, repeat_last)

    def serve(self, connection: Connection) -> None:
        """Serve the one request or tunnel of a connection."""
        try:
            request = connection.read_request()
        except BadRequest as exc:
            send_answer(connection, Answer(400, f"{exc}\n".encode()), bodiless=False, close=True)
            return
        if request is None:
            return
        self.record(request)
        plan = self._plan(request)
        if not _is_tunnel(plan):
            send_answer(connection, plan, bodiless=request.method == "HEAD", close=True)
            return
        self._forward(connection, request, plan.wire)

    def _plan(self, request: Request) -> Answer:
        if self._authorization not in (None, request.headers.get("proxy-authorization")):
            return Answer(407, b"who are you\n", {"Proxy-Authenticate": 'Basic realm="proxy"'})
        fault = self._script.next()
        plan = attrs.evolve(_ESTABLISHED, request=request)
        return plan if fault is None else fault._change(plan)

    def _forward(self, connection: Connection, request: Request, wire: Wire) -> None:
        connection.pause(wire.delay)
        if wire.silent:
            connection.stall()
        try:
            upstream = socket.create_connection(self._address_of(request), 5.0)
        except (OSError, ValueError):
            send_answer(connection, Answer(502, b"nobody there\n"), bodiless=False, close=True)
            return
        with upstream:
            upstream.settimeout(None)
            connection.partner = upstream
            if self.stopping.is_set():
                return  # pragma: no cover - a stop between the two lines above
            if request.method == "CONNECT":
                connection.send(b"HTTP/1.1 200 Connection Established\r\n\r\n")
            else:
                upstream.sendall(_origin_form(request))
            upstream.sendall(connection.take_rest())
            _Tunnel(connection, upstream, wire).run()
            connection.partner = None

    def _address_of(self, request: Request) -> tuple[str, int]:
        """Tell where a request leads.

        Raises:
            ValueError: Nowhere.
        """
        tunnel = request.method == "CONNECT"
        parts = urlsplit(f"//{request.target}" if tunnel else request.target)
        host, port = parts.hostname or "", parts.port or (443 if tunnel else 80)
        named = self.hosts.get(f"{host}:{port}") or self.hosts.get(host)
        if named is not None:
            host, _, text = named.rpartition(":")
            port = int(text)
        return host, port


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _is_tunnel(plan: Answer) -> bool:
    """Tell whether a plan is still a tunnel (or forwarded request), with lies that one can tell at most."""
    wire = plan.wire
    flow = Wire(
        delay=wire.delay,
        silent=wire.silent,
        rate=wire.rate,
        rate_after=wire.rate_after,
        stall_after=wire.stall_after,
        cut_after=wire.cut_after,
        ending=wire.ending,
    )
    return attrs.evolve(plan, request=None) == attrs.evolve(_ESTABLISHED, wire=flow)


def _origin_form(request: Request) -> bytes:
    """Write a request with a whole URL as the origin understands it; the connection ends after the answer."""
    parts = urlsplit(request.target)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = [f"{request.method} {target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in request.headers.pairs if name.lower() not in _NOT_FORWARDED]
    lines += [f"Content-Length: {len(request.body)}"] if request.body else []
    return "\r\n".join((*lines, "Connection: close", "", "")).encode("latin-1") + request.body


class _Tunnel:
    """Carries bytes both ways until the far side is done, or a lie ends it."""

    def __init__(self, connection: Connection, upstream: socket.socket, wire: Wire) -> None:
        self._connection = connection
        self._upstream = upstream
        self._wire = wire
        self._pace: Pace | None = None
        self._slow = None if wire.rate is None else Pace(wire.rate)
        self._back = 0  # bytes that went back to the client
        slow_from = None if wire.rate is None else wire.rate_after
        deeds = ((slow_from, "slow down"), (wire.stall_after, "stall"), (wire.cut_after, "cut"))
        self._deeds = sorted(((at, deed) for at, deed in deeds if at is not None), key=lambda pair: pair[0])

    def run(self) -> None:
        """Carry until the end."""
        if not self._do_what_is_due():
            return
        with selectors.DefaultSelector() as selector:
            selector.register(self._connection.sock, selectors.EVENT_READ, self._carry_forth)
            selector.register(self._upstream, selectors.EVENT_READ, self._carry_back)
            while True:
                for key, _ in selector.select():
                    if not key.data():
                        if key.fileobj is self._upstream:
                            return
                        selector.unregister(key.fileobj)

    def _carry_forth(self) -> bool:
        # More than a TLS record has, so that TLS never holds back bytes of which the selector knows nothing.
        data = self._connection.sock.recv(1 << 18)
        if data:
            self._upstream.sendall(data)
        else:
            self._upstream.shutdown(socket.SHUT_WR)
        return bool(data)

    def _carry_back(self) -> bool:
        data = self._upstream.recv(1 << 18)
        while data:
            piece = data[: self._deeds[0][0] - self._back] if self._deeds else data
            self._connection.send(piece, self._pace)
            self._back += len(piece)
            data = data[len(piece) :]
            if not self._do_what_is_due():
                return False
            if not data:
                return True
        return False

    def _do_what_is_due(self) -> bool:
        """Do what the lies want done at this byte; say whether to go on."""
        while self._deeds and self._deeds[0][0] <= self._back:
            _, deed = self._deeds.pop(0)
            if deed == "cut":
                self._connection.end(self._wire.ending)
                return False
            if deed == "stall":
                self._connection.stall()
            else:
                self._pace = self._slow
        return True
