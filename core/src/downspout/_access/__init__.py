"""Access to documents: an account in use, its credential, its links."""

from downspout._access.credentials import Credentials
from downspout._access.session import Session
from downspout._access.source import DocumentSource, life_left

__all__ = ["Credentials", "DocumentSource", "Session", "life_left"]
