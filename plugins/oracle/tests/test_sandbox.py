"""The whole way, through a client, against the emulated Oracle Content Management."""

import pytest

import downspout_oracle as plugin
from downspout import Account, Client, Opened, Secret
from downspout.errors import AuthenticationError, DownspoutError, NotFound, PermissionDenied
from downspout_sandbox import Sandbox
from downspout_sandbox.oracle import names

PRIVATE = names.file_id(names.PRIVATE)
REPORT = names.REPORT
TOKENS = "/oauth2/v1/token"
SEEN_ELSEWHERE = {"host", "accept", "accept-encoding", "user-agent", "range", "if-range"}


@pytest.fixture
def sandbox():
    with Sandbox(services=["oracle"]) as running:
        yield running


@pytest.fixture
def client(sandbox):
    """Make a client for the account that the sandbox describes; settings as keywords."""
    clients = []

    def make(observer=None, **settings):
        prefix = "DOWNSPOUT_ORACLE_"
        found = {name.removeprefix(prefix).lower(): text for name, text in sandbox.environment.items()}
        secret = {each.name for each in plugin.provider.settings if each.secret}
        given = {each.name: found.get(each.name) for each in plugin.provider.settings} | settings
        values = {
            name: Secret(text) if name in secret else text for name, text in given.items() if text is not None
        }
        account = Account("oracle", "oracle", values | {"allow_http": True, "allow_private": True})
        clients.append(Client([account], plugins=[plugin], timeout=10.0, retries=2, observer=observer))
        return clients[-1]

    yield make
    for each in clients:
        each.close()


def document(sandbox, key, version=None):
    found = sandbox.world.library.get(key)
    return found if version is None else found.at_version(version)


@pytest.mark.parametrize("way", ["token", "basic", "client", "password"])
def test_every_way_to_sign_in_leads_to_the_file(client, sandbox, tmp_path, way):
    sandbox.set(oracle_sign_in=way)
    result = client().download(f"oracle:{REPORT}", tmp_path, compute_hash=True)
    assert result.sha256 == document(sandbox, "report").sha256
    assert (result.verified, result.version, result.path.name) == ("size", "3", "report.pdf")


@pytest.mark.parametrize("numbers", [False, True])
def test_versions_are_had_by_id_and_by_path(client, sandbox, tmp_path, numbers):
    sandbox.set(oracle_numbers=numbers)
    for uri in (f"oracle:{REPORT}?version=2", "oracle:/Reports/2025/report.pdf?version=2"):
        result = client().download(uri, tmp_path, exists="overwrite", compute_hash=True)
        assert result.sha256 == document(sandbox, "report", 2).sha256
    with pytest.raises(NotFound):
        client().resolve(f"oracle:{REPORT}?version=77")


def test_a_folder_comes_down_with_everything_below(client, sandbox, tmp_path):
    results = list(client().download_many(["oracle:/Reports", "oracle:/Languages"], tmp_path))
    assert {result.status for result in results} == {"ok"}
    assert (tmp_path / "2025" / "report.pdf").stat().st_size == document(sandbox, "report").size
    assert len(results) > 3


def test_pages_of_a_thousand_files_are_all_listed(client, sandbox):
    sandbox.set(small_count=1000)
    folder, count = client().resolve("oracle:/Batch"), 0
    while True:
        count += len(folder.children)
        if folder.more is None:
            break
        folder = client().resolve(folder.more)
    assert count == 1000


def test_same_names_for_file_and_folder_are_kept_apart(client, sandbox, tmp_path):
    assert client().download("oracle:/Twins/Twins", tmp_path).size == document(sandbox, "twin").size


def test_a_public_link_needs_no_account(client, sandbox, tmp_path):
    anonymous = client(token=None, access_code=None, applink_token=None, applink_refresh_token=None)
    result = anonymous.download(f"oracle:{PRIVATE}?link={names.OPEN_LINK}", tmp_path, compute_hash=True)
    assert result.sha256 == document(sandbox, "private").sha256
    assert all("Authorization" not in request.headers for request in sandbox.requests)


@pytest.mark.parametrize(
    ("link", "code", "kind"),
    [
        (names.CODE_LINK, names.ACCESS_CODE, None),
        (names.CODE_LINK, "wrong", PermissionDenied),
        (names.CODE_LINK, None, PermissionDenied),
        (names.VIEWER_LINK, None, PermissionDenied),
        (names.EXPIRED_LINK, None, PermissionDenied),
        (names.MEMBERS_LINK, None, None),
    ],
)
def test_a_public_link_is_what_its_owner_made_it(client, sandbox, tmp_path, link, code, kind):
    one = client(access_code=code)
    uri = f"oracle:{PRIVATE}?link={link}"
    if kind is None:
        assert one.download(uri, tmp_path, compute_hash=True).sha256 == document(sandbox, "private").sha256
    else:
        with pytest.raises(kind) as caught:
            one.download(uri, tmp_path)
        assert caught.value.hint
    assert one.resolve(f"oracle:{REPORT}").name == "report.pdf"  # the account goes on


def test_an_application_link_is_renewed_once_and_ends_by_itself(client, sandbox, tmp_path):
    uri = f"oracle:{names.CONTRACT}?applink={names.APPLINK}"
    sandbox.advance(901)
    one = client()
    for _ in range(3):
        result = one.download(uri, tmp_path, exists="overwrite", compute_hash=True)
        assert result.sha256 == document(sandbox, "contract").sha256
    assert sum(request.method == "PUT" for request in sandbox.requests) == 1
    sandbox.advance(86_401)
    with pytest.raises(PermissionDenied) as caught:
        one.download(uri, tmp_path, exists="overwrite")
    assert "applink_refresh_token" in caught.value.hint
    assert one.resolve(f"oracle:{REPORT}").name == "report.pdf"


@pytest.mark.parametrize("status", [403, 401])
def test_an_application_link_may_end_half_way(client, sandbox, tmp_path, status):
    sandbox.set(oracle_applink_status=status, cut_after=3 * 2**20, cut_times=1)
    opened = []

    def a_quarter_of_an_hour_later(event):
        if isinstance(event, Opened):
            opened.append(event.start)
            if len(opened) == 1:
                sandbox.advance(901)

    uri = f"oracle:{names.file_id('large')}?applink={names.APPLINK}"
    result = client(a_quarter_of_an_hour_later).download(uri, tmp_path, connections=1, compute_hash=True)
    assert result.sha256 == document(sandbox, "large").sha256
    assert opened[-1] > 2**20


def test_a_batch_gets_one_new_token_when_the_first_ends(client, sandbox, tmp_path):
    sandbox.set(oracle_sign_in="client")
    one = client()
    one.resolve(f"oracle:{REPORT}")
    sandbox.advance(3601)
    uris = [f"oracle:{names.file_id(f'small-{number:05d}')}" for number in range(120)]
    assert {result.status for result in one.download_many(uris, tmp_path)} == {"ok"}
    assert [request.path for request in sandbox.requests].count(TOKENS) == 2


def test_a_document_that_changes_half_way_is_one_version_all_through(client, sandbox, tmp_path):
    sandbox.set(change_after=1, cut_after=3 * 2**20, cut_times=1)
    before = document(sandbox, "large").sha256
    result = client().download(f"oracle:{names.file_id('large')}", tmp_path, connections=1, compute_hash=True)
    assert (result.sha256, result.version) == (before, "1")


@pytest.mark.parametrize("settings", [{"token": "wrong"}, {"token": None, "username": "jo", "password": "wrong"}])
def test_what_is_not_accepted_is_told(client, sandbox, settings):
    with pytest.raises(AuthenticationError) as caught:
        client(**settings).resolve(f"oracle:{REPORT}")
    assert "downspout login oracle" in caught.value.hint
    assert len(sandbox.requests) == 1


def test_users_of_single_sign_on_are_told_to_use_a_token(client, sandbox):
    sandbox.set(oracle_sign_in="password")
    with pytest.raises(AuthenticationError) as caught:
        client(username="federated@acme.example").resolve(f"oracle:{REPORT}")
    assert "federated user can't" in caught.value.message
    assert "single sign-on" in caught.value.hint


def test_somebody_elses_file_is_refused(client, tmp_path):
    with pytest.raises(PermissionDenied, match="-20"):
        client().download(f"oracle:{PRIVATE}", tmp_path)


@pytest.mark.parametrize("switches", [{"oracle_login_redirect": True}, {"login_page": True}])
def test_a_page_for_signing_in_is_never_kept(client, sandbox, tmp_path, switches):
    sandbox.set(**switches)
    token = "wrong" if "oracle_login_redirect" in switches else sandbox.environment["DOWNSPOUT_ORACLE_TOKEN"]
    with pytest.raises(DownspoutError):
        client(token=token).download(f"oracle:{REPORT}", tmp_path)
    assert [path for path in tmp_path.iterdir() if not path.name.startswith(".")] == []


@pytest.mark.parametrize("text", ["token", "basic", "client", "password"])
def test_nothing_that_identifies_reaches_the_identity_domains_pages(client, sandbox, text):
    sandbox.set(oracle_sign_in=text, oracle_login_redirect=True)
    one = client()
    one.resolve(f"oracle:{REPORT}")
    sandbox.advance(8 * 86_400)
    with pytest.raises(DownspoutError) if text == "token" else pytest.MonkeyPatch.context():
        one.resolve(f"oracle:{REPORT}")
    pages = [request for request in sandbox.requests if request.path.startswith("/ui/")]
    assert pages or text == "basic"
    for request in pages:
        assert {name.lower() for name in request.headers} <= SEEN_ELSEWHERE


def test_an_empty_file_comes_down_empty(client, tmp_path):
    assert client().download("oracle:/empty.dat", tmp_path).size == 0
