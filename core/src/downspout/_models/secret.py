"""A text that shows itself nowhere."""

from hmac import compare_digest
from typing import Any, NoReturn

SHOWN = "***"


class Secret:
    """A password, token or code: masked wherever it is shown, and never pickled.

    Args:
        value: the text itself; `reveal()` is the only way back to it.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the text. Call it where the secret leaves for its service, nowhere earlier."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret({SHOWN!r})"

    def __str__(self) -> str:
        return SHOWN

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __copy__(self) -> "Secret":
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> "Secret":
        return self

    def __reduce__(self) -> NoReturn:
        refuse_to_pickle("Secret")


def refuse_to_pickle(name: str) -> NoReturn:
    """Say why a `name` does not travel between processes.

    Raises:
        TypeError: always.
    """
    raise TypeError(
        f"A {name} is never pickled, so that no secret travels. "
        "Let each worker build its own Client from its own configuration."
    )
