"""The rules of `authenticate`."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

from downspout._models import Credential, Link, Secret
from downspout.errors import AuthenticationError, ConfigurationError, DownspoutError
from downspout.testing._answer import Answer
from downspout.testing._contract.answers import named
from downspout.testing._contract.bench import Bench
from downspout.testing._contract.relay import Lie, parts_of
from downspout.testing._contract.rules import NotTried, service
from downspout.testing._message import Request

_THREADS = 8


@service(
    "waits-to-be-asked",
    "Without a credential it says so, and signs nobody in by itself.",
    "Where resolve_link or open_stream needs a credential and has none, raise "
    "AuthenticationError; the core asks authenticate.",
)
def waits_to_be_asked(bench: Bench) -> Iterator[str]:
    """Ask without a credential, and look whether something of the account's is sent all the same."""
    answered = bench.ask([bench.document], None)
    yield from answered.breaches
    sent = [text for each in bench.relay.passed for _, text in parts_of(each.request)]
    if any(secret in text for secret in bench.own_secrets() for text in sent):
        yield "without a credential it sends a secret of the account's: that is for authenticate"
    if isinstance(answered.first, Link):
        return
    if not isinstance(answered.first, AuthenticationError):
        yield f"without a credential the document becomes {named(answered.first)}, not AuthenticationError"


def _need_sign_in(bench: Bench) -> Credential:
    return bench.authenticate()


@service(
    "makes-credentials",
    "A credential is its account's, is bound to origins, and keeps what is secret as Secret.",
    "Return Credential(account.name, account.origins, {…: Secret(…)}); expires_at with a time zone, or None.",
)
def makes_credentials(bench: Bench) -> Iterator[str]:
    """Sign in, and look at the credential."""
    credential = _need_sign_in(bench)
    if credential.account != bench.account().name:
        yield f"the credential is for the account {credential.account!r}"
    if not credential.origins:
        yield "the credential names no origin, so it is of no use"
    if credential.expires_at is not None and credential.expires_at.tzinfo is None:
        yield "expires_at has no time zone"
    own = bench.account().settings.values()
    known = {each.reveal() for each in own if isinstance(each, Secret) and len(each.reveal()) > 5}
    values: Mapping[str, object] = credential.values
    for name, value in values.items():
        if not isinstance(value, str | Secret):
            yield f"the value {name} is a {type(value).__name__}, neither text nor Secret"
        elif isinstance(value, str) and any(secret in value for secret in known):
            yield f"the value {name} holds a secret as plain text"


@service(
    "renews",
    "Told that a credential was refused, it answers another one or says that there is none.",
    "Compare with `refused`; renew by what it holds (refresh token, password), else raise "
    "AuthenticationError with a hint.",
)
def renews(bench: Bench) -> Iterator[str]:
    """Refuse one credential after the other."""
    refused = _need_sign_in(bench)
    for _ in range(3):
        try:
            answer = bench.authenticate(refused)
        except (AuthenticationError, ConfigurationError) as exc:
            if exc.hint is None:
                yield f"{type(exc).__name__} has no hint that says what the user can do"
            return
        except DownspoutError:
            return
        if answer.values == refused.values and answer.expires_at == refused.expires_at:
            yield "the refused credential is answered again"
            return
        refused = answer


@service(
    "renews-once",
    "An expired credential is noticed, and renewed once for all who use it.",
    "Raise AuthenticationError, however the service says that the credential does not hold, "
    "and leave renewing to the core.",
)
def renews_once(bench: Bench) -> Iterator[str]:
    """Let the credential expire under several threads."""
    if bench.signed_in() is None:
        raise NotTried("The document needs no credential.")
    with bench.client() as (client, spy):
        client.resolve(bench.document)
        before = len(spy.credentials)
        lie = (
            _honest if bench.case.expire_credential() is not NotImplemented else _refusing(bench, spy.credentials)
        )

        def again() -> object:
            return next(client.resolve_many([bench.document]))

        with bench.relay.lying(lie), ThreadPoolExecutor(_THREADS) as threads:
            waiting = [threads.submit(copy_context().run, again) for _ in range(_THREADS)]
            outcomes = [each.result() for each in waiting]
        refused = [each for each in outcomes if not isinstance(each, Link)]
        renewals = len(spy.credentials) - before
    if refused:
        yield f"after its credential expired the document becomes {named(refused[0])}"
    if renewals != 1:
        yield f"{_THREADS} callers with an expired credential led to {renewals} new ones"


def _honest(_request: Request, honest: Callable[[], Answer]) -> Answer:
    return honest()


def _refusing(bench: Bench, credentials: Sequence[Credential]) -> Lie:
    """Answer 401 to whatever carries a secret of these credentials.

    Raises:
        NotTried: they hold none but the account's own, which it signs in with.
    """
    secrets = bench.secrets(*credentials) - bench.own_secrets()
    if not secrets:
        raise NotTried("The emulator cannot let a credential expire: override `expire_credential`.")

    def lie(request: Request, honest: Callable[[], Answer]) -> Answer:
        if any(secret in text for secret in secrets for _, text in parts_of(request)):
            return Answer(401, b"{}", {"Content-Type": "application/json"})
        return honest()

    return lie


@service(
    "keeps-accounts-apart",
    "Many threads and two accounts at once get each its own answers.",
    "Keep nothing in module globals; what one call learns belongs into the credential or the reference's hint.",
)
def keeps_accounts_apart(bench: Bench) -> Iterator[str]:
    """Resolve from several threads, for two accounts."""
    credential = bench.signed_in()
    sides = {name: bench.account(name) for name in (bench.account().name, "second-account")}
    credentials = {
        name: (None if credential is None else bench.authenticate(account=account))
        for name, account in sides.items()
    }

    def run(number: int) -> list[str]:
        return list(one(number))

    def one(number: int) -> Iterator[str]:
        name = list(sides)[number % 2]
        uris = [bench.document, bench.case.missing][:: 1 if number % 4 < 2 else -1]
        references = [bench.reference(uri) for uri in uris]
        moved = [type(each)(name, each.document, each.options, each.hint) for each in references]
        for reference in moved:
            answered = bench.ask([reference], credentials[name], account=sides[name])
            yield from answered.breaches
            is_there = reference.document == bench.document.document
            if isinstance(answered.first, Link) != is_there and is_there:
                yield f"in a thread the document becomes {named(answered.first)}"

    with ThreadPoolExecutor(_THREADS) as threads:
        waiting = [threads.submit(copy_context().run, run, number) for number in range(2 * _THREADS)]
        for each in waiting:
            yield from each.result()
