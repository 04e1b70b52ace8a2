"""A credential, custom headers and cookies included, goes to the origins it names and nowhere else."""

import contextlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from downspout import Credential
from downspout.testing import Document, LyingProxy, LyingServer, Redirect

SECRETS = {
    "Authorization": "Bearer s3cret",
    "Cookie": "dAccessCode-LINK=s3cret",
    "AccessToken": "s3cret",
    "LinkID": "s3cret",
    "X-User-Id": "s3cret",
    "X-Apple-Session-Token": "s3cret",
    "X-Date": "s3cret",
    "Proxy-Authorization": "Basic s3cret",
    "Referer": "https://s3cret",
    "Origin": "https://s3cret",
    "Rangefinder": "s3cret",
    "X-Accept": "s3cret",
    "If-Match": "s3cret",
    "User-Agent-Token": "s3cret",
    "Content-MD5": "s3cret",
}
HARMLESS = {"Accept": "application/pdf", "Accept-Language": "ko", "User-Agent": "svc/1", "Range": "bytes=0-"}
ANYWHERE = {"host", "accept", "accept-encoding", "accept-language", "user-agent", "range", "if-range"}


def is_bare(request):
    return set(request.headers) <= ANYWHERE and not any("s3cret" in value for _, value in request.headers.pairs)


def has_all(request):
    return all(request.headers.get(name) == value for name, value in (SECRETS | HARMLESS).items())


@pytest.fixture
def servers():
    with LyingServer() as home, LyingServer() as away:
        for server in (home, away):
            server.documents["/a"] = Document(b"hello")
        yield home, away


def credential(*origins):
    return Credential("acc", origins, {"token": "s3cret"})


def test_a_credential_goes_to_its_origin(http, servers):
    home, _ = servers
    assert http(credential=credential(home.origin)).request("GET", home.url("/a"), headers=SECRETS | HARMLESS).ok
    assert has_all(home.requests[0])


def test_without_a_credential_headers_go_to_the_account_s_endpoints_only(http, servers):
    home, away = servers
    bound = http(home.origin + "/api/")
    bound.request("GET", home.url("/a"), headers=SECRETS | HARMLESS)
    bound.request("GET", away.url("/a"), headers=SECRETS | HARMLESS)
    assert has_all(home.requests[0])
    assert is_bare(away.requests[0])
    assert away.requests[0].headers["accept-language"] == "ko"


def test_with_a_credential_its_origins_count_and_not_the_endpoints(http, servers):
    home, away = servers
    bound = http(home.origin, credential=credential(away.origin))
    for server in servers:
        bound.request("GET", server.url("/a"), headers=SECRETS | HARMLESS)
    assert is_bare(home.requests[0])
    assert has_all(away.requests[0])


def test_a_credential_of_no_origin_goes_nowhere(http, servers):
    home, _ = servers
    http(home.origin, credential=credential()).request("GET", home.url("/a"), headers=SECRETS)
    assert is_bare(home.requests[0])


@pytest.mark.parametrize("name", sorted(SECRETS))
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_each_header_stays_at_its_origin_when_another_is_asked(http, servers, name, method):
    home, away = servers
    http(credential=credential(home.origin)).request(method, away.url("/a"), headers={name: SECRETS[name]})
    assert name.lower() not in away.requests[0].headers


@pytest.mark.parametrize("name", sorted(SECRETS))
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 330])
def test_each_header_stays_at_its_origin_when_it_redirects(http, servers, name, status):
    home, away = servers
    home.script("/r", [Redirect(away.url("/a"), status)])
    answer = http(credential=credential(home.origin)).request("GET", home.url("/r"), headers={name: SECRETS[name]})
    assert answer.text() == "hello"
    assert home.requests[0].headers[name] == SECRETS[name]
    assert name.lower() not in away.requests[0].headers


def test_opening_a_stream_keeps_to_the_same_rule(http, servers):
    home, away = servers
    home.script("/r", [Redirect(away.url("/a"))])
    bound = http(credential=credential(home.origin))
    for url in (home.url("/r"), away.url("/a")):
        with contextlib.closing(bound.open("GET", url, headers=SECRETS, start=2, etag='"v1"')) as stream:
            buffer = bytearray(9)
            assert (stream.start, buffer[: stream.readinto(buffer)]) == (2, b"llo")
    assert home.requests[0].headers["cookie"] == SECRETS["Cookie"]
    assert all(is_bare(request) for request in away.requests)
    assert [request.headers["if-range"] for request in away.requests] == ['"v1"', '"v1"']


def test_what_was_dropped_on_the_way_does_not_come_back_at_home(http, servers):
    home, away = servers
    home.script("/r", [Redirect(away.url("/r"))])
    away.script("/r", [Redirect(home.url("/a"))])
    http(credential=credential(home.origin)).request("GET", home.url("/r"), headers=SECRETS)
    assert is_bare(away.requests[0])
    assert is_bare(home.requests[1])


def test_headers_are_dropped_even_between_two_origins_of_one_credential(http, servers):
    home, away = servers
    home.script("/r", [Redirect(away.url("/a"))])
    http(credential=credential(home.origin, away.origin)).request("GET", home.url("/r"), headers=SECRETS)
    assert is_bare(away.requests[0])


def test_a_stranger_s_redirect_home_brings_no_credential(http, servers):
    home, away = servers
    away.script("/r", [Redirect(home.url("/a"))])
    http(credential=credential(home.origin)).request("GET", away.url("/r"), headers=SECRETS)
    assert is_bare(home.requests[0])


def test_headers_stay_with_a_redirect_within_the_origin(http, servers):
    home, _ = servers
    home.script("/r", [Redirect("/a?x=1")])
    http(credential=credential(home.origin)).request("GET", home.url("/r"), headers=SECRETS | HARMLESS)
    assert has_all(home.requests[1])
    assert home.requests[1].target == "/a?x=1"


def test_another_name_of_the_same_machine_is_another_origin(http, servers):
    home, _ = servers
    home.script("/r", [Redirect(home.url("/a", host="localhost"))])
    http(credential=credential(home.origin)).request("GET", home.url("/r"), headers=SECRETS)
    assert is_bare(home.requests[1])


def test_another_scheme_of_the_same_host_is_another_origin(http):
    with LyingServer() as plain, LyingServer(tls=True, names=["svc.example"]) as secure, LyingProxy() as proxy:
        proxy.hosts |= {
            "svc.example:80": f"127.0.0.1:{plain.port}",
            "svc.example:443": f"127.0.0.1:{secure.port}",
        }
        secure.documents["/a"] = Document(b"hello")
        plain.script("/r", [Redirect("https://svc.example/a")])
        through = {"proxy": proxy.origin, "http_proxy": proxy.origin, "ca_bundle": secure.ca_file}
        bound = http(credential=credential("http://svc.example"), **through)
        assert bound.request("GET", "http://svc.example/r", headers=SECRETS).text() == "hello"
        assert plain.requests[0].headers["cookie"] == SECRETS["Cookie"]
        assert is_bare(secure.requests[0])
        assert not any("s3cret" in str(value) for value in proxy.requests[1].headers.pairs)


@pytest.mark.parametrize(
    "written", ["HTTP://127.0.0.1:{port}", "http://127.0.0.1:{port}/other/path", "http://u:p@127.0.0.1:{port}"]
)
def test_an_origin_is_the_same_however_its_url_is_written(http, servers, written):
    home, _ = servers
    url = written.format(port=home.port)
    http(credential=credential(url)).request("GET", url.rstrip("/") + "/a", headers=SECRETS)
    assert home.requests[0].headers["cookie"] == SECRETS["Cookie"]
    assert "p@" not in home.requests[0].headers["host"]


def test_a_host_of_another_script_is_the_origin_that_dns_knows(http):
    with LyingServer(tls=True, names=["xn--bcher-kva.example"]) as server, LyingProxy() as proxy:
        proxy.hosts["xn--bcher-kva.example"] = f"127.0.0.1:{server.port}"
        bound = http("https://bücher.example", proxy=proxy.origin, ca_bundle=server.ca_file)
        bound.request("GET", "https://bücher.example/ü?ö", headers=SECRETS | HARMLESS)
        assert has_all(server.requests[0])
        assert server.requests[0].target == "/%C3%BC?%C3%B6"


TOKENS = st.text("abcdefghijklmnopqrstuvwxyzABCXYZ0123456789!#$%&'*+.^_`|~-", min_size=1, max_size=12)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
@given(st.dictionaries(TOKENS, st.just("s3cret"), max_size=6))
def test_no_header_of_any_name_gets_away(http, servers, headers):
    home, away = servers
    away.forget()
    home.script("/r", [Redirect(away.url("/a"))])
    http(credential=credential(home.origin)).request("GET", home.url("/r"), headers=headers)
    known = {name.lower() for name in headers if name.lower() in ANYWHERE or name.lower().startswith("accept")}
    assert set(away.requests[0].headers) <= ANYWHERE | known


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 330])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_what_was_posted_never_goes_to_another_origin(http, servers, status, method):
    home, away = servers
    home.script("/r", [Redirect(away.url("/a"), status)])
    answer = http(home.origin).request(method, home.url("/r"), json={"id": "s3cret"}, headers=SECRETS)
    assert answer.status == status
    assert answer.headers["location"] == away.url("/a")
    assert away.connections_seen == 0


@pytest.mark.parametrize(
    ("status", "follows"), [(301, False), (302, False), (303, False), (307, True), (308, True), (330, True)]
)
def test_what_was_posted_follows_a_redirect_at_home_only_unchanged(http, servers, status, follows):
    home, _ = servers
    home.route("/b", lambda request: {"id": 1})
    home.script("/r", [Redirect("/b", status)])
    answer = http(home.origin).request("POST", home.url("/r"), json={"id": 1}, headers=SECRETS)
    assert answer.status == (200 if follows else status)
    assert [(request.method, request.body) for request in home.requests] == [("POST", b'{"id":1}')] * (1 + follows)
    assert all(request.headers["cookie"] == SECRETS["Cookie"] for request in home.requests)
