"""The bytes, from the API itself."""

from attrs import frozen

from downspout import Account, Credential, DownspoutError, Http, Link, Response, Stream
from downspout.errors import LinkRefused, NotFound
from downspout_oracle import _api
from downspout_oracle._asked import Asked

_PAGES = frozenset({"text/html", "application/xhtml+xml"})
_PAGE_NAMES = (".html", ".htm", ".xhtml", ".xht", ".shtml")


@frozen
class Wanted:
    """What `open_stream` is asked for; see `downspout.hookspecs.open_stream`."""

    account: Account
    link: Link
    credential: Credential | None
    start: int
    stop: int | None
    etag: str | None


def open_file(wanted: Wanted, http: Http) -> Stream:
    """Open a file's bytes.

    Raises:
        AuthenticationError: a credential, or a newer one, may help.
        LinkRefused: the version that was the newest is gone.
        DownspoutError: see `hookspecs.open_stream`.
    """
    link = wanted.link
    api = _api.Api(wanted.account, Asked.read(link.reference), wanted.credential, http)

    def on_error(response: Response) -> DownspoutError:
        error = api.refusal(response)
        if isinstance(error, NotFound) and api.asked.version is None and link.version is not None:
            return LinkRefused(error.message, hint=error.hint, final=NotFound)
        return error

    stream = http.open(
        "GET",
        link.url,
        headers=api.headers(),
        start=wanted.start,
        stop=wanted.stop,
        etag=wanted.etag,
        on_error=on_error,
    )
    if stream.media_type in _PAGES and _is_no_page(link, stream):
        stream.close()
        raise api.signed_out()
    return stream


def _is_no_page(link: Link, stream: Stream) -> bool:
    """Whether the document is known to be something else than the page that comes."""
    if link.name is None or link.name.lower().endswith(_PAGE_NAMES):
        return False
    return link.size is None or stream.size != link.size
