"""The configuration file (design section 2), read and checked in one place."""

import tomllib
from collections.abc import Mapping
from pathlib import Path

from attrs import field, frozen

from downspout._models import FrozenMapping, Reference
from downspout.errors import ConfigurationError, InvalidURI

_KEYS = ("accounts", "required_extensions")


@frozen
class AccountEntry:
    """What the file (or an application) says of one account.

    Attributes:
        name: the account's name, lower case.
        provider: the provider's name.
        settings: name to value, as written in a file: no secrets.
        source: where it stands, for messages.
        explicit: name to value, as an application gave them; they win over everything.
    """

    name: str
    provider: str
    settings: Mapping[str, object] = field(factory=FrozenMapping, repr=False)
    source: str = "the application"
    explicit: Mapping[str, object] = field(factory=FrozenMapping, repr=False)


@frozen
class Configuration:
    """The whole file.

    Attributes:
        accounts: by name.
        required_extensions: extensions without which nothing is done.
    """

    accounts: Mapping[str, AccountEntry] = field(factory=FrozenMapping)
    required_extensions: tuple[str, ...] = ()


def configuration_path(environ: Mapping[str, str]) -> Path:
    """Return where the configuration is: `DOWNSPOUT_CONFIG`, or the user's configuration directory.

    Raises:
        ConfigurationError: `DOWNSPOUT_CONFIG` begins with `~` and the name of nobody.
    """
    named = environ.get("DOWNSPOUT_CONFIG")
    if named:
        try:
            return Path(named).expanduser()
        except RuntimeError as exc:
            raise ConfigurationError(
                f"DOWNSPOUT_CONFIG names the folder of a user who is not there: {named}.", hint="Mend it."
            ) from exc
    from platformdirs import user_config_path

    return user_config_path("downspout", appauthor=False) / "config.toml"


def read_configuration(path: Path, *, must_exist: bool) -> Configuration:
    """Return what stands in `path`.

    Raises:
        ConfigurationError: it is not there though it must be, cannot be read, or is not right; the message
            names the place.
    """
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as exc:
        if not must_exist:
            return Configuration()
        raise ConfigurationError(
            f"There is no configuration file {path}.", hint="Create it, or unset DOWNSPOUT_CONFIG."
        ) from exc
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigurationError(f"The configuration file {path} cannot be read.", hint="Check it.") from exc
    except tomllib.TOMLDecodeError as exc:
        raise ConfigurationError(f"The configuration file {path} is no TOML: {exc}.", hint="Mend it.") from exc
    for key in document:
        if key not in _KEYS:
            raise ConfigurationError(
                f"The configuration file {path} has an unknown key {key!r}.",
                hint="Accounts stand under [accounts.NAME].",
            )
    accounts = document.get("accounts", {})
    required = document.get("required_extensions", [])
    if not isinstance(accounts, dict) or not isinstance(required, list):
        raise ConfigurationError(f"The configuration file {path} is not laid out as it should be.")
    entries = [_entry(name, table, path) for name, table in accounts.items()]
    _check_distinct(entries, path)
    return Configuration(
        FrozenMapping({entry.name: entry for entry in entries}), tuple(str(name) for name in required)
    )


def _entry(name: str, table: object, path: Path) -> AccountEntry:
    try:
        account = Reference(name, "x").account
    except InvalidURI as exc:
        raise ConfigurationError(
            f"{name!r} in {path} is no name for an account.",
            hint="Use two or more letters, digits, '+', '.' or '-', with a letter first, not http or https.",
        ) from exc
    if not isinstance(table, dict):
        raise ConfigurationError(f"{path}: [accounts.{name}] is no table.")
    provider = table.get("provider", account)
    if not isinstance(provider, str):
        raise ConfigurationError(f"{path}: the provider of the account {name} is no text.")
    settings = {key: value for key, value in table.items() if key != "provider"}
    return AccountEntry(account, provider, FrozenMapping(settings), source=str(path))


def _check_distinct(entries: list[AccountEntry], path: Path) -> None:
    seen: dict[str, str] = {}
    for entry in entries:
        prefix = variable_prefix(entry.name)
        if prefix in seen:
            raise ConfigurationError(
                f"{path}: the accounts {seen[prefix]} and {entry.name} would share their environment variables "
                f"({prefix}…).",
                hint="Rename one of them.",
            )
        seen[prefix] = entry.name


def variable_prefix(account: str) -> str:
    """Return what the environment variables of `account` begin with."""
    return f"DOWNSPOUT_{_upper(account)}_"


def variable(account: str, setting: str) -> str:
    """Return the environment variable of a setting of `account`."""
    return variable_prefix(account) + _upper(setting)


def _upper(text: str) -> str:
    return "".join(c if c.isascii() and c.isalnum() else "_" for c in text.upper())
