"""Links: what is asked for, how an answer is matched, and what one document's trouble costs the others."""

import json
from datetime import UTC, datetime

import pytest

from downspout import Folder, Link
from downspout.errors import AuthenticationError, DownspoutError, NotFound, ProtocolError, RateLimited, Unavailable
from downspout.testing import Answer
from downspout_icloud._links import end_of, moment, name_in

ZONE = "com.apple.CloudDocs"
BATCH = f"POST /docs/ws/{ZONE}/download/batch"
BY_ID = f"GET /docs/ws/{ZONE}/download/by_id"
GONE = {"error_code": "WSObjectNotFound", "serverErrorCode": "NOT_FOUND", "reason": "ObjectNotFoundException"}


def download(docwsid: str, **more: object) -> dict:
    url = f"https://cvws.icloud-content.com/B/sig/{docwsid}.txt?o=1&e=1579446080&s=2"
    return {"document_id": docwsid, "data_token": {"url": url}, "double_etag": "1::2", **more}


def all_of(request) -> list:
    return [download(each["document_id"]) for each in json.loads(request.body)]


def outcome_of(caller, *uris):
    try:
        (outcome,) = caller.resolve(*uris)
    except DownspoutError as exc:
        return exc
    return outcome


def test_a_session_s_call_carries_cookies_and_the_web_app_s_origin(signed, icloud):
    icloud.on(BATCH, all_of)
    signed.resolve("icloud:D1")
    (asked,) = icloud.api.requests
    assert asked.headers["origin"] == "https://www.icloud.com"
    assert (
        asked.headers["cookie"]
        == 'X-APPLE-WEBAUTH-TOKEN="v=2:t=planted-cookie~~"; X-APPLE-WEBAUTH-PCS-Documents="pcs"'
    )
    assert asked.params["clientId"] == "client-1"
    assert "token" not in asked.params, "a token has no business in a URL where cookies are there"


def test_each_zone_is_asked_by_itself(signed, icloud):
    icloud.on(BATCH, all_of)
    icloud.on("POST /docs/ws/com.apple.Pages/download/batch", all_of)
    links = signed.resolve("icloud:D1", "icloud:D2?zone=com.apple.Pages", "icloud:D3")
    assert [link.name for link in links] == ["D1.txt", "D2.txt", "D3.txt"]
    assert [json.loads(asked.body) for asked in icloud.api.requests] == [
        [{"document_id": "D1"}, {"document_id": "D3"}],
        [{"document_id": "D2"}],
    ]


def test_a_bare_object_answers_for_one_document(signed, icloud):
    icloud.on(BATCH, download("D1"))
    assert isinstance(outcome_of(signed, "icloud:D1"), Link)


@pytest.mark.parametrize("status", [302, 400, 404, 405, 409, 413, 500, 501])
def test_a_refused_batch_is_asked_for_one_by_one(signed, icloud, status):
    icloud.on(BATCH, GONE, status)
    icloud.on(BY_ID, lambda request: download(request.params["document_id"]))
    links = signed.resolve("icloud:D1", "icloud:D2")
    assert [link.name for link in links] == ["D1.txt", "D2.txt"]


def test_one_by_one_the_id_is_quoted_and_comes_first(signed, icloud):
    icloud.on(BATCH, GONE, 400)
    icloud.on(BY_ID, lambda request: download(request.params["document_id"]))
    assert isinstance(outcome_of(signed, "icloud:D&x=1"), Link)
    asked = icloud.asked("by_id")[0]
    assert asked.query.startswith("document_id=D%26x%3D1&clientBuildNumber=")
    assert asked.body == b""


@pytest.mark.parametrize("status", [429, 503])
def test_throttling_ends_the_call_at_once_and_says_for_how_long(signed, icloud, status):
    icloud.on(BATCH, {"serverErrorCode": "THROTTLED", "retryAfter": 7}, status)
    error = outcome_of(signed, "icloud:D1")
    assert isinstance(error, RateLimited)
    assert error.retry_after == 7
    assert len(icloud.api.requests) == 1


def test_throttling_half_way_leaves_what_was_found(signed, icloud):
    icloud.on(BATCH, GONE, 400)
    answers = {"D1": download("D1")}
    icloud.on(
        BY_ID, lambda request: answers.get(request.params["document_id"], Answer(503, b"", {"Retry-After": "3"}))
    )
    link, *rest = signed.resolve("icloud:D1", "icloud:D2", "icloud:D3")
    assert isinstance(link, Link)
    assert [(type(error), error.retry_after) for error in rest] == [(RateLimited, 3.0)] * 2
    assert len(icloud.asked("by_id")) == 2, "the third was not asked for any more"


@pytest.mark.parametrize("status", [401, 421, 423])
def test_a_session_that_is_over_asks_for_another(signed, icloud, status):
    icloud.on(BATCH, {"errorReason": "Missing X-APPLE-WEBAUTH-TOKEN cookie", "errorCode": status}, status)
    with pytest.raises(AuthenticationError):
        signed.resolve("icloud:D1", "icloud:D2")
    assert len(icloud.api.requests) == 1


def test_a_failure_may_come_with_status_200(signed, icloud):
    icloud.on(BATCH, {"errorCode": 421, "errorReason": "Missing X-APPLE-WEBAUTH-TOKEN cookie"})
    assert isinstance(outcome_of(signed, "icloud:D1"), DownspoutError)


@pytest.mark.parametrize(
    ("element", "error"),
    [
        (GONE, NotFound),
        ({"status": {"status_code": 404}}, NotFound),
        ({"status": {"status_code": "503"}}, RateLimited),
        ({"errorCode": 500}, Unavailable),
        ({"reason": "?"}, ProtocolError),
        ({"data_token": {"url": ""}}, ProtocolError),
        ({"data_token": {"url": "javascript:x"}}, ProtocolError),
        ({"data_token": {"url": "https://a b/"}}, ProtocolError),
        ({"data_token": {"url": "https:///x"}}, ProtocolError),
        ({"data_token": {"link": "https://c.example/"}}, ProtocolError),
    ],
)
def test_one_element_s_failure_is_that_document_s(signed, icloud, element, error):
    icloud.on(BATCH, [{"document_id": "D1", **element}, download("D2")])
    icloud.on(
        BY_ID, lambda r: {"document_id": "D1", **element} if r.params["document_id"] == "D1" else download("D2")
    )
    bad, good = signed.resolve("icloud:D1", "icloud:D2")
    assert type(bad) is error
    assert isinstance(good, Link)


def test_a_missing_field_is_named(signed, icloud):
    icloud.on(BATCH, [{"document_id": "D1", "data_token": {"link": "https://c.example/"}}])
    assert "url" in outcome_of(signed, "icloud:D1").message


def test_another_document_s_answer_is_none(signed, icloud):
    icloud.on(BATCH, [download("D2")])
    icloud.on(BY_ID, download("D2"))
    assert isinstance(outcome_of(signed, "icloud:D1"), ProtocolError)


def test_a_package_s_archive_is_named_so(signed, icloud):
    url = "https://cvws.icloud-content.com/packageDownload?o=1&e=1579446080"
    icloud.on(BATCH, [{"document_id": "D1", "data_token": None, "package_token": {"url": url}}])
    link = outcome_of(signed, "icloud:D1")
    assert (link.url, link.name, link.size, link.media_type) == (url, None, None, "application/zip")


def test_an_id_that_gives_no_link_is_looked_up(signed, icloud):
    icloud.on(BATCH, [{"document_id": name, **GONE} for name in ("EMPTY", "FOLDER", "NEITHER")])
    empty = {
        "drivewsid": f"FILE::{ZONE}::EMPTY",
        "docwsid": "EMPTY",
        "zone": ZONE,
        "name": "nothing",
        "extension": "dat",
        "type": "FILE",
        "size": 0,
    }
    unknown = {"drivewsid": f"FILE::{ZONE}::FOLDER", "status": "ID_INVALID"}
    icloud.on("POST /drive/retrieveItemDetails", {"items": [empty, unknown]})

    def folders(request):
        asked = [each["drivewsid"] for each in json.loads(request.body)]
        return [
            {"drivewsid": each, "status": "OK", "items": []}
            if each.endswith("FOLDER")
            else {"drivewsid": each, "status": "ID_INVALID"}
            for each in asked
        ]

    icloud.on("POST /drive/retrieveItemDetailsInFolders", folders)
    nothing, folder, neither = signed.resolve("icloud:EMPTY", "icloud:FOLDER", "icloud:NEITHER")
    assert (nothing.name, nothing.size, signed.read(nothing)) == ("nothing.dat", 0, b"")
    assert isinstance(folder, Folder)
    assert isinstance(neither, NotFound)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://c/B/x/Gescanntes+Dokument.pdf?o=1", "Gescanntes Dokument.pdf"),
        ("https://c/B/x/1%2B1%20%3D%202.txt", "1+1 = 2.txt"),
        ("https://c/B/x/Re%CC%81sume%CC%81", "Résumé"),
        ("https://c/B/x/$%7Bf%7D?o=1", None),
        ("https://c/packageDownload?o=1", None),
        ("https://c/", None),
        ("https://c/B/x/%ff%2F..%2F", "\ufffd/../"),
    ],
)
def test_the_name_in_a_link(url, name):
    assert name_in(url) == name


@pytest.mark.parametrize(
    ("url", "end"),
    [
        ("https://c/?e=1579446080", datetime(2020, 1, 19, 15, 1, 20, tzinfo=UTC)),
        ("https://c/?o=1&e=1579446080&k=2", datetime(2020, 1, 19, 15, 1, 20, tzinfo=UTC)),
        ("https://c/?fe=1579446080", None),
        ("https://c/?e=soon", None),
        ("https://c/?e=99999999999", datetime(5138, 11, 16, 9, 46, 39, tzinfo=UTC)),
        ("https://c/?e=999999999999", None),
    ],
)
def test_the_end_of_a_link(url, end):
    assert end_of(url) == end


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("2020-05-03T00:15:17Z", datetime(2020, 5, 3, 0, 15, 17, tzinfo=UTC)),
        ("2020-05-02T17:16:17-07:00", datetime(2020, 5, 3, 0, 16, 17, tzinfo=UTC)),
        ("2020-05-02T17:16:17", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("yesterday", None),
        (None, None),
    ],
)
def test_dates_of_listings(text, when):
    assert moment(text) == when
