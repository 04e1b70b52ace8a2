"""The services of the sandbox.

A service is a module of this package that offers `make_apps` and `environment`, and may offer `examples` (URIs to
show), `sign_in_help` (what to answer when signing in) and `Switches` (a frozen attrs class of `switch` fields).
"""

import functools
import importlib
import importlib.util
import typing
from collections.abc import Iterable, Sequence

from downspout_sandbox import switches as switching
from downspout_sandbox.world import Environment, MakeApps, World

NAMES = ("icloud", "koodrive", "esignon", "oracle")


class Service(typing.NamedTuple):
    """What a service's module offers.

    `make_apps` gives the applications by endpoint name; each gets a port, thus an origin, of its own.
    `environment` gives the settings with which a client finds and may use the service, `examples` some URIs that
    work with them, `sign_in_help` sentences about what the environment leaves out when one has to sign in.
    """

    name: str
    make_apps: MakeApps
    environment: Environment
    examples: typing.Callable[[World], Sequence[str]]
    sign_in_help: typing.Callable[[World], Sequence[str]]
    switches: type | None


@functools.cache
def load(name: str) -> Service | None:
    """Import a service; None where it is not part of this installation."""
    module = f"downspout_sandbox.{name}"
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        return None
    found = importlib.import_module(module)
    return Service(
        name,
        found.make_apps,
        found.environment,
        getattr(found, "examples", _nothing),
        getattr(found, "sign_in_help", _nothing),
        getattr(found, "Switches", None),
    )


def _nothing(_world: World) -> Sequence[str]:
    return ()


def chosen(names: Iterable[str]) -> list[Service]:
    """Import the services of these names, all where none is given, in the order of `NAMES`.

    Raises:
        ValueError: There is no service of a name.
    """
    wanted = set(names)
    if wanted - set(NAMES):
        raise ValueError(f"There is no service {min(wanted - set(NAMES))}. There are: {', '.join(NAMES)}.")
    found = (load(name) for name in NAMES if not wanted or name in wanted)
    return [service for service in found if service is not None]


def switch_kinds(services: Iterable[Service]) -> dict[str, type]:
    """Give the switches' classes by the service's name; the general ones by the empty name."""
    kinds: dict[str, type] = {"": switching.Switches}
    kinds.update({service.name: service.switches for service in services if service.switches is not None})
    return kinds
