"""How a connection is made, and what it goes by."""

import os
import socket
import ssl
from collections.abc import Mapping

from attrs import field, frozen

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


def connected(route: Route, timeout: float | None, context: ssl.SSLContext | None, shown: str) -> socket.socket:
    """Return a socket over which requests can be sent.

    Args:
        route: where to.
        timeout: seconds that each step may take, or `None`.
        context: for TLS; `None` over `http:`.
        shown: what messages name.

    Raises:
        DownspoutError: the address is forbidden, nobody answers, or the proxy is none.
        BadAnswer: the proxy answers what is not HTTP.
        OSError: the handshake failed, or the proxy refused.
    """
    if route.proxy is None and context is None:
        site = route.site
        return addresses.connect(site.host, site.port, timeout, guarded=route.guarded, shown=shown)
    from downspout._http import secured  # loads urllib3, which takes as long as Python itself

    return secured.connected(route, timeout, context, shown)


def proxy_fields(route: Route) -> Mapping[str, str]:
    """Return the header fields of a request that are for the proxy."""
    if route.proxy is None or not route.is_asked_for_whole_urls:
        return {}
    from downspout._http import secured

    return secured.Proxy.of(route.proxy).fields


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
