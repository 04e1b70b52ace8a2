"""The client: everything below it, put together."""

from downspout._client.client import Client
from downspout._client.settings import ClientSettings

__all__ = ["Client", "ClientSettings"]
