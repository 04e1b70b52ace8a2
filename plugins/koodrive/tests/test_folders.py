"""Folders and paths."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from downspout import Folder, Link, Reference
from downspout.errors import AuthenticationError, NotFound, ProtocolError, Unavailable

LIST = "/koodrive/ose/v1/files/0"
DOWNLOAD = "/koodrive/ose/v1/files/download"

TREE = {
    "root": [("Fdocs", "Documents", 10), ("Fa", "a.txt", 45), ("Fsmart", "Smart", "11")],
    "Fdocs": [("Fdeep", "Übersicht", 10), ("Fb", "b.txt", 26)],
    "Fdeep": [("Fc", "报告.pdf", 45)],
    "Fsmart": [],
    "sbox": [("Fd", "d.txt", 45)],
    "Sh": [("Fe", "e.txt", 45)],
}


def entry(file_id, name, file_type, **more):
    return {
        "id": file_id,
        "fileName": name,
        "fileType": file_type,
        "size": "3",
        "editedTime": "2026-01-02T03:04:05.000Z",
        **more,
    }


@pytest.fixture
def tree(service, say):
    """Pages of one entry, with an empty one in the middle."""

    def answer(asked):
        entries = TREE.get(asked.json["parentFileId"])
        if entries is None:
            return say({"code": 13000309, "msg": "?"}, 400)
        start = int(asked.json["pageInfo"]["pageCursor"] or 0)
        pages = [[entry(*each)] for each in entries]
        pages[1:1] = [[]]
        page = {"category": "drive#fileList", "files": pages[start], "code": 0, "msg": "Success."}
        return page if start + 1 == len(pages) else {**page, "nextCursor": str(start + 1)}

    service.on(LIST, answer)
    return service


def listed(drive, uri):
    """Return the children of a folder, page after page."""
    children, reference = [], Reference.parse(uri)
    while reference is not None:
        (folder,) = drive.resolve(Reference.parse(str(reference)))
        children += folder.children
        reference = folder.more
    return children


@pytest.mark.parametrize(
    "uri", ["koodrive:/", "koodrive:C1/", "koodrive:C1/root", "koodrive:root", "koodrive:C1/root/"]
)
def test_a_folder_is_listed_page_by_page(drive, tree, uri):
    children = listed(drive(), uri)
    assert [(child.path, str(child.reference), child.size, child.version) for child in children] == [
        ("Documents/", "koodrive:C1/Fdocs/", None, None),
        ("a.txt", "koodrive:C1/Fa", 3, "2026-01-02T03:04:05.000Z"),
        ("Smart/", "koodrive:C1/Fsmart/", None, None),
    ]


def test_a_listing_is_asked_for_as_the_service_wants_it(drive, tree):
    drive().resolve("koodrive:/")
    assert tree.asked[0].json == {
        "pageInfo": {"pageSize": 100, "pageCursor": ""},
        "sortInfo": {"sortType": 1, "sortDirection": 1},
        "containerId": "C1",
        "parentFileId": "root",
    }


def test_a_sub_folder_can_be_asked_for_by_its_printed_reference(drive, tree):
    account = drive()
    (folder, *_) = listed(account, "koodrive:/")
    assert [child.path for child in listed(account, str(folder.reference))] == ["Übersicht/", "b.txt"]


def test_documents_from_a_listing_have_its_size_version_and_date(drive, tree):
    account = drive()
    reference = listed(account, "koodrive:/Documents")[1].reference
    (printed,) = account.resolve(str(reference))
    assert (printed.size, printed.version) == (None, None)
    (page,) = account.resolve("koodrive:C1/Fdocs/?cursor=2")
    (link,) = account.resolve(page.children[0].reference)
    assert (link.size, link.version, link.name) == (3, "2026-01-02T03:04:05.000Z", "Fb.txt")
    assert link.modified_at.isoformat() == "2026-01-02T03:04:05+00:00"


@pytest.mark.parametrize(
    ("path", "file_id"),
    [
        ("/a.txt", "Fa"),
        ("//Documents//b.txt", "Fb"),
        ("/Documents/Übersicht/报告.pdf", "Fc"),
        ("/Documents/U\u0308bersicht/报告.pdf", "Fc"),
    ],
)
def test_a_path_is_walked_down(drive, tree, path, file_id):
    (link,) = drive().resolve(f"koodrive:{path}")
    assert isinstance(link, Link)
    assert tree.at(DOWNLOAD)[0].json["fileIds"] == [file_id]
    assert link.size == 3
    assert link.reference.document == path


def test_a_path_may_lead_to_a_folder(drive, tree):
    (folder, with_slash) = drive().resolve("koodrive:/Documents/Übersicht", "koodrive:/Documents/Übersicht/")
    assert isinstance(folder, Folder)
    assert folder.children == with_slash.children
    assert tree.at(DOWNLOAD) == []


@pytest.mark.parametrize("path", ["/nothing", "/a.txt/x", "/Documents/nothing/x", "/a.txt/", "/documents/b.txt"])
def test_a_path_that_leads_nowhere_is_not_found(drive, tree, path):
    bad, good = drive().resolve(f"koodrive:{path}", "koodrive:/a.txt")
    assert isinstance(bad, NotFound)
    assert f"koodrive:{path}" in bad.message
    assert isinstance(good, Link)


def test_a_name_that_a_file_and_a_folder_share_is_told_apart_by_what_follows_it(drive, tree, monkeypatch):
    monkeypatch.setitem(TREE, "root", [("Ff", "Twins", 10), ("Fx", "Twins", 45)])
    monkeypatch.setitem(TREE, "Ff", [("Fy", "Twins", 45)])
    outcomes = drive().resolve("koodrive:/Twins/Twins", "koodrive:/Twins", "koodrive:/Twins/")
    assert [type(outcome) for outcome in outcomes] == [Link, Folder, Folder]
    assert outcomes[0].name == "Fy.txt"


def test_paths_through_one_folder_list_it_once_and_are_asked_for_together(drive, tree):
    drive().resolve("koodrive:/Documents/b.txt", "koodrive:/Documents/x", "koodrive:/a.txt", "koodrive:Fz")
    parents = [(asked.json["parentFileId"], asked.json["pageInfo"]["pageCursor"]) for asked in tree.at(LIST)]
    assert len(parents) == len(set(parents))
    assert [asked.json["fileIds"] for asked in tree.at(DOWNLOAD)] == [["Fb", "Fa", "Fz"]]


def test_a_shared_folder_is_a_root_of_its_own(drive, tree):
    (folder, link) = drive().resolve("koodrive:/?shared_folder=Sh", "koodrive:/e.txt?shared_folder=Sh")
    assert [str(child.reference) for child in folder.children] == ["koodrive:C1/Fe?shared_folder=Sh"]
    assert isinstance(link, Link)
    assert {asked.headers["x-hw-share-folder-id"] for asked in tree.asked} == {"Sh"}


def test_a_folder_that_is_not_there_fails_alone(drive, tree):
    gone, there = drive().resolve("koodrive:C1/Fgone/", "koodrive:/Documents/")
    assert isinstance(gone, NotFound)
    assert isinstance(there, Folder)


def test_a_folder_that_cannot_be_listed_is_asked_for_once(drive, service, say):
    service.on(LIST, say({"code": 13000301, "msg": "?"}, 400))
    outcomes = drive().resolve(*(f"koodrive:/{number}.txt" for number in range(20)))
    assert {type(outcome) for outcome in outcomes} == {NotFound}
    assert "koodrive:/19.txt" in outcomes[19].message
    assert len(service.asked) == 1


@pytest.mark.parametrize(("status", "kind"), [(401, AuthenticationError), (500, Unavailable)])
def test_a_listing_that_a_credential_or_a_pause_mends_fails_the_whole_call(drive, service, say, status, kind):
    service.on(LIST, say({"code": 1}, status))
    with pytest.raises(kind):
        drive().resolve("koodrive:F1", "koodrive:/")


@pytest.mark.parametrize("cursor", ["same", "a\nb", "x" * 5000, 7, [], {}])
def test_a_list_that_does_not_go_on_ends_with_an_error(drive, service, cursor):
    service.on(LIST, {"files": [], "code": 0, "nextCursor": cursor})
    outcomes = ()
    try:
        outcomes = drive().resolve("koodrive:/x")
    except ProtocolError as exc:
        outcomes = (exc,)
    assert isinstance(outcomes[0], ProtocolError)
    assert len(service.asked) <= 2


def test_pages_without_end_are_left_in_time(drive, service, monkeypatch):
    monkeypatch.setattr("downspout_koodrive._tree._MOST_PAGES", 5)
    turns = iter(range(100))
    service.on(LIST, lambda _: {"files": [], "code": 0, "nextCursor": f"c{next(turns)}"})
    (outcome,) = drive().resolve("koodrive:/x")
    assert isinstance(outcome, ProtocolError)
    assert len(service.asked) == 5


@pytest.mark.parametrize("file_id", ["", "a/b", "a b", "\ud800", "发票"])
def test_an_entry_without_a_usable_id_is_nonsense(drive, service, file_id):
    service.on(LIST, {"files": [entry(file_id, "a", 45)], "code": 0})
    try:
        (outcome,) = drive().resolve("koodrive:/")
    except ProtocolError as exc:  # a lone surrogate is no JSON text
        outcome = exc
    assert isinstance(outcome, ProtocolError)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.text(st.characters(blacklist_categories=["Cs"]), max_size=40),
    file_type=st.sampled_from([10, "45", None]),
)
def test_any_name_makes_one_path_component(drive, service, name, file_type):
    service.on(LIST, {"files": [entry("Fx", name, file_type)], "code": 0})
    (folder,) = drive().resolve("koodrive:/")
    (child,) = folder.children
    assert "/" not in child.path.removesuffix("/")
    assert child.is_folder is (file_type == 10)
    assert child.path.removesuffix("/") == (name or "Fx").replace("/", "_")


@pytest.mark.parametrize(
    ("edited", "when"),
    [
        ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05+00:00"),
        ("2026-01-02 03:04:05", "2026-01-02T03:04:05+00:00"),
        (1767323045000, "2026-01-02T03:04:05+00:00"),
        ("1767323045", "2026-01-02T03:04:05+00:00"),
        ("yesterday", None),
        ("9" * 18, None),
        (None, None),
    ],
)
def test_dates_are_read_in_several_forms(drive, service, edited, when):
    service.on(LIST, {"files": [entry("Fx", "x", 45, editedTime=edited)], "code": 0})
    (link,) = drive().resolve("koodrive:/x")
    assert (link.modified_at and link.modified_at.isoformat()) == when


@pytest.mark.parametrize(
    ("size", "expected"), [(0, 0), ("0", 0), ("12", 12), ("", None), (None, None), (-1, None), ("1.5", None)]
)
def test_sizes_are_numbers_or_unknown(drive, service, size, expected):
    service.on(LIST, {"files": [entry("Fx", "x", 45, size=size)], "code": 0})
    (folder,) = drive().resolve("koodrive:/")
    assert folder.children[0].size == expected
