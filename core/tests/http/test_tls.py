"""Certificates: the system's authorities or a bundle, always checked."""

import pytest

from downspout.errors import ConfigurationError, Unavailable
from downspout.testing import BadCertificate, Chunked, CloseDelimited, Cut, Document, LyingServer


@pytest.fixture
def server():
    with LyingServer(tls=True, names=["svc.example"]) as server:
        server.documents["/a"] = Document(b"hello" * 10_000)
        yield server


def test_a_bundle_says_whom_to_trust(http, server):
    bound = http(ca_bundle=server.ca_file)
    assert bound.request("GET", server.url("/a")).ok
    assert bound.request("GET", server.url("/a", host="localhost")).ok


def test_without_a_bundle_the_system_s_authorities_are_trusted_and_nobody_else(http, server, monkeypatch):
    with pytest.raises(Unavailable, match="certificate of the server is not trusted") as caught:
        http().request("GET", server.url("/a"))
    assert "ca_bundle" in caught.value.hint
    monkeypatch.setenv("SSL_CERT_FILE", server.ca_file)
    assert http().request("GET", server.url("/a")).ok
    assert server.requests != []


@pytest.mark.parametrize(
    ("flaw", "says"), [("untrusted", "certificate"), ("wrong-host", "mismatch"), ("expired", "expired")]
)
def test_a_wrong_certificate_is_refused_before_a_byte_is_asked(http, server, flaw, says):
    server.script_connections([BadCertificate(flaw)])
    bound = http(ca_bundle=server.ca_file)
    with pytest.raises(Unavailable, match=says):
        bound.request("GET", server.url("/a"), headers={"Cookie": "s3cret"})
    assert server.requests == []
    assert bound.request("GET", server.url("/a")).ok


def test_a_bundle_may_be_a_folder(http, server, tmp_path):
    with pytest.raises(Unavailable, match="not trusted"):
        http(ca_bundle=str(tmp_path)).request("GET", server.url("/a"))


@pytest.mark.parametrize(
    "content", [None, b"", b"-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n"]
)
def test_a_bundle_that_is_none_is_a_wrong_setting(http, server, tmp_path, content):
    bundle = tmp_path / "ca.pem"
    if content is not None:
        bundle.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"certificates in .* cannot be read") as caught:
        http(ca_bundle=str(bundle)).request("GET", server.url("/a"))
    assert "ca_bundle" in caught.value.hint
    assert server.requests == []


def test_what_one_account_trusts_another_does_not(http, server):
    trusting = http(ca_bundle=server.ca_file)
    assert trusting.request("GET", server.url("/a")).ok
    with pytest.raises(Unavailable, match="not trusted"):
        http(pool=trusting.pool).request("GET", server.url("/a"))


@pytest.mark.parametrize("ending", ["truncate", "reset"])
@pytest.mark.parametrize(
    "framing", [Cut(10), CloseDelimited() + Cut(10), Chunked(7) + Cut(10)], ids=["length", "close", "chunks"]
)
def test_a_connection_without_a_goodbye_is_no_end(http, server, framing, ending):
    server.script("/a", [framing + Cut(10, ending)])
    with pytest.raises(Unavailable, match="broke off"):
        http(ca_bundle=server.ca_file).request("GET", server.url("/a"))


def test_with_a_goodbye_it_is_one(http, server):
    server.script("/a", [CloseDelimited()])
    assert http(ca_bundle=server.ca_file).request("GET", server.url("/a")).text() == "hello" * 10_000
