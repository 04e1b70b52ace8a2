"""What a client is told once, in one value."""

from collections.abc import Callable, Mapping

from attrs import field, frozen

from downspout._accounts import AccountEntry
from downspout._models import Event


@frozen
class ClientSettings:
    """Limits and habits of a client.

    Attributes:
        timeout: seconds to connect, and without a byte; `None` waits for ever.
        retries: attempts in a row without progress.
        min_speed: bytes per second, over 30 s, below which a connection is given up; 0: never.
        limit_rate: bytes per second of all its documents together, or `None`.
        accept_html: whether a page of HTML will do under any name.
        hook_timeout: seconds that a plugin may take for one answer; `None`: four times `timeout`.
        trust_typed: whether URLs that are asked for come from the person at this machine, so that they may lead
            to private addresses and use plain http. Not so for what strangers type into an application.
        observer: called with typed events, or `None`.
    """

    timeout: float | None = 30.0
    retries: int = 5
    min_speed: float = 1.0
    limit_rate: float | None = None
    accept_html: bool = False
    hook_timeout: float | None = None
    trust_typed: bool = False
    observer: Callable[[Event], None] | None = None

    @property
    def hook_limit(self) -> float | None:
        """Seconds that one hook call may take, or `None`."""
        if self.hook_timeout is not None or self.timeout is None:
            return self.hook_timeout
        return 4 * self.timeout


@frozen
class Surroundings:
    """What a client knows of the machine; nothing, unless somebody says so.

    Attributes:
        environ: where variables are looked up.
        entries: the configured accounts.
        web: whether URLs that no provider claims go to the built-in `web`.
    """

    environ: Mapping[str, str] = field(factory=dict)
    entries: tuple[AccountEntry, ...] = ()
    web: bool = False
