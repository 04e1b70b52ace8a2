"""Certificates for servers on loopback, good ones and bad ones. trustme is imported when the first is needed."""

import datetime as dt
import functools
import ssl
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    import trustme

CertificateFlaw: TypeAlias = Literal["untrusted", "wrong-host", "expired"]

LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")


@functools.cache
def _authority(trusted: bool) -> "trustme.CA":
    # One for all servers of a process: who has the CA file of one can follow a redirect to another.
    import trustme

    return trustme.CA(organization_name="downspout tests" if trusted else "nobody's friend")


def authority_pem() -> bytes:
    """Give the certificate, in PEM, of the authority that vouches for every server of this process."""
    return _authority(True).cert_pem.bytes()


@functools.cache
def server_context(hosts: tuple[str, ...], flaw: CertificateFlaw | None = None) -> ssl.SSLContext:
    """Make what a TLS server needs.

    Args:
        hosts: Names and addresses that the certificate is for.
        flaw: What is wrong with the certificate; None: nothing.
    """
    now = dt.datetime.now(dt.UTC)
    names = ("elsewhere.example",) if flaw == "wrong-host" else hosts
    expired = flaw == "expired"
    certificate = _authority(flaw != "untrusted").issue_cert(
        *names,
        not_before=now - dt.timedelta(days=9) if expired else None,
        not_after=now - dt.timedelta(days=2) if expired else None,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["http/1.1"])
    certificate.configure_cert(context)
    return context
