"""The rule about importing, tried in a process of its own."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from downspout.testing._contract.rules import NotTried, offline
from downspout.testing._contract.subject import Subject

_MOST_SECONDS = 0.5
_PATIENCE = 60.0
_HEAVY = frozenset({"requests", "httpx", "aiohttp", "pytest", "rich", "click", "boto3", "pandas", "numpy"})

_PROBE = """
import io, json, logging, os, signal, sys, threading, time, warnings
module, report, paths = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
sys.path[:] = paths
import attrs, pluggy, msgspec, urllib.parse, base64, hashlib, hmac, datetime, re, json
import downspout.hookspecs, downspout.errors
from downspout import Account, Provider, one_by_one
seen = []
def audit(event, args):
    if event in {"socket.connect", "subprocess.Popen", "os.system", "webbrowser.open", "builtins.input"}:
        seen.append(event)
    elif event == "open" and isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR):
        if isinstance(args[0], str) and "__pycache__" not in args[0] and args[0] != os.devnull:
            seen.append("writes " + os.path.basename(args[0]))
def state():
    root = logging.getLogger()
    return {
        "handlers of logging": [repr(each) for each in root.handlers] + [root.level],
        "filters of warnings": [repr(each) for each in warnings.filters],
        "signal handlers": [repr(signal.getsignal(each)) for each in sorted(signal.valid_signals())],
        "sys.excepthook": repr(sys.excepthook),
        "environment": sorted(os.environ.items()),
        "working directory": os.getcwd(),
        "default socket timeout": repr(__import__("socket").getdefaulttimeout()),
    }
before, threads, loaded = state(), threading.active_count(), set(sys.modules)
output = io.StringIO()
streams, sys.stdout, sys.stderr = (sys.stdout, sys.stderr), output, output
sys.addaudithook(audit)
begun = time.process_time()
found = __import__(module, fromlist=["provider"])
seconds = time.process_time() - begun
deeds = sorted(set(seen))
sys.stdout, sys.stderr = streams
after, provider = state(), getattr(found, "provider", None)
with open(report, "w", encoding="utf-8") as file:
    json.dump({
        "seconds": seconds,
        "output": output.getvalue()[:200],
        "deeds": deeds,
        "threads": threading.active_count() - threads,
        "changed": [name for name in before if before[name] != after[name]],
        "loaded": sorted({name.partition(".")[0] for name in set(sys.modules) - loaded}),
        "provider": repr(provider),
    }, file)
"""


@offline(
    "imports-quietly",
    "Importing it is quick, silent, and changes nothing.",
    "Move work out of the module's body: import heavy libraries where they are used, connect "
    "and read files in hooks.",
)
def imports_quietly(subject: Subject) -> Iterator[str]:
    """Import the plugin in an interpreter of its own, twice."""
    name = subject.module_name
    if name is None:
        raise NotTried("It is no module that could be imported again.")
    first, second = (_probe(name, seed) for seed in ("1", "2"))
    for report in (first, second):
        if isinstance(report, str):
            yield report
    if isinstance(first, str) or isinstance(second, str):
        return
    yield from _judged(first, min(first["seconds"], second["seconds"]))
    if first["provider"] != second["provider"]:
        yield "it describes itself differently each time it is imported"


def _judged(report: Mapping[str, Any], seconds: float) -> Iterator[str]:
    if seconds > _MOST_SECONDS:
        yield f"importing takes {seconds:.2f} s of processor time (at most {_MOST_SECONDS:g})"
    if report["output"]:
        yield f"importing prints {report['output'][:60]!r}"
    if report["threads"] > 0:
        yield f"importing leaves {report['threads']} threads running"
    for deed in report["deeds"]:
        yield f"importing does more than defining: {deed}"
    for name in report["changed"]:
        yield f"importing changes the {name}"
    for name in sorted(_HEAVY & set(report["loaded"])):
        yield f"importing loads {name}"


def _probe(module: str, seed: str) -> Mapping[str, Any] | str:
    """Import `module` in a new interpreter; return what it reports, or why it does not."""
    import os

    with tempfile.TemporaryDirectory(prefix="downspout-contract-") as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "-c", _PROBE, module, str(report), json.dumps(sys.path)]
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONWARNINGS": "ignore"}
        try:
            ended = subprocess.run(  # our own interpreter, our own text
                command, env=environment, capture_output=True, text=True, timeout=_PATIENCE, check=False
            )
        except subprocess.TimeoutExpired:
            return f"importing does not end within {_PATIENCE:g} s"
        if not report.exists():
            last = ended.stderr.strip().splitlines()[-1:] or [f"exit status {ended.returncode}"]
            return f"importing it in a new interpreter fails: {last[0][:200]}"
        found: Mapping[str, Any] = json.loads(report.read_text("utf-8"))
        return found
