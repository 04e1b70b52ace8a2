"""The whole way, through a client, against the emulated service."""

import pytest

import downspout_koodrive as plugin
from downspout import Account, Client, Opened, Secret
from downspout.errors import AuthenticationError, IntegrityError, NotFound, PermissionDenied
from downspout_sandbox import Sandbox
from downspout_sandbox.koodrive import names

DOWNLOAD = "/koodrive/ose/v1/files/download"
RENEWALS = ("/session/refresh", "/auth/refreshToken")
STORE_SEES = {"host", "user-agent", "accept", "accept-encoding", "range", "if-range"}


@pytest.fixture
def sandbox():
    with Sandbox(services=["koodrive"], small_count=300) as running:
        yield running


@pytest.fixture
def client(sandbox):
    """Return a function that makes a client for the account that the sandbox describes; settings as keywords."""
    clients = []

    def make(observer=None, **settings):
        prefix = "DOWNSPOUT_KOODRIVE_"
        found = {name.removeprefix(prefix).lower(): text for name, text in sandbox.environment.items()}
        secret = {each.name for each in plugin.provider.settings if each.secret}
        given = {each.name: found.get(each.name, each.default) for each in plugin.provider.settings} | settings
        values = {name: Secret(text) if text and name in secret else text for name, text in given.items()}
        account = Account("koodrive", "koodrive", values | {"allow_http": True, "allow_private": True})
        clients.append(Client([account], plugins=[plugin], timeout=10.0, retries=2, observer=observer))
        return clients[-1]

    yield make
    for each in clients:
        each.close()


def calls(sandbox, *paths):
    return [each for each in sandbox.requests if each.path.endswith(paths)]


def small(count):
    return [f"koodrive:{names.file_id(f'small-{number:05d}')}" for number in range(count)]


@pytest.mark.parametrize(
    "uri", [f"koodrive:{names.INVOICE}", f"koodrive:{names.CONTAINER}/{names.INVOICE}", "koodrive:/Invoice 1.pdf"]
)
def test_a_document_comes_down_whole(client, sandbox, tmp_path, uri):
    result = client().download(uri, tmp_path, compute_hash=True)
    assert result.sha256 == sandbox.world.library.get("invoice").sha256
    assert result.path.name == "Invoice 1.pdf"


def test_a_folder_comes_down_with_everything_below(client, sandbox, tmp_path):
    sandbox.set(koodrive_short_pages=True)
    results = list(client().download_many(["koodrive:/Reports/", "koodrive:/Languages"], tmp_path))
    assert {result.status for result in results} == {"ok"}
    assert (tmp_path / "2025" / "report.pdf").stat().st_size == sandbox.world.library.get("report").size
    assert (tmp_path / "議事録.txt").exists()


def test_250_ids_make_three_calls_and_a_bad_one_fails_alone(client, sandbox, tmp_path):
    results = list(client().download_many([*small(249), "koodrive:Fnothing"], tmp_path))
    assert sorted(result.status for result in results) == ["failed"] + ["ok"] * 249
    assert len(calls(sandbox, DOWNLOAD)) == 3


@pytest.mark.parametrize("carrier", [False, True])
def test_a_token_that_ends_in_a_batch_is_renewed_once(client, sandbox, tmp_path, carrier):
    sandbox.set(token_uses=1, koodrive_carrier=carrier)
    results = list(client().download_many(small(300), tmp_path))
    assert {result.status for result in results} == {"ok"}
    assert len(calls(sandbox, *RENEWALS)) == 1


def test_a_link_that_dies_half_way_is_asked_for_once_more(client, sandbox, tmp_path):
    sandbox.set(link_life=600, cut_after=5_000_000, cut_times=1)
    opened = []

    def age(event):
        if isinstance(event, Opened):
            opened.append(event)
            sandbox.advance(1000 if len(opened) == 1 else 0)

    uri = f"koodrive:{names.file_id('large')}"
    result = client(observer=age).download(uri, tmp_path, connections=1, compute_hash=True)
    assert result.sha256 == sandbox.world.library.get("large").sha256
    assert len(calls(sandbox, DOWNLOAD)) == 2
    stored = [each for each in sandbox.requests if each.endpoint == "koodrive-store"]
    assert [each.status for each in stored] == [200, 403, 206]


def test_a_warning_in_the_place_of_a_listed_document_is_not_taken_for_it(client, sandbox, tmp_path):
    sandbox.set(koodrive_warning=True)
    with pytest.raises(IntegrityError):
        client().download("koodrive:/picture.png", tmp_path)
    assert list(tmp_path.glob("*.png")) == []


@pytest.mark.parametrize("gateway", [False, True])
def test_a_wrong_token_fails_with_the_command_to_use(client, sandbox, tmp_path, gateway):
    sandbox.set(koodrive_gateway=gateway)
    with pytest.raises(AuthenticationError) as caught:
        client(token="wrong", session_id=None).download(f"koodrive:{names.INVOICE}", tmp_path)
    assert "downspout login koodrive" in caught.value.hint


@pytest.mark.parametrize(
    ("uri", "kind"),
    [
        ("koodrive:Fnothing", NotFound),
        ("koodrive:/nothing", NotFound),
        (f"koodrive:{names.FOREIGN_CONTAINER}/{names.INVOICE}", PermissionDenied),
        (f"koodrive:{names.file_id(names.DENIED)}", PermissionDenied),
    ],
)
def test_what_cannot_be_had_is_said(client, tmp_path, uri, kind):
    with pytest.raises(kind) as caught:
        client().download(uri, tmp_path)
    assert uri in caught.value.message


def test_the_store_sees_nothing_of_the_user(client, sandbox, tmp_path):
    one = client(trace_id="t" * 58)
    one.download(f"koodrive:{names.file_id('large')}", tmp_path)
    asked = [each for each in sandbox.requests if each.endpoint == "koodrive-store"]
    assert asked
    assert {name.lower() for each in asked for name in each.headers} <= STORE_SEES


def test_a_login_is_made_by_whoever_can_answer(client, tmp_path):
    class Person:
        def choose(self, label, options):
            return 0

        def ask(self, label):
            return "sandbox-code"

        secret = ask

        def tell(self, text):
            assert "http" in text

    one = client(token=None, session_id=None, user_id=None)
    with pytest.raises(AuthenticationError):
        one.download(f"koodrive:{names.INVOICE}", tmp_path)
    one.login("koodrive", Person())
    assert one.download(f"koodrive:{names.INVOICE}", tmp_path).status == "ok"
