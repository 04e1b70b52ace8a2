"""Through a proxy: tunnels for https, whole URLs for http, and nothing of ours for the far side."""

import traceback

import pytest

from downspout import Credential
from downspout._http import Rules
from downspout._http.address import parsed
from downspout.errors import ConfigurationError, PermissionDenied, Unavailable
from downspout.testing import (
    Delay,
    Document,
    EmptyReply,
    Garbage,
    HangUp,
    LyingProxy,
    LyingServer,
    Redirect,
    Silence,
    SlowAccept,
    Status,
)


@pytest.fixture
def proxy():
    with LyingProxy() as proxy:
        yield proxy


@pytest.fixture
def plain():
    with LyingServer() as server:
        server.documents["/a"] = Document(b"hello")
        yield server


@pytest.fixture
def secure():
    with LyingServer(tls=True, names=["svc.example"]) as server:
        server.documents["/a"] = Document(b"hello")
        yield server


@pytest.fixture
def bound(http, proxy, secure):
    proxy.hosts["svc.example"] = f"127.0.0.1:{secure.port}"

    def make(**more):
        return http(**{"proxy": proxy.origin, "http_proxy": proxy.origin, "ca_bundle": secure.ca_file, **more})

    return make


def test_https_goes_through_a_tunnel_that_sees_no_header(bound, proxy, secure):
    credential = Credential("acc", ["https://svc.example"])
    client = bound(credential=credential)
    answers = [
        client.request("GET", "https://svc.example/a", headers={"Cookie": "s3cret"}).text() for _ in range(2)
    ]
    assert answers == ["hello"] * 2
    assert [(request.method, request.target) for request in proxy.requests] == [("CONNECT", "svc.example:443")]
    assert "s3cret" not in str(proxy.requests)
    assert [request.target for request in secure.requests] == ["/a", "/a"]
    assert all("proxy-authorization" not in request.headers for request in secure.requests)


def test_http_is_asked_for_by_whole_urls(bound, proxy, plain):
    url = plain.url("/a?x=%2f")
    assert bound().request("GET", url + "#f").text() == "hello"
    assert [(request.method, request.target) for request in proxy.requests] == [("GET", url)]
    assert plain.requests[0].target == "/a?x=%2f"


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_wants_to_know_who_asks_is_told_and_nobody_else(http, plain, secure, scheme):
    server = secure if scheme == "https" else plain
    with LyingProxy(credentials=("jo", "p@ss w")) as proxy:
        url = proxy.origin.replace("//", "//jo:p%40ss%20w@")
        rules = {"proxy": url, "http_proxy": url, "ca_bundle": secure.ca_file}
        assert http(server.origin, **rules).request("POST", server.url("/x"), json={}).status == 404
        assert server.requests[0].headers.get("proxy-authorization") is None
        rules = {**rules, "proxy": proxy.origin, "http_proxy": proxy.origin}
        if scheme == "https":
            with pytest.raises(Unavailable, match="the proxy refused to connect"):
                http(**rules).request("GET", server.url("/a"))
        else:
            assert http(**rules).request("GET", server.url("/a")).status == 407


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (Status(407), "the proxy refused to connect"),
        (Status(502), "the proxy refused to connect"),
        (EmptyReply(), "broke off"),
        (EmptyReply("reset"), "broke off"),
        (Silence(), "no answer within 0.4 s"),
    ],
)
def test_a_proxy_that_fails_is_said_so_without_what_it_says(bound, proxy, fault, says):
    proxy.script([fault], repeat_last=True)
    with pytest.raises(Unavailable, match=says) as caught:
        bound(timeout=0.4).request("GET", "https://svc.example/a?sig=s3cret")
    assert "s3cret" not in str(caught.value)


def test_a_proxy_that_speaks_nonsense_is_said_so(bound, proxy):
    proxy.script([Garbage()])
    with pytest.raises(Exception, match=r"acc:doc: (the server sent what is not HTTP|the connection)"):
        bound().request("GET", "https://svc.example/a")


@pytest.mark.parametrize("ending", ["close", "reset"])
def test_a_proxy_that_hangs_up_is_said_so(bound, proxy, ending):
    proxy.script_connections([HangUp(ending)], repeat_last=True)
    with pytest.raises(Unavailable):
        bound().request("GET", "https://svc.example/a")


def test_a_proxy_that_is_not_there_is_said_so(bound, proxy):
    with proxy.down(), pytest.raises(Unavailable, match=rf"no connection to 127.0.0.1, port {proxy.port}"):
        bound().request("GET", "https://svc.example/a")


@pytest.mark.parametrize(
    ("slow", "whose"), [(Delay(0.6), "proxy"), (SlowAccept(0.6), "handshake"), (Delay(0.6), "answer")]
)
def test_the_time_limit_is_the_same_behind_a_proxy(bound, proxy, secure, slow, whose):
    {"proxy": lambda: proxy.script([slow]), "handshake": lambda: secure.script_connections([slow])}.get(
        whose, lambda: secure.script("/a", [slow])
    )()
    assert bound(timeout=5.0).request("GET", "https://svc.example/a").text() == "hello"


def test_a_proxy_without_a_time_limit_is_waited_for(bound, proxy):
    proxy.script([Delay(0.3)])
    assert bound(timeout=None).request("GET", "https://svc.example/a").text() == "hello"


def test_a_tunnel_is_kept_for_its_own_host_only(bound, proxy, secure):
    proxy.hosts["other.example"] = f"127.0.0.1:{secure.port}"
    client = bound()
    assert client.request("GET", "https://svc.example/a").ok
    with pytest.raises(Unavailable, match="certificate of the server is not trusted"):
        client.request("GET", "https://other.example/a")
    assert [request.target for request in proxy.requests] == ["svc.example:443", "other.example:443"]


@pytest.mark.parametrize(
    "url", ["https://127.0.0.1/", "https://localhost/", "http://[::1]/", "http://10.0.0.1/", "https://127.1/"]
)
def test_addresses_of_this_place_are_not_asked_for_by_way_of_a_proxy(bound, proxy, url):
    with pytest.raises(PermissionDenied, match="not allowed"):
        bound(allow_private=False).request("GET", url)
    assert proxy.connections_seen == 0


def test_the_proxy_itself_may_be_anywhere_and_resolves_names(bound, proxy):
    assert bound(allow_private=False).request("GET", "https://svc.example/a").text() == "hello"
    assert len(proxy.requests) == 1


def test_what_is_allowed_may_be_asked_for_by_way_of_a_proxy(bound, secure, plain):
    assert bound(allow_private=False, trusted={plain.origin}).request("GET", plain.url("/a")).ok
    assert bound(allow_private=True).request("GET", secure.url("/a")).ok


def test_each_step_of_a_redirect_is_checked_behind_a_proxy(bound, proxy, secure):
    secure.script("/r", [Redirect("https://127.0.0.1/a")])
    with pytest.raises(PermissionDenied):
        bound(allow_private=False).request("GET", "https://svc.example/r")
    assert len(proxy.requests) == 1


@pytest.mark.parametrize(
    "proxy_url", ["https://127.0.0.1:1", "socks5://127.0.0.1:1", "127.0.0.1:3128", "http://", "nonsense"]
)
@pytest.mark.parametrize("url", ["https://svc.example/", "http://svc.example/"])
def test_a_proxy_that_is_no_http_url_is_a_wrong_setting(http, proxy_url, url):
    with pytest.raises(ConfigurationError, match="The proxy is no http: URL"):
        http(proxy=proxy_url, http_proxy=proxy_url).request("GET", url)


@pytest.mark.parametrize(
    ("no_proxy", "host", "direct"),
    [
        ({"svc.example"}, "svc.example", True),
        ({"svc.example"}, "SVC.example", True),
        ({"example"}, "svc.example", True),
        ({".example"}, "svc.example", True),
        ({".example"}, "example", True),
        ({"vc.example"}, "svc.example", False),
        ({"example"}, "svc.example.org", False),
        ({"127.0.0.1"}, "127.0.0.1", True),
        ({"*"}, "svc.example", True),
        (set(), "svc.example", False),
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_some_hosts_are_asked_directly(no_proxy, host, direct, scheme):
    rules = Rules(proxy="http://p:1", http_proxy="http://q:1", no_proxy=frozenset(no_proxy))
    expected = None if direct else {"https": "http://p:1", "http": "http://q:1"}[scheme]
    assert rules.proxy_for(parsed(f"{scheme}://{host}/").site) == expected
    assert Rules().proxy_for(parsed(f"{scheme}://{host}/").site) is None


def test_the_password_of_a_proxy_is_not_shown(http):
    url = "http://jo:s3cret@127.0.0.1:1"
    bound = http(proxy=url, http_proxy=url, timeout=0.5)
    assert "s3cret" not in repr(bound)
    for target in ("https://svc.example/", "http://svc.example/"):
        with pytest.raises(Unavailable) as caught:
            bound.request("GET", target)
        assert "s3cret" not in "".join(traceback.format_exception(caught.value))
