"""A session with iCloud: what a sign-in gave, as a value and as a credential."""

import json
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlsplit

from attrs import field, frozen

from downspout import Credential, Secret, origin_of
from downspout.errors import InvalidURI, ProtocolError
from downspout_icloud._settings import Site

_APPLE = ("icloud.com", "icloud.com.cn")


@frozen
class Session:
    """What is known once somebody has signed in.

    Attributes:
        username: the Apple ID, lower case.
        client_id: what this client calls itself; the same from one sign-in to the next.
        cookies: name to value, for the setup, drive and documents services.
        drive: address of the service that lists folders (drivews), or `None`.
        docs: address of the service that gives links (docws), or `None`.
        dsid: number of the account.
        session_token: turns into cookies at `accountLogin`.
        trust_token: lets the next sign-in ask for no code.
        country: as the sign-in names it, or `None`.
        expires_at: when the cookies end, or `None`.
    """

    username: str
    client_id: str
    cookies: Mapping[str, str] = field(factory=dict, repr=False)
    drive: str | None = None
    docs: str | None = None
    dsid: str | None = None
    session_token: str | None = field(default=None, repr=False)
    trust_token: str | None = field(default=None, repr=False)
    country: str | None = None
    expires_at: datetime | None = None

    @classmethod
    def of(cls, credential: Credential) -> "Session | None":
        """Return the session of a credential, or `None` where it is none."""
        try:
            cookies = json.loads(credential.reveal("cookies") or "{}")
        except ValueError:
            return None
        if not credential.reveal("client_id") or not isinstance(cookies, dict) or is_direct(credential):
            return None
        return cls(
            username=credential.reveal("username"),
            client_id=credential.reveal("client_id"),
            cookies={str(name): str(value) for name, value in cookies.items()},
            drive=credential.reveal("drive") or None,
            docs=credential.reveal("docs") or None,
            dsid=credential.reveal("dsid") or None,
            session_token=credential.reveal("session_token") or None,
            trust_token=credential.reveal("trust_token") or None,
            country=credential.reveal("country") or None,
            expires_at=credential.expires_at,
        )

    def credential(self, site: Site) -> Credential:
        """Return the session as a credential for Apple's API origins; the content's is none of them."""
        addresses = (site.setup, site.share, self.drive, self.docs)
        values: dict[str, Secret | str] = {
            "username": self.username,
            "client_id": self.client_id,
            "cookies": Secret(json.dumps(dict(self.cookies))),
            "drive": self.drive or "",
            "docs": self.docs or "",
            "dsid": self.dsid or "",
            "session_token": Secret(self.session_token or ""),
            "trust_token": Secret(self.trust_token or ""),
            "country": self.country or "",
        }
        origins = frozenset(origin_of(address) for address in addresses if address)
        return Credential(site.account, origins, values, self.expires_at)


def direct(site: Site) -> Credential:
    """Return a credential made of the settings alone, for the documents service alone."""
    values: dict[str, Secret | str] = {
        "docs": site.endpoint or "",
        "dsid": site.dsid or "",
        "client_id": site.client_id or "",
        "token": site.token or "",
    }
    return Credential(site.account, frozenset({origin_of(site.endpoint or ""), origin_of(site.share)}), values)


def is_direct(credential: Credential) -> bool:
    """Return whether a credential was made of the settings alone."""
    return bool(credential.reveal("token"))


def service_address(url: str | None, site: Site, name: str) -> str | None:
    """Return the address of a service as the setup service names it, without a final slash.

    Apple's setup service may name Apple's hosts only, by https; one that the settings put elsewhere is trusted
    with naming others.

    Raises:
        ProtocolError: it is no such address.
    """
    if url is None:
        return None
    try:
        origin = origin_of(url)
        parts = urlsplit(url)
    except (InvalidURI, ValueError):
        raise _strange(site, name) from None
    plain = url.isascii() and url.isprintable() and " " not in url and not (parts.query or parts.fragment)
    host = parts.hostname or ""
    usual = origin.startswith("https:") and any(host == home or host.endswith(f".{home}") for home in _APPLE)
    elsewhere = site.setup != site.region.setup and (origin.startswith("https:") or site.setup.startswith("http:"))
    if not plain or parts.username is not None or not (usual or elsewhere):
        raise _strange(site, name)
    return f"{origin}{parts.path}".rstrip("/")


def _strange(site: Site, name: str) -> ProtocolError:
    return ProtocolError(
        f"{site.account}: iCloud names an address for {name} that is none of Apple's.",
        hint="Report it to the plugin's authors if it stays that way.",
    )
