"""Where a plugin is tried out against its author's emulator."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from attrs import define, field

from downspout._client import Client
from downspout._client.rules import rules_of
from downspout._http import BoundHttp, Clock, Pool
from downspout._models import Account, Credential, Http, Link, Reference, Secret, Stream, origin_of
from downspout._plugins import TimeLimitExceeded, Workers
from downspout.errors import AuthenticationError, DownspoutError
from downspout.testing._contract.answers import Answered, judged, named, said_well
from downspout.testing._contract.relay import Relay
from downspout.testing._contract.rules import Breach, NotTried, told
from downspout.testing._contract.spy import Spy
from downspout.testing._contract.subject import Subject
from downspout.testing._contract.watch import Watch

TIMEOUT = 5.0  # seconds for a connection
CALL_LIMIT = 30.0  # seconds for a hook
_SHORTEST_SECRET = 6
_SCHEME = re.compile(r"^(bearer|basic|digest|token|at|esignon)[ +]", re.IGNORECASE)


@define
class Bench:
    """A plugin, an account of its own at the emulator, and everything between them in view.

    Attributes:
        case: what the author supplied (a `ProviderContract`).
        subject: the plugin.
        settings: of the account, as the author gave them.
        relay: what the account has as its proxy.
        watch: sees what hooks do besides answering.
        credential: what `authenticate` gave last, or `None`.
        known: every credential since the last `fresh`.
    """

    case: Any
    subject: Subject
    settings: Mapping[str, object]
    relay: Relay
    watch: Watch
    credential: Credential | None = None
    known: list[Credential] = field(factory=list)
    clock: Clock = field(factory=Clock)
    _workers: Workers = field(factory=Workers)
    _pools: dict[float, Pool] = field(factory=dict)
    _memory: dict[str, Any] = field(factory=dict)

    @classmethod
    @contextmanager
    def started(cls, case: Any, subject: Subject) -> Iterator["Bench"]:
        """Start the emulator and the relay; stop both at the end of the block."""
        with ExitStack() as stack:
            settings = dict(stack.enter_context(case.emulator()))
            relay = stack.enter_context(Relay())
            bench = cls(case, subject, settings, relay, Watch({relay.address}))
            stack.callback(bench._close)
            yield bench

    def _close(self) -> None:
        self._close_pools()
        self._workers.close()

    def _close_pools(self) -> None:
        for pool in self._pools.values():
            pool.close()
        self._pools.clear()

    # What is asked.

    def reference(self, uri: str | Reference) -> Reference:
        """Return what the author's `uri` names."""
        return uri if isinstance(uri, Reference) else Reference.parse(uri)

    def needed(self, name: str, why: str) -> str:
        """Return a URI that the author may have left out.

        Raises:
            NotTried: it was.
        """
        found: str | None = getattr(self.case, name, None)
        if found is None:
            raise NotTried(why)
        return found

    @property
    def document(self) -> Reference:
        """The author's document."""
        return self.reference(self.case.document)

    @property
    def has_sign_in(self) -> bool:
        """Whether the plugin has an `authenticate`."""
        return self.subject.hook("authenticate") is not None

    def account(self, name: str | None = None) -> Account:
        """Return the account under test, under another name if one is given."""
        account: Account = self.once(f"account {name}", lambda: self.with_settings(name, self.settings))
        return account

    def with_settings(self, name: str | None, settings: Mapping[str, object]) -> Account:
        """Return an account with these settings and the plugin's defaults, looked up as the core does."""
        provider = self.subject.provider.name
        network = {"allow_http": True, "allow_private": True, "proxy": self.relay.origin}
        given = {key: value for key, value in {**settings, **network}.items() if value is not None}
        with Client([Account(name or provider, provider, given)], plugins=[self.subject.module]) as client:
            return client.accounts.get(name or provider)

    # Hooks, one at a time.

    def http(self, account: Account, credential: Credential | None, timeout: float = TIMEOUT) -> Http:
        """Return what hooks ask with, through the relay."""
        pool = self._pools.setdefault(timeout, Pool(timeout))
        return BoundHttp(pool, rules_of(account, {}), account, credential, self.clock, account.name, timeout)

    def call(self, name: str, *, limit: float = CALL_LIMIT, **arguments: Any) -> Any:
        """Call a hook of the plugin's as the core does: in a thread, for a limited time.

        Raises:
            NotTried: the plugin has no such hook.
            TimeLimitExceeded: it took more than `limit` seconds.
            BaseException: whatever the hook raises.
        """
        hook: Callable[..., Any] = self.once(f"hook {name}", lambda: self.subject.needed_hook(name))
        return self._workers.call(lambda: hook(**arguments), limit)

    def authenticate(
        self,
        refused: Credential | None = None,
        *,
        account: Account | None = None,
        interaction: object = None,
        timeout: float = TIMEOUT,
    ) -> Credential:
        """Ask who is asking.

        Raises:
            Breach: it answers something else.
            BaseException: whatever the hook raises.
        """
        account = account or self.account()
        http = self.http(account, None, timeout)
        answer = self.call("authenticate", account=account, refused=refused, interaction=interaction, http=http)
        if not isinstance(answer, Credential):
            raise Breach(f"authenticate answers a {type(answer).__name__} instead of a Credential")
        self.known.append(answer)
        return answer

    def ask(
        self,
        references: Sequence[Reference],
        credential: Credential | None,
        *,
        account: Account | None = None,
        timeout: float = TIMEOUT,
        limit: float = CALL_LIMIT,
    ) -> Answered:
        """Call `resolve_link` once, and judge what it answers."""
        account = account or self.account()
        http = self.http(account, credential, timeout)
        try:
            answer = self.call(
                "resolve_link",
                limit=limit,
                account=account,
                references=tuple(references),
                credential=credential,
                http=http,
            )
        except DownspoutError as exc:
            return Answered((), exc, tuple(said_well(exc, references)))
        except TimeLimitExceeded:
            return Answered((), None, (f"resolve_link does not answer within {limit:g} s",))
        except Exception as exc:
            return Answered((), exc, (f"resolve_link raises {told(exc)}",))
        return judged(answer, references)

    def signed_in(self) -> Credential | None:
        """Return a credential if the document needs one, else `None`.

        Raises:
            BaseException: whatever `authenticate` raises.
        """
        if self.credential is None and self.has_sign_in and self._wants_credential():
            self.credential = self.authenticate()
        return self.credential

    def _wants_credential(self) -> bool:
        found = self._memory.get("wants a credential")
        if found is None:
            errors = self.ask([self.document], None).errors
            found = any(isinstance(each, AuthenticationError) for each in errors)
            self._memory["wants a credential"] = found
        return bool(found)

    def resolve(self, *uris: str | Reference) -> Answered:
        """Call `resolve_link` once, with a credential if there has to be one."""
        return self.ask([self.reference(uri) for uri in uris], self.signed_in())

    def link(self, uri: str | Reference | None = None) -> Link:
        """Return the link of a document (the author's).

        Raises:
            Breach: there is none; the text says what came instead.
        """
        answered = self.resolve(uri or self.document)
        if not isinstance(answered.first, Link):
            instead = [*answered.breaches, named(answered.first)][0]
            raise Breach(f"{instead} instead of a link")
        return answered.first

    def open(
        self,
        link: Link,
        start: int = 0,
        stop: int | None = None,
        etag: str | None = None,
        *,
        timeout: float = TIMEOUT,
    ) -> Stream:
        """Open a link as the core does: by the plugin's hook, else by the core's own.

        Raises:
            Breach: it answers something else.
            BaseException: whatever the hook raises.
        """
        account, credential = self.account(), self.credential
        http = self.http(account, credential, timeout)
        place: dict[str, Any] = {"link": link, "start": start, "stop": stop, "etag": etag}
        hook = self.subject.hook("open_stream")
        asked = hook is not None
        answer = (
            self.call("open_stream", account=account, credential=credential, http=http, **place) if asked else None
        )
        if answer is None:
            return http.open("GET", link.url, start=start, stop=stop, etag=etag)
        if not isinstance(answer, Stream):
            raise Breach(f"open_stream answers a {type(answer).__name__} instead of a Stream")
        return answer

    # Everything at once.

    @contextmanager
    def client(self, *, timeout: float = TIMEOUT, retries: int = 2) -> Iterator[tuple[Client, Spy]]:
        """Give a client for the account, and what sees its hook calls."""
        spy = Spy()
        account = self.account()
        with Client([account], plugins=[self.subject.module, spy], timeout=timeout, retries=retries) as client:
            yield client, spy
            self.known.extend(spy.credentials)

    # Between rules.

    def fresh(self) -> None:
        """Forget what the rule before left: the credential, requests, deeds, the emulator's state."""
        self.credential = None
        self.known.clear()
        self.relay.passed.clear()
        self.relay.forget()
        self.case.reset()
        self._close_pools()
        self.clock = Clock()

    def once(self, name: str, make: Callable[[], Any]) -> Any:
        """Return what `make` returns, made at the first call of this name. It may last over `fresh`."""
        if name not in self._memory:
            self._memory[name] = make()
        return self._memory[name]

    # What is known.

    @property
    def home(self) -> frozenset[str]:
        """The origins that may see who is asking: the endpoints, and what the author adds."""
        return self.account().origins | frozenset(origin_of(each) for each in self.case.origins())

    def own_secrets(self) -> set[str]:
        """Return the secrets that the account's settings hold, without the word of their scheme too."""
        return _parts(each for each in self.account().settings.values() if isinstance(each, Secret))

    def secrets(self, *more: Credential) -> set[str]:
        """Return every secret of the account, of the credentials since the last `fresh`, and of `more`."""
        values = (value for each in (*self.known, *more) for value in each.values.values())
        return self.own_secrets() | _parts(each for each in values if isinstance(each, Secret))


def _parts(secrets: Iterable[Secret]) -> set[str]:
    texts = [secret.reveal() for secret in secrets]
    return {part for text in texts for part in (text, _SCHEME.sub("", text)) if len(part) >= _SHORTEST_SECRET}
