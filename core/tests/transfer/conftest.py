"""One rig for each test, and waits between attempts that are too short to notice."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from downspout._transfer import patience

from .rig import Rig, rigs


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: takes minutes; runs only with DOWNSPOUT_SLOW=1 in the environment")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.environ.get("DOWNSPOUT_SLOW") != "1":
        for item in items:
            if item.get_closest_marker("slow") is not None:
                item.add_marker(pytest.mark.skip(reason="slow: set DOWNSPOUT_SLOW=1"))


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """How long attempts lie apart has tests of its own (`test_patience`); all others need not wait."""
    monkeypatch.setattr(patience, "_FIRST_WAIT", 0.002)


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    yield from rigs(tmp_path / "out")
