"""Connections that take more than a socket: urllib3 does TLS, and speaks to proxies."""

import http.client
import io
import socket
import ssl
import time
from base64 import b64encode
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

import urllib3.connection
import urllib3.exceptions
import urllib3.util
from attrs import field, frozen
from urllib3.util.url import Url

from downspout._http import addresses
from downspout._http.connect import Route
from downspout._http.wire import BadAnswer
from downspout.errors import ConfigurationError


@frozen
class Proxy:
    """A proxy, and what its requests need besides."""

    url: Url = field(repr=False)
    fields: Mapping[str, str] = field(repr=False)

    @classmethod
    def of(cls, text: str) -> "Proxy":
        """Return the proxy that a setting names."""
        url = urllib3.util.parse_url(text)
        if not url.host or url.scheme != "http":
            raise ConfigurationError("The proxy is no http: URL.", hint="Mend the setting proxy, or HTTPS_PROXY.")
        if not url.auth:
            return cls(url, {})
        return cls(url, {"Proxy-Authorization": f"Basic {b64encode(unquote_to_bytes(url.auth)).decode()}"})


def connected(route: Route, timeout: float | None, context: ssl.SSLContext | None, shown: str) -> socket.socket:
    """See `connect.connected`."""
    if route.proxy is not None and route.guarded:
        # The proxy resolves names, so only what the name itself says can be checked here.
        addresses.check_literal(route.site.host, shown)
    made = (_direct if route.proxy is None else _through_proxy)(route, timeout, context)
    made.shown = shown
    try:
        made.connect()
    except BaseException as exc:
        made.close()
        _explain(exc)
        raise
    sock: socket.socket = made.sock
    return sock


def _direct(route: Route, timeout: float | None, context: ssl.SSLContext | None) -> "_Connection":
    made = _connection(route.site.host, route.site.port, timeout, context)
    made.guarded = route.guarded
    return made


def _through_proxy(route: Route, timeout: float | None, context: ssl.SSLContext | None) -> "_Connection":
    site, proxy = route.site, Proxy.of(route.proxy or "")
    made = _connection(proxy.url.host or "", proxy.url.port or 80, timeout, context, proxy=proxy.url)
    if context is not None:
        made.set_tunnel(site.host, site.port, dict(proxy.fields), scheme="http")  # the proxy's own
    return made


def _explain(exc: BaseException) -> None:
    """Raise what the others raise, where urllib3 and `http.client` have classes of their own for it."""
    if isinstance(exc, urllib3.exceptions.TimeoutError):  # pragma: no cover - not on any way that we go now
        raise TimeoutError("nothing came in time") from exc
    if isinstance(exc, http.client.HTTPException) and not isinstance(exc, OSError):
        raise BadAnswer("what the proxy says") from exc
    if isinstance(exc, urllib3.exceptions.HTTPError):  # pragma: no cover - neither
        raise OSError("no connection") from exc


class _BoundedFile(io.RawIOBase):
    """What comes over a socket until a deadline: a proxy may be slow to answer, but not for ever."""

    def __init__(self, sock: socket.socket, deadline: float | None) -> None:
        self._sock, self._deadline = sock, deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._deadline is not None:
            self._sock.settimeout(max(0.001, self._deadline - time.monotonic()))
        return self._sock.recv_into(buffer)


class _ProxyAnswer(http.client.HTTPResponse):
    """The answer of a proxy to CONNECT; the only one that `http.client` reads."""

    def __init__(self, sock: socket.socket, debuglevel: int = 0, method: str | None = None) -> None:
        super().__init__(sock, debuglevel, method=method)
        self.fp.close()
        patience = sock.gettimeout()
        deadline = None if patience is None else time.monotonic() + patience
        self.fp = io.BufferedReader(_BoundedFile(sock, deadline))


class _Checked:
    """What both kinds of connection do differently from urllib3's own."""

    response_class: Any = _ProxyAnswer
    guarded = False
    shown = ""

    def _new_conn(self: Any) -> socket.socket:
        return addresses.connect(self._dns_host, self.port, self.timeout, guarded=self.guarded, shown=self.shown)


class _PlainConnection(_Checked, urllib3.connection.HTTPConnection):
    """For `http:`, and to a proxy for it: connects to checked addresses only."""


class _TlsConnection(_Checked, urllib3.connection.HTTPSConnection):
    """The same for `https:`."""


_Connection = _PlainConnection | _TlsConnection


def _connection(
    host: str, port: int, timeout: float | None, context: ssl.SSLContext | None, proxy: Url | None = None
) -> _Connection:
    if context is None:
        return _PlainConnection(host, port, timeout=timeout, proxy=proxy)
    return _TlsConnection(host, port, timeout=timeout, proxy=proxy, ssl_context=context)
