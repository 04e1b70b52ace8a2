"""Folders: listed several in one call, and walked down all paths at once."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, cast

from attrs import define, evolve, field, frozen

from downspout import Folder, Reference
from downspout.errors import DownspoutError, NotFound, ProtocolError
from downspout_icloud._api import Api
from downspout_icloud._documents import ROOT, composed, folded, reference_to
from downspout_icloud._errors import Problem, Refusal, misshapen, plain_code, problem_error, refusal_of
from downspout_icloud._wire import DetailsAnswer, FolderAnswer, Item, Owner, whole_number

_TOGETHER = 10
"""Folders in one call; an answer has all their entries, and is bounded."""
_PACKAGES = frozenset({"pages", "key", "numbers", "band", "playground", "imovielibrary", "rtfd", "key-tef"})
"""Extensions of what may be a folder dressed as a document: its size is not the one of its bytes."""


@frozen
class Place:
    """A folder that can be listed.

    Attributes:
        drivewsid: what the drive knows it as.
        share: what identifies the share that it lies in, or `None`; JSON as it came.
        owner: who shared it, or `None`.
        path: names from the root down, or `None` if it was asked for by id.
    """

    drivewsid: str
    share: dict[str, object] | None = field(default=None, eq=False)
    owner: str | None = field(default=None, eq=False)
    path: tuple[str, ...] | None = field(default=None, eq=False)

    @classmethod
    def of(cls, item: Item, path: tuple[str, ...] | None) -> "Place":
        """Return the place of a folder that is an entry of another."""
        owner = item.owner.ownerRecordName if item.owner is not None else None
        return cls(item.drivewsid, item.shareID, owner, path)


TOP = Place(ROOT, path=())


@define
class Drive:
    """The folders of an account during one call: none is listed twice.

    Attributes:
        api: asks.
    """

    api: Api
    _listed: dict[Place, Sequence[Item] | Problem] = field(factory=dict, init=False)

    def listed(self, place: Place) -> Sequence[Item] | Problem:
        """Return the entries of a folder that was listed already, or what was wrong with it."""
        return self._listed[place]

    def read(self, places: Sequence[Place]) -> None:
        """List those of `places` that are not listed yet.

        Raises:
            DownspoutError: what would be wrong with any folder right now.
        """
        missing = list(dict.fromkeys(place for place in places if place not in self._listed))
        for first in range(0, len(missing), _TOGETHER):
            self._read(missing[first : first + _TOGETHER])

    def _read(self, places: Sequence[Place]) -> None:
        body = [_asked(place) for place in places]
        response = self.api.drive("/retrieveItemDetailsInFolders", body)
        refusal = refusal_of(response)
        if refusal is not None and refusal.concerns_everybody:
            raise refusal.error(self.api.site.account)
        found: Sequence[FolderAnswer] | Problem | None = refusal
        if found is None:
            try:
                found = response.json(list[FolderAnswer])
            except ProtocolError as exc:
                found = misshapen(response, exc)
        for place in places:
            if isinstance(found, Refusal | DownspoutError):
                if len(places) > 1:  # nobody's bad folder spoils the others'
                    self._read([place])
                else:
                    self._listed[place] = found
            else:
                self._listed[place] = _entries(place, found)

    def walk(
        self, paths: Sequence[tuple[tuple[str, ...], bool]], subjects: Sequence[str]
    ) -> list[Item | Place | DownspoutError]:
        """Return what each path leads to: an entry, the root, or why it leads nowhere.

        Args:
            paths: names from the root down, and whether only a folder will do.
            subjects: what errors name, one for each path.

        Raises:
            DownspoutError: what would be wrong with any folder right now.
        """
        walks = [_Walk(names, folder, subject) for (names, folder), subject in zip(paths, subjects, strict=True)]
        while open_ := [walk for walk in walks if not walk.is_over]:
            self.read([walk.place for walk in open_])
            for walk in open_:
                walk.step(self._listed[walk.place])
        return [walk.outcome for walk in walks]

    def details(self, drivewsids: Sequence[str]) -> dict[str, Item]:
        """Return what the drive knows of some ids; what it does not know is left out.

        Raises:
            DownspoutError: it does not answer.
        """
        items = [{"drivewsid": each, "partialData": False, "includeHierarchy": False} for each in drivewsids]
        response = self.api.drive("/retrieveItemDetails", [{"items": items}])
        refusal = refusal_of(response)
        if refusal is not None:
            raise refusal.error(self.api.site.account)
        answer: DetailsAnswer = response.json(cast("Any", DetailsAnswer))
        found = answer if isinstance(answer, list) else [answer]
        return {item.drivewsid: item for each in found for item in each.entries()}

    def folder(self, place: Place, reference: Reference) -> Folder:
        """Return a folder that was listed already, as what `reference` stands for.

        Raises:
            DownspoutError: what was wrong with it.
        """
        listing = self._listed[place]
        if isinstance(listing, Refusal | DownspoutError):
            raise problem_error(listing, reference.shown)
        names = Counter(folded(item.full_name) for item in listing)
        children = []
        for item in listing:
            name = composed(item.full_name)
            alone = names[folded(name)] == 1
            inner = reference_to(item, reference.account, place.path, alone=alone)
            path = name.replace("/", "_") + ("/" if item.is_folder else "")
            children.append((path, inner, None if item.is_folder else known_size(item), item.etag))
        return Folder(children)


def known_size(item: Item) -> int | None:
    """Return the bytes that a document has as it comes down, or `None` where nobody knows them before."""
    if (item.extension or "").lower() in _PACKAGES:
        return None
    return whole_number(item.size)


@define
class _Walk:
    """One path, as far as it was walked."""

    names: tuple[str, ...]
    wants_folder: bool
    subject: str
    place: Place = TOP
    outcome: Item | Place | DownspoutError = TOP
    depth: int = 0

    @property
    def is_over(self) -> bool:
        return isinstance(self.outcome, DownspoutError) or self.depth == len(self.names)

    def step(self, listing: Sequence[Item] | Problem) -> None:
        if isinstance(listing, Refusal | DownspoutError):
            self.outcome = problem_error(listing, self.subject)
            return
        last = self.depth == len(self.names) - 1
        item = _entry(listing, self.names[self.depth], folder=not last or self.wants_folder)
        if item is None:
            kind = "document or folder" if last and not self.wants_folder else "folder"
            self.outcome = NotFound(
                f"{self.subject}: there is no {kind} {self.names[self.depth]!r} where it should be.",
                hint="List the folder above it with `downspout ls`.",
            )
            return
        path = (*(self.place.path or ()), composed(item.full_name))
        self.outcome, self.depth = item, self.depth + 1
        if item.is_folder:
            self.place = Place.of(item, path)


def _entry(listing: Sequence[Item], name: str, *, folder: bool) -> Item | None:
    """Return the entry of that name; the exact spelling goes first, and a document goes before a folder."""
    found = [item for item in listing if folded(item.full_name) == folded(name) and (item.is_folder or not folder)]
    found.sort(key=lambda item: (composed(item.full_name) != name, item.is_folder))
    return found[0] if found else None


def _asked(place: Place) -> dict[str, object]:
    asked: dict[str, object] = {"drivewsid": place.drivewsid, "partialData": False, "includeHierarchy": False}
    return asked if place.share is None else {**asked, "shareID": place.share}


def _entries(place: Place, found: Sequence[FolderAnswer]) -> Sequence[Item] | Problem:
    """Return the entries of the folder `place` out of an answer, whatever its order."""
    short = place.drivewsid.rpartition("::")[2]
    answer = next((each for each in found if each.drivewsid == place.drivewsid), None)
    answer = answer or next((each for each in found if each.drivewsid == short), None)
    if answer is None:
        return ProtocolError(f"iCloud's answer leaves the folder {place.drivewsid} out.")
    if answer.status not in (None, "OK"):
        return Refusal(200, plain_code(answer.status) or "UNKNOWN")
    if answer.items is None:
        return ProtocolError(f"iCloud's answer for the folder {place.drivewsid} has no items.")
    return [_inheriting(item, place) for item in answer.items]


def _inheriting(item: Item, place: Place) -> Item:
    """Return an entry that knows whose share it lies in, as its folder does."""
    if place.share is None:
        return item
    owner = item.owner or (Owner(place.owner) if place.owner is not None else None)
    return evolve(item, shareID=item.shareID or place.share, owner=owner)
