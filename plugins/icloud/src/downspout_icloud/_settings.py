"""What an account of iCloud can be told, read and checked in one place."""

import re
from collections.abc import Mapping

from attrs import frozen

from downspout import Account, Secret, Setting, origin_of
from downspout.errors import ConfigurationError, InvalidURI

AUTH = "https://idmsa.apple.com/appleauth/auth"


@frozen
class Region:
    """Where a kind of account lives.

    Attributes:
        home: the web app's origin: what sign-in and data calls say they come from.
        setup: the service that turns a sign-in into cookies.
        share: the database that knows public shares.
    """

    home: str
    setup: str
    share: str


REGIONS = {
    "global": Region(
        "https://www.icloud.com", "https://setup.icloud.com/setup/ws/1", "https://ckdatabasews.icloud.com"
    ),
    "china": Region(
        "https://www.icloud.com.cn", "https://setup.icloud.com.cn/setup/ws/1", "https://ckdatabasews.icloud.com.cn"
    ),
}
_DEFAULT = REGIONS["global"]


def _region(settings: Mapping[str, object]) -> Region:
    return REGIONS.get(str(settings.get("region") or "global").strip().lower(), _DEFAULT)


SETTINGS = (
    Setting("username", "Apple ID, usually an e-mail address."),
    Setting("password", "Its password; app-specific passwords are not accepted here.", secret=True),
    Setting("region", "Where the account lives: global or china (mainland).", default="global"),
    Setting("auth_endpoint", "Address of Apple's sign-in.", default=AUTH),
    Setting("setup_endpoint", "Address of iCloud's setup service.", default=lambda of: _region(of).setup),
    Setting("share_endpoint", "Address of the database of public shares.", default=lambda of: _region(of).share),
    Setting("endpoint", "Address of the documents service (docws); with dsid and token, instead of signing in."),
    Setting("dsid", "Number of the account, for use with token."),
    Setting("token", "Session token from elsewhere, for use with endpoint and dsid.", secret=True),
    Setting("client_id", "Identifier of this client; without it, one is made up at sign-in."),
)

_VISIBLE = re.compile(r"[\x21-\x7e]{1,8192}")


@frozen
class Site:
    """An account's settings, checked.

    Attributes:
        account: the account's name.
        region: where the account lives.
        auth: address of the sign-in, without a final slash; `setup` and `share` likewise.
        reachable: the origins that see the plugin's headers while nobody is signed in.
        endpoint: docws, if the settings say where it is.
    """

    account: str
    region: Region
    auth: str
    setup: str
    share: str
    reachable: frozenset[str]
    username: str | None = None
    password: Secret | None = None
    endpoint: str | None = None
    dsid: str | None = None
    token: Secret | None = None
    client_id: str | None = None

    @classmethod
    def of(cls, account: Account) -> "Site":
        """Return the settings of `account`.

        Raises:
            ConfigurationError: one cannot be what it is.
        """
        region = REGIONS.get((account.text("region") or "global").strip().lower())
        if region is None:
            raise _wrong(account, "region", "'global' or 'china'")
        username, password = (account.text("username") or "").strip(), account.settings.get("password")
        return cls(
            account=account.name,
            region=region,
            auth=_address(account, "auth_endpoint") or AUTH,
            setup=_regional(account, "setup_endpoint", _DEFAULT.setup, region.setup),
            share=_regional(account, "share_endpoint", _DEFAULT.share, region.share),
            reachable=account.origins,
            username=username.lower() or None,  # Apple's proofs are made from the lower-case name
            password=password if isinstance(password, Secret) else None,
            endpoint=_address(account, "endpoint"),
            dsid=_plain(account, "dsid"),
            token=_token(account),
            client_id=_plain(account, "client_id"),
        )

    @property
    def is_direct(self) -> bool:
        """Whether documents can be asked for with what the settings have, without signing in."""
        return None not in (self.endpoint, self.dsid, self.token)

    @property
    def login(self) -> str:
        """The command that signs in."""
        return f"`downspout login {self.account}`"

    def check_reachable(self) -> None:
        """Check that the setup service will see the headers that it wants.

        Raises:
            ConfigurationError: the region's own address stands in no setting.
        """
        if origin_of(self.setup) not in self.reachable:
            raise ConfigurationError(
                f"The account {self.account} has a region whose setup_endpoint has to be set.",
                hint=f"Set setup_endpoint to {self.region.setup}.",
            )


def _regional(account: Account, name: str, default: str, own: str) -> str:
    """Return an endpoint; the one that is right for everybody else gives way to the region's own."""
    address = _address(account, name)
    return own if address in (None, default) else address or own


def _address(account: Account, name: str) -> str | None:
    value = (account.text(name) or "").strip().rstrip("/")
    if not value:
        return None
    try:
        origin_of(value)
    except InvalidURI as exc:
        raise _wrong(account, name, "an https: URL") from exc
    if not _VISIBLE.fullmatch(value) or any(mark in value for mark in "?#@"):
        raise _wrong(account, name, "a URL without query, fragment and user name")
    return value


def _plain(account: Account, name: str) -> str | None:
    value = (account.text(name) or "").strip()
    if value and not _VISIBLE.fullmatch(value):
        raise _wrong(account, name, "visible ASCII characters without blanks")
    return value or None


def _token(account: Account) -> Secret | None:
    value = _plain(account, "token")
    return None if value is None else Secret(value)


def _wrong(account: Account, name: str, wanted: str) -> ConfigurationError:
    return ConfigurationError(
        f"The setting {name} of the account {account.name} is not {wanted}.", hint=f"Correct {name}."
    )
