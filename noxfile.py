"""The suite on every supported Python that is there, with the newest dependencies and with the oldest."""

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import nox

nox.options.default_venv_backend = "venv"
nox.options.error_on_missing_interpreters = False
nox.options.sessions = ["tests"]

MEMBERS = [Path("core"), *sorted(path.parent for path in Path("plugins").glob("*/pyproject.toml"))]


def runs(python: str) -> bool:
    """Return whether that interpreter is on this machine and starts (a version manager's stand-in may not)."""
    name = shutil.which(f"python{python}")
    return (
        name is not None and subprocess.run([name, "--version"], capture_output=True, check=False).returncode == 0
    )


PYTHONS = [python for python in ("3.11", "3.12", "3.13", "3.14") if runs(python)]


def lowest() -> list[str]:
    """Return each dependency of each member at the oldest version that it allows."""
    floors: dict[str, str] = {}
    for member in MEMBERS:
        project = tomllib.loads((member / "pyproject.toml").read_text())["project"]
        for requirement in project["dependencies"]:
            found = re.match(r"([A-Za-z0-9_.-]+)\s*>=\s*([0-9.]+)", requirement)
            if found and not found[1].startswith("downspout"):
                floors[found[1]] = f"{found[1]}=={found[2]}.*"
    return sorted(floors.values())


@nox.session(python=PYTHONS)
@nox.parametrize("dependencies", ["highest", "lowest"])
def tests(session: nox.Session, dependencies: str) -> None:
    """Run the suite."""
    session.install("--upgrade", "pip")
    constraints = []
    if dependencies == "lowest":
        file = Path(session.create_tmp()) / "lowest.txt"
        file.write_text("\n".join(lowest()) + "\n")
        constraints = ["--constraint", str(file)]
    members = [argument for member in MEMBERS for argument in ("-e", f"./{member}")]
    session.install("--group", "dev", *constraints, *members)
    workers = 2 * (os.cpu_count() or 1)  # most tests wait for somebody
    session.run("pytest", "-q", "-n", str(workers), "--dist", "worksteal", *session.posargs)
