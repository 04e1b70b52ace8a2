"""Workflows: whichever call of the service knows where their documents are."""

from contextlib import suppress
from datetime import datetime, timedelta

from attrs import evolve, frozen

from downspout import DownspoutError, Reference, Response, origin_of
from downspout.errors import InvalidURI, NotFound, PermissionDenied, ProtocolError
from downspout_esignon import _wire
from downspout_esignon._calls import Service

LINK_LIFE = timedelta(minutes=5)
COMPLETE = "complete"
"""How the service calls workflows that have a document; case counts for nothing."""
_NO_SUCH_CALL = frozenset({404, 405, 410})


@frozen
class Workflow:
    """A completed workflow.

    Attributes:
        title: the document's title.
        document_url: where the document is.
        certificate_url: where the history certificate is, or `None`.
        expires_at: when the URLs die, or `None`: never, as far as is known.
    """

    title: str
    document_url: str
    certificate_url: str | None
    expires_at: datetime | None


def find(service: Service, reference: Reference, *, certificate: bool) -> Workflow:
    """Have URLs issued for a workflow: by the published call, else by a newer or an older one.

    Args:
        service: who is asked.
        reference: the workflow.
        certificate: whether the history certificate is wanted, so that its URL is worth another call.

    Raises:
        DownspoutError: what the first of the calls said; the others are only tried.
    """
    try:
        workflow = _issued(service, service.issue(reference.document), reference)
    except (NotFound, PermissionDenied, ProtocolError):
        with suppress(DownspoutError):
            return _found_otherwise(service, reference)
        raise
    if certificate and workflow.certificate_url is None:
        with suppress(DownspoutError):
            lasting = informed(service, service.information(reference.document), reference)
            return evolve(workflow, certificate_url=lasting.certificate_url)
    return workflow


def _found_otherwise(service: Service, reference: Reference) -> Workflow:
    answer = service.information(reference.document)
    if answer.status not in _NO_SUCH_CALL:
        return informed(service, answer, reference)
    return _issued(service, service.issue_as_in_2020(reference.document), reference)


def _issued(service: Service, response: Response, reference: Reference) -> Workflow:
    subject = reference.shown
    body: _wire.Issued = service.body(response, _wire.Issued, subject)
    url = body.doc_url or body.result_url
    title = body.workflow_name if body.workflow_name is not None else body.wfname
    if not url:
        raise ProtocolError(f"{subject}: the answer has no field doc_url (nor result_url, its older name).")
    if title is None:
        raise ProtocolError(f"{subject}: the answer has no field workflow_name (nor wfname, its older name).")
    return Workflow(str(title), url, body.cert_url or None, service.http.now() + LINK_LIFE)


def informed(service: Service, response: Response, reference: Reference) -> Workflow:
    """Return the workflow that an answer of `Service.information` describes.

    Raises:
        NotFound: it is not completed; its URLs may lead somewhere, but to no signed document.
        DownspoutError: as `Service.body`.
    """
    subject = reference.shown
    body: _wire.Information = service.body(response, _wire.Information, subject)
    if body.workflow_id is not None and str(body.workflow_id) != reference.document:
        raise ProtocolError(f"{subject}: the service answers about another workflow.")
    status = body.workflow_status
    if status is not None and status.lower() != COMPLETE:
        raise NotFound(f"{subject}: the document is not completed ({_wire.plain(status)}).")
    if not body.download_url:
        raise ProtocolError(f"{subject}: the field download_url is empty.")
    return Workflow(str(body.workflow_name), body.download_url, body.certificate_url or None, None)


def checked(url: str, subject: str) -> str:
    """Return `url`, which the service gave, if it can be asked for.

    Raises:
        ProtocolError: it is no URL.
    """
    try:
        origin_of(url)
        if not all("!" <= character <= "~" for character in url):
            raise InvalidURI("A URL is printable ASCII.")
    except InvalidURI as exc:
        raise ProtocolError(f"{subject}: the service answered with a download URL that is none.") from exc
    return url
