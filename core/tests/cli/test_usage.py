"""How the command is called, and what it says to those who call it otherwise."""

import re
import subprocess
import sys

import pytest

COMMANDS = ["get", "ls", "link", "cat", "login", "logout", "accounts", "plugins", "ledger", "completion"]
OPTIONS = {
    "get": "-d -o -i -j -x --exists --sha256 --hash --limit-rate --timeout --min-speed --retries --accept-html "
    "--ledger --no-ledger --refresh --dry-run --json -q -v",
    "ls": "--json",
    "link": "--json",
    "cat": "--range",
    "login": "--provider",
    "accounts": "--json",
    "plugins": "--json",
    "ledger": "--json --csv",
}


def test_version(shell):
    ran = shell.run("--version")
    assert ran.status == 0
    assert re.fullmatch(r"downspout \d+\.\d+\.\d+\n", ran.out)


def test_help_names_every_command(shell):
    out = shell.run("--help").out
    assert [name for name in COMMANDS if re.search(rf"^  {name}\b", out, re.M)] == COMMANDS
    assert shell.run("-h").out == out


@pytest.mark.parametrize("command", OPTIONS)
def test_help_names_every_option(shell, command):
    out = shell.run(command, "--help").out
    assert [name for name in OPTIONS[command].split() if not re.search(rf"(^|\s){name}\b", out)] == []
    assert "--debug" in out
    assert max(map(len, out.splitlines())) <= 100


def test_the_installed_command_is_the_module(shell):
    from pathlib import Path

    script = Path(sys.executable).with_name("downspout")
    if not script.exists():
        pytest.skip("downspout is not installed as a command here")
    done = subprocess.run([script, "--version"], capture_output=True, env=shell.env, check=True, timeout=30)
    assert done.stdout.decode() == shell.run("--version").out


@pytest.mark.parametrize(
    "args",
    [
        ["get"],
        ["get", "depot:a", "depot:b", "-o", "x"],
        ["get", "depot:a", "-i", "-", "-o", "x"],
        ["get", "depot:a", "depot:b", "--sha256", "0" * 64],
        ["get", "depot:a", "--sha256", "xyz"],
        ["get", "depot:a", "-o", "-", "--json"],
        ["get", "depot:a", "--ledger", "x", "--no-ledger"],
        ["get", "-i", "no-such-list"],
        ["get", "depot:a", "-j", "0"],
        ["get", "depot:a", "-x", "0"],
        ["get", "depot:a", "--exists", "maybe"],
        ["get", "depot:a", "--timeout", "0"],
        ["get", "depot:a", "--retries", "-1"],
        ["get", "depot:a", "--limit-rate", "fast"],
        ["get", "depot:a", "--limit-rate", "-5"],
        ["get", "depot:a", "--min-speed", "1e99"],
        ["get", "depot:a", "--nonsense"],
        ["ls"],
        ["ls", "depot:a", "depot:b"],
        ["link"],
        ["cat"],
        ["login"],
        ["logout"],
        ["ledger"],
        ["completion", "tcsh"],
        ["plugins", "check"],
        ["nonsense"],
        ["--nonsense"],
    ],
    ids=" ".join,
)
def test_what_cannot_be_meant_is_status_2(shell, args):
    ran = shell.run(*args)
    assert (ran.status, ran.out) == (2, "")
    assert "Usage:" in ran.err
    assert ran.err.splitlines()[-1].startswith("Error: ")
    assert "Traceback" not in ran.err
    assert list(shell.folder.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "rate"),
    [("500", 500), ("1k", 1024), ("2M", 2 << 20), ("1.5G", 1.5 * (1 << 30)), ("3MiB/s", 3 << 20), ("0", 0)],
)
def test_rates_are_in_binary_units(text, rate):
    from downspout._cli.common import Rate

    assert Rate().convert(text, None, None) == rate


@pytest.mark.parametrize(
    ("size", "text"),
    [(None, "?"), (0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (5 << 20, "5.0 MiB"), (3 << 40, "3.0 TiB")],
)
def test_sizes_are_shown_in_binary_units(size, text):
    from downspout._cli.common import human

    assert human(size) == text


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(shell, name):
    ran = shell.run("completion", name)
    assert ran.status == 0
    assert "_DOWNSPOUT_COMPLETE" in ran.out


def test_completion_completes(shell):
    env = {"_DOWNSPOUT_COMPLETE": "bash_complete", "COMP_WORDS": "downspout ge", "COMP_CWORD": "1"}
    code = "import sys; sys.argv[0] = 'downspout'; from downspout._cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code], env={**shell.env, **env}, capture_output=True, check=False, timeout=30
    )
    assert done.stdout == b"plain,get\n"


def test_an_unknown_account_is_told_what_was_probably_meant(shell):
    ran = shell.run("get", "dpot:d1")
    assert ran.status == 1
    assert "depot" in ran.err


def test_a_configuration_that_is_wrong_is_one_line(shell):
    path = shell.folder / "c.toml"
    path.write_text("[accounts.work]\nprovider = 'depot'\ntoken = 'planted-in-file'\n")
    ran = shell.run("get", "work:d1", env={"DOWNSPOUT_CONFIG": str(path)})
    assert ran.status == 1
    assert ran.err.count("\n") == 2
    assert "planted-in-file" not in ran.everything


def test_a_configuration_that_is_not_there_is_one_line(shell):
    ran = shell.run("get", "work:d1", env={"DOWNSPOUT_CONFIG": "no/where.toml"})
    assert (ran.status, ran.err.count("\n")) == (1, 1)


def test_named_accounts_come_from_the_configuration(shell, depot):
    path = shell.folder / "c.toml"
    path.write_text(f"[accounts.work]\nprovider = 'depot'\nendpoint = '{depot.origin}'\n")
    assert shell.run("get", "work:d1", env={"DOWNSPOUT_CONFIG": str(path)}).status == 0


def test_an_error_of_our_own_is_a_traceback(shell):
    (shell.folder / "sitecustomize.py").write_text(
        "import downspout._cli.getting as g\ndef broken(*_): raise ZeroDivisionError('ours')\ng.run = broken\n"
    )
    ran = shell.run("get", "depot:d1", env={"PYTHONPATH": f"{shell.env['PYTHONPATH']}:{shell.folder}"})
    assert ran.status == 1
    assert "ZeroDivisionError: ours" in ran.err


def test_nothing_heavy_is_loaded_for_help_and_version(shell):
    code = (
        "import sys\nsys.argv = ['downspout', sys.argv[1]]\nfrom downspout._cli import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print([name for name in ('attrs', 'attr', 'pluggy', 'urllib3', 'rich', 'importlib.metadata', 'keyring',"
        " 'msgspec') if name in sys.modules], file=sys.stderr)"
    )
    for option in ("--version", "--help"):
        done = subprocess.run(
            [sys.executable, "-c", code, option], env=shell.env, capture_output=True, check=True, timeout=30
        )
        assert done.stderr.decode().splitlines()[-1] == "[]"
