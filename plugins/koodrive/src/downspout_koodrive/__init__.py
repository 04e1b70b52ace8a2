"""Huawei KooDrive, for downspout.

Speaks what the vendor's page "Obtaining Download Links" says (carrier edition, 2026-02-12), and what its
neighbours say about sessions, app authentication, listings and spaces.
"""

from collections.abc import Sequence

from downspout import Account, Credential, Http, Interaction, Link, Provider, Reference, Stream
from downspout.hookspecs import Outcome, hookimpl
from downspout_koodrive._api import Api
from downspout_koodrive._login import end_session, sign_in
from downspout_koodrive._resolve import resolve
from downspout_koodrive._settings import SETTINGS, Site
from downspout_koodrive._store import error_of
from downspout_koodrive._wire import LARGEST_BATCH

__all__ = ["authenticate", "open_stream", "provider", "resolve_link"]


def sign_off(account: Account, credential: Credential, http: Http) -> None:
    """End the session that a token belongs to."""
    end_session(Site.of(account), credential, http)


provider = Provider(
    "koodrive", title="Huawei KooDrive", settings=SETTINGS, batch_size=LARGEST_BATCH, sign_off=sign_off
)


@hookimpl
def authenticate(
    account: Account, refused: Credential | None, interaction: Interaction | None, http: Http
) -> Credential | None:
    """Answer an app's signature or a session token, renewed where it can be."""
    if account.provider != provider.name:
        return None
    return sign_in(Site.of(account), refused, interaction, http)


@hookimpl
def resolve_link(
    account: Account, references: Sequence[Reference], credential: Credential | None, http: Http
) -> Sequence[Outcome] | None:
    """Ask for the links of up to 100 documents in one call; walk down paths and list folders before that."""
    if account.provider != provider.name:
        return None
    return resolve(Api.of(Site.of(account), credential, http), references)


@hookimpl
def open_stream(
    account: Account, link: Link, start: int, stop: int | None, etag: str | None, http: Http
) -> Stream | None:
    """Get bytes from the object store, which is told nothing about the user, and read its refusals."""
    if account.provider != provider.name:
        return None
    return http.open("GET", link.url, start=start, stop=stop, etag=etag, on_error=error_of(link))
