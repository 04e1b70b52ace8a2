"""What people see while a batch runs, on terminals of several kinds and on what is none."""

import logging
import re
import time

import pytest

from downspout import Reference, Result
from downspout._cli import display
from downspout._cli.display import Live, display_for, summary_line
from downspout._models import Progress
from downspout.errors import NotFound
from downspout.testing import Delay

from .rig import content, plain

RUNNING = re.compile(r"(\d+) of 41, (1 failed, )?[\d.]+ [KM]?i?B, ")


@pytest.fixture
def batch(shell, depot):
    """A batch that takes a second, with a failure and a document that is slower than the others."""
    depot.latency = 0.02
    depot.script("/files/d7", [Delay(0.8)])
    shell.list_of("depot:gone", *(f"depot:d{number}" for number in range(40)))
    return "get", "-i", "list.txt", "-d", "out", "-j", "3"


def test_a_terminal_shows_a_bar_what_is_active_failures_and_a_summary(shell, batch):
    ran = shell.in_terminal(*batch, columns=110)
    text = plain(ran.out)
    assert ran.status == 1
    assert RUNNING.search(text)
    assert "━" in text
    assert "\x1b[" in ran.out
    assert "downspout: depot:gone: there is no such document. Check its name." in text
    assert "d7.bin" in text
    assert re.search(r"40 ok, 1 failed \(1 not-found\); 39\.1 KiB in [\d.]+ s", text)
    for number in range(40):
        assert text.count(f"out/d{number}.bin\r\n") == 1


def test_a_narrow_terminal_has_no_line_that_wraps(shell, batch):
    ran = shell.in_terminal(*batch, columns=40)
    text = plain(ran.out)
    assert "40 ok, 1 failed" in text.replace("\r\n", " ")
    rows = [row for row in re.split(r"[\r\n]+", text) if " of 41" in row or row.startswith("  ")]
    assert rows
    assert max(map(len, rows)) <= 40


def test_a_terminal_without_colours_shows_none(shell, batch):
    ran = shell.in_terminal(*batch, env={"NO_COLOR": "1"})
    assert RUNNING.search(plain(ran.out))
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", ran.out)


def test_a_terminal_that_can_nothing_gets_lines(shell, batch):
    ran = shell.in_terminal(*batch, env={"TERM": "dumb"})
    assert "\x1b" not in ran.out
    assert "━" not in ran.out
    assert "downspout: depot:gone" in ran.out
    assert "40 ok, 1 failed" in ran.out


def test_what_is_no_terminal_gets_lines(shell, batch):
    ran = shell.run(*batch)
    assert "\x1b" not in ran.everything
    assert "\r" not in ran.everything
    assert len(ran.err.splitlines()) == 2


def test_results_go_where_standard_output_goes(shell, batch):
    with (shell.folder / "results.txt").open("wb") as file:
        ran = shell.in_terminal(*batch, stdout=file.fileno())
    assert RUNNING.search(plain(ran.out))
    lines = (shell.folder / "results.txt").read_text().splitlines()
    assert sorted(lines) == sorted(f"out/d{number}.bin" for number in range(40))
    assert "out/" not in plain(ran.out)


def test_json_on_a_terminal_is_whole_lines(shell, batch):
    text = plain(shell.in_terminal(*batch, "--json", columns=500).out)
    assert len(re.findall(r'\{"index": \d+, .*"error": null\}\r\n', text)) == 40
    assert '{"summary": {' in text


def test_quiet_is_silent_on_a_terminal_too(shell, depot):
    ran = shell.in_terminal("get", "depot:d1", "-q")
    assert plain(ran.out) == "d1.bin\r\n"


def test_log_lines_stay_above_the_bar(shell, batch):
    text = plain(shell.in_terminal(*batch, "--debug").out)
    assert text.count("resolve_link(depot) took") >= 1


def test_names_cannot_move_the_cursor(shell, depot):
    depot.facts["d1"] = {"name": "evil\x1b[2J\x07.bin"}
    depot.script("/files/d1", [Delay(0.5)])
    ran = shell.in_terminal("get", "depot:d1")
    assert "\x1b[2J" not in ran.out
    assert "\x07" not in ran.out


def test_an_interrupt_leaves_the_terminal_as_it_was(shell, batch):
    import signal

    ran = shell.in_terminal(*batch, signal=("of 41", signal.SIGINT))
    assert ran.status == 130
    assert ran.out.count("\x1b[?25l") == ran.out.count("\x1b[?25h")
    assert " left" in plain(ran.out).splitlines()[-1]


def test_a_summary_is_one_line():
    facts = {"ok": 2, "skipped": 1, "failed": 3, "left": 4, "bytes": 4096, "seconds": 2.0}
    kinds = {"exists": 1, "authentication": 2}
    assert (
        summary_line(facts | {"kinds": kinds})
        == "2 ok, 1 skipped, 3 failed, 4 left (2 authentication, 1 exists); 4.0 KiB in 2.0 s (2.0 KiB/s)"
    )
    nothing = dict.fromkeys(facts, 0) | {"kinds": {}}
    assert summary_line(nothing).startswith("nothing to do; 0 B in")


def progress(name, done=0, size=None, phase="downloading", shown=None):
    return Progress(Reference("depot", name), phase, done, size, shown)


def rendered(live, width):
    from rich.console import Console

    console = Console(width=width, force_terminal=True, color_system=None, legacy_windows=False)
    live._console = console
    with console.capture() as capture:
        console.print(live._render())
    return plain(capture.get()).splitlines()


@pytest.fixture
def live():
    return Live(100)


@pytest.mark.parametrize("width", [20, 30, 59, 60, 80, 200])
def test_no_row_is_wider_than_the_terminal(live, width):
    live.progress(progress("a", 5, 10, shown="発票" * 60 + ".pdf"))
    live.progress(progress("b" * 300, 5 << 40))
    live.progress(progress("c", 10, 10, phase="verifying", shown="c.bin"))
    live.progress(progress("d", phase="resolving"))
    from rich.cells import cell_len

    assert max(cell_len(row) for row in rendered(live, width)) <= width


def test_only_a_few_active_documents_are_shown(live):
    for number in range(20):
        live.progress(progress(f"d{number}"))
    rows = rendered(live, 80)
    assert len(rows) == display._MOST_SHOWN + 2
    assert rows[-1].strip() == "and 14 more"


def test_long_names_keep_their_ends(live):
    live.progress(progress("x", 1, 2, shown="Quarterly report of the northern branch, final version 7.pdf"))
    row = rendered(live, 80)[1]
    assert "Quarterly" in row
    assert "7.pdf" in row
    assert "…" in row


def test_what_ended_is_no_longer_active(live, capsys):
    live.progress(progress("a", 5, 10))
    live.ended(Result(Reference("depot", "a"), "ok", size=10, transferred=10))
    live.progress(progress("a", 10, 10, phase="done"))
    assert len(rendered(live, 80)) == 1
    assert "1 of 100" in rendered(live, 80)[0]
    live.ended(Result(Reference("depot", "b"), "failed", error=NotFound("depot:b: gone.", hint="Ask.")))
    assert "2 of 100, 1 failed" in rendered(live, 80)[0]


def test_more_documents_than_lines_raise_the_total():
    live = Live(1)
    for number in range(3):
        live.progress(progress(f"d{number}"))
    assert "0 of 3" in rendered(live, 80)[0]


def test_nobody_knows_how_many_a_pipe_will_give():
    live = Live(None)
    live.progress(progress("a", 5, 10))
    (overall, _) = rendered(live, 80)
    assert overall.startswith("0, 5 B, ")
    assert "left" not in overall


def test_the_time_left_is_told_once_it_can_be(live, monkeypatch):
    begun = time.monotonic()
    for number in range(10):
        live.ended(Result(Reference("depot", str(number)), "ok", transferred=10))
    assert "left" not in rendered(live, 100)[0]
    live._begun = begun - 10
    assert "1:30 left" in rendered(live, 100)[0]
    live._begun = begun - 1000
    assert "2:30:00 left" in rendered(live, 100)[0]


def test_the_rate_is_that_of_the_last_seconds(live):
    live._samples.clear()
    live._samples.extend([(0.0, 0), (10.0, 10 << 20)])
    assert live._rate() == 1 << 20
    live._samples.clear()
    live._samples.append((0.0, 0))
    assert live._rate() == 0.0


def test_without_standard_error_there_are_lines(monkeypatch):
    monkeypatch.setattr("sys.stderr", None)
    assert isinstance(display_for(quiet=False, verbose=False), display.Lines)


def test_a_list_from_a_terminal_has_no_known_length(shell):
    ran = shell.in_terminal("get", "-i", "-", answers={"": "depot:d1\n\x04"})
    assert ran.status == 0
    assert "1 ok" in plain(ran.out)


def test_a_log_without_standard_error_is_nowhere(monkeypatch):
    from downspout._cli.logs import StderrHandler

    monkeypatch.setattr("sys.stderr", None)
    StderrHandler().emit(logging.LogRecord("downspout", logging.INFO, __file__, 1, "text", (), None))


def test_documents_of_the_screens_are_right(shell, batch):
    shell.in_terminal(*batch)
    assert shell.files("out") == {f"d{number}.bin": content(f"d{number}") for number in range(40)}
