"""Every block of code in the documentation runs, in the order of its page, against the emulated services.

What a block is says its language:

- `console`: commands behind `$ ` or, continued, `> `; the rest is what they print. A `…` in a line stands for any
  text; a line that is `…` alone stands for any number of lines. Times and speeds are not compared.
- `shell`: commands that have to succeed; those behind `! ` have to fail.
- `python`: a whole program, run by itself.
- `toml`: a configuration file that downspout has to accept, and whose accounts have to work out.
- `json`: one value, or one a line.
- `text`, `mermaid`: nothing to run.

A block that cannot run here has a comment before it that says why: `<!-- not run: REASON -->`.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from downspout import Client
from downspout_sandbox import Sandbox

ROOT = Path(__file__).resolve().parent.parent
ELSEWHERE = {"docs/writing-a-plugin.md"}  # a tutorial that builds up files: its own test follows it
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (ROOT / "README.md", *ROOT.glob("docs/**/*.md"))
    if path.relative_to(ROOT).as_posix() not in ELSEWHERE
)
SECONDS = 60
FENCE = re.compile(r"^( *)```(\w*)[^\n]*\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
REASON = re.compile(r"<!-- not run: (.{10,}?) -->\s*\Z", re.DOTALL)
CHANGING = re.compile(r"\b\d+(\.\d+)? (s|ms|([KMG]i)?B/s)(?!\w)|(?<=127\.0\.0\.1:)\d+")
MARK = "--8<-- next command --8<--"


class Block(NamedTuple):
    """One block of a page."""

    page: str
    line: int
    language: str
    text: str
    reason: str | None

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(page: str) -> Iterator[Block]:
    text = (ROOT / page).read_text("utf-8")
    for found in FENCE.finditer(text):
        indent = len(found[1])
        body = "".join(line[indent:] if line.strip() else "\n" for line in found[3].splitlines(keepends=True))
        reason = REASON.search(text, 0, found.start())
        line = text.count("\n", 0, found.start()) + 1
        yield Block(page, line, found[2], body, reason[1] if reason else None)


@pytest.fixture
def environment(tmp_path, monkeypatch):
    """The variables of somebody who has nothing of their own, at the emulated services."""
    kept = {name: os.environ[name] for name in ("LANG", "SYSTEMROOT", "VIRTUAL_ENV") if name in os.environ}
    home = tmp_path / "home"
    home.mkdir()
    with Sandbox() as sandbox:
        yield (
            kept
            | sandbox.environment
            | {
                "HOME": str(home),
                "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
                "PYTHONUTF8": "1",
                "PYTHONWARNINGS": "error",
                "COLUMNS": "100",
                "TERM": "dumb",
                "TZ": "UTC",
            }
        )


def run(arguments: list[str], folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        arguments,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
    )


class Session(NamedTuple):
    """Commands of a `console` block, each with what it has to print."""

    commands: list[str]
    expected: list[str]

    @classmethod
    def of(cls, text: str) -> "Session":
        commands: list[str] = []
        printed: list[list[str]] = []
        for line in text.splitlines():
            if line.startswith("$ "):
                commands.append(line[2:])
                printed.append([])
            elif line.startswith("> ") and not printed[-1]:
                commands[-1] += "\n" + line[2:]
            else:
                printed[-1].append(line)
        return cls(commands, ["\n".join(lines).strip() for lines in printed])

    def script(self) -> str:
        """Return the commands as one script that marks where each begins, and keeps `$?` in between."""
        between = f"status=$?; printf '\\n%s\\n' '{MARK}'; (exit $status)\n"
        return "".join(f"{between}{command}\n" for command in self.commands)


def pattern(expected: str) -> re.Pattern[str]:
    lines = []
    for line in CHANGING.sub("N", expected).splitlines():
        if line.strip() == "…":
            lines.append(r"(?:[^\n]*\n)*?")
        else:
            lines.append(".*?".join(re.escape(part.rstrip()) for part in line.split("…")) + r" *\n")
    return re.compile("".join(lines) + r"\Z")


def check_console(block: Block, folder: Path, environment: dict[str, str]) -> None:
    session = Session.of(block.text)
    assert session.commands, f"{block}: no command"
    ran = run(["sh", "-c", session.script()], folder, environment)
    printed = [part.strip() for part in ran.stdout.split(MARK)[1:]]
    for command, wanted, got in zip(session.commands, session.expected, printed, strict=True):
        matches = pattern(wanted).match(CHANGING.sub("N", got) + "\n" if got else "")
        assert matches, f"{block}: $ {command}\n--- the page has\n{wanted}\n--- it prints\n{got}"


def check_shell(block: Block, folder: Path, environment: dict[str, str]) -> None:
    text = block.text.replace("\\\n", " ")
    failing = re.sub(
        r"^! (.*)$", r"if \1; then echo 'this should have failed'; exit 99; fi", text, flags=re.MULTILINE
    )
    ran = run(["sh", "-exc", failing], folder, environment)
    assert ran.returncode == 0, f"{block} ended with {ran.returncode}:\n{ran.stdout}"


def check_python(block: Block, folder: Path, environment: dict[str, str]) -> None:
    program = folder / f"block_{block.line}.py"
    program.write_text("\n" * block.line + block.text, "utf-8")  # so that a traceback has the page's line numbers
    ran = run([sys.executable, str(program)], folder, environment)
    assert ran.returncode == 0, f"{block} ended with {ran.returncode}:\n{ran.stdout}"


def check_toml(block: Block, folder: Path, environment: dict[str, str], monkeypatch) -> None:
    file = folder / f"block_{block.line}.toml"
    file.write_text(block.text, "utf-8")
    monkeypatch.setenv("DOWNSPOUT_CONFIG", str(file))
    monkeypatch.setenv("HOME", environment["HOME"])
    with Client.from_user_config() as client:
        for name in client.accounts.names():
            client.accounts.get(name)


def check_json(block: Block) -> None:
    try:
        json.loads(block.text)
    except ValueError:
        for line in block.text.splitlines():
            json.loads(line)


@pytest.mark.parametrize("page", PAGES)
def test_the_blocks_of_a_page_do_what_it_says(page, tmp_path, environment, monkeypatch):
    folder = tmp_path / "here"
    folder.mkdir()
    for block in blocks(page):
        if block.reason is not None or block.language in {"text", "mermaid"}:
            continue
        if block.language == "console":
            check_console(block, folder, environment)
        elif block.language == "shell":
            check_shell(block, folder, environment)
        elif block.language == "python":
            check_python(block, folder, environment)
        elif block.language == "toml":
            check_toml(block, folder, environment, monkeypatch)
        elif block.language == "json":
            check_json(block)
        else:
            pytest.fail(f"{block}: say what it is ({block.language!r} is nothing that can be checked)")


LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)\s]*)?\)")


@pytest.mark.parametrize("page", [*PAGES, *ELSEWHERE, "CONTRIBUTING.md", "SECURITY.md", "core/README.md"])
def test_a_page_links_to_what_is_there(page):
    if not (ROOT / page).exists():
        pytest.skip("not written yet")
    text = FENCE.sub("", (ROOT / page).read_text("utf-8"))
    missing = [link for link in LINK.findall(text) if not ((ROOT / page).parent / link).exists()]
    assert missing == []
