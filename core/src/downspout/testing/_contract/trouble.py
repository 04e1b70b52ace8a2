"""The rules about services that are busy, down, silent, or not themselves."""

import gzip
import json
import time
from collections.abc import Callable, Iterator

from downspout._models import Credential
from downspout.errors import (
    DownspoutError,
    RateLimited,
    Unavailable,
)
from downspout.testing._answer import Answer
from downspout.testing._contract.answers import named, said_well
from downspout.testing._contract.bench import TIMEOUT, Bench
from downspout.testing._contract.relay import Lie
from downspout.testing._contract.rules import service
from downspout.testing._contract.streaming import read

_RETRY_AFTER = 7
_SHORT = 0.2  # seconds that a connection may be silent
_PATIENT = 4.0  # seconds that a hook may take then
_PAGE = b"<!DOCTYPE html><html><title>Sign in</title><form>user, password</form></html>"
_HTML = {"Content-Type": "text/html; charset=utf-8"}
_JSON = {"Content-Type": "application/json"}


def always(answer: Answer) -> Lie:
    """Answer every request so."""
    return lambda _request, _honest: answer


@service(
    "obeys-throttling",
    "Asked for patience, it says for how long: RateLimited with retry_after.",
    "Return response.error(…) for 429, or RateLimited(…, retry_after=seconds); never sleep in a hook.",
)
def obeys_throttling(bench: Bench) -> Iterator[str]:
    """Answer 429 with Retry-After to each question."""
    busy = Answer(429, b'{"error": "too many requests"}', {**_JSON, "Retry-After": str(_RETRY_AFTER)})
    for name, ask in _questions(bench):
        begun = time.monotonic()
        with bench.relay.lying(always(busy)):
            outcome = ask()
        if time.monotonic() - begun > _RETRY_AFTER / 2:
            yield f"{name} waits by itself"
        if not isinstance(outcome, RateLimited):
            yield f"{name} makes {named(outcome)} of 429"
        elif outcome.retry_after is None or not _RETRY_AFTER - 2 <= outcome.retry_after <= _RETRY_AFTER:
            yield f"{name} makes retry_after={outcome.retry_after} of Retry-After: {_RETRY_AFTER}"


@service(
    "tells-trouble",
    "Trouble over there (500, 502, 503, 504) is Unavailable, so that it is tried again.",
    "Look at the status before the body: return response.error(…) for 5xx, whatever came with it.",
)
def tells_trouble(bench: Bench) -> Iterator[str]:
    """Answer 5xx to each question, with a page as proxies send it."""
    for status in (500, 502, 503, 504):
        for name, ask in _questions(bench):
            with bench.relay.lying(always(Answer(status, _PAGE, _HTML))):
                outcome = ask()
            if not isinstance(outcome, DownspoutError) or not outcome.retryable:
                yield f"{name} makes {named(outcome)} of {status}"


@service(
    "gives-up-in-time",
    "When the service falls silent, a hook ends with Unavailable when its time is up.",
    "Let Unavailable from http go up; do not try again in the hook, nor catch it to try something else.",
)
def gives_up_in_time(bench: Bench) -> Iterator[str]:
    """Never answer."""
    silence = Answer(200).with_wire(silent=True)
    for name, ask in _questions(bench, timeout=_SHORT):
        begun = time.monotonic()
        with bench.relay.lying(always(silence)):
            outcome = ask()
        seconds = time.monotonic() - begun
        if seconds > _PATIENT:
            yield f"{name} takes {seconds:.1f} s when nothing answers within {_SHORT} s"
        if not isinstance(outcome, Unavailable):
            yield f"{name} makes {named(outcome)} of silence"


@service(
    "bears-broken-connections",
    "A connection that breaks off is Unavailable.",
    "Let Unavailable from http go up, from the middle of an answer too.",
)
def bears_broken_connections(bench: Bench) -> Iterator[str]:
    """Break each answer at its beginning and in its middle."""

    def middle(_request: object, honest: Callable[[], Answer]) -> Answer:
        answer = honest()
        return answer.with_wire(cut_after=answer.length // 2, ending="reset")

    for how, lie in (("no answer", always(Answer(200).with_wire(raw=b""))), ("half an answer", middle)):
        for name, ask in _questions(bench):
            with bench.relay.lying(lie):
                outcome = ask()
            if not isinstance(outcome, DownspoutError) or not outcome.retryable:
                yield f"{name} makes {named(outcome)} of {how}"


def _nonsense() -> list[tuple[str, Answer]]:
    deep = b"[" * 100_000 + b"]" * 100_000
    return [
        ("a page for signing in", Answer(200, _PAGE, _HTML)),
        ("an empty body", Answer(200, b"", _JSON)),
        ("no content", Answer(204)),
        ("half a JSON text", Answer(200, b'{"data": [{"id": 1', _JSON)),
        ("JSON that is a number", Answer(200, b"42", _JSON)),
        ("JSON that is null", Answer(200, b"null", _JSON)),
        ("JSON that is an empty list", Answer(200, b"[]", _JSON)),
        ("JSON that is an empty object", Answer(200, b"{}", _JSON)),
        ("very deep JSON", Answer(200, deep, _JSON)),
        ("bytes that are no text", Answer(200, bytes(range(256)) * 8, _JSON)),
        ("a compressed body", Answer(200, gzip.compress(b"{}"), {**_JSON, "Content-Encoding": "gzip"})),
        ("a redirect to nowhere", Answer(302, b"", {"Location": "http://[::1"})),
        ("a redirect to itself", Answer(307, b"", {"Location": ""})),
        ("a status of its own", Answer(299, json.dumps({"ok": True}).encode(), _JSON)),
        ("a teapot", Answer(418, b"short and stout", {"Content-Type": "text/plain"})),
        ("not modified", Answer(304)),
    ]


@service(
    "bears-nonsense",
    "An answer that makes no sense is an error of ours, and no link.",
    "Read JSON with response.json(Shape): it raises ProtocolError that names the field.",
)
def bears_nonsense(bench: Bench) -> Iterator[str]:
    """Answer each question with what no documentation mentions."""
    for what, answer in _nonsense():
        for name, ask in _questions(bench, opening=False):
            with bench.relay.lying(always(answer)):
                outcome = ask()
            if isinstance(outcome, DownspoutError):
                yield from (f"{what}: {breach}" for breach in said_well(outcome, [bench.document]))
            elif not isinstance(outcome, Credential):
                yield f"{name} makes {named(outcome)} of {what}"


Question = tuple[str, Callable[[], object]]


def _questions(bench: Bench, *, timeout: float = TIMEOUT, opening: bool = True) -> Iterator[Question]:
    """Yield the questions that this plugin asks its service, each with how to ask it.

    Asking returns what came of it, a failure as a value.
    """
    bench.fresh()  # a renewal, even one that came to nothing, may have ended what was there
    credential, link = bench.signed_in(), bench.link()

    def resolve() -> object:
        answered = bench.ask([bench.document], credential, timeout=timeout)
        return answered.raised or (answered.outcomes[0] if answered.outcomes else answered.breaches)

    def open_() -> object:
        stream = bench.open(link, timeout=timeout)
        try:
            return read(stream)
        finally:
            stream.close()

    def sign_in() -> object:
        return bench.authenticate(credential, timeout=timeout)

    if _asks(bench, resolve):
        yield "resolve_link", lambda: _settled(resolve)
    if opening:
        yield "open_stream", lambda: _settled(open_)
    if credential is not None and _asks(bench, sign_in):
        yield "authenticate", lambda: _settled(sign_in)


def _asks(bench: Bench, question: Callable[[], object]) -> bool:
    """Return whether a question reaches the service at all."""
    before = len(bench.relay.passed)
    _settled(question)
    return len(bench.relay.passed) > before


def _settled(question: Callable[[], object]) -> object:
    try:
        return question()
    except Exception as exc:
        return exc
