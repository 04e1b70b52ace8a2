"""Secrets that a file or a command gives: fetched once, when they are needed, and shown by nobody."""

import copy
import pickle
import sys
import threading
import traceback

import pytest

from downspout import Secret
from downspout._accounts import secrets
from downspout._accounts.secrets import DeferredSecret, from_command, from_file
from downspout.errors import ConfigurationError


def python(code):
    return f'{sys.executable} -c "{code}"'


@pytest.mark.parametrize(
    ("content", "secret"),
    [
        (b"s3cret", "s3cret"),
        (b"s3cret\r\nmore", "s3cret"),
        (b" s3 cret \n", " s3 cret "),
        (b"", ""),
        (b"\xff\n", "\ufffd"),
    ],
)
def test_a_secret_is_the_first_line_of_a_file(tmp_path, content, secret):
    path = tmp_path / "secret"
    path.write_bytes(content)
    assert from_file("work", "password", str(path)).reveal() == secret


def test_a_file_is_read_when_the_secret_is_needed_and_once(tmp_path):
    path = tmp_path / "secret"
    deferred = from_file("work", "password", str(path))
    path.write_text("first")
    assert deferred.reveal() == "first"
    path.write_text("second")
    assert deferred.reveal() == "first"


@pytest.mark.parametrize("path", ["/nowhere/at/all", "~nobody-of-that-name/x", "a\0b", "/"])
def test_a_file_that_cannot_be_read_is_a_wrong_setting(path):
    with pytest.raises(
        ConfigurationError, match="work: the file that password_file names cannot be read"
    ) as caught:
        from_file("work", "password", path).reveal()
    assert "Check the path" in caught.value.hint


def test_a_file_of_any_size_gives_a_bounded_line(tmp_path):
    path = tmp_path / "secret"
    path.write_bytes(b"x" * 1_000_000)
    assert len(from_file("work", "password", str(path)).reveal()) == 65536


def test_a_secret_is_the_first_line_that_a_command_prints():
    assert from_command("work", "password", python("print('s3 cret'); print('more')")).reveal() == "s3 cret"


def test_no_shell_is_involved(tmp_path):
    command = f"{python('import sys; print(sys.argv[1])')} '$HOME; touch {tmp_path}/x'"
    assert from_command("work", "password", command).reveal() == f"$HOME; touch {tmp_path}/x"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (python("print('s3cret'); raise SystemExit(3)"), r"failed \(it ended with status 3\)"),
        ("/no/such/program", r"failed \(FileNotFoundError\)"),
        ("'unbalanced", r"failed \(ValueError\)"),
        ("   ", "failed"),
    ],
)
def test_a_command_that_fails_is_said_so_without_what_it_printed(command, says):
    with pytest.raises(ConfigurationError, match=f"work: the command of password_command {says}") as caught:
        from_command("work", "password", command).reveal()
    shown = "".join(traceback.format_exception(caught.value))
    assert "b's3cret" not in shown
    assert caught.value.__cause__ is None


def test_a_command_has_an_end(monkeypatch):
    monkeypatch.setattr(secrets, "_COMMAND_SECONDS", 0.2)
    with pytest.raises(ConfigurationError, match="TimeoutExpired"):
        from_command("work", "password", python("import time; time.sleep(9)")).reveal()


def test_what_failed_is_tried_again():
    answers = [ConfigurationError("No."), "s3cret"]

    def fetch():
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    deferred = DeferredSecret(fetch)
    with pytest.raises(ConfigurationError):
        deferred.reveal()
    assert deferred.reveal() == "s3cret"


def test_many_threads_ask_for_it_once():
    asked = []
    deferred = DeferredSecret(lambda: asked.append(1) or "s3cret")
    threads = [threading.Thread(target=deferred.reveal) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(asked), deferred.reveal()) == (1, "s3cret")


def test_looking_at_it_fetches_nothing():
    def fetch():
        raise AssertionError("it was fetched")

    deferred = DeferredSecret(fetch)
    assert (repr(deferred), str(deferred), bool(deferred)) == ("Secret('***')", "***", True)
    assert deferred == deferred
    assert deferred != DeferredSecret(fetch)
    assert deferred != Secret("")
    assert {deferred: 1}[deferred] == 1
    assert copy.deepcopy(deferred) is deferred
    with pytest.raises(TypeError, match="never pickled"):
        pickle.dumps(deferred)
