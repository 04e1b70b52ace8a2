"""eSignon's workflows: their numbers, titles and states."""

import attrs

from downspout_sandbox import samples
from downspout_sandbox.documents import PDF, Document, small_id
from downspout_sandbox.world import World

COMPANY = "acme01"
CLIENT = "*0123456789ABCDEF0123456789ABCDEF01234567"
FIRST_SMALL = 100_000
_PDF_HEAD = b"%PDF-1.4\n"


@attrs.frozen
class Workflow:
    """A workflow, which ends in a document.

    Attributes:
        number: Its id.
        title: The document's name, without an extension.
        document: The sample document's id.
        status: `Complete`, `Playing`, …
        certified: Whether there is a history certificate.
        visible: Whether the user may see it.
    """

    number: int
    title: str
    document: str
    status: str = "Complete"
    certified: bool = True
    visible: bool = True


_WORKFLOWS = (
    Workflow(12584, "계약서", "contract"),
    Workflow(12585, "Large contract", "large"),
    Workflow(12586, "Invoice 2026/01", "invoice"),
    Workflow(12587, "Not yet signed", "resume", status="Playing"),
    Workflow(12588, "Without certificate", "resume", certified=False),
    Workflow(12589, "Somebody else's", "private", visible=False),
    Workflow(12590, "Report", "report"),
)
_BY_NUMBER = {workflow.number: workflow for workflow in _WORKFLOWS}


def find(text: object) -> Workflow | None:
    """Give the workflow of an id, which may come as text or as a number; None where there is none."""
    digits = str(text)
    if isinstance(text, bool) or not (digits.isascii() and digits.isdigit() and len(digits) < 10):
        return None
    number = int(digits)
    if number >= FIRST_SMALL:
        small = small_id(number - FIRST_SMALL)
        return Workflow(number, small, small)
    return _BY_NUMBER.get(number)


def listed() -> list[Workflow]:
    """Give the workflows that the user sees in lists."""
    return [workflow for workflow in _WORKFLOWS if workflow.visible]


def signed_document(workflow: Workflow, part: str, world: World) -> Document | None:
    """Give what a workflow's link leads to: `document` or `certificate`, always a PDF."""
    document = world.library.get("certificate" if part == "certificate" else workflow.document)
    if document is None or not isinstance(document.content, samples.Noise):
        return document
    content = samples.Headed(_PDF_HEAD, document.content)
    return attrs.evolve(document, content=content, media_type=PDF)
