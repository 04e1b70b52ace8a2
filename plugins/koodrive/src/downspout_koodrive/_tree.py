"""Folders: pages of listings, and paths walked down along them. The service knows no call from path to id."""

from datetime import UTC, datetime

from attrs import define, field, frozen

from downspout import Folder, Reference
from downspout.errors import DownspoutError, NotFound, ProtocolError
from downspout_koodrive._api import Api
from downspout_koodrive._documents import Known, Place, is_cursor, is_id, same_name
from downspout_koodrive._errors import Failure
from downspout_koodrive._wire import Code, Item, Listing, whole_number

_FOLDER = "10"
_FOLDERS = {_FOLDER, "11"}  # the other is a smart folder
_PAGE_SIZE = 100
_MOST_PAGES = 1000
_MILLISECONDS = 10**11  # larger numbers of a date are no seconds

_Child = tuple[str, Reference, int | None, str | None]


@frozen
class _Page:
    items: list[Item]
    cursor: str | None


@define
class _Listed:
    """A folder as far as it was listed in this call."""

    files: dict[str, Item] = field(factory=dict)
    folders: dict[str, Item] = field(factory=dict)
    pages: int = 0
    cursor: str | None = None
    failure: Failure | None = None

    @property
    def is_whole(self) -> bool:
        return self.pages > 0 and self.cursor is None

    def entry(self, name: str, *, folder: bool) -> Item | None:
        found = None if folder else self.files.get(name)
        return found or self.folders.get(name)


@define
class Tree:
    """The folders of an account, during one call: none is listed twice for the paths that lead through it.

    Attributes:
        api: asks.
    """

    api: Api
    _listed: dict[tuple[Place, str], _Listed] = field(factory=dict, init=False)

    def find(self, place: Place, path: tuple[str, ...], subject: str, *, folder: bool) -> Item:
        """Return the entry that `path` leads to.

        Args:
            place: where the path begins.
            path: names from the root down.
            subject: what errors name.
            folder: whether the last name is a folder's; else a file goes before a folder of the same name.

        Raises:
            NotFound: it leads nowhere.
            DownspoutError: the service refuses to list a folder.
        """
        found = Item(place.root, fileType=_FOLDER)
        for depth, name in enumerate(path, 1):
            inner = depth < len(path) or folder
            entry = self._entry(place, found.id, name, subject, folder=inner) if is_folder(found) else None
            if entry is None:
                kind = "folder" if inner else "document or folder"
                raise NotFound(
                    f"{subject}: there is no {kind} {name!r} where it should be.",
                    hint="List the folder above it with `downspout ls`.",
                )
            found = entry
        return found

    def folder(self, reference: Reference, place: Place, folder_id: str, cursor: str | None) -> Folder:
        """Return a page of a folder.

        Raises:
            DownspoutError: the service refuses to list it.
        """
        page = self._page(place, folder_id, cursor, reference.shown)
        options = {} if place.shared_folder is None else {"shared_folder": place.shared_folder}
        more = None
        if page.cursor is not None:
            document = f"{place.container}/{folder_id}/"
            more = Reference(reference.account, document, {**options, "cursor": page.cursor})
        children = [_child(reference.account, place, item, options) for item in page.items]
        return Folder(children, more)

    def _entry(self, place: Place, folder_id: str, name: str, subject: str, *, folder: bool) -> Item | None:
        listed = self._listed.setdefault((place, folder_id), _Listed())
        if listed.failure is not None:
            raise listed.failure.about(subject)
        while (found := listed.entry(name, folder=folder)) is None and not listed.is_whole:
            self._read_on(listed, place, folder_id, subject)
        return found

    def _read_on(self, listed: _Listed, place: Place, folder_id: str, subject: str) -> None:
        if listed.pages >= _MOST_PAGES:
            raise ProtocolError(f"{subject}: a folder on the way has more than {_MOST_PAGES} pages.")
        try:
            page = self._page(place, folder_id, listed.cursor, subject)
        except DownspoutError as exc:
            listed.failure = Failure(exc, subject)
            raise
        for item in page.items:
            kept = listed.folders if is_folder(item) else listed.files
            kept.setdefault(same_name(_name(item)), item)
        listed.pages, listed.cursor = listed.pages + 1, page.cursor

    def _page(self, place: Place, folder_id: str, cursor: str | None, subject: str) -> _Page:
        body = {
            "pageInfo": {"pageSize": _PAGE_SIZE, "pageCursor": cursor or ""},
            "sortInfo": {"sortType": 1, "sortDirection": 1},
            "containerId": place.container,
            "parentFileId": folder_id,
        }
        response = self.api.post("/files/0", body, shared_folder=place.shared_folder)
        problem = self.api.refusal(response)
        if problem is not None:
            raise problem.error(subject)
        listing = response.json(Listing)
        items = listing.files or []
        if not all(is_id(item.id) for item in items):
            raise ProtocolError(f"{subject}: KooDrive listed something under what is no id.")
        return _Page(items, _following(listing, cursor, subject))


def is_folder(item: Item) -> bool:
    """Return whether an entry stands for several documents."""
    return str(item.fileType).strip() in _FOLDERS


def known(item: Item) -> Known:
    """Return what a listing said of a document."""
    edited = None if item.editedTime is None else str(item.editedTime).strip()
    version = edited if edited and len(edited) <= 100 and edited.isprintable() else None
    return Known(_name(item), whole_number(item.size), version, _time(item.editedTime))


def _child(account: str, place: Place, item: Item, options: dict[str, str]) -> _Child:
    document = f"{place.container}/{item.id}"
    path = (_name(item)).replace("/", "_")
    if is_folder(item):
        return f"{path}/", Reference(account, f"{document}/", options), None, None
    hint = known(item)
    return path, Reference(account, document, options, hint), hint.size, hint.version


def _name(item: Item) -> str:
    return item.fileName or item.id


def _following(listing: Listing, cursor: str | None, subject: str) -> str | None:
    """Return the next page's cursor; a page may be short, or empty, before the end."""
    if listing.nextCursor is None or listing.nextCursor == "":
        return None
    following = str(listing.nextCursor)
    if following == cursor or not is_cursor(following):
        raise ProtocolError(f"{subject}: KooDrive's list of that folder does not go on.")
    return following


def _time(value: Code | None) -> datetime | None:
    """Return a date of a listing: ISO 8601, or seconds or milliseconds since the epoch; else `None`."""
    number = whole_number(value)
    try:
        if number is not None:
            return datetime.fromtimestamp(number / 1000 if number >= _MILLISECONDS else number, UTC)
        when = datetime.fromisoformat(str(value).strip())
        return when if when.tzinfo else when.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError):
        return None
