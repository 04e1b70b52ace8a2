"""HTTP for everything above: the only place that knows urllib3, and only for TLS and proxies."""

from downspout._http.answer import Clock
from downspout._http.client import BoundHttp
from downspout._http.pool import Pool
from downspout._http.rules import Rules
from downspout._http.stream import HttpStream

__all__ = ["BoundHttp", "Clock", "HttpStream", "Pool", "Rules"]
