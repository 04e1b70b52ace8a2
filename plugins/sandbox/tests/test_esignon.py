from urllib.parse import urlsplit

import pytest

from downspout_sandbox import Sandbox
from downspout_sandbox.esignon.names import FIRST_SMALL

LOGIN = {"header": {"request_code": "1001Q"}, "body": {"memb_email": "jo@acme.example", "memb_pwd": ""}}


@pytest.fixture
def esignon(pool):
    running = []

    def start(**switches):
        sandbox = Sandbox(["esignon"], **switches).__enter__()
        running.append(sandbox)
        return Client(sandbox, pool)

    yield start
    for sandbox in running:
        sandbox.__exit__(None, None, None)


class Client:
    def __init__(self, sandbox, pool):
        self.sandbox, self.pool = sandbox, pool
        environment = sandbox.environment
        self.client_id = environment["DOWNSPOUT_ESIGNON_CLIENT_ID"]
        self.password = environment["DOWNSPOUT_ESIGNON_PASSWORD"]
        self.headers = {"Authorization": f"esignon {environment['DOWNSPOUT_ESIGNON_TOKEN']}"}

    def call(self, method, path, **more):
        return self.pool.request(method, self.sandbox.url("esignon") + path, headers=self.headers, **more)

    def download(self, workflow, **more):
        body = {"workflow_id": workflow, "client_id": self.client_id, **more}
        return self.call("POST", "/workflow/download", json=body).json()

    def code(self, workflow, **more):
        return self.download(workflow, **more)["header"]["result_code"]

    def login(self, company="acme01", **more):
        body = {**LOGIN["body"], "memb_pwd": self.password, **more}
        path = f"/api/{company}/login?lang=en"
        return self.pool.request("POST", self.sandbox.url("esignon") + path, json={**LOGIN, "body": body}).json()


def test_the_published_example_holds_field_by_field(esignon, pool):
    client = esignon()
    answer = client.download("12584")
    assert answer["header"] == {
        "response_code": "",
        "result_code": "00",
        "result_msg": "Success",
        "session_id": "",
    }
    assert list(answer["body"]) == ["cert_url", "doc_url", "workflow_name"]
    assert answer["body"]["workflow_name"] == "계약서"
    for name in ("doc_url", "cert_url"):
        link = answer["body"][name]
        assert urlsplit(link).netloc != urlsplit(client.sandbox.url("esignon")).netloc
        document = pool.request("GET", link)
        assert (document.status, document.data[:5]) == (200, b"%PDF-")


@pytest.mark.parametrize(
    ("workflow", "code"),
    [
        (12584, "00"),
        ("12587", "11"),
        (12589, "10"),
        ("1", "10"),
        ("x", "10"),
        (None, "11"),
        ("", "11"),
        ([], "10"),
    ],
)
def test_a_failure_is_a_success_of_http_with_a_code_and_an_empty_body(esignon, workflow, code):
    answer = esignon().download(workflow)
    assert (answer["header"]["result_code"], answer["body"] == {}) == (code, code != "00")


def test_a_wrong_client_may_not_call(esignon):
    assert esignon().code(12584, client_id="*other") == "95"


def test_bodies_of_another_form_are_refused(esignon):
    client = esignon()
    path = "/workflow/download"
    assert client.call("POST", path, body=b"{}").json()["header"]["result_code"] == "99"
    client.headers["Content-Type"] = "application/json"
    for body in (b"", b"[]", b"{"):
        assert client.call("POST", path, body=body).json()["header"]["result_code"] == "12"


def test_the_scheme_is_esignon_and_a_space(esignon):
    client = esignon()
    token = client.headers["Authorization"].removeprefix("esignon ")
    assert set("+/=") <= set(token)
    for header in (f"esignon{token}", f"Bearer {token}", token, f"esignon  {token}", "esignon x"):
        client.headers = {"Authorization": header}
        assert client.code(12584) == "94"
    client.headers = {"Authentication": f"esignon {token}"}
    assert client.code(12584) == "00"


def test_a_login_gives_a_token_for_thirty_days(esignon):
    client = esignon()
    answer = client.login()
    assert (answer["header"]["response_code"], answer["body"]["comp_id"]) == ("1001A", "acme01")
    client.headers = {"Authorization": f"esignon {answer['body']['access_token']}"}
    client.sandbox.advance(29 * 86_400)
    assert client.code(12584) == "00"
    client.sandbox.advance(2 * 86_400)
    assert client.code(12584) == "94"


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"memb_pwd": "wrong"}, "10"),
        ({"memb_email": "other@acme.example"}, "10"),
        ({"company": "other"}, "10"),
        ({"memb_pwd": ""}, "11"),
        ({"memb_email": "late@acme.example"}, "14"),
    ],
)
def test_a_login_is_refused_with_a_code(esignon, more, code):
    answer = esignon().login(**more)
    assert (answer["header"]["result_code"], answer["body"]) == (code, {})


def test_a_login_needs_its_request_code(esignon):
    client = esignon()
    for body in ({"header": {"request_code": "1"}, "body": {}}, {"header": 1, "body": {}}, {}):
        answer = client.call("POST", "/api/acme01/login", json=body).json()
        assert answer["header"]["result_code"] == "99"


def test_a_worn_token_is_refused_and_the_next_one_holds(esignon):
    client = esignon(token_uses=2)
    assert [client.code(12584) for _ in range(3)] == ["00", "00", "94"]
    client.headers = {"Authorization": f"esignon {client.login()['body']['access_token']}"}
    assert {client.code(12584) for _ in range(5)} == {"00"}
    client.headers = {}
    client.sandbox.set(esignon_auth_status=401)
    assert client.call("POST", "/workflow/download", json={}).status == 401


@pytest.mark.parametrize("dead", ["403", "404", "410", "html"])
def test_a_link_lives_five_minutes(esignon, pool, dead):
    client = esignon(esignon_dead_link=dead)
    link = client.download(12584)["body"]["doc_url"]
    client.sandbox.advance(298)
    assert pool.request("GET", link).data.startswith(b"%PDF")
    client.sandbox.advance(2)
    answer = pool.request("GET", link)
    assert answer.status == (200 if dead == "html" else int(dead))
    assert not answer.data.startswith(b"%PDF")
    assert not pool.request("GET", client.download(12584)["body"]["doc_url"][:-1]).data.startswith(b"%PDF")


def test_a_certificate_may_be_missing_and_a_title_may_have_a_slash(esignon):
    client = esignon()
    assert client.download(12588)["body"]["cert_url"] is None
    assert client.download(12586)["body"]["workflow_name"] == "Invoice 2026/01"


def test_the_revision_of_may_2020_has_other_names(esignon, pool):
    client = esignon(esignon_revision="2020-05")
    assert client.code(12584) == "11"
    answer = client.download("", wfuid="12584", comp_id="acme01")
    assert answer["header"]["response_code"] == "/workflow/download"
    assert list(answer["body"]) == ["result_url", "wfname"]
    assert pool.request("GET", answer["body"]["result_url"]).status == 200


def test_the_newest_revision_needs_the_id_alone(esignon):
    client = esignon(esignon_revision="2021")
    answer = client.call("POST", "/workflow/download", json={"workflow_id": 12584}).json()
    assert answer["header"]["result_code"] == "00"


def test_links_of_the_newer_call_never_expire(esignon, pool):
    client = esignon(esignon_dead_links=True, esignon_dead_link="410")
    assert pool.request("GET", client.download(12590)["body"]["doc_url"]).status == 410
    body = client.call("GET", "/api/v2/workflows/12590?offset=%2B09:00").json()["body"]
    client.sandbox.advance(86_400)
    assert pool.request("GET", body["download_url"]).status == 200
    assert pool.request("GET", body["certificate_url"]).status == 200
    history = client.call("GET", "/api/v2/workflows/12590").json()["body"]["action_history_list"]
    assert history == [{"step_code": "DOC_DOWN"}, {"step_code": "CERT_DOWN"}]
    assert client.call("GET", "/api/v2/workflows/1").json()["header"]["result_code"] == "10"
    assert client.call("GET", "/api/v2/workflows/12587").json()["body"]["download_url"] == ""
    assert client.call("GET", "/api/v2/company").json()["body"]["comp_id"] == "acme01"


def test_the_older_call_may_be_away(esignon):
    client = esignon(esignon_no_old_call="code")
    assert client.code(12584) == "95"
    client.sandbox.set(esignon_no_old_call="404")
    assert client.call("POST", "/workflow/download", json={}).status == 404


def test_switches_give_any_code_and_empty_bodies(esignon):
    client = esignon(esignon_code="99")
    assert client.code(12584) == "99"
    client.sandbox.set(esignon_code="", esignon_empty_body=True, esignon_login_code="13")
    assert (client.download(12584)["header"]["result_code"], client.download(12584)["body"]) == ("00", {})
    assert client.login()["header"]["result_code"] == "13"
    client.sandbox.set(esignon_no_header=True)
    assert list(client.download(12584)) == ["body"]


def test_the_list_comes_in_pages_from_one(esignon):
    client = esignon()
    first = client.call("GET", "/worklists/new?page=1&rows=4").json()["body"]
    second = client.call("GET", "/worklists/new?page=2&rows=4").json()["body"]
    listed = [each["wfuid"] for each in first["workflow_list"] + second["workflow_list"]]
    assert (first["total"], listed) == ("6", ["12584", "12585", "12586", "12587", "12588", "12590"])
    client.sandbox.set(esignon_numbers=True)
    assert client.call("GET", "/worklists/new").json()["body"]["workflow_list"][0]["wfuid"] == 12584
    assert client.call("GET", "/worklists/new?page=0").json()["header"]["result_code"] == "12"


def test_a_search_needs_its_condition(esignon):
    client = esignon()

    def search(code, **body):
        message = {"header": {"request_code": code}, "body": body}
        return client.call("POST", "/api/acme01/search", json=message).json()

    assert search("5009Q")["header"]["result_code"] == "17"
    assert search("5008Q")["header"]["result_code"] == "18"
    assert search("1")["header"]["result_code"] == "99"
    found = search("5009Q", start_date="2026-01-01", end_date="2026-02-01")["body"]["wf_list"]
    assert [each["wfuid"] for each in found] == [12584, 12585, 12586, 12588, 12590]


def test_every_document_is_a_pdf_and_comes_in_ranges(esignon, pool):
    client = esignon()
    for workflow, size in ((12585, 20 * 2**20), (FIRST_SMALL + 7, 16384)):
        link = client.download(workflow)["body"]["doc_url"]
        whole = pool.request("GET", link)
        assert (len(whole.data), whole.data[:9]) == (size, b"%PDF-1.4\n")
        assert pool.request("GET", link, headers={"Range": "bytes=5-99"}).data == whole.data[5:100]
