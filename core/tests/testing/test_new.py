"""`python -m downspout.testing.new` writes a plugin that works: installed, tested and used as its author would."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given, strategies

from downspout import Reference
from downspout.testing import new

CORE = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "name", ["Rain", "r", "https", "rain barrel", "7up", "rain_barrel", "x" * 41, "../rain", ""]
)
def test_what_no_provider_can_be_called_is_refused(name, tmp_path, capsys):
    assert new.main([name, "--directory", str(tmp_path / "new")]) == 2
    assert "no name for a provider" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


@given(strategies.text(max_size=50) | strategies.from_regex(r"[a-z][a-z0-9.+-]{1,39}", fullmatch=True))
def test_a_name_is_refused_or_makes_a_module_and_a_distribution(name):
    try:
        words = new.Project(name).words
    except ValueError:
        return
    assert Reference(name, "x").account == name
    assert words["module"].isidentifier()
    assert words["module"].isascii()
    assert re.fullmatch("downspout-[a-z0-9]+(-[a-z0-9]+)*", words["distribution"])
    assert words["title"]


def test_nothing_is_written_where_something_is(tmp_path, capsys):
    (tmp_path / "mine").write_text("mine")
    assert new.main(["rain", "--directory", str(tmp_path)]) == 1
    assert "already" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_place_that_cannot_be_written_is_told(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert new.main(["rain", "--directory", str(tmp_path / "file" / "new")]) == 1
    assert capsys.readouterr().err.strip()


def test_the_directory_is_named_after_the_plugin(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert new.main(["rain.barrel"]) == 0
    assert (tmp_path / "downspout-rain.barrel" / "src" / "downspout_rain_barrel" / "__init__.py").exists()
    assert "cd downspout-rain.barrel" in capsys.readouterr().out


def test_every_placeholder_is_filled_in(tmp_path):
    for path in new.write("rain-barrel", tmp_path):
        assert "{{" not in path.read_text("utf-8")
        assert "MODULE" not in str(path.relative_to(tmp_path))


def test_what_it_needs_of_downspout_is_this_version_and_no_later_hooks():
    words = new.Project("rain").words
    assert (words["floor"], words["ceiling"]) == ("0.1", "0.2")


# As its author would.


@pytest.fixture
def home(tmp_path):
    """A new project, and the tutorial's, installed from wheels into an empty environment."""
    run(sys.executable, "-m", "downspout.testing.new", "rain-barrel", "--directory", tmp_path / "project")
    follow_the_tutorial(tmp_path / "tutorial")
    run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv")
    wheels = tmp_path / "wheels"
    for source in (CORE, tmp_path / "project", tmp_path / "tutorial"):
        copy = tmp_path / "copies" / source.name
        shutil.copytree(source, copy, ignore=shutil.ignore_patterns("tests", "__pycache__", "dist"))
        isolated = [] if find_spec("hatchling") is None else ["--no-build-isolation"]
        pip("wheel", "--no-deps", *isolated, "--wheel-dir", wheels, copy)
    (core,) = wheels.glob("downspout-*.whl")
    plugins = wheels.glob("downspout_*.whl")
    pip("--python", tmp_path / "venv" / "bin" / "python", "install", f"{core}[testing]", *plugins)
    return tmp_path


def follow_the_tutorial(folder):
    """Do in `folder` what docs/writing-a-plugin.md says, to the letter."""
    page = (CORE.parent / "docs" / "writing-a-plugin.md").read_text("utf-8")
    for title, text in re.findall(r'^```(?:toml|python) title="(.+)"\n((?s:.*?))^```$', page, re.MULTILINE):
        file = folder / title
        file.parent.mkdir(parents=True, exist_ok=True)
        before = f"{file.read_text('utf-8')}\n\n" if file.exists() else ""
        file.write_text(before + text, "utf-8")
    (folder / "src" / "downspout_shelf" / "py.typed").touch()


def pip(*arguments):
    try:
        run(sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *arguments)
    except AssertionError as exc:
        if "connection" in str(exc).lower() or "No matching distribution" in str(exc):
            pytest.skip("needs a package index, once")
        raise


def run(*command, cwd=None, **environment):
    """Run a command without anything of this session's; return what it prints."""
    kept = {"PATH": os.defpath, "HOME": str(cwd or Path.cwd()), "LANG": "C.UTF-8"}
    kept |= {
        name: value for name, value in os.environ.items() if name.startswith("PIP_") or "proxy" in name.lower()
    }
    ended = subprocess.run(
        [str(each) for each in command],
        cwd=cwd,
        env=kept | environment,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@contextlib.contextmanager
def emulator(home):
    """Serve the emulator of the project; give the environment that it prints."""
    command = [home / "venv" / "bin" / "python", "tests/emulator.py"]
    with subprocess.Popen(command, cwd=home / "project", stdout=subprocess.PIPE, text=True) as process:
        try:
            lines = [process.stdout.readline() for _ in range(4)]
            pairs = [line.strip().removeprefix("export ").split("=", 1) for line in lines]
            yield {name: value.strip("'") for name, value in pairs}
        finally:
            process.send_signal(signal.SIGINT)
            process.stdout.read()


@pytest.mark.skipif(os.name == "nt", reason="names the paths of a POSIX environment")
def test_new_plugins_are_tested_kept_and_used_as_their_authors_would(home):
    python, downspout = home / "venv" / "bin" / "python", home / "venv" / "bin" / "downspout"
    project, elsewhere = home / "project", home / "elsewhere"
    elsewhere.mkdir()
    said = run(python, "-m", "pytest", "-q", cwd=project)
    assert "rain-barrel (Rain Barrel): 40 of 40 rules kept" in said
    run(python, "-m", "downspout.testing.card", "tests/test_contract.py", "--readme", "README.md", cwd=project)
    assert "`rain-barrel`: 40 of 40 rules kept." in (project / "README.md").read_text("utf-8")
    assert "shelf (Shelf): 40 of 40 rules kept" in run(python, "-m", "pytest", "-q", cwd=home / "tutorial")
    assert "rain-barrel" in run(downspout, "plugins", cwd=elsewhere)
    assert "8 of 8 rules kept" in run(downspout, "plugins", "check", "rain-barrel", cwd=elsewhere)
    with emulator(home) as environment:
        run(downspout, "get", "rain-barrel:doc-1", "rain-barrel:/all", "-d", "out", cwd=elsewhere, **environment)
    assert (elsewhere / "out" / "doc-1.txt").read_bytes() == b"Document 1.\n" * 200
    assert len([path for path in (elsewhere / "out").iterdir() if not path.name.startswith(".")]) >= 28
