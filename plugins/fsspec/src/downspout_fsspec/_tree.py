"""What paths name: asked for by URI, or found in the listing of the folder above."""

from collections.abc import Callable, Iterator, MutableMapping, Sequence
from datetime import datetime

from attrs import evolve, frozen

from downspout import Client, Folder, Link, Reference
from downspout.errors import InvalidURI, NotFound, ProtocolError
from downspout_fsspec import _paths

_MOST_PAGES = 10_000


@frozen
class Entry:
    """Something that has a path.

    Attributes:
        path: its path, in the form that `_paths.strip` gives.
        reference: what it is asked for with.
        is_folder: whether it stands for several documents.
        size: bytes, or `None` if nobody said; 0 for a folder.
        version: as in `downspout.Link`, or `None`.
        modified_at: when it last changed (aware), or `None`.
    """

    path: str
    reference: Reference
    is_folder: bool
    size: int | None = None
    version: str | None = None
    modified_at: datetime | None = None

    def info(self) -> dict[str, object]:
        """Return what fsspec wants to know of it."""
        known: dict[str, object] = {
            "name": self.path,
            "size": self.size,
            "type": "directory" if self.is_folder else "file",
        }
        if self.version is not None:
            known["version"] = self.version
        if self.modified_at is not None:
            known["mtime"] = self.modified_at.timestamp()
        return known


@frozen
class Tree:
    """Looks paths up. Safe for threads as far as the cache is.

    Attributes:
        client: gives the client.
        cache: listings by the folder's path.
    """

    client: Callable[[], Client]
    cache: MutableMapping[str, Sequence[Entry]]

    def entry(self, path: str) -> Entry:
        """Return what `path` names; a document goes before a folder of the same name.

        Raises:
            DownspoutError: it names nothing, or the service does not say.
        """
        return self._listed(path, folder=False) or self._asked(path)

    def entries(self, path: str) -> Sequence[Entry]:
        """Return what the folder at `path` holds; of a document, itself.

        Raises:
            DownspoutError: it names nothing, or the service does not say.
        """
        try:
            return self.cache[path]
        except KeyError:
            pass
        found = self._folder(path)
        if isinstance(found, Entry):
            return [found]
        entries = self.cache[path] = list(self._children(path, found))
        return entries

    def _folder(self, path: str) -> Folder | Entry:
        """Return the first page of the folder at `path`, or the document that is there."""
        known = self._listed(path, folder=True)
        if known is None:
            try:
                outcome = self.client().resolve(_paths.folder_uri(path))
            except (NotFound, InvalidURI):
                known = self.entry(path)
            else:
                return outcome if isinstance(outcome, Folder) else _of_link(path, outcome)
        if not known.is_folder:
            return known
        outcome = self.client().resolve(known.reference)
        return outcome if isinstance(outcome, Folder) else _of_link(path, outcome)

    def known(self, path: str) -> Reference | None:
        """Return the reference of a document that a listing in hand names, or `None`."""
        found = self._listed(path, folder=False)
        return None if found is None or found.is_folder else found.reference

    def sized(self, entry: Entry) -> Entry:
        """Return a document's entry with its size, asking its first bytes for it where nothing else tells."""
        if entry.size is not None:
            return entry
        with self.client().open(entry.reference, exact=True) as file:
            return evolve(entry, size=file.size, version=entry.version or file.version)

    def _listed(self, path: str, *, folder: bool) -> Entry | None:
        """Return the entry of a listing that is in hand; of twins the `folder`, or else the document."""
        above = _paths.parent(path)
        try:
            return None if above is None else _chosen(self.cache[above], path, folder=folder)
        except KeyError:
            return None

    def _asked(self, path: str) -> Entry:
        try:
            return self._entry_at(path, path)
        except (NotFound, InvalidURI) as exc:
            found = self._as_folder(path) or self._in_folder(path)
            if found is None:
                raise exc from exc.__cause__
            return found

    def _entry_at(self, path: str, uri: str) -> Entry:
        outcome = self.client().resolve(uri)
        if isinstance(outcome, Link):
            return _of_link(path, outcome)
        return Entry(path, self.client().reference(uri), True, 0)

    def _as_folder(self, path: str) -> Entry | None:
        uri = _paths.folder_uri(path)
        if uri == path:
            return None
        try:
            found = self._entry_at(path, uri)
        except (NotFound, InvalidURI):
            return None
        return found if found.is_folder else None

    def _in_folder(self, path: str) -> Entry | None:
        """Look for a path among the entries of its folder: names mean nothing to services that know ids alone."""
        above = _paths.parent(path)
        if above is None:
            return None
        try:
            return _chosen(self.entries(above), path, folder=False)
        except (NotFound, InvalidURI):
            return None

    def _children(self, path: str, page: Folder) -> Iterator[Entry]:
        seen: set[Reference] = set()
        while True:
            for child in page.children:
                name = child.path.rstrip("/")
                size = 0 if child.is_folder else child.size
                yield Entry(_paths.join(path, name), child.reference, child.is_folder, size, child.version)
            if page.more is None:
                return
            if page.more in seen or len(seen) > _MOST_PAGES:
                raise ProtocolError(f"{page.more.shown}: the list of this folder does not end.")
            seen.add(page.more)
            following = self.client().resolve(page.more)
            if not isinstance(following, Folder):
                raise ProtocolError(f"{page.more.shown}: the list of this folder does not go on.")
            page = following


def _chosen(entries: Sequence[Entry], path: str, *, folder: bool) -> Entry | None:
    found = [entry for entry in entries if entry.path == path]
    return next((entry for entry in found if entry.is_folder == folder), found[0] if found else None)


def _of_link(path: str, link: Link) -> Entry:
    return Entry(path, link.reference, False, link.size, link.version, link.modified_at)
