"""What people see while documents come down. Always on standard error."""

import os
import sys
import threading
import time
from collections.abc import Mapping
from typing import Any, Protocol, Self

from downspout._cli.common import human, report, say, visible
from downspout._models import Progress, Result

_MOST_SHOWN = 6


class Display(Protocol):
    """Shows progress; a context."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...
    def progress(self, progress: Progress) -> None:
        """A document got further; called by several threads."""

    def ended(self, result: Result) -> None:
        """A document is there, or is not."""

    def close(self, summary: Mapping[str, Any]) -> None:
        """Everything is over."""


def display_for(*, quiet: bool, verbose: bool) -> Display:
    """Return the display that fits the terminal, if there is one."""
    terminal = sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"
    if quiet:
        return Lines(failures_only=True)
    return Live() if terminal else Lines(failures_only=not verbose)


class Lines:
    """Failures as they happen, and a summary: for logs, pipes and plain terminals."""

    def __init__(self, *, failures_only: bool) -> None:
        self._failures_only = failures_only
        self._quiet = failures_only

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def progress(self, progress: Progress) -> None:
        """See `Display`."""

    def ended(self, result: Result) -> None:
        """See `Display`."""
        if result.status == "failed" and result.error is not None:
            report(result.error)
        elif not self._failures_only:
            say(f"{result.status}: {result.uri} ({human(result.size)}, verified by {result.verified})")

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
    """A bar for everything and a line for each active document, on a terminal."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.live import Live as RichLive

        self._console = Console(stderr=True, highlight=False)
        self._live = RichLive(
            console=self._console, refresh_per_second=8, transient=True, get_renderable=self._render
        )
        self._lock = threading.Lock()
        self._active: dict[str, Progress] = {}
        self._finished = 0
        self._bytes_done = 0
        self._begun = time.monotonic()

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def progress(self, progress: Progress) -> None:
        """See `Display`."""
        key = str(progress.reference)
        with self._lock:
            if progress.phase == "done":
                self._active.pop(key, None)
            else:
                self._active[key] = progress

    def ended(self, result: Result) -> None:
        """See `Display`."""
        with self._lock:
            self._finished += 1
            self._active.pop(str(result.reference), None)
            if result.status == "ok":
                self._bytes_done += result.transferred
        if result.status == "failed" and result.error is not None:
            hint = f" {result.error.hint}" if result.error.hint else ""
            self._console.print(visible(f"downspout: {result.error.message}{hint}"), style="red", markup=False)

    def close(self, summary: Mapping[str, Any]) -> None:
        """See `Display`."""
        self._live.stop()
        style = "red" if summary["failed"] or summary["left"] else "green"
        self._console.print(summary_line(summary), style=style, markup=False)

    def _render(self) -> Any:
        from rich.console import Group
        from rich.text import Text

        with self._lock:
            active = list(self._active.values())
            done = self._bytes_done + sum(progress.done for progress in active)
            finished = self._finished
        seconds = max(time.monotonic() - self._begun, 0.001)
        width = self._console.width
        head = f"{finished} done, {len(active)} active, {human(done)}, {human(done / seconds)}/s"
        rows = [Text(head[:width], style="bold", no_wrap=True)]
        rows += [self._row(progress, width) for progress in active[:_MOST_SHOWN]]
        if len(active) > _MOST_SHOWN:
            rows.append(Text(f"  and {len(active) - _MOST_SHOWN} more"[:width]))
        return Group(*rows)

    def _row(self, progress: Progress, width: int) -> Any:
        from rich.cells import set_cell_size
        from rich.progress_bar import ProgressBar
        from rich.table import Table

        name = visible(progress.name or progress.reference.shown)
        room = max(10, min(40, width - 34))
        table = Table.grid(padding=(0, 1))
        bar = ProgressBar(
            total=progress.size or None, completed=progress.done, width=max(6, min(20, width - room - 14))
        )
        amount = f"{human(progress.done)} of {human(progress.size)}" if width > 70 else human(progress.done)
        table.add_row(
            "  " + set_cell_size(name, room), bar, amount if progress.phase == "downloading" else progress.phase
        )
        return table
