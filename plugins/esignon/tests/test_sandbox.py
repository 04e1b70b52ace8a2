"""The whole way, through a client, against the emulated eSignon: state, expiry, and links that are checked."""

import hashlib

import pytest

import downspout_esignon as plugin
from downspout import Account, Client, Opened, Secret
from downspout.errors import AuthenticationError, DownspoutError, IntegrityError, NotFound, PermissionDenied
from downspout_sandbox import Sandbox
from downspout_sandbox.esignon import names

LOGIN = "/api/acme01/login"


@pytest.fixture
def sandbox():
    with Sandbox(services=["esignon"]) as running:
        yield running


@pytest.fixture
def client(sandbox):
    """Make a client for the account that the sandbox describes; settings as keywords."""
    clients = []

    def make(observer=None, **settings):
        prefix = "DOWNSPOUT_ESIGNON_"
        found = {name.removeprefix(prefix).lower(): text for name, text in sandbox.environment.items()}
        secret = {each.name for each in plugin.provider.settings if each.secret}
        given = {each.name: found.get(each.name) for each in plugin.provider.settings} | settings
        values = {
            name: Secret(text) if name in secret else text for name, text in given.items() if text is not None
        }
        account = Account("esignon", "esignon", values | {"allow_http": True, "allow_private": True})
        clients.append(Client([account], plugins=[plugin], timeout=10.0, retries=2, observer=observer))
        return clients[-1]

    yield make
    for each in clients:
        each.close()


def asked(sandbox, endpoint="esignon"):
    return [request.path for request in sandbox.requests if request.endpoint == endpoint]


def sha256(sandbox, number, part="document"):
    return names.signed_document(names.find(number), part, sandbox.world).sha256


def test_document_and_certificate_come_down_whole(client, sandbox, tmp_path):
    for uri, part in (("esignon:12584", "document"), ("esignon:12584?part=certificate", "certificate")):
        result = client().download(uri, tmp_path, compute_hash=True)
        assert result.sha256 == sha256(sandbox, 12584, part)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["계약서 - certificate.pdf", "계약서.pdf"]


def test_all_documents_come_down_each_under_a_name_of_its_own(client, tmp_path):
    results = list(client().download_many(["esignon:/"], tmp_path))
    assert {result.status for result in results} == {"ok"}
    assert sorted(path.name for path in tmp_path.iterdir() if not path.name.startswith(".")) == [
        "Invoice 2026_01 (12586).pdf",
        "Large contract (12585).pdf",
        "Report (12590).pdf",
        "Without certificate (12588).pdf",
        "계약서 (12584).pdf",
    ]


def test_all_documents_come_down_with_their_certificates_in_a_folder_of_each(client, tmp_path):
    results = list(client().download_many(["esignon:/?part=all"], tmp_path))
    assert {result.status for result in results} == {"ok"}
    assert len(results) == 9
    folder = tmp_path / "Report (12590)"
    assert sorted(path.name for path in folder.iterdir()) == ["Report - certificate.pdf", "Report.pdf"]


@pytest.mark.parametrize("dead_link", ["403", "404", "410", "400", "html"])
def test_a_link_that_dies_half_way_is_issued_again(client, sandbox, tmp_path, dead_link):
    sandbox.set(esignon_dead_link=dead_link, cut_after=3 * 2**20, cut_times=1)
    opened = []

    def five_minutes_later(event):
        if isinstance(event, Opened):
            opened.append(event.start)
            if len(opened) == 1:
                sandbox.advance(301)

    result = client(five_minutes_later).download("esignon:12585", tmp_path, connections=1, compute_hash=True)
    assert result.sha256 == sha256(sandbox, 12585)
    assert asked(sandbox).count("/workflow/download") == 2
    assert opened[-1] > 2**20
    assert not any("v2" in path for path in asked(sandbox))


@pytest.mark.parametrize("dead_link", ["403", "html"])
def test_links_that_never_work_give_way_to_those_without_a_limit(client, sandbox, tmp_path, dead_link):
    sandbox.set(esignon_dead_links=True, esignon_dead_link=dead_link)
    assert client().download("esignon:12584", tmp_path, compute_hash=True).sha256 == sha256(sandbox, 12584)


@pytest.mark.parametrize("how", ["code", "404", "405", "410"])
def test_a_service_without_the_old_call_is_fine(client, sandbox, tmp_path, how):
    sandbox.set(esignon_no_old_call=how)
    assert client().download("esignon:12584", tmp_path, compute_hash=True).sha256 == sha256(sandbox, 12584)


@pytest.mark.parametrize("revision", ["2020-05", "2020-09", "2021"])
def test_every_revision_is_understood(client, sandbox, tmp_path, revision):
    sandbox.set(esignon_revision=revision)
    assert client().download("esignon:12584", tmp_path, compute_hash=True).sha256 == sha256(sandbox, 12584)


@pytest.mark.parametrize("switches", [{"esignon_no_header": True}, {"esignon_numbers": True}])
def test_answers_of_other_forms_are_understood(client, sandbox, switches):
    sandbox.set(**switches)
    assert len(client().resolve("esignon:/").children) == 5
    assert client().resolve("esignon:12584").name == "계약서.pdf"


@pytest.mark.parametrize("status", [200, 401])
def test_a_batch_signs_in_once_more_when_its_token_ends(client, sandbox, tmp_path, status):
    sandbox.set(token_uses=40, esignon_auth_status=status)
    uris = [f"esignon:{names.FIRST_SMALL + number}" for number in range(120)]
    results = list(client().download_many(uris, tmp_path))
    assert [result.status for result in results] == ["ok"] * 120
    assert asked(sandbox).count(LOGIN) == 1


def test_a_client_without_a_token_signs_in_once(client, sandbox, tmp_path):
    uris = [f"esignon:{names.FIRST_SMALL + number}" for number in range(20)]
    assert {result.status for result in client(token=None).download_many(uris, tmp_path)} == {"ok"}
    assert asked(sandbox).count(LOGIN) == 1


def test_a_wrong_password_is_told(client, sandbox):
    with pytest.raises(AuthenticationError) as caught:
        client(token=None, password="wrong").resolve("esignon:12584")
    assert "password" in caught.value.hint
    assert asked(sandbox) == [LOGIN]


def test_a_contract_that_ended_is_told(client):
    with pytest.raises(PermissionDenied, match="14"):
        client(token=None, username="late@acme.example").resolve("esignon:12584")


@pytest.mark.parametrize("number", [12587, 12589, 99_999])
def test_what_is_not_completed_or_not_visible_is_not_found(client, number):
    with pytest.raises(NotFound):
        client().resolve(f"esignon:{number}")


def test_an_empty_answer_names_what_it_lacks(client, sandbox):
    sandbox.set(esignon_empty_body=True, esignon_no_header=False)
    link = client().resolve("esignon:12584")
    assert link.expires_at is None  # the newer call has helped out


def test_a_page_is_never_kept_as_a_document(client, sandbox, tmp_path):
    sandbox.set(login_page=True)
    with pytest.raises(IntegrityError):
        client().download("esignon:12584", tmp_path)
    assert [path for path in tmp_path.iterdir() if not path.name.startswith(".")] == []


def test_the_token_stays_with_the_api(client, sandbox, tmp_path):
    client().download("esignon:12584", tmp_path)
    documents = [request for request in sandbox.requests if request.endpoint == "esignon-documents"]
    assert documents
    for request in documents:
        assert {name.lower() for name in request.headers} <= {"host", "accept", "accept-encoding", "user-agent"}


def test_a_link_tells_nothing_in_messages(client, sandbox):
    sandbox.set(esignon_dead_link="410", esignon_dead_links=True, esignon_login_code="95", esignon_code="10")
    with pytest.raises(DownspoutError) as caught:
        client().download("esignon:99999", "x")
    assert "http" not in caught.value.message


def test_the_documents_hash_is_the_files(client, sandbox, tmp_path):
    path = client().download("esignon:12586", tmp_path).path
    assert hashlib.sha256(path.read_bytes()).hexdigest() == sha256(sandbox, 12586)
