"""Which function answers a request, and what its result means."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

import attrs

from downspout.testing._answer import Answer
from downspout.testing._document import Document, answer_for
from downspout.testing._message import Request

Reply: TypeAlias = Answer | Document | Mapping[str, Any] | list[Any] | bytes | str | None
"""What a function may answer: an `Answer`, a document (ranges are served), JSON, bytes, text, or nothing (204)."""

Handler: TypeAlias = Callable[..., Reply]
"""Called with the `Request` and, by name, what the placeholders of its path matched."""

_PLACEHOLDER: Final = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")


def answer_of(reply: Reply, request: Request) -> Answer:
    """Make an answer of what a function gave back."""
    if isinstance(reply, Answer):
        return reply
    if isinstance(reply, Document):
        return answer_for(reply, request)
    if reply is None:
        return Answer(204)
    if isinstance(reply, bytes):
        return Answer(200, reply, {"Content-Type": "application/octet-stream"})
    if isinstance(reply, str):
        return Answer(200, reply.encode(), {"Content-Type": "text/plain; charset=utf-8"})
    return Answer.json(dict(reply) if isinstance(reply, Mapping) else reply)


@attrs.frozen
class _Route:
    """A function and what it answers to; `methods` None: all."""

    pattern: re.Pattern[str]
    methods: tuple[str, ...] | None
    handler: Handler


def _pattern(path: str) -> re.Pattern[str]:
    """Compile a path: `{name}` is one segment, a `*` at the end is anything."""
    rest = ".*" if path.endswith("*") else ""
    parts = _PLACEHOLDER.split(path.removesuffix("*"))
    # re.split puts the text between placeholders at even places, their names at odd ones.
    pieces = (f"(?P<{part}>[^/]+)" if place % 2 else re.escape(part) for place, part in enumerate(parts))
    return re.compile("".join(pieces) + rest)


class Routes:
    """The functions that answer. The one added last wins, so that a test can replace what a fixture set up."""

    def __init__(self) -> None:
        self._routes: tuple[_Route, ...] = ()

    def add(self, path: str, handler: Handler, methods: tuple[str, ...] | None) -> None:
        """Let `handler` answer to a path (`{name}`: one segment; `*` at the end: anything) and these methods."""
        self._routes = (_Route(_pattern(path), methods, handler), *self._routes)

    def reply(self, request: Request) -> Reply:
        """Call the function for a request and give what it gave; 404 or 405 where there is none."""
        allowed: list[str] = []
        for route in self._routes:
            if (matched := route.pattern.fullmatch(request.path)) is None:
                continue
            if route.methods is None or request.method in route.methods:
                return route.handler(request, **matched.groupdict())
            allowed += route.methods
        if allowed:
            return Answer(405, b"", {"Allow": ", ".join(allowed)})
        return Answer(404, b"nothing here\n", {"Content-Type": "text/plain"})
