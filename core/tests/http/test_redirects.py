"""Redirects are followed by us: at most ten, never from https to http, and only to what is an address."""

import pytest

from downspout import Credential
from downspout.errors import PermissionDenied, ProtocolError
from downspout.testing import Answer, Document, Header, LyingServer, Redirect


@pytest.fixture
def server():
    with LyingServer() as server:
        server.documents["/a"] = Document(b"hello")
        yield server


def chain(server, length):
    server.route("/hop/{n}", lambda request, n: _hop(int(n)))
    return server.url(f"/hop/{length}")


def _hop(left):
    return Answer(302, b"", {"Location": f"/hop/{left - 1}" if left > 1 else "/a"})


def test_ten_redirects_are_followed_and_an_eleventh_is_not(http, server):
    assert http().request("GET", chain(server, 10)).text() == "hello"
    server.forget()
    with pytest.raises(ProtocolError, match="redirects more than 10 times"):
        http().request("GET", server.url("/hop/11"))
    assert len(server.requests) == 11


def test_a_loop_ends(http, server):
    server.script("/r", [Redirect("/r")], repeat_last=True)
    for ask in (http().request, http().open):
        with pytest.raises(ProtocolError, match="redirects more than 10 times"):
            ask("GET", server.url("/r"))


@pytest.mark.parametrize("trusting", [False, True])
def test_https_never_becomes_http(http, server, trusting):
    with LyingServer(tls=True) as secure:
        secure.script("/r", [Redirect(server.url("/a"))])
        rules = {"trusted": {server.origin, secure.origin}} if trusting else {}
        bound = http(server.origin, secure.origin, ca_bundle=secure.ca_file, **rules)
        with pytest.raises(PermissionDenied, match="from https to http, which is never followed"):
            bound.request("GET", secure.url("/r"))
    assert server.connections_seen == 0


def test_https_never_becomes_http_by_a_detour(http, server):
    with LyingServer(tls=True) as secure, LyingServer() as start:
        start.script("/r", [Redirect(secure.url("/r"))])
        secure.script("/r", [Redirect(server.url("/a"))])
        with pytest.raises(PermissionDenied, match="from https to http"):
            http(ca_bundle=secure.ca_file).open("GET", start.url("/r"))
    assert server.connections_seen == 0


def test_http_becomes_https_and_http_follows_http(http, server):
    with LyingServer(tls=True) as secure:
        secure.documents["/a"] = Document(b"secure")
        server.script("/r", [Redirect(secure.url("/a")), Redirect(server.url("/a", host="localhost"))])
        bound = http(ca_bundle=secure.ca_file)
        assert [bound.request("GET", server.url("/r")).text() for _ in range(2)] == ["secure", "hello"]


def test_a_link_that_a_service_gives_is_https_unless_http_is_allowed(http, server):
    with pytest.raises(PermissionDenied, match="plain http, which is not allowed") as caught:
        http(allow_http=False).request("GET", server.url("/a"))
    assert "allow_http" in caught.value.hint
    assert server.connections_seen == 0
    assert http(allow_http=False, trusted={server.origin}).request("GET", server.url("/a")).ok


def test_what_redirects_from_a_trusted_http_origin_may_be_http(http, server):
    with LyingServer() as start:
        start.script("/r", [Redirect(server.url("/a"))])
        assert http(allow_http=False, trusted={start.origin}).request("GET", start.url("/r")).text() == "hello"


@pytest.mark.parametrize(
    "location",
    ["ftp://127.0.0.1/", "file:///etc/passwd", "javascript:alert(1)", "http://[::1", "http://h:99999/"],
)
def test_a_location_that_is_no_address_is_an_error_that_names_no_address(http, server, location):
    server.script("/r", [Redirect(location)])
    with pytest.raises(ProtocolError, match="redirects to what is no address"):
        http().request("GET", server.url("/r?sig=s3cret"))


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("/a", "/a"),
        ("a", "/dir/a"),
        ("../a", "/a"),
        ("../../../a", "/a"),
        ("?q=1", "/dir/r?q=1"),
        ("/a b", "/a%20b"),
        ("/a\t", "/a"),
        ("/%41%zz", "/%41%zz"),
        (b"/\xc3\xa9?\xff", "/%C3%A9?%FF"),
        ("/x#fragment", "/x"),
        ("/a?q={x}|\\^`", "/a?q={x}|\\^`"),
    ],
)
def test_odd_locations_are_taken_as_browsers_take_them(http, server, location, target):
    server.script("/dir/r", [Redirect(location)])
    http().request("GET", server.url("/dir/r"))
    assert [request.target for request in server.requests] == ["/dir/r", target]


def test_user_information_in_a_location_is_not_sent(http, server):
    server.script("/r", [Redirect(f"http://jo:pw@127.0.0.1:{server.port}/a")])
    assert http().request("GET", server.url("/r")).text() == "hello"
    assert "authorization" not in server.requests[1].headers
    assert server.requests[1].headers["host"] == f"127.0.0.1:{server.port}"


@pytest.mark.parametrize("location", [None, "", "  "])
def test_a_redirect_to_nowhere_is_an_answer_or_for_a_document_an_error(http, server, location):
    server.script("/r", [Redirect(location)], repeat_last=True)
    assert http().request("GET", server.url("/r")).status == 302
    with pytest.raises(ProtocolError, match=r"redirects \(302\) without saying where to"):
        http().open("GET", server.url("/r"))


@pytest.mark.parametrize("status", [300, 304, 305, 306])
def test_other_answers_of_the_kind_are_no_redirects(http, server, status):
    server.script("/r", [Redirect("/a", status)], repeat_last=True)
    assert http().request("GET", server.url("/r")).status == status
    with pytest.raises(ProtocolError):
        http().open("GET", server.url("/r"))
    assert not server.requests_to("/a")


def test_the_first_of_several_locations_is_not_mixed_with_the_others(http, server):
    server.script("/r", [Redirect("/a") + Header("Location", ("/a", "/b"))])
    assert http().request("GET", server.url("/r")).text() == "hello"


@pytest.mark.parametrize("url", ["ftp://h/", "h/a", "", "https://", "https://h:x/", "https://[1"])
def test_what_a_plugin_asks_for_must_be_an_address(http, url):
    with pytest.raises(ProtocolError, match="no http: or https: URL"):
        http(credential=Credential("acc", ())).request("GET", url)
