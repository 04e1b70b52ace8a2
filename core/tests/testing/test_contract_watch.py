"""What the contract sees with: the watch, the relay, the changes of answers, the judgement of answers."""

import contextlib
import http.client
import json
import logging
import os
import socket
import sys
import threading
from contextvars import copy_context
from datetime import UTC, datetime

import pytest
from hypothesis import given, strategies

from downspout import Child, Folder, Link, Reference
from downspout.errors import DownspoutError, LinkRefused, NotFound
from downspout.testing import Answer, Cut, Document, FakeService, Request
from downspout.testing._contract import watch as watching
from downspout.testing._contract.answers import judged, named, of_outcome, of_resolving, said_well
from downspout.testing._contract.changes import changes_of, some_changes
from downspout.testing._contract.discretion import _signatures
from downspout.testing._contract.relay import Relay, origin_to
from downspout.testing._contract.watch import Watch

ONE = Reference("shelf", "1")


# The watch.


@pytest.mark.parametrize(
    ("event", "args", "deed"),
    [
        ("builtins.input", ("Password: ",), "prompt"),
        ("webbrowser.open", ("https://shelf.example",), "prompt"),
        ("open", ("/dev/tty", "r", os.O_RDWR), "prompt"),
        ("open", (b"CONIN$", "r", 0), "prompt"),
        ("open", ("/tmp/x", "w", os.O_WRONLY | os.O_CREAT), "file"),
        ("open", ("/tmp/x", "r", os.O_RDONLY), None),
        ("open", (3, "w", os.O_WRONLY), None),
        ("open", ("/tmp/x", "r", None), None),
        ("open", ("/x/__pycache__/x.pyc.1", None, os.O_WRONLY), None),
        ("open", (os.devnull, "w", os.O_WRONLY), None),
        ("socket.connect", (None, ("127.0.0.1", 80)), "connection"),
        ("socket.connect", (None, ("127.0.0.1", 8080)), None),
        ("socket.connect", (None, ("::1", 80, 0, 0)), "connection"),
        ("socket.connect", (None, "/run/socket"), "connection"),
        ("socket.sendto", (None, ("9.9.9.9", 53)), "connection"),
        ("subprocess.Popen", ("true", [], None, None), "process"),
        ("os.system", (b"true",), "process"),
        ("import", ("json",), None),
    ],
)
def test_deeds_are_told_from_what_hooks_may_do(event, args, deed):
    seen = watching._seen(event, args, Watch({("127.0.0.1", 8080)}))
    assert (seen and seen[0]) == deed


def knock(port):
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port), 0.1).close()


def test_only_what_is_watched_is_seen():
    watch = Watch()
    thread = threading.Thread(target=knock, args=(1,))
    with watch.watching():
        thread.start()  # its context is its own
        thread.join()
        knock(2)
    knock(3)
    assert watch.seen("connection") == ["connects to ('127.0.0.1', 2) by itself"]
    assert watch.seen("prompt", "process", "file") == []


def test_threads_that_take_the_context_along_are_watched():
    watch = Watch()
    with watch.watching():
        thread = threading.Thread(target=copy_context().run, args=(sys.stdin.readline,))
        thread.start()
        thread.join()
    assert watch.seen("prompt") == ["reads standard input"]


def test_output_and_logs_are_kept_and_everything_is_as_it_was():
    before = (sys.stdin, sys.stdout, sys.stderr, logging.getLogger().level, list(logging.getLogger().handlers))
    watch = Watch()
    with watch.watching():
        print("out")
        print("err", file=sys.stderr)
        logging.getLogger("plugin").debug("said %s", "this")
        assert sys.stdin.readable()
        assert sys.stdin.read() == ""
    assert (sys.stdin, sys.stdout, sys.stderr, logging.getLogger().level, logging.getLogger().handlers) == before
    assert watch.output.getvalue() == "out\nerr\n"
    assert watch.logged == ["plugin: said this"]


# The relay.


@pytest.fixture
def service():
    with FakeService() as service:
        service.documents["/a"] = Document(b"0123456789", name="a.txt")
        yield service


@pytest.fixture
def relay():
    with Relay() as relay:
        yield relay


def ask(relay, url, method="GET", body=None, **headers):
    connection = http.client.HTTPConnection(*relay.address, timeout=5)
    with contextlib.closing(connection):
        connection.request(method, url, body=body, headers=headers)
        response = connection.getresponse()
        return response.status, response.getheaders(), response.read()


def test_the_relay_carries_requests_and_answers_as_they_are(relay, service):
    @service.post("/echo")
    def echo(request):
        return {
            "body": request.body.decode(),
            "own": request.headers.get("x-own"),
            "host": request.headers["host"],
        }

    status, _, body = ask(relay, service.url("/echo"), "POST", b"text", **{"X-Own": "\u00e9"})
    assert status == 200
    assert json.loads(body) == {"body": "text", "own": "\u00e9", "host": f"127.0.0.1:{service.port}"}
    (passed,) = relay.passed
    assert (passed.origin, passed.request.method, passed.answer.status) == (service.origin, "POST", 200)


def test_the_relay_answers_head_without_a_body(relay, service):
    status, headers, body = ask(relay, service.url("/a"), "HEAD")
    assert (status, body, dict(headers)["Content-Length"]) == (200, b"", "10")


def test_the_relay_cuts_what_is_cut(relay, service):
    service.script("/a", [Cut(4)])
    with pytest.raises(http.client.IncompleteRead) as caught:
        ask(relay, service.url("/a"))
    assert (caught.value.partial, caught.value.expected) == (b"0123", 6)


@pytest.mark.parametrize(
    "url",
    [
        "http://shelf.example/",
        "https://127.0.0.1/",
        "http://10.0.0.1/",
        "http://127.0.0.1:1/",
        "/a",
        "http://127.0.0.1:x/",
    ],
)
def test_the_relay_leads_to_loopback_alone(relay, url):
    assert ask(relay, url)[0] == 502


def test_the_relay_refuses_tunnels_and_nonsense(relay):
    assert ask(relay, "127.0.0.1:443", "CONNECT")[0] == 502
    with socket.create_connection(relay.address, 5) as sock:
        sock.sendall(b"nonsense\r\n\r\n")
        assert sock.recv(100).startswith(b"HTTP/1.1 400")


def test_the_relay_lies_as_long_as_it_is_told_to(relay, service):
    def lie(request, honest):
        answer = honest()
        return answer.with_body(answer.content[::-1])

    with relay.lying(lie):
        assert ask(relay, service.url("/a"))[2] == b"9876543210"
    assert ask(relay, service.url("/a"))[2] == b"0123456789"


def test_where_a_request_goes_is_an_origin_or_nothing():
    assert origin_to(Request("GET", "http://Shelf.example:80/a?b")) == "http://shelf.example"
    assert origin_to(Request("GET", "/a")) == ""


# Changed answers.


def test_every_field_is_changed_left_out_and_the_text_cut():
    changes = changes_of(b'{"a": {"b": 1}, "c": [{"d": "x"}, 2, 3]}')
    assert {change.where for change in changes} == {
        "everything", "a", "a.b", "c", "c[0]", "c[0].d", "c[1]", "the body",
    }  # fmt: skip
    bodies = [change.body for change in changes]
    assert b'{"a": {}, "c": [{"d": "x"}, 2, 3]}' in bodies
    assert b'{"a": {"b": -1}, "c": [{"d": "x"}, 2, 3]}' in bodies
    assert b'{"a": {"b": 1' in [body[:13] for body in bodies if len(body) < 30]
    assert changes[0].of(Answer(200, b"{}", {"X": "y"})).headers == (("X", "y"),)


values = strategies.recursive(
    strategies.none() | strategies.booleans() | strategies.integers() | strategies.text(),
    lambda inner: (
        strategies.lists(inner, max_size=4) | strategies.dictionaries(strategies.text(), inner, max_size=4)
    ),
    max_leaves=6,
)


@given(values)
def test_whatever_is_changed_is_another_body_than_before(value):
    body = json.dumps(value).encode()
    for change in changes_of(body):
        assert change.where
        if change.where == "the body":
            assert body.startswith(change.body)
            assert change.body != body
        else:
            assert json.loads(change.body) is not NotImplemented


@pytest.mark.parametrize("body", [b"", b"text", b"{}", b"[]", b"3", b'"x"', b"\xff", b"[" * 9999])
def test_what_holds_no_fields_is_not_changed(body):
    assert changes_of(body) == []


def test_of_many_changes_some_of_each_field_come_first_and_always_the_same():
    body = json.dumps({f"field{number}": number for number in range(10)}).encode()
    some = some_changes(body, 12)
    assert len({change.where for change in some}) == 12
    assert some == some_changes(body, 12)
    assert len(some_changes(body, 10_000)) == len(changes_of(body))


# Judging answers.


def breaches(outcome, reference=ONE):
    return list(of_outcome(reference, outcome))


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (Link(ONE, "https://shelf.example/a b"), "url is none"),
        (Link(ONE, "shelf://1 2"), "no URL has"),
        (Link(ONE, "https://shelf.example/a", media_type=7), "media_type is a int"),
        (Link(ONE, "https://shelf.example/a", version=7), "version is a int"),
        (Link(ONE, "https://shelf.example/a", modified_at=datetime(2026, 1, 1)), "no time with a time zone"),
        (Link(ONE, "https://shelf.example/a", digests={"crc": "00"}), "hashlib does not know"),
        (Link(ONE, "https://shelf.example/a", digests={"md5": "xyz"}), "not of 32 hexadecimal digits"),
        (Link(Reference("shelf", "2"), "https://shelf.example/a"), "another reference"),
        (LinkRefused("It is dead."), "only open_stream"),
        (None, "a NoneType"),
        (NotFound("no"), "no sentence"),
        (NotFound("No\x07."), "control characters"),
        (NotFound("No." * 500), "1500 characters"),
        (NotFound("No.", hint="\x07"), "no short line"),
        (Folder([Child("a", ONE, -1)]), "size of 'a' is none"),
        (Folder([Child("a", ONE, "7")]), "size of 'a' is none"),
        (Folder([Child("a", ONE, 7, 7)]), "version of 'a' is a int"),
        (Folder([Child("a", Reference("other", "1"))]), "the account other"),
        (Folder([], more=Reference("other", "1")), "the account other"),
    ],
)
def test_what_is_wrong_with_an_outcome_is_told(outcome, said):
    assert any(said in breach for breach in breaches(outcome))


@pytest.mark.parametrize(
    "outcome",
    [
        Link(ONE, "https://shelf.example/a?b=c", "名.txt", 0, "v", datetime.now(UTC), {"sha256": "0" * 64}),
        Link(ONE, "shelf://1"),
        Link(ONE, "https://shelf.example/a", digests={"shake_128": "00"}),
        Folder([Child("a/b.txt", Reference("shelf", "?#%"), 7, "v")], more=Reference("shelf", "/", {"page": "2"})),
        NotFound(f"shelf:{'x' * 5000}: there is no such paper.", hint="Look again."),
    ],
)
def test_what_is_right_is_left_alone(outcome):
    assert breaches(outcome, Reference("shelf", "x" * 5000) if isinstance(outcome, DownspoutError) else ONE) == []


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (None, "answers None"),
        ("xx", "a str instead of a list"),
        ({}, "a dict instead of a list"),
        ([], "0 outcomes for 1 references"),
    ],
)
def test_what_is_no_list_of_outcomes_is_told(answer, said):
    assert said in judged(answer, [ONE]).breaches[0]


def test_what_a_hook_raises_is_judged():
    def raising(error):
        def hook(**_):
            raise error

        return of_resolving(hook, None, [ONE], None, None)

    assert raising(KeyError("x")).breaches == ("resolve_link raises KeyError: 'x'",)
    assert raising(NotFound("No such paper.")).breaches == ()


def test_only_long_values_of_a_links_query_are_taken_for_secrets():
    link = Link(
        ONE, f"https://shelf.example/a?part=1&key={'k' * 20}&title=a+long+name+with+words&f={'n' * 30}", "n" * 30
    )
    assert list(_signatures([link])) == ["k" * 20]


@pytest.mark.parametrize(
    ("outcome", "said"), [(None, "nothing"), (7, "a int"), (NotFound("No."), "NotFound: No.")]
)
def test_outcomes_are_named(outcome, said):
    assert named(outcome) == said


def test_words_of_ours_are_right():
    assert list(said_well(NotFound("There is none.", hint="Look again."))) == []
