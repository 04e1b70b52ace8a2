"""A server that lies: HTTP/1.1 on loopback, honest unless a script says otherwise.

It serves documents (with ranges, validators, and links that die), answers by functions, and takes a `Fault` for
each request from a script, so that a test says in one line how the far side misbehaves:

    with LyingServer() as server:
        server.documents["/report.pdf"] = Document(b"…" * 5000, name="report.pdf")
        server.script("/report.pdf", [Cut(100, "reset"), Throttle("2"), ETag('"v2"')])
        ...  # the first request breaks after 100 bytes, the second is told to wait, the third meets a new version
        assert [request.headers.get("range") for request in server.requests] == [None, "bytes=100-", "bytes=100-"]

Nothing is faked on the client's side: the bytes go through real sockets, and `requests` has what the client sent.
"""

import functools
import time
from collections.abc import Callable, Iterable, Sequence
from email.utils import formatdate
from typing import TypeAlias, TypeVar

import attrs

from downspout.testing._answer import Answer
from downspout.testing._connection import Connection
from downspout.testing._document import Document, answer_for
from downspout.testing._fault import Fault, Together
from downspout.testing._links import PARAMETER, LinkBook
from downspout.testing._listener import WhenFull
from downspout.testing._message import BadRequest, Request
from downspout.testing._proxy import LyingProxy
from downspout.testing._routes import Handler, Routes, answer_of
from downspout.testing._script import Script
from downspout.testing._wire import send_answer
from downspout.testing._witness import Witness

__all__ = ["FakeService", "LyingProxy", "LyingServer", "ScriptEntry"]

ScriptEntry: TypeAlias = Fault | Sequence[Fault] | None
"""What happens to one request: a lie, several at once, or nothing."""

AnyHandler = TypeVar("AnyHandler", bound=Handler)


@functools.lru_cache(maxsize=2)
def _date(second: int) -> tuple[str, str]:
    return "Date", formatdate(second, usegmt=True)


def as_fault(entry: ScriptEntry) -> Fault | None:
    """Make one fault, or None, of a script's entry."""
    return entry if entry is None or isinstance(entry, Fault) else Together(entry)


class LyingServer(Witness):
    """An HTTP/1.1 server on loopback that is honest unless a script says otherwise. A context manager.

    All its threads are daemons and end with the block; several servers may run at once, each an origin of its own.
    What a handler or a fault of your own raises is raised again at the end of the block.

    Args:
        tls: Whether it speaks TLS, with a certificate that `ca_file` vouches for.
        host: The loopback address to listen at.
        names: Further host names that the certificate is for.
        rate: Bytes per second that each connection gets; None: as fast as it goes.
        latency: Seconds before each answer.
        max_connections: Connections served at once; None: any number.
        when_full: What one more gets: the answer `503`, a `close` by reset, or to `wait` until one ends.

    Attributes:
        documents: The documents by their path (percent-decoded). Add, replace, remove as you like while it runs.
        errors: What handlers and faults raised.
        connections_seen: Connections accepted so far.
        failed_handshakes: TLS handshakes that came to nothing, the client not trusting the certificate, say.

    Example:
        >>> import urllib.request
        >>> with LyingServer() as server:
        ...     server.documents["/a"] = Document(b"hello")
        ...     with urllib.request.urlopen(server.url("/a")) as response:
        ...         print(response.read(), server.requests[0].method)
        b'hello' GET
    """

    def __init__(
        self,
        tls: bool = False,
        *,
        host: str = "127.0.0.1",
        names: Sequence[str] = (),
        rate: float | None = None,
        latency: float = 0.0,
        max_connections: int | None = None,
        when_full: WhenFull = "503",
    ) -> None:
        super().__init__(
            tls, host=host, names=names, rate=rate, max_connections=max_connections, when_full=when_full
        )
        self.latency = latency
        self.documents: dict[str, Document] = {}
        self._routes = Routes()
        self._links = LinkBook()
        self._scripts: dict[str, Script[Fault]] = {}

    # -- what it serves --

    def route(self, path: str, target: Handler | Document, *, methods: Iterable[str] | None = None) -> None:
        """Say what is at a path.

        Args:
            path: The path. For a function, `{name}` stands for one segment and `*` at the end for anything.
            target: A document, or a function that is called with the `Request` and, by name, what the placeholders
                matched, and gives an `Answer`, a `Document`, JSON as mapping or list, bytes, text, or None (204).
            methods: The methods that the function answers; None: all.
        """
        if isinstance(target, Document):
            self.documents[path] = target
        else:
            self._routes.add(path, target, None if methods is None else tuple(methods))

    def link(
        self,
        path: str,
        *,
        life: float | None = None,
        uses: int | None = None,
        status: int = 403,
        body: bytes = b"link expired\n",
        methods: Sequence[str] = ("GET", "HEAD"),
        refuses_credentials: bool = False,
    ) -> str:
        """Issue a link to a document.

        Args:
            path: The document's path. `Document.links_only` makes the document reachable by links alone.
            life: Seconds until it dies; None: it does not age.
            uses: Requests that it serves, HEAD included; None: any number.
            status: Status of the answer once it is dead.
            body: Body of that answer.
            methods: Methods that it serves; another is refused as if it were dead.
            refuses_credentials: Whether an Authorization field is answered 400, as object stores do.

        Returns:
            The URL, with a secret in its query.
        """
        link = self._links.add(
            path,
            life=life,
            uses=uses,
            refusal=Answer(status, body, {"Content-Type": "text/plain"}),
            methods=tuple(methods),
            refuses_credentials=refuses_credentials,
        )
        return self.url(f"{path}?{PARAMETER}={link.token}")

    def kill_links(self, path: str | None = None) -> int:
        """Let links die at once.

        Args:
            path: Those of this document; None: all.

        Returns:
            How many lived until then.
        """
        return self._links.kill(path)

    def link_uses(self, url: str) -> int:
        """Tell how many requests came with a link, refused ones included.

        Raises:
            KeyError: No such link was issued.
        """
        return self._links.uses_of(url.rpartition(f"{PARAMETER}=")[2])

    # -- how it lies --

    def script(self, path: str, entries: Sequence[ScriptEntry], *, repeat_last: bool = False) -> None:
        """Say what happens to the requests for a path from now on, one entry each.

        Args:
            path: The path, whatever the query; `*`: every path that has no script of its own.
            entries: A fault, several at once, or None for an honest answer.
            repeat_last: Whether the last entry holds for all further requests; otherwise they are honest.
        """
        self._scripts[path] = Script([as_fault(entry) for entry in entries], repeat_last)

    # -- serving --

    def serve(self, connection: Connection) -> None:
        """Answer the requests of one connection."""
        try:
            while (request := connection.read_request()) is not None:
                if not self._exchange(connection, request):
                    return
        except BadRequest as exc:
            send_answer(connection, Answer(400, f"{exc}\n".encode()), bodiless=False, close=True)

    def _exchange(self, connection: Connection, request: Request) -> bool:
        self.record(request)
        if connection.excess:
            send_answer(connection, Answer(503, b"too many connections\n"), bodiless=False, close=True)
            return False
        answer = self._answer(request)
        connection.pause(self.latency)
        return send_answer(connection, answer, bodiless=request.method == "HEAD", close=request.wants_close)

    def _answer(self, request: Request) -> Answer:
        script = self._scripts.get(request.path) or self._scripts.get("*")
        fault = None if script is None else script.next()
        if fault is None:
            return self._honest(request)[0]
        fault._prepare(self, request)
        answer, document = self._honest(request)
        answer = fault._change(attrs.evolve(answer, request=request, document=document))
        fault._conclude(self, request)
        return answer

    def _honest(self, request: Request) -> tuple[Answer, Document | None]:
        document = self.documents.get(request.path)
        answer = self._links.refusal(request, document is not None and document.links_only)
        if answer is None and document is not None:
            answer = answer_for(document, request)
        if answer is None:
            answer, document = self._routed(request)
        return attrs.evolve(answer, headers=(_date(int(time.time())), *answer.headers)), document

    def _routed(self, request: Request) -> tuple[Answer, Document | None]:
        try:
            reply = self._routes.reply(request)
            return answer_of(reply, request), reply if isinstance(reply, Document) else None
        except Exception as exc:
            self.errors.append(exc)
            return Answer(500, f"the handler raised {type(exc).__name__}\n".encode(), close=True), None


class FakeService(LyingServer):
    """A web service in a few lines, for the tests of a provider. It can do, and lie, whatever `LyingServer` can.

    Example:
        >>> service = FakeService()
        >>> @service.post("/resolve")
        ... def resolve(request):
        ...     return {"url": service.link("/files/1", life=60)}
        >>> @service.get("/users/{user}")
        ... def user(request, user):
        ...     return {"name": user} if user == "jo" else Answer.json({"error": "unknown"}, 404)
        >>> service.documents["/files/1"] = Document(b"hello", links_only=True)
        >>> with service:
        ...     pass  # point the provider's `endpoint` at service.origin
    """

    def on(self, path: str, *methods: str) -> Callable[[AnyHandler], AnyHandler]:
        """Let the decorated function answer to a path and these methods (none: all). See `LyingServer.route`."""

        def register(handler: AnyHandler) -> AnyHandler:
            self.route(path, handler, methods=methods or None)
            return handler

        return register

    def get(self, path: str) -> Callable[[AnyHandler], AnyHandler]:
        """Let the decorated function answer to GET and HEAD."""
        return self.on(path, "GET", "HEAD")

    def post(self, path: str) -> Callable[[AnyHandler], AnyHandler]:
        """Let the decorated function answer to POST."""
        return self.on(path, "POST")

    def put(self, path: str) -> Callable[[AnyHandler], AnyHandler]:
        """Let the decorated function answer to PUT."""
        return self.on(path, "PUT")

    def delete(self, path: str) -> Callable[[AnyHandler], AnyHandler]:
        """Let the decorated function answer to DELETE."""
        return self.on(path, "DELETE")
