"""docws and the content host of the iCloud emulation, asked by a plain client."""

import json
from urllib.parse import quote

import pytest
import urllib3

from downspout_sandbox import Sandbox
from downspout_sandbox.icloud import docwsid_of
from downspout_sandbox.icloud.items import SEED_ID

BATCH = "/ws/com.apple.CloudDocs/download/batch"


@pytest.fixture(scope="module")
def running():
    with Sandbox(services=["icloud"], small_count=20) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running):
    running.reset()
    return running


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


def link(sandbox, http, docwsid, **headers):
    return batch(sandbox, http, [docwsid], headers=headers).json()[0]["data_token"]["url"]


def digest_of(sandbox, document):
    return sandbox.world.library.get(document).sha256


def sha256(data):
    import hashlib

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
