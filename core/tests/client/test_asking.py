"""What a client is asked: where documents are, in batches, in order, errors as values."""

import time

import pytest

from downspout import Account, Client, Credential, Folder, Link, Reference, Secret, Setting
from downspout._accounts import FileStore, MemoryStore
from downspout._batch import Wanted
from downspout._client import ClientSettings
from downspout.errors import (
    AuthenticationError,
    ConfigurationError,
    DownspoutError,
    InvalidURI,
    NoProvider,
    NotFound,
    PluginError,
    StorageError,
)
from downspout.testing import LyingServer, Redirect, Status

OPEN = {"allow_http": True, "allow_private": True}


def test_a_link_a_folder_or_an_error_comes_of_a_uri(client, server):
    link = client.resolve("svc:a")
    assert isinstance(link, Link)
    assert link.url == server.url("/a")
    assert isinstance(client.resolve(Reference("svc", "folder")), Folder)
    with pytest.raises(NotFound, match="svc:gone"):
        client.resolve("svc:gone")


def test_outcomes_come_in_order_and_errors_are_values(client, service):
    uris = [
        "svc:a",
        "nonsense",
        "svc:gone",
        "other:x",
        Reference("svc", "b"),
        "svc:c",
        "https://h.example/",
        "svc:a",
    ]
    outcomes = list(client.resolve_many(iter(uris)))
    kinds = [Link, InvalidURI, NotFound, NoProvider, Link, Link, NoProvider, Link]
    assert [type(outcome) for outcome in outcomes] == kinds
    assert service.calls == [["svc:a", "svc:gone", "svc:b"], ["svc:c", "svc:a"]]
    assert list(client.resolve_many([])) == []


def test_accounts_are_asked_apart(client_of, service):
    client = client_of(service, accounts=[Account("one", "svc"), Account("two", "svc")])
    list(client.resolve_many(["one:a", "two:a", "one:b", "two:b", "svc:c"]))
    assert service.calls == [["one:a", "one:b"], ["two:a", "two:b"], ["svc:c"]]


def test_a_long_list_is_asked_for_as_it_is_read(client, service):
    read = []

    def uris():
        for number in range(2500):
            read.append(number)
            yield f"svc:{number}"

    outcomes = client.resolve_many(uris())
    next(outcomes)
    assert len(read) == 1000
    assert len(list(outcomes)) == 2499


def test_a_call_that_fails_costs_its_own_batch(client_of, plugin):
    def resolve_link(references):
        if any(reference.document == "bad" for reference in references):
            raise ValueError("bad")
        return [Link(reference, "https://h.example/") for reference in references]

    client = client_of(plugin("svc", batch_size=2, resolve_link=resolve_link))
    outcomes = list(client.resolve_many(f"svc:{name}" for name in ("a", "b", "c", "bad", "e")))
    assert [isinstance(outcome, Link) for outcome in outcomes] == [True, True, False, False, True]
    assert isinstance(outcomes[2], PluginError)


def test_an_account_that_cannot_be_used_is_an_error_for_each_of_its_documents(client_of, service):
    client = client_of(service, accounts=[Account("svc", "svc", {"tokn": "x"}), Account("odd", "nothing")])
    outcomes = list(client.resolve_many(["svc:a", "odd:a", "svc:b"]))
    assert [type(outcome) for outcome in outcomes] == [ConfigurationError, NoProvider, ConfigurationError]
    assert outcomes[0].hint == "Did you mean token?"


def test_a_setting_that_is_required_is_asked_for_before_the_service(client_of, plugin):
    settings = (
        Setting("company", "its number", required=True),
        Setting("token", "proof", required=True, secret=True),
    )
    made = plugin("svc", settings=settings, resolve_link=lambda references: [NotFound("Gone.")])
    with pytest.raises(ConfigurationError, match=r"The account svc has no company \(its number\)") as caught:
        client_of(made).resolve("svc:a")
    assert "DOWNSPOUT_SVC_COMPANY" in caught.value.hint
    with pytest.raises(NotFound):
        client_of(made, accounts=[Account("svc", "svc", {"company": "7"})]).resolve("svc:a")


def test_a_client_knows_what_it_was_given_and_nothing_else(monkeypatch, tmp_path, service):
    config = tmp_path / "config.toml"
    config.write_text("[accounts.work]\nprovider = 'svc'\n")
    monkeypatch.setenv("DOWNSPOUT_CONFIG", str(config))
    monkeypatch.setenv("DOWNSPOUT_SVC_TOKEN", "from the environment")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:1")
    with Client(plugins=[service]) as client:
        assert client.accounts.names() == ["svc"]
        assert client.accounts.get("svc")["token"] is None
        assert client.session("svc")._http.rules.proxy is None
        with pytest.raises(NoProvider):
            client.reference("web:https://h.example/")
        with pytest.raises(DownspoutError):
            client.resolve("svc:secret")


def test_the_settings_that_an_application_gives_are_checked_and_secret(client_of, service):
    client = client_of(
        service, accounts=[Account("work", "svc", {"token": "s3cret", "endpoint": "https://h.example/"})]
    )
    account = client.accounts.get("work")
    assert isinstance(account["token"], Secret)
    assert account["endpoint"] == "https://h.example"
    assert "s3cret" not in repr(account)


# Reading and downloading.


def test_some_bytes_of_a_document_are_read(client):
    with client.open_at("svc:a", 10, 20) as file:
        assert file.read() == b"a" * 10
    with client.open_at("svc:a", -5, None) as file:
        assert file.read() == b"a" * 5


def test_a_batch_has_a_folder_and_may_have_a_ledger(client, tmp_path):
    ledger = tmp_path / "deep" / "ledger.sqlite"
    ledger.parent.mkdir()
    for status in ("ok", "skipped"):
        results = list(client.download_many(["svc:a", "nonsense"], tmp_path / "deep", ledger=ledger))
        assert sorted((result.index, result.status) for result in results) == [(1, status), (2, "failed")]
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(StorageError, match="while making the folder below"):
        list(client.download_many(["svc:a"], tmp_path / "file" / "below"))


def test_what_was_wrong_before_it_was_asked_for_stays_wrong(client, tmp_path):
    wanted = Wanted("svc:a", index=7).wrong(NotFound("It was never there."))
    (result,) = client.download_many([wanted], tmp_path)
    assert (result.index, result.status, result.error.message) == (7, "failed", "It was never there.")


@pytest.mark.parametrize(
    ("timeout", "hook_timeout", "limit"),
    [(30.0, None, 120.0), (30.0, 5.0, 5.0), (None, None, None), (None, 5.0, 5.0)],
)
def test_a_hook_may_take_four_times_as_long_as_an_answer(timeout, hook_timeout, limit):
    assert ClientSettings(timeout=timeout, hook_timeout=hook_timeout).hook_limit == limit


# Signing in.


def nothing():
    return []


class Somebody:
    def ask(self, label):
        return "jo"

    def secret(self, label):
        return "s3cret"

    def choose(self, label, options):
        return 0

    def tell(self, text):
        pass


def test_signing_in_keeps_a_credential_until_signing_out(client_of, plugin):
    def authenticate(account, interaction):
        return Credential(account.name, (), {"token": Secret(interaction.secret("Password"))})

    client = client_of(plugin("svc", authenticate=authenticate, resolve_link=nothing))
    assert client.signed_in("svc") is None
    assert client.login("svc", Somebody()).reveal("token") == "s3cret"
    assert client.signed_in("svc").reveal("token") == "s3cret"
    client.logout("svc")
    assert client.signed_in("svc") is None


@pytest.fixture
def signing_off(client_of, plugin, server):
    """Make a client that is signed in to an account whose plugin signs off by a function of the test's."""

    def authenticate(account):
        return Credential(account.name, [server.origin], {"token": Secret("t0ken")})

    def make(sign_off, **given):
        made = plugin("svc", authenticate=authenticate, resolve_link=nothing, sign_off=sign_off)
        client = client_of(made, accounts=[Account("svc", "svc", OPEN)], credentials=MemoryStore(), **given)
        client.login("svc", Somebody())
        return client

    return make


def test_signing_out_signs_off_once_it_is_forgotten_here(signing_off, server):
    known = []

    def sign_off(account, credential, http):
        http.request("POST", server.url("/bye"), headers={"Authorization": credential.reveal("token")})
        known.append((account.name, client.signed_in("svc")))

    client = signing_off(sign_off)
    client.logout("svc")
    client.logout("svc")
    assert known == [("svc", None)]
    (asked,) = server.requests
    assert asked.headers["authorization"] == "t0ken"


def test_a_credential_that_was_not_kept_is_not_signed_off(client_of, plugin):
    made = plugin("svc", resolve_link=nothing, sign_off=lambda *_: pytest.fail("there is nothing to end"))
    client_of(made).logout("svc")


def hang(*_):
    time.sleep(2)


def refuse(*_):
    raise NotFound("No such session.")


@pytest.mark.parametrize(
    ("sign_off", "why"), [(refuse, "No such session."), (hang, "its sign_off did not answer within 0.2 s")]
)
def test_a_service_that_cannot_be_told_keeps_nothing_here(signing_off, caplog, sign_off, why):
    client = signing_off(sign_off, hook_timeout=0.2)
    client.logout("svc")
    assert client.signed_in("svc") is None
    assert why in caplog.text


def test_what_is_left_of_an_account_can_be_forgotten(client_of, plugin, tmp_path):
    store = FileStore(tmp_path / "kept")
    store.put("former", Credential("former", [], {"token": Secret("t0ken")}))
    store.put("svc", Credential("svc", [], {"token": Secret("t0ken")}))
    for path in (tmp_path / "kept").glob("*former*"):
        if path.suffix != ".lock":
            path.write_bytes(b"{")  # and nobody can read it
    client = client_of(plugin("svc", resolve_link=nothing), credentials=store)
    client.logout("former")
    with pytest.raises(NoProvider):
        client.logout("former")
    (kept,) = (path for path in (tmp_path / "kept").iterdir() if path.suffix != ".lock")
    kept.write_bytes(b"{")
    client.logout("svc")
    assert store.get("svc") is None


def test_an_account_without_a_sign_in_says_so(client_of, plugin):
    client = client_of(plugin("svc", resolve_link=nothing))
    with pytest.raises(AuthenticationError, match="The account svc needs no sign-in"):
        client.login("svc", Somebody())


def test_a_link_needs_a_credential_only_where_one_is_shown(client_of, plugin, server):
    def authenticate(account):
        return Credential(account.name, [server.origin], {"token": "t"})

    def resolve_link(references, credential):
        if credential is None:
            raise AuthenticationError("Who are you?")
        return [Link(reference, server.url("/a")) for reference in references]

    def open_stream(http, link):
        return http.open("GET", link.url)

    hooks = {"authenticate": authenticate, "resolve_link": resolve_link}
    plain = client_of(plugin("svc", **hooks))
    link = plain.resolve("svc:a")
    assert not plain.needs_credential(link)
    special = client_of(plugin("svc", **hooks, open_stream=open_stream))
    assert not special.needs_credential(link)
    assert special.needs_credential(special.resolve("svc:a"))
    assert not special.needs_credential(Link(link.reference, "https://elsewhere.example/"))


# The built-in provider.


def test_a_url_is_its_own_link_byte_for_byte(client_of):
    client = client_of("web")
    url = "https://H.example/%41?x=%2f&y='#f"
    assert client.resolve(url).url == url
    assert str(client.reference(url)) == f"web:{url}"
    with pytest.raises(InvalidURI, match="web:nonsense is no URL"):
        client.resolve("web:nonsense")


def web_client(client_of, server, **settings):
    settings = {"allow_http": True, "allow_private": True, "endpoint": server.origin, **settings}
    return client_of(
        "web",
        accounts=[
            Account("mine", "web", settings),
            Account("web", "web", {**settings, "token": None, "endpoint": None}),
        ],
        timeout=10.0,
    )


def test_a_token_goes_to_the_account_s_own_origin_only(client_of, server):
    with LyingServer() as away:
        away.documents["/a"] = server.documents["/a"]
        server.script("/r", [Redirect(away.url("/a"))])
        client = web_client(client_of, server, token="s3cret")
        for url in (server.url("/a"), server.url("/r"), f"mine:{away.url('/a')}", away.url("/a")):
            with client.open(url) as file:
                assert file.read() == b"a" * 1000
        assert {request.headers["authorization"] for request in server.requests} == {"Bearer s3cret"}
        assert not any("authorization" in request.headers for request in away.requests)


def test_a_token_that_is_refused_is_not_tried_again(client_of, server):
    server.script("/a", [Status(401)], repeat_last=True)
    client = web_client(client_of, server, token="s3cret")
    with pytest.raises(AuthenticationError) as caught:
        client.open(server.url("/a")).read()
    assert "s3cret" not in str(caught.value) + caught.value.hint
    assert len(server.requests) == 1


@pytest.mark.parametrize("settings", [{}, {"token": "s3cret", "endpoint": None}])
def test_without_a_token_or_an_endpoint_nothing_is_shown(client_of, server, settings):
    client = web_client(client_of, server, **settings)
    with client.open(f"mine:{server.url('/a')}") as file:
        assert file.read() == b"a" * 1000
    assert "authorization" not in server.requests[0].headers
    with pytest.raises(AuthenticationError, match="mine: the server wants to know who is asking"):
        client.login("mine", Somebody())
