"""The file system: paths are URIs of downspout, files are documents, and nothing is ever changed."""

import errno
import io
import os
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from typing import IO, Any, NoReturn, Protocol, cast

from fsspec.callbacks import DEFAULT_CALLBACK  # type: ignore[import-untyped]
from fsspec.spec import AbstractFileSystem  # type: ignore[import-untyped]
from fsspec.utils import isfilelike, stringify_path  # type: ignore[import-untyped]

from downspout import Client, Link, Progress, Reference
from downspout.errors import InvalidURI, NotFound
from downspout_fsspec import _paths
from downspout_fsspec._clients import ClientSource, MakeClient
from downspout_fsspec._errors import as_os_errors, is_read_only
from downspout_fsspec._file import DownspoutFile, read_range
from downspout_fsspec._tree import Tree

_LISTING_SECONDS = 60


class Document(Protocol):
    """What `Client.open` gives."""

    @property
    def raw(self) -> io.RawIOBase: ...
    @property
    def size(self) -> int | None: ...
    @property
    def version(self) -> str | None: ...
    def read(self, size: int = -1, /) -> bytes: ...
    def close(self) -> None: ...


class DownspoutFileSystem(AbstractFileSystem):  # type: ignore[misc]
    """Documents of clouds: `downspout://ACCOUNT:DOCUMENT`, read only.

    fsspec keeps instances and gives the same one for the same options in the same thread. Pickled, it carries its
    options and no secret; the other process makes a client of its own.

    Args:
        client: a `downspout.Client` (yours to close; such a file system cannot be pickled), or a function that
            makes one, found by its name in other processes. `None`: a client that knows what the command knows.
        block_size: bytes that files ask for at a time if `open` is not told otherwise.
        use_listings_cache: whether folders' listings are kept.
        listings_expiry_time: for how many seconds.
        options: without a `client`: settings of `Client.from_user_config` (`timeout`, `retries`, …).
    """

    protocol = _paths.PROTOCOL
    blocksize = 4 * 2**20
    sep = "/"

    def __init__(
        self,
        *,
        client: Client | MakeClient | None = None,
        block_size: int | None = None,
        use_listings_cache: bool = True,
        listings_expiry_time: float | None = _LISTING_SECONDS,
        max_paths: int | None = None,
        **options: Any,
    ) -> None:
        super().__init__(
            use_listings_cache=use_listings_cache,
            listings_expiry_time=listings_expiry_time,
            max_paths=max_paths,
        )
        if block_size is not None:
            self.blocksize = block_size
        self._source = ClientSource(client, options)
        self._tree = Tree(self._source, self.dircache)

    @property
    def client(self) -> Client:
        """The client that asks."""
        return self._source()

    @property
    def fsid(self) -> str:
        """The same for everybody: which documents there are depends on who asks."""
        return _paths.PROTOCOL

    def close(self) -> None:
        """Close the client, if it was made here; used again, the file system makes another."""
        self._source.close()

    # Names.

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        if isinstance(path, list):
            return [cls._strip_protocol(each) for each in path]
        return _paths.strip(stringify_path(path))

    @classmethod
    def _parent(cls, path: Any) -> str:
        return _paths.parent(cls._strip_protocol(path)) or cls.root_marker

    # What is there.

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        """Return `name`, `size` (bytes, or `None` if nobody says), `type`, and `version` and `mtime` if known.

        Raises:
            FileNotFoundError: it names nothing.
            PermissionError: the service does not let us.
            OSError: the service does not say.
            InvalidURI: it is no URI.
        """
        path = self._strip_protocol(path)
        with as_os_errors(path):
            return self._tree.sized(self._tree.entry(path)).info()

    def exists(self, path: str, **_: Any) -> bool:
        """Return whether there is something at `path`; a service that does not say is an `OSError`."""
        try:
            self.info(path)
        except (FileNotFoundError, InvalidURI):
            return False
        return True

    def isdir(self, path: str) -> bool:
        """Return whether a folder is at `path`."""
        path = self._strip_protocol(path)
        try:
            with as_os_errors(path):
                return self._tree.entry(path).is_folder
        except (OSError, InvalidURI):
            return False

    def ls(self, path: str, detail: bool = True, refresh: bool = False, **_: Any) -> list[Any]:
        """Return what a folder holds, as `info` would (without asking for sizes), or the names alone.

        Raises:
            OSError: as `info`.
        """
        path = self._strip_protocol(path)
        if refresh:
            self.invalidate_cache(path)
        with as_os_errors(path):
            entries = self._tree.entries(path)
        return [entry.info() if detail else entry.path for entry in entries]

    def invalidate_cache(self, path: str | None = None) -> None:
        """Forget the listing of a folder, or all of them."""
        if path is None:
            self.dircache.clear()
        else:
            self.dircache.pop(self._strip_protocol(path), None)
        super().invalidate_cache(path)

    def glob(self, path: str, maxdepth: int | None = None, **options: Any) -> Any:
        """See fsspec. A `?` that begins options is no wildcard."""
        path = stringify_path(path)
        if _paths.has_wildcard(path):
            return super().glob(path, maxdepth, **options)
        plain = self._strip_protocol(path)
        found = [plain] if self.exists(plain) else []
        return {each: self.info(each) for each in found} if options.get("detail") else found

    def modified(self, path: str) -> datetime:
        """Return when a document last changed.

        Raises:
            NotImplementedError: the service does not say.
        """
        with as_os_errors(path):
            outcome = self.client.resolve(self._reference(self._strip_protocol(path)))
        if not isinstance(outcome, Link) or outcome.modified_at is None:
            raise NotImplementedError("The service does not say when it was changed.")
        return outcome.modified_at

    def sign(self, path: str, *_: Any, **__: Any) -> str:
        """Return the URL where the document is now; how long it lives is the service's choice.

        Raises:
            NotImplementedError: the URL is of no use without the account's credential.
        """
        with as_os_errors(path):
            outcome = self.client.resolve(self._reference(self._strip_protocol(path)))
            if not isinstance(outcome, Link) or self.client.needs_credential(outcome):
                raise NotImplementedError("There is no URL that anybody could use.")
        return outcome.url

    # What is in it.

    def _open(
        self,
        path: str,
        mode: str = "rb",
        block_size: int | None = None,
        autocommit: bool = True,  # noqa: ARG002 - nothing is written
        cache_options: dict[str, Any] | None = None,
        cache_type: str = "readahead",
        **_: Any,
    ) -> Any:
        """Return an open document; one to read in order with `block_size=0`, or if nobody says how long it is."""
        if mode != "rb":
            raise is_read_only(path)
        size = self.blocksize if block_size is None else block_size
        with as_os_errors(path):
            document = self._document(path, exact=size > 0)
        if not size:
            return document
        if document.size is None:
            document.close()
            return self._document(path, exact=False)
        options = {"block_size": size, "cache_type": cache_type, "cache_options": cache_options}
        return DownspoutFile(self, path, document, document.size, **options)

    def _document(self, path: str, *, exact: bool) -> Document:
        """Open a document: the one that a listing names, the path itself, or its folder's entry of that name."""
        known = self._tree.known(path)
        try:
            return cast("Document", self.client.open(known or path, exact=exact))
        except (NotFound, InvalidURI):
            if known is not None:
                raise
        return cast("Document", self.client.open(self._reference(path), exact=exact))

    def _reference(self, path: str) -> Reference:
        known = self._tree.known(path)
        if known is not None:
            return known
        entry = self._tree.entry(path)
        if entry.is_folder:
            raise IsADirectoryError(errno.EISDIR, "It is a folder.", path)
        return entry.reference

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **_: Any) -> bytes:
        """Return bytes of a document: from `start` up to `end`, as in a slice, asking for these alone."""
        path = self._strip_protocol(path)
        exact = start is not None or end is not None
        with as_os_errors(path), closing(self._document(path, exact=exact)) as document:
            return _slice(document, start, end)

    def cat_ranges(
        self,
        paths: list[str],
        starts: int | Sequence[int | None] | None,
        ends: int | Sequence[int | None] | None,
        *_: Any,
        on_error: str = "return",
        **__: Any,
    ) -> list[Any]:
        """Return a range of each path; a document that is named several times is opened once.

        Args:
            paths: the documents.
            starts: one for each, or one for all.
            ends: likewise.
            on_error: `return`: the error stands in the place of the bytes; else the first is raised.
        """
        if not isinstance(paths, list):
            raise TypeError("The paths must be a list.")
        first = list(starts) if isinstance(starts, Sequence) else [starts] * len(paths)
        last = list(ends) if isinstance(ends, Sequence) else [ends] * len(paths)
        if not len(paths) == len(first) == len(last):
            raise ValueError("There must be as many starts and ends as paths.")
        names = [self._strip_protocol(path) for path in paths]
        found: dict[int, Any] = {}
        for name in dict.fromkeys(names):
            places = [place for place, other in enumerate(names) if other == name]
            found.update(zip(places, self._ranges(name, [(first[i], last[i]) for i in places]), strict=True))
        errors = [found[place] for place in sorted(found) if isinstance(found[place], Exception)]
        if errors and on_error != "return":
            raise errors[0]
        return [found[place] for place in range(len(paths))]

    def _ranges(self, path: str, ranges: list[tuple[int | None, int | None]]) -> list[bytes | Exception]:
        found: list[bytes | Exception] = []
        document: Document | None = None
        try:
            for start, end in ranges:
                try:
                    with as_os_errors(path):
                        document = document or self._document(path, exact=True)
                        found.append(_slice(document, start, end))
                except (OSError, InvalidURI) as exc:
                    found.append(exc)
        finally:
            if document is not None:
                document.close()
        return found

    def get_file(
        self, rpath: str, lpath: Any = None, callback: Any = DEFAULT_CALLBACK, outfile: Any = None, **_: Any
    ) -> None:
        """Bring a document down to a file: whole, verified, resumed where an earlier call was interrupted."""
        path = self._strip_protocol(rpath)
        if outfile is not None or isfilelike(lpath):
            self._copy(path, lpath if outfile is None else outfile, callback)
            return
        target = os.fspath(lpath)
        if self.isdir(path):
            os.makedirs(target, exist_ok=True)
            return
        os.makedirs(os.path.dirname(target) or ".", exist_ok=True)

        def progress(event: Progress) -> None:
            callback.set_size(event.size)
            callback.absolute_update(event.done)

        with as_os_errors(path):
            self.client.download(self._reference(path), target, exists="overwrite", progress=progress)

    def _copy(self, path: str, target: IO[bytes], callback: Any) -> None:
        with as_os_errors(path), closing(self._document(path, exact=False)) as document:
            callback.set_size(document.size)
            while block := document.read(self.blocksize):
                target.write(block)
                callback.relative_update(len(block))

    # What cannot be done.

    def _refuse(self, path: Any = "", *_: Any, **__: Any) -> NoReturn:
        raise is_read_only(path)

    mkdir = makedirs = rmdir = rm = rm_file = _rm = touch = pipe_file = put_file = cp_file = mv = _refuse


def _slice(document: Document, start: int | None, end: int | None) -> bytes:
    size = document.size
    if size is None:
        if end is None or min(start or 0, end) < 0:
            return document.raw.readall()[start:end]
        return read_range(document, start or 0, end)
    first, last, _ = slice(start, end).indices(size)
    return read_range(document, first, last)
