import hashlib
import hmac
import json
import time
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from downspout_sandbox.koodrive import appauth
from downspout_sandbox.koodrive.access import APP_ID, APP_SECRET, CODE, SESSION
from downspout_sandbox.koodrive.api import SHARE_CODE, SHARE_ID
from downspout_sandbox.koodrive.names import (
    CONTAINER,
    FOREIGN_CONTAINER,
    GROUP,
    INVOICE,
    SHARED_FOLDER,
    USER,
    file_id,
)


def test_the_published_example_holds_field_by_field(koodrive, pool):
    answer = koodrive().download(INVOICE)
    body = answer.json()
    (record,) = body["downloads"]
    assert answer.status == 200
    assert {**body, "downloads": []} == {"downloads": [], "batchCode": 1, "code": 0, "msg": "Success."}
    assert {**record, "url": ""} == {
        "fileId": INVOICE,
        "url": "",
        "fileName": "Invoice 1.pdf",
        "code": "0",
        "msg": "success",
    }
    query = urlsplit(record["url"]).query
    assert [each.split("=")[0] for each in query.split("&")] == [
        "response-content-disposition",
        "X-Amz-Algorithm",
        "X-Amz-Date",
        "X-Amz-SignedHeaders",
        "X-Amz-Expires",
        "X-Amz-Credential",
        "X-Amz-Signature",
    ]
    assert query.startswith(
        "response-content-disposition=attachment%3B%20filename%3D%22%25E5%258F%2591%25E7%25A5%25A81.pdf%22&"
    )
    assert parse_qs(query)["X-Amz-Expires"] == ["3600"]
    shown = pool.request("GET", record["url"]).headers["Content-Disposition"]
    assert unquote(shown) == 'attachment; filename="发票1.pdf"'


def test_a_batch_says_whether_all_some_or_none_are_there(koodrive):
    drive = koodrive()
    good, bad = file_id("large"), "Funknown"
    for ids, code in (((good, good), 1), ((good, bad), 0), ((bad, bad), 2)):
        assert drive.download(*ids).json()["batchCode"] == code


def test_a_hundred_documents_are_the_most(koodrive):
    drive = koodrive()
    ids = [file_id(f"small-{number:05}") for number in range(101)]
    assert len(drive.download(*ids[:100]).json()["downloads"]) == 100
    for wrong in (ids, []):
        answer = drive.download(*wrong)
        assert (answer.status, answer.json()["code"]) == (400, 13000102)


def test_documents_in_trouble_say_which(koodrive):
    ids = [file_id(each) for each in ("recycled", "blocked", "failing", "forbidden", "unlisted", "nowhere")]
    records = koodrive().download(*ids, "Ffolder-reports-".ljust(33, "0"), file_id("shared")).json()["downloads"]
    codes = {record["fileId"].rstrip("0").rstrip("-"): record["code"] for record in records}
    assert codes == {
        "Frecycled": "13000306",
        "Fblocked": "13000407",
        "Ffailing": "13000408",
        "Fforbidden": "13000410",
        "Fnowhere": "13000302",
        "Ffolder-reports": "13000406",
        "Fshared": "13000302",
    }
    assert all("url" not in record for record in records)


def test_a_shared_folder_shows_its_documents_and_no_others(koodrive):
    drive = koodrive()
    headers = drive.headers(x_hw_share_folder_id=SHARED_FOLDER)
    records = drive.download(file_id("shared"), file_id("large"), headers=headers).json()["downloads"]
    assert [record["code"] for record in records] == ["0", "13000302"]
    wrong = drive.headers(x_hw_share_folder_id="Fother")
    assert drive.download(file_id("shared"), headers=wrong).json()["code"] == 13000309


def test_a_space_must_exist_and_be_the_users(koodrive):
    drive = koodrive()
    assert drive.download(INVOICE, container="IAADother").json()["code"] == 13000301
    assert drive.download(INVOICE, container=FOREIGN_CONTAINER).json()["code"] == 13000410
    assert drive.download(INVOICE, container="x" * 65).json()["code"] == 13000102


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"containerId": 1}', b'{"fileIds": [1], "containerId": "c"}']
)
def test_a_body_of_another_form_is_refused(koodrive, pool, body):
    drive = koodrive()
    url = drive.sandbox.url("koodrive") + "/koodrive/ose/v1/files/download"
    headers = {**drive.headers(), "Content-Type": "application/json"}
    answer = pool.request("POST", url, body=body, headers=headers)
    assert (answer.status, answer.json()["code"]) == (400, 13000102)


def test_mandatory_headers_are_mandatory(koodrive):
    drive = koodrive()
    for name in ("X-User-Id", "X-Date"):
        headers = drive.headers()
        del headers[name]
        assert drive.download(INVOICE, headers=headers).json()["code"] == 13000102
    for name, value, status in (
        ("X-Traceid", "t" * 58, 200),
        ("X-Traceid", "t" * 57, 400),
        ("X-Traceid", "-" * 58, 400),
        ("X-Date", "2026-01-01", 400),
        ("X-User-Id", "other", 400),
        ("Authorization", "Bearer other", 401),
        ("Authorization", "", 401),
    ):
        assert drive.download(INVOICE, headers={**drive.headers(), name: value}).status == status


@pytest.mark.parametrize(("form", "space", "plus"), [("both", 200, 200), ("space", 200, 401), ("plus", 401, 200)])
def test_a_token_has_a_space_or_a_plus(koodrive, form, space, plus):
    drive = koodrive(koodrive_bearer=form)
    headers = drive.headers()
    assert drive.download(INVOICE, headers=headers).status == space
    headers["Authorization"] = headers["Authorization"].replace(" ", "+")
    assert drive.download(INVOICE, headers=headers).status == plus


@pytest.mark.parametrize(("offset", "status"), [(-5, 200), (-890, 200), (-910, 400), (30, 400)])
def test_a_strict_date_lies_in_the_fifteen_minutes_before_now(koodrive, offset, status):
    drive = koodrive(koodrive_strict_date=True)
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() + offset))
    assert drive.download(INVOICE, headers={**drive.headers(), "X-Date": stamp}).status == status


def test_a_token_lives_twenty_minutes_from_its_last_use(koodrive):
    drive = koodrive()
    for _ in range(3):
        drive.sandbox.advance(1100)
        assert drive.download(INVOICE).status == 200
    drive.sandbox.advance(1201)
    answer = drive.download(INVOICE)
    assert (answer.status, answer.json()["code"]) == (401, 13000201)


def test_an_expired_token_is_exchanged_with_the_sessions_id(koodrive):
    drive = koodrive(token_uses=1)
    assert [drive.download(INVOICE).status for _ in range(2)] == [200, 401]
    refreshed = drive.post("/session/refresh", None, drive.headers(x_session_id=SESSION)).json()
    assert refreshed["accessToken"].startswith("Bearer ")
    headers = {**drive.headers(), "Authorization": refreshed["accessToken"]}
    assert [drive.download(INVOICE, headers=headers).status for _ in range(3)] == [200] * 3
    assert drive.download(INVOICE).status == 401
    assert drive.post("/session/refresh", None, drive.headers(x_session_id=SESSION)).status == 200
    assert drive.post("/session/refresh", None, {**headers, "x-session-id": "other"}).status == 401
    assert drive.get("/session/auth", headers).json()["data"]["userId"] == USER
    assert drive.get("/session/logoff", headers).status == 200
    assert drive.get("/session/auth", headers).status == 401
    assert drive.post("/session/refresh", None, drive.headers(x_session_id=SESSION)).status == 401


def test_a_session_begins_with_the_code_of_the_sign_in_page(koodrive):
    drive = koodrive()
    page = drive.pool.request("GET", drive.get("/session/authCodeURL?domain=x<y").json()["uri"]).data.decode()
    assert f"x&lt;y/?code={CODE}" in page
    assert drive.get("/session/authCodeURL").status == 400
    data = drive.post("/session/", {"code": CODE, "domain": "x"}).json()["data"]
    assert drive.get("/session/auth", {"Authorization": data["accessToken"]}).status == 200
    assert drive.post("/session/", {"code": "wrong", "domain": "x"}).status == 400


def test_the_carriers_refresh_token_is_spent_once(koodrive):
    drive = koodrive(koodrive_carrier=True)
    environment = drive.sandbox.environment
    assert "DOWNSPOUT_KOODRIVE_SESSION_ID" not in environment
    headers = {"Authorization": f"AT {environment['DOWNSPOUT_KOODRIVE_TOKEN']}"}
    body = {"refreshToken": environment["DOWNSPOUT_KOODRIVE_REFRESH_TOKEN"]}
    info = drive.post("/auth/refreshToken", body, headers).json()["data"]["sessionInfo"]
    assert (info["expiresIn"], info["issuedAt"].isdigit()) == (1800, True)
    new = {**drive.headers(), "Authorization": info["accessToken"]}
    assert drive.download(INVOICE, headers=new).status == 200
    assert drive.post("/auth/refreshToken", body, headers).status == 401


def test_the_gateway_refuses_in_its_own_words(koodrive):
    drive = koodrive(koodrive_gateway=True)
    body = drive.download(INVOICE, headers={**drive.headers(), "Authorization": "Bearer x"}).json()
    assert set(body) == {"error_code", "error_msg", "request_id"}


def test_the_signature_of_the_fact_sheet_comes_out():
    headers = {"host": "koodrive.example", "x-date": "20260101T000000Z", "x-user-id": USER}
    body = b'{"containerId":"C1","fileIds":["F1"]}'
    request = appauth.canonical_request("POST", "/koodrive/ose/v1/files/download", headers, body)
    hashed = hashlib.sha256(request.encode()).hexdigest()
    assert hashed == "2f84c6a2f5ac5227273e3096f3ea0bc04aa310403fc4e1616b9c0bf68674a7ae"
    wanted = "18ff060850b90fc841de126911f3bb849682860dc6aa996ed6c0aa6ce855c809"
    assert appauth.sign("app-secret", request) == wanted


def test_dots_and_the_query_are_made_canonical():
    request = appauth.canonical_request("GET", "/a/b/../c/./d%20e?z=1&b=%2f&b=", {"host": " h "}, b"")
    assert request.split("\n")[:5] == ["GET", "/a/c/d%20e/", "b=&b=%2F&z=1", "host:h", ""]


def _signed(drive, body, stamp, secret=APP_SECRET, path="/koodrive/ose/v1/files/download"):
    host = drive.sandbox.url("koodrive").removeprefix("http://")
    canonical = (
        f"POST\n{path}/\n\nhost:{host}\nx-date:{stamp}\nx-user-id:{USER}\n\nhost;x-date;x-user-id\n"
        + hashlib.sha256(body).hexdigest()
    )
    text = "HMAC-SHA256\n" + hashlib.sha256(canonical.encode()).hexdigest()
    signature = hmac.new(secret.encode(), text.encode(), "sha256").hexdigest()
    names = "host;x-date;x-user-id"
    authorization = f"HMAC-SHA256 AppId={APP_ID},SignedHeaders={names},Signature={signature}"
    return {"Authorization": authorization, "X-User-Id": USER, "X-Date": stamp, "Content-Type": "application/json"}


def test_an_app_signs_the_bytes_that_it_sends(koodrive, pool):
    drive = koodrive(koodrive_app_auth=True)
    assert drive.sandbox.environment["DOWNSPOUT_KOODRIVE_APP_SECRET"] == APP_SECRET
    assert "DOWNSPOUT_KOODRIVE_TOKEN" not in drive.sandbox.environment
    url = drive.sandbox.url("koodrive") + "/koodrive/ose/v1/files/download"
    body = json.dumps({"containerId": CONTAINER, "fileIds": [INVOICE]}).encode()

    def status(sent=body, offset=-5, **more):
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() + offset))
        return pool.request("POST", url, body=sent, headers=_signed(drive, body, stamp, **more)).status

    assert status() == 200
    assert status(sent=body + b" ") == 401
    assert status(secret="other") == 401
    assert (status(offset=30), status(offset=-960)) == (400, 400)
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() - 5))
    path = "/koodrive/ose/v1/session/auth"
    assert (
        pool.request("GET", drive.sandbox.url("koodrive") + path, headers=_signed(drive, b"", stamp)).status == 401
    )


def _list(drive, parent="root", size="100", kind="0", **more):
    items, cursor, pages = [], None, 0
    while cursor is not None or not pages:
        info = {"pageSize": size, "pageCursor": cursor or ""}
        body = {"pageInfo": info, "containerId": CONTAINER, "parentFileId": parent, "fileType": "", **more}
        answer = drive.post(f"/files/{kind}", body).json()
        items += answer["files"]
        pages += 1
        cursor = answer.get("nextCursor")
    return items, pages


def test_folders_are_listed_page_by_page(koodrive):
    drive = koodrive(small_count=250)
    root, _ = _list(drive)
    ids = {item["fileName"]: item["id"] for item in root}
    assert {"Reports", "Languages", "Invoice 1.pdf", "large.bin"} <= set(ids)
    batch, pages = _list(drive, ids["Batch"])
    assert (len(batch), pages) == (250, 3)
    assert batch[7]["size"] == 16384
    reports, _ = _list(drive, ids["Reports"], 1)
    assert [(item["fileName"], item["fileType"]) for item in reports] == [("2025", 10), ("summary.txt", 45)]
    assert _list(drive, ids["Nothing"]) == ([], 1)
    assert _list(drive, kind="1") == ([], 1)


def test_short_and_empty_pages_are_not_the_end(koodrive):
    drive = koodrive(small_count=100, koodrive_short_pages=True)
    batch = next(item["id"] for item in _list(drive)[0] if item["fileName"] == "Batch")
    items, pages = _list(drive, batch, "40")
    assert (len(items), pages) == (100, 6)


def test_a_listing_of_nothing_known_is_refused(koodrive):
    drive = koodrive()
    body = {"containerId": CONTAINER, "parentFileId": file_id("large")}
    assert drive.post("/files/0", body).json()["code"] == 13000304
    assert drive.post("/files/0", {**body, "parentFileId": "Fnothing"}).json()["code"] == 13000309
    assert drive.post("/files/0", {**body, "parentFileId": "root", "pageInfo": {"pageCursor": "%"}}).status == 400
    assert drive.post("/files/0", {"containerId": CONTAINER, "pageInfo": {"pageSize": "many"}}).status == 400
    assert drive.post(f"/files/{GROUP}/0?team_type=2", {"containerId": CONTAINER}).json()["files"]


def test_details_and_paths_are_given(koodrive):
    drive = koodrive()
    report = file_id("report")
    detail = drive.post(f"/files/{report}/detail", {"containerId": CONTAINER}).json()
    assert (detail["fileName"], detail["id"], detail["code"]) == ("report.pdf", report, 0)
    path = drive.get(f"/files/path?fileId={report}&containerId={CONTAINER}").json()
    assert path["namePath"] == "root/Reports/2025/report.pdf"
    for wrong, code in (("Fnothing", 13000302), (file_id("recycled"), 13000306)):
        assert drive.post(f"/files/{wrong}/detail", {"containerId": CONTAINER}).json()["code"] == code


def test_an_owner_has_spaces(koodrive):
    drive = koodrive()
    assert drive.get(f"/space/{USER}?type=1").json()["data"]["containerId"] == CONTAINER
    assert drive.get(f"/space/{USER}?type=2").json()["code"] == 13000301
    url = f"{drive.sandbox.url('koodrive')}/koodrive/ose/v2/space/{USER}"
    assert drive.pool.request("GET", url, headers=drive.headers()).json()["data"][0]["containerId"] == CONTAINER


def test_a_share_is_opened_with_its_code(koodrive, pool):
    drive = koodrive()
    token = drive.post("/share/verify", {"shortUrl": "s", "extractCode": SHARE_CODE}).json()["kdstoken"]
    body = {"shareId": SHARE_ID, "fileId": INVOICE, "kdstoken": token}
    for path, headers in (("/share/download", None), ("/share/public/download", {"X-None": ""})):
        assert pool.request("GET", drive.post(path, body, headers).json()["downloadUrl"]).status == 200
    assert drive.post("/share/verify", {"shortUrl": "s", "extractCode": "x"}).status == 400
    assert drive.post("/share/public/download", {**body, "kdstoken": "x"}).status == 400


def test_switches_make_answers_disagree(koodrive):
    drive = koodrive()
    ids = [file_id(f"small-{number:05}") for number in range(4)]

    def records(**switches):
        drive.sandbox.set(**switches)
        return drive.download(*ids).json()

    dropped = records(koodrive_drop_every=2)
    assert ([each["fileId"] for each in dropped["downloads"]], dropped["batchCode"]) == (ids[::2], 0)
    reverse = records(koodrive_drop_every=0, koodrive_reverse=True)
    assert [each["fileId"] for each in reverse["downloads"]] == ids[::-1]
    text = records(koodrive_code_text=True)
    assert (text["code"], text["batchCode"]) == ("0", "1")
    assert records(koodrive_empty_url=True)["downloads"][0]["url"] == ""


def test_a_warning_comes_instead_of_a_blocked_document(koodrive, pool):
    drive = koodrive()
    warned = file_id("warned")
    size = drive.post(f"/files/{warned}/detail", {"containerId": CONTAINER}).json()["size"]
    answer = pool.request("GET", drive.link(warned))
    assert answer.status == 200
    assert len(answer.data) != size
    drive.sandbox.set(koodrive_warning=True)
    assert pool.request("GET", drive.link(file_id("large"))).data == answer.data


def test_a_shared_folder_is_listed(koodrive):
    drive = koodrive()
    body = {"containerId": "whatever", "parentFileId": SHARED_FOLDER}
    answer = drive.post("/files/0", body, drive.headers(x_hw_share_folder_id=SHARED_FOLDER)).json()
    assert [item["id"] for item in answer["files"]] == [file_id("shared")]


def test_a_thousand_documents_arrive_whole_after_ten_calls(koodrive):
    drive = koodrive()
    wanted = [f"small-{number:05}" for number in range(9000, 10_000)]
    for start in range(0, 1000, 100):
        ids = [file_id(each) for each in wanted[start : start + 100]]
        records = drive.download(*ids).json()["downloads"]
        assert [record["fileId"] for record in records] == ids
        for name, record in zip(wanted[start : start + 100], records, strict=True):
            data = drive.pool.request("GET", record["url"]).data
            assert data == drive.sandbox.world.library.get(name).read(0, 16384)
    assert sum(each.endpoint == "koodrive" for each in drive.sandbox.requests) == 10
