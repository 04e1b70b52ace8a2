"""What a URI of KooDrive names: a file or a folder by id, or by its path in a space."""

import re
import unicodedata
from datetime import datetime

from attrs import evolve, frozen

from downspout import Reference
from downspout.errors import InvalidURI

_VISIBLE = re.compile(r"[\x21-\x7e]{1,256}")
_CURSOR = re.compile(r"[\x20-\x7e]{1,4096}")
_OPTIONS = {"shared_folder": _VISIBLE, "cursor": _CURSOR}
_ROOTS = ("root", "sbox")
_HOW = "Write CONTAINER/FILE, FILE, or /path/in/the/space."


@frozen
class Place:
    """Where ids mean something.

    Attributes:
        container: the space.
        shared_folder: the shared folder that calls are made in, or `None`.
    """

    container: str
    shared_folder: str | None = None

    @property
    def root(self) -> str:
        """The id of the uppermost folder."""
        return self.shared_folder or "root"


@frozen
class Known:
    """What a listing said of a document: the hint that its reference carries.

    Attributes:
        name: as listed, or `None`.
        size: bytes, or `None`.
        version: when it was last edited, in the service's words, or `None`.
        modified_at: the same as a time, or `None`.
    """

    name: str | None = None
    size: int | None = None
    version: str | None = None
    modified_at: datetime | None = None


@frozen
class Target:
    """A reference, taken apart.

    Attributes:
        container: the space's id, or `None` for the account's own.
        file_id: the id of a file or folder, or `None` if there is a path.
        path: names from the root down; empty for the root itself.
        is_folder: whether the reference itself says that it is one.
        shared_folder: see `Place`.
        cursor: where a folder's page begins, or `None` for the first one.
    """

    container: str | None = None
    file_id: str | None = None
    path: tuple[str, ...] = ()
    is_folder: bool = False
    shared_folder: str | None = None
    cursor: str | None = None

    @classmethod
    def of(cls, reference: Reference) -> "Target":
        """Return what `reference` names.

        Raises:
            InvalidURI: it names nothing that KooDrive could have.
        """
        _check_options(reference)
        if reference.is_url:
            raise InvalidURI(f"{reference.shown}: documents of KooDrive are not named by addresses.", hint=_HOW)
        target = cls._by_path(reference.document) or cls._by_id(reference)
        options = reference.options
        return evolve(target, shared_folder=options.get("shared_folder"), cursor=options.get("cursor"))

    @classmethod
    def _by_path(cls, document: str) -> "Target | None":
        if not document.startswith("/"):
            return None
        names = tuple(same_name(name) for name in document.split("/") if name)
        return cls(path=names, is_folder=document.endswith("/"))

    @classmethod
    def _by_id(cls, reference: Reference) -> "Target":
        container, slash, rest = reference.document.partition("/")
        if not slash:
            file_id = _id(container, reference)
            return cls(file_id=file_id, is_folder=file_id in _ROOTS)
        container, file_id = _id(container, reference), rest.removesuffix("/")
        if not file_id:
            return cls(container, is_folder=True)
        is_folder = rest.endswith("/") or file_id in _ROOTS
        return cls(container, _id(file_id, reference), is_folder=is_folder)


def same_name(name: str) -> str:
    """Return `name` in the form that names are compared in: composed, and without slashes."""
    return unicodedata.normalize("NFC", name).replace("/", "_")


def is_id(text: str) -> bool:
    """Return whether `text` can be an id; the service does not say what its ids look like."""
    return bool(_VISIBLE.fullmatch(text)) and "/" not in text


def is_cursor(text: str) -> bool:
    """Return whether `text` can be a page's cursor."""
    return bool(_CURSOR.fullmatch(text))


def _id(text: str, reference: Reference) -> str:
    if not is_id(text):
        raise InvalidURI(f"{reference.shown}: a part of it is no id.", hint=_HOW)
    return text


def _check_options(reference: Reference) -> None:
    for name, value in reference.options.items():
        form = _OPTIONS.get(name)
        if form is None:
            raise InvalidURI(f"{reference.shown}: KooDrive has no option {name!r}.", hint="Leave it out.")
        if not form.fullmatch(value):
            raise InvalidURI(f"{reference.shown}: the option {name!r} has no such value.", hint="Correct it.")
