"""Failures as programs that know files expect them."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from downspout.errors import AuthenticationError, DownspoutError, InvalidURI, NotFound, PermissionDenied


@contextmanager
def as_os_errors(path: str) -> Iterator[None]:
    """Raise `OSError`s for what downspout raises inside; the cause stays attached. `InvalidURI` stays itself."""
    try:
        yield
    except InvalidURI:
        raise
    except DownspoutError as exc:
        raise _os_error(exc, path) from exc


def _os_error(error: DownspoutError, path: str) -> OSError:
    text = f"{error.message} {error.hint}" if error.hint else error.message
    if isinstance(error, NotFound):
        return FileNotFoundError(errno.ENOENT, text, path)
    if isinstance(error, PermissionDenied | AuthenticationError):
        return PermissionError(errno.EACCES, text, path)
    return OSError(errno.EIO, text, path)


def is_read_only(path: object) -> OSError:
    """Return the error for an attempt to change something at `path`."""
    return OSError(errno.EROFS, "Documents are brought down, never changed.", str(path))
