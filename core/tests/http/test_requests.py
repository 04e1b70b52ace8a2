"""Whole answers: asked for as the plugin says, read within bounds, typed before use."""

import contextlib
import datetime as dt
import json

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from downspout import Headers
from downspout._http.answer import MAX_BODY, MAX_DEPTH, Clock
from downspout._version import VERSION
from downspout.errors import (
    AuthenticationError,
    NotFound,
    PermissionDenied,
    ProtocolError,
    RateLimited,
    Unavailable,
)
from downspout.testing import Answer, ContentCoding, FakeService, Header, Pattern, Status, Throttle, Virtual


@pytest.fixture
def server():
    with FakeService() as server:
        server.on("/echo", "GET", "POST", "PUT", "HEAD")(
            lambda request: {"type": request.headers.get("content-type")}
        )
        yield server


def test_what_is_asked_has_the_header_fields_of_a_polite_client(http, server):
    http().request("GET", server.url("/echo"))
    fields = server.requests[0].headers
    assert fields["user-agent"] == f"downspout/{VERSION}"
    assert fields["accept-encoding"] == "identity"
    assert fields["accept"] == "application/json"
    assert "content-length" not in fields


def test_a_body_is_json_or_a_form_or_bytes_or_nothing(http, server):
    bound = http(server.origin)
    bound.request("post", server.url("/echo"), json={"é": [1, None]})
    bound.request("POST", server.url("/echo"), json={}, headers={"Content-type": "text/plain", "ACCEPT": "*/*"})
    bound.request("POST", server.url("/echo"), form={"a": "b c&"})
    bound.request("POST", server.url("/echo"), form={}, headers={"content-type": "x/y"})
    bound.request("PUT", server.url("/echo"), body=b"\0\xff")
    bound.request("POST", server.url("/echo"))
    sent = [(request.method, request.headers.get("content-type"), request.body) for request in server.requests]
    assert sent == [
        ("POST", "application/json", '{"é":[1,null]}'.encode()),
        ("POST", "text/plain", b"{}"),
        ("POST", "application/x-www-form-urlencoded", b"a=b+c%26"),
        ("POST", "x/y", b""),
        ("PUT", None, b"\0\xff"),
        ("POST", None, b""),
    ]
    assert server.requests[1].headers.get_all("accept") == ["*/*"]
    assert server.requests[-1].headers["content-length"] == "0"


@pytest.mark.parametrize("name", ["Host", "content-length", "Transfer-Encoding", "CONNECTION", "TE", "Upgrade"])
def test_what_frames_a_request_is_not_the_plugin_s_business(http, server, name):
    bound = http(server.origin)
    for body in (None, b"{}"):
        bound.request("POST", server.url("/echo"), headers={name: "chunked"}, body=body)
    assert [request.body for request in server.requests] == [b"", b"{}"]
    assert server.requests[0].headers.get_all("host") == [f"127.0.0.1:{server.port}"]
    assert "chunked" not in str(server.requests[0].headers)


def test_a_document_s_request_is_framed_by_us_too(http, server):
    http(server.origin).open("GET", server.url("/echo"), headers={"Host": "evil.example"}).close()
    assert server.requests[0].headers.get_all("host") == [f"127.0.0.1:{server.port}"]


def test_a_url_is_used_byte_for_byte(http, server):
    target = "/echo?X-Amz-Signature=aB%2f%2F&x=a+b&&=;'()*!~|^{}`%"
    http().request("GET", server.origin + target)
    assert server.requests[0].target == target


def test_a_query_without_a_path_is_asked_at_the_root(http, server):
    http().request("GET", f"{server.origin}?x=1")
    http().request("GET", server.origin)
    assert [request.target for request in server.requests] == ["/?x=1", "/"]


def test_an_answer_of_any_status_comes_whole(http, server):
    server.script("/echo", [Status(418, b"\xef\xbb\xbfteapot \xff", [("X-A", "1"), ("x-a", "2")])])
    answer = http().request("GET", server.url("/echo"))
    assert (answer.status, answer.ok) == (418, False)
    assert answer.text() == "\ufeffteapot \ufffd"
    assert answer.headers.all("x-A") == ("1", "2")


def test_an_answer_to_head_or_without_content_is_empty(http, server):
    server.script("/echo", [None, Status(204), Status(304)])
    bound = http()
    answers = [bound.request(method, server.url("/echo")) for method in ("HEAD", "GET", "GET")]
    assert [(answer.status, answer.text()) for answer in answers] == [(200, ""), (204, ""), (304, "")]
    assert len({request.connection for request in server.requests}) == 1


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, AuthenticationError),
        (403, PermissionDenied),
        (404, NotFound),
        (410, NotFound),
        (408, Unavailable),
        (425, Unavailable),
        (429, RateLimited),
        (500, Unavailable),
        (503, Unavailable),
        (599, Unavailable),
        (400, ProtocolError),
        (302, ProtocolError),
        (204, ProtocolError),
    ],
)
def test_a_status_stands_for_an_error(http, server, status, kind):
    server.script("/echo", [Status(status)])
    error = http().request("GET", server.url("/echo")).error("acc:doc")
    assert type(error) is kind
    assert error.message.startswith("acc:doc: ")
    assert str(status) in error.message


THEN = "Thu, 01 Jan 2015 00:00:00 GMT"


def test_patience_is_counted_by_the_service_s_clock(http, server):
    server.script("/echo", [Throttle("7"), Throttle("nonsense", 503), Throttle("Thu, 01 Jan 2015 00:01:00 GMT")])
    bound = http(server.origin)
    waits = [bound.request("GET", server.url("/echo")).error("x").retry_after for _ in range(2)]
    server.script("/echo", [Throttle("Thu, 01 Jan 2015 00:01:00 GMT") + Header("Date", (THEN,))])
    waits.append(round(bound.request("GET", server.url("/echo")).error("x").retry_after))
    assert waits == [7.0, None, 60]


@attrs.frozen
class Item:
    id: str
    size: int
    tags: list[str] = attrs.Factory(list)


def answering(server, body):
    server.route("/json", lambda request: Answer(200, body))
    return server.url("/json")


def test_json_is_turned_into_a_shape(http, server):
    url = answering(
        server, b'\xef\xbb\xbf[{"id": "a", "size": "12", "unknown": {}}, {"id": "b", "size": 0, "tags": ["x"]}]'
    )
    answer = http().request("GET", url)
    assert answer.json(list[Item]) == [Item("a", 12), Item("b", 0, ["x"])]
    assert answer.json()[0] == {"id": "a", "size": "12", "unknown": {}}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b'[{"id": "a"}]', "missing required field `size`"),
        (b'[{"id": "a", "size": "x"}]', r"\$\[0\].size"),
        (b'[{"id": null, "size": 1}]', r"\$\[0\].id"),
        (b'{"id": "a", "size": 1}', "Expected `array`"),
        (b"null", "Expected `array`"),
        (b"", "it is no JSON"),
        (b"<html>", "it is no JSON"),
        (b'"\xff"', "it is no JSON"),
        (b"[1,]", "it is no JSON"),
        (b"NaN", "it is no JSON"),
        (b"[" * 100_000, "it is no JSON"),
    ],
)
def test_json_of_another_shape_names_the_field(http, server, body, says):
    with pytest.raises(ProtocolError, match=says) as caught:
        http().request("GET", answering(server, body)).json(list[Item])
    assert caught.value.message.startswith("acc:doc: the service answered 200")


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_json_is_at_most_64_levels_deep(http, server, opening):
    closing = {"[": "]"}.get(opening, "}")
    inner = opening.replace(":", "") + closing if opening == "[" else "{}"

    def nested(levels):
        return ((opening * (levels - 1)) + inner + closing * (levels - 1)).encode()

    assert http().request("GET", answering(server, nested(MAX_DEPTH))).json()
    for levels in (MAX_DEPTH + 1, 900, 50_000):
        with pytest.raises(ProtocolError, match="makes no sense"):
            http().request("GET", answering(server, nested(levels))).json()


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(
    st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()),
    st.sampled_from([None, list[Item], Item]),
)
def test_no_body_breaks_anything(http, server, body, shape):
    answer = http().request("GET", answering(server, body))
    with contextlib.suppress(ProtocolError):
        answer.json(shape)


def test_an_answer_has_at_most_16_mib(http, server):
    answering(server, b"")
    server.route(
        "/large", lambda request: Answer(200, Virtual(MAX_BODY + 1, lambda start, stop: bytes(stop - start)))
    )
    server.route("/full", lambda request: Answer(200, Virtual(MAX_BODY, lambda start, stop: bytes(stop - start))))
    assert len(http().request("GET", server.url("/full")).text()) == MAX_BODY
    with pytest.raises(ProtocolError, match=f"more than {MAX_BODY} bytes"):
        http().request("GET", server.url("/large"))


def test_the_body_of_an_error_is_a_courtesy_of_256_kib(http, server):
    server.route("/error", lambda request: Answer(404, Pattern(300_000)))
    seen = []

    def on_error(answer):
        seen.append((answer.status, answer.text()))
        return answer.error("acc:doc")

    with pytest.raises(NotFound):
        http().open("GET", server.url("/error"), on_error=on_error)
    assert seen == [(404, "")]


@pytest.mark.parametrize(
    "headers",
    [
        {"X-A": "a\r\nX-B: b"},
        {"X-A": "a\nb"},
        {"X-A": "a\0b"},
        {"X-A": "中"},
        {"X A": "a"},
        {"X-A:": "a"},
        {"é": "a"},
        {"": "a"},
        {"X\r\nA": "a"},
    ],
)
def test_a_header_that_would_be_two_or_none_is_refused_without_its_value(http, server, headers):
    with pytest.raises(ProtocolError, match="the header field") as caught:
        http(server.origin).request("GET", server.url("/echo"), headers=headers)
    assert not [
        value for value in headers.values() if value in caught.value.message.partition("has")[2] and len(value) > 1
    ]
    assert server.connections_seen == 0


def test_a_header_of_latin_1_is_sent_as_it_is(http, server):
    http(server.origin).request("GET", server.url("/echo"), headers={"X-A": "é", "X-Empty": ""})
    assert [server.requests[0].headers[name] for name in ("x-a", "x-empty")] == ["é", ""]


def test_the_answers_of_an_endpoint_set_the_clock_and_nobody_else_s(http, server):
    server.script("/echo", [Header("Date", (THEN,))], repeat_last=True)
    stranger, bound = http(), http(server.origin)
    for asker in (stranger, bound):
        asker.request("GET", server.url("/echo"))
    assert abs((stranger.now() - dt.datetime.now(dt.UTC)).total_seconds()) < 5
    assert (bound.now().year, bound.now().tzinfo) == (2015, dt.UTC)


@pytest.mark.parametrize(
    ("date", "off"),
    [
        ({"date": THEN}, True),
        ({"date": "Fri, 31 Dec 9999 23:59:59 GMT"}, False),
        ({"date": "Mon, 01 Jan 1900 00:00:00 GMT"}, False),
        ({"date": "Fri, 31 Dec 9999 23:59:59 -1200"}, False),
        ({"date": "yesterday"}, False),
        ({}, False),
    ],
)
def test_the_clock_believes_what_may_be_true(date, off):
    clock = Clock()
    clock.learn(Headers(date.items()))
    assert (abs((clock.now() - dt.datetime.now(dt.UTC)).total_seconds()) > 86400) is off


def test_the_clock_follows_the_last_answer():
    clock, now = Clock(), dt.datetime.now(dt.UTC)
    for hours, expected in ((5, 5), (-3, -3), (0, 0)):
        then = now + dt.timedelta(hours=hours)
        clock.learn(Headers([("Date", then.strftime("%a, %d %b %Y %H:%M:%S GMT"))]))
        assert abs((clock.now() - now).total_seconds() - expected * 3600) < 5


def test_words_for_messages_can_be_others(http, server):
    server.script("/echo", [ContentCoding("gzip")])
    with pytest.raises(ProtocolError, match=r"^acc:other: "):
        http().about("acc:other").open("GET", server.url("/echo"))
