"""The rules about what is nobody else's business, tried on one tour through everything that a plugin does."""

import json
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from attrs import define, field

from downspout._models import Credential, Link, Reference, is_url
from downspout.errors import Cancelled, DownspoutError
from downspout.testing._answer import Answer
from downspout.testing._contract.answers import said_well
from downspout.testing._contract.bench import Bench
from downspout.testing._contract.relay import Lie, Passed, origin_to, parts_of
from downspout.testing._contract.rules import Note, service
from downspout.testing._contract.streaming import read
from downspout.testing._message import Request

STRANGER = "http://stranger.example"
_LONG_VALUE = 20  # characters from which on a value in a link's query is taken for a secret
_FOR_ANYBODY = frozenset({"host", "user-agent", "range", "if-range", "connection", "content-length"})
_MOST_QUESTIONS = 20
_ANSWERS_OF_NOBODY = "123456"


@define
class Tour:
    """What was seen while a plugin did everything that it can do, in every mood of its service.

    Attributes:
        passed: every request, and how it was answered.
        errors: every failure, with what was asked.
        shown: every text that people may see: output, logs, messages, tracebacks, and values as `repr` shows them
            (of an honest service: a name that another one makes of a secret is a name).
        credentials: every credential.
        links: every link.
        deeds: what hooks did besides answering, by kind.
    """

    passed: list[Passed] = field(factory=list)
    errors: list[tuple[Reference, BaseException]] = field(factory=list)
    shown: list[tuple[str, str]] = field(factory=list)
    credentials: list[Credential] = field(factory=list)
    links: list[Link] = field(factory=list)
    prompts: list[str] = field(factory=list)
    bypasses: list[str] = field(factory=list)
    output: str = ""


def tour_of(bench: Bench) -> Tour:
    """Return the tour, taken at the first call."""
    tour: Tour = bench.once("tour", lambda: _taken(bench))
    return tour


def _taken(bench: Bench) -> Tour:
    tour = Tour()
    with bench.watch.watching() as watch:
        for lie in _moods(bench):
            bench.fresh()
            _walk(bench, tour, lie)
        bench.fresh()
        _sign_in_with_somebody(bench, tour)
        tour.passed += bench.relay.passed
    bench.fresh()
    tour.output = watch.output.getvalue()
    tour.shown.append(("output", tour.output))
    tour.shown += [("the log", text) for text in watch.logged]
    tour.prompts = watch.seen("prompt")
    tour.bypasses = watch.seen("connection", "process", "file")
    watch.deeds.clear()
    watch.logged.clear()
    watch.output.truncate(0)
    return tour


def _moods(bench: Bench) -> Iterator[Lie | None]:
    yield None
    for status in (200, 400, 401, 403, 404, 429, 500):
        yield _echo(bench, status)
    yield _echoed_in_fields(bench)
    for status in (302, 307):
        yield _redirect(status)


def _walk(bench: Bench, tour: Tour, lie: Lie | None) -> None:
    """Sign in, resolve everything, open the document; the service changes its mood after each step."""
    credential: Credential | None = None
    link: Link | None = None
    with suppress(Exception):
        credential = bench.signed_in()
        link = bench.link()
    bench.credential = credential
    refused = [None, credential] if credential is not None else [None]
    steps: list[tuple[Reference, Callable[[], Any]]]
    steps = [(uri, partial(bench.ask, [uri], credential)) for uri in _uris(bench)]
    if bench.has_sign_in:
        steps += [(bench.document, partial(bench.authenticate, each)) for each in refused]
    if link is not None:
        steps.append((bench.document, partial(_opened, bench, link)))
    for uri, step in steps:
        if lie is None:
            tour.shown += [("a repr", repr(each)) for each in _take(tour, uri, step)]
        else:
            with bench.relay.lying(lie):
                _take(tour, uri, step)
    tour.credentials += [each for each in bench.known if each not in tour.credentials]
    tour.passed += bench.relay.passed


def _uris(bench: Bench) -> list[Reference]:
    case = bench.case
    uris = [case.document, *case.documents, case.missing, case.forbidden, case.folder]
    return [bench.reference(uri) for uri in uris if uri is not None]


def _opened(bench: Bench, link: Link) -> Link:
    stream = bench.open(link)
    try:
        read(stream, 1 << 16)
    finally:
        stream.close()
    return link


def _take(tour: Tour, uri: Reference, step: Callable[[], Any]) -> list[Any]:
    """Take one step, note what came of it, and return that."""
    try:
        answer = step()
    except Exception as exc:
        outcomes: list[Any] = [exc]
    else:
        outcomes = [*getattr(answer, "outcomes", [answer]), getattr(answer, "raised", None)]
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            tour.errors.append((uri, outcome))
            tour.shown.append(("a message", f"{outcome} {getattr(outcome, 'hint', '')}"))
            tour.shown.append(("a traceback", "".join(traceback.format_exception(outcome))))
        elif isinstance(outcome, Link):
            tour.links.append(outcome)
    return outcomes


class Nobody:
    """Answers every question the same, and goes away when it gets too many."""

    def __init__(self) -> None:
        self.asked = 0

    def ask(self, label: str) -> str:  # noqa: ARG002
        """See `Interaction`."""
        self.asked += 1
        if self.asked > _MOST_QUESTIONS:
            raise Cancelled("Nobody answers any more.")
        return _ANSWERS_OF_NOBODY

    def secret(self, label: str) -> str:
        """See `Interaction`."""
        return self.ask(label)

    def choose(self, label: str, options: object) -> int:  # noqa: ARG002
        """See `Interaction`."""
        self.ask(label)
        return 0

    def tell(self, text: str) -> None:
        """See `Interaction`."""


def _sign_in_with_somebody(bench: Bench, tour: Tour) -> None:
    """Sign in without the secrets, with somebody who answers: then questions go to the interaction alone."""
    if not bench.has_sign_in:
        return
    secret = {each.name for each in bench.subject.provider.settings if each.secret}
    open_settings = {name: value for name, value in bench.settings.items() if name not in secret}
    account = bench.with_settings(None, open_settings)
    _take(tour, bench.document, lambda: bench.authenticate(account=account, interaction=Nobody()))


# The moods.


def _echo(bench: Bench, status: int) -> Lie:
    """Repeat every secret of the request in the body, under names that services use for messages."""

    def lie(request: Request, _honest: object) -> Answer:
        text = _secrets_in(request, bench)
        body = dict.fromkeys(("message", "msg", "error", "error_description", "errorMessage", "title"), text)
        return Answer.json({**body, "code": status, "errorCode": str(status)}, status)

    return lie


def _echoed_in_fields(bench: Bench) -> Lie:
    """Repeat every secret of the request in each text of the honest answer."""

    def lie(request: Request, honest: Callable[[], Answer]) -> Answer:
        answer = honest()
        try:
            value = json.loads(bytes(answer.content))  # type: ignore[arg-type]
        except (ValueError, TypeError, RecursionError):
            return answer
        text = _secrets_in(request, bench)
        return answer.with_body(json.dumps(_appended(value, text)).encode())

    return lie


def _appended(value: Any, text: str) -> Any:
    if isinstance(value, dict):
        return {name: _appended(each, text) for name, each in value.items()}
    if isinstance(value, list):
        return [_appended(each, text) for each in value]
    return f"{value} {text}" if isinstance(value, str) and not is_url(value) else value


def _secrets_in(request: Request, bench: Bench) -> str:
    sent = [text for _, text in parts_of(request)]
    return " ".join(sorted(secret for secret in bench.secrets() if any(secret in text for text in sent)))


def _redirect(status: int) -> Lie:
    def lie(request: Request, _honest: object) -> Answer:
        if origin_to(request) == STRANGER:
            return Answer.json({"url": f"{STRANGER}/x", "access_token": "stranger", "token": "stranger"})
        return Answer(status, b"", {"Location": f"{STRANGER}/elsewhere?from=contract"})

    return lie


# The rules.


@service(
    "keeps-credentials-home",
    "What proves who is asking goes to the credential's origins, and those are the service's own.",
    "Bind the credential to account.origins (not to where links lead), and put no secret into "
    "URLs of other hosts.",
)
def keeps_credentials_home(bench: Bench) -> Iterator[str]:
    """Look for secrets in requests to other origins, and at the origins that credentials name."""
    tour, home = tour_of(bench), bench.home
    for origin in {each for credential in tour.credentials for each in credential.origins} - home:
        yield f"a credential names the origin {_general(origin)}, which is no endpoint of the account's"
    secrets = bench.secrets(*tour.credentials)
    for passed in tour.passed:
        if passed.origin not in home:
            for place, text in parts_of(passed.request):
                if any(secret in text for secret in secrets):
                    yield f"a secret goes to {_general(passed.origin)} in {place}"


def _general(origin: str) -> str:
    """Return an origin without its port if it is on loopback, where ports differ each time."""
    return origin.rpartition(":")[0] if "://127.0.0.1:" in origin else origin


@service(
    "takes-nothing-along",
    "A redirect to a stranger takes nothing along that tells who is asking.",
    "Leave redirects to http, and do not follow Location by yourself.",
)
def takes_nothing_along(bench: Bench) -> Iterator[str]:
    """Look at what reached the stranger."""
    tour = tour_of(bench)
    secrets = bench.secrets(*tour.credentials)
    for passed in tour.passed:
        if passed.origin != STRANGER:
            continue
        for name in passed.request.headers:
            if name not in _FOR_ANYBODY and not name.startswith("accept"):
                yield f"the stranger gets the header {name}"
        if any(secret in text for _, text in parts_of(passed.request) for secret in secrets):
            yield "the stranger gets a secret"
        if passed.request.body:
            yield "the stranger gets a body"


@service(
    "tells-no-secret",
    "No secret is printed, logged, or shown in a message, a traceback or a repr.",
    "Keep secrets as Secret, log no URL and no header, and take them out of what the service "
    "says before quoting it.",
)
def tells_no_secret(bench: Bench) -> Iterator[str]:
    """Look for secrets in every text that people may see, though the service repeats them all."""
    tour = tour_of(bench)
    secrets = bench.secrets(*tour.credentials) | set(_signatures(tour.links))
    for where, text in tour.shown:
        if any(secret in text for secret in secrets):
            yield f"a secret stands in {where}" + _quoted(text, secrets)


def _quoted(text: str, secrets: set[str]) -> str:
    """Return the words around a secret, without it."""
    place = min(text.index(secret) for secret in secrets if secret in text)
    before = " ".join(text[max(0, place - 60) : place].split())
    for secret in secrets:
        before = before.replace(secret, "***")
    return f" (after {before!r})" if before else ""


def _signatures(links: list[Link]) -> Iterator[str]:
    for link in links:
        for _, value in parse_qsl(urlsplit(link.url).query):
            if len(value) >= _LONG_VALUE and value not in (link.name or "") and " " not in value:
                yield value


@service(
    "prints-nothing",
    "It writes nothing to standard output or standard error.",
    "Use logging.getLogger(__name__); what people should know belongs into errors, or into interaction.tell.",
)
def prints_nothing(bench: Bench) -> Iterator[str]:
    """Look at what was printed on the tour."""
    if tour_of(bench).output:
        yield f"it prints {tour_of(bench).output[:40]!r}"


@service(
    "prompts-nobody",
    "It asks people through the interaction alone, and nobody when there is none.",
    "Use interaction.ask, secret and choose; never input(), getpass, a terminal or a browser.",
)
def prompts_nobody(bench: Bench) -> Iterator[str]:
    """Look at what the tour did to the terminal."""
    yield from tour_of(bench).prompts


@service(
    "goes-by-http-alone",
    "It reaches the world through http alone: no connections, processes or files of its own.",
    "Use the hook's `http` for every request; keep what has to last in the credential's values.",
)
def goes_by_http_alone(bench: Bench) -> Iterator[str]:
    """Look at what the tour did besides answering."""
    yield from tour_of(bench).bypasses


@service(
    "speaks-in-sentences",
    "Whatever fails, it says so by an error of ours in a plain sentence.",
    "Raise or return errors of downspout.errors: one sentence with a full stop that names "
    "reference.shown, and a hint.",
)
def speaks_in_sentences(bench: Bench) -> Iterator[str]:
    """Look at every error of the tour."""
    errors = tour_of(bench).errors
    for uri, error in errors:
        if isinstance(error, DownspoutError):
            yield from said_well(error, [uri])
        else:
            yield f"raises {type(error).__name__}"
    yield Note(f"{len(errors)} errors were read.")
