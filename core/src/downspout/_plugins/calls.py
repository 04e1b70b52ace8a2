"""One typed method for each hook; what a plugin does wrong ends here."""

import logging
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from attrs import evolve, frozen

from downspout._models import Account, Credential, Folder, Http, Interaction, Link, Reference, Secret, Stream
from downspout._plugins.registry import Loaded
from downspout._plugins.workers import TimeLimitExceeded, Workers
from downspout._redact import redact
from downspout.errors import DownspoutError, PluginError

_log = logging.getLogger(__name__)
T = TypeVar("T")
Outcome = Link | Folder | DownspoutError


@frozen
class Hooks:
    """The hooks of one provider, called with care.

    Attributes:
        loaded: the provider.
        workers: threads to call it in.
        limit: seconds that a call may take, or `None`.
    """

    loaded: Loaded
    workers: Workers
    limit: float | None

    @property
    def batch_size(self) -> int:
        """How many references one `resolve_link` may take."""
        return self.loaded.provider.batch_size

    @property
    def opens_by_itself(self) -> bool:
        """Whether nobody but the core opens this provider's links."""
        return "open_stream" in self.loaded.alone

    def authenticate(
        self, account: Account, refused: Credential | None, interaction: Interaction | None, http: Http
    ) -> Credential | None:
        """Ask who is asking; with somebody to answer, there is no time limit."""
        answer = self._call(
            "authenticate",
            account,
            refused,
            lambda: self.loaded.hooks.authenticate(
                account=account, refused=refused, interaction=interaction, http=http
            ),
            None if interaction is not None else self.limit,
        )
        if answer is not None and not isinstance(answer, Credential):
            raise self._wrong("authenticate", f"answered a {type(answer).__name__} instead of a Credential")
        return answer

    def resolve_link(
        self, account: Account, references: Sequence[Reference], credential: Credential | None, http: Http
    ) -> list[Outcome]:
        """Ask where `references` are; return one outcome for each, in their order."""
        answer = self._call(
            "resolve_link",
            account,
            credential,
            lambda: self.loaded.hooks.resolve_link(
                account=account, references=tuple(references), credential=credential, http=http
            ),
            self.limit,
        )
        if answer is None:
            raise self._wrong("resolve_link", "does not answer for its own account")
        if not isinstance(answer, Sequence) or isinstance(answer, str) or len(answer) != len(references):
            given = f"{len(answer)} outcomes" if isinstance(answer, Sequence) else f"a {type(answer).__name__}"
            raise self._wrong("resolve_link", f"answered {given} for {len(references)} references")
        pairs = zip(references, answer, strict=True)
        outcomes = [self._checked(account, reference, outcome) for reference, outcome in pairs]
        for outcome in outcomes:
            if isinstance(outcome, DownspoutError):
                mask(outcome, account, credential)
        return outcomes

    def _checked(self, account: Account, reference: Reference, outcome: object) -> Outcome:
        if isinstance(outcome, Link):
            known = outcome.reference is reference or outcome.reference == reference
            return outcome if known else evolve(outcome, reference=reference)
        if isinstance(outcome, Folder):
            inside = [child.reference for child in outcome.children]
            inside += [outcome.more] if outcome.more is not None else []
            if any(child.account != account.name for child in inside):
                return self._wrong("resolve_link", "answered a folder with references of another account")
            return outcome
        if isinstance(outcome, DownspoutError):
            return outcome
        return self._wrong("resolve_link", f"answered a {type(outcome).__name__} for {reference.shown}")

    def open_stream(
        self,
        account: Account,
        link: Link,
        credential: Credential | None,
        start: int,
        stop: int | None,
        etag: str | None,
        http: Http,
    ) -> Stream:
        """Ask for bytes."""
        answer = self._call(
            "open_stream",
            account,
            credential,
            lambda: self.loaded.hooks.open_stream(
                account=account, link=link, credential=credential, start=start, stop=stop, etag=etag, http=http
            ),
            self.limit,
        )
        if answer is None:
            raise self._wrong("open_stream", "has no way to open its own link")
        if not isinstance(answer, Stream):
            raise self._wrong("open_stream", f"answered a {type(answer).__name__} instead of a Stream")
        return answer

    def sign_off(self, account: Account, credential: Credential, http: Http) -> None:
        """Have the service take back `credential`, if the provider knows how."""
        function = self.loaded.provider.sign_off
        if function is not None:
            self._call("sign_off", account, credential, lambda: function(account, credential, http), self.limit)

    def _call(
        self,
        hook: str,
        account: Account,
        credential: Credential | None,
        function: Callable[[], T],
        limit: float | None,
    ) -> T:
        begun = time.monotonic()
        try:
            if hook in self.loaded.alone:
                return function()  # no foreign code: its own time limits hold, and no thread is needed
            return self.workers.call(function, limit)
        except DownspoutError as exc:
            mask(exc, account, credential)
            _log.debug("%s(%s) raised %s: %s", hook, account.name, type(exc).__name__, exc.message)
            raise
        except TimeLimitExceeded as exc:
            raise self._wrong(hook, f"did not answer within {limit:g} s and was abandoned") from exc
        except KeyboardInterrupt:
            raise
        except BaseException as exc:
            raise self._wrong(hook, f"raised {type(exc).__name__}") from exc
        finally:
            if _log.isEnabledFor(logging.DEBUG):
                _log.debug("%s(%s) took %.1f ms", hook, account.name, (time.monotonic() - begun) * 1000)

    def _wrong(self, hook: str, what: str) -> PluginError:
        name = self.loaded.provider.name
        return PluginError(
            f"The plugin {name} is broken: its {hook} {what}.",
            hint="Report it to the plugin's authors; --debug shows where it happened.",
        )


def mask(error: DownspoutError, account: Account, credential: Credential | None) -> None:
    """Take the account's own secrets out of an error: services repeat what they were sent.

    Secrets that a file or a command gives are not fetched for this; where one was sent, the credential has it.
    """
    values = [*account.settings.values(), *(credential.values.values() if credential is not None else ())]
    secrets = [value.reveal() for value in values if type(value) is Secret]
    error.message = redact(error.message, secrets)
    error.hint = redact(error.hint, secrets) if error.hint else error.hint
    error.args = (error.message,)
