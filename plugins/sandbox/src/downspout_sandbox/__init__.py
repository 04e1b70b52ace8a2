"""The services that downspout speaks to, emulated on loopback: for trying out, for tests, for other programs."""

import typing

if typing.TYPE_CHECKING:
    from downspout_sandbox.server import Sandbox
    from downspout_sandbox.world import Recorded

__all__ = ["Recorded", "Sandbox"]

_PLACES = {"Recorded": "world", "Sandbox": "server"}


def __getattr__(name: str) -> object:
    if name in _PLACES:
        import importlib

        return getattr(importlib.import_module(f"downspout_sandbox.{_PLACES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
