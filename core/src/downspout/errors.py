"""The failures that downspout knows: one class per reaction of the caller.

```
DownspoutError(message, *, hint=None)      .kind  .retryable
├── InvalidURI (also ValueError)   mend the URI
├── ConfigurationError             mend a setting
├── NoProvider                     install a plugin
├── AuthenticationError            log in
├── PermissionDenied               ask the owner
├── NotFound                       give up
├── LinkRefused                    ask for the link again (never the last word: see `final`)
├── RateLimited  .retry_after      wait
├── Unavailable  .retry_after      try again
├── IntegrityError                 discard what came
├── StorageError                   free space, choose another place
├── TargetExists                   choose another name
├── ProtocolError                  report: the service answered nonsense
├── PluginError                    report: a plugin broke its contract
└── Cancelled                      it was asked to stop
```

A message is one sentence that names the URI and no secret; a hint is an imperative that says what to do next.
"""

from typing import Any, ClassVar, Self

from downspout._redact import redact

__all__ = [
    "AuthenticationError",
    "Cancelled",
    "ConfigurationError",
    "DownspoutError",
    "IntegrityError",
    "InvalidURI",
    "LinkRefused",
    "NoProvider",
    "NotFound",
    "PermissionDenied",
    "PluginError",
    "ProtocolError",
    "RateLimited",
    "StorageError",
    "TargetExists",
    "Unavailable",
]


class DownspoutError(Exception):
    """Something that downspout was asked for could not be done.

    Attributes:
        message: one sentence, with a full stop, without secrets. URLs in it lose their query values here,
            whoever wrote it.
        hint: what to do about it, or `None`.
        kind: the class of failure as `--json` and the ledger name it.
        retryable: whether the same call may succeed a little later.
    """

    kind: ClassVar[str] = "plugin"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        self.message: str = redact(message)
        self.hint: str | None = redact(hint) if hint else None
        super().__init__(self.message)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by state: results travel between processes, and subclasses take keywords."""
        return _rebuild, (type(self), self.__dict__.copy())


def _rebuild(cls: type[DownspoutError], state: dict[str, Any]) -> DownspoutError:
    error = cls.__new__(cls)
    error.args = (state["message"],)
    error.__dict__.update(state)
    return error


class InvalidURI(DownspoutError, ValueError):
    """The text is no URI that downspout understands: mend it."""

    kind = "invalid-uri"


class ConfigurationError(DownspoutError):
    """A setting is missing, unknown, contradictory or in the wrong place: mend it."""

    kind = "configuration"


class NoProvider(DownspoutError):
    """No usable plugin answers for the account or the URL: install one."""

    kind = "no-provider"


class AuthenticationError(DownspoutError):
    """The service does not know who is asking, or no longer: sign in (again)."""

    kind = "authentication"


class PermissionDenied(DownspoutError):
    """The service, or a rule of ours, says no to whoever is asking: ask the owner."""

    kind = "permission"


class NotFound(DownspoutError):
    """There is no such document (or version, or part): give up."""

    kind = "not-found"


class LinkRefused(DownspoutError):
    """A link is dead, or was never good; a new one may help.

    Args:
        message: as for every `DownspoutError`.
        hint: as for every `DownspoutError`.
        final: the class that the failure has if a new link does not help either.
        expired: the link's time was over. That says nothing about the document, so such a refusal counts like any
            other failure that passes; without it, the second refusal in a row is believed.
    """

    kind = "permission"
    retryable = True

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        final: type[DownspoutError] = PermissionDenied,
        expired: bool = False,
    ) -> None:
        super().__init__(message, hint=hint)
        self.final: type[DownspoutError] = final
        self.expired: bool = expired

    def settle(self) -> DownspoutError:
        """Return the failure that this refusal stands for when no new link is to be had."""
        return self.final(self.message, hint=self.hint)


class _Later(DownspoutError):
    """A failure that passes; the service may have said when."""

    retryable = True

    def __init__(self, message: str, *, hint: str | None = None, retry_after: float | None = None) -> None:
        super().__init__(message, hint=hint)
        self.retry_after: float | None = retry_after


class RateLimited(_Later):
    """The service asks for patience: wait `retry_after` seconds (`None`: it did not say)."""

    kind = "rate-limited"


class Unavailable(_Later):
    """No answer, or one of trouble over there: try again, after `retry_after` seconds if it said so."""

    kind = "unavailable"


class IntegrityError(DownspoutError):
    """The bytes are not the document (size, digest, version, a sign-in page): discard them."""

    kind = "integrity"


class StorageError(DownspoutError):
    """The disk or the target does not take the bytes: free space, or choose another place."""

    kind = "storage"

    @classmethod
    def from_os(cls, doing: str, error: OSError) -> Self:
        """Return the error for `error`, met while `doing` ("writing report.pdf")."""
        reason = error.strerror or type(error).__name__
        return cls(f"{reason} while {doing}.", hint="Free space there, or choose another place with -d or -o.")


class TargetExists(DownspoutError):
    """Something has the target's name already: choose another, or say what to do with it."""

    kind = "exists"


class ProtocolError(DownspoutError):
    """The service answered in a way that its documentation does not explain: report it."""

    kind = "protocol"


class PluginError(DownspoutError):
    """A plugin broke its contract; the cause is attached: report it to the plugin's authors."""

    kind = "plugin"


class Cancelled(DownspoutError):
    """It was asked to stop, and did."""

    kind = "cancelled"
