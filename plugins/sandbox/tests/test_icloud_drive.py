"""drivews of the iCloud emulation: folders, applications, somebody else's share, the trash."""

import json
import unicodedata
from datetime import datetime

import pytest
import urllib3

from downspout_sandbox import Sandbox
from downspout_sandbox.icloud import authority, docwsid_of

ROOT = "FOLDER::com.apple.CloudDocs::root"


@pytest.fixture(scope="module")
def running():
    with Sandbox(services=["icloud"], small_count=12) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running):
    usual = running.world.switch_values()
    running.reset()
    yield running
    running.set(**usual)


@pytest.fixture
def drive(sandbox):
    """Give a function that calls drivews within a session."""
    session = sandbox.world.state(authority.Sessions).open(sandbox.world.now(), trusted=True)
    cookie = f'{authority.WEB_TOKEN}="{authority.cookie_value(session.token)}"'
    with urllib3.PoolManager(retries=False, timeout=10) as pool:

        def call(path, body=None, method="POST", **headers):
            sent = {"Cookie": cookie, "Origin": "https://www.icloud.com"} | headers
            data = None if body is None else json.dumps(body)
            return pool.request(method, sandbox.url("icloud-drive") + path, body=data, headers=sent)

        yield call


def listing(drive, *ids, **more):
    elements = [{"drivewsid": each, "partialData": False, **more} for each in ids]
    return drive("/retrieveItemDetailsInFolders", elements).json()


def names(folder):
    parts = ((item["name"], item.get("extension")) for item in folder["items"])
    return [unicodedata.normalize("NFC", ".".join(filter(None, pair))) for pair in parts]


def child(folder, name):
    return folder["items"][names(folder).index(name)]


def test_the_root_lists_folders_files_and_applications(drive):
    (root,) = listing(drive, ROOT)

    assert root["drivewsid"] == ROOT
    assert root["status"] == "OK"
    assert {"Reports", "notes.txt", "large.bin", "发票1.pdf", "Pages", "Obsidian", "Shared plans"} <= set(
        names(root)
    )
    assert "Trouble" not in names(root)
    assert root["numberOfItems"] == root["directChildrenCount"] == len(root["items"])
    assert root["fileCount"] == sum(item["type"] == "FILE" for item in root["items"])


def test_a_file_has_what_clients_read(sandbox, drive):
    (root,) = listing(drive, ROOT)

    file = child(root, "large.bin")

    assert file["drivewsid"] == f"FILE::com.apple.CloudDocs::{docwsid_of('large')}"
    assert (file["name"], file["extension"], file["type"]) == ("large", "bin", "FILE")
    assert (file["size"], file["zone"], file["parentId"]) == (20 * 2**20, "com.apple.CloudDocs", ROOT)
    for name in ("dateCreated", "dateModified", "dateChanged", "lastOpenTime"):
        assert datetime.fromisoformat(file[name]).tzinfo is not None
    assert "size" not in child(root, "Reports")


def test_names_come_decomposed(drive):
    (folder,) = listing(drive, f"FOLDER::com.apple.CloudDocs::{docwsid_of('languages')}")

    raw = [item["name"] for item in folder["items"]]
    assert all(unicodedata.is_normalized("NFD", name) for name in raw)
    assert {"계약서.pdf", "議事録.txt", "Résumé.pdf"} <= set(names(folder))


def test_several_folders_are_answered_in_order_and_an_unknown_one_by_itself(drive):
    reports, unknown = f"FOLDER::com.apple.CloudDocs::{docwsid_of('reports')}", "FOLDER::com.apple.CloudDocs::NOPE"

    first, second, third = listing(drive, reports, unknown, ROOT)

    assert "2025" in names(first)
    assert second == {"drivewsid": unknown, "status": "ID_INVALID"}
    assert third["drivewsid"] == ROOT


@pytest.mark.parametrize("asked", ["FILE::com.apple.CloudDocs::root", "root", "", None, 3, "a::b::c"])
def test_an_identifier_has_to_be_exact(drive, asked):
    (answer,) = drive("/retrieveItemDetailsInFolders", [{"drivewsid": asked}]).json()

    assert answer == {"drivewsid": asked, "status": "ID_INVALID"}


def test_applications_keep_their_documents_in_zones_of_their_own(drive):
    (root,) = listing(drive, ROOT)
    library = child(root, "Obsidian")
    assert (library["type"], library["zone"]) == ("APP_LIBRARY", "iCloud.md.obsidian")

    (folder,) = listing(drive, library["drivewsid"])
    (vault,) = listing(drive, child(folder, "Vault")["drivewsid"])

    assert child(vault, "Note.md")["zone"] == "iCloud.md.obsidian"
    libraries = drive("/retrieveAppLibraries", method="GET").json()["items"]
    assert {item["name"] for item in libraries} == {"Pages", "Obsidian"}


def test_a_shared_folder_opens_and_what_is_below_wants_the_share(drive):
    (root,) = listing(drive, ROOT)
    top = child(root, "Shared plans")
    assert top["drivewsid"].startswith("SHARED_FOLDER::")
    assert top["share"] == "TO_ME"
    assert top["owner"]["ownerRecordName"] == top["shareID"]["zoneID"]["ownerRecordName"]

    (folder,) = listing(drive, top["drivewsid"])
    below = child(folder, "Older")
    assert below["drivewsid"].startswith("FOLDER_IN_SHARED_FOLDER::")
    assert child(folder, "plan.pdf")["drivewsid"].startswith("FILE_IN_SHARED_FOLDER::")
    refused = drive("/retrieveItemDetailsInFolders", [{"drivewsid": below["drivewsid"]}])
    assert (refused.status, refused.json()["serverErrorCode"]) == (400, "BAD_REQUEST")
    (inner,) = listing(drive, below["drivewsid"], shareID=top["shareID"])
    assert names(inner) == ["table.csv"]


def test_the_trash_has_no_type(drive):
    (trash,) = listing(drive, "FOLDER::com.apple.CloudDocs::TRASH_ROOT")

    assert trash["drivewsid"] == "TRASH_ROOT"
    assert "type" not in trash
    assert [item["restorePath"] for item in trash["items"]] == ["계약서 certificate.pdf", "page.html"]


def test_items_are_described_without_their_children(drive):
    asked = [{"items": [{"drivewsid": ROOT}, {"drivewsid": "FILE::x::y"}]}]

    (answer,) = drive("/retrieveItemDetails", asked).json()

    assert answer["items"][0]["drivewsid"] == ROOT
    assert "items" not in answer["items"][0]
    assert answer["items"][1]["status"] == "ID_INVALID"


def test_a_changed_document_has_another_etag(sandbox, drive):
    before = child(listing(drive, ROOT)[0], "notes.txt")["etag"]
    sandbox.change("notes")

    assert child(listing(drive, ROOT)[0], "notes.txt")["etag"] != before


def test_trouble_is_listed_where_it_is_asked_for(sandbox, drive):
    sandbox.set(icloud_trouble=True)
    (root,) = listing(drive, ROOT)

    (trouble,) = listing(drive, child(root, "Trouble")["drivewsid"])

    assert {"no-token.txt", "gone.txt", "absent.txt", "broken.txt", "short.txt", "denied.txt"} < set(
        names(trouble)
    )
    short = child(trouble, "short.txt")
    assert short["size"] == sandbox.world.library.get("notes").size + 1


def test_without_a_session_or_an_origin_nothing_is_listed(drive):
    assert drive("/retrieveItemDetailsInFolders", [], Cookie="a=b").status == 421
    assert drive("/retrieveItemDetailsInFolders", [], Origin="").status == 403
    assert drive("/retrieveAppLibraries", method="GET", Cookie="").status == 421
    assert drive("/retrieveItemDetails", [], Cookie="").status == 421


@pytest.mark.parametrize(
    ("status", "code"), [(421, None), (423, None), (503, "THROTTLED"), (500, "INTERNAL_FAILURE")]
)
def test_a_switch_spoils_some_calls(sandbox, drive, status, code):
    sandbox.set(icloud_drive_answer=status, icloud_drive_errors=1)

    answer = drive("/retrieveItemDetailsInFolders", [{"drivewsid": ROOT}])

    assert answer.status == status
    assert answer.json().get("serverErrorCode") == code
    assert ("Retry-After" in answer.headers) is (status == 503)
    assert listing(drive, ROOT)[0]["status"] == "OK"


@pytest.mark.parametrize("body", [{}, 3, [3], "x", None])
def test_a_body_of_another_shape_is_a_bad_request(drive, body):
    assert drive("/retrieveItemDetailsInFolders", body).status == 400
    assert drive("/retrieveItemDetails", body).status == 400
