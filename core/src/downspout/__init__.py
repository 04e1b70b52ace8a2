"""Downspout brings documents down from clouds: whole, verified, resumable.

Everything that an application or a plugin needs is named here or in `downspout.errors`,
`downspout.hookspecs` and `downspout.testing`. Importing this package loads nothing; names come when asked for.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from downspout._client import Client
    from downspout._models import (
        Account,
        Child,
        Credential,
        CredentialStore,
        Done,
        Failed,
        Folder,
        Headers,
        Http,
        Interaction,
        Link,
        Opened,
        Progress,
        Provider,
        Reference,
        Resolved,
        Response,
        Result,
        Secret,
        Setting,
        Stream,
        origin_of,
    )
    from downspout._plugins import PluginRegistry
    from downspout.errors import DownspoutError
    from downspout.hookspecs import hookimpl, one_by_one

__all__ = [
    "Account",
    "Child",
    "Client",
    "Credential",
    "CredentialStore",
    "Done",
    "DownspoutError",
    "Failed",
    "Folder",
    "Headers",
    "Http",
    "Interaction",
    "Link",
    "Opened",
    "PluginRegistry",
    "Progress",
    "Provider",
    "Reference",
    "Resolved",
    "Response",
    "Result",
    "Secret",
    "Setting",
    "Stream",
    "hookimpl",
    "one_by_one",
    "origin_of",
]

_ELSEWHERE = {
    "Client": "downspout._client",
    "DownspoutError": "downspout.errors",
    "PluginRegistry": "downspout._plugins",
    "hookimpl": "downspout.hookspecs",
    "one_by_one": "downspout.hookspecs",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from downspout._version import VERSION

        return VERSION
    if name not in __all__:
        raise AttributeError(f"module 'downspout' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_ELSEWHERE.get(name, "downspout._models")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
