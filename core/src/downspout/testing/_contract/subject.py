"""The plugin under test: its module, what it says of itself, and its hooks."""

import importlib
import importlib.util
import sys
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import UTC, datetime
from types import ModuleType
from typing import Any, NoReturn

from attrs import field, frozen

from downspout._models import Account, Provider, Secret
from downspout._plugins import PluginRegistry, TimeLimitExceeded, Workers, builtin, entries
from downspout._plugins.entries import Entries, Entry
from downspout.errors import NoProvider, PluginError, Unavailable
from downspout.testing._contract.rules import NotTried, told

CALL_LIMIT = 10.0  # seconds that a hook may take that reaches nobody
HOOKS = ("authenticate", "resolve_link", "open_stream")


@frozen
class Subject:
    """A plugin under test.

    Attributes:
        name: what it was asked for by: the provider's name, or a module's.
        module: the module (or an object that stands for one), or `None` if it does not import.
        trouble: why it does not, or `None`.
        installed: the entry points of all distributions.
    """

    name: str
    module: Any = field(default=None, repr=False)
    trouble: str | None = None
    installed: Entries = field(factory=Entries, repr=False)

    @classmethod
    def of(cls, plugin: object) -> "Subject":
        """Return the subject for a provider's name, a module's name, or a module.

        Raises:
            NoProvider: nothing of that name is there.
        """
        installed = entries.installed()
        if not isinstance(plugin, str):
            described = getattr(plugin, "provider", None)
            return cls(getattr(described, "name", None) or _name_of(plugin), plugin, None, installed)
        entry = next((each for each in installed.providers if each.name == plugin), None)
        if entry is None and not _can_be_imported(plugin):
            raise NoProvider(
                f"There is no provider and no module {plugin!r}.",
                hint="See `downspout plugins` for what is installed.",
            )
        try:
            found = importlib.import_module(entry.module if entry is not None else plugin)
        except KeyboardInterrupt:
            raise
        except BaseException as exc:  # SystemExit too: a plugin does not end the program
            return cls(plugin, None, f"it does not import ({told(exc)})", installed)
        return cls(plugin, found, None, installed)

    @property
    def module_name(self) -> str | None:
        """The module's name, or `None` if it is an object that no import finds."""
        return self.module.__name__ if isinstance(self.module, ModuleType) else None

    @property
    def provider(self) -> Provider:
        """What the module says of itself.

        Raises:
            NotTried: nothing that can be used; another rule says so.
        """
        found = getattr(self.module, "provider", None)
        if not isinstance(found, Provider):
            raise NotTried("Its module has no `provider = Provider(…)`.")
        return found

    @property
    def title(self) -> str:
        """The provider's name for people, as far as there is one."""
        found = getattr(self.module, "provider", None)
        return found.title if isinstance(found, Provider) else "cannot be used"

    @property
    def entry(self) -> Entry | None:
        """The entry point that leads to the module, or `None` if it is not installed."""
        return next((each for each in self.installed.providers if each.module == self.module_name), None)

    def hook(self, name: str) -> Callable[..., Any] | None:
        """Return the plugin's own implementation of a hook, to be called by keywords, or `None` if it has none.

        Raises:
            NotTried: the plugin cannot be used; another rule says so.
        """
        try:
            loaded = PluginRegistry([self.module]).load(self.provider.name)
        except PluginError as exc:
            raise NotTried(exc.message) from exc
        for found in getattr(loaded.hooks, name).get_hookimpls():
            if found.plugin is not builtin:
                return _by_keywords(found.function, found.argnames)
        return None

    def needed_hook(self, name: str) -> Callable[..., Any]:
        """Return the plugin's own implementation of a hook.

        Raises:
            NotTried: it has none, or cannot be used.
        """
        found = self.hook(name)
        if found is None:
            raise NotTried(f"It has no {name}.")
        return found

    def account(self, name: str | None = None, provider: str | None = None, **settings: object) -> Account:
        """Return an account with the plugin's defaults; `settings` win over them, secrets given as text."""
        values: dict[str, object] = self.provider.defaults(settings)
        secret = {each.name for each in self.provider.settings if each.secret}
        for key, value in settings.items():
            values[key] = Secret(value) if key in secret and isinstance(value, str) else value
        return Account(name or self.provider.name, provider or self.provider.name, values)


def _can_be_imported(name: str) -> bool:
    """Return whether there is a module of that name; whether it imports is another question."""
    package = name.rpartition(".")[0]
    if not all(part.isidentifier() for part in name.split(".")) or (package and not _can_be_imported(package)):
        return False
    try:
        return name in sys.modules or importlib.util.find_spec(name) is not None
    except Exception:
        return package != ""  # the package is there, and trips over itself


def timed(hook: Callable[..., Any]) -> Callable[..., Any]:
    """Return `hook`, called in a thread as the core does, and given up after a while by `TimeoutError`."""

    def call(**arguments: Any) -> Any:
        with closing(Workers()) as workers:
            try:
                return workers.call(lambda: hook(**arguments), CALL_LIMIT)
            except TimeLimitExceeded:
                raise TimeoutError(f"it does not answer within {CALL_LIMIT:g} s") from None

    return call


def _name_of(plugin: object) -> str:
    return str(getattr(plugin, "__name__", type(plugin).__name__))


def _by_keywords(function: Callable[..., Any], names: tuple[str, ...]) -> Callable[..., Any]:
    def call(**arguments: Any) -> Any:
        return function(*(arguments[name] for name in names))

    return call


class NoNetwork:
    """An `Http` that reaches nobody.

    Attributes:
        asked: the URLs that were asked for.
    """

    def __init__(self) -> None:
        self.asked: list[str] = []

    def request(self, method: str, url: str, **_: Mapping[str, object] | object) -> NoReturn:
        """See `Http`: there is no connection."""
        self.asked.append(url)
        raise Unavailable(f"{method} leads nowhere: there is no network.")

    def open(self, method: str, url: str, **_: object) -> NoReturn:
        """See `Http`: there is no connection."""
        self.request(method, url)

    def now(self) -> datetime:
        """See `Http`: the local clock."""
        return datetime.now(UTC)
