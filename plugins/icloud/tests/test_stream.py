"""Bytes: a stream says which version's they are, because the host does not."""

import pytest

from downspout import Link, Reference
from downspout.errors import LinkRefused, NotFound, RateLimited
from downspout.testing import Answer, Document


@pytest.fixture
def link(icloud):
    def make(path: str, version: str | None = "1::2") -> Link:
        return Link(
            Reference("icloud", "D1"), icloud.contents.url(f"{path}?o=1&e=2&s=%2B$%7Bf%7D"), version=version
        )

    return make


def test_a_link_is_used_byte_for_byte_and_tells_nothing_of_the_user(signed, icloud, link):
    icloud.contents.documents["/B/x/a.txt"] = Document(b"abc")
    assert signed.read(link("/B/x/a.txt")) == b"abc"
    (asked,) = icloud.contents.requests
    assert asked.target == "/B/x/a.txt?o=1&e=2&s=%2B$%7Bf%7D"
    assert not {"cookie", "origin", "referer", "authorization"} & {name.lower() for name in asked.headers}


def test_the_version_stands_for_the_validator_that_the_host_lacks(signed, icloud, link):
    signing = {"Last-Modified": "Sun, 19 Jan 2020 14:46:20 GMT", "Date": "Sun, 19 Jan 2020 15:46:20 GMT"}
    icloud.contents.route("/f", lambda _: Answer(200, b"abcdef", signing))
    stream = signed.open(link("/f"))
    assert (stream.version, stream.etag, stream.modified_at) == ("1::2", '"1::2"', None)
    stream.close()


@pytest.mark.parametrize("version", [None, "", 'a"b', "é", "a\x01"])
def test_a_version_that_no_field_could_hold_is_no_validator(signed, icloud, link, version):
    icloud.contents.documents["/f"] = Document(b"abc")
    stream = signed.open(link("/f", version))
    assert stream.etag is None
    stream.close()


def test_no_condition_goes_with_a_range(signed, icloud, link):
    icloud.contents.documents["/f"] = Document(b"abcdef")
    assert signed.read(link("/f"), 2, 4) == b"cd"
    (asked,) = icloud.contents.requests
    assert asked.headers["range"] == "bytes=2-3"
    assert "if-range" not in asked.headers


@pytest.mark.parametrize(("status", "final"), [(410, NotFound), (404, NotFound)])
def test_a_link_that_ended_may_be_asked_for_again(signed, icloud, link, status, final):
    icloud.contents.route("/f", lambda _: Answer(status, b"expired"))
    with pytest.raises(LinkRefused) as caught:
        signed.open(link("/f"))
    assert isinstance(caught.value.settle(), final)


def test_a_busy_host_asks_for_patience(signed, icloud, link):
    icloud.contents.route("/f", lambda _: Answer(429, b"", {"Retry-After": "4"}))
    with pytest.raises(RateLimited) as caught:
        signed.open(link("/f"))
    assert caught.value.retry_after == 4
