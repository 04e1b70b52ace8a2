"""Downspout provider for eSignon: signed documents and their history certificates.

Speaks the "Create Download URL" call of eSignon's API guide (2020-09 to 2022-05, and the revision before it),
falls back to `GET /api/v2/workflows/{id}` of the same guide, and lists with `GET /worklists/new`.
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
from downspout_esignon import _calls, _documents, _sign_in, _stream

provider = Provider(
    name="esignon",
    title="eSignon",
    settings=[
        Setting("endpoint", "address of the service", default=_calls.ENDPOINT),
        Setting("company_id", "the company's short id, as its profile in eSignon shows it"),
        Setting("username", "e-mail address that signs in"),
        Setting("password", "its password", secret=True),
        Setting("token", "an access token that was issued already (lives 30 days)", secret=True),
        Setting("client_id", "API id that eSignon issued to you on request"),
    ],
)


@hookimpl
def authenticate(
    account: Account, refused: Credential | None, interaction: Interaction | None, http: Http
) -> Credential | None:
    """Take the configured token, or sign in with company, e-mail address and password."""
    if account.provider != provider.name:
        return None
    return _sign_in.sign_in(account, refused, interaction, http)


def _resolve(
    account: Account, reference: Reference, credential: Credential | None, http: Http
) -> Link | Folder | None:
    if account.provider != provider.name:
        return None
    return _documents.resolve(account, reference, credential, http)


_resolve_each = one_by_one(_resolve)


@hookimpl
def resolve_link(
    account: Account, references: Sequence[Reference], credential: Credential | None, http: Http
) -> Sequence[Link | Folder | DownspoutError] | None:
    """Have a URL issued for each document; eSignon knows no batches."""
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
    """Ask for the bytes without any credential, and know a page that says "expired" from a document."""
    if account.provider != provider.name:
        return None
    return _stream.open_document(_stream.Wanted(account, link, credential, start, stop, etag), http)
