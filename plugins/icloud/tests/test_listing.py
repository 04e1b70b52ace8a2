"""Folders and paths: how few calls they take, and what goes with a call."""

import json

import pytest

from downspout import Folder, Link
from downspout.errors import DownspoutError, NotFound, ProtocolError, RateLimited

ZONE = "com.apple.CloudDocs"
FOLDERS = "POST /drive/retrieveItemDetailsInFolders"
SHARE_ID = {"shareName": "s", "recordName": "SHARE-s", "zoneID": {"zoneName": ZONE, "ownerRecordName": "_ann"}}


def entry(docwsid: str, name: str, kind: str = "FILE", **more: object) -> dict:
    stem, dot, extension = name.rpartition(".")
    names = {"name": stem, "extension": extension} if dot and kind == "FILE" else {"name": name}
    prefix = more.pop("prefix", kind)
    return {
        "drivewsid": f"{prefix}::{ZONE}::{docwsid}",
        "docwsid": docwsid,
        "zone": ZONE,
        "type": kind,
        **names,
        **more,
    }


TREE = {
    "root": [
        entry("A", "Alpha", "FOLDER"),
        entry("B", "Beta", "FOLDER"),
        entry("N", "n.txt", size=3, etag="1::2"),
    ],
    "A": [entry("AA", "Inner", "FOLDER"), entry("A1", "a.txt", size=1), entry("A2", "A.TXT", size=2)],
    "B": [entry("B1", "b.txt", size="5"), entry("BF", "b.txt", "FOLDER")],
    "AA": [entry("AA1", "deep", size=7)],
    "BF": [],
}


def tree(request) -> list:
    found = []
    for each in json.loads(request.body):
        docwsid = each["drivewsid"].rpartition("::")[2]
        known = docwsid in TREE
        found.append(
            {"drivewsid": each["drivewsid"], "status": "OK", "items": TREE[docwsid]}
            if known
            else {"drivewsid": each["drivewsid"], "status": "ID_INVALID"}
        )
    return found[::-1]  # their order is nobody's promise


@pytest.fixture
def drive(signed, icloud):
    icloud.on(FOLDERS, tree)

    def links(request):
        return [
            {
                "document_id": each["document_id"],
                "data_token": {"url": f"https://c.example/{each['document_id']}"},
                "double_etag": "1::2",
            }
            for each in json.loads(request.body)
        ]

    icloud.on(f"POST /docs/ws/{ZONE}/download/batch", links)
    return signed


def folder_calls(icloud) -> list[list[str]]:
    asked = icloud.asked("retrieveItemDetailsInFolders")
    return [[each["drivewsid"].rpartition("::")[2] for each in json.loads(request.body)] for request in asked]


def test_many_paths_take_one_call_for_each_depth(drive, icloud):
    uris = [
        "icloud:/Alpha/Inner/deep",
        "icloud:/Beta/b.txt",
        "icloud:/Alpha/a.txt",
        "icloud:/n.txt",
        "icloud:/nope/x",
    ]
    outcomes = drive.resolve(*uris)
    assert folder_calls(icloud) == [["root"], ["A", "B"], ["AA"]]
    assert [type(outcome) for outcome in outcomes] == [Link, Link, Link, Link, NotFound]
    assert len(icloud.asked("download/batch")) == 1


def test_more_folders_than_one_call_takes_are_listed_in_several(drive, icloud, monkeypatch):
    many = [entry(f"F{number}", f"F{number}", "FOLDER") for number in range(25)]
    monkeypatch.setitem(TREE, "root", many)
    for each in many:
        monkeypatch.setitem(TREE, each["docwsid"], [])
    outcomes = drive.resolve(*(f"icloud:/F{number}/" for number in range(25)))
    assert all(isinstance(outcome, Folder) for outcome in outcomes)
    assert [len(call) for call in folder_calls(icloud)] == [1, 10, 10, 5]


@pytest.mark.parametrize(
    ("path", "docwsid"),
    [
        ("/Alpha/a.txt", "A1"),
        ("/alpha/A.TXT", "A2"),
        ("/ALPHA/INNER/DEEP", "AA1"),
        ("/Beta/b.txt", "B1"),
        ("/BETA/B.TXT", "B1"),
    ],
)
def test_the_exact_name_goes_first_and_a_document_before_a_folder(drive, path, docwsid):
    (link,) = drive.resolve(f"icloud:{path}")
    assert link.url == f"https://c.example/{docwsid}"


def test_a_final_slash_wants_a_folder(drive):
    folder, missing = drive.resolve("icloud:/Beta/b.txt/", "icloud:/n.txt/")
    assert isinstance(folder, Folder)
    assert isinstance(missing, NotFound)


def test_what_a_listing_says_goes_with_the_link(drive):
    (link,) = drive.resolve("icloud:/n.txt")
    assert (link.name, link.size, link.version) == ("n.txt", 3, "1::2")


def test_a_child_s_reference_needs_no_listing(drive, icloud):
    (folder,) = drive.resolve("icloud:/")
    icloud.api.requests.clear()
    before = len(icloud.asked("InFolders"))
    files = [child.reference for child in folder.children if not child.is_folder]
    (link,) = drive.resolve(*files)
    assert (link.name, link.size) == ("n.txt", 3)
    assert len(icloud.asked("InFolders")) == before


def test_a_share_s_folders_are_listed_with_what_identifies_it(signed, icloud):
    listings = {
        "root": [entry("S", "Shared", "FOLDER", shareID=SHARE_ID, owner={"ownerRecordName": "_ann"})],
        "S": [entry("T", "Older", "FOLDER", prefix="FOLDER_IN_SHARED_FOLDER")],
        "T": [entry("T1", "x.txt", prefix="FILE_IN_SHARED_FOLDER", size=3)],
    }

    def reply(request):
        (asked,) = json.loads(request.body)
        short = asked["drivewsid"].rpartition("::")[2]
        assert (asked.get("shareID") == SHARE_ID) == (short != "root")
        return [{"drivewsid": asked["drivewsid"], "items": listings[short]}]

    icloud.on(FOLDERS, reply)
    owner = f"/docs/ws/{ZONE}/download/by_id/_ann"
    icloud.on(f"GET {owner}", {"document_id": "T1", "data_token": {"url": "https://c.example/x"}})
    (folder,) = signed.resolve("icloud:/Shared/Older")
    (child,) = folder.children
    assert str(child.reference) == "icloud:/Shared/Older/x.txt"
    (link,) = signed.resolve(child.reference)
    assert (link.url, link.size) == ("https://c.example/x", 3)
    assert icloud.asked("by_id")[0].path == owner


def test_one_bad_folder_spoils_no_other(drive, icloud):
    def reply(request):
        asked = json.loads(request.body)
        if len(asked) > 1:
            return {"errorReason": "?"}
        if asked[0]["drivewsid"].endswith("::B"):
            return [{"drivewsid": asked[0]["drivewsid"], "items": [{"name": "no id"}]}]
        return tree(request)

    icloud.on(FOLDERS, reply)
    good, bad = drive.resolve("icloud:/Alpha/a.txt", "icloud:/Beta/b.txt")
    assert isinstance(good, Link)
    assert isinstance(bad, ProtocolError)
    assert "drivewsid" in bad.message


def test_names_that_no_path_can_have_are_asked_for_by_id(drive, icloud, monkeypatch):
    odd = [
        entry("X", "a/b", "FOLDER"),
        entry("Y", "..", "FOLDER"),
        entry("Z", "twice", "FOLDER"),
        entry("W", "Twice", "FOLDER"),
    ]
    monkeypatch.setitem(TREE, "root", odd)
    (folder,) = drive.resolve("icloud:/")
    assert [str(child.reference) for child in folder.children] == [
        "icloud:X/",
        "icloud:Y/",
        "icloud:Z/",
        "icloud:W/",
    ]
    assert folder.children[0].path == "a_b/"


@pytest.mark.parametrize("status", [400, 404, 500])
def test_a_folder_s_failure_is_its_own(drive, icloud, status):
    icloud.on(FOLDERS, b"", status)
    (outcome,) = drive.resolve("icloud:/Alpha/")
    assert isinstance(outcome, DownspoutError)


def test_throttled_listings_end_the_call(drive, icloud):
    icloud.on(FOLDERS, b"", 503, {"Retry-After": "5"})
    with pytest.raises(RateLimited) as caught:
        drive.resolve("icloud:/Alpha/", "icloud:N")
    assert caught.value.retry_after == 5


def test_a_folder_has_no_thumbnail(drive):
    (outcome,) = drive.resolve("icloud:/Alpha?part=thumbnail")
    assert isinstance(outcome, NotFound)
