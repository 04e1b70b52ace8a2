"""Which plugins there are, and what is wrong with those that cannot be used."""

import importlib
import logging
import threading
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Literal

import pluggy
from attrs import field, frozen

import downspout.hookspecs
from downspout._models import HOOK_VERSION, Provider
from downspout._plugins import builtin, entries
from downspout._plugins.entries import Entries, Entry
from downspout._redact import redact
from downspout.errors import ConfigurationError, NoProvider, PluginError

_log = logging.getLogger(__name__)
State = Literal["ok", "broken"]


@frozen
class Report:
    """One plugin, as `downspout plugins` shows it.

    Attributes:
        name: of the provider or extension.
        kind: `provider` or `extension`.
        distribution: who offers it, or `None`.
        version: its version, or `None`.
        state: `ok` or `broken`.
        reason: why it is broken, or `None`.
        title: the provider's title, or `None`.
    """

    name: str
    kind: Literal["provider", "extension"]
    distribution: str | None
    version: str | None
    state: State
    reason: str | None = None
    title: str | None = None


@frozen
class Loaded:
    """A provider that can be used.

    Attributes:
        provider: what its module says of itself.
        hooks: pluggy's caller for the three hooks of this provider alone.
        alone: hooks that nobody but the core answers, so that no foreign code runs in them.
    """

    provider: Provider
    hooks: pluggy.HookRelay = field(repr=False)
    alone: frozenset[str] = frozenset()


class _Broken(Exception):
    """Why a plugin cannot be used, as a phrase."""


def _check_alone(offers: Sequence[Entry]) -> None:
    if len(offers) > 1:
        owners = " and ".join(sorted(str(entry.distribution or "the application") for entry in offers))
        raise _Broken(f"{owners} both offer it, so neither is used")


class PluginRegistry:
    """Plugins by name: scanned at once, imported when they are used. May be shared between clients.

    Args:
        plugins: an application's own modules: providers have a `provider`, the rest are extensions.
        installed: whether the entry points of installed distributions count too.
    """

    def __init__(self, plugins: Iterable[object] = (), *, installed: bool = False) -> None:
        found = entries.handed_over(plugins)
        self._entries: Entries = found + entries.installed() if installed else found
        self._loaded: dict[str, Loaded | PluginError] = {}
        self._extensions: dict[str, object | PluginError] | None = None
        self._lock = threading.RLock()

    def names(self) -> list[str]:
        """Return the names of all providers, usable or not, sorted."""
        return sorted({entry.name for entry in self._entries.providers})

    def for_host(self, host: str) -> str | None:
        """Return the name of the provider that claims `host`, or `None`. Imports nothing.

        Raises:
            NoProvider: two distributions claim it in the same way, or one that offers no provider for it.
        """
        found = list(entries.claims(host, self._entries.hosts))
        if not found:
            return None
        rivals = {entry.module for entry in found if entry.name.lower() == found[0].name.lower()}
        if len(rivals) > 1:
            raise NoProvider(
                f"More than one plugin claims {host}: {', '.join(sorted(rivals))}.",
                hint="Uninstall all but one of them, or write ACCOUNT:https://….",
            )
        module = found[0].module
        for entry in self._entries.providers:
            if entry.module == module:
                return entry.name
        raise NoProvider(
            f"The plugin {found[0].distribution} claims {host}, but offers no provider for it.",
            hint="Report it to the plugin's authors, or write ACCOUNT:https://….",
        )

    def load(self, name: str) -> Loaded:
        """Return the provider `name`, imported now if it was not yet.

        Raises:
            NoProvider: nobody offers it.
            PluginError: it is broken; the message says why.
        """
        with self._lock:
            found = self._loaded.get(name)
            if found is None:
                found = self._loaded[name] = self._try_to_load(name)
        if isinstance(found, PluginError):
            raise found
        return found

    def _try_to_load(self, name: str) -> Loaded | PluginError:
        offers = [entry for entry in self._entries.providers if entry.name == name]
        if not offers:
            close = get_close_matches(name, self.names(), 1)
            meant = f"Did you mean {close[0]}? Else install" if close else "Install"
            raise NoProvider(
                f"There is no provider {name!r}.",
                hint=f"{meant} its plugin, or see `downspout plugins` for what is there.",
            )
        try:
            _check_alone(offers)
            module = _imported(offers[0])
            return self._assemble(module, _described(module, name))
        except _Broken as exc:
            return _report_of(exc, f"The plugin {name} cannot be used: {exc}.")

    def _assemble(self, module: object, provider: Provider) -> Loaded:
        manager = _manager()
        _register(manager, module, f"{provider.name} (provider)")
        if not manager.hook.resolve_link.get_hookimpls():  # before the extensions: they answer nothing themselves
            raise _Broken("it has no function resolve_link marked with hookimpl")
        for name, extension in self._load_extensions().items():
            if not isinstance(extension, PluginError):
                _register(manager, extension, f"{name} (extension)")
        alone = {
            hook
            for hook in ("resolve_link", "open_stream")
            if all(_is_our_own(impl.plugin) for impl in getattr(manager.hook, hook).get_hookimpls())
        }
        return Loaded(provider, manager.hook, frozenset(alone))

    def _load_extensions(self) -> dict[str, object | PluginError]:
        with self._lock:
            if self._extensions is None:
                self._extensions = {}
                for entry in self._entries.extensions:
                    rivals = [other for other in self._entries.extensions if other.name == entry.name]
                    self._extensions[entry.name] = _extension(entry, rivals)
            return self._extensions

    def require(self, extensions: Sequence[str]) -> None:
        """Check that each of `extensions` is loaded.

        Raises:
            ConfigurationError: one is not; nothing may go on without it.
        """
        for name in extensions:
            found = self._load_extensions().get(name)
            if found is None or isinstance(found, PluginError):
                reason = "it is not installed" if found is None else found.message
                raise ConfigurationError(
                    f"The required extension {name} is not there: {reason.rstrip('.')}.",
                    hint="Install or mend it; nothing is done without it.",
                )

    def reports(self) -> list[Report]:
        """Return every plugin and its state; imports all of them."""
        found = []
        for entry in self._entries.providers:
            try:
                title = self.load(entry.name).provider.title
                found.append(Report(entry.name, "provider", entry.distribution, entry.version, "ok", None, title))
            except PluginError as exc:
                found.append(_broken(entry, "provider", exc))
        for entry in self._entries.extensions:
            extension = self._load_extensions()[entry.name]
            if isinstance(extension, PluginError):
                found.append(_broken(entry, "extension", extension))
            else:
                found.append(Report(entry.name, "extension", entry.distribution, entry.version, "ok"))
        return sorted(found, key=lambda report: (report.kind != "provider", report.name))


def _is_our_own(plugin: object) -> bool:
    return plugin is builtin or getattr(plugin, "__name__", "") == "downspout._web"


def _broken(entry: Entry, kind: Literal["provider", "extension"], error: PluginError) -> Report:
    reason = error.message.partition("cannot be used: ")[2] or error.message
    return Report(entry.name, kind, entry.distribution, entry.version, "broken", reason.rstrip("."))


def _report_of(broken: _Broken, message: str) -> PluginError:
    error = PluginError(message, hint="Mend, update or uninstall it; `downspout plugins` lists what works.")
    error.__cause__ = broken.__cause__
    _log.debug("%s", error.message)
    return error


def _imported(entry: Entry) -> object:
    if entry.loaded is not None:
        return entry.loaded
    try:
        return importlib.import_module(entry.module)
    except KeyboardInterrupt:
        raise
    except BaseException as exc:  # SystemExit too: a plugin does not end the program
        raise _Broken(f"it does not import ({_words(exc)})") from exc


def _words(exc: BaseException) -> str:
    text = " ".join(redact(str(exc)).split())[:200]
    return f"{type(exc).__name__}: {text}" if text else type(exc).__name__


def _described(module: object, name: str) -> Provider:
    provider = getattr(module, "provider", None)
    if not isinstance(provider, Provider):
        raise _Broken("its module has no `provider = Provider(…)`")
    if provider.hook_version != HOOK_VERSION:
        newer = provider.hook_version > HOOK_VERSION
        advice = "update downspout" if newer else "update the plugin"
        raise _Broken(
            f"it speaks version {provider.hook_version} of the hooks, this downspout {HOOK_VERSION}; {advice}"
        )
    if provider.name != name:
        raise _Broken(f"its entry point says {name}, its module {provider.name}")
    return provider


def _manager() -> pluggy.PluginManager:
    manager = pluggy.PluginManager("downspout")
    manager.add_hookspecs(downspout.hookspecs)
    manager.register(builtin)
    return manager


class _Namespace:
    """Stands for a plugin object that pluggy could not keep, such as one that is not hashable."""

    def __init__(self, plugin: object) -> None:
        for name in dir(plugin):
            if not name.startswith("__"):
                setattr(self, name, getattr(plugin, name))


def _register(manager: pluggy.PluginManager, plugin: object, name: str) -> None:
    try:
        hash(plugin)
    except TypeError:
        plugin = _Namespace(plugin)
    try:
        manager.register(plugin, name=name)
        manager.check_pending()
    except (pluggy.PluginValidationError, ValueError) as exc:
        detail = " ".join(str(exc).split("\n")[0].split())[-200:]
        raise _Broken(f"one of its hooks is not as hookspecs.py has it ({detail})") from exc


def _extension(entry: Entry, rivals: Sequence[Entry]) -> object | PluginError:
    """Return the extension, tried out on a manager of its own, or what is wrong with it."""
    try:
        _check_alone(rivals)
        module = _imported(entry)
        manager = _manager()
        _register(manager, module, entry.name)
        for hook in ("authenticate", "resolve_link", "open_stream"):
            for impl in getattr(manager.hook, hook).get_hookimpls():
                if impl.plugin is not builtin and not impl.wrapper:
                    raise _Broken(f"its {hook} answers by itself instead of wrapping (hookimpl(wrapper=True))")
    except _Broken as exc:
        error = _report_of(exc, f"The extension {entry.name} cannot be used: {exc}.")
        _log.warning("%s", error.message)
        return error
    return module
