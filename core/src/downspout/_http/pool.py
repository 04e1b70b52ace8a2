"""Connections, kept open between requests."""

import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping

from downspout._http.address import Address
from downspout._http.connect import Route, connected, proxy_fields, tls_context
from downspout._http.reply import Answer
from downspout._http.wire import BadAnswer, Wire
from downspout.errors import DownspoutError, ProtocolError, Unavailable

_IDLE_SECONDS = 20.0
_IDLE_CONNECTIONS = 64
"""So many are kept, whatever their routes: a list of thousands of hosts must not use up the descriptors."""

_TROUBLE = (OSError, ValueError, BadAnswer)
_ASKED_TWICE_WITHOUT_HARM = frozenset({"GET", "HEAD"})


class Exchange:
    """One answer, and the connection that it comes over.

    Attributes:
        answer: status, header fields, body.
    """

    __slots__ = ("_pool", "_route", "_wire", "answer")

    def __init__(self, pool: "Pool", route: Route, wire: Wire, answer: Answer) -> None:
        self._pool, self._route = pool, route
        self._wire: Wire | None = wire
        self.answer: Answer = answer

    def finish(self) -> None:
        """Give the connection back if the answer was read to its end, else close it."""
        wire, self._wire = self._wire, None
        if wire is None:
            return
        if self.answer.is_over and self.answer.keeps_alive:
            self._pool.keep(self._route, wire)
        else:
            wire.close()

    def hang_up(self) -> None:
        """Wake whoever reads the answer. Safe from any thread."""
        wire = self._wire
        if wire is not None:
            wire.hang_up()


class Pool:
    """Connections by route. Safe for threads.

    Args:
        timeout: seconds to connect, and between bytes; `None` waits for ever.
    """

    def __init__(self, timeout: float | None) -> None:
        self._timeout = timeout
        self._idle: dict[Route, deque[tuple[Wire, float]]] = {}  # the route used last is the last one
        self._count = 0
        self._contexts: dict[str | None, ssl.SSLContext] = {}
        self._lock = threading.Lock()
        self._closed = False

    def exchange(
        self,
        route: Route,
        method: str,
        address: Address,
        headers: Mapping[str, str],
        body: bytes | None,
        shown: str,
        cancelled: Callable[[], bool],
    ) -> Exchange:
        """Send a request; return its answer as soon as its head is there.

        A kept connection that turns out dead is replaced once, where sending twice does no harm.

        Raises:
            Unavailable: no connection, no answer in time, or one that broke off.
            ProtocolError: the answer is not HTTP.
            PermissionDenied: the address is forbidden.
        """
        request = _written(route, method, address, headers, body)
        kept = self._take(route)
        if kept is not None:
            try:
                return self._ask(route, kept, method, request, cancelled)
            except _TROUBLE as exc:
                if method not in _ASKED_TWICE_WITHOUT_HARM or isinstance(exc, TimeoutError | BadAnswer):
                    raise mapped(exc, shown, self._timeout) from exc
        try:
            context = self._context(route.ca_bundle) if route.site.scheme == "https" else None
            wire = Wire(connected(route, self._timeout, context, shown), self._timeout)
            return self._ask(route, wire, method, request, cancelled)
        except _TROUBLE as exc:
            raise mapped(exc, shown, self._timeout) from exc

    def _ask(
        self, route: Route, wire: Wire, method: str, request: bytes, cancelled: Callable[[], bool]
    ) -> Exchange:
        wire.cancelled = cancelled
        wire.deadline = None if self._timeout is None else time.monotonic() + self._timeout
        try:
            wire.send(request)
            return Exchange(self, route, wire, Answer(wire, method))
        except BaseException:
            wire.close()
            raise

    def _take(self, route: Route) -> Wire | None:
        """Return an idle connection that nobody has closed or written to, or `None`."""
        while True:
            with self._lock:
                idle = self._idle.get(route)
                if not idle:
                    return None
                wire, since = idle.pop()
                self._count -= 1
            if time.monotonic() - since < _IDLE_SECONDS and wire.is_quiet:
                return wire
            wire.close()

    def keep(self, route: Route, wire: Wire) -> None:
        """Keep `wire` for the next request that goes its way."""
        with self._lock:
            if not self._closed:
                idle = self._idle[route] = self._idle.pop(route, deque())
                idle.append((wire, time.monotonic()))
                self._count += 1
                if self._count <= _IDLE_CONNECTIONS:
                    return
                wire = self._longest_idle()
        wire.close()

    def _longest_idle(self) -> Wire:
        """Take out a connection of the route that was not used for the longest time."""
        while True:
            route, idle = next(iter(self._idle.items()))
            if not idle:
                del self._idle[route]
                continue
            self._count -= 1
            return idle.popleft()[0]

    def _context(self, ca_bundle: str | None) -> ssl.SSLContext:
        with self._lock:
            context = self._contexts.get(ca_bundle)
            if context is None:
                context = self._contexts[ca_bundle] = tls_context(ca_bundle)
            return context

    def close(self) -> None:
        """Close what is idle; what is busy closes when it is given back."""
        with self._lock:
            self._closed = True
            idle = [wire for kept in self._idle.values() for wire, _ in kept]
            self._idle.clear()
            self._count = 0
        for wire in idle:
            wire.close()


def _written(route: Route, method: str, address: Address, headers: Mapping[str, str], body: bytes | None) -> bytes:
    """Return a request as it goes over the wire; its parts were checked by whoever made them."""
    target = address.url if route.is_asked_for_whole_urls else address.target
    lines = [f"{method} {target} HTTP/1.1", f"Host: {address.site.authority}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if route.proxy is not None:
        lines += [f"{name}: {value}" for name, value in proxy_fields(route).items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b"")


def mapped(exc: Exception, shown: str, timeout: float | None) -> DownspoutError:
    """Return our error for the wire's, or the system's. Never their text: it may have addresses in it."""
    if isinstance(exc, DownspoutError):
        return exc
    if isinstance(exc, ssl.SSLCertVerificationError):
        return Unavailable(
            f"{shown}: the certificate of the server is not trusted ({exc.verify_message}).",
            hint="Set ca_bundle if the server has an authority of its own.",
        )
    if isinstance(exc, ssl.SSLError) and not isinstance(exc, TimeoutError | ssl.SSLEOFError):
        return Unavailable(f"{shown}: the encrypted connection failed ({exc.reason or 'cut off'}).")
    if isinstance(exc, TimeoutError):
        after = f" within {timeout:g} s" if timeout else ""
        return Unavailable(f"{shown}: no answer{after}.", hint="Try again, or raise --timeout.")
    if isinstance(exc, ConnectionError | ssl.SSLEOFError):
        return Unavailable(f"{shown}: the connection broke off.")
    if isinstance(exc, BadAnswer | ValueError):
        return ProtocolError(f"{shown}: the server sent what is not HTTP.")
    if isinstance(exc, OSError) and "Tunnel connection failed" in str(exc):
        return Unavailable(f"{shown}: the proxy refused to connect.", hint="Check the setting proxy.")
    return Unavailable(f"{shown}: the connection failed.")
