"""The rule about malformed answers: each field of each answer, changed."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from urllib.parse import urlsplit

from attrs import define, frozen

from downspout._models import Credential, Link, Reference, is_url
from downspout.errors import DownspoutError
from downspout.testing._answer import Answer
from downspout.testing._contract.answers import said_well
from downspout.testing._contract.bench import Bench
from downspout.testing._contract.changes import Change, changes_of, some_changes
from downspout.testing._contract.rules import Breach, Note, NotTried, service, told
from downspout.testing._message import Request

_MOST_SECONDS = 5.0


@service(
    "bears-malformed-answers",
    "Whatever becomes of a field of an answer, it is a right answer or an error of ours.",
    "Turn JSON into typed values in one place (response.json(Shape)), and bound numbers, lists "
    "and text before use.",
)
def bears_malformed_answers(bench: Bench) -> Iterator[str]:
    """Record what the service answers, then answer again with each field changed."""
    tried = 0
    for flow in _flows(bench):
        answers = flow.recorded(bench)
        for number, path, body in answers:
            for change in some_changes(body, bench.case.changes // len(answers)):
                tried += 1
                yield from flow.breaches(bench, _Changed(number, change), path)
    if not tried:
        raise NotTried("The service answers no JSON.")
    yield Note(f"{tried} changed answers were tried.")


@frozen
class _Flow:
    """A question, asked again and again.

    Attributes:
        name: the hook.
        ask: asks, and yields the breaches.
        prepare: called before each time.
    """

    name: str
    ask: Callable[[], Iterator[str]]
    prepare: Callable[[], None]

    def recorded(self, bench: Bench) -> list[tuple[int, str, bytes]]:
        """Ask undisturbed; return number, path and body of each answer that is JSON."""
        self.prepare()
        before = len(bench.relay.passed)
        list(self.ask())
        return [
            (number, urlsplit(each.request.target).path, each.answer.content)
            for number, each in enumerate(bench.relay.passed[before:])
            if isinstance(each.answer.content, bytes) and changes_of(each.answer.content)
        ]

    def breaches(self, bench: Bench, lie: "_Changed", path: str) -> Iterator[str]:
        """Ask with one answer changed."""
        self.prepare()
        where = f"{path}: {lie.change.where} {lie.change.what}"
        begun = time.monotonic()
        with bench.relay.lying(lie):
            for breach in self.ask():
                yield f"{where}: {breach}"
        if time.monotonic() - begun > _MOST_SECONDS:
            yield f"{where}: {self.name} takes {time.monotonic() - begun:.1f} s"


def _flows(bench: Bench) -> Iterator[_Flow]:
    credential, urls = bench.signed_in(), is_url(bench.link().url)
    uris = [bench.document, *([bench.reference(bench.case.folder)] if bench.case.folder else [])]
    for uri in uris:
        yield _Flow("resolve_link", partial(_resolved, bench, uri, credential, urls), _nothing)
    if credential is not None:
        for refused in (None, credential):
            yield _Flow("authenticate", partial(_signed_in, bench, refused), bench.case.reset)


def _nothing() -> None:
    """Leave everything as it is."""


def _resolved(bench: Bench, reference: Reference, credential: Credential | None, urls: bool) -> Iterator[str]:
    answered = bench.ask([reference], credential)
    yield from answered.breaches
    if isinstance(answered.first, Link) and is_url(answered.first.url) is not urls:
        yield "the link's url is none"


def _signed_in(bench: Bench, refused: Credential | None) -> Iterator[str]:
    try:
        bench.authenticate(refused)
    except Breach as exc:
        yield str(exc)
    except DownspoutError as exc:
        yield from said_well(exc)
    except Exception as exc:
        yield f"authenticate raises {told(exc)}"


@define
class _Changed:
    """Changes the n-th answer.

    Attributes:
        number: which, from 0.
        change: how.
    """

    number: int
    change: Change
    _count: int = 0

    def __call__(self, request: Request, honest: Callable[[], Answer]) -> Answer:  # noqa: ARG002
        number, self._count = self._count, self._count + 1
        answer = honest()
        return self.change.of(answer) if number == self.number else answer
