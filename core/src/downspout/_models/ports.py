"""What the core and its plugins, or its applications, hold between them."""

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeVar, overload, runtime_checkable

from downspout._models.values import Credential
from downspout.errors import DownspoutError

T = TypeVar("T")


class Headers(Mapping[str, str]):
    """Header fields of an answer: names without regard to case, repeated fields kept apart."""

    __slots__ = ("_fields",)

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None:
        given = [(name.lower(), value) for name, value in fields]
        self._fields: dict[str, tuple[str, ...]] = {name: (value,) for name, value in given}
        if len(self._fields) < len(given):
            self._fields = {name: tuple(v for n, v in given if n == name) for name in self._fields}

    def __getitem__(self, name: str) -> str:
        return ", ".join(self._fields[name.lower()])

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    @overload
    def get(self, name: str, default: None = None, /) -> str | None: ...
    @overload
    def get(self, name: str, default: str | T, /) -> str | T: ...

    def get(self, name: str, default: Any = None, /) -> Any:
        """Return the value of the field `name`, several of them put together, or `default`."""
        values = self._fields.get(name.lower())
        return default if values is None else ", ".join(values)

    def all(self, name: str) -> Sequence[str]:
        """Return every value of the field `name`, in the order they came; none is an empty sequence."""
        return self._fields.get(name.lower(), ())


class Response(Protocol):
    """A whole answer, read and bounded: at most 16 MiB, at most 64 levels of JSON."""

    @property
    def status(self) -> int:
        """The status code; redirects were followed, or refused, already."""

    @property
    def headers(self) -> Headers:
        """The header fields."""

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx."""

    def text(self) -> str:
        """Return the body as text (UTF-8; what is not is replaced)."""

    @overload
    def json(self) -> Any: ...
    @overload
    def json(self, shape: type[T]) -> T: ...

    def json(self, shape: type[T] | None = None) -> Any:
        """Return the body as what its JSON says.

        Args:
            shape: a type to turn it into (an attrs class, `list[…]`, `dict[str, …]`): numbers written as text
                become numbers, unknown fields are ignored.

        Raises:
            ProtocolError: it is no JSON, too deep, or not of that shape; the message names the field.
        """

    def error(self, subject: str) -> DownspoutError:
        """Return what the status means for `subject` (a URI, usually), as an error to raise.

        401 is `AuthenticationError`, 403 `PermissionDenied`, 404 and 410 `NotFound`, 429 `RateLimited`,
        5xx `Unavailable`, everything else `ProtocolError`.
        """


class Stream(ABC):
    """Open bytes of a document, which say where they start.

    A plugin whose service speaks HTTP gets one from `http.open`; another protocol derives its own.

    Attributes:
        start: position in the document of the first byte that `readinto` gives; `None` if it does not say.
        stop: position behind the last byte that was announced, or `None` if nobody knows.
        size: bytes of the *whole document*, or `None`.
        etag: strong validator of these bytes, quotes included, or `None` (a weak one is none).
        version: as in `Link`, where the stream itself tells, or `None`.
        name: a name that the transport gives, as it came, or `None`.
        media_type: `type/subtype`, lower case, or `None`.
        modified_at: when the transport says the document changed (aware), or `None`.
        unsatisfied: whether the asked range lies beyond the end, so that no bytes follow.
        ranges: whether the far side is known to honour ranges.
    """

    start: int | None = 0
    stop: int | None = None
    size: int | None = None
    etag: str | None = None
    version: str | None = None
    name: str | None = None
    media_type: str | None = None
    modified_at: datetime | None = None
    unsatisfied: bool = False
    ranges: bool = False

    @abstractmethod
    def readinto(self, buffer: memoryview | bytearray) -> int:
        """Fill the beginning of `buffer`; return how many bytes, 0 at the end of the document.

        Fewer than the buffer holds is no sign of the end. Returns what has come within a moment rather than
        waiting for more.

        Raises:
            Unavailable: the bytes stopped before their announced end, or for longer than the time limit.
        """

    @abstractmethod
    def close(self) -> None:
        """Let go of the connection; safe to call twice, and from another thread to stop a reader."""


class Http(Protocol):
    """HTTP for one hook call: pooled, bounded, and careful with what identifies the caller.

    Headers that the plugin sets reach the origins of the credential (without a credential: the account's
    endpoints) and no other; elsewhere only `Range`, `If-Range`, `Accept*` and `User-Agent` go.
    """

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        json: object = None,
        form: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Response:
        """Ask, and read the whole answer, whatever its status.

        Args:
            method: `GET`, `POST`, …. Only `GET` and `HEAD` follow redirects to other origins; what others are
                redirected to elsewhere comes back as the 3xx answer it is.
            url: absolute.
            headers: the plugin's own.
            json: sent as JSON (`None`: nothing is).
            form: sent form-encoded.
            body: sent as it is.

        Raises:
            Unavailable: no answer in time, no connection.
            ProtocolError: an answer that is not HTTP, too large, or a redirect that leads nowhere.
            PermissionDenied: an address that the account's rules forbid.
        """

    def open(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        start: int = 0,
        stop: int | None = None,
        etag: str | None = None,
        on_error: Callable[[Response], DownspoutError] | None = None,
    ) -> Stream:
        """Ask for bytes: from `start` up to, not including, `stop`; negative `start`: the last ones.

        Args:
            method: `GET`, usually.
            url: absolute; used byte for byte.
            headers: the plugin's own.
            start: first byte, or minus the number of last bytes (then `stop` is `None`).
            stop: behind the last byte; `None` to the end.
            etag: strong validator for `If-Range`, or `None`.
            on_error: turns an answer that is not 200, 206 or 416 into the error to raise. Without it 400, 401,
                403, 404 and 410 are `LinkRefused`, 429 is `RateLimited`, 5xx `Unavailable`.

        Raises:
            LinkRefused: see `on_error`.
            RateLimited: see `on_error`.
            Unavailable: no answer in time, no connection.
            ProtocolError: an answer that is no document: coded, 2xx without one, a broken redirect.
            PermissionDenied: an address that the account's rules forbid.
        """

    def now(self) -> datetime:
        """Return the service's time (UTC): the local clock, mended by the `Date` it last sent us."""


@runtime_checkable
class Interaction(Protocol):
    """Somebody who can answer: a terminal, a dialog."""

    def ask(self, label: str) -> str:
        """Return a line of text."""

    def secret(self, label: str) -> str:
        """Return a line that is not shown while it is typed."""

    def choose(self, label: str, options: Sequence[str]) -> int:
        """Return the index of the chosen one of `options`."""

    def tell(self, text: str) -> None:
        """Show a line, and go on."""


class CredentialStore(Protocol):
    """Where credentials are kept between runs. Safe to use from several threads and processes."""

    def get(self, account: str) -> Credential | None:
        """Return the stored credential, or `None`.

        Raises:
            ConfigurationError: what is stored is damaged, or readable by others.
        """

    def put(self, account: str, credential: Credential) -> None:
        """Store `credential`, in one step."""

    def delete(self, account: str) -> None:
        """Forget; nothing stored is fine."""

    def lock(self, account: str) -> contextlib.AbstractContextManager[object]:
        """Return a context in which no other thread or process renews this account's credential."""
