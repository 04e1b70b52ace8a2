"""`ls`, `link` and `cat`: looking without keeping."""

import pytest

from downspout.testing import Cut, Document

from .rig import SIGNATURE, TOKEN, content


def test_ls_shows_a_document(shell, depot):
    depot.facts["d1"] = {"name": "report.pdf", "size": 2048, "version": "v7"}
    ran = shell.run("ls", "depot:d1")
    assert (ran.status, ran.out) == (0, "     2.0 KiB  v7            report.pdf\n")
    assert shell.run("ls", "depot:d1", "--json").json == [
        {"name": "report.pdf", "uri": "depot:d1", "folder": False, "size": 2048, "version": "v7"}
    ]


def test_ls_shows_folders_page_by_page(shell, depot):
    depot.facts["top"] = lambda hint: (
        {"children": [["b.bin", "d2", 5]]} if hint else {"children": [["a/", "sub", None]], "more": 1}
    )
    ran = shell.run("ls", "depot:top", "--json")
    assert ran.json == [
        {"name": "a/", "uri": "depot:sub", "folder": True, "size": None, "version": None},
        {"name": "b.bin", "uri": "depot:d2", "folder": False, "size": 5, "version": None},
    ]
    assert shell.run("ls", "depot:top").out.splitlines()[0].split() == ["-", "-", "a/"]


def test_ls_of_a_listing_that_breaks_off(shell, depot):
    depot.facts["top"] = lambda hint: (
        {"url": "https://x.example/"} if hint else {"children": [["a.bin", "d1", 1]], "more": 1}
    )
    ran = shell.run("ls", "depot:top")
    assert ran.status == 1
    assert "no page" in ran.err


def test_ls_of_a_listing_that_goes_round_ends(shell, depot):
    depot.facts["top"] = lambda hint: {"children": [], "more": 1}
    ran = shell.run("ls", "depot:top")
    assert ran.status == 1
    assert "no end" in ran.err


def test_ls_of_nothing_is_one_line(shell):
    ran = shell.run("ls", "depot:gone")
    assert (ran.status, ran.out, ran.err.count("\n")) == (1, "", 1)


def test_names_that_a_terminal_would_act_on_are_shown_harmless(shell, depot):
    depot.facts["top"] = {"children": [["\x1b[2Jevil\u202e.bin", "d1", 1]]}
    ran = shell.run("ls", "depot:top")
    assert "\x1b" not in ran.out
    assert "\u202e" not in ran.out


def test_link_prints_the_url_and_nothing_else(shell, depot):
    ran = shell.run("link", "depot:d1", "depot:d2")
    assert ran.status == 0
    assert ran.err == ""
    assert [line.partition("?")[0] for line in ran.out.splitlines()] == [
        f"{depot.origin}/files/d1",
        f"{depot.origin}/files/d2",
    ]


def test_link_json_has_exactly_the_promised_keys(shell, depot):
    depot.facts["d1"] = {
        "name": "r.pdf",
        "size": 7,
        "version": "v1",
        "expires_at": "2031-02-03T04:05:06.789+01:00",
    }
    (facts,) = shell.run("link", "depot:d1", "--json").json
    assert facts.pop("url").startswith(f"{depot.origin}/files/d1?{SIGNATURE}=")
    assert facts == {
        "uri": "depot:d1",
        "name": "r.pdf",
        "size": 7,
        "version": "v1",
        "expires_at": "2031-02-03T03:05:06Z",
        "needs_credential": False,
    }
    (facts,) = shell.run("link", "depot:d2", "--json").json
    assert (facts["size"], facts["version"], facts["expires_at"]) == (None, None, None)


def test_link_says_which_failed(shell, depot):
    depot.facts["top"] = {"children": []}
    ran = shell.run("link", "depot:gone", "depot:d1", "depot:top", "nonsense")
    assert ran.status == 1
    assert ran.out.count("\n") == 1
    assert ran.err.count("\n") == 3
    assert "downspout ls" in ran.err


def test_cat_writes_the_bytes(shell, depot):
    depot.documents["/files/d1"] = Document(b"plain\r\ntext", name="x.txt")
    ran = shell.run("cat", "depot:d1")
    assert (ran.status, ran.out, ran.err) == (0, "plain\r\ntext", "")


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("0-4", b"01234"),
        ("5-", b"56789"),
        ("-3", b"789"),
        ("3-3", b"3"),
        ("7-100", b"789"),
        ("-100", b"0123456789"),
        ("bytes=1-2", b"12"),
    ],
)
def test_cat_writes_a_range(shell, depot, asked, expected):
    depot.documents["/files/d1"] = Document(b"0123456789")
    ran = shell.run("cat", "depot:d1", "--range", asked)
    assert (ran.status, ran.out) == (0, expected.decode())


@pytest.mark.parametrize("asked", ["", "-", "5-2", "a-b", "1", "1-2,4-5", "-0x3", "9" * 30 + "-"])
def test_a_range_that_is_none_is_a_usage_error(shell, asked):
    ran = shell.run("cat", "depot:d1", "--range", asked)
    assert (ran.status, ran.out) == (2, "")
    assert "--range" in ran.err


def test_a_range_beyond_the_end_is_said(shell, depot):
    depot.documents["/files/d1"] = Document(b"0123456789")
    ran = shell.run("cat", "depot:d1", "--range", "20-30")
    assert ran.out == ""
    assert "Traceback" not in ran.err


def test_cat_goes_on_where_a_connection_broke(shell, depot):
    document = depot.big("d1", 3_000_000)
    depot.script("/files/d1", [Cut(1_000_000)])
    with shell.started("cat", "depot:d1") as process:
        assert process.stdout.read() == document.read()
        assert process.wait(20) == 0


def test_cat_of_a_folder_is_an_error(shell, depot):
    depot.facts["top"] = {"children": []}
    ran = shell.run("cat", "depot:top")
    assert (ran.status, ran.out) == (1, "")
    assert "is a folder" in ran.err


def test_no_secret_is_on_the_way(shell, depot):
    depot.is_open = False
    for command in ("ls", "cat"):
        ran = shell.run(command, "depot:d1", "--debug")
        assert ran.status == 0
        assert TOKEN not in ran.everything
        assert not any(token in ran.everything for token in tokens(depot))
    assert depot.documents["/files/d1"].read() == content("d1")


def tokens(depot):
    return [request.target.partition(f"{SIGNATURE}=")[2] for request in depot.requests if "=" in request.target]
