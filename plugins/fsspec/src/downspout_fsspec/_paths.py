"""Paths of the file system: URIs of downspout, written so that a path below a folder is one again."""

import re

PROTOCOL = "downspout"
_URL = re.compile(r"(?i)(?:[a-z][a-z0-9+.-]+:)?https?://")
_OPTIONS = re.compile(r"\?[^/=?*\[]+=")
_SPECIAL = re.compile(r"[%?#*\[\]]|:(?=:)")


def strip(path: str) -> str:
    """Return the URI that `path` writes, with or without its protocol.

    A final slash goes, because fsspec has folders without one; it stays where nothing else names the folder
    (`ACCOUNT:/`). URLs taken whole, and URIs with options, are left alone.
    """
    for lead in (f"{PROTOCOL}://", f"{PROTOCOL}::"):
        path = path.removeprefix(lead)
    if is_url(path) or has_options(path):
        return path
    bare = path.rstrip("/")
    return f"{bare}/" if bare.endswith(":") and bare != path else bare


def is_url(path: str) -> bool:
    """Return whether a path is a whole `https:` URL, perhaps behind an account's name."""
    return _URL.match(path) is not None


def has_options(path: str) -> bool:
    """Return whether a path carries options (`?version=2`); a `?` that begins none is a wildcard."""
    return _OPTIONS.search(path) is not None


def has_wildcard(path: str) -> bool:
    """Return whether a path is a pattern."""
    if is_url(path):
        return False
    return any(mark in path for mark in "*[") or ("?" in path and not has_options(path))


def join(folder: str, name: str) -> str:
    """Return the path of an entry of a folder; what would mean something else in a URI or a pattern is escaped."""
    return f"{folder.rstrip('/')}/{_SPECIAL.sub(lambda mark: f'%{ord(mark[0]):02X}', name)}"


def parent(path: str) -> str | None:
    """Return the path of the folder that a path lies in, or `None` if it does not say."""
    if is_url(path):
        return None
    folder, slash, _ = path.rstrip("/").rpartition("/")
    if not slash:
        return None
    return f"{folder}/" if folder.endswith(":") else folder


def folder_uri(path: str) -> str:
    """Return the URI of a path as a folder's."""
    return path if path.endswith("/") or is_url(path) or has_options(path) else f"{path}/"
