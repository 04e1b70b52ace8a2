"""Lies before the first request of a connection."""

import attrs

from downspout.testing._answer import Ending
from downspout.testing._tls import CertificateFlaw


@attrs.frozen
class ConnectionFault:
    """A lie that concerns a connection before its first request. See `LyingServer.script_connections`."""


@attrs.frozen
class SlowAccept(ConnectionFault):
    """A server that takes its time before it reads the first byte (over TLS: before the handshake).

    Attributes:
        seconds: How long; None: until released.
    """

    seconds: float | None = None


@attrs.frozen
class HangUp(ConnectionFault):
    """A server that ends the connection as soon as it stands.

    Attributes:
        ending: Politely or by a reset.
    """

    ending: Ending = "reset"


@attrs.frozen
class BadCertificate(ConnectionFault):
    """A TLS server that shows a certificate nobody should accept. Without TLS it changes nothing.

    Attributes:
        flaw: From an unknown authority, for another host, or out of date.
    """

    flaw: CertificateFlaw = "untrusted"


@attrs.frozen
class PlainText(ConnectionFault):
    """A server that speaks no TLS where TLS is expected. Without TLS it changes nothing."""
