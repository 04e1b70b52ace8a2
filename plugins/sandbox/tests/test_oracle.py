from urllib.parse import quote

import pytest
import urllib3

from downspout_sandbox import Sandbox
from downspout_sandbox.oracle import names
from downspout_sandbox.oracle.access import (
    CLIENT_ID,
    CLIENT_SECRET,
    FEDERATED,
    PASSWORD,
    STRANGER,
    STRANGER_PASSWORD,
    USERNAME,
)
from downspout_sandbox.oracle.names import file_id

REPORT = names.REPORT
PRIVATE = file_id("private")


@pytest.fixture
def oracle(pool):
    running = []

    def start(**switches):
        sandbox = Sandbox(["oracle"], **switches).__enter__()
        running.append(sandbox)
        return Client(sandbox, pool)

    yield start
    for sandbox in running:
        sandbox.__exit__(None, None, None)


class Client:
    def __init__(self, sandbox, pool):
        self.sandbox, self.pool = sandbox, pool
        token = sandbox.environment.get("DOWNSPOUT_ORACLE_TOKEN")
        self.headers = {"Authorization": f"Bearer {token}"}

    def get(self, path, headers=None, method="GET", **more):
        url = f"{self.sandbox.url('oracle')}/documents/api/1.2{path}"
        sent = self.headers if headers is None else headers
        return self.pool.request(method, url, headers=sent, redirect=False, **more)

    def folder(self, key):
        return self.sandbox.world.library.folder(key)

    def data(self, guid, headers=None, query="", **more):
        return self.get(f"/files/{guid}/data{query}", headers, **more)


def _error(answer):
    body = answer.json()
    assert set(body) == {"errorCode", "errorKey", "errorMessage", "errorType", "id", "title", "type"}
    return answer.status, body["errorCode"]


def test_the_examples_one_and_two_give_a_version(oracle):
    client = oracle()
    second = client.data(REPORT, query="?version=2")
    assert (second.status, b"Report, second" in second.data) == (200, True)
    client.sandbox.set(oracle_open_links=True)
    first = client.data(REPORT, {"LinkID": names.CODE_LINK}, "?version=1")
    assert (first.status, b"first draft" in first.data) == (200, True)
    assert b"third and last" in client.data(REPORT).data


def test_the_examples_three_and_five_need_the_access_code(oracle):
    client = oracle()
    link = {"LinkID": names.CODE_LINK}
    cookie = f"dAccessCode-{names.CODE_LINK}=test12345"
    assert client.data(REPORT, {**link, "Cookie": cookie}, "?version=1").status == 200
    assert client.data(REPORT, {**link, "Cookie": f"a=b; {cookie}; c=d"}).status == 200
    assert client.data(REPORT, link, "?version=1").json() == {
        "errorCode": "-18",
        "errorKey": "!csUnableToDownloadFile!csAccessCodeRequiredForLinkAccess",
        "errorMessage": "Unable to download file. The access code must be provided to access the link.",
        "errorType": "file",
        "id": REPORT,
        "title": "Unable to download file. The access code must be provided to access the link.",
        "type": "https://www.w3.org/Protocols/rfc2616/rfc2616-sec10.html",
    }
    wrong = client.data(REPORT, {**link, "Cookie": cookie + "6"})
    assert (_error(wrong), "AccessCodeInvalid" in wrong.json()["errorKey"]) == ((403, "-18"), True)


def test_example_four_refuses_a_stranger(oracle):
    client = oracle()
    headers = urllib3.make_headers(basic_auth=f"{STRANGER}:{STRANGER_PASSWORD}")
    body = client.data(REPORT, headers, "?version=1").json()
    assert (body["errorCode"], body["errorKey"]) == (
        "-20",
        f"!csUnableToDownloadFile!csCloudItemInsufficientPrivileges,User BB,fFileGUID:{REPORT},GET_FILE",
    )
    assert body["errorMessage"] == (
        f"Unable to download file. User 'User BB' has insufficient privilege to access fFileGUID:{REPORT} "
        "with service GET_FILE."
    )


def test_example_six_uses_an_applink(oracle):
    client = oracle()
    headers = {"appLinkID": names.APPLINK, "accessToken": names.APPLINK_TOKEN}
    assert client.data(names.CONTRACT, headers).status == 200
    assert (
        client.data(names.CONTRACT, {"AppLinkID": names.APPLINK, "AccessToken": names.APPLINK_TOKEN}).status == 200
    )
    for wrong in (
        {"appLinkID": names.APPLINK},
        {"accessToken": names.APPLINK_TOKEN},
        {**headers, "accessToken": "x"},
    ):
        assert _error(client.data(names.CONTRACT, wrong)) == (403, "-20")
    assert _error(client.data(names.CONTRACT, {**headers, "LinkID": names.OPEN_LINK})) == (400, "-1")


def test_ranges_come_in_three_forms(oracle):
    client = oracle()
    whole = client.data(REPORT)
    for text, wanted in (("0-500", whole.data[:501]), ("500-", whole.data[500:]), ("-500", whole.data[-500:])):
        part = client.data(REPORT, {**client.headers, "Range": f"bytes={text}"})
        assert (part.status, part.data) == (206, wanted)
    beyond = client.data(REPORT, {**client.headers, "Range": "bytes=9999-"})
    assert (_error(beyond), beyond.headers["Content-Range"]) == ((416, "-1"), f"bytes */{len(whole.data)}")


def test_a_final_slash_makes_no_difference(oracle):
    client = oracle()
    assert client.get(f"/files/{REPORT}/data/?version=1").status == 200
    assert client.get(f"/files/{REPORT}/").json()["id"] == REPORT


def test_what_is_not_there_is_minus_sixteen(oracle):
    client = oracle()
    folder = names.folder_id(client.folder("reports"))
    for guid, query in ((file_id("nothing"), ""), (REPORT, "?version=9"), (REPORT, "?version=x"), (folder, "")):
        assert _error(client.data(guid, query=query)) == (404, "-16")


def test_someone_must_be_signed_in(oracle):
    client = oracle()
    for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": "Basic x"}, {"Authorization": "Other x"}):
        answer = client.data(REPORT, headers)
        assert (_error(answer), "WWW-Authenticate" in answer.headers) == ((401, "-1"), True)
    client.sandbox.set(oracle_login_redirect=True)
    answer = client.data(REPORT, {})
    assert (answer.status, answer.headers["Location"].startswith(client.sandbox.url("oracle-identity"))) == (
        302,
        True,
    )
    assert client.pool.request("GET", answer.headers["Location"]).headers["Content-Type"].startswith("text/html")


def test_public_links_lead_to_others_documents_as_their_role_allows(oracle):
    client = oracle()
    assert _error(client.data(PRIVATE)) == (403, "-20")
    assert client.data(PRIVATE, {"LinkID": names.OPEN_LINK}).status == 200
    assert _error(client.data(PRIVATE, {"LinkID": names.VIEWER_LINK})) == (403, "-20")
    assert _error(client.data(PRIVATE, {"LinkID": names.EXPIRED_LINK})) == (400, "-26")
    assert _error(client.data(PRIVATE, {"LinkID": "LFother"})) == (400, "-26")
    assert _error(client.data(PRIVATE, {"LinkID": names.MEMBERS_LINK})) == (401, "-1")
    assert client.data(PRIVATE, {**client.headers, "LinkID": names.MEMBERS_LINK}).status == 200


def test_a_viewer_sees_what_may_not_be_downloaded(oracle):
    client = oracle()
    viewer = {"LinkID": names.VIEWER_LINK}
    assert client.get(f"/files/{PRIVATE}", viewer).json()["name"] == "private.pdf"
    assert client.get("/folders/self/items?filterName=Reports", viewer).json()["count"] == "1"
    assert _error(client.data(PRIVATE, viewer)) == (403, "-20")
    stranger = urllib3.make_headers(basic_auth=f"{STRANGER}:{STRANGER_PASSWORD}")
    assert _error(client.get("/folders/self/items", stranger)) == (403, "-20")
    assert _error(client.get("/folders/self/items", {})) == (401, "-1")
    body = {"assignedUser": "u", "role": "viewer"}
    made = client.get(
        f"/applinks/folder/{names.folder_id(client.folder('reports'))}", None, "POST", json=body
    ).json()
    applink = {"appLinkID": made["appLinkID"], "accessToken": made["accessToken"]}
    assert client.get(f"/folders/{names.folder_id(client.folder('reports'))}", applink).json()["name"] == "Reports"
    assert _error(client.data(REPORT, applink)) == (403, "-20")


def test_an_applinks_token_is_renewed_for_a_day(oracle):
    client = oracle()
    applink = {"appLinkID": names.APPLINK, "accessToken": names.APPLINK_TOKEN}
    renewing = {**applink, "refreshToken": names.APPLINK_REFRESH_TOKEN}
    client.sandbox.advance(901)
    assert _error(client.data(names.CONTRACT, applink)) == (403, "-20")
    client.sandbox.set(oracle_applink_status=401)
    assert _error(client.data(names.CONTRACT, applink)) == (401, "-20")
    for _ in range(2):
        answer = client.get("/applinks/token", renewing, "PUT").json()
        assert (answer["type"], answer["errorCode"]) == ("applink", "0")
        assert client.data(names.CONTRACT, {**applink, "accessToken": answer["accessToken"]}).status == 200
    assert _error(client.get("/applinks/token", applink, "PUT")) == (400, "-1")
    client.sandbox.advance(86_400)
    assert _error(client.get("/applinks/token", renewing, "PUT")) == (403, "-20")


def test_links_are_made_by_those_who_may(oracle):
    client = oracle()
    made = client.get(
        f"/applinks/file/{REPORT}", None, "POST", json={"assignedUser": "u", "role": "downloader"}
    ).json()
    headers = {"appLinkID": made["appLinkID"], "accessToken": made["accessToken"]}
    assert client.data(REPORT, headers).status == 200
    assert _error(client.data(names.CONTRACT, headers)) == (403, "-20")
    body = {"assignedUsers": "@everybody", "role": "downloader", "password": "eightlong"}
    link = client.get(f"/publiclinks/file/{REPORT}", None, "POST", json=body).json()["linkID"]
    cookie = f"dAccessCode-{link}=eightlong"
    assert client.data(REPORT, {"LinkID": link, "Cookie": cookie}).status == 200
    assert _error(client.data(PRIVATE, {"LinkID": link, "Cookie": cookie})) == (400, "-26")
    items = client.get(f"/publiclinks/file/{REPORT}").json()["items"]
    assert link in [item["linkID"] for item in items]
    assert client.get(f"/publiclinks/{link}").json()["role"] == "downloader"
    assert _error(client.get("/publiclinks/LFother")) == (400, "-26")
    for path, wrong in (
        ("applinks", {}),
        ("publiclinks", {"password": "short"}),
        ("publiclinks", {"role": "owner"}),
    ):
        assert _error(client.get(f"/{path}/file/{REPORT}", None, "POST", json=wrong)) == (400, "-1")


def test_metadata_is_text(oracle):
    client = oracle()
    shown = client.get(f"/files/{file_id('large')}").json()
    assert (shown["size"], shown["version"], shown["type"], shown["errorCode"]) == ("20971520", "1", "file", "0")
    assert client.get(f"/files/{REPORT}?version=2").json()["version"] == "2"
    assert [each["version"] for each in client.get(f"/files/{REPORT}/versions").json()["items"]] == ["3", "2", "1"]
    some = client.get(f"/files/lists?idList={REPORT},{file_id('large')},Dother").json()
    assert (some["count"], len(some["items"])) == ("2", 2)
    client.sandbox.set(oracle_numbers=True)
    assert client.get(f"/files/{file_id('large')}").json()["size"] == 20971520


def _walk(client, path):
    guid = "self"
    for name in path:
        items = client.get(f"/folders/{guid}/items?filterName={quote(name)}").json()["items"]
        guid = items[0]["id"]
    return guid


def test_a_path_is_walked_name_by_name(oracle):
    client = oracle()
    assert _walk(client, ["Reports", "2025", "report.pdf"]) == REPORT
    assert _walk(client, ["Languages", "계약서.pdf"]) == names.CONTRACT
    assert client.get("/folders/items?filterName=reports").json()["items"] == []
    twins = client.get(f"/folders/{_walk(client, ['Twins'])}/items?filterName=Twins").json()["items"]
    assert [each["type"] for each in twins] == ["folder", "file"]


def test_folders_come_in_pages(oracle):
    client = oracle(small_count=120)
    batch = _walk(client, ["Batch"])
    seen, offset, more = [], 0, "1"
    while more == "1":
        page = client.get(f"/folders/{batch}/items?limit=50&offset={offset}").json()
        seen += [each["name"] for each in page["items"]]
        offset, more = offset + int(page["count"]), page["hasMore"]
    assert (len(seen), len(set(seen)), page["totalResults"]) == (120, 120, "120")
    assert _error(client.get(f"/folders/{batch}/items?limit=0")) == (400, "-1")
    assert _error(client.get("/folders/Fother/items")) == (404, "-16")
    assert client.get(f"/folders/{batch}").json()["name"] == "Batch"
    names_down = [each["name"] for each in client.get("/folders/items?orderby=name:desc").json()["items"]]
    assert names_down == sorted(names_down, reverse=True)


def test_a_search_finds_by_name(oracle):
    client = oracle(small_count=3)
    found = client.get("/folders/search/items?fulltext=REPORT").json()
    assert ([each["name"] for each in found["items"]], found["totalCount"]) == (["Reports", "report.pdf"], "2")
    assert _error(client.get("/folders/search/items")) == (400, "-1")


def test_a_rendition_is_a_picture(oracle):
    client = oracle()
    assert client.get(f"/files/{REPORT}/data/rendition?rendition=thumbnail1").data.startswith(b"\x89PNG")
    assert _error(client.get(f"/files/{REPORT}/data/rendition")) == (404, "-16")


def test_the_name_is_in_the_disposition_in_both_forms(oracle):
    client = oracle()
    shown = client.data(names.CONTRACT).headers["Content-Disposition"]
    assert shown == "attachment; filename=\"___.pdf\"; filename*=UTF-8''%EA%B3%84%EC%95%BD%EC%84%9C.pdf"
    hostile = client.data(file_id("hostile")).headers["Content-Disposition"]
    assert "%5C" in hostile
    client.sandbox.set(oracle_plain_names=True)
    assert "Content-Disposition" not in client.data(REPORT).headers


def test_basic_authentication_works(oracle):
    client = oracle(oracle_sign_in="basic")
    environment = client.sandbox.environment
    assert "DOWNSPOUT_ORACLE_TOKEN" not in environment
    pair = f"{environment['DOWNSPOUT_ORACLE_USERNAME']}:{environment['DOWNSPOUT_ORACLE_PASSWORD']}"
    assert client.data(REPORT, urllib3.make_headers(basic_auth=pair)).status == 200
    assert client.data(REPORT, urllib3.make_headers(basic_auth="a:b")).status == 401


def _grant(client, pair=f"{CLIENT_ID}:{CLIENT_SECRET}", **fields):
    environment = client.sandbox.environment
    fields = {"scope": environment["DOWNSPOUT_ORACLE_SCOPE"], **fields}
    headers = urllib3.make_headers(basic_auth=pair)
    url = environment["DOWNSPOUT_ORACLE_TOKEN_ENDPOINT"]
    return client.pool.request("POST", url, fields=fields, headers=headers, encode_multipart=False)


@pytest.mark.parametrize("way", ["client", "password"])
def test_a_grant_gives_a_token_for_an_hour(oracle, way):
    client = oracle(oracle_sign_in=way)
    fields = {"username": USERNAME, "password": PASSWORD} if way == "password" else {}
    kind = "password" if way == "password" else "client_credentials"
    answer = _grant(client, grant_type=kind, **fields).json()
    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 3600)
    client.headers = {"Authorization": f"Bearer {answer['access_token']}"}
    assert client.data(REPORT).status == 200
    client.sandbox.advance(3601)
    assert client.data(REPORT).status == 401


def test_a_grant_is_refused_in_oauths_words(oracle):
    client = oracle(oracle_sign_in="password")

    def refused(**more):
        return _grant(client, **more).json()["error"]

    assert refused(pair="a:b", grant_type="client_credentials") == "invalid_client"
    assert refused(grant_type="client_credentials", scope="x") == "invalid_scope"
    assert refused(grant_type="password", username=USERNAME, password="x") == "invalid_grant"
    assert refused(grant_type="password", username=FEDERATED, password="x") == "invalid_grant"
    assert refused(grant_type="other") == "unsupported_grant_type"


def test_the_first_token_wears_out_and_the_next_does_not(oracle):
    client = oracle(oracle_sign_in="client", token_uses=3)

    def statuses():
        token = _grant(client, grant_type="client_credentials").json()["access_token"]
        return [client.data(REPORT, {"Authorization": f"Bearer {token}"}).status for _ in range(5)]

    assert statuses() == [200, 200, 200, 401, 401]
    assert statuses() == [200] * 5


def test_a_page_for_signing_in_comes_while_the_metadata_stays(oracle):
    client = oracle(login_page=True)
    answer = client.data(REPORT)
    assert (answer.status, answer.headers["Content-Type"].split(";")[0]) == (200, "text/html")
    assert client.get(f"/files/{REPORT}").json()["mimeType"] == "application/pdf"


def test_small_documents_have_numbers(oracle):
    client = oracle()
    assert len(client.data("D" + "42".rjust(43, "0")).data) == 16384
