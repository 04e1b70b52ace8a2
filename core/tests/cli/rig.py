"""A shell to run the command in, and a depot on loopback for it to speak to."""

import contextlib
import fcntl
import hashlib
import json
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

from downspout.testing import Answer, Document, FakeService, Pattern

TOKEN = "planted-token-0123456789"
SIGNATURE = "signature"  # the query parameter of a lying server's links
PLUGIN = Path(__file__).with_name("depot_plugin.py")
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|\x1b[=>]")


def content(name: str, size: int = 1000) -> bytes:
    return (hashlib.sha256(name.encode()).digest() * (size // 32 + 1))[:size]


@attrs.frozen
class Ran:
    """What a command came to.

    Attributes:
        status: its exit status; negative: ended by that signal.
        out: what it wrote to standard output.
        err: what it wrote to standard error.
        seconds: how long it took.
    """

    status: int
    out: str
    err: str
    seconds: float = 0.0

    @property
    def json(self) -> list[Any]:
        """Standard output, line by line, as JSON."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def everything(self) -> str:
        return self.out + self.err


class Depot(FakeService):
    """The service behind `depot_plugin`. Any document exists whose name begins with `d`.

    Attributes:
        facts: what it says of single documents.
        open: whether it wants no token.
        calls: the documents of each call.
    """

    def __init__(self, **server: Any) -> None:
        super().__init__(**server)
        self.facts: dict[str, Any] = {}
        self.is_open = True
        self.tokens = {TOKEN}
        self.calls: list[list[str]] = []
        self.logins: list[Any] = []
        self.link_facts: dict[str, Any] = {}
        self.gate = threading.Event()
        self.gate.set()
        self.post("/resolve")(self._resolve)
        self.post("/login")(self._login)

    def _login(self, request: Any) -> Any:
        asked = json.loads(request.body)
        self.logins.append(asked)
        if asked["password"] != "planted-password":
            return Answer.json({"error": "no"}, 401)
        self.tokens.add("planted-session")
        return {"token": "planted-session"}

    def _resolve(self, request: Any) -> Any:
        if not self.is_open and request.headers.get("x-depot-token") not in self.tokens:
            return Answer.json({"error": "who?"}, 401)
        asked = json.loads(request.body)["documents"]
        self.calls.append([document for document, _, _ in asked])
        self.gate.wait(30)
        return [self._fact(document, hint) for document, hint, _ in asked]

    def _fact(self, document: str, hint: Any) -> Any:
        facts = self.facts.get(document)
        if callable(facts):
            facts = facts(hint)
        if isinstance(facts, str) or (facts and ("children" in facts or "url" in facts)):
            return facts
        if facts is None and not document.startswith("d"):
            return "not-found"
        path = f"/files/{document}"
        if path not in self.documents:
            self.documents[path] = Document(content(document))
        return {"url": self.link(path, **self.link_facts), "name": f"{document}.bin", **(facts or {})}

    def big(self, name: str, size: int, **facts: Any) -> Document:
        """Put a document of so many bytes, with a strong entity tag."""
        document = self.documents[f"/files/{name}"] = Document(Pattern(size), etag=f'"{name}"', **facts)
        return document


@attrs.define
class Shell:
    """Where commands are run.

    Attributes:
        folder: the directory that they are run in.
        depot: the service.
        env: their environment.
    """

    folder: Path
    depot: Depot
    env: dict[str, str]

    def run(
        self, *args: str | Path, stdin: str | bytes | None = None, env: Mapping[str, str] | None = None, limit=40
    ) -> Ran:
        """Run `downspout` with these arguments to its end."""
        began = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", "downspout", *map(str, args)],
            cwd=self.folder,
            env={**self.env, **(env or {})},
            input=stdin.encode() if isinstance(stdin, str) else stdin or b"",
            capture_output=True,
            timeout=limit,
            check=False,
        )
        seconds = time.monotonic() - began
        return Ran(done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode(), seconds)

    @contextlib.contextmanager
    def started(self, *args: str | Path, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
        """Start `downspout`; it is killed in the end if it still runs."""
        options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        command = [sys.executable, "-m", "downspout", *map(str, args)]
        with subprocess.Popen(command, cwd=self.folder, env=self.env, **options) as process:
            try:
                yield process
            finally:
                if process.poll() is None:
                    process.kill()

    def in_terminal(
        self,
        *args: str | Path,
        columns: int = 100,
        env: Mapping[str, str] | None = None,
        stdout: int | None = None,
        answers: Mapping[str, str] | None = None,
        signal: tuple[str, int] | None = None,
    ) -> "Ran":
        """Run `downspout` in a terminal of its own; `out` is all that appears there, escapes included.

        Args:
            args: the arguments.
            columns: how wide the terminal is.
            env: further variables.
            stdout: where standard output goes instead.
            answers: what to type once a text has appeared.
            signal: a text, and the signal to send once it has appeared.
        """
        return Terminal(self, columns, env or {}).run([*map(str, args)], stdout, dict(answers or {}), signal)

    def list_of(self, *uris: str, name: str = "list.txt") -> Path:
        """Write a list."""
        path = self.folder / name
        path.write_text("".join(f"{uri}\n" for uri in uris))
        return path

    def files(self, below: str = ".") -> dict[str, bytes]:
        """Return what is there, lists, ledgers and work files left out."""
        root = self.folder / below
        found = (path for path in root.rglob("*") if path.is_file())
        return {
            path.relative_to(root).as_posix(): path.read_bytes()
            for path in found
            if not path.name.startswith(".") and path.suffix != ".txt"
        }


class Terminal:
    """A pseudo terminal."""

    def __init__(self, shell: Shell, columns: int, env: Mapping[str, str]) -> None:
        self.shell = shell
        self.env = {**shell.env, "TERM": "xterm-256color", **env}
        self.master, self.slave = pty.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.seen = b""

    def run(self, args, stdout, answers, signal) -> Ran:
        command = [sys.executable, "-m", "downspout", *args]
        process = subprocess.Popen(
            command,
            cwd=self.shell.folder,
            env=self.env,
            stdin=self.slave,
            stdout=self.slave if stdout is None else stdout,
            stderr=self.slave,
            preexec_fn=self._take_terminal,
        )
        self.echoes_after = False
        began = time.monotonic()
        try:
            self._follow(process, answers, signal, began + 40)
            self.echoes_after = bool(termios.tcgetattr(self.slave)[3] & termios.ECHO)
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
            os.close(self.master)
            os.close(self.slave)
        text = self.seen.decode("utf-8", "replace")
        return Ran(process.returncode, text, "" if self.echoes_after else "no echo", time.monotonic() - began)

    def _take_terminal(self) -> None:
        os.setsid()
        fcntl.ioctl(self.slave, termios.TIOCSCTTY, 0)

    def _follow(self, process, answers, signal, end) -> None:
        while time.monotonic() < end:
            ended = process.poll() is not None
            ready, _, _ = select.select([self.master], [], [], 0 if ended else 0.05)
            if ready:
                self.seen += os.read(self.master, 65536)
            elif ended:
                return
            for text in [text for text in answers if text.encode() in self.seen]:
                os.write(self.master, answers.pop(text).encode() + b"\n")
            if signal is not None and signal[0].encode() in self.seen:
                process.send_signal(signal[1])
                signal = None
        raise TimeoutError(self.seen.decode("utf-8", "replace"))


def plain(text: str) -> str:
    """Return what a terminal showed, without what tells it where."""
    return _ESCAPES.sub("", text)


def install(folder: Path) -> None:
    """Make `folder` look as if the plugin were installed in it."""
    (folder / "depot_plugin.py").write_bytes(PLUGIN.read_bytes())
    facts = folder / "downspout_depot-1.5.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: downspout-depot\nVersion: 1.5\n")
    (facts / "entry_points.txt").write_text("[downspout.providers]\ndepot = depot_plugin\n")


def environment(home: Path, site: Path, depot: Depot) -> dict[str, str]:
    """Return the variables that commands get: nothing of whoever runs the tests but the path."""
    kept = {name: value for name, value in os.environ.items() if name.startswith(("COVERAGE_", "COV_"))}
    return {
        **kept,
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_STATE_HOME": str(home / "state"),
        "PYTHONPATH": str(site),
        "PYTHONWARNINGS": "error",
        "PYTHONUNBUFFERED": "",
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "DOWNSPOUT_ALLOW_INSECURE": "1",
        "DOWNSPOUT_DEPOT_ENDPOINT": depot.origin,
        "DOWNSPOUT_DEPOT_TOKEN": TOKEN,
    }
