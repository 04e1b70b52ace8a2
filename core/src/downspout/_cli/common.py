"""What the commands share: how things are said, and where."""

import contextlib
import json
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from datetime import datetime

    from downspout._client import Client
    from downspout.errors import DownspoutError

F = TypeVar("F", bound=Callable[..., Any])
if TYPE_CHECKING:
    _FloatType = click.ParamType[float]
else:  # older versions of click have no type to say what is parsed
    _FloatType = click.ParamType
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def visible(text: str) -> str:
    """Return `text` without what a terminal would act on: names and messages are a stranger's."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def say(text: str) -> None:
    """Write a message, one line, to standard error."""
    with contextlib.suppress(OSError):
        click.echo(visible(text), err=True)


def report(error: "DownspoutError") -> None:
    """Say what failed, and what to do about it, in one line."""
    say(f"downspout: {error.message}{' ' + error.hint if error.hint else ''}")
    trace(error)


def trace(error: BaseException) -> None:
    """With `--debug`: write where an error comes from, redacted."""
    import logging

    if logging.getLogger("downspout").isEnabledFor(logging.DEBUG) and error.__cause__ is not None:
        import traceback

        from downspout._redact import redact

        sys.stderr.write(redact("".join(traceback.format_exception(error.__cause__))))


def emit(value: object) -> None:
    """Write a result as one line of JSON to standard output, at once."""
    click.echo(as_line(value))


def as_line(value: object) -> str:
    """Return a value as one line of JSON."""
    return json.dumps(value, ensure_ascii=False)


def start_logging(*, debug: bool, verbose: bool = False) -> None:
    """Send log records to standard error, redacted: warnings, with `-v` more, with `--debug` all of ours."""
    import logging

    logger = logging.getLogger("downspout")
    wanted = logging.DEBUG if debug else logging.INFO if verbose else logging.WARNING
    if not logger.handlers:
        from downspout._cli.logs import StderrHandler

        logger.addHandler(StderrHandler())
        logger.propagate = False
        logger.setLevel(wanted)
    elif wanted < logger.level:
        logger.setLevel(wanted)


def debug_option(function: F) -> F:
    """Give a command the option `--debug`."""
    return click.option("--debug", is_flag=True, help="Trace hook calls on standard error, redacted.")(function)


def json_option(function: F) -> F:
    """Give a command the option `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON lines.")(function)


def closed_pipe() -> int:
    """Return the status for a reader that went away; nothing more is written to it."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 141


def user_client(**overrides: Any) -> "Client":
    """Return a client of the person at this shell."""
    from downspout._client import Client

    return Client.from_user_config(trust_typed=True, **overrides)


class Rate(_FloatType):
    """Bytes per second: a number, with `K`, `M` or `G` (binary) behind it."""

    name = "rate"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """See click."""
        text = str(value).strip().upper().removesuffix("/S").removesuffix("B").removesuffix("I")
        unit = text[-1:] if text[-1:] in {"K", "M", "G"} else ""
        try:
            rate = float(text.removesuffix(unit)) * _UNITS[unit]
        except ValueError:
            self.fail(f"{value!r} is no rate; write bytes per second, such as 500K or 2M.", param, ctx)
        if not 0 <= rate < 1e15:
            self.fail(f"{value!r} is no rate that makes sense.", param, ctx)
        return rate


def rfc3339(when: "datetime | None") -> str | None:
    """Return a time as `--json` has it: in UTC, to the second."""
    if when is None:
        return None
    from datetime import UTC

    return when.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def human(size: float | None) -> str:
    """Return bytes as people read them, in binary units."""
    if size is None:
        return "?"
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"
