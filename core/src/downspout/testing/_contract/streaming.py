"""The rules about bytes."""

import hashlib
import io
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from downspout._models import Link, Reference, Stream
from downspout.errors import DownspoutError
from downspout.testing._answer import Answer
from downspout.testing._contract.bench import Bench
from downspout.testing._contract.rules import Breach, Note, NotTried, service, told
from downspout.testing._contract.spy import Spy
from downspout.testing._message import Request

_MOST_READ = 4 << 20


def read(stream: Stream, limit: int = _MOST_READ) -> bytes:
    """Return what a stream gives, at most `limit` bytes of it."""
    content, buffer = bytearray(), bytearray(1 << 16)
    while len(content) < limit and (count := stream.readinto(buffer)):
        content += buffer[:count]
    return bytes(content)


@service(
    "brings-it-down",
    "A document comes down whole, with the size that its link says.",
    "Return the link of the very document, and in size the bytes that come, or None if nobody knows.",
)
def brings_it_down(bench: Bench) -> Iterator[str]:
    """Download as the command does."""
    with bench.client() as (client, _), tempfile.TemporaryDirectory() as folder:
        try:
            result = client.download(bench.document, folder, compute_hash=True, connections=1)
        except DownspoutError as exc:
            raise Breach(f"the download fails: {told(exc)}") from exc
        content = (result.path or Path()).read_bytes()
    wanted = bench.case.content
    if wanted is not None and content != wanted:
        yield f"{len(content)} bytes came, which are not the document's {len(wanted)}"
    if result.verified == "none":
        yield Note("Nothing vouches for the bytes: the service tells neither size nor digest.")


@service(
    "says-where-it-starts",
    "A stream says where it starts, and gives the document's bytes from there.",
    "Open with http.open, or set start, stop and size of your Stream to what really comes; "
    "ignoring a range is fine.",
)
def says_where_it_starts(bench: Bench) -> Iterator[str]:
    """Open at several places, with a right and a wrong validator."""
    link = bench.link()
    whole = bench.open(link)
    etag, size = whole.etag, whole.size
    content = read(whole)
    whole.close()
    if len(content) >= _MOST_READ:
        raise NotTried("The `document` is larger than 4 MiB; give a small one.")
    if size is not None and size != len(content):
        yield f"size is {size}, and {len(content)} bytes come"
    end = len(content)
    places = [(0, None), (1, None), (0, 1), (1, 3), (end // 2, end // 2 + 2), (max(0, end - 1), None), (-2, None)]
    for start, stop in places:
        for validator in dict.fromkeys((None, etag, '"no-such-version"')):
            yield from _at(bench, content, start, stop, validator)


def _at(bench: Bench, content: bytes, start: int, stop: int | None, etag: str | None) -> Iterator[str]:
    link = bench.link()  # a new one: some serve a single request
    where = f"bytes {start} to {'the end' if stop is None else stop}"
    stream = bench.open(link, start, stop, etag)
    try:
        begin, given = stream.start, read(stream)
    finally:
        stream.close()
        stream.close()  # twice does no harm
    if begin is None or stream.unsatisfied:
        return
    if begin < 0 or given != content[begin : begin + len(given)]:
        yield f"asked for {where}: what comes does not start at {begin}"
        return
    first = max(0, len(content) + start) if start < 0 else start
    last = len(content) if stop is None else stop
    if begin > first or begin + len(given) < last:
        yield f"asked for {where}: {len(given)} bytes come from {begin} on"


@service(
    "goes-on",
    "A download that breaks off goes on, and ends with the right bytes.",
    "Let http.open ask for the range, and raise nothing of your own over an interruption.",
)
def goes_on(bench: Bench) -> Iterator[str]:
    """Break the connection in the middle of the bytes, once."""
    uri = bench.reference(bench.case.large or bench.document)
    wanted = sha256(bench, uri)
    cut = _CutOnce()
    yield from _comes_down(bench, uri, wanted, cut)
    if not cut.done:
        raise NotTried("The document was too small to break off, or came without passing the relay.")


@service(
    "outlives-its-link",
    "When its link dies half-way, a new one is asked for and the download goes on.",
    "Raise LinkRefused from open_stream for a dead link (http.open does for 400, 401, 403, "
    "404, 410), however the service says it.",
)
def outlives_its_link(bench: Bench) -> Iterator[str]:
    """Break the connection, let the link die, and see that another is asked for."""
    uri = bench.reference(bench.case.large or bench.document)
    wanted = sha256(bench, uri)
    asked: list[int] = []
    cut = _CutOnce(lambda: bench.case.expire_link() is not NotImplemented)
    yield from _comes_down(bench, uri, wanted, cut, asked)
    if not cut.done:
        raise NotTried("The document was too small to break off, or came without passing the relay.")
    if asked and asked[0] < 2:
        yield "its link died, and no new one was asked for"


class _CutOnce:
    """Breaks the first answer with a document's bytes in the middle.

    Args:
        expire: lets the link die for real; returns whether it can. Otherwise it is refused from then on.
    """

    def __init__(self, expire: Callable[[], bool] | None = None) -> None:
        self.expire = expire
        self.spy: Spy | None = None
        self.done = False
        self._dead: str | None = None

    def __call__(self, request: Request, honest: Callable[[], Answer]) -> Answer:
        if request.target == self._dead:
            return Answer(403, b"The link has expired.\n", {"Content-Type": "text/plain"})
        answer = honest()
        if self.done or self.spy is None or not self.spy.is_opening:
            return answer
        if answer.status not in {200, 206} or answer.length < 4:
            return answer
        self.done = True
        if self.expire is not None and not self.expire():
            self._dead = request.target
        return answer.with_wire(cut_after=answer.length // 2)


def _comes_down(
    bench: Bench, uri: Reference, wanted: str, cut: _CutOnce, asked: list[int] | None = None
) -> Iterator[str]:
    with bench.client() as (client, spy), tempfile.TemporaryDirectory() as folder, bench.relay.lying(cut):
        cut.spy = spy
        try:
            result = client.download(uri, folder, compute_hash=True, connections=1)
        except DownspoutError as exc:
            yield f"the download fails: {told(exc)}"
            return
        if asked is not None:
            asked.append(len(spy.asked))
        if result.sha256 != wanted:
            yield "other bytes came than without an interruption"


def sha256(bench: Bench, uri: Reference) -> str:
    """Return the digest of a document that comes down undisturbed."""
    with bench.client() as (client, _), client.open(uri) as file:
        return hashlib.file_digest(_Unbuffered(file), "sha256").hexdigest()


class _Unbuffered(io.RawIOBase):
    """What `hashlib.file_digest` reads from: it knows a file by its `readinto`."""

    def __init__(self, file: io.BufferedReader) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        return self._file.readinto(buffer)  # type: ignore[arg-type]


@service(
    "opens-what-it-resolves",
    "Every link that it gives can be opened, by its own hook or by the core's.",
    "Give http or https URLs, or implement open_stream for the scheme that you use.",
)
def opens_what_it_resolves(bench: Bench) -> Iterator[str]:
    """Open each document that was given, once."""
    for uri in (bench.document, *bench.case.documents):
        link: Link = bench.link(uri)
        try:
            stream = bench.open(link)
        except DownspoutError as exc:
            raise Breach(f"{uri} cannot be opened: {told(exc)}") from exc
        if not read(stream, 1) and link.size:
            yield f"{uri} gives no bytes"
        stream.close()
