"""What a lie is: a value that turns the honest answer into another one."""

from collections.abc import Iterable, MutableMapping
from typing import Protocol

import attrs

from downspout.testing._answer import Answer
from downspout.testing._document import Document
from downspout.testing._message import Request


class Stage(Protocol):
    """What a fault may change of the server itself."""

    @property
    def documents(self) -> MutableMapping[str, Document]:
        """The documents by their path."""
        ...

    def kill_links(self, path: str | None = None) -> int:
        """Let links die; those of one document, or all."""
        ...


@attrs.frozen
class Fault:
    """A lie about one answer. Faults are plain values: equal when alike, hashable, and `repr` recreates them.

    A fault of your own is a subclass that overrides `_change`; what it needs to know is in `Answer.request` and
    `Answer.document`. Faults add up: `ETag(None) + Cut(100)`.

    Example:
        >>> @attrs.frozen
        ... class Shout(Fault):
        ...     def _change(self, answer):
        ...         return answer.with_body(answer.content.upper())
        >>> Shout()._change(Answer(200, b"hello")).content
        b'HELLO'
    """

    def _prepare(self, stage: Stage, request: Request) -> None:
        """Change the server before the honest answer is made."""

    def _change(self, answer: Answer) -> Answer:
        """Make the answer that is sent of the answer so far."""
        return answer

    def _conclude(self, stage: Stage, request: Request) -> None:
        """Change the server before the answer is sent."""

    def __add__(self, other: "Fault") -> "Fault":
        return Together((*_parts(self), *_parts(other)))


def _as_tuple(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    return tuple(faults)


@attrs.frozen
class Together(Fault):
    """Several lies about one answer; each changes what the one before made of it.

    Attributes:
        faults: The lies, in order.
    """

    faults: tuple[Fault, ...] = attrs.field(default=(), converter=_as_tuple)

    def _prepare(self, stage: Stage, request: Request) -> None:
        for fault in self.faults:
            fault._prepare(stage, request)

    def _change(self, answer: Answer) -> Answer:
        for fault in self.faults:
            answer = fault._change(answer)
        return answer

    def _conclude(self, stage: Stage, request: Request) -> None:
        for fault in self.faults:
            fault._conclude(stage, request)


def _parts(fault: Fault) -> tuple[Fault, ...]:
    return fault.faults if isinstance(fault, Together) else (fault,)
