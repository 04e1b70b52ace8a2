"""Spans of OpenTelemetry for downspout.

Installed, this module is an extension: the hooks of every provider get spans of the global tracer provider. An
application that wants spans for transfers as well, or a tracer provider of its own, makes a `Tracing`.
"""

from downspout_opentelemetry._tracing import Tracing

__all__ = ["Tracing", "authenticate", "open_stream", "resolve_link"]

_tracing = Tracing()
authenticate = _tracing.authenticate
resolve_link = _tracing.resolve_link
open_stream = _tracing.open_stream
