"""Secrets planted in every slot appear in nothing that the command writes, shows or leaves."""

import subprocess

import pytest

from downspout.testing import Document, StatusOnly

from .rig import SIGNATURE, TOKEN

PLANTED = "planted"


def leaks(shell, *texts):
    """Return where a planted secret, or a link's signature, can be seen."""
    signatures = {
        request.target.partition(f"{SIGNATURE}=")[2]
        for request in shell.depot.requests
        if SIGNATURE in request.target
    }
    secrets = {PLANTED, *(signature for signature in signatures if signature)}
    found = [secret for secret in secrets for text in texts if secret in text]
    for path in shell.folder.parent.rglob("*"):
        if path.is_file() and path.suffix not in {".toml", ".key"} and "credentials" not in path.parts:
            data = path.read_bytes()
            found += [f"{secret} in {path}" for secret in secrets if secret.encode() in data]
    return found


@pytest.fixture
def troubled(shell, depot):
    """A service that repeats what it was sent, and fails in several ways."""
    depot.is_open = False
    depot.facts["denied"] = "denied"
    depot.script("/files/d2", [StatusOnly(403)], repeat_last=True)
    depot.script("/files/d3", [StatusOnly(500)], repeat_last=True)
    depot.facts["d4"] = {"url": f"http://127.0.0.1:1/x?{SIGNATURE}={PLANTED}-in-a-link"}
    depot.facts["d5"] = {"url": f"https://user:{PLANTED}-password@x.example/y?{SIGNATURE}={PLANTED}"}
    return shell


@pytest.mark.parametrize("more", [[], ["-v"], ["--debug"], ["-v", "--debug", "--json"]], ids=" ".join)
def test_get_shows_no_secret(troubled, more):
    uris = ["depot:d1", "depot:denied", "depot:d2", "depot:d3", "depot:d4", "depot:d5"]
    web = f"http://localhost:1/y?token={PLANTED}-in-a-uri"
    pasted = f"https://jo:{PLANTED}-in-a-uri@x.example/"
    troubled.list_of(*uris)
    args = ["get", web, pasted, "-i", "list.txt", "--retries", "0", *more]
    ran = troubled.run(*args)
    assert ran.status == 1
    assert leaks(troubled, ran.out, ran.err) == []
    if "--debug" in more:
        assert "resolve_link" in ran.err


@pytest.mark.parametrize("command", ["ls", "cat", "link"])
def test_looking_shows_no_secret(troubled, command):
    troubles = ("depot:denied", "depot:d2") if command == "cat" else ("depot:denied", "depot:d4")
    for uri in troubles:
        ran = troubled.run(command, uri, "--debug")
        shown = ran.err if command == "link" else ran.everything
        assert leaks(troubled, shown) == []


def test_a_secret_that_is_refused_is_not_shown(shell, depot):
    depot.is_open = False
    depot.tokens.clear()
    for command in (["get", "depot:d1"], ["ls", "depot:d1"], ["accounts", "--json"], ["login", "depot"]):
        ran = shell.run(*command, "--debug")
        assert leaks(shell, ran.out, ran.err) == []


@pytest.mark.parametrize("given", ["file", "command"])
def test_secrets_from_files_and_commands_are_used_and_not_shown(shell, depot, given):
    depot.is_open = False
    key = shell.folder / "depot.key"
    key.write_text(TOKEN + "\n")
    del shell.env["DOWNSPOUT_DEPOT_TOKEN"]
    value = str(key) if given == "file" else f"cat {key}"
    config = shell.folder / "c.toml"
    config.write_text(
        f"[accounts.work]\nprovider = 'depot'\nendpoint = '{depot.origin}'\ntoken_{given} = '{value}'\n"
    )
    shell.env["DOWNSPOUT_CONFIG"] = str(config)
    ran = shell.run("get", "work:d1", "--debug")
    assert ran.status == 0
    assert leaks(shell, ran.out, ran.err) == []


def test_no_secret_is_in_the_process_list(shell, depot):
    depot.gate.clear()
    depot.is_open = False
    with shell.started("get", "depot:d1") as process:
        depot.wait_for_requests(1, timeout=20)
        listed = subprocess.run(
            ["ps", "-ww", "-o", "args=", "-p", str(process.pid)], capture_output=True, check=True
        )
        assert PLANTED.encode() not in listed.stdout
        depot.gate.set()


def test_links_that_are_printed_are_asked_for(shell, depot):
    """`link` exists to print one."""
    depot.documents["/files/d1"] = Document(b"x")
    assert SIGNATURE in shell.run("link", "depot:d1").out


def test_parts_and_records_hold_no_link(shell, depot):
    from downspout.testing import Cut

    depot.big("d9", 3_000_000)
    depot.script("/files/d9", [Cut(2_000_000)], repeat_last=True)
    shell.run("get", "depot:d9", "--retries", "0", "-x", "1")
    assert list(shell.folder.glob(".downspout-*.json"))
    assert leaks(shell) == []
