"""Folders, unfolded page by page."""

from collections.abc import Callable
from pathlib import PurePosixPath

from attrs import evolve

from downspout._batch.wanted import Wanted
from downspout._models import Child, Folder, Link
from downspout._names import relative_target, safe_name
from downspout.errors import DownspoutError, InvalidURI, ProtocolError

_DEEPEST = 100
"""Folders in folders; a service that lists more has lost its way."""
MOST_BARREN = 100
"""Pages in a row that bring nothing new: empty ones are met, but a listing that has no end is worse."""

_NO_DIGEST = "Take the digest away, or name a document."

Outcome = Link | Folder | DownspoutError
Claim = Callable[[Wanted, str], str]


def unfold(item: Wanted, folder: Outcome, claim: Claim) -> list[Wanted]:
    """Return what a page of a folder asks for, its next page last; what cannot be asked for has its error.

    Args:
        item: what the folder was asked for with.
        folder: the page; of what is none nothing comes.
        claim: gives a sub-folder its name: the same in every run, and no document's.
    """
    if not isinstance(folder, Folder):
        return []
    base = base_of(item)
    inside = [_child(item, base, child, claim) for child in folder.children]
    if item.sha256 is not None:
        inside = [_wrong(item, InvalidURI(f"{item.shown} is a folder, which has no SHA-256.", hint=_NO_DIGEST))]
    elif (item.barren or 0) > MOST_BARREN:
        inside = [_wrong(item, ProtocolError(f"{item.shown}: its listing has no end."))]
    elif folder.more is not None:
        inside.append(evolve(item, reference=folder.more, below=base, attempts=0, barren=item.barren or 0))
    return inside


def base_of(item: Wanted) -> PurePosixPath:
    """Return where the documents of a folder go, relative to the batch's directory."""
    return item.below if item.below is not None else (item.target or PurePosixPath())


def only_new(found: list[Wanted], is_repeated: Callable[[Wanted], bool]) -> list[Wanted]:
    """Return what nobody has asked for yet: a folder that lies in itself is unfolded once.

    Args:
        found: what can be asked for.
        is_repeated: whether it was asked for; if so, it is answered for.
    """
    new = [item for item in found if item.barren is None and not is_repeated(item)]
    more = [evolve(item, barren=0 if new else (item.barren or 0) + 1) for item in found if item.barren is not None]
    return new + more


def _wrong(item: Wanted, error: DownspoutError) -> Wanted:
    return evolve(item, error=error, barren=None)


def _child(item: Wanted, base: PurePosixPath, child: Child, claim: Claim) -> Wanted:
    wanted = Wanted(str(child.reference), child.reference, index=item.index, size=child.size)
    try:
        relative = base / relative_target(child.path.rstrip("/") or safe_name(""))
        if len(relative.parts) > _DEEPEST:
            raise ProtocolError(f"{wanted.shown} lies in more than {_DEEPEST} folders.")
        if not child.is_folder:
            return evolve(wanted, target=relative)
        return evolve(wanted, below=PurePosixPath(claim(wanted, str(relative))))
    except DownspoutError as exc:
        return evolve(wanted, error=exc)
