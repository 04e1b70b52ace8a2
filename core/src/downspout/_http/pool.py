"""Connections, kept open between requests."""

import http.client
import ssl
import string
import threading
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from urllib.parse import SplitResult, quote, urlsplit

import urllib3.exceptions
import urllib3.util
from attrs import frozen
from urllib3.util.wait import wait_for_read

from downspout._http.addresses import check_literal
from downspout._http.wire import Answer, BadAnswer, Connection, PlainConnection, TlsConnection, tls_context
from downspout.errors import ConfigurationError, DownspoutError, ProtocolError, Unavailable

_IDLE_SECONDS = 20.0
_IDLE_CONNECTIONS = 64
"""So many are kept, whatever their routes: a list of thousands of hosts must not use up the descriptors."""

_TROUBLE = (OSError, ValueError, http.client.HTTPException, urllib3.exceptions.HTTPError)


@frozen
class Route:
    """Where a connection goes, and how; connections are shared by those who go the same way.

    Attributes:
        scheme: `http` or `https`.
        host: without brackets.
        port: the port.
        guarded: whether the address is checked.
        ca_bundle: file or folder of certificates to trust, or `None` for the system's.
        proxy: URL of the proxy, or `None`.
    """

    scheme: str
    host: str
    port: int
    guarded: bool = True
    ca_bundle: str | None = None
    proxy: str | None = None

    @classmethod
    def of(cls, parts: SplitResult, *, guarded: bool, ca_bundle: str | None, proxy: str | None) -> "Route":
        """Return the route to the origin of a URL."""
        port = parts.port or (443 if parts.scheme == "https" else 80)
        return cls(parts.scheme, parts.hostname or "", port, guarded, ca_bundle, proxy)


class Exchange:
    """One answer, and the connection that it comes over.

    Attributes:
        answer: status, header fields, body.
    """

    __slots__ = ("_connection", "_pool", "_route", "answer")

    def __init__(self, pool: "Pool", route: Route, connection: Connection, answer: Answer) -> None:
        self._pool, self._route = pool, route
        self._connection: Connection | None = connection
        self.answer = answer

    def finish(self) -> None:
        """Give the connection back if the answer was read to its end, else close it."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if self.answer.isclosed() and not self.answer.will_close:
            self._pool.keep(self._route, connection)
        else:
            self.answer.close()
            connection.close()

    def hang_up(self) -> None:
        """Wake whoever reads the answer. Safe from any thread."""
        self.answer.hang_up()


class Pool:
    """Connections by route. Safe for threads.

    Args:
        timeout: seconds to connect, and between bytes; `None` waits for ever.
    """

    def __init__(self, timeout: float | None) -> None:
        self._timeout = timeout
        self._idle: dict[Route, deque[tuple[Connection, float]]] = {}  # the route used last is the last one
        self._count = 0
        self._contexts: dict[str | None, ssl.SSLContext] = {}
        self._lock = threading.Lock()
        self._closed = False

    def exchange(
        self,
        route: Route,
        method: str,
        url: SplitResult,
        headers: dict[str, str],
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
        target = url.path or "/"
        if url.query:
            target = f"{target}?{url.query}"
        if route.proxy and route.scheme == "http":
            target = f"{url.scheme}://{url.netloc}{target}"
        kept = self._take(route)
        if kept is not None:
            try:
                return self._ask(route, kept, method, target, headers, body, cancelled)
            except _TROUBLE as exc:
                if method not in {"GET", "HEAD"} or isinstance(exc, TimeoutError | BadAnswer):
                    raise mapped(exc, shown, self._timeout) from exc
        connection = self._connection(route, shown)
        try:
            return self._ask(route, connection, method, target, headers, body, cancelled)
        except _TROUBLE as exc:
            raise mapped(exc, shown, self._timeout) from exc

    def _ask(
        self,
        route: Route,
        connection: Connection,
        method: str,
        target: str,
        headers: dict[str, str],
        body: bytes | None,
        cancelled: Callable[[], bool],
    ) -> Exchange:
        if connection.sock is not None:
            connection.sock.settimeout(self._timeout)
        connection.response_class = partial(Answer, cancelled=cancelled)
        headers = {**headers, **connection.proxy_fields}
        try:
            connection.request(method, target, body=body, headers=headers, preload_content=False)
            return Exchange(self, route, connection, connection.answer())
        except BaseException:
            connection.close()
            raise

    def _take(self, route: Route) -> Connection | None:
        """Return an idle connection that nobody has closed or written to, or `None`."""
        while True:
            with self._lock:
                idle = self._idle.get(route)
                if not idle:
                    return None
                connection, since = idle.pop()
                self._count -= 1
            sock = connection.sock
            if sock is not None and time.monotonic() - since < _IDLE_SECONDS and not wait_for_read(sock, 0.0):
                return connection
            connection.close()

    def keep(self, route: Route, connection: Connection) -> None:
        """Keep `connection` for the next request that goes its way."""
        with self._lock:
            if not self._closed:
                idle = self._idle[route] = self._idle.pop(route, deque())
                idle.append((connection, time.monotonic()))
                self._count += 1
                if self._count <= _IDLE_CONNECTIONS:
                    return
                connection = self._longest_idle()
        connection.close()

    def _longest_idle(self) -> Connection:
        """Take out a connection of the route that was not used for the longest time."""
        while True:
            route, idle = next(iter(self._idle.items()))
            if not idle:
                del self._idle[route]
                continue
            self._count -= 1
            return idle.popleft()[0]

    def _connection(self, route: Route, shown: str) -> Connection:
        if route.proxy:
            return self._through_proxy(route, shown)
        connection: Connection
        if route.scheme == "https":
            context = self._context(route.ca_bundle)
            connection = TlsConnection(route.host, route.port, timeout=self._timeout, ssl_context=context)
        else:
            connection = PlainConnection(route.host, route.port, timeout=self._timeout)
        connection.guarded, connection.shown = route.guarded, shown
        return connection

    def _through_proxy(self, route: Route, shown: str) -> Connection:
        """The proxy resolves names, so only what the name itself says can be checked here."""
        if route.guarded:
            check_literal(route.host, shown)
        proxy = urllib3.util.parse_url(route.proxy or "")
        if not proxy.host or proxy.scheme != "http":
            raise ConfigurationError("The proxy is no http: URL.", hint="Mend the setting proxy, or HTTPS_PROXY.")
        authorization = urllib3.util.make_headers(proxy_basic_auth=proxy.auth) if proxy.auth else {}
        connection: Connection
        if route.scheme == "https":
            context = self._context(route.ca_bundle)
            connection = TlsConnection(
                proxy.host, proxy.port or 80, timeout=self._timeout, proxy=proxy, ssl_context=context
            )
            connection.set_tunnel(route.host, route.port, authorization, scheme="http")  # the proxy's own
        else:
            connection = PlainConnection(proxy.host, proxy.port or 80, timeout=self._timeout, proxy=proxy)
            connection.proxy_fields = dict(authorization)
        connection.shown = shown
        return connection

    def _context(self, ca_bundle: str | None) -> ssl.SSLContext:
        with self._lock:
            context = self._contexts.get(ca_bundle)
            if context is None:
                try:
                    context = tls_context(ca_bundle)
                except OSError as exc:
                    raise ConfigurationError(
                        f"The certificates in {ca_bundle!r} cannot be read.",
                        hint="Let ca_bundle name a PEM file or a folder of certificates.",
                    ) from exc
                self._contexts[ca_bundle] = context
            return context

    def close(self) -> None:
        """Close what is idle; what is busy closes when it is given back."""
        with self._lock:
            self._closed = True
            idle = [connection for kept in self._idle.values() for connection, _ in kept]
            self._idle.clear()
            self._count = 0
        for connection in idle:
            connection.close()


def split(url: str) -> SplitResult:
    """Return the parts of an absolute URL, scheme in lower case, host encoded for DNS and `Host`.

    Path and query stay byte for byte, but for what no request line can hold: that is percent-encoded.

    Raises:
        ProtocolError: it is no URL.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port
        if parts.scheme not in {"http", "https"} or not host:
            raise ValueError
        if not host.isascii():
            port = f":{parts.port}" if parts.port else ""
            parts = parts._replace(netloc=host.encode("idna").decode("ascii") + port)
        if parts.username is not None:
            parts = parts._replace(netloc=parts.netloc.rpartition("@")[2])
    except (ValueError, UnicodeError) as exc:
        raise ProtocolError("The address of the document is no http: or https: URL.") from exc
    return parts._replace(path=sendable(parts.path), query=sendable(parts.query))


def sendable(text: str, encoding: str = "utf-8") -> str:
    """Return `text` with everything but the printable characters of ASCII percent-encoded."""
    if text.isascii() and text.isprintable() and " " not in text:
        return text
    return quote(text, safe=string.punctuation, encoding=encoding, errors="replace")


def mapped(exc: Exception, shown: str, timeout: float | None) -> DownspoutError:
    """Return our error for one of urllib3's, `http.client`'s or the system's. Never their text: it has URLs."""
    if isinstance(exc, DownspoutError):
        return exc
    if isinstance(exc, ssl.SSLCertVerificationError):
        return Unavailable(
            f"{shown}: the certificate of the server is not trusted ({exc.verify_message}).",
            hint="Set ca_bundle if the server has an authority of its own.",
        )
    if isinstance(exc, ssl.SSLError) and not isinstance(exc, TimeoutError):
        return Unavailable(f"{shown}: the encrypted connection failed ({exc.reason or 'cut off'}).")
    if isinstance(exc, TimeoutError | urllib3.exceptions.TimeoutError):
        after = f" within {timeout:g} s" if timeout else ""
        return Unavailable(f"{shown}: no answer{after}.", hint="Try again, or raise --timeout.")
    if isinstance(exc, http.client.RemoteDisconnected | http.client.IncompleteRead | ConnectionError):
        return Unavailable(f"{shown}: the connection broke off.")
    if isinstance(exc, http.client.HTTPException | ValueError):
        return ProtocolError(f"{shown}: the server sent what is not HTTP.")
    if isinstance(exc, OSError) and "Tunnel connection failed" in str(exc):
        return Unavailable(f"{shown}: the proxy refused to connect.", hint="Check the setting proxy.")
    return Unavailable(f"{shown}: the connection failed.")
