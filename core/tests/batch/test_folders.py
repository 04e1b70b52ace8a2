"""Folders unfold as they are met, page by page, and end even where the service's do not."""

from pathlib import PurePosixPath

import pytest

from downspout import Folder, Reference
from downspout._batch import Wanted
from downspout.errors import NotFound, Unavailable

from .rig import content, failures, statuses, uris


def listing(*names):
    return {name: f"of-{name}" for name in names}


def test_a_folder_stands_for_every_document_below_it(rig):
    rig.depot.folders["top"] = {"a.bin": "a", "sub/": "sub", "deep/down/b.bin": "b"}
    rig.depot.folders["sub"] = {"c.bin": "c", "inner/": "inner"}
    rig.depot.folders["inner"] = {"d.bin": "d"}
    results = rig.run(["depot:top"])
    assert statuses(results) == {"ok": 4}
    assert {result.index for result in results} == {1}
    assert {result.uri for result in results} == {"depot:a", "depot:b", "depot:c", "depot:d"}
    assert rig.files() == {
        "a.bin": content("a"),
        "deep/down/b.bin": content("b"),
        "sub/c.bin": content("c"),
        "sub/inner/d.bin": content("d"),
    }


def test_a_folder_goes_where_its_line_says(rig):
    rig.depot.folders["top"] = {"a.bin": "a", "sub/": "sub"}
    rig.depot.folders["sub"] = {"b.bin": "b"}
    rig.run([Wanted("depot:top", target=PurePosixPath("x/y"), chosen=True)])
    assert rig.files() == {"x/y/a.bin": content("a"), "x/y/sub/b.bin": content("b")}


def test_pages_come_as_they_are_needed(rig):
    rig.depot.folders["top"] = listing(*(f"{number:03}" for number in range(250)))
    rig.depot.pages = 40
    results = rig.run(["depot:top"])
    assert statuses(results) == {"ok": 250}
    assert rig.depot.asked.count("top") == 7


def test_documents_of_a_large_folder_flow_before_its_last_page(rig):
    rig.depot.folders["top"] = listing(*(f"{number:04}" for number in range(3000)))
    rig.depot.pages = 100
    results = rig.results(["depot:top"])
    assert next(results).status == "ok"
    assert rig.depot.asked.count("top") < 30
    results.close()


def test_an_empty_folder_is_nothing_to_do(rig):
    rig.depot.outcomes["top"] = Folder([])
    assert rig.run(["depot:top", "depot:a"])[0].uri == "depot:a"


def test_empty_pages_on_the_way_are_not_the_end(rig):
    rig.depot.outcomes["top"] = lambda reference: Folder(
        [("z.bin", Reference("depot", "z"), None, None)] if reference.hint == 5 else [],
        None if reference.hint == 5 else Reference("depot", "top", hint=(reference.hint or 0) + 1),
    )
    assert statuses(rig.run(["depot:top"])) == {"ok": 1}


def test_folders_that_lie_in_each_other_are_unfolded_once(rig):
    rig.depot.folders["top"] = {"a.bin": "a", "self/": "top", "sub/": "sub"}
    rig.depot.folders["sub"] = {"b.bin": "b", "back/": "top"}
    results = rig.run(["depot:top"])
    assert statuses(results) == {"ok": 2, "skipped": 2}
    assert rig.files() == {"a.bin": content("a"), "sub/b.bin": content("b")}
    assert {result.path for result in results if result.status == "skipped"} == {rig.folder}


def test_a_listing_that_goes_round_ends_with_an_error(rig):
    entry = ("a.bin", Reference("depot", "a"), None, None)
    rig.depot.outcomes["top"] = lambda reference: Folder([entry], Reference("depot", "top", hint=1))
    results = rig.run(["depot:top"])
    assert failures(results)[1].kind == "protocol"
    assert "no end" in failures(results)[1].message
    assert rig.files() == {"a.bin": content("a")}
    assert len(rig.depot.calls) < 120


def test_folders_without_end_end_somewhere(rig):
    def deeper(reference):
        return Folder([("in/", Reference("depot", reference.document + "x"), None, None)])

    rig.depot.outcomes = {"x" * number: deeper for number in range(1, 300)}
    results = rig.run(["depot:x"])
    assert "in more than 100 folders" in failures(results)[1].message
    assert len(rig.depot.calls) <= 102


def test_a_folder_asked_for_twice_is_unfolded_once(rig):
    rig.depot.folders["top"] = {"a.bin": "a"}
    results = rig.run(["depot:top", "depot:top"])
    assert sorted((result.index, result.status) for result in results) == [(1, "ok"), (2, "skipped")]
    assert rig.depot.asked.count("top") == 1


def test_a_document_of_two_folders_is_brought_down_once(rig):
    rig.depot.folders["one"] = {"a.bin": "a"}
    rig.depot.folders["two"] = {"other.bin": "a"}
    results = rig.run(["depot:one", "depot:two"])
    assert statuses(results) == {"ok": 1, "skipped": 1}
    assert len(rig.files()) == 1


def test_a_folder_has_no_digest(rig):
    rig.depot.folders["top"] = {"a.bin": "a"}
    results = rig.run([Wanted("depot:top", sha256="0" * 64)])
    assert failures(results)[1].kind == "invalid-uri"
    assert rig.files() == {}


@pytest.mark.parametrize(
    "path", ["../up.bin", "/abs.bin", "a/../../b.bin", ".downspout-x.part", "..", "sub/../", "a\\..\\b", "c:/x"]
)
def test_no_entry_of_a_folder_leaves_it(rig, path):
    rig.depot.folders["top"] = {path: "evil", "good.bin": "good"}
    if path.endswith("/"):
        rig.depot.folders["evil"] = {"../../../x.bin": "inside"}
    results = rig.run(["depot:top"])
    assert len(results) == 2
    assert [file.name for file in rig.folder.parent.iterdir()] == ["out"]
    assert "good.bin" in rig.files()
    assert not [name for name in rig.files() if name.startswith(".")]


def test_no_link_below_the_folder_is_followed(rig, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (rig.folder / "sub").symlink_to(tmp_path / "elsewhere")
    rig.depot.folders["top"] = {"sub/a.bin": "a", "b.bin": "b"}
    results = rig.run(["depot:top"])
    assert statuses(results) == {"ok": 1, "failed": 1}
    assert failures(results)[1].kind == "storage"
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_file_in_the_way_of_a_folder_is_said(rig):
    (rig.folder / "sub").write_text("mine")
    rig.depot.folders["top"] = {"sub/a.bin": "a"}
    assert "stands in the way" in failures(rig.run(["depot:top"]))[1].message
    assert (rig.folder / "sub").read_text() == "mine"


def test_a_folder_that_cannot_be_made_is_said(rig):
    rig.depot.folders["top"] = {"/".join(["x" * 250] * 20 + ["a.bin"]): "a"}
    assert "name too long while making the folder" in failures(rig.run(["depot:top"]))[1].message


def test_file_and_folder_of_one_name_get_two(rig):
    rig.depot.folders["top"] = {"twin": "a", "twin/": "sub"}
    rig.depot.folders["sub"] = {"inside.bin": "b"}
    results = rig.run(["depot:top"], ledger=rig.ledger)
    assert statuses(results) == {"ok": 2}
    first = set(rig.files())
    assert len(first) == 2
    assert statuses(rig.run(["depot:top"], ledger=rig.ledger)) == {"skipped": 2}
    assert set(rig.files()) == first


def test_a_sub_folder_that_fails_costs_itself(rig):
    rig.depot.folders["top"] = {"a.bin": "a", "sub/": "sub"}
    rig.depot.outcomes["sub"] = NotFound("depot:sub: gone.")
    results = rig.run(["depot:top"])
    assert statuses(results) == {"ok": 1, "failed": 1}


def test_a_page_that_fails_for_now_is_asked_for_again(rig):
    rig.depot.folders["top"] = listing("a", "b", "c")
    rig.depot.pages = 2
    rig.depot.troubles = [None, Unavailable("busy", retry_after=0.01)]
    results = rig.run(["depot:top"])
    assert statuses(results) == {"ok": 3}


def test_references_of_another_account_are_refused(rig):
    rig.depot.outcomes["top"] = Folder([("a.bin", Reference("web", "https://x.example/"), None, None)])
    results = rig.run(["depot:top", *uris(2)])
    assert failures(results)[1].kind == "plugin"
    assert statuses(results) == {"ok": 2, "failed": 1}
