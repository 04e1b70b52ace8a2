"""How a connection is made: urllib3 speaks to proxies and does TLS; what it connects to was checked by us."""

import http.client
import io
import os
import socket
import ssl
import time
from base64 import b64encode
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

import urllib3.connection
import urllib3.util
from attrs import field, frozen
from urllib3.util.url import Url

from downspout._http import addresses
from downspout._http.address import Site
from downspout.errors import ConfigurationError


@frozen
class Route:
    """Where a connection goes, and how; connections are shared by those who go the same way.

    Attributes:
        site: whom it is to.
        guarded: whether the address is checked.
        ca_bundle: file or folder of certificates to trust, or `None` for the system's.
        proxy: URL of the proxy, or `None`.
    """

    site: Site
    guarded: bool = True
    ca_bundle: str | None = None
    proxy: str | None = field(default=None, repr=False)  # may hold a password

    @property
    def is_asked_for_whole_urls(self) -> bool:
        """Whether requests name scheme and host in their first line: those to a proxy that sees through them."""
        return self.proxy is not None and self.site.scheme == "http"


@frozen
class _Proxy:
    url: Url = field(repr=False)
    fields: Mapping[str, str] = field(repr=False)

    @classmethod
    def of(cls, text: str) -> "_Proxy":
        url = urllib3.util.parse_url(text)
        if not url.host or url.scheme != "http":
            raise ConfigurationError("The proxy is no http: URL.", hint="Mend the setting proxy, or HTTPS_PROXY.")
        if not url.auth:
            return cls(url, {})
        return cls(url, {"Proxy-Authorization": f"Basic {b64encode(unquote_to_bytes(url.auth)).decode()}"})


def connected(route: Route, timeout: float | None, context: ssl.SSLContext | None, shown: str) -> socket.socket:
    """Return a socket over which requests can be sent.

    Args:
        route: where to.
        timeout: seconds that each step may take, or `None`.
        context: for TLS; `None` over `http:`.
        shown: what messages name.

    Raises:
        DownspoutError: the address is forbidden, nobody answers, or the proxy is none.
        OSError: the handshake failed; `urllib3.exceptions.HTTPError` too.
    """
    site = route.site
    if route.proxy is None:
        made = _connection(site.host, site.port, timeout, context)
        made.guarded, made.shown = route.guarded, shown
        return _socket_of(made)
    if route.guarded:  # the proxy resolves names, so only what the name itself says can be checked here
        addresses.check_literal(site.host, shown)
    proxy = _Proxy.of(route.proxy)
    made = _connection(proxy.url.host or "", proxy.url.port or 80, timeout, context, proxy=proxy.url)
    made.shown = shown
    if context is not None:
        made.set_tunnel(site.host, site.port, dict(proxy.fields), scheme="http")  # the proxy's own
    return _socket_of(made)


def proxy_fields(route: Route) -> Mapping[str, str]:
    """Return the header fields of a request that are for the proxy."""
    return _Proxy.of(route.proxy).fields if route.proxy is not None and route.is_asked_for_whole_urls else {}


def _socket_of(made: "_Connection") -> socket.socket:
    try:
        made.connect()
    except BaseException:
        made.close()
        raise
    sock: socket.socket = made.sock
    return sock


class _BoundedFile(io.RawIOBase):
    """What comes over a socket until a deadline: a proxy may be slow to answer, but not for ever."""

    def __init__(self, sock: socket.socket, deadline: float | None) -> None:
        self._sock, self._deadline = sock, deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._deadline is not None:
            left = self._deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("the deadline has passed")
            self._sock.settimeout(left)
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


def tls_context(ca_bundle: str | None) -> ssl.SSLContext:
    """Return a context that trusts `ca_bundle` (a file or folder), or what the system trusts.

    Raises:
        ConfigurationError: the bundle cannot be read, or is none.
    """
    try:
        if ca_bundle and os.path.isdir(ca_bundle):
            context = ssl.create_default_context(capath=ca_bundle)
        else:
            context = ssl.create_default_context(cafile=ca_bundle or None)
    except OSError as exc:
        raise ConfigurationError(
            f"The certificates in {ca_bundle!r} cannot be read.",
            hint="Let ca_bundle name a PEM file or a folder of certificates.",
        ) from exc
    context.set_alpn_protocols(["http/1.1"])
    return context
