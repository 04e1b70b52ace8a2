"""What is loaded when: an import has no effect, and the command starts quickly (design sections 7 and 8)."""

import importlib
import importlib.metadata
import os
import subprocess
import sys

import pytest

import downspout
import downspout.testing
from downspout import _models

HEAVY = {
    "attrs",
    "attr",
    "click",
    "httpx",
    "msgspec",
    "platformdirs",
    "pluggy",
    "requests",
    "rich",
    "urllib3",
    "yaml",
}
PUBLIC = {
    "downspout": [
        "Account",
        "Child",
        "Client",
        "Credential",
        "CredentialStore",
        "Done",
        "DownspoutError",
        "Failed",
        "Folder",
        "Headers",
        "Http",
        "Interaction",
        "Link",
        "Opened",
        "PluginRegistry",
        "Progress",
        "Provider",
        "Reference",
        "Resolved",
        "Response",
        "Result",
        "Secret",
        "Setting",
        "Stream",
        "hookimpl",
        "one_by_one",
        "origin_of",
    ],
    "downspout.errors": [
        "AuthenticationError",
        "Cancelled",
        "ConfigurationError",
        "DownspoutError",
        "IntegrityError",
        "InvalidURI",
        "LinkRefused",
        "NoProvider",
        "NotFound",
        "PermissionDenied",
        "PluginError",
        "ProtocolError",
        "RateLimited",
        "StorageError",
        "TargetExists",
        "Unavailable",
    ],
    "downspout.hookspecs": ["authenticate", "hookimpl", "one_by_one", "open_stream", "resolve_link"],
}


def loaded_by(*arguments):
    """Run Python in a process of its own; return its output and the modules that it loaded."""
    command = [sys.executable, "-X", "importtime", *arguments]
    environ = {
        name: value for name, value in os.environ.items() if not name.startswith("COV")
    }  # it loads much itself
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environ)
    assert done.returncode == 0, done.stderr[-2000:]
    names = {
        line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")
    }
    return done.stdout, names


def plugins():
    modules = {entry.module for entry in importlib.metadata.entry_points(group="downspout.providers")}
    return {module.partition(".")[0] for module in modules} - {"downspout"}


def top(names):
    return {name.partition(".")[0] for name in names}


@pytest.mark.parametrize("module", ["downspout", "downspout.errors"])
def test_an_import_loads_nothing_that_is_heavy(module):
    _, names = loaded_by("-c", f"import {module}")
    assert not top(names) & (HEAVY | plugins())


def test_the_package_itself_is_a_door_and_nothing_else():
    _, names = loaded_by("-c", "import downspout; downspout.__version__")
    assert {name for name in names if name.startswith("downspout")} == {"downspout", "downspout._version"}


def test_what_plugins_and_applications_import_loads_no_network_and_no_plugin():
    _, names = loaded_by("-c", "from downspout import Link, Provider, Reference, hookimpl, one_by_one")
    assert not top(names) & ({"click", "rich", "urllib3", "msgspec", "ssl", "sqlite3", "asyncio"} | plugins())


def test_a_client_loads_no_command_and_no_plugin_that_is_not_used():
    _, names = loaded_by(
        "-c", "from downspout import Client\nwith Client.from_user_config() as c: c.accounts.names()"
    )
    assert not top(names) & ({"click", "rich", "urllib3"} | plugins())


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_the_command_says_its_version_and_its_help_quickly(option):
    output, names = loaded_by("-m", "downspout", option)
    assert not top(names) & ((HEAVY - {"click"}) | plugins())
    assert "importlib.metadata" not in names
    assert "downspout" in output


def test_an_import_starts_no_thread_and_changes_neither_logging_nor_signals():
    code = """
import logging, signal, threading, warnings
def state():
    return threading.active_count(), logging.root.handlers[:], signal.getsignal(signal.SIGINT), warnings.filters[:]
before = state()
import downspout, downspout.errors, downspout.hookspecs
from downspout import *
for name in downspout.__all__:
    getattr(downspout, name)
assert before == state()
"""
    loaded_by("-c", code)


@pytest.mark.parametrize("module", sorted(PUBLIC))
def test_public_names_are_these(module):
    found = importlib.import_module(module)
    assert sorted(found.__all__) == PUBLIC[module]
    for name in found.__all__:
        assert getattr(found, name).__doc__, name
    assert set(found.__all__) <= set(dir(found))


def test_helpers_for_tests_are_listed_before_they_are_imported():
    assert {"LyingServer", "ProviderContract"} <= set(dir(downspout.testing))


def test_a_public_name_is_one_thing():
    assert downspout.Link is _models.Link
    assert downspout.Link is downspout.Link
    assert downspout.DownspoutError is downspout.errors.DownspoutError
    assert downspout.__version__ == importlib.metadata.version("downspout")
    for module in (downspout, downspout.testing):
        with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
            _ = module.Nothing


def test_every_name_of_the_testing_module_is_there():
    assert [name for name in downspout.testing.__all__ if not hasattr(downspout.testing, name)] == []
