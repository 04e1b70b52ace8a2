"""docws and the content host of the iCloud emulation, asked by a plain client."""

import hashlib
import json
import unicodedata
from urllib.parse import quote

import pytest
import urllib3

from downspout_sandbox import Sandbox
from downspout_sandbox.icloud import authority, docwsid_of
from downspout_sandbox.icloud.items import OWNER, SEED_ID

BATCH = "/ws/com.apple.CloudDocs/download/batch"


@pytest.fixture(scope="module")
def running():
    with Sandbox(services=["icloud"], small_count=20) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running):
    usual = running.world.switch_values()
    running.reset()
    yield running
    running.set(**usual)


@pytest.fixture
def http():
    with urllib3.PoolManager(retries=False, timeout=10) as pool:
        yield pool


def query(sandbox, **changes):
    environment = sandbox.environment
    fields = {
        "clientBuildNumber": "1923Hotfix2",
        "clientMasteringNumber": "1923Hotfix2",
        "clientId": environment["DOWNSPOUT_ICLOUD_CLIENT_ID"],
        "dsid": environment["DOWNSPOUT_ICLOUD_DSID"],
        "token": environment["DOWNSPOUT_ICLOUD_TOKEN"],
    } | changes
    return "&".join(f"{name}={quote(value, safe='')}" for name, value in fields.items() if value is not None)


def batch(sandbox, http, ids, *, body=None, headers=None, path=BATCH, **changes):
    url = f"{sandbox.url('icloud-docs')}{path}?{query(sandbox, **changes)}"
    sent = json.dumps([{"document_id": each} for each in ids] if body is None else body)
    return http.request("POST", url, body=sent, headers=headers or {})


def by_id(sandbox, http, docwsid, *, zone="com.apple.CloudDocs", owner="", method="GET", **more):
    url = f"{sandbox.url('icloud-docs')}/ws/{zone}/download/by_id{owner}?document_id={docwsid}&{query(sandbox)}"
    return http.request(method, url, **more)


def link(sandbox, http, docwsid, **headers):
    return batch(sandbox, http, [docwsid], headers=headers).json()[0]["data_token"]["url"]


def digest_of(sandbox, document):
    return sandbox.world.library.get(document).sha256


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def test_the_published_batch_is_answered_field_by_field(sandbox, http):
    answer = batch(sandbox, http, [SEED_ID])

    (element,) = answer.json()
    assert answer.status == 200
    assert list(element) == ["document_id", "data_token", "thumbnail_token", "double_etag"]
    assert element["document_id"] == SEED_ID
    assert element["double_etag"] == "i::h"
    for token in (element["data_token"], element["thumbnail_token"]):
        assert list(token) == ["url", "token", "signature", "wrapping_key", "reference_signature"]
        assert len(token["signature"]) == len(token["reference_signature"]) == 28
        names = [pair.partition("=")[0] for pair in token["url"].partition("?")[2].split("&")]
        assert names == ["o", "v", "x", "a", "e", "k", "fl", "r", "ckc", "ckz", "p", "s"]
    assert "/Gescanntes+Dokument.pdf?" in element["data_token"]["url"]
    assert "/Gescanntes+Dokument.jpg?" in element["thumbnail_token"]["url"]


def test_a_link_gives_the_bytes_and_no_validator(sandbox, http):
    answer = http.request("GET", link(sandbox, http, docwsid_of("notes")))

    assert answer.status == 200
    assert sha256(answer.data) == digest_of(sandbox, "notes")
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert (
        answer.headers["Content-Disposition"] == "attachment; filename=\"notes.txt\"; filename*=UTF-8''notes.txt"
    )
    assert "ETag" not in answer.headers
    assert "Content-MD5" not in answer.headers


def test_a_batch_keeps_the_order_and_fails_one_document_alone(sandbox, http):
    ids = [docwsid_of("small-00007"), "FFFFFFFF-0000-4000-8000-000000000000", docwsid_of("small-00003")]

    found = batch(sandbox, http, ids).json()

    assert [element["document_id"] for element in found] == ids
    assert found[1]["error_code"] == "WSObjectNotFound"
    assert found[1]["serverErrorCode"] == "NOT_FOUND"
    assert "data_token" not in found[1]


def test_a_bare_object_is_answered_as_a_list_of_one(sandbox, http):
    answer = batch(sandbox, http, [], body={"document_id": SEED_ID})

    assert [element["document_id"] for element in answer.json()] == [SEED_ID]


@pytest.mark.parametrize("missing", ["clientBuildNumber", "clientMasteringNumber", "clientId"])
def test_without_cookies_the_query_has_to_be_whole(sandbox, http, missing):
    assert batch(sandbox, http, [SEED_ID], **{missing: None}).status == 400


@pytest.mark.parametrize("wrong", [{"token": "other"}, {"token": None}, {"dsid": "1"}])
def test_without_a_right_token_or_account_nothing_is_given(sandbox, http, wrong):
    answer = batch(sandbox, http, [SEED_ID], **wrong)

    assert answer.status == 421
    assert answer.json()["errorReason"] == "Missing X-APPLE-WEBAUTH-TOKEN cookie"


@pytest.mark.parametrize("body", [[], 3, "x", [[]], [{}], [{"document_id": 3}], {"document_id": None}])
def test_a_body_of_another_shape_is_a_bad_request(sandbox, http, body):
    assert batch(sandbox, http, [], body=body).status == 400


def test_an_app_document_is_found_in_its_own_zone_alone(sandbox, http):
    docwsid = docwsid_of("vault-note")

    own = batch(sandbox, http, [docwsid], path="/ws/iCloud.md.obsidian/download/batch").json()[0]
    other = batch(sandbox, http, [docwsid]).json()[0]

    assert http.request("GET", own["data_token"]["url"]).status == 200
    assert other["error_code"] == "WSObjectNotFound"


@pytest.mark.parametrize(
    ("how", "found"),
    [
        ("element", {"error_code", "serverErrorCode", "reason"}),
        ("status", {"status"}),
        ("null", {"data_token", "double_etag"}),
        ("missing", None),
        ("whole", None),
    ],
)
def test_a_document_fails_in_a_batch_as_the_switch_says(sandbox, http, how, found):
    sandbox.set(icloud_batch_failure=how)

    answer = batch(sandbox, http, [SEED_ID, "nope"])

    if how == "whole":
        assert answer.status == 404
        return
    good, *bad = answer.json()
    assert good["data_token"]["url"]
    assert len(bad) == (0 if found is None else 1)
    assert all(found <= set(element) for element in bad)


def test_a_batch_may_be_too_long_refused_or_in_another_order(sandbox, http):
    ids = [docwsid_of(f"small-{number:05}") for number in range(3)]
    sandbox.set(icloud_batch_reversed=True)
    assert [each["document_id"] for each in batch(sandbox, http, ids).json()] == ids[::-1]
    sandbox.set(icloud_batch_limit=2)
    assert batch(sandbox, http, ids).status == 400
    sandbox.set(icloud_batch_status=413)
    assert batch(sandbox, http, ids[:1]).status == 413


@pytest.mark.parametrize(
    ("flaw", "status"), [("gone", 404), ("denied", 403), ("broken", 500), ("no-token", 200), ("absent", 200)]
)
def test_trouble_comes_one_way_each(sandbox, http, flaw, status):
    docwsid = docwsid_of(f"trouble-{flaw}")

    answer, elements = by_id(sandbox, http, docwsid), batch(sandbox, http, [docwsid]).json()

    assert answer.status == status
    if flaw == "no-token":
        assert answer.json()["data_token"] is None
        assert answer.json()["package_token"] is None
    assert elements == [] if flaw == "absent" else elements[0]["document_id"] == docwsid


def test_by_id_gives_one_document_and_two_more_fields(sandbox, http):
    answer = by_id(sandbox, http, SEED_ID, body=b"null")  # as one client sends it

    assert answer.status == 200
    wanted = ["document_id", "item_id", "owner_dsid", "data_token", "thumbnail_token", "double_etag"]
    assert list(answer.json()) == wanted
    assert answer.json()["double_etag"] == "i::h"


def test_by_id_reports_what_is_not_there_as_recorded(sandbox, http):
    answer = by_id(sandbox, http, "nope")

    assert answer.status == 404
    body = answer.json()
    assert list(body) == ["uuid", "messageForDeveloper", "error_code", "serverErrorCode", "reason"]
    assert body["reason"] == "ObjectNotFoundException: Could not find document"


def test_a_document_without_bytes_has_no_link(sandbox, http):
    docwsid = docwsid_of("empty")

    assert by_id(sandbox, http, docwsid).status == 400
    assert batch(sandbox, http, [docwsid]).json()[0]["error_code"] == "InvalidRequestException"


def test_a_package_has_another_token_and_another_size(sandbox, http):
    drive_package = by_id(sandbox, http, docwsid_of("slides")).json()
    app_package = by_id(sandbox, http, docwsid_of("letter"), zone="com.apple.Pages").json()

    assert drive_package["data_token"] is None
    assert "data_token" not in app_package
    for package in (drive_package, app_package):
        assert "/packageDownload?" in package["package_token"]["url"]
        assert http.request("GET", package["package_token"]["url"]).data[:2] == b"PK"


def test_a_document_below_a_share_is_found_with_its_owner_alone(sandbox, http):
    docwsid = docwsid_of("share-plan")

    assert by_id(sandbox, http, docwsid, owner=f"/{OWNER}").status == 200
    assert by_id(sandbox, http, docwsid).status == 404
    assert by_id(sandbox, http, docwsid, owner="/_somebody").status == 404
    assert by_id(sandbox, http, SEED_ID, owner=f"/{OWNER}").status == 404
    assert by_id(sandbox, http, docwsid_of("share-letter")).status == 200


def test_an_etag_may_have_moved_and_thumbnails_be_missing(sandbox, http):
    before = by_id(sandbox, http, SEED_ID).json()["double_etag"]
    sandbox.set(icloud_etag_moves=True, icloud_no_thumbnails=True)

    answer = by_id(sandbox, http, SEED_ID).json()

    assert answer["double_etag"] != before
    assert "thumbnail_token" not in answer


def test_now_and_then_a_call_fails_for_no_reason(sandbox, http):
    sandbox.set(icloud_spurious_every=2)

    assert [by_id(sandbox, http, SEED_ID).status for _ in range(4)] == [200, 400, 200, 400]


def test_a_cookie_speaks_instead_of_the_query(sandbox, http):
    session = sandbox.world.state(authority.Sessions).open(sandbox.world.now(), trusted=True)
    cookie = f"{authority.WEB_TOKEN}={authority.cookie_value(session.token)}"
    url = f"{sandbox.url('icloud-docs')}{BATCH}"
    body = json.dumps([{"document_id": SEED_ID}])

    good = http.request("POST", url, body=body, headers={"Cookie": cookie, "Origin": "https://www.icloud.com"})
    assert good.status == 200
    assert http.request("POST", url, body=body, headers={"Cookie": cookie}).status == 403
    assert http.request("POST", url, body=body, headers={"Origin": "https://www.icloud.com"}).status == 421
    over = http.request(
        "POST", f"{url}?{query(sandbox)}", body=body, headers={"Cookie": f"{authority.WEB_TOKEN}=x"}
    )
    assert over.status == 421


def test_the_token_of_the_query_can_be_used_up(sandbox, http):
    sandbox.set(token_uses=2)

    assert [batch(sandbox, http, [SEED_ID]).status for _ in range(3)] == [200, 200, 421]


def lookup(sandbox, http, method, path, body=None, extra=""):
    url = f"{sandbox.url('icloud-docs')}{path}?{query(sandbox)}{extra}"
    return http.request(method, url, body=None if body is None else json.dumps(body))


@pytest.mark.parametrize(
    "path",
    [
        "/Reports/2025/report.pdf",
        "reports/2025/REPORT.PDF",
        "/Languages/" + unicodedata.normalize("NFD", "Résumé.pdf"),
    ],
)
def test_a_path_is_found_in_any_case_and_composition(sandbox, http, path):
    answer = lookup(sandbox, http, "POST", "/ws/com.apple.CloudDocs/list/lookup_by_path", path)

    (record,) = answer.json()
    assert record["status"] == {"status_code": 0, "error_message": ""}
    assert by_id(sandbox, http, record["document_id"]).status == 200


@pytest.mark.parametrize("path", ["/nope", "/notes.txt/x", "/nope/x", 3, None])
def test_other_paths_are_not_found(sandbox, http, path):
    assert lookup(sandbox, http, "POST", "/ws/com.apple.CloudDocs/list/lookup_by_path", path).status == 404


def test_an_item_is_looked_up_by_its_identifiers(sandbox, http):
    path = "/ws/com.apple.CloudDocs/list/lookup_by_id"
    record = lookup(sandbox, http, "GET", path, extra=f"&document_id={docwsid_of('notes')}").json()
    assert (record["name"], record["type"]) == ("notes.txt", "FILE")
    assert record["size"] == record["data"]["size"] == sandbox.world.library.get("notes").size
    assert lookup(sandbox, http, "GET", path, extra="&document_id=nope").status == 404

    item = lookup(sandbox, http, "GET", f"/v1/item/{record['item_id']}").json()
    assert item["item_info"]["size"] == str(record["size"])
    assert lookup(sandbox, http, "GET", "/v1/item/nope").status == 404


def test_a_folder_is_enumerated_up_to_a_limit(sandbox, http):
    path = "/ws/com.apple.CloudDocs/list/lookup_by_path"
    (folder,) = lookup(sandbox, http, "POST", path, "/Batch").json()

    enumerate_path = f"/v1/enumerate/{folder['item_id']}"
    assert len(lookup(sandbox, http, "GET", enumerate_path).json()["drive_item"]) == 20
    assert len(lookup(sandbox, http, "GET", enumerate_path, extra="&limit=3").json()["drive_item"]) == 3
    assert lookup(sandbox, http, "GET", enumerate_path, extra="&limit=x").status == 400
    assert lookup(sandbox, http, "GET", "/v1/enumerate/nope").status == 404


def test_a_lookups_link_is_good_for_shared_files_alone(sandbox, http):
    path = "/ws/com.apple.CloudDocs/list/lookup_by_path"
    (own,) = lookup(sandbox, http, "POST", path, "/notes.txt").json()
    (shared,) = lookup(sandbox, http, "POST", path, "/Shared plans/plan.pdf").json()

    assert http.request("GET", own["urls"]["url_download"]).status == 400
    assert http.request("GET", shared["urls"]["url_download"]).status == 200


def test_lookups_want_authority_too(sandbox, http):
    base = sandbox.url("icloud-docs")
    for method, path in [
        ("POST", "/ws/com.apple.CloudDocs/list/lookup_by_path"),
        ("GET", "/ws/com.apple.CloudDocs/list/lookup_by_id"),
        ("GET", "/v1/item/x"),
        ("GET", "/v1/enumerate/x"),
        ("GET", "/ws/com.apple.CloudDocs/download/by_id"),
    ]:
        assert http.request(method, base + path).status == 421
