"""The three questions that a provider answers. They are the whole plugin interface.

A plugin is a module with functions of these names, marked with `hookimpl`, and a value
`provider = Provider(…)`; its entry point in the group `downspout.providers` has the provider's name.

A hook answers `None` for "not mine", deciding by its first argument alone; it raises for "mine, and it failed".
Hooks run in daemon threads of the core's, in a copy of the caller's context variables, several at once, and
each within a time limit; one that exceeds it is abandoned, and what it answers later is dropped.
An implementation may leave out arguments that it does not need; none of them may have a default.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast, overload

import pluggy

from downspout._models import Account, Credential, Folder, Http, Interaction, Link, Reference, Stream
from downspout.errors import AuthenticationError, DownspoutError

__all__ = ["authenticate", "hookimpl", "one_by_one", "open_stream", "resolve_link"]

Hook = TypeVar("Hook", bound=Callable[..., Any])
Outcome = Link | Folder | DownspoutError
"""What becomes of one reference."""

_spec = pluggy.HookspecMarker("downspout")
_impl = pluggy.HookimplMarker("downspout")


@overload
def hookimpl(function: Hook) -> Hook: ...
@overload
def hookimpl(
    *, wrapper: bool = False, tryfirst: bool = False, trylast: bool = False
) -> Callable[[Hook], Hook]: ...


def hookimpl(
    function: Callable[..., Any] | None = None,
    *,
    wrapper: bool = False,
    tryfirst: bool = False,
    trylast: bool = False,
) -> Any:
    """Mark a function as the implementation of the hook that it is named after.

    Args:
        function: the implementation (`@hookimpl` without brackets).
        wrapper: for extensions: the function is a generator that yields once, gets the answer, and returns it.
        tryfirst: for extensions: wrap outside of those that do not say so.
        trylast: the opposite.
    """
    mark = _impl(wrapper=wrapper, tryfirst=tryfirst, trylast=trylast)
    return mark if function is None else mark(function)


@_spec(firstresult=True)
def authenticate(
    account: Account, refused: Credential | None, interaction: Interaction | None, http: Http
) -> Credential | None:
    """Who is asking?

    Called when `login` asks, and after `resolve_link` or `open_stream` raised `AuthenticationError`; never
    before it is needed, so public documents need no account. One call at a time for each account, in all
    processes that share a credential store.

    Args:
        account: whose credential; its settings hold what the user configured.
        refused: the credential that was just refused or has expired, so that refresh and trust tokens
            survive; when `login` asks, the one in hand, refused or not; `None` when there is none.
        interaction: somebody to ask, or `None` when nobody is there: then never prompt and never wait.
        http: sends the plugin's headers to the account's endpoints only.

    Returns:
        A new credential, or `None` if the account is not this plugin's.

    Raises:
        AuthenticationError: it cannot be had this way; the hint says what the user can do.
        ConfigurationError: a setting is missing or wrong.
        RateLimited: the service wants a pause between sign-ins.
        Unavailable: the service could not be reached.

    What does not hold: that the credential is stored afterwards (only `login` stores new ones), or that the
    previous one still works.
    """


@_spec(firstresult=True)
def resolve_link(
    account: Account, references: Sequence[Reference], credential: Credential | None, http: Http
) -> Sequence[Outcome] | None:
    """Where is it now?

    Called when a document is about to be brought down, and again when its link was refused. Calls for one
    account may run at the same time.

    Args:
        account: the account of all `references`.
        references: one or more, never more than the provider's `batch_size`.
        credential: what `authenticate` gave, or `None` if it was not asked (yet).
        http: sends the plugin's headers to the credential's origins (without one: the account's endpoints).

    Returns:
        Exactly one outcome for each reference, in their order: a `Link`, a `Folder`, or a `DownspoutError` *as
        a value*, so that one bad document never spoils its neighbours. `None` if the account is not this
        plugin's.

    Raises:
        AuthenticationError: a (new) credential is needed; the core gets one and asks again.
        RateLimited: the whole call has to wait.
        Unavailable: the whole call may be tried again.
        PermissionDenied: nobody of this account may ask.
        ProtocolError: the answer made no sense.

    What does not hold: that a link is used at once, or once, or at all.
    """


@_spec(firstresult=True)
def open_stream(
    account: Account,
    link: Link,
    credential: Credential | None,
    start: int,
    stop: int | None,
    etag: str | None,
    http: Http,
) -> Stream | None:
    """Give me bytes.

    Called once per connection: at the beginning, after an interruption with what is still missing, and for
    parts of a large document side by side. Implement it only where the service needs more than a plain
    request without a credential, which the core makes by itself, last in line.

    Args:
        account: the account of the link.
        link: what `resolve_link` answered.
        credential: as for `resolve_link`.
        start: position of the first byte wanted; negative, with `stop=None`: that many last bytes.
        stop: position behind the last byte wanted; `None`: to the end.
        etag: the strong validator of the bytes that are there already, or `None`.
        http: as for `resolve_link`.

    Returns:
        A stream that says where it starts and what it is. `start`, `stop` and `etag` may be ignored: the core
        compares. The core closes it. `None` if the account is not this plugin's.

    Raises:
        LinkRefused: a new link may help.
        AuthenticationError: a new credential may help.
        RateLimited: it has to wait.
        Unavailable: it may be tried again.
        NotFound: the document is gone.
        PermissionDenied: it may not be read.

    What does not hold: that the stream is read to its end.
    """


def one_by_one(
    resolve: Callable[..., Link | Folder | DownspoutError | None],
) -> Callable[..., Sequence[Outcome] | None]:
    """Make a plural `resolve_link` of a function that resolves one reference.

    For services that know no batches; the core then runs many calls at once (leave `batch_size` at 1).

    Args:
        resolve: takes `account, reference, credential, http`, all four; answers a `Link` or a `Folder`, or
            raises a `DownspoutError`, which becomes that reference's outcome.

    Returns:
        A function for `hookimpl`. An `AuthenticationError` goes up as it is, because a new credential helps
        the whole call.
    """

    def resolve_link(
        account: Account, references: Sequence[Reference], credential: Credential | None, http: Http
    ) -> Sequence[Outcome] | None:
        outcomes: list[Outcome | None] = []
        for reference in references:
            try:
                outcomes.append(resolve(account, reference, credential, http))
            except AuthenticationError:
                raise
            except DownspoutError as exc:
                outcomes.append(exc)
        return None if None in outcomes else cast("list[Outcome]", outcomes)

    resolve_link.__doc__ = resolve.__doc__
    resolve_link.__module__ = resolve.__module__
    return resolve_link
