"""The rules of `resolve_link`."""

from collections.abc import Iterator, Sequence
from typing import Any

from attrs import evolve

from downspout._models import Child, Folder, Link, Reference
from downspout._names import relative_target
from downspout.errors import DownspoutError
from downspout.testing._contract.answers import named
from downspout.testing._contract.bench import Bench
from downspout.testing._contract.rules import Note, service, told

_MOST_PAGES = 200
_MOST_CHILDREN = 3


@service(
    "answers-its-own",
    "It answers for every account of its provider, whatever the account is called.",
    "Compare account.provider, not account.name; put account.name into credentials and references of folders.",
)
def answers_its_own(bench: Bench) -> Iterator[str]:
    """Ask as an account of another name."""
    account = bench.account("another-name")
    reference = evolve(bench.document, account="another-name")
    credential = bench.authenticate(account=account) if bench.signed_in() is not None else None
    if credential is not None and credential.account != account.name:
        yield f"the credential is for the account {credential.account}"
    answered = bench.ask([reference], credential, account=account)
    yield from answered.breaches
    if not isinstance(answered.first, Link):
        yield f"the document becomes {named(answered.first)} for an account of another name"


@service(
    "describes-the-document",
    "A document becomes a link that says what is known of it.",
    "Return Link(reference, url, …) with the reference as given, times with a time zone, "
    "digests as hashlib names them.",
)
def describes_the_document(bench: Bench) -> Iterator[str]:
    """Resolve the document."""
    for uri in (bench.document, *bench.case.documents):
        answered = bench.resolve(uri)
        yield from answered.breaches
        if not isinstance(answered.first, Link):
            yield f"{uri} becomes {named(answered.first)}"
            continue
        silent = [name for name in ("name", "size", "version") if getattr(answered.first, name) is None]
        if silent:
            yield Note(f"The service tells no {' and no '.join(silent)}.")


@service(
    "one-outcome-each",
    "It answers one outcome for each reference, in their order.",
    "Match the service's records by identifier, give the same answer to a reference that is "
    "there twice, and leave none out.",
)
def one_outcome_each(bench: Bench) -> Iterator[str]:
    """Ask for good and bad ones in several orders."""
    batch_size = bench.subject.provider.batch_size
    alone = [(uri, _nature(bench.resolve(uri).first)) for uri in _references(bench)]
    orders = (alone, alone[::-1], alone[:1] * 2, [*alone, *alone[::-1]])
    for order in orders:
        for some in _cut(order, batch_size):
            answered = bench.resolve(*(uri for uri, _ in some))
            yield from answered.breaches
            if answered.outcomes and [_nature(each) for each in answered.outcomes] != [each for _, each in some]:
                yield f"of {len(some)} references together some have another outcome than alone"
    if batch_size == 1:
        yield Note("Its batch_size is 1: they were asked for one by one.")


@service(
    "spares-neighbours",
    "One bad document never spoils its neighbours.",
    "Return its error as a value (one_by_one does); raise only what concerns the whole call.",
)
def spares_neighbours(bench: Bench) -> Iterator[str]:
    """Put a bad document between good ones, as many as a call takes."""
    bad = [bench.case.missing, *([bench.case.forbidden] if bench.case.forbidden is not None else [])]
    size = bench.subject.provider.batch_size
    if size == 1:
        yield Note("Its batch_size is 1: nobody has neighbours.")
        return
    for uri in bad:
        some = [bench.document, bench.reference(uri), bench.document][:size]
        answered = bench.resolve(*some)
        yield from answered.breaches
        if answered.raised is not None:
            yield f"{uri} makes the whole call fail: {told(answered.raised)}"
        for reference, outcome in zip(some, answered.outcomes, strict=False):
            if reference == bench.document and not isinstance(outcome, Link):
                yield f"next to {uri} the document becomes {named(outcome)}"


@service(
    "takes-whole-batches",
    "It takes as many references as its batch_size says.",
    "Set batch_size to what one call of the service really takes, and split where it takes less.",
)
def takes_whole_batches(bench: Bench) -> Iterator[str]:
    """Ask for as many as a call may hold, good and bad."""
    size = bench.subject.provider.batch_size
    pool = _references(bench)
    some = [pool[place % len(pool)] for place in range(size)]
    answered = bench.resolve(*some)
    yield from answered.breaches
    if answered.raised is not None:
        yield f"a call with {size} references fails: {told(answered.raised)}"
    good = [each for each in answered.outcomes if isinstance(each, Link)]
    if answered.outcomes and not good:
        yield f"none of {size} references becomes a link, though alone they do"


@service(
    "missing-is-not-found",
    "A document that is not there is NotFound.",
    "Map the service's code for it to NotFound; a DownspoutError that is returned, not raised, fails alone.",
)
def missing_is_not_found(bench: Bench) -> Iterator[str]:
    """Resolve, and if need be open, what is not there."""
    yield from _fails_as(bench, bench.case.missing, bench.case.missing_is)


@service(
    "forbidden-is-told",
    "A document that may not be read is PermissionDenied.",
    "Map the service's code for it to PermissionDenied; AuthenticationError only where another credential helps.",
)
def forbidden_is_told(bench: Bench) -> Iterator[str]:
    """Resolve, and if need be open, what may not be read."""
    uri = bench.needed("forbidden", "No `forbidden` document was given.")
    yield from _fails_as(bench, uri, bench.case.forbidden_is)


def _fails_as(bench: Bench, uri: str, wanted: Sequence[type[DownspoutError]]) -> Iterator[str]:
    answered = bench.resolve(uri)
    yield from answered.breaches
    outcome = answered.first
    if isinstance(outcome, Link):
        with bench.client() as (client, _):
            try:
                with client.open(uri) as file:
                    file.read(1)
            except DownspoutError as exc:
                outcome = exc
    if not isinstance(outcome, tuple(wanted)):
        names = " or ".join(each.__name__ for each in wanted)
        yield f"{uri} becomes {named(outcome)}, not {names}"


@service(
    "stays-the-same",
    "Name, size, version and digests of a document that did not change stay the same.",
    "Take version from what the service calls the content's identity; no time, link or counter belongs into it.",
)
def stays_the_same(bench: Bench) -> Iterator[str]:
    """Resolve twice, the second time with a credential of its own."""
    first = bench.link()
    bench.credential = None
    second = bench.link()
    for name in ("name", "size", "version", "digests", "modified_at", "media_type"):
        if getattr(first, name) != getattr(second, name):
            yield f"the {name} was {getattr(first, name)!r} and is {getattr(second, name)!r}"


@service(
    "folders-unfold",
    "A folder lists what is in it, page by page, each entry with a URI of its own.",
    "Give relative paths, references of the same account that their URI alone brings back, and "
    "`more` until the last page.",
)
def folders_unfold(bench: Bench) -> Iterator[str]:
    """List a folder, and ask for its first entries by their URIs alone."""
    uri = bench.needed("folder", "No `folder` was given.")
    children: list[Child] = []
    page: Reference | None = bench.reference(uri)
    seen: set[str] = set()
    while page is not None:
        answered = bench.resolve(page)
        yield from answered.breaches
        if not isinstance(answered.first, Folder):
            yield f"{page.shown} becomes {named(answered.first)}"
            return
        children += answered.first.children
        seen.add(str(page))
        page = answered.first.more
        if page is not None and (str(page) in seen or len(seen) > _MOST_PAGES):
            yield "the pages of the folder have no end"
            return
    yield from _unfolded(bench, children)


def _unfolded(bench: Bench, children: Sequence[Child]) -> Iterator[str]:
    if not children:
        yield "the folder is empty; give one that holds something"
    paths = [child.path for child in children]
    if len(set(paths)) != len(paths):
        yield "the folder lists a path twice"
    for path in paths:
        try:
            relative_target(path)
        except DownspoutError:
            yield f"the path {path[:60]!r} is not below the folder"
    for child in children[:_MOST_CHILDREN]:
        outcome = bench.resolve(str(child.reference)).first
        wanted = Folder if child.is_folder else Link
        if not isinstance(outcome, wanted):
            yield f"the entry {child.path[:60]!r} becomes {named(outcome)} when it is asked for by its URI alone"
        elif isinstance(outcome, Link) and None not in (child.size, outcome.size) and child.size != outcome.size:
            yield f"the entry {child.path[:60]!r} has {child.size} bytes, its link {outcome.size}"


def _references(bench: Bench) -> list[Reference]:
    uris = [bench.document, *bench.case.documents, bench.case.missing]
    if bench.case.forbidden is not None:
        uris.append(bench.case.forbidden)
    return [bench.reference(uri) for uri in uris]


def _cut(some: Sequence[Any], size: int) -> list[Sequence[Any]]:
    return [some[start : start + size] for start in range(0, len(some), size)]


def _nature(outcome: object) -> object:
    """Return what makes outcomes of the same document alike: links differ each time."""
    if isinstance(outcome, Link):
        return "link", outcome.reference, outcome.name, outcome.size
    return type(outcome).__name__
