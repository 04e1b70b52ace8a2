"""What paths name, and what is told of it."""

import errno
from datetime import datetime

import fsspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from downspout import Reference
from downspout.errors import InvalidURI, NoProvider, NotFound
from downspout_fsspec import DownspoutFileSystem, _paths
from downspout_koodrive import provider as koodrive

REPORTS = "koodrive:/Reports/2025"


@pytest.fixture
def shelf_fs(shelf_client):
    return DownspoutFileSystem(client=shelf_client)


def test_fsspec_knows_the_protocol():
    assert fsspec.get_filesystem_class("downspout") is DownspoutFileSystem


def test_a_folder_is_listed_with_sizes_and_paths(fs, sandbox):
    found = fs.ls(f"downspout://{REPORTS}/")
    table = next(each for each in found if each["name"] == f"{REPORTS}/table.csv")
    assert (table["type"], table["size"]) == ("file", sandbox.world.library.get("table").size)
    assert fs.ls("downspout://koodrive:/", detail=False)[:2] == ["koodrive:/Reports", "koodrive:/Languages"]


def test_a_long_folder_is_listed_to_its_end(fs):
    assert len(fs.ls("koodrive:/Batch")) == 120


def test_a_tree_is_found_from_its_root(fs):
    found = fs.find("downspout://koodrive:/Languages")
    assert "koodrive:/Languages/議事録.txt" in found
    assert fs.glob("downspout://koodrive:/**/*.csv") == [f"{REPORTS}/table.csv"]
    assert fs.glob("koodrive:/*/summary.txt", detail=True)["koodrive:/Reports/summary.txt"]["type"] == "file"


def test_a_document_and_a_folder_of_one_name_are_both_there(fs):
    names = [(each["name"], each["type"]) for each in fs.ls("koodrive:/Twins")]
    assert sorted(names) == [("koodrive:/Twins/Twins", "directory"), ("koodrive:/Twins/Twins", "file")]
    assert fs.info("koodrive:/Twins/Twins")["type"] == "file"
    assert fs.cat_file("koodrive:/Twins/Twins").startswith(b"A file named as its folder")
    assert fs.ls("koodrive:/Twins/Twins", detail=False) == ["koodrive:/Twins/Twins/Twins"]


def test_a_document_by_its_id_is_told_with_its_size(fs, sandbox):
    uri = f"koodrive:{sandbox_id('large')}"
    info = fs.info(f"downspout://{uri}")
    assert (info["name"], info["type"], info["size"]) == (uri, "file", 20 * 2**20)
    assert fs.ls(uri) == [info | {"size": None}] or fs.ls(uri) == [info]
    assert fs.exists(uri)
    assert not fs.isdir(uri)


def sandbox_id(key):
    from downspout_sandbox.koodrive import names

    return names.file_id(key)


@pytest.mark.parametrize("path", ["koodrive:/nothing", "koodrive:/Reports/nothing/at/all", "koodrive:Fnothing"])
def test_what_is_not_there_is_not_found(fs, path):
    assert not fs.exists(path)
    for ask in (fs.info, fs.ls, fs.open, fs.cat_file):
        with pytest.raises(FileNotFoundError) as caught:
            ask(path)
        assert isinstance(caught.value.__cause__, NotFound)


def test_what_may_not_be_seen_is_a_permission_error(fs):
    from downspout_sandbox.koodrive import names

    with pytest.raises(PermissionError):
        fs.info(f"koodrive:{names.FOREIGN_CONTAINER}/{names.INVOICE}")


def test_a_service_that_does_not_answer_is_not_taken_for_a_missing_document(fs, sandbox):
    sandbox.set(fail_every=1)
    with pytest.raises(OSError, match="503") as caught:
        fs.exists("koodrive:/notes.txt")
    assert caught.value.errno == errno.EIO


def test_what_is_no_uri_is_said(fs):
    with pytest.raises(InvalidURI, match="no URI"):
        fs.open("downspout://notes.txt")
    with pytest.raises(OSError, match="no account") as caught:
        fs.info("nobody:/x")
    assert isinstance(caught.value.__cause__, NoProvider)
    assert not fs.exists("notes.txt")


def test_a_folder_is_not_opened(fs):
    with pytest.raises(IsADirectoryError):
        fs.open("koodrive:/Reports")
    with pytest.raises(IsADirectoryError):
        fs.cat_file("koodrive:/Reports")


@pytest.mark.parametrize("change", ["mkdir", "makedirs", "rm", "touch", "rmdir", "rm_file"])
def test_nothing_is_changed(fs, change):
    with pytest.raises(OSError, match="never changed") as caught:
        getattr(fs, change)("koodrive:/notes.txt")
    assert caught.value.errno == errno.EROFS


def test_options_are_part_of_a_path(shelf, shelf_fs):
    shelf.put("/a/b.txt", b"b")
    assert shelf_fs.cat("downspout://shelf:/a/b.txt?version=2") == b"b"
    assert shelf.asked[-1].options["version"] == "2"
    with fsspec.open("downspout://shelf:/a/b.txt?version=2", client=shelf_fs.client) as file:
        assert file.read() == b"b"
    assert shelf_fs.glob("shelf:/a/?.txt") == ["shelf:/a/b.txt"]


def test_a_url_is_taken_whole(shelf, shelf_fs):
    shelf.put("/a/b/", None)
    shelf.server.documents["/a/b/"] = shelf.server.documents["/c"] = _document()
    url = shelf.server.url("/a/b/")
    assert shelf_fs.cat(f"downspout://{url}") == b"of the web"
    assert shelf_fs.info(f"downspout://web:{url}?q=[1]")["size"] == 10


def _document():
    from downspout.testing import Document

    return Document(b"of the web")


def test_names_that_mean_something_in_uris_are_escaped(shelf, shelf_fs):
    for name in ("100%.txt", "what?.txt", "a#b.txt", "[x]*.txt", "a::b.txt"):
        shelf.put(f"/odd/{name}", name.encode())
    found = shelf_fs.ls("shelf:/odd", detail=False)
    assert "shelf:/odd/100%25.txt" in found
    for path in found:
        shelf_fs.invalidate_cache()
        with shelf_fs.open(path) as file:
            assert Reference.parse(path).document == f"/odd/{file.read().decode()}"
    assert sorted(shelf_fs.find("shelf:/odd")) == sorted(found)


def test_a_path_below_a_folder_that_only_its_number_names_is_found_in_its_listing(shelf, shelf_fs):
    shelf.put("/a/deep/c.txt", b"c")
    assert shelf_fs.find("shelf:F1") == ["shelf:F1/deep/c.txt"]
    shelf_fs.invalidate_cache()
    for _ in range(2):
        assert shelf_fs.cat_file("shelf:F1/deep/c.txt") == b"c"
    fresh = DownspoutFileSystem(client=shelf_fs.client, use_listings_cache=False)
    assert fresh.info("shelf:F1/deep/c.txt")["size"] == 1
    with pytest.raises(FileNotFoundError):
        fresh.info("shelf:F1/deep/d.txt")


def test_listings_are_kept_until_they_are_asked_for_anew(shelf, shelf_fs):
    shelf.put("/a/b.txt", b"b")
    assert len(shelf_fs.ls("shelf:/a")) == 1
    shelf.put("/a/c.txt", b"c")
    assert len(shelf_fs.ls("shelf:/a")) == 1
    assert len(shelf_fs.ls("shelf:/a", refresh=True)) == 2


def test_a_listing_in_hand_saves_a_question(shelf, shelf_fs):
    shelf.put("/a/b.txt", b"b")
    shelf_fs.ls("shelf:/a")
    before = len(shelf.asked)
    assert shelf_fs.info("shelf:/a/b.txt")["size"] == 1
    assert len(shelf.asked) == before


def test_a_link_of_the_moment_is_given(shelf, shelf_fs):
    shelf.put("/a/b.txt", b"b")
    assert shelf_fs.sign("shelf:/a/b.txt") == shelf.server.url("/a/b.txt")


def test_the_time_of_a_change_is_told(fs):
    fs.ls("koodrive:/Reports/2025")
    assert isinstance(fs.modified("koodrive:/Reports/2025/table.csv"), datetime)


def test_without_an_account_there_is_nothing_to_list(fs):
    with pytest.raises((OSError, InvalidURI)):
        fs.ls("")
    assert fs._parent("koodrive:ABC") == ""
    assert koodrive.name == "koodrive"


@given(
    st.text(min_size=1).filter(lambda name: "/" not in name and not any("\ud800" <= c <= "\udfff" for c in name))
)
def test_any_name_below_a_folder_makes_a_uri_of_that_name(name):
    path = _paths.join("shelf:/folder", name)
    assert Reference.parse(path).document == f"/folder/{name}"
    assert _paths.parent(path) == "shelf:/folder"
    assert not _paths.has_wildcard(path)
    assert _paths.strip(f"downspout://{path}") == path


@given(st.text())
def test_stripping_twice_is_stripping_once(text):
    once = _paths.strip(text)
    assert _paths.strip(once) == once or once.startswith("downspout:")
