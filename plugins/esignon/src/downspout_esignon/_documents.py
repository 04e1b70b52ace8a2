"""What a URI stands for, and what its documents are called."""

from collections.abc import Iterator

from downspout import Account, Child, Credential, Folder, Http, Link, Reference
from downspout.errors import NotFound
from downspout_esignon import _wire, _workflows
from downspout_esignon._asked import EVERYTHING, PARTS, Asked
from downspout_esignon._calls import Service

_ROWS = 50


def resolve(account: Account, reference: Reference, credential: Credential | None, http: Http) -> Link | Folder:
    """Return where a document is, or which documents a URI stands for.

    Raises:
        DownspoutError: see `hookspecs.resolve_link`.
    """
    asked = Asked.read(reference)
    service = Service.of(account, credential, http)
    if reference.document == EVERYTHING:
        return _page(service, asked)
    workflow = _workflows.find(service, reference, certificate=asked.part != "document")
    if asked.part == "all":
        return _both(asked, workflow)
    return _link(reference, workflow, asked.part)


def _link(reference: Reference, workflow: _workflows.Workflow, part: str) -> Link:
    url = workflow.certificate_url if part == "certificate" else workflow.document_url
    if url is None:
        raise NotFound(f"{reference.shown}: this workflow has no history certificate.", hint="Leave ?part= out.")
    return Link(
        reference,
        _workflows.checked(url, reference.shown),
        name=_name(workflow.title or reference.document, part),
        expires_at=workflow.expires_at,
        media_type="application/pdf",
    )


def _name(title: str, part: str) -> str:
    stem = title[:-4] if title.lower().endswith(".pdf") else title
    return f"{stem}{' - certificate' if part == 'certificate' else ''}.pdf"


def _both(asked: Asked, workflow: _workflows.Workflow) -> Folder:
    document = asked.reference.document
    parts = PARTS[:2] if workflow.certificate_url else PARTS[:1]
    title = _component(workflow.title) or _component(document)
    return Folder([Child(_name(title, part), asked.part_of(document, part)) for part in parts])


def _page(service: Service, asked: Asked) -> Folder:
    """Return one page of the completed workflows; those that are not completed have no document yet."""
    response = service.listing(asked.page, _ROWS)
    body: _wire.Listing = service.body(response, _wire.Listing, asked.reference.shown)
    more = None
    if body.workflow_list and asked.page * _ROWS < body.total:
        options = {**asked.reference.options, "page": str(asked.page + 1)}
        more = Reference(asked.reference.account, EVERYTHING, options)
    return Folder(list(_children(asked, body.workflow_list)), more)


def _children(asked: Asked, entries: list[_wire.Entry]) -> Iterator[Child]:
    """Give the completed ones. Titles repeat (a template's contracts share one), so the id is in each name."""
    for entry in entries:
        workflow_id = str(entry.wfuid)
        if entry.status.lower() != _workflows.COMPLETE or not workflow_id.strip("/"):
            continue
        title = _component("" if entry.wfname is None else str(entry.wfname))
        stem = title[:-4] if title.lower().endswith(".pdf") else title
        label = f"{stem} ({_component(workflow_id)})".lstrip()
        path = f"{label}/" if asked.part == "all" else _name(label, asked.part)
        yield Child(path, asked.part_of(workflow_id, asked.part))


def _component(text: str) -> str:
    """Return a title as one part of a path; the core makes the rest of it safe."""
    return text.replace("/", "_")
