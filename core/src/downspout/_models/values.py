"""What hooks are given and what they answer (design section 3.1). Values: frozen, and checked at the door."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from attrs import Attribute, field, frozen, validators

from downspout._models.mapping import FrozenMapping
from downspout._models.secret import Secret, refuse_to_pickle
from downspout._models.uri import Reference, origin_of
from downspout._redact import redact_url

if TYPE_CHECKING:
    from downspout._models.ports import Http

HOOK_VERSION = 1
"""The version of the three hooks that this core calls."""


def _some_text(_: object, field_: "Attribute[str]", value: object) -> None:
    if not isinstance(value, str) or not value:
        raise TypeError(f"{field_.name} must be a text that is not empty, not {value!r}.")


def _settings(items: Mapping[str, object]) -> Mapping[str, object]:
    return FrozenMapping(items)


def _values(items: Mapping[str, Secret | str]) -> Mapping[str, Secret | str]:
    return FrozenMapping(items)


def _shown_default(default: object) -> str:
    return "…" if callable(default) else repr(default)


@frozen
class Setting:
    """One thing that an account of a provider can be told.

    Attributes:
        name: as in the configuration file; the environment has it in upper case.
        help: one line for people: what it is and where they find it.
        secret: whether it proves who is asking; then it never comes from a command line or a plain file.
        required: whether nothing works without it.
        default: its value when nobody says otherwise, or `None`; or a function that says so, given the values of
            the other settings (a region's own address, say).
    """

    name: str = field(validator=_some_text)
    help: str = field(validator=_some_text)
    secret: bool = False
    required: bool = False
    default: object = field(default=None, repr=_shown_default)


def _as_settings(settings: Sequence[Setting]) -> tuple[Setting, ...]:
    return tuple(settings)


@frozen
class Provider:
    """A service, as the module of its plugin describes it: `provider = Provider(…)`.

    Attributes:
        name: its name in URIs; the same as its entry point's.
        title: its name for people.
        settings: what its accounts can be told, besides what every account can.
        batch_size: how many references one `resolve_link` call takes at most.
        hook_version: the version of the hooks that the plugin was written for.
        sign_off: ends at the service what a credential stands for, where the service has a call for that:
            `sign_off(account, credential, http)`. By then the credential is forgotten on this machine; raises a
            `DownspoutError` if the service does not take it back.
    """

    name: str = field(validator=_some_text)
    title: str = field(validator=_some_text)
    settings: Sequence[Setting] = field(default=(), converter=_as_settings)
    batch_size: int = field(default=1, validator=[validators.instance_of(int), validators.ge(1)])
    hook_version: int = field(default=HOOK_VERSION, validator=validators.instance_of(int))
    sign_off: "Callable[[Account, Credential, Http], None] | None" = field(
        default=None, repr=False, validator=validators.optional(validators.is_callable())
    )

    def defaults(self, settings: Mapping[str, object]) -> dict[str, object]:
        """Return the value of every setting: that of `settings`, else its default."""
        values = {s.name: settings.get(s.name, None if callable(s.default) else s.default) for s in self.settings}
        for setting in self.settings:
            if values[setting.name] is None and callable(setting.default):
                values[setting.name] = setting.default(values)
        return values


@frozen
class Account:
    """A named use of a provider: its settings, every one of them, defaults included.

    Attributes:
        name: what stands before the colon of a URI.
        provider: the provider's name.
        settings: name to value; secrets are `Secret`, what nobody set is `None`.
    """

    name: str
    provider: str
    settings: Mapping[str, object] = field(factory=FrozenMapping, converter=_settings)

    def __getitem__(self, setting: str) -> object:
        return self.settings[setting]

    def text(self, setting: str) -> str | None:
        """Return a setting as text, or `None` if nobody set it (an empty text counts as not set).

        Secrets are revealed: for the one place that sends them.
        """
        value = self.settings.get(setting)
        if value is None or value == "":
            return None
        return value.reveal() or None if isinstance(value, Secret) else str(value)

    def flag(self, setting: str) -> bool:
        """Return a setting as yes or no; what nobody set is no."""
        value = self.settings.get(setting)
        return value is True or str(value).strip().lower() in {"1", "true", "yes", "on"}

    @cached_property
    def origins(self) -> frozenset[str]:
        """The origins of its endpoints: of each setting named `endpoint` or `…_endpoint`."""
        return frozenset(_origins(self.settings))


def _origins(settings: Mapping[str, object]) -> Iterator[str]:
    for name, value in settings.items():
        if isinstance(value, str) and value and (name == "endpoint" or name.endswith("_endpoint")):
            yield origin_of(value)


def _account_name(account: "str | Account") -> str:
    return account.name if isinstance(account, Account) else account


def _as_origins(values: object) -> frozenset[str]:
    if isinstance(values, str):
        values = (values,)
    return frozenset(origin_of(value) for value in values)  # type: ignore[attr-defined]


@frozen
class Credential:
    """What proves who is asking, and where it may be shown.

    Attributes:
        account: the account's name; an `Account` is taken for its name.
        origins: the only origins (`scheme://host[:port]`) that headers and cookies made of it may go to.
        values: the plugin's own names and values, whatever it needs to ask and to renew.
        expires_at: when the service will stop honouring it (aware), or `None` if it did not say.
    """

    account: str = field(converter=_account_name)
    origins: frozenset[str] = field(converter=_as_origins)
    values: Mapping[str, Secret | str] = field(factory=FrozenMapping, converter=_values, repr=False)
    expires_at: datetime | None = None

    def reveal(self, name: str, default: str = "") -> str:
        """Return the value `name` as text, or `default`."""
        value = self.values.get(name, default)
        return value.reveal() if isinstance(value, Secret) else value

    def __reduce__(self) -> NoReturn:
        refuse_to_pickle("Credential")


_NO_DIGESTS: Mapping[str, str] = FrozenMapping()


def _lower_digests(digests: Mapping[str, str]) -> Mapping[str, str]:
    if not digests:
        return _NO_DIGESTS
    return FrozenMapping({name.lower().replace("-", ""): value.lower() for name, value in digests.items()})


def _shown_url(url: str) -> str:
    return repr(redact_url(url))


@frozen
class Link:
    """A short-lived URL, with what the service says of the document behind it.

    Attributes:
        reference: what it was resolved from.
        url: where the bytes are right now; used byte for byte. Shown without its query.
        name: the document's name as the service has it, or `None`; made safe only where it becomes a file's.
        size: bytes of the document, or `None` if the service did not say.
        version: identity of the document's content as the service names it, or `None`.
        expires_at: when the link dies (aware), or `None`. It is tried all the same.
        digests: algorithm (as `hashlib` names it) to lower-case hex of the document's bytes.
        modified_at: when the document last changed (aware), or `None`.
        single_use: whether a second request would be refused: one connection, no probe.
        media_type: what the service says the document is, or `None`; the first bytes are held against it.
    """

    reference: Reference
    url: str = field(repr=_shown_url, validator=_some_text)
    name: str | None = None
    size: int | None = field(
        default=None, validator=validators.optional([validators.instance_of(int), validators.ge(0)])
    )
    version: str | None = None
    expires_at: datetime | None = None
    digests: Mapping[str, str] = field(factory=FrozenMapping, converter=_lower_digests)
    modified_at: datetime | None = None
    single_use: bool = False
    media_type: str | None = None


class Child(NamedTuple):
    """One entry of a folder.

    Attributes:
        path: relative to the folder, parts separated by `/`; a folder's own path ends in `/`.
        reference: what it is asked for with.
        size: bytes, or `None` if the listing does not say (or for a folder).
        version: as in `Link`, or `None`.
    """

    path: str
    reference: Reference
    size: int | None = None
    version: str | None = None

    @property
    def is_folder(self) -> bool:
        """Whether it stands for several documents itself."""
        return self.path.endswith("/")


def _as_children(children: Sequence[tuple[object, ...]]) -> tuple[Child, ...]:
    found = []
    for path, reference, *facts in children:
        if not isinstance(path, str) or not isinstance(reference, Reference):
            raise TypeError("A child of a Folder is (relative_path, Reference, size or None, version or None).")
        found.append(Child(path, reference, *facts))  # type: ignore[arg-type]
    return tuple(found)


@frozen
class Folder:
    """Several documents: one page of a listing.

    Attributes:
        children: the entries: `(relative_path, reference, size or None, version or None)`; sub-folders are
            entries whose path ends in `/`, and are unfolded when they are met.
        more: what the next page is asked for with, or `None` when this is the last.
    """

    children: Sequence[Child] = field(converter=_as_children)
    more: Reference | None = None
