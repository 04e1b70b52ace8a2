"""The bytes: asked for without a credential, because the URL is one."""

from contextlib import suppress

from attrs import frozen

from downspout import Account, Credential, DownspoutError, Http, Link, Stream
from downspout.errors import IntegrityError, LinkRefused
from downspout_esignon import _workflows
from downspout_esignon._calls import Service

_PAGES = frozenset({"text/html", "application/xhtml+xml"})


@frozen
class Wanted:
    """What `open_stream` is asked for; see `downspout.hookspecs.open_stream`."""

    account: Account
    link: Link
    credential: Credential | None
    start: int
    stop: int | None
    etag: str | None


def open_document(wanted: Wanted, http: Http) -> Stream:
    """Open the document; where a URL is refused before its time, try the one without a time limit.

    Raises:
        LinkRefused: the URL is dead, or leads to a page instead of a document.
        DownspoutError: see `hookspecs.open_stream`.
    """
    try:
        return _open(wanted.link.url, wanted, http)
    except LinkRefused:
        url = _lasting_url(wanted, http)
        if url is None:
            raise
    return _open(url, wanted, http)


def _open(url: str, wanted: Wanted, http: Http) -> Stream:
    stream = http.open("GET", url, start=wanted.start, stop=wanted.stop, etag=wanted.etag)
    if stream.media_type in _PAGES:
        stream.close()
        raise LinkRefused(
            f"{wanted.link.reference.shown}: its link leads to a web page instead of the document.",
            hint="Look at the document on eSignon's site: it may have been withdrawn.",
            final=IntegrityError,
        )
    return stream


def _lasting_url(wanted: Wanted, http: Http) -> str | None:
    """Return the document's URL from `GET /api/v2/workflows/{id}`, or `None` if that is no help.

    An expired link, and one that has worked (bytes are asked for from further on), are none of its business: a new
    one of the same kind is what they need.
    """
    link, account = wanted.link, wanted.account
    if wanted.start != 0 or link.expires_at is None or http.now() >= link.expires_at:
        return None
    with suppress(DownspoutError):
        service = Service.of(account, wanted.credential, http)
        answer = service.information(link.reference.document)
        workflow = _workflows.informed(service, answer, link.reference)
        certificate = link.reference.options.get("part") == "certificate"
        url = workflow.certificate_url if certificate else workflow.document_url
        return None if url is None else _workflows.checked(url, link.reference.shown)
    return None
