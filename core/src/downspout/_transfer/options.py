"""What a caller wants of a transfer, in one value."""

from collections.abc import Callable

from attrs import field, frozen, validators

from downspout._models import Progress
from downspout._transfer.pace import Limiter
from downspout._transfer.part import Exists
from downspout.errors import DownspoutError

MOST_CONNECTIONS = 8


def _never() -> bool:
    return False


def _nobody(_: Progress) -> None:
    return None


def _unheard(_: DownspoutError) -> None:
    return None


@frozen
class Options:
    """How one document is brought down.

    Attributes:
        exists: what to do with what has the target's name.
        connections: how many at most, from the start; `None`: more than one where it helps, at most 8.
        sha256: the digest that the bytes must have, lower-case hex, or `None`.
        compute_hash: whether the SHA-256 is wanted though nothing is to be compared.
        accept_html: whether a page of HTML will do under any name.
        limiter: bound on the speed, or `None`.
        min_speed: bytes per second, over 30 s, below which a connection is given up; 0: never.
        retries: attempts in a row without progress.
        cancelled: whether to stop; looked at often.
        progress: told how far it is, at most ten times a second and at every change of phase.
        keep_leftovers: see `Part.finish`.
        longest_wait: seconds; a service that asks for a longer pause is not waited for, but an error.
        throttled: told when the service asks for patience.
    """

    exists: Exists = field(default="fail", validator=validators.in_(("fail", "skip", "overwrite", "rename")))
    connections: int | None = field(
        default=None, validator=validators.optional([validators.instance_of(int), validators.ge(1)])
    )
    sha256: str | None = field(default=None)
    compute_hash: bool = False
    accept_html: bool = False
    limiter: Limiter | None = None
    min_speed: float = 1.0
    retries: int = field(default=5, validator=[validators.instance_of(int), validators.ge(0)])
    cancelled: Callable[[], bool] = _never
    progress: Callable[[Progress], None] = _nobody
    keep_leftovers: bool = False
    longest_wait: float = 300.0
    throttled: Callable[[DownspoutError], None] = _unheard
