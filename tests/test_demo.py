"""What a newcomer sees first: `make demo`, from an emulated service to digests that are right."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

DEMO = Path(__file__).resolve().parent / "demo"
PATH = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])


def demo(folder: Path) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DOWNSPOUT_", "COV_"))}
    return subprocess.run(
        ["downspout-sandbox", "run", "--", "sh", str(DEMO / "demo.sh"), str(folder)],
        env=kept | {"PATH": PATH, "HOME": str(folder.parent), "PYTHONUTF8": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def listing(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(DEMO / "listing.py"), str(folder)],
        env=os.environ | {"PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture(scope="module")
def brought(tmp_path_factory):
    """What the demo prints, and where it left the documents."""
    folder = tmp_path_factory.mktemp("demo") / "downloads"
    return demo(folder), folder


def test_the_demo_brings_documents_of_four_services_down_and_says_so(brought):
    ran, _ = brought
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.endswith("11 documents of four services: all there, every digest right.\n")


def test_the_demo_can_be_run_again(brought):
    _, folder = brought
    assert demo(folder).returncode == 0


@pytest.mark.parametrize("damage", ["changed", "missing", "unexpected"])
def test_the_demo_notices_a_document_that_is_not_right(brought, damage):
    _, folder = brought
    victim = folder / "esignon" / "계약서.pdf"
    before = victim.read_bytes()
    stranger = folder / "esignon" / "stranger.pdf"
    try:
        if damage == "changed":
            victim.write_bytes(before[:-1] + b"?")
        elif damage == "missing":
            victim.unlink()
        else:
            stranger.write_bytes(b"nobody asked for it")
        ran = listing(folder)
    finally:
        victim.write_bytes(before)
        stranger.unlink(missing_ok=True)
    assert ran.returncode == 1
    assert "WRONG or missing" in ran.stdout
    assert listing(folder).returncode == 0
