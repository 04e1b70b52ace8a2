"""Downspout provider for Oracle Content Management: files, versions, folders, public links and application links.

Speaks Oracle's "REST API for Documents" 1.2 (documentation of 2021 to 2025). There is no link step: the API's own
address is the stream, so the plugin opens it itself, with headers that stop at the API's origin. Oracle ended the
hosted service on 2026-01-01.
"""

from collections.abc import Sequence

from downspout import (
    Account,
    Credential,
    DownspoutError,
    Folder,
    Http,
    Interaction,
    Link,
    Provider,
    Reference,
    Setting,
    Stream,
)
from downspout.hookspecs import hookimpl, one_by_one
from downspout_oracle import _items, _sign_in, _stream

provider = Provider(
    name="oracle",
    title="Oracle Content Management",
    settings=[
        Setting("endpoint", "address of the instance, https://….cec.ocp.oraclecloud.com", required=True),
        Setting("token", "a bearer token that was issued already", secret=True),
        Setting("username", "user name, for Basic sign-in or the OAuth password grant"),
        Setting("password", "its password", secret=True),
        Setting("client_id", "OAuth client id of the identity domain's application"),
        Setting("client_secret", "its secret", secret=True),
        Setting("token_endpoint", "address at which the identity domain gives tokens"),
        Setting("scope", "OAuth scope; default the endpoint's …:443/urn:opc:cec:all"),
        Setting("access_code", "access code of the protected public links that ?link= names", secret=True),
        Setting("applink_token", "access token of the application link that ?applink= names", secret=True),
        Setting("applink_refresh_token", "its refresh token (lives 24 hours)", secret=True),
    ],
)


@hookimpl
def authenticate(
    account: Account, refused: Credential | None, interaction: Interaction | None, http: Http
) -> Credential | None:
    """Collect or renew what authorises: a token or password, an access code, an application link's pair."""
    if account.provider != provider.name:
        return None
    return _sign_in.sign_in(account, refused, interaction, http)


def _resolve(
    account: Account, reference: Reference, credential: Credential | None, http: Http
) -> Link | Folder | None:
    if account.provider != provider.name:
        return None
    return _items.resolve(account, reference, credential, http)


_resolve_each = one_by_one(_resolve)


@hookimpl
def resolve_link(
    account: Account, references: Sequence[Reference], credential: Credential | None, http: Http
) -> Sequence[Link | Folder | DownspoutError] | None:
    """Say what each file is and where it streams from, or what a folder holds."""
    return _resolve_each(account, references, credential, http)


@hookimpl
def open_stream(
    account: Account,
    link: Link,
    credential: Credential | None,
    start: int,
    stop: int | None,
    etag: str | None,
    http: Http,
) -> Stream | None:
    """Ask the API for the bytes, with whatever the URI is authorised by."""
    if account.provider != provider.name:
        return None
    return _stream.open_file(_stream.Wanted(account, link, credential, start, stop, etag), http)
