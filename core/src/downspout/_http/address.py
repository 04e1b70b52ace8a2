"""Where a request goes: a URL, taken apart once."""

import re
import string
from functools import lru_cache
from urllib.parse import quote, urlsplit

from attrs import field, frozen

from downspout._models import origin_of
from downspout.errors import ProtocolError

# What nearly every URL looks like; all others are taken apart with more care.
_USUAL = re.compile(r"(https?://[a-z0-9.-]+(?::\d{1,5})?)(/[!-\"$-~]*)?")
_OWN_PORT = {"http": 80, "https": 443}


@frozen
class Site:
    """Whom a request is sent to.

    Attributes:
        scheme: `http` or `https`.
        host: lower case, as DNS has it, without brackets.
        port: the port.
        origin: see `origin_of`.
    """

    scheme: str = field(eq=False)
    host: str = field(eq=False)
    port: int = field(eq=False)
    origin: str

    @property
    def authority(self) -> str:
        """Host and port as the field `Host` has them."""
        return self.origin.partition("//")[2]


@frozen
class Address:
    """Whom a request is sent to, and what it asks there for.

    Attributes:
        site: whom.
        target: path and query, byte for byte as they were written, but for what no request line can hold: that
            is percent-encoded.
    """

    site: Site
    target: str

    @property
    def url(self) -> str:
        """The address as a URL, without user information and fragment."""
        return self.site.origin + self.target


def parsed(url: str) -> Address:
    """Return where `url`, an absolute one, leads.

    Raises:
        ProtocolError: it is no `http:` or `https:` URL.
    """
    usual = _USUAL.fullmatch(url)
    if usual is not None:
        return Address(_site(usual[1]), usual[2] or "/")
    try:
        parts = urlsplit(url)
        path, query = sendable(parts.path or "/"), sendable(parts.query)
        authority = parts.netloc.rpartition("@")[2]
    except ValueError as exc:
        raise _no_url() from exc
    return Address(_site(f"{parts.scheme}://{authority}"), f"{path}?{query}" if query else path)


@lru_cache(maxsize=256)
def _site(url: str) -> Site:
    """Return whom a URL of nothing but scheme, host and port names; a batch asks the same few all the time."""
    try:
        origin = origin_of(url)
        parts = urlsplit(origin)
        host, port = parts.hostname or "", parts.port
    except ValueError as exc:
        raise _no_url() from exc
    return Site(parts.scheme, host, port or _OWN_PORT[parts.scheme], origin)


def _no_url() -> ProtocolError:
    return ProtocolError("The address of the document is no http: or https: URL.")


def sendable(text: str, encoding: str = "utf-8") -> str:
    """Return `text` with everything but the printable characters of ASCII percent-encoded."""
    if text.isascii() and text.isprintable() and " " not in text:
        return text
    return quote(text, safe=string.punctuation, encoding=encoding, errors="replace")
