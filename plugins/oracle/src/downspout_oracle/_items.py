"""What a URI stands for: a file, by id or by path, or a folder."""

from collections.abc import Iterator
from unicodedata import normalize

from downspout import Account, Child, Credential, Folder, Http, Link, Reference
from downspout.errors import AuthenticationError, DownspoutError, InvalidURI, NotFound, ProtocolError
from downspout_oracle import _wire
from downspout_oracle._api import Api
from downspout_oracle._asked import Asked

HOME = "self"
_PAGE = 1000
_MOST_PAGES = 100
_FOLDER_IDS_BEGIN_WITH = "F"


def resolve(account: Account, reference: Reference, credential: Credential | None, http: Http) -> Link | Folder:
    """Return where a file streams from, or what a folder holds.

    Raises:
        DownspoutError: see `hookspecs.resolve_link`.
    """
    asked = Asked.read(reference)
    api = Api(account, asked, credential, http)
    api.headers()  # before anything is asked: is there a credential, where one is needed?
    hint = reference.hint
    if isinstance(hint, _wire.Item):
        return _folder(api, hint.id) if hint.is_folder else _link(api, hint)
    if reference.document.startswith("/"):
        return _by_path(api, reference.document)
    if not _wire.is_guid(reference.document):
        raise InvalidURI(f"{reference.shown}: that is no id.", hint="Begin a path with '/'.")
    return _by_id(api, reference.document)


def _by_id(api: Api, guid: str) -> Link | Folder:
    """Take an id for a folder's or a file's, as its first letter says, and then for the other."""
    if asks_for_version(api):
        return _file(api, guid)
    first, second = (_folder, _file) if guid.startswith(_FOLDER_IDS_BEGIN_WITH) else (_file, _folder)
    try:
        return first(api, guid)
    except NotFound as refusal:
        try:
            return second(api, guid)
        except DownspoutError:
            raise refusal from None


def asks_for_version(api: Api) -> bool:
    """Whether the URI can only mean a file."""
    return api.asked.version is not None


def _file(api: Api, guid: str) -> Link:
    """Return the link to a file, with what the service says of it where it says so to whoever asks."""
    item = _metadata(api, guid)
    if item is None:
        return Link(api.asked.reference, api.url("files", guid, "data", version=api.asked.version))
    if item.is_folder:
        raise NotFound(f"{api.asked.reference.shown}: this is a folder, not a file.")
    return _link(api, item)


def _metadata(api: Api, guid: str) -> _wire.Item | None:
    """Return what is known of a file, or `None` if that is not told: the bytes may be had all the same."""
    response = api.get("files", guid, version=api.asked.version)
    if response.status not in {401, 403}:
        item = _sensible(api, api.read(response, _wire.Item))
        if item.id != guid:
            raise ProtocolError(f"{api.asked.reference.shown}: the service answers about another file.")
        return item
    error = api.refusal(response)
    if isinstance(error, AuthenticationError):
        raise error
    return None


def _link(api: Api, item: _wire.Item) -> Link:
    """Return the link to a file's version; the number stands in it, so that no half comes from another version.

    Raises:
        ProtocolError: the service speaks of another version than the one asked for.
    """
    asked, known = api.asked, None if item.version is None else str(item.version)
    if asked.version is not None and known is not None and int(asked.version) != item.version:
        raise ProtocolError(f"{asked.reference.shown}: the service answers with version {known} instead.")
    version = asked.version or known
    return Link(
        asked.reference,
        api.url("files", item.id, "data", version=version),
        name=item.name,
        size=item.size,
        version=version,
        modified_at=item.modified_at,
    )


def _by_path(api: Api, path: str) -> Link | Folder:
    """Walk a path from the home folder; the service has no call for paths.

    Raises:
        NotFound: a part of it is not there.
    """
    names = [name for name in path.split("/") if name]
    folder = HOME
    for position, name in enumerate(names, 1):
        last = position == len(names)
        wants_file = last and not path.endswith("/")
        item = _find(api, folder, name, wants_file=wants_file, wants_folder=not last or not asks_for_version(api))
        if not item.is_folder:
            return _file(api, item.id) if asks_for_version(api) else _link(api, item)
        folder = item.id
    return _folder(api, folder)


def _find(api: Api, folder: str, name: str, *, wants_file: bool, wants_folder: bool) -> _wire.Item:
    """Return the file, else the folder, of that name; names may be there twice, and filters too generous."""
    found = None
    for item in _all_items(api, folder, name):
        if normalize("NFC", item.name) != normalize("NFC", name):
            continue
        if item.type == "file" and wants_file:
            return item
        if item.is_folder and wants_folder and found is None:
            found = item
    if found is None:
        kind = "nothing" if wants_file else "no folder"
        raise NotFound(f"{api.asked.reference.shown}: {kind} there is called {name!r}.", hint="Check the path.")
    return found


def _all_items(api: Api, folder: str, name: str) -> Iterator[_wire.Item]:
    offset = 0
    for _ in range(_MOST_PAGES):
        page = _page(api, folder, offset, name)
        yield from page.items
        offset += len(page.items)
        if not page.items or not page.has_more:
            return


def _page(api: Api, folder: str, offset: int, name: str | None = None) -> _wire.Listing:
    response = api.get(
        "folders", folder, "items", filterName=name, limit=_PAGE, offset=offset or None, orderby="name:asc"
    )
    page: _wire.Listing = api.read(response, _wire.Listing)
    for item in page.items:
        _sensible(api, item)
    return page


def _folder(api: Api, guid: str) -> Folder:
    """Return one page of a folder."""
    asked = api.asked
    page = _page(api, guid, asked.offset)
    children = [_child(asked, item) for item in page.items if item.is_folder or item.type == "file"]
    if not page.items or not page.has_more:
        return Folder(children)
    more = asked.item(asked.reference.document, asked.reference.hint, offset=str(asked.offset + len(page.items)))
    return Folder(children, more)


def _child(asked: Asked, item: _wire.Item) -> Child:
    """Return a folder's entry; what the listing tells goes along, and saves asking about the file again."""
    name = item.name.replace("/", "_")
    reference = asked.item(item.id, item)
    if item.is_folder:
        return Child(f"{name}/", reference)
    return Child(name, reference, item.size, None if item.version is None else str(item.version))


def _sensible(api: Api, item: _wire.Item) -> _wire.Item:
    if not item.makes_sense:
        raise ProtocolError(f"{api.asked.reference.shown}: the service describes a file that cannot be.")
    return item
