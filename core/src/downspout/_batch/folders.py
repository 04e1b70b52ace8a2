"""Folders, unfolded page by page."""

from collections.abc import Callable
from pathlib import PurePosixPath

from attrs import evolve

from downspout._batch.wanted import Wanted
from downspout._models import Child, Folder
from downspout._names import relative_target, safe_name
from downspout.errors import DownspoutError

Claim = Callable[[Wanted, str], str]


def unfold(item: Wanted, folder: Folder, claim: Claim) -> list[Wanted]:
    """Return what a page of a folder asks for, its next page last; what cannot be asked for has its error.

    Args:
        item: what the folder was asked for with.
        folder: the page.
        claim: gives a sub-folder its name: the same in every run, and no document's.
    """
    base = item.below if item.below is not None else (item.target or PurePosixPath())
    inside = [_child(item, base, child, claim) for child in folder.children]
    if folder.more is not None:
        inside.append(evolve(item, reference=folder.more, below=base, attempts=0))
    return inside


def _child(item: Wanted, base: PurePosixPath, child: Child, claim: Claim) -> Wanted:
    wanted = Wanted(str(child.reference), child.reference, index=item.index, size=child.size)
    try:
        relative = base / relative_target(child.path.rstrip("/") or safe_name(""))
        if not child.is_folder:
            return evolve(wanted, target=relative)
        return evolve(wanted, below=PurePosixPath(claim(wanted, str(relative))))
    except DownspoutError as exc:
        return evolve(wanted, error=exc)
