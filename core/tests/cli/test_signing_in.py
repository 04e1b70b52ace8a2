"""`login`, `logout`, `accounts`: who is asking, and what is kept of it."""

import os
import re
import signal
import stat

import pytest

from downspout._cli.terminal import Terminal
from downspout.errors import AuthenticationError

from .rig import TOKEN

ANSWERS = "jo\nplanted-password\n2\n"


@pytest.fixture(autouse=True)
def without_a_token(shell, depot):
    del shell.env["DOWNSPOUT_DEPOT_TOKEN"]
    depot.is_open = False


def kept(shell):
    return sorted((shell.folder.parent / "home" / "state").rglob("*.json"))


def test_answers_may_be_piped_in(shell, depot):
    ran = shell.run("login", "depot", stdin=ANSWERS)
    assert ran.status == 0
    assert depot.logins == [{"name": "jo", "password": "planted-password", "door": 1}]
    assert "Signed in to depot." in ran.err
    assert "planted" not in ran.everything
    assert shell.run("get", "depot:d1").status == 0


def test_what_is_kept_is_for_its_owner_alone(shell):
    shell.run("login", "depot", stdin=ANSWERS)
    (path,) = kept(shell)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_new_account_is_configured_by_the_lines_that_login_prints(shell, depot):
    del shell.env["DOWNSPOUT_DEPOT_ENDPOINT"]
    ran = shell.run("login", "work", "--provider", "depot", stdin=f"{depot.origin}\n{ANSWERS}")
    assert ran.status == 0
    assert ran.out == f'[accounts.work]\nprovider = "depot"\nendpoint = "{depot.origin}"\n'
    config = shell.folder / "c.toml"
    config.write_text(ran.out)
    shell.env["DOWNSPOUT_CONFIG"] = str(config)
    assert shell.run("get", "work:d1").status == 0
    names = [facts["account"] for facts in shell.run("accounts", "--json").json]
    assert "work" in names


def test_an_account_of_its_providers_name_needs_no_lines_but_its_settings(shell, depot):
    assert shell.run("login", "depot", stdin=ANSWERS).out == ""
    del shell.env["DOWNSPOUT_DEPOT_ENDPOINT"]
    ran = shell.run("login", "depot", stdin=f"{depot.origin}\n{ANSWERS}")
    assert ran.out == f'[accounts.depot]\nprovider = "depot"\nendpoint = "{depot.origin}"\n'


def test_an_account_without_a_provider_is_unknown(shell):
    ran = shell.run("login", "dpot", stdin=ANSWERS)
    assert ran.status == 1
    assert "depot" in ran.err
    assert ran.err.count("\n") == 1


def test_an_account_of_another_provider_is_not_taken_over(shell, depot):
    config = shell.folder / "c.toml"
    config.write_text(f"[accounts.work]\nprovider = 'depot'\nendpoint = '{depot.origin}'\n")
    ran = shell.run("login", "work", "--provider", "web", env={"DOWNSPOUT_CONFIG": str(config)})
    assert ran.status == 1
    assert "another provider" in ran.err


def test_a_wrong_password_is_one_line_and_keeps_nothing(shell):
    ran = shell.run("login", "depot", stdin="jo\nplanted-wrong\n1\n")
    assert ran.status == 1
    assert ran.err.splitlines()[-1].startswith("downspout: ")
    assert "planted-wrong" not in ran.everything
    assert kept(shell) == []


def test_a_question_is_asked_until_the_answer_fits(shell, depot):
    ran = shell.run("login", "depot", stdin="jo\nplanted-password\nfront\n3\n1\n")
    assert ran.status == 0
    assert depot.logins[0]["door"] == 0
    assert ran.err.count("Answer with a number from 1 to 2.") == 2


@pytest.mark.parametrize("answers", ["", "jo\n", "jo\nplanted-password\n"])
def test_the_end_of_the_answers_is_said_in_a_line(shell, answers):
    ran = shell.run("login", "depot", stdin=answers)
    assert ran.status == 1
    last = ran.err.splitlines()[-1]
    assert last.startswith("downspout: ")
    assert "broken" not in last
    assert "Traceback" not in ran.err
    assert kept(shell) == []


def test_without_standard_input_nobody_is_asked(shell):
    with shell.started("login", "depot", stdin=None, preexec_fn=lambda: os.close(0)) as process:
        assert process.wait(20) == 1
        assert b"nobody to ask" in process.stderr.read()


def test_other_commands_never_ask(shell):
    ran = shell.run("get", "depot:d1", stdin=ANSWERS)
    assert ran.status == 1
    assert "Run `downspout login depot`." in ran.err
    assert "Name" not in ran.err


def test_logout_forgets(shell):
    shell.run("login", "depot", stdin=ANSWERS)
    ran = shell.run("logout", "depot")
    assert (ran.status, ran.err) == (0, "Forgot the credential of depot.\n")
    assert kept(shell) == []
    assert shell.run("get", "depot:d1").status == 1
    assert shell.run("logout", "depot").status == 0
    assert shell.run("logout", "nobody").status == 1


def test_accounts_json_has_exactly_the_promised_keys(shell):
    by_name = {facts["account"]: facts for facts in shell.run("accounts", "--json").json}
    assert by_name["depot"] == {
        "account": "depot",
        "provider": "depot",
        "signed_in": False,
        "state": "not signed in",
        "expires_at": None,
        "error": None,
    }
    shell.run("login", "depot", stdin=ANSWERS)
    ran = shell.run("accounts", "--json")
    by_name = {facts["account"]: facts for facts in ran.json}
    assert by_name["depot"]["signed_in"] is True
    assert by_name["depot"]["expires_at"] == "2031-02-03T03:05:06Z"
    assert "planted" not in ran.everything


def test_accounts_for_people(shell):
    shell.run("login", "depot", stdin=ANSWERS)
    out = shell.run("accounts").out
    assert "signed in until 2031-02-03T03:05:06Z" in out
    out = shell.run("accounts", env={"DOWNSPOUT_DEPOT_TOKEN": TOKEN}).out
    assert "has secrets in its settings" in out
    assert TOKEN not in out


def test_accounts_that_are_broken_are_listed_with_their_reason(shell):
    del shell.env["DOWNSPOUT_DEPOT_ENDPOINT"]
    facts = {facts["account"]: facts for facts in shell.run("accounts", "--json").json}["depot"]
    assert facts["state"] == "not configured"
    assert "has no endpoint" in facts["error"]
    assert re.search("^depot +depot +not configured$", shell.run("accounts").out, re.M)
    shell.env["DOWNSPOUT_DEPOT_ENDPOINT"] = "https://x.example"
    folder = shell.folder.parent / "home" / "state" / "downspout" / "credentials"
    folder.mkdir(parents=True, mode=0o700)
    (folder / "depot.json").write_text("damaged")
    (folder / "depot.json").chmod(0o600)
    facts = {facts["account"]: facts for facts in shell.run("accounts", "--json").json}["depot"]
    assert facts["state"] == "broken"
    assert "damaged" in facts["error"]
    assert "is damaged" in shell.run("accounts").out


def test_a_secret_is_not_shown_while_it_is_typed(shell, depot):
    ran = shell.in_terminal(
        "login", "depot", answers={"Name": "jo", "Password": "planted-password", "Which door?": "1"}
    )
    assert ran.status == 0
    assert depot.logins[0]["password"] == "planted-password"
    assert "planted-password" not in ran.out
    assert "jo" in ran.out


def test_the_end_of_typing_is_the_end_of_the_answers(shell):
    for answers in ({"Name": "\x04"}, {"Name": "jo", "Password": "\x04"}):
        ran = shell.in_terminal("login", "depot", answers=answers)
        assert ran.status == 1
        assert "There was no answer to" in ran.out
        assert ran.err == ""


def test_a_choice_of_nothing_is_an_error():
    with pytest.raises(AuthenticationError, match="nothing to choose from"):
        Terminal().choose("Which door?", [])


@pytest.mark.parametrize("prompt", ["Name", "Password", "Which door?"])
def test_an_interrupted_sign_in_ends_at_once_and_gives_the_terminal_back(shell, prompt):
    answers = {"Name": "jo", "Password": "planted-password"}
    answers = {
        name: answer
        for name, answer in answers.items()
        if list(answers).index(name) < {"Name": 0, "Password": 1, "Which door?": 2}[prompt]
    }
    ran = shell.in_terminal("login", "depot", answers=answers, signal=(prompt, signal.SIGINT))
    assert ran.status == 130
    assert "Traceback" not in ran.out
    assert "Fatal" not in ran.out
    assert ran.err == ""
    assert kept(shell) == []
