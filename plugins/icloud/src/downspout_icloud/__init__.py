"""iCloud Drive, for downspout.

Apple publishes no description of this service. The plugin speaks what an open-source file manager wrote down of
`download/batch` in January 2020, and what the web app and the clients that follow it do today (late 2026).
"""

from collections.abc import Sequence

from downspout import Account, Credential, Http, Interaction, Link, Provider, Reference, Stream
from downspout.hookspecs import Outcome, hookimpl
from downspout_icloud._links import LARGEST_BATCH
from downspout_icloud._login import end_session, sign_in
from downspout_icloud._resolve import resolve
from downspout_icloud._settings import SETTINGS, Site
from downspout_icloud._stream import opened

__all__ = ["authenticate", "open_stream", "provider", "resolve_link"]


def sign_off(account: Account, credential: Credential, http: Http) -> None:
    """End the session, and the trust that lets the next sign-in ask for no code."""
    end_session(Site.of(account), credential, http)


provider = Provider("icloud", title="iCloud Drive", settings=SETTINGS, batch_size=LARGEST_BATCH, sign_off=sign_off)


@hookimpl
def authenticate(
    account: Account, refused: Credential | None, interaction: Interaction | None, http: Http
) -> Credential | None:
    """Sign in the way that asks least: by cookies, by the session's token, by password, by a code."""
    if account.provider != provider.name:
        return None
    return sign_in(Site.of(account), refused, interaction, http)


@hookimpl
def resolve_link(
    account: Account, references: Sequence[Reference], credential: Credential | None, http: Http
) -> Sequence[Outcome] | None:
    """Ask for links by batch and one by one; list folders and walk down paths; look public shares up."""
    if account.provider != provider.name:
        return None
    return resolve(Site.of(account), references, credential, http)


@hookimpl
def open_stream(account: Account, link: Link, start: int, stop: int | None, http: Http) -> Stream | None:
    """Get bytes from the content host, which is told nothing about the user."""
    if account.provider != provider.name:
        return None
    return opened(link, start, stop, http)
