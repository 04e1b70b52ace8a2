"""Links that die: by age, by use, or on command."""

import secrets
import threading
import time
from typing import Final

import attrs

from downspout.testing._answer import Answer
from downspout.testing._message import Request

PARAMETER: Final = "signature"
"""Name of the query parameter that makes a URL a link."""


@attrs.define
class IssuedLink:
    """A link and what is left of it.

    Attributes:
        path: The document's path.
        token: What the URL carries.
        dies_at: `time.monotonic()` at which it is dead; None: never by age.
        uses_left: Requests that it still serves; None: any number.
        refusal: The answer once it is dead.
        methods: The methods that it serves; another one is refused.
        refuses_credentials: Whether a request with an Authorization field is refused (400), as object stores do.
        uses: Requests that came with it, refused ones included.
    """

    path: str
    token: str
    dies_at: float | None
    uses_left: int | None
    refusal: Answer
    methods: tuple[str, ...]
    refuses_credentials: bool
    uses: int = 0

    def use(self, request: Request) -> Answer | None:
        """Count a request; give the refusal, or None where it is served."""
        self.uses += 1
        if self.refuses_credentials and "authorization" in request.headers:
            return Answer(400, b"only one authorization is allowed\n")
        if request.method not in self.methods:
            return self.refusal
        if self.uses_left == 0 or (self.dies_at is not None and time.monotonic() >= self.dies_at):
            return self.refusal
        if self.uses_left is not None:
            self.uses_left -= 1
        return None


class LinkBook:
    """The links that a server issued."""

    def __init__(self) -> None:
        self._links: dict[str, IssuedLink] = {}
        self._lock = threading.Lock()

    def add(
        self,
        path: str,
        *,
        life: float | None,
        uses: int | None,
        refusal: Answer,
        methods: tuple[str, ...],
        refuses_credentials: bool,
    ) -> IssuedLink:
        """Issue a link; the arguments are those of `LyingServer.link`."""
        dies_at = None if life is None else time.monotonic() + life
        token = secrets.token_hex(16)
        link = IssuedLink(path, token, dies_at, uses, refusal, methods, refuses_credentials)
        with self._lock:
            self._links[token] = link
        return link

    def kill(self, path: str | None) -> int:
        """Let links die; those of one document, or all. Tell how many lived."""
        with self._lock:
            alive = [link for link in self._links.values() if link.uses_left != 0 and path in (None, link.path)]
            for link in alive:
                link.uses_left = 0
        return len(alive)

    def uses_of(self, token: str) -> int:
        """Tell how many requests came with a link."""
        return self._links[token].uses

    def refusal(self, request: Request, links_only: bool) -> Answer | None:
        """Say what a request is refused with, or None where it is served.

        Args:
            request: The request.
            links_only: Whether a request without a link is refused.
        """
        if not self._links and not links_only:
            return None
        token = request.params.get(PARAMETER)
        if token is None:
            return Answer(403, b"not without a link\n") if links_only else None
        with self._lock:
            link = self._links.get(token)
            if link is None or link.path != request.path:
                return Answer(403, b"no such link\n")
            return link.use(request)
