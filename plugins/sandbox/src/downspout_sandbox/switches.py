"""Switches: what the sandbox can be asked to do wrong, or sooner, or slower.

The general ones stand here. A service declares its own the same way, in a frozen attrs class called `Switches`;
outside they carry the service's name as a prefix (`koodrive_old_links`), inside they do not.
"""

import types
import typing
from collections.abc import Collection, Iterator, Mapping

import attrs

Value = bool | int | float | str | None


def switch(default: Value, text: str, choices: Collection[str] = ()) -> typing.Any:
    """Declare one switch of a `Switches` class.

    Args:
        default: What holds when nobody asks for anything else.
        text: One sentence for `--help` and the README.
        choices: The values that it can have; empty: any.
    """
    return attrs.field(default=default, metadata={"help": text, "choices": choices})


@attrs.frozen
class Switches:
    """What every service can do.

    "A document's answer" is one that carries a document's bytes; the others are the service's own calls.
    `faults_at` names endpoints, separated by commas (`koodrive-store`); empty: all of them.
    """

    link_life: float | None = switch(None, "Seconds that a link lives; none: as long as the service says.")
    token_life: float | None = switch(None, "Seconds that a token lives; none: as long as the service says.")
    token_uses: int | None = switch(None, "Calls after which the first token of each account has expired.")
    fail_every: int = switch(0, "Every n-th request fails with `fail_status`; 0: none.")
    fail_first: int = switch(0, "The first n requests fail with `fail_status`.")
    fail_status: int = switch(503, "The status of a request that fails.")
    throttle_every: int = switch(0, "Every n-th request is answered 429 with `Retry-After`; 0: none.")
    retry_after: str = switch("1", "The value of `Retry-After`, as it stands; empty: no such header.")
    faults_at: str = switch("", "The endpoints where requests fail, wait and are throttled; empty: all.")
    latency: float = switch(0.0, "Seconds to wait before each answer.")
    cut_after: int | None = switch(None, "Close the connection after so many bytes of a document's answer.")
    cut_times: int | None = switch(None, "How many of the documents' answers are cut or stall; none: all.")
    stall_after: int | None = switch(None, "Fall silent after so many bytes of a document's answer.")
    rate: int = switch(0, "Bytes per second on each connection that carries a document; 0: no limit.")
    clock_skew: float = switch(0.0, "Seconds by which the services' clocks are ahead of this machine's.")
    ignore_range: bool = switch(False, "Answer 200 with everything to a request for a range.")
    ignore_if_range: bool = switch(False, "Answer a range even when `If-Range` names other bytes.")
    no_etag: bool = switch(False, "Send documents without `ETag`.")
    no_length: bool = switch(False, "Send documents in chunks, without `Content-Length`.")
    change_after: int | None = switch(None, "After so many answers that carry a document, that document changes.")
    login_page: bool = switch(False, "Answer 200 with an HTML page for signing in instead of a document.")
    redirect: bool = switch(False, "Answer 302 with another origin's address to a request for a document.")
    large_size: int = switch(20 * 2**20, "Bytes of the document `large`.")
    small_count: int = switch(1000, "How many small documents the folder `Batch` lists.")
    sign_in: bool = switch(False, "Leave tokens out of the environment, so that the client has to sign in.")


def describe(kind: type, prefix: str = "") -> Iterator[tuple[str, Value, str]]:
    """Yield the outer name, the default and the help of each switch of a class."""
    for field in attrs.fields(kind):
        yield prefix + field.name, field.default, field.metadata["help"]


def typed(kind: type, values: Mapping[str, object]) -> dict[str, Value]:
    """Give values their switches' types; text (from a header, an option, JSON) is read as what the switch is.

    Raises:
        KeyError: A name that is no switch of `kind`.
        ValueError: A value that its switch cannot have.
    """
    hints = typing.get_type_hints(kind)
    found = {name: _convert(name, hints[name], value) for name, value in values.items()}
    for field in attrs.fields(kind):
        choices = field.metadata["choices"]
        if choices and found.get(field.name, field.default) not in choices:
            shown = ", ".join(choices).removeprefix(", ")
            raise ValueError(f"The switch {field.name} is one of {shown}, not {found[field.name]}.")
    return found


def _convert(name: str, hint: object, value: object) -> Value:
    wanted = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    if value is None or (isinstance(value, str) and value.lower() in {"", "none"} and type(None) in wanted):
        if type(None) in wanted:
            return None
        raise ValueError(f"The switch {name} needs a value.")
    if bool in wanted:
        return _boolean(name, value)
    for number in (int, float):
        if number in wanted:
            return _number(name, number, value)
    return str(value)


def _number(name: str, kind: type[int] | type[float], value: object) -> int | float:
    try:
        return kind(str(value))
    except ValueError:
        raise ValueError(f"The switch {name} is a number, not {value}.") from None


def _boolean(name: str, value: object) -> bool:
    text = str(value).lower()
    if text in {"1", "true", "yes", "on"}:
        return True
    if text in {"0", "false", "no", "off"}:
        return False
    raise ValueError(f"The switch {name} is on or off.")
