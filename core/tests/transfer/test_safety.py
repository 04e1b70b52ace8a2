"""Credentials, certificates, redirects and secrets, as they meet a transfer that is resumed or sent elsewhere."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from downspout.errors import DownspoutError, PermissionDenied, ProtocolError, Unavailable
from downspout.testing import BadCertificate, Cut, Document, EmptyReply, LyingServer, Pattern, Redirect, Status

from .rig import Rig, rigs

SIZE = 5000


@pytest.fixture
def tls_rig(tmp_path: Path) -> Iterator[Rig]:
    yield from rigs(tmp_path / "out", tls=True)


@pytest.fixture
def elsewhere() -> Iterator[LyingServer]:
    with LyingServer() as server:
        server.documents["/doc"] = Document(Pattern(SIZE))
        yield server


# Certificates.


@pytest.mark.parametrize("flaw", ["untrusted", "wrong-host", "expired"])
def test_a_bad_certificate_on_the_resumed_connection_only_is_not_accepted(tls_rig: Rig, flaw):
    rig = tls_rig
    document = rig.serve(SIZE)
    client = rig.client({"ca_bundle": rig.server.ca_file}, retries=2)
    rig.server.script("/doc", [Cut(2000)])
    rig.server.script_connections([None, BadCertificate(flaw), BadCertificate(flaw)], repeat_last=True)
    error = rig.fail(client=client)
    assert isinstance(error, Unavailable)
    assert "certificate" in error.message
    assert rig.record()["ranges"] == [[0, 2000]]
    rig.server.script_connections([])
    rig.get(client=client)
    assert rig.holds(document)


def test_a_certificate_that_is_mended_lets_the_transfer_go_on(tls_rig: Rig):
    rig = tls_rig
    document = rig.serve(SIZE)
    client = rig.client({"ca_bundle": rig.server.ca_file})
    rig.server.script("/doc", [Cut(2000)])
    rig.server.script_connections([None, BadCertificate()])
    rig.get(client=client)
    assert rig.holds(document)
    assert rig.ranges() == [None, f"bytes=2000-{SIZE - 1}"]


def test_a_bad_certificate_where_a_redirect_leads_is_not_accepted(tls_rig: Rig):
    rig = tls_rig
    rig.serve(SIZE)
    client = rig.client({"ca_bundle": rig.server.ca_file}, retries=1)
    with LyingServer(tls=True) as other:
        other.documents["/doc"] = Document(Pattern(SIZE))
        other.script_connections([BadCertificate()], repeat_last=True)
        rig.server.script("/doc", [Cut(2000), Redirect(other.url("/doc"))], repeat_last=True)
        assert isinstance(rig.fail(client=client), Unavailable)
        assert other.requests == []


@pytest.mark.parametrize("ending", ["close", "truncate"])
def test_a_body_that_ends_without_tls_s_goodbye_is_no_whole_body(tls_rig: Rig, ending):
    rig = tls_rig
    document = rig.serve(SIZE)
    client = rig.client({"ca_bundle": rig.server.ca_file})
    rig.server.script("/doc", [Cut(2000, ending)])
    rig.get(client=client)
    assert rig.holds(document)
    assert len(rig.ranges()) == 2


def test_several_connections_over_tls(tls_rig: Rig):
    document = tls_rig.serve(8 * 1024 * 1024)
    tls_rig.server.rate = 16.0 * 1024 * 1024
    client = tls_rig.client({"ca_bundle": tls_rig.server.ca_file})
    tls_rig.get(client=client, connections=3)
    assert tls_rig.holds(document)


# Redirects.


@pytest.mark.parametrize("cut", [False, True], ids=["at once", "when resumed"])
def test_https_never_becomes_http(tls_rig: Rig, elsewhere, cut):
    rig = tls_rig
    rig.serve(SIZE)
    client = rig.client({"ca_bundle": rig.server.ca_file})
    rig.server.script("/doc", [*([Cut(2000)] if cut else []), Redirect(elsewhere.url("/doc"))], repeat_last=True)
    error = rig.fail(client=client)
    assert isinstance(error, PermissionDenied)
    assert "https to http" in error.message
    assert elsewhere.requests == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_followed_with_its_range(rig: Rig, elsewhere, status):
    rig.serve(SIZE)
    rig.server.script("/doc", [Cut(2000), Redirect(elsewhere.url("/doc"), status)])
    rig.get()
    assert rig.holds(rig.server.documents["/doc"])
    (request,) = elsewhere.requests
    assert request.headers.get("range") == f"bytes=2000-{SIZE - 1}"
    assert request.headers.get("if-range") == '"v1"'


@pytest.mark.parametrize("cut", [False, True], ids=["at once", "when resumed"])
def test_a_credential_stays_at_its_origin(rig: Rig, elsewhere, cut):
    """A header of a plugin's own making is a credential, too; another port is another origin."""
    rig.serve(SIZE)
    rig.server.script("/doc", [*([Cut(2000)] if cut else []), Redirect(elsewhere.url("/doc"))])
    rig.get("harbour:/doc")
    assert rig.holds(rig.server.documents["/doc"])
    assert {request.headers.get("x-ferry-token") for request in rig.server.requests} == {"token-1"}
    (request,) = elsewhere.requests
    assert "x-ferry-token" not in request.headers


def test_a_credential_does_not_come_back_with_a_redirect(rig: Rig, elsewhere):
    rig.serve(SIZE)
    home = rig.server.url("/again", host="localhost")
    rig.serve(SIZE, "/again")
    elsewhere.script("/doc", [Redirect(home)])
    rig.server.script("/doc", [Redirect(elsewhere.url("/doc"))])
    rig.get("harbour:/doc")
    (request,) = rig.server.requests_to("/again")
    assert "x-ferry-token" not in request.headers


@pytest.mark.parametrize("where", ["?loop", "//", "http://[::1", "ftp://127.0.0.1/"])
def test_a_redirect_that_leads_nowhere_ends(rig: Rig, where):
    rig.serve(SIZE)
    rig.server.script("/doc", [Cut(2000), Redirect(where)], repeat_last=True)
    assert isinstance(rig.fail(retries=1), ProtocolError | Unavailable)
    assert len(rig.server.requests) <= 12
    assert rig.record()["ranges"] == [[0, 2000]]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "127.1", "[::ffff:127.0.0.1]"])
def test_a_service_may_not_send_us_to_this_machine(rig: Rig, elsewhere, host):
    """Nor to any address that is not public."""
    rig.ferry.address = f"http://{host}:{elsewhere.port}/doc"
    error = rig.fail(client=rig.client({"allow_private": False}))
    assert isinstance(error, PermissionDenied)
    assert "allow_private" in (error.hint or "")
    assert elsewhere.requests == []


def test_a_service_may_not_send_us_where_nothing_is_encrypted(rig: Rig, elsewhere):
    error = rig.fail(client=rig.client({"allow_http": False}))
    assert isinstance(error, PermissionDenied)
    assert rig.server.requests == []


# Secrets.


@pytest.mark.parametrize(
    "faults",
    [
        [Status(404)],
        [Status(500)],
        [Status(403)],
        [Cut(0)],
        [EmptyReply()],
        [Redirect("http://127.0.0.1:1/x?signature=another-secret")],
        [Redirect("gopher://x/?signature=another-secret")],
        [Cut(2000), Status(404)],
        [Cut(2000), Redirect("?signature=another-secret")],
    ],
)
def test_a_link_is_never_shown_nor_kept(rig: Rig, caplog, faults, tmp_path):
    caplog.set_level(logging.DEBUG)
    rig.serve(SIZE, links_only=True)
    rig.server.script("/doc", faults, repeat_last=True)
    seen: list[object] = []
    error = rig.fail(retries=1, observer=seen.append)
    told = [caplog.text, repr(error), str(error), error.hint or "", repr(seen), repr(error.__dict__)]
    told += [str(cause) for cause in causes(error)]
    kept = [path.read_bytes().decode("latin-1") for path in rig.folder.iterdir() if path.suffix != ".part"]
    tokens = [request.params["signature"] for request in rig.server.requests if "signature" in request.params]
    assert tokens
    for secret in (*tokens, "another-secret"):
        for text in (*told, *kept):
            assert secret not in text


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield what of the causes is ours to word: what libraries say is never shown."""
    while error is not None:
        if isinstance(error, DownspoutError):
            yield error
        error = error.__cause__


def test_a_url_that_was_typed_is_kept_as_a_digest(rig: Rig):
    rig.serve(SIZE, links_only=True)
    url = rig.server.link("/doc")
    rig.server.script("/doc", [Cut(2000), Status(500)], repeat_last=True)
    error = rig.fail(url, retries=1)
    token = url.rpartition("=")[2]
    assert token not in repr(error)
    assert "…" in error.message
    record = rig.record()
    assert record["uri"].startswith("sha256:")
    assert token not in repr(record)
