"""What people see while documents come down. Always on standard error."""

import os
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, Self

import click

from downspout._cli.common import human, report, say, visible
from downspout._models import Progress, Result

if TYPE_CHECKING:
    from rich.console import RenderableType

    from downspout.errors import DownspoutError

_MOST_SHOWN = 6
_PER_SECOND = 8
_SAMPLES = 5 * _PER_SECOND
"""The rate is that of the last five seconds."""
_NARROW, _NARROWEST_BAR, _ROW_BAR, _WIDEST_BAR = 60, 10, 16, 40
_ENOUGH_TO_TELL = 3
"""Before so many documents are done, nobody can tell how long the rest will take."""


class Display(Protocol):
    """Shows progress; a context."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...
    def progress(self, progress: Progress) -> None:
        """A document got further; called by several threads."""

    def ended(self, result: Result) -> None:
        """A document is there, or is not."""

    def show(self, text: str) -> None:
        """Write a result to standard output."""

    def close(self, summary: Mapping[str, Any]) -> None:
        """Everything is over."""


def display_for(*, quiet: bool, verbose: bool, total: int | None = None) -> Display:
    """Return the display that fits the terminal, if there is one; `total` is how many documents, if known."""
    terminal = sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"
    if quiet:
        return Lines(failures_only=True)
    return Live(total) if terminal else Lines(failures_only=not verbose)


class _News:
    """What was not said yet: a call that failed as a whole is one failure of many documents."""

    def __init__(self) -> None:
        self._last: DownspoutError | None = None

    def of(self, result: Result) -> "DownspoutError | None":
        """Return the error of `result`, unless it is the one that the result before had."""
        before, self._last = self._last, result.error
        return None if result.error is before else result.error


class Lines:
    """Failures as they happen, and a summary: for logs, pipes and plain terminals."""

    def __init__(self, *, failures_only: bool) -> None:
        self._failures_only = failures_only
        self._quiet = failures_only
        self._news = _News()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def progress(self, progress: Progress) -> None:
        """See `Display`."""

    def ended(self, result: Result) -> None:
        """See `Display`."""
        if result.status == "failed":
            if (error := self._news.of(result)) is not None:
                report(error)
        elif not self._failures_only:
            say(f"{result.status}: {result.uri} ({human(result.size)}, verified by {result.verified})")

    def show(self, text: str) -> None:
        """See `Display`."""
        click.echo(text)

    def close(self, summary: Mapping[str, Any]) -> None:
        """See `Display`."""
        if not self._quiet or summary["failed"] or summary["left"]:
            say(summary_line(summary))


def summary_line(summary: Mapping[str, Any]) -> str:
    """Return what a run came to, in one line."""
    parts = [f"{summary[name]} {name}" for name in ("ok", "skipped", "failed", "left") if summary[name]]
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(summary["kinds"].items()))
    seconds = max(summary["seconds"], 0.001)
    rate = f"{human(summary['bytes'])} in {seconds:.1f} s ({human(summary['bytes'] / seconds)}/s)"
    return f"{', '.join(parts) or 'nothing to do'}{f' ({kinds})' if kinds else ''}; {rate}"


class Live:
    """A bar for everything and a line for each active document, on a terminal.

    Args:
        total: how many documents were asked for, or `None` if nobody knows; folders may hold more.
    """

    def __init__(self, total: int | None) -> None:
        from rich.console import Console
        from rich.live import Live as RichLive

        self._lock = threading.Lock()
        self._active: dict[str, Progress] = {}
        self._counts: Counter[str] = Counter()
        self._total = total
        self._bytes_done = 0
        self._begun = time.monotonic()
        self._samples: deque[tuple[float, int]] = deque(maxlen=_SAMPLES)
        self._console = Console(stderr=True, highlight=False)
        self._live = RichLive(
            console=self._console,
            refresh_per_second=_PER_SECOND,
            transient=True,
            get_renderable=self._render,
            redirect_stdout=False,
        )
        self._same_screen = sys.stdout is not None and sys.stdout.isatty()
        self._waiting: list[str] = []
        self._news = _News()
        self._shown_at = 0.0

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def progress(self, progress: Progress) -> None:
        """See `Display`."""
        with self._lock:
            if progress.phase != "done":
                self._active[str(progress.reference)] = progress

    def ended(self, result: Result) -> None:
        """See `Display`."""
        with self._lock:
            self._counts[result.status] += 1
            self._active.pop(str(result.reference), None)
            if result.status == "ok":
                self._bytes_done += result.transferred
        error = self._news.of(result) if result.status == "failed" else None
        if error is not None:
            hint = f" {error.hint}" if error.hint else ""
            self._flush()
            self._above(visible(f"downspout: {error.message}{hint}"), style="red")

    def show(self, text: str) -> None:
        """See `Display`. What goes to the same screen is written above the bar, a screenful at a time."""
        if not self._same_screen:
            click.echo(text)
            return
        self._waiting.append(text)
        if time.monotonic() - self._shown_at > 1 / _PER_SECOND:
            self._flush()

    def _flush(self) -> None:
        self._shown_at = time.monotonic()
        waiting, self._waiting = self._waiting, []
        if waiting:
            self._above("\n".join(waiting))

    def _above(self, text: str, style: str = "") -> None:
        self._console.print(text, style=style, markup=False, soft_wrap=True)

    def close(self, summary: Mapping[str, Any]) -> None:
        """See `Display`."""
        self._flush()
        self._live.stop()
        style = "red" if summary["failed"] or summary["left"] else "green"
        self._console.print(summary_line(summary), style=style, markup=False)

    def _render(self) -> "RenderableType":
        from rich.console import Group

        with self._lock:
            active = list(self._active.values())
            counts, total = Counter(self._counts), self._total
            done = self._bytes_done + sum(progress.done for progress in active)
        self._samples.append((time.monotonic(), done))
        width = self._console.width
        rows = [self._overall(counts, len(active), total, done, width)]
        rows += [_row(progress, width) for progress in active[:_MOST_SHOWN]]
        if len(active) > _MOST_SHOWN:
            rows.append(_line(f"  and {len(active) - _MOST_SHOWN} more", width))
        return Group(*rows)

    def _overall(
        self, counts: Counter[str], active: int, total: int | None, done: int, width: int
    ) -> "RenderableType":
        from rich.progress_bar import ProgressBar
        from rich.table import Table

        finished = sum(counts.values())
        whole = None if total is None else max(total, finished + active)
        left = self._seconds_left(finished, whole)
        text = _that_fits(
            width,
            f"{finished}" if whole is None else f"{finished} of {whole}",
            f"{counts['failed']} failed" if counts["failed"] else "",
            human(done),
            f"{human(self._rate())}/s",
            f"{_clock(left)} left" if left is not None else "",
        )
        room = width - len(text) - 2
        if whole is None or room < _NARROWEST_BAR:
            return _line(text, width, style="bold")
        table = Table.grid(padding=(0, 1))
        table.add_row(
            ProgressBar(total=whole, completed=finished, width=min(room, _WIDEST_BAR)), _line(text, width)
        )
        return table

    def _rate(self) -> float:
        (since, before), (now, after) = self._samples[0], self._samples[-1]
        return max(0.0, (after - before) / (now - since)) if now - since > 0.1 else 0.0

    def _seconds_left(self, finished: int, whole: int | None) -> float | None:
        passed = time.monotonic() - self._begun
        if whole is None or finished < _ENOUGH_TO_TELL or passed < 1:
            return None
        return passed / finished * (whole - finished)


def _that_fits(width: int, *parts: str) -> str:
    """Return the parts, the first ones first, as far as there is room for them."""
    text = ""
    for part in filter(None, parts):
        longer = f"{text}, {part}" if text else part
        if text and len(longer) > width:
            break
        text = longer
    return text


def _row(progress: Progress, width: int) -> "RenderableType":
    """Return the line of one active document, cut to what a terminal of `width` has room for."""
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    name = visible(progress.name or progress.reference.shown)
    state: str = progress.phase
    if state == "downloading":
        state = human(progress.done)
        state += "" if progress.size is None else f" of {human(progress.size)}"
    if width < _NARROW:
        room = max(6, width - len(state) - 4)
        return _line(f"  {_cut(name, room)}  {state}", width)
    room = max(10, min(40, width - 44))
    bar: RenderableType = Text(" " * _ROW_BAR)
    if progress.phase != "resolving":
        bar = ProgressBar(
            total=progress.size or None, completed=progress.done, width=_ROW_BAR, pulse=progress.size is None
        )
    table = Table.grid(padding=(0, 1))
    table.add_row("  " + _cut(name, room), bar, _line(state, width))
    return table


def _cut(name: str, room: int) -> str:
    """Return a name in exactly `room` columns; what is too long loses its middle: ends tell documents apart."""
    from rich.cells import cell_len, set_cell_size

    if cell_len(name) <= room:
        return set_cell_size(name, room)
    tail = name[-(room // 2) :]
    while cell_len(tail) > room // 2:
        tail = tail[1:]
    return set_cell_size(name, room - 1 - cell_len(tail)) + "…" + tail


def _line(text: str, width: int, style: str = "") -> "RenderableType":
    from rich.text import Text

    line = Text(text, style=style, no_wrap=True)
    line.truncate(width)
    return line


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
