"""`downspout get`: what it does, what it says where, and how it ends."""

import hashlib
import re

import pytest

from downspout.testing import Document, SignInPage, Stall, StatusOnly, Throttle

from .rig import SIGNATURE, content

LINE = {"index", "uri", "status", "path", "size", "sha256", "verified", "error"}
SUMMARY = {"ok", "failed", "skipped", "left", "bytes", "seconds", "kinds"}


def sha256(name):
    return hashlib.sha256(content(name)).hexdigest()


def test_a_document_comes_down_and_its_path_is_the_result(shell):
    ran = shell.run("get", "depot:d1")
    assert (ran.status, ran.out, ran.err) == (0, "d1.bin\n", "")
    assert shell.files() == {"d1.bin": content("d1")}


def test_several_documents_go_into_a_folder_that_is_made(shell):
    ran = shell.run("get", "depot:d1", "depot:d2", "-d", "new/deep")
    assert ran.status == 0
    assert sorted(ran.out.splitlines()) == ["new/deep/d1.bin", "new/deep/d2.bin"]
    assert shell.files("new/deep") == {"d1.bin": content("d1"), "d2.bin": content("d2")}


def test_a_failure_is_one_line_with_a_hint_and_status_1(shell):
    ran = shell.run("get", "depot:d1", "depot:gone")
    assert ran.status == 1
    assert ran.out == "d1.bin\n"
    first, last = ran.err.splitlines()
    assert first == "downspout: depot:gone: there is no such document. Check its name."
    assert last.startswith("1 ok, 1 failed (1 not-found); 1000 B in ")


def test_json_has_exactly_the_promised_keys(shell):
    ran = shell.run("get", "depot:d1", "depot:gone", "depot:d1", "--json")
    assert ran.status == 1
    *lines, summary = ran.json
    assert all(set(line) == LINE for line in lines)
    by_index = {line["index"]: line for line in lines}
    assert by_index[1] == {
        "index": 1,
        "uri": "depot:d1",
        "status": "ok",
        "path": "d1.bin",
        "size": 1000,
        "sha256": None,
        "verified": "size",
        "error": None,
    }
    assert by_index[2]["error"] == {
        "kind": "not-found",
        "message": "depot:gone: there is no such document.",
        "hint": "Check its name.",
    }
    assert (by_index[2]["path"], by_index[2]["size"], by_index[2]["status"]) == (None, None, "failed")
    assert by_index[3]["status"] == "skipped"
    assert set(summary) == {"summary"}
    assert set(summary["summary"]) == SUMMARY
    assert summary["summary"] | {"seconds": 0} == {
        "ok": 1,
        "failed": 1,
        "skipped": 1,
        "left": 0,
        "bytes": 1000,
        "seconds": 0,
        "kinds": {"not-found": 1},
    }


def test_json_leaves_other_scripts_as_they_are(shell, depot):
    depot.facts["d1"] = {"name": "发票 1.pdf"}
    ran = shell.run("get", "depot:d1", "--json")
    assert "发票 1.pdf" in ran.out
    assert list(shell.files()) == ["发票 1.pdf"]


def test_hash_computes_the_digest(shell):
    (line, _) = shell.run("get", "depot:d1", "--json", "--hash").json
    assert (line["sha256"], line["verified"]) == (sha256("d1"), "size")


def test_sha256_is_held_against_the_bytes(shell):
    (line, _) = shell.run("get", "depot:d1", "--json", "--sha256", sha256("d1").upper()).json
    assert (line["sha256"], line["verified"]) == (sha256("d1"), "digest")
    ran = shell.run("get", "depot:d2", "--json", "--sha256", sha256("d1"))
    assert ran.status == 1
    assert ran.json[0]["error"]["kind"] == "integrity"
    assert list(shell.files()) == ["d1.bin"]


def test_one_document_may_get_a_name(shell):
    ran = shell.run("get", "depot:d1", "-o", "mine.bin")
    assert (ran.status, ran.out) == (0, "mine.bin\n")
    ran = shell.run("get", "depot:d1", "-o", "mine.bin", "-d", "there", "--json")
    assert ran.json[0]["path"] == "there/mine.bin"
    assert ran.json[0]["index"] == 1
    ran = shell.run("get", "depot:gone", "-o", "x.bin", "--json")
    assert (ran.status, ran.json[0]["status"], ran.json[-1]["summary"]["failed"]) == (1, "failed", 1)


def test_a_folder_is_no_document_to_name(shell, depot):
    depot.facts["top"] = {"children": [["a.bin", "d1", 1000]]}
    ran = shell.run("get", "depot:top", "-o", "x.bin")
    assert ran.status == 1
    assert "is a folder" in ran.err
    assert ran.err.count("\n") == 2


def test_a_folder_that_cannot_be_made_is_said_in_a_line(shell):
    (shell.folder / "file").write_text("mine")
    for more in ((), ("-o", "x.bin")):
        ran = shell.run("get", "depot:d1", "-d", "file/sub", *more)
        assert ran.status == 1
        assert "making the folder" in ran.err


def test_standard_output_may_be_the_target(shell, depot):
    depot.documents["/files/d1"] = Document(b"plain text\r\n\xc3\xa4")
    ran = shell.run("get", "depot:d1", "-o", "-")
    assert (ran.status, ran.out, ran.err) == (0, "plain text\r\nä", "")
    assert shell.files() == {}
    ran = shell.run("get", "depot:gone", "-o", "-")
    assert (ran.status, ran.out) == (1, "")
    assert ran.err == "downspout: depot:gone: there is no such document. Check its name.\n"
    right = hashlib.sha256(b"plain text\r\n\xc3\xa4").hexdigest()
    assert shell.run("get", "depot:d1", "-o", "-", "--sha256", right).status == 0
    ran = shell.run("get", "depot:d1", "-o", "-", "--sha256", "0" * 64)
    assert ran.status == 1
    assert "do not have the SHA-256 that was given" in ran.err


def test_a_folder_stands_for_its_documents(shell, depot):
    depot.facts["top"] = {"children": [["a.bin", "d1", 1000], ["sub/", "sub", None]]}
    depot.facts["sub"] = lambda hint: {"children": [["b.bin", "d2", 1000]], "more": None if hint else 1}
    ran = shell.run("get", "depot:top", "--json")
    assert ran.status == 0
    assert {line["index"] for line in ran.json[:-1]} == {1}
    assert shell.files() == {"a.bin": content("d1"), "sub/b.bin": content("d2")}


@pytest.mark.parametrize(
    ("exists", "status", "names"),
    [
        ("fail", 1, {"d1.bin": b"mine"}),
        ("skip", 0, {"d1.bin": b"mine"}),
        ("overwrite", 0, {"d1.bin": content("d1")}),
        ("rename", 0, {"d1.bin": b"mine", "d1 (1).bin": content("d1")}),
    ],
)
def test_what_is_there_is_treated_as_asked(shell, exists, status, names):
    (shell.folder / "d1.bin").write_bytes(b"mine")
    assert shell.run("get", "depot:d1", "--exists", exists).status == status
    assert shell.files() == names


def test_what_is_there_stays_unless_asked(shell):
    (shell.folder / "d1.bin").write_bytes(b"mine")
    ran = shell.run("get", "depot:d1", "--json")
    assert ran.json[0]["error"]["kind"] == "exists"
    assert "--exists" in ran.json[0]["error"]["hint"]


def test_quiet_says_nothing_but_failures(shell):
    assert shell.run("get", "depot:d1", "-q").err == ""
    ran = shell.run("get", "depot:gone", "-q")
    assert ran.err.splitlines()[0].startswith("downspout: depot:gone")


def test_verbose_says_what_is_done(shell):
    ran = shell.run("get", "depot:d1", "depot:d1", "-v")
    assert "ok: depot:d1 (1000 B, verified by size)" in ran.err
    assert "skipped: depot:d1" in ran.err
    assert "1 ok, 1 skipped" in ran.err


def test_verbose_says_what_is_tried_and_why(shell, depot):
    depot.is_open = False
    depot.link_facts = {"uses": 1}
    depot.script("/files/d1", [StatusOnly(503), Throttle("1")])
    ran = shell.run("get", "depot:d1", "-v")
    assert ran.status == 0
    assert re.search(r"503.* Trying again in \d\.\d s\.", ran.err)
    assert "Asking for the link again." in ran.err
    assert "The account depot: 4 at a time from now on, after 1.0 s." in ran.err
    assert all(line.startswith(("downspout ", "ok: ", "1 ok")) for line in ran.err.splitlines())


def test_dry_run_says_what_would_be_done_and_does_nothing(shell, depot):
    depot.facts["top"] = {"children": [["a.bin", "d1", 1000]]}
    ran = shell.run("get", "depot:d1", "depot:top", "depot:gone", "-d", "new", "--dry-run", "--json")
    assert ran.status == 1
    assert "would download depot:d1 to new/d1.bin" in ran.err
    assert "depot:top" in ran.err
    assert {line["status"] for line in ran.json[:-1]} == {"skipped", "failed"}
    assert not (shell.folder / "new").exists()
    assert not [request for request in depot.requests if request.path.startswith("/files")]


def test_a_page_of_html_is_taken_only_if_asked(shell, depot):
    depot.facts["d1"] = {"name": "report.pdf"}
    depot.script("/files/d1", [SignInPage()], repeat_last=True)
    ran = shell.run("get", "depot:d1", "--json", "--retries", "0")
    assert ran.json[0]["error"]["kind"] == "integrity"
    assert shell.files() == {}
    assert shell.run("get", "depot:d1", "--accept-html").status == 0


def test_retries_are_as_many_as_asked(shell, depot):
    depot.script("/files/d1", [StatusOnly(503)], repeat_last=True)
    ran = shell.run("get", "depot:d1", "--retries", "1", "--json")
    assert ran.json[0]["error"]["kind"] == "unavailable"
    assert len(depot.requests_to("/files/d1")) == 2


def test_a_pause_that_is_asked_for_is_made(shell, depot):
    depot.script("/files/d1", [Throttle("1")])
    ran = shell.run("get", "depot:d1")
    assert ran.status == 0
    assert ran.seconds > 1


def test_a_silent_server_is_given_up_after_the_time_limit(shell, depot):
    depot.script("/files/d1", [Stall(10)], repeat_last=True)
    ran = shell.run("get", "depot:d1", "--timeout", "0.3", "--retries", "0", "--json")
    assert ran.json[0]["error"]["kind"] == "unavailable"
    assert "0.3 s" in ran.json[0]["error"]["message"]
    assert ran.seconds < 5


def test_the_rate_is_limited(shell, depot):
    depot.big("d1", 600_000)
    ran = shell.run("get", "depot:d1", "--limit-rate", "400K", "--json")
    assert ran.status == 0
    assert 0.7 < ran.json[-1]["summary"]["seconds"] < 8


def test_connections_are_as_many_as_asked(shell, depot):
    depot.big("d1", 8_000_000)
    assert shell.run("get", "depot:d1", "-x", "3").status == 0
    assert len(depot.requests_to("/files/d1")) >= 2
    assert shell.run("get", "depot:d2", "-x", "1").status == 0
    assert len(depot.requests_to("/files/d2")) == 1


def test_a_document_of_the_web_hides_its_query(shell, depot):
    depot.documents["/files/d1"] = Document(content("d1"))
    url = depot.link("/files/d1").replace("127.0.0.1", "localhost")
    ran = shell.run("get", url, "--json", "-v", "--debug")
    assert ran.status == 0
    shown, _, secret = url.partition(f"{SIGNATURE}=")
    assert ran.json[0]["uri"] == f"{shown}{SIGNATURE}=…"
    assert secret not in ran.everything


def test_a_dead_account_leaves_the_rest_and_names_the_command(shell, depot):
    depot.is_open = False
    depot.tokens.clear()
    ran = shell.run("get", *(f"depot:d{number}" for number in range(20)), "--json")
    assert ran.status == 1
    summary = ran.json[-1]["summary"]
    assert (summary["failed"], summary["left"], summary["kinds"]) == (1, 19, {"authentication": 1})
    assert "downspout login depot" in ran.json[0]["error"]["hint"]
    assert ran.err.count("downspout login depot") == 1


def test_a_plugin_that_is_broken_costs_its_own_documents(shell, depot):
    depot.facts["d1"] = {"url": "https://x.example/", "nonsense": 1}
    ran = shell.run("get", "depot:d1", "--json")
    assert ran.json[0]["error"]["kind"] == "plugin"
    assert "Traceback" not in ran.everything


def test_names_are_made_safe_for_files_and_terminals(shell, depot):
    depot.facts["d1"] = {"name": "../../\x1b[31mevil\u202e\n.pdf"}
    ran = shell.run("get", "depot:d1")
    assert ran.status == 0
    assert "\x1b" not in ran.everything
    (name,) = shell.files()
    assert "/" not in name
    assert "\x1b" not in name
