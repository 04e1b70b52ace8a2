"""What a failure means for a batch: wait for it, or not."""

from downspout._transfer import LONGEST_RETRY_AFTER
from downspout.errors import DownspoutError, RateLimited, Unavailable

_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 20.0


def asked_pause(error: DownspoutError) -> float | None:
    """Return the seconds that the service asks to wait, or `None` if it does not."""
    return error.retry_after if isinstance(error, RateLimited | Unavailable) else None


def is_too_long(error: DownspoutError) -> bool:
    """Return whether the service asks for more patience than a batch has."""
    return (asked_pause(error) or 0.0) > LONGEST_RETRY_AFTER


def may_wait(error: DownspoutError) -> bool:
    """Return whether the same call may succeed a little later."""
    return isinstance(error, RateLimited | Unavailable) and not is_too_long(error)


def pause_after(error: DownspoutError, failures: int) -> float:
    """Return the seconds to wait after so many failures in a row: as asked, or longer each time."""
    asked = asked_pause(error)
    return min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** (failures - 1)) if asked is None else asked
