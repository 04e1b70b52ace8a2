"""One account's settings: explicit argument, environment, configuration file, default, in this order."""

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches

from downspout._accounts.config import AccountEntry, variable
from downspout._accounts.secrets import from_command, from_file
from downspout._models import Account, FrozenMapping, Provider, Secret, Setting, origin_of
from downspout.errors import ConfigurationError, InvalidURI, PluginError

COMMON = (
    Setting("allow_http", "whether links may be plain http", default=False),
    Setting("allow_private", "whether links may lead to private addresses", default=False),
    Setting("ca_bundle", "file or folder of certificates to trust instead of the system's"),
    Setting("proxy", "URL of the proxy for this account"),
)
_FLAGS = ("allow_http", "allow_private")
_YES, _NO = ("1", "true", "yes", "on"), ("0", "false", "no", "off", "")


def resolve_settings(entry: AccountEntry, provider: Provider, environ: Mapping[str, str]) -> Account:
    """Return the account with every setting of its provider, looked up where it may stand.

    Secrets that a file or a command gives are fetched when a plugin reveals them, not here.

    Raises:
        ConfigurationError: an unknown setting (with what was probably meant), a value of the wrong kind, a
            secret in the file, an endpoint that is no URL.
    """
    known = {setting.name: setting for setting in (*COMMON, *provider.settings)}
    _check_names(entry, known)
    values = {name: _value(entry, setting, environ) for name, setting in known.items()}
    for name, setting in known.items():
        if values[name] is None and callable(setting.default):
            values[name] = _typed(entry, setting, _followed(setting.default, provider, name, values))
    if environ.get("DOWNSPOUT_ALLOW_INSECURE") == "1":
        values.update(dict.fromkeys(_FLAGS, True))
    if values["ca_bundle"] is None:
        values["ca_bundle"] = environ.get("DOWNSPOUT_CA_BUNDLE") or None
    return Account(entry.name, provider.name, values)


def _followed(
    default: Callable[[Mapping[str, object]], object], provider: Provider, name: str, values: Mapping[str, object]
) -> object:
    try:
        return default(FrozenMapping(values))
    except Exception as exc:
        raise PluginError(
            f"The plugin {provider.name} is broken: the default of {name} raised {type(exc).__name__}.",
            hint=f"Report it to the plugin's authors, and set {name} meanwhile.",
        ) from exc


def _check_names(entry: AccountEntry, known: Mapping[str, Setting]) -> None:
    for name in entry.settings:
        if name in known and known[name].secret:
            raise ConfigurationError(
                f"{entry.source}: the secret {name} of the account {entry.name} stands in the file.",
                hint=f"Take it out, and use {name}_command, {name}_file, the environment or `downspout login`.",
            )
    for name in (*entry.settings, *entry.explicit):
        if name in known or _secret_source(name, known) is not None:
            continue
        close = get_close_matches(name, known, 1)
        hint = f"Did you mean {close[0]}?" if close else f"It has: {', '.join(sorted(known))}."
        raise ConfigurationError(
            f"{entry.source}: the account {entry.name} ({entry.provider}) has no setting {name!r}.", hint=hint
        )


def _secret_source(name: str, known: Mapping[str, Setting]) -> Setting | None:
    """Return the secret setting that `NAME_file` or `NAME_command` is about, or `None`."""
    base = name.removesuffix("_file") if name.endswith("_file") else name.removesuffix("_command")
    setting = known.get(base)
    return setting if setting is not None and setting.secret and base != name else None


def _value(entry: AccountEntry, setting: Setting, environ: Mapping[str, str]) -> object:
    name = setting.name
    if entry.explicit.get(name) is not None:
        return _typed(entry, setting, entry.explicit[name])
    deferred = _deferred(entry, setting, entry.explicit.get)
    if deferred is not None:
        return deferred
    text = environ.get(variable(entry.name, name))
    if text is not None:
        return _typed(entry, setting, text)
    deferred = _deferred(
        entry, setting, lambda key: environ.get(variable(entry.name, key)) or entry.settings.get(key)
    )
    if deferred is not None:
        return deferred
    value = entry.settings.get(name)
    default = None if callable(setting.default) else setting.default
    return _typed(entry, setting, default if value is None else value)


def _deferred(entry: AccountEntry, setting: Setting, look: Callable[[str], object]) -> Secret | None:
    """Return the secret that `NAME_file` or `NAME_command` gives when it is needed, or `None`."""
    for suffix, fetch in (("_file", from_file), ("_command", from_command)) if setting.secret else ():
        source = look(setting.name + suffix)
        if source:
            return fetch(entry.name, setting.name, str(source))
    return None


def _typed(entry: AccountEntry, setting: Setting, value: object) -> object:
    name = setting.name
    if value is None:
        return None
    if setting.secret:
        return value if isinstance(value, Secret) else Secret(str(value))
    if not isinstance(value, str | int | float | bool):
        raise ConfigurationError(f"{entry.source}: {name} of the account {entry.name} is no text, number or flag.")
    if name in _FLAGS:
        return _flag(entry, name, value)
    if (name == "endpoint" or name.endswith("_endpoint")) and value != "":
        return _endpoint(entry, name, str(value))
    return value


def _flag(entry: AccountEntry, name: str, value: object) -> bool:
    word = str(value).strip().lower()
    if word not in _YES + _NO:
        raise ConfigurationError(
            f"{entry.source}: {name} of the account {entry.name} is neither true nor false.", hint="Write true."
        )
    return word in _YES


def _endpoint(entry: AccountEntry, name: str, value: str) -> str:
    try:
        origin_of(value)
    except InvalidURI as exc:
        raise ConfigurationError(
            f"{entry.source}: {name} of the account {entry.name} is no https: URL.",
            hint="Write it as https://HOST or https://HOST/PATH.",
        ) from exc
    return value.rstrip("/")


def check_variables(accounts: Iterable[tuple[str, Iterable[Setting]]]) -> None:
    """Check that no two settings of these accounts would share an environment variable.

    Raises:
        ConfigurationError: two would; it names both.
    """
    owners: dict[str, tuple[str, str]] = {}
    for account, settings in accounts:
        for setting in settings:
            found = variable(account, setting.name)
            before = owners.setdefault(found, (account, setting.name))
            if before != (account, setting.name):
                raise ConfigurationError(
                    f"{before[1]} of the account {before[0]} and {setting.name} of the account {account} would "
                    f"share the environment variable {found}.",
                    hint="Rename one of the accounts.",
                )
