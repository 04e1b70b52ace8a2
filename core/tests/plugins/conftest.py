"""Distributions that offer plugins, installed as pip would: a folder of modules and a `.dist-info` beside them."""

import sys
import textwrap

import pytest

PROVIDER = """
from downspout import Link, Provider, hookimpl
provider = Provider({name!r}, "The service {name}")

@hookimpl
def resolve_link(account, references):
    return [Link(reference, "https://h.example/") for reference in references]
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install a distribution: `install("dist", providers={"name": "module"}, module="source", …)`."""
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)

    def install(dist, version="1.2", *, metadata=None, entry_points=None, **given):
        groups = {name: given.pop(name) for name in ("providers", "hosts", "extensions") if name in given}
        for module, source in given.items():
            (tmp_path / f"{module}.py").write_text(textwrap.dedent(source))
        folder = tmp_path / f"{dist.replace('-', '_')}-{version}.dist-info"
        folder.mkdir()
        if metadata is None:
            metadata = f"Metadata-Version: 2.1\nName: {dist}\nVersion: {version}\n"
        if metadata:
            (folder / "METADATA").write_text(metadata)
        if entry_points is None:
            lines = []
            for group, entries in groups.items():
                lines += [f"[downspout.{group}]", *(f"{name} = {value}" for name, value in entries.items())]
            entry_points = "\n".join(lines)
        (folder / "entry_points.txt").write_text(entry_points)
        return tmp_path

    yield install
    for name in set(sys.modules) - before:
        if getattr(sys.modules[name], "__file__", None) and str(tmp_path) in sys.modules[name].__file__:
            del sys.modules[name]


@pytest.fixture
def provider_source():
    """Give the source of a provider's module that works."""
    return lambda name: PROVIDER.format(name=name)
