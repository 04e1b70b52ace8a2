"""What an account of KooDrive can be told, read and checked in one place."""

import re

from attrs import frozen

from downspout import Account, Secret, Setting, origin_of
from downspout.errors import ConfigurationError, InvalidURI

SETTINGS = (
    Setting(
        "endpoint",
        "Address of the service: https://intl.myhuaweicloud-koodrive.com, https://cn.myhuaweicloud-koodrive.com, "
        "or your operator's.",
        required=True,
    ),
    Setting("container_id", "Space that documents are looked for in; without it, the user's own is asked for."),
    Setting("user_id", "KooDrive user id (19 digits); without it, the session is asked for it."),
    Setting("token", "Session token: the cookie named Authorization, or what createSession gave.", secret=True),
    Setting("session_id", "Session id that belongs to the token; with it, the token can be renewed.", secret=True),
    Setting("refresh_token", "Refresh token of the carrier edition; renews the token too.", secret=True),
    Setting("app_id", "AppId for app authentication, which needs no session; goes with app_secret and user_id."),
    Setting("app_secret", "AppSecret that belongs to app_id.", secret=True),
    Setting("language", "Language of the service's messages.", default="en-US"),
    Setting("trace_id", "Exactly 58 letters, digits or underscores that the service's logs should show."),
    Setting("auth_separator", "What stands between scheme and token: space or plus.", default="space"),
)

_SEPARATORS = {"space": " ", "plus": "+"}
_TRACE = re.compile(r"[A-Za-z0-9_]{58}", re.ASCII)
_VISIBLE = re.compile(r"[\x21-\x7e]{1,8192}")
_SECRET = re.compile(r"[\x20-\x7e]{1,8192}")


@frozen
class Site:
    """An account's settings, checked.

    Attributes:
        account: the account's name.
        base: address of the service without a final slash.
        separator: what stands between scheme and token in `Authorization`.
    """

    account: str
    base: str
    separator: str
    container_id: str | None = None
    user_id: str | None = None
    language: str | None = None
    trace_id: str | None = None
    app_id: str | None = None
    app_secret: Secret | None = None
    token: Secret | None = None
    session_id: Secret | None = None
    refresh_token: Secret | None = None

    @classmethod
    def of(cls, account: Account) -> "Site":
        """Return the settings of `account`.

        Raises:
            ConfigurationError: one is missing, or cannot be sent as it is.
        """
        separator = _SEPARATORS.get((account.text("auth_separator") or "space").lower())
        if separator is None:
            raise _wrong(account, "auth_separator", "'space' or 'plus'")
        return cls(
            account=account.name,
            base=_base(account),
            separator=separator,
            container_id=_plain(account, "container_id"),
            user_id=_plain(account, "user_id"),
            language=_plain(account, "language"),
            trace_id=_trace_id(account),
            app_id=_plain(account, "app_id"),
            app_secret=_secret(account, "app_secret"),
            token=_secret(account, "token"),
            session_id=_secret(account, "session_id"),
            refresh_token=_secret(account, "refresh_token"),
        )

    @property
    def origin(self) -> str:
        """The only origin that may see who is asking."""
        return origin_of(self.base)

    @property
    def secrets(self) -> tuple[Secret | None, ...]:
        """The settings that nobody but the service may see."""
        return self.token, self.session_id, self.refresh_token, self.app_secret

    @property
    def authority(self) -> str:
        """Host, and port where it is not the scheme's own: the header `Host`."""
        return self.origin.partition("://")[2]

    @property
    def path(self) -> str:
        """The path of `base`: empty, unless the service stands behind one."""
        return self.base.removeprefix(self.origin)

    @property
    def login(self) -> str:
        """The command that signs in."""
        return f"`downspout login {self.account}`"


def _base(account: Account) -> str:
    endpoint = account.text("endpoint")
    if endpoint is None:
        raise ConfigurationError(
            f"The account {account.name} has no endpoint: where its KooDrive is.",
            hint="Set its endpoint, such as https://intl.myhuaweicloud-koodrive.com.",
        )
    endpoint = endpoint.strip().rstrip("/")
    try:
        origin = origin_of(endpoint)
    except InvalidURI as exc:
        raise _wrong(account, "endpoint", "an https: URL") from exc
    path = endpoint[len(endpoint.split("://")[0]) + 3 :].partition("/")[2]
    if not _VISIBLE.fullmatch(endpoint) or any(mark in endpoint for mark in "?#@"):
        raise _wrong(account, "endpoint", "a URL without query, fragment and user name")
    return f"{origin}/{path}" if path else origin


def _plain(account: Account, name: str) -> str | None:
    value = account.text(name)
    if value is None:
        return None
    if not _VISIBLE.fullmatch(value.strip()):
        raise _wrong(account, name, "visible ASCII characters without blanks")
    return value.strip()


def _secret(account: Account, name: str) -> Secret | None:
    value = (account.text(name) or "").strip()
    if not value:
        return None
    if not _SECRET.fullmatch(value):
        raise _wrong(account, name, "one line of ASCII characters")
    return Secret(value)


def _trace_id(account: Account) -> str | None:
    value = account.text("trace_id")
    if value is not None and not _TRACE.fullmatch(value):
        raise _wrong(account, "trace_id", "exactly 58 letters, digits or underscores")
    return value


def _wrong(account: Account, name: str, wanted: str) -> ConfigurationError:
    return ConfigurationError(
        f"The setting {name} of the account {account.name} is not {wanted}.", hint=f"Correct {name}."
    )
