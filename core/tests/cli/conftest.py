"""One shell for each test; one installed plugin for all."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from .rig import Depot, Shell, environment, install


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    install(folder)
    return folder


@pytest.fixture
def depot() -> Iterator[Depot]:
    with Depot() as depot:
        yield depot


@pytest.fixture
def shell(tmp_path: Path, site: Path, depot: Depot) -> Shell:
    home, folder = tmp_path / "home", tmp_path / "here"
    home.mkdir()
    folder.mkdir()
    return Shell(folder, depot, environment(home, site, depot))
