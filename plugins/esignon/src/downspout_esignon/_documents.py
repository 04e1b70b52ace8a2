"""What a URI stands for, and where its documents are right now."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta

from attrs import frozen

from downspout import (
    Account,
    Child,
    Credential,
    DownspoutError,
    Folder,
    Http,
    Link,
    Reference,
    Response,
    origin_of,
)
from downspout.errors import InvalidURI, NotFound, PermissionDenied, ProtocolError
from downspout_esignon import _calls, _wire

PARTS = ("document", "certificate", "all")
LINK_LIFE = timedelta(minutes=5)
_ROWS = 50
_COMPLETE = "complete"
_NO_SUCH_CALL = frozenset({404, 405, 410})


@frozen
class Asked:
    """A URI, read.

    Attributes:
        reference: the URI.
        part: one of `PARTS`.
        page: which page of a listing (1-based).
    """

    reference: Reference
    part: str
    page: int

    @classmethod
    def read(cls, reference: Reference) -> "Asked":
        """Return what a URI asks for.

        Raises:
            InvalidURI: eSignon has nothing of that kind.
        """
        options, everything = reference.options, reference.document == "/"
        unknown = sorted(set(options) - {"part", *(["page"] if everything else [])})
        part, page = options.get("part", "document"), options.get("page", "1")
        if reference.is_url or (reference.document.startswith("/") and not everything):
            raise InvalidURI(
                f"{reference.shown}: eSignon names documents by their workflow id only.",
                hint=f"Write {reference.account}:WORKFLOW_ID, or {reference.account}:/ for all of them.",
            )
        if unknown:
            raise InvalidURI(f"{reference.shown}: eSignon knows no option {unknown[0]!r}.", hint="Use ?part=.")
        if part not in PARTS:
            raise InvalidURI(f"{reference.shown}: {part!r} is no part.", hint=f"Use one of {', '.join(PARTS)}.")
        if not (page.isascii() and page.isdigit() and 1 <= len(page) <= 9 and int(page)):
            raise InvalidURI(f"{reference.shown}: {page!r} is no page.", hint="Use a number from 1.")
        return cls(reference, part, int(page))

    def part_of(self, document: str, part: str) -> Reference:
        """Return the reference of a part of a workflow."""
        return Reference(self.reference.account, document, {} if part == "document" else {"part": part})


@frozen
class Workflow:
    """A completed workflow: its title, the URLs of its two documents, and when they die (`None`: not known to)."""

    title: str
    document_url: str
    certificate_url: str | None
    expires_at: datetime | None


def resolve(account: Account, reference: Reference, credential: Credential | None, http: Http) -> Link | Folder:
    """Return where a document is, or which documents a URI stands for.

    Raises:
        DownspoutError: see `hookspecs.resolve_link`.
    """
    asked = Asked.read(reference)
    signed = _calls.signature(credential, account)
    if reference.document == "/":
        return _page(account, asked, signed, http)
    workflow = find(account, reference, signed, http)
    if asked.part == "all":
        return _both(asked, workflow)
    return _link(reference, workflow, asked.part)


def find(account: Account, reference: Reference, signed: dict[str, str], http: Http) -> Workflow:
    """Have URLs issued for a workflow: by the call of today's guide, else by a newer or an older one.

    Raises:
        DownspoutError: what the first of them said; the others are only tried.
    """
    workflow_id = reference.document
    try:
        return _issued(_calls.issue(account, workflow_id, signed, http), reference, http)
    except (NotFound, PermissionDenied, ProtocolError):
        with suppress(DownspoutError):
            answer = _calls.information(account, workflow_id, signed, http)
            if answer.status not in _NO_SUCH_CALL:
                return informed(answer, reference)
            return _issued(_calls.issue_as_in_2020(account, workflow_id, signed, http), reference, http)
        raise


def _issued(response: Response, reference: Reference, http: Http) -> Workflow:
    subject = reference.shown
    body: _wire.Issued = _wire.body_of(response, _wire.Issued, subject)
    url = body.doc_url or body.result_url
    title = body.workflow_name if body.workflow_name is not None else body.wfname
    if not url:
        raise ProtocolError(f"{subject}: the answer has no field doc_url (nor result_url, its older name).")
    if title is None:
        raise ProtocolError(f"{subject}: the answer has no field workflow_name (nor wfname, its older name).")
    return Workflow(str(title), url, body.cert_url or None, http.now() + LINK_LIFE)


def informed(response: Response, reference: Reference) -> Workflow:
    """Return the workflow that an answer of `_calls.information` describes.

    Raises:
        NotFound: it is not completed; the URLs may lead somewhere, but to no signed document.
        DownspoutError: as `_wire.body_of`.
    """
    subject = reference.shown
    body: _wire.Information = _wire.body_of(response, _wire.Information, subject)
    if body.workflow_id is not None and str(body.workflow_id) != reference.document:
        raise ProtocolError(f"{subject}: the service answers about another workflow.")
    status = body.workflow_status
    if status is not None and status.lower() != _COMPLETE:
        raise NotFound(f"{subject}: the document is not completed ({_wire.plain(status)}).")
    if not body.download_url:
        raise ProtocolError(f"{subject}: the field download_url is empty.")
    return Workflow(str(body.workflow_name), body.download_url, body.certificate_url or None, None)


def checked(url: str, subject: str) -> str:
    """Return `url`, which a service gave, if it can be asked for.

    Raises:
        ProtocolError: it is no URL.
    """
    try:
        origin_of(url)
        if not all("!" <= character <= "~" for character in url):
            raise InvalidURI("a URL is printable ASCII")
    except InvalidURI as exc:
        raise ProtocolError(f"{subject}: the service answered with a download URL that is none.") from exc
    return url


def _link(reference: Reference, workflow: Workflow, part: str) -> Link:
    url = workflow.certificate_url if part == "certificate" else workflow.document_url
    if url is None:
        raise NotFound(f"{reference.shown}: this workflow has no history certificate.", hint="Leave ?part= out.")
    return Link(
        reference,
        checked(url, reference.shown),
        name=_name(workflow.title or reference.document, part),
        expires_at=workflow.expires_at,
        media_type="application/pdf",
    )


def _name(title: str, part: str) -> str:
    stem = title[:-4] if title.lower().endswith(".pdf") else title
    return f"{stem}{' - certificate' if part == 'certificate' else ''}.pdf"


def _both(asked: Asked, workflow: Workflow) -> Folder:
    document = asked.reference.document
    parts = PARTS[:2] if workflow.certificate_url else PARTS[:1]
    title = _component(workflow.title) or _component(document)
    return Folder([Child(_name(title, part), asked.part_of(document, part)) for part in parts])


def _page(account: Account, asked: Asked, signed: dict[str, str], http: Http) -> Folder:
    """Return one page of the completed workflows; those that are not completed have no document yet."""
    subject = asked.reference.shown
    response = _calls.listing(account, asked.page, _ROWS, signed, http)
    body: _wire.Listing = _wire.body_of(response, _wire.Listing, subject)
    more = None
    if body.workflow_list and asked.page * _ROWS < body.total:
        options = {**asked.reference.options, "page": str(asked.page + 1)}
        more = Reference(asked.reference.account, "/", options)
    return Folder(list(_children(asked, body.workflow_list)), more)


def _children(asked: Asked, entries: list[_wire.Entry]) -> Iterator[Child]:
    """Give the completed ones. Titles repeat (a template's contracts share one), so the id is in each name."""
    for entry in entries:
        workflow_id = str(entry.wfuid)
        if entry.status.lower() != _COMPLETE or not workflow_id.strip("/"):
            continue
        title = _component("" if entry.wfname is None else str(entry.wfname))
        stem = title[:-4] if title.lower().endswith(".pdf") else title
        label = f"{stem} ({_component(workflow_id)})".lstrip()
        path = f"{label}/" if asked.part == "all" else _name(label, asked.part)
        yield Child(path, asked.part_of(workflow_id, asked.part))


def _component(text: str) -> str:
    """Return a title as one part of a path; the core makes the rest of it safe."""
    return text.replace("/", "_")
