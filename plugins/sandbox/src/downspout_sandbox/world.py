"""The world that the services share: documents, clock, addresses, switches, sessions, and what was asked."""

import time
import typing
from collections import deque
from collections.abc import Callable, Iterable, Mapping

import attrs
from aiohttp import web

from downspout_sandbox import switches as switching
from downspout_sandbox.documents import Library
from downspout_sandbox.switches import Switches, Value

_HEADER = "x-sandbox-"
_HEADER_BYTES = _HEADER.encode()
_REMEMBERED = 50_000

T = typing.TypeVar("T")


@attrs.frozen
class Recorded:
    """One request that an endpoint answered.

    Attributes:
        service: `koodrive`, `esignon`, …
        endpoint: The endpoint's name: the service's own, or one like `koodrive-store`.
        method: `GET`, `POST`, …
        path: As it came, percent-encoded, without the query.
        query: What follows `?`, as it came.
        headers: The request's headers; names are compared without case.
        status: Of the answer.
    """

    service: str
    endpoint: str
    method: str
    path: str
    query: str
    headers: Mapping[str, str] = attrs.field(repr=False)
    status: int


@attrs.define(eq=False)
class World:
    """What the endpoints of one sandbox share.

    A service keeps its sessions in a class of its own, made without arguments and got with `state`. Its switches
    are a frozen attrs class of its own, got with `switches`. The general ones are `general`.

    Attributes:
        kinds: The switches' classes by service; the general ones by the empty name.
        scheme: `http` or `https`.
        ports: Port by endpoint name.
        library: The documents.
        requests: What was asked so far, the oldest first.
    """

    kinds: Mapping[str, type]
    scheme: str = "http"
    ports: dict[str, int] = attrs.field(factory=dict)
    requests: deque[Recorded] = attrs.field(factory=lambda: deque(maxlen=_REMEMBERED), repr=False)
    library: Library = attrs.field(init=False)
    general: Switches = attrs.field(init=False)
    _began: float = attrs.field(init=False)
    _switches: dict[type, typing.Any] = attrs.field(factory=dict, init=False)
    _states: dict[type, typing.Any] = attrs.field(factory=dict, init=False, repr=False)
    _counts: dict[str, int] = attrs.field(factory=dict, init=False)
    _advanced: float = attrs.field(default=0.0, init=False)

    def __attrs_post_init__(self) -> None:
        self.set_switches({})
        self.reset()

    def now(self) -> float:
        """Give the services' time: seconds since the epoch, skew and `advance` included."""
        return time.time() + self._advanced + self.general.clock_skew

    def age(self) -> float:
        """Give the seconds since the start or `reset`, with those of `advance`; a skew does not count."""
        return time.monotonic() - self._began + self._advanced

    def advance(self, seconds: float) -> None:
        """Move the services' clocks on, so that links and tokens expire without waiting."""
        self._advanced += seconds

    def url(self, endpoint: str) -> str:
        """Give the base URL of an endpoint, without a final slash.

        Raises:
            KeyError: There is no such endpoint in this sandbox.
        """
        return f"{self.scheme}://127.0.0.1:{self.ports[endpoint]}"

    def state(self, kind: type[T]) -> T:
        """Give a service's sessions, made with `kind()` at first and after `reset`."""
        found = self._states.get(kind)
        if found is None:
            found = self._states[kind] = kind()
        return typing.cast("T", found)

    def count(self, what: str) -> int:
        """Count one more of something (a request of an endpoint, a cut); give how many there are with it."""
        number = self._counts[what] = self._counts.get(what, 0) + 1
        return number

    def switches(self, kind: type[T], request: web.Request | None = None) -> T:
        """Give the switches of a class, with what the request's `X-Sandbox-…` headers ask for this once."""
        current = self._switches[kind]
        if request is not None:
            asked = self._asked(request, kind)
            if asked:
                return typing.cast("T", attrs.evolve(current, **asked))
        return typing.cast("T", current)

    def set_switches(self, values: Mapping[str, object]) -> None:
        """Set switches by their outer names (`link_life`, `koodrive_old_links`); the others stay.

        Raises:
            KeyError: A name that is no switch; then none is set.
            ValueError: A value that its switch cannot have; then none is set.
        """
        remaining = dict(values)
        changed: dict[type, typing.Any] = {}
        for service, kind in self.kinds.items():
            own = {name: remaining.pop(name) for name in _names(service, kind) if name in remaining}
            asked = switching.typed(kind, {_inner(service, name): value for name, value in own.items()})
            changed[kind] = attrs.evolve(self._switches.get(kind) or kind(), **asked)
        if remaining:
            raise KeyError(min(remaining))
        self._switches = changed
        self.general = changed[Switches]
        if {"large_size", "small_count"} & values.keys() or not hasattr(self, "library"):
            self.library = Library(self.general.large_size, self.general.small_count)

    def switch_values(self) -> dict[str, Value]:
        """Give all switches by their outer names."""
        return {
            name: getattr(self._switches[kind], _inner(service, name))
            for service, kind in self.kinds.items()
            for name in _names(service, kind)
        }

    def reset(self) -> None:
        """Forget sessions, requests, counts, changed documents and the advanced clock. Switches stay."""
        self._states.clear()
        self._counts.clear()
        self.requests.clear()
        self._advanced = 0.0
        self._began = time.monotonic()
        self.library = Library(self.general.large_size, self.general.small_count)

    def _asked(self, request: web.Request, kind: type) -> dict[str, Value]:
        found = {
            name.decode("latin-1").lower().removeprefix(_HEADER).replace("-", "_"): value.decode("latin-1")
            for name, value in request.raw_headers
            if name[: len(_HEADER)].lower() == _HEADER_BYTES
        }
        if not found:
            return {}
        service = next(service for service, each in self.kinds.items() if each is kind)
        own = {_inner(service, name): found[name] for name in _names(service, kind) if name in found}
        return switching.typed(kind, own)


def _names(service: str, kind: type) -> Iterable[str]:
    return (name for name, _, _ in switching.describe(kind, f"{service}_" if service else ""))


def _inner(service: str, name: str) -> str:
    return name.removeprefix(f"{service}_") if service else name


Apps = dict[str, web.Application]
MakeApps = Callable[[World], Apps]
Environment = Callable[[World], dict[str, str]]
