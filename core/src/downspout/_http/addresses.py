"""Which addresses a service may send us to: resolve, filter, then connect to what was checked."""

import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from downspout.errors import PermissionDenied, Unavailable

_NAT64 = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
_6TO4 = IPv6Network("2002::/16")
_TEREDO = IPv6Network("2001::/32")
_GLOBAL = IPv6Network("2000::/3")  # all that IANA has given to the public; `is_global` lets more through
_DOCUMENTATION = IPv6Network("3fff::/20")  # RFC 9637; older Pythons do not know it
_HINT = "Set allow_private for this account if it is meant to be there."


def is_forbidden(address: str) -> bool:
    """Return whether `address` (of either family) is loopback, link-local, private, multicast or reserved.

    IPv4 addresses inside IPv6 ones (mapped, NAT64, 6to4, Teredo) are taken out and judged.
    """
    ip = ip_address(address.partition("%")[0])
    inner = _inner(ip) if isinstance(ip, IPv6Address) else None
    if inner is not None and not _public(inner):
        return True
    # The wrapping ranges themselves are "not global" to `ipaddress`; what counts is the address inside.
    return inner is None and not _public(ip)


def _inner(ip: IPv6Address) -> IPv4Address | None:
    if ip.ipv4_mapped is not None:
        return ip.ipv4_mapped
    if any(ip in network for network in _NAT64) or (int(ip) >> 32 == 0 and int(ip) > 1):
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    if ip in _6TO4:
        return ip.sixtofour
    if ip in _TEREDO:
        return ip.teredo[1] if ip.teredo else None
    return None


def _public(ip: IPv4Address | IPv6Address) -> bool:
    if isinstance(ip, IPv6Address) and (ip not in _GLOBAL or ip in _DOCUMENTATION):
        return False
    return ip.is_global and not ip.is_multicast


def check_literal(host: str, shown: str) -> None:
    """Check a host without asking DNS, for requests that a proxy resolves: literals and `localhost`.

    Raises:
        PermissionDenied: the host is a forbidden address, or names this machine.
    """
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        raise PermissionDenied(f"{shown} leads to this machine ({host}), which is not allowed.", hint=_HINT)
    literal = _literal(name)
    if literal is not None and is_forbidden(literal):
        raise PermissionDenied(f"{shown} leads to the address {host}, which is not allowed.", hint=_HINT)


def _literal(name: str) -> str | None:
    """Return the address that `name` writes, in any form that resolvers take (`127.1`, `0x7f000001`)."""
    try:
        return str(ip_address(name.strip("[]")))
    except ValueError:
        pass
    try:
        return socket.inet_ntoa(socket.inet_aton(name))
    except OSError:
        return None


def connect(host: str, port: int, timeout: float | None, *, guarded: bool, shown: str) -> socket.socket:
    """Return a socket connected to `host`; if `guarded`, only to an address that is not forbidden.

    The very address that was checked is connected to, so a second answer of the resolver changes nothing.

    Raises:
        PermissionDenied: all addresses of the host are forbidden.
        Unavailable: the name does not resolve, or nobody answers.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as exc:
        raise Unavailable(f"{shown}: the name {host} does not resolve.", hint="Check the network.") from exc
    allowed = [entry for entry in found if not guarded or not is_forbidden(str(entry[4][0]))]
    if not allowed:
        raise PermissionDenied(f"{shown} leads to {host}, whose address is not allowed.", hint=_HINT)
    trouble: OSError | None = None
    for family, kind, protocol, _, address in allowed:
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(timeout)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.connect(address)
        except OSError as exc:
            sock.close()
            trouble = exc
        else:
            return sock
    reason = (
        "no answer in time" if isinstance(trouble, TimeoutError) else (trouble and trouble.strerror) or "refused"
    )
    raise Unavailable(f"{shown}: no connection to {host}, port {port} ({reason}).") from trouble
