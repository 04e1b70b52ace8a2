"""An extension that sees every hook call of a client."""

import threading
from collections.abc import Generator
from typing import Any

from downspout._models import Account, Credential, Link, Reference
from downspout.hookspecs import hookimpl

Wrapping = Generator[None, Any, Any]


class Spy:
    """Counts hook calls, and keeps what goes in and comes out.

    Attributes:
        asked: the references of each `resolve_link`.
        opened: link and start of each `open_stream`.
        refused: what each `authenticate` was told to be refused.
        credentials: what `authenticate` answered.
    """

    name = "contract"

    def __init__(self) -> None:
        self.asked: list[tuple[Reference, ...]] = []
        self.opened: list[tuple[Link, int]] = []
        self.refused: list[Credential | None] = []
        self.credentials: list[Credential] = []
        self._opening = 0
        self._lock = threading.Lock()

    @property
    def is_opening(self) -> bool:
        """Whether an `open_stream` is under way."""
        return self._opening > 0

    @hookimpl(wrapper=True)
    def authenticate(self, account: Account, refused: Credential | None) -> Wrapping:  # noqa: ARG002
        """See who is asking."""
        self.refused.append(refused)
        answer = yield
        self.credentials += [answer] if isinstance(answer, Credential) else []
        return answer

    @hookimpl(wrapper=True)
    def resolve_link(self, account: Account, references: tuple[Reference, ...]) -> Wrapping:  # noqa: ARG002
        """See what is asked for."""
        self.asked.append(tuple(references))
        return (yield)

    @hookimpl(wrapper=True)
    def open_stream(self, account: Account, link: Link, start: int) -> Wrapping:  # noqa: ARG002
        """See what is opened."""
        with self._lock:
            self._opening += 1
        self.opened.append((link, start))
        try:
            return (yield)
        finally:
            with self._lock:
                self._opening -= 1
