"""One rig for each test, and waits between attempts that are too short to notice."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from downspout._transfer import patience

from .rig import Rig, rigs


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """How long attempts lie apart has tests of its own (`test_patience`); all others need not wait."""
    monkeypatch.setattr(patience, "_FIRST_WAIT", 0.002)


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    yield from rigs(tmp_path / "out")
