"""The safety rules, end to end through a client: addresses, http, secrets in messages and logs."""

import logging
import traceback

import pytest

from downspout import Account, Credential, Folder, Link, Reference, Secret, Setting
from downspout.errors import AuthenticationError, DownspoutError, PermissionDenied
from downspout.testing import Document, LyingServer, Redirect, Status

OPEN = {"allow_http": True, "allow_private": True}


@pytest.fixture
def linking(plugin):
    """Make a provider whose every document has this link."""
    return lambda url: plugin("svc", resolve_link=lambda references: [Link(ref, url) for ref in references])


@pytest.mark.parametrize(
    ("settings", "allowed"),
    [({}, False), ({"allow_http": True}, False), ({"allow_private": True}, False), (OPEN, True)],
)
def test_a_service_leads_to_private_places_and_http_only_where_that_is_allowed(
    client_of, linking, server, settings, allowed
):
    client = client_of(linking(server.url("/a")), accounts=[Account("svc", "svc", settings)])
    if allowed:
        assert client.open("svc:x").read() == b"a" * 1000
        return
    with pytest.raises(PermissionDenied) as caught:
        client.open("svc:x").read()
    assert caught.value.hint
    assert server.connections_seen == 0


def test_the_account_s_endpoint_is_exempt(client_of, service, server):
    client = client_of(service, accounts=[Account("svc", "svc", {"endpoint": server.origin + "/api"})])
    assert client.open("svc:a").read() == b"a" * 1000


def test_what_strangers_type_into_an_application_is_not_exempt(client_of, server):
    with pytest.raises(PermissionDenied, match="plain http"):
        client_of("web").open(server.url("/a")).read()
    with LyingServer(tls=True) as secure:
        client = client_of("web", accounts=[Account("web", "web", {"ca_bundle": secure.ca_file})])
        with pytest.raises(PermissionDenied, match="not allowed"):
            client.open(secure.url("/a")).read()
        assert secure.connections_seen == 0


def test_what_the_person_at_the_machine_types_is_exempt_and_where_it_leads_is_not(client_of, server):
    with LyingServer() as other:
        other.documents["/a"] = Document(b"other")
        server.script("/r", [Redirect(other.url("/a"))], repeat_last=True)
        client = client_of("web", trust_typed=True)
        assert client.open(server.url("/a")).read() == b"a" * 1000
        with pytest.raises(PermissionDenied):
            client.open(server.url("/r")).read()
        assert other.connections_seen == 0


def test_a_url_that_a_service_lists_was_not_typed(client_of, plugin, server):
    def resolve_link(account, references):
        folder = Folder([("evil", Reference(account.name, server.url("/a")))])
        return [Link(ref, ref.document) if ref.is_url else folder for ref in references]

    client = client_of(plugin("svc", resolve_link=resolve_link), trust_typed=True)
    child = client.resolve("svc:folder").children[0].reference
    with pytest.raises(PermissionDenied):
        client.open(child).read()
    assert server.connections_seen == 0


def test_a_folder_of_urls_is_no_way_around_the_rules(client_of, plugin, server, tmp_path):
    def resolve_link(account, references):
        folder = Folder([("evil", Reference(account.name, server.url("/a")))])
        return [Link(ref, ref.document) if ref.is_url else folder for ref in references]

    client = client_of(plugin("svc", resolve_link=resolve_link), trust_typed=True, retries=1)
    results = list(client.download_many(["svc:folder"], tmp_path))
    assert [(result.status, type(result.error)) for result in results] == [("failed", PermissionDenied)]
    assert server.connections_seen == 0


SECRETS = ["s3cret-token", "s3cret-password", "s3cret-signature", "s3cret-cookie"]


def test_nothing_secret_is_in_any_message_or_log(client_of, plugin, server, caplog, tmp_path):
    """A whole life of an account: signing in, links that die, a service that repeats what it was sent."""
    served = []

    def authenticate(account, refused, http):
        answer = http.request("POST", server.url("/login"), json={"password": account.text("password")})
        assert answer.ok
        return Credential(account.name, [server.origin], {"token": Secret("s3cret-token")})

    def resolve_link(references, credential, http):
        if credential is None:
            raise AuthenticationError("Who are you? s3cret-password is needed.")
        http.request("POST", server.url("/link"), headers={"Cookie": "c=s3cret-cookie", "X-Token": "s3cret-token"})
        served.append(1)
        return [Link(ref, server.url(f"/{ref.document}?sig=s3cret-signature")) for ref in references]

    server.post("/login")(lambda request: {"echo": request.body.decode()})
    server.post("/link")(lambda request: {})
    server.script("/a", [Status(403, b"s3cret-signature"), Redirect("http://h/?sig=s3cret-signature", 307)])
    server.script("/b", [Status(500, b"s3cret-token")], repeat_last=True)
    server.script("/c", [Status(404)], repeat_last=True)
    settings = (Setting("password", "proof", secret=True),)
    made = plugin("svc", settings=settings, authenticate=authenticate, resolve_link=resolve_link)
    account = Account("svc", "svc", {**OPEN, "password": "s3cret-password"})
    shown = []
    events = []
    client = client_of(made, accounts=[account], retries=1, observer=lambda event: events.append(repr(event)))
    with caplog.at_level(logging.DEBUG):
        for name in "abc":
            try:
                client.download(f"svc:{name}", tmp_path / name)
            except DownspoutError as exc:
                shown += [str(exc), repr(exc), str(exc.hint), *traceback.format_exception(exc)]
        shown += [repr(result) for result in client.download_many(["svc:b", "svc:c"], tmp_path / "many")]
    shown += (
        [record.getMessage() for record in caplog.records]
        + [str(vars(record)) for record in caplog.records]
        + events
    )
    assert len(served) > 3
    found = [(secret, text) for secret in SECRETS for text in shown if secret in text]
    assert found == []
    for file in tmp_path.rglob("*"):
        if file.is_file():
            assert not [secret for secret in SECRETS if secret.encode() in file.read_bytes()]
