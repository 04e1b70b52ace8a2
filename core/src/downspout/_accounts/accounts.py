"""All accounts that somebody can name, and which of them a URL goes to."""

import threading
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from urllib.parse import urlsplit

from downspout._accounts.config import AccountEntry, variable_prefix
from downspout._accounts.settings import COMMON, check_variables, resolve_settings
from downspout._models import Account, FrozenMapping, Provider, Reference, checked_url, is_url, origin_of
from downspout.errors import InvalidURI, NoProvider

_MOST_ORIGINS = 1000


class Accounts:
    """Accounts by name: the configured ones, and one of its own name for every provider.

    Args:
        entries: the configured accounts.
        providers: names of all providers.
        describe: loads a provider by name; called only when an account of it is used.
        for_host: the provider that claims a host, or `None`; imports nothing.
        environ: where variables are looked up; empty for applications.
        web: whether URLs that nobody claims go to the built-in `web`.
    """

    def __init__(
        self,
        entries: Iterable[AccountEntry],
        providers: Iterable[str],
        describe: Callable[[str], Provider],
        for_host: Callable[[str], str | None],
        environ: Mapping[str, str],
        *,
        web: bool,
    ) -> None:
        self._entries = {entry.name: entry for entry in entries}
        for name in providers:
            self._entries.setdefault(name, AccountEntry(name, name, FrozenMapping(), "the environment"))
        self._describe, self._for_host = describe, for_host
        self._environ, self._web = environ, web
        self._accounts: dict[str, Account] = {}
        self._by_origin: dict[str, str] = {}
        self._lock = threading.Lock()

    def names(self) -> list[str]:
        """Return the names of all accounts, sorted."""
        return sorted(self._entries)

    def provider_of(self, name: str) -> str:
        """Return the name of an account's provider; imports nothing."""
        return self._entry(name).provider

    def get(self, name: str) -> Account:
        """Return an account with its settings; they are looked up once.

        Raises:
            NoProvider: there is no such account, or nobody offers its provider.
            PluginError: the provider is broken.
            ConfigurationError: a setting is wrong.
        """
        account = self._accounts.get(name)
        if account is None:
            entry = self._entry(name)
            provider = self._describe(entry.provider)
            self._check_neighbours(entry, provider)
            account = resolve_settings(entry, provider, self._environ)
            with self._lock:
                account = self._accounts.setdefault(name, account)
        return account

    def reference(self, uri: str) -> Reference:
        """Return what `uri` names, with the account that it goes to.

        Raises:
            InvalidURI: it is no URI.
            NoProvider: nobody answers for it.
        """
        text = uri.strip()
        if not is_url(text):
            reference = Reference.parse(text)
            self._entry(reference.account)
            return reference
        return Reference(self._account_for(checked_url(text)), text)

    def _account_for(self, url: str) -> str:
        """Return the account that a URL goes to, which is the same for all URLs of an origin."""
        origin = origin_of(url)
        name = self._by_origin.get(origin)
        if name is None:
            if len(self._by_origin) >= _MOST_ORIGINS:
                self._by_origin.clear()
            name = self._by_origin[origin] = self._account_of(origin)
        return name

    def _account_of(self, origin: str) -> str:
        for entry in self._entries.values():
            endpoint = self._endpoint(entry)
            if endpoint is not None and _same_origin(endpoint, origin):
                return entry.name
        host = urlsplit(origin).hostname or ""
        claimed = self._for_host(host)
        if claimed is not None:
            return claimed
        if self._web:
            return "web"
        raise NoProvider(f"No provider claims {host}.", hint="Name an account: ACCOUNT:https://….")

    def _endpoint(self, entry: AccountEntry) -> str | None:
        value = (
            entry.explicit.get("endpoint")
            or self._environ.get(variable_prefix(entry.name) + "ENDPOINT")
            or entry.settings.get("endpoint")
        )
        return value if isinstance(value, str) and value else None

    def _entry(self, name: str) -> AccountEntry:
        entry = self._entries.get(name)
        if entry is not None:
            return entry
        close = get_close_matches(name, self._entries, 1)
        hint = f"Did you mean {close[0]}?" if close else "Configure it, or install the plugin of that name."
        raise NoProvider(f"There is no account and no provider {name!r}.", hint=hint)

    def _check_neighbours(self, entry: AccountEntry, provider: Provider) -> None:
        """Look at accounts whose variables begin alike: only they can share one. Rare, so it may import."""
        prefix = variable_prefix(entry.name)
        rivals = [(entry.name, (*COMMON, *provider.settings))]
        for other in self._entries.values():
            theirs = variable_prefix(other.name)
            if other.name != entry.name and (theirs.startswith(prefix) or prefix.startswith(theirs)):
                try:
                    rivals.append((other.name, (*COMMON, *self._describe(other.provider).settings)))
                except Exception:
                    continue
        check_variables(rivals)


def _same_origin(endpoint: str, origin: str) -> bool:
    try:
        return origin_of(endpoint) == origin
    except InvalidURI:
        return False
