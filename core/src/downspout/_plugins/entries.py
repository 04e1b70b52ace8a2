"""One scan of the installed entry points; nothing is imported to find out who is there."""

import logging
import re
from collections.abc import Container, Iterable, Iterator, Sequence
from types import ModuleType
from typing import TYPE_CHECKING

from attrs import field, frozen

if TYPE_CHECKING:
    from importlib.metadata import Distribution

_log = logging.getLogger(__name__)
_NAME = re.compile(r"^Name:[ \t]*(\S+)", re.MULTILINE)
PROVIDERS, HOSTS, EXTENSIONS = "downspout.providers", "downspout.hosts", "downspout.extensions"


@frozen
class Entry:
    """Something that a distribution (or an application) offers.

    Attributes:
        name: of the provider, the extension, or the host pattern.
        module: the name of the module to import.
        distribution: who offers it, or `None` for an application's own.
        version: the distribution's version, or `None`.
        loaded: the module itself, where an application handed it over.
    """

    name: str
    module: str
    distribution: str | None = None
    version: str | None = None
    loaded: object = field(default=None, eq=False, repr=False)


@frozen
class Entries:
    """What is offered, by group, in the order it was found."""

    providers: tuple[Entry, ...] = ()
    hosts: tuple[Entry, ...] = ()
    extensions: tuple[Entry, ...] = ()

    def __add__(self, other: "Entries") -> "Entries":
        return Entries(
            self.providers + other.providers, self.hosts + other.hosts, self.extensions + other.extensions
        )


def installed() -> Entries:
    """Return what the installed distributions offer. Costs 10 to 20 ms: do it once."""
    from importlib.metadata import distributions

    groups: dict[str, list[Entry]] = {PROVIDERS: [], HOSTS: [], EXTENSIONS: []}
    seen: set[str] = set()
    for distribution in distributions():
        try:
            name = _normal(_name_of(distribution) or "")
            known = not name or name in seen  # a later one on the path is shadowed by the first
            offered = () if known else _offered(distribution, groups)
        except Exception as exc:  # a broken installation of whatever it is costs nobody else anything
            _log.debug("an installed distribution cannot be read: %s", type(exc).__name__)
            continue
        seen.add(name)
        for group, entry in offered:
            groups[group].append(entry)
    return Entries(*(tuple(dict.fromkeys(found)) for found in groups.values()))


def _name_of(distribution: "Distribution") -> str | None:
    """Return a distribution's name; to parse all its metadata for that takes longer than the rest of the scan."""
    text = distribution.read_text("METADATA") or distribution.read_text("PKG-INFO")
    found = _NAME.search(text) if text else None
    return found[1] if found else distribution.name


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _offered(distribution: "Distribution", groups: Container[str]) -> Sequence[tuple[str, Entry]]:
    return [
        (
            entry.group,
            Entry(entry.name, entry.value.partition(":")[0].strip(), distribution.name, distribution.version),
        )
        for entry in distribution.entry_points
        if entry.group in groups
    ]


def handed_over(plugins: Iterable[object]) -> Entries:
    """Return what an application's own `plugins` offer: modules, or objects like them; `"web"` is the built-in."""
    providers: list[Entry] = []
    extensions: list[Entry] = []
    for plugin in plugins:
        if plugin == "web":
            providers.append(Entry("web", "downspout._web"))
            continue
        described = getattr(plugin, "provider", None)
        name = getattr(described, "name", None) or _own_name(plugin)
        entry = Entry(name, _own_name(plugin), loaded=plugin)
        (extensions if described is None else providers).append(entry)
    return Entries(providers=tuple(providers), extensions=tuple(extensions))


def _own_name(plugin: object) -> str:
    return (
        plugin.__name__ if isinstance(plugin, ModuleType) else str(getattr(plugin, "name", type(plugin).__name__))
    )


def claims(host: str, patterns: Iterable[Entry]) -> Iterator[Entry]:
    """Yield the entries that claim `host`, the closest first: the host itself, then the longest `*.host`."""
    host = host.lower().rstrip(".")
    matching = [entry for entry in patterns if _matches(host, entry.name.lower())]
    yield from sorted(matching, key=lambda entry: (entry.name.startswith("*."), -len(entry.name)))


def _matches(host: str, pattern: str) -> bool:
    return host.endswith(pattern[1:]) if pattern.startswith("*.") else host == pattern
