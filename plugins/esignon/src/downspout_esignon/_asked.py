"""URIs of eSignon, read."""

from attrs import frozen

from downspout import Reference
from downspout.errors import InvalidURI

EVERYTHING = "/"
PARTS = ("document", "certificate", "all")


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
        options, everything = reference.options, reference.document == EVERYTHING
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
