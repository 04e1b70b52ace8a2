"""Whatever the service answers: a clear error or the right file, and never another exception."""

import copy
import json

import pytest

from downspout import DownspoutError, Folder, Link, Reference
from downspout.errors import AuthenticationError

API = "/documents/api/1.2"
VALUES = [None, 7, -1, 10**40, 1.5, True, [], [None], {}, {"a": 1}, "", " ", "x" * 100_000, "\x00\x1b[31m\u202e\n"]
LISTED = {
    "items": [{"id": "D1", "name": "report.pdf", "type": "file", "size": "13", "version": "3"}],
    "hasMore": "0",
    "errorCode": "0",
}
FAILED = {"errorCode": "-20", "errorKey": "!csX!csY,User", "errorMessage": "No.", "errorType": "file", "id": "D1"}


def changed(value, replacement):
    """Give `value` with each of its parts, and itself, replaced or taken away."""
    yield replacement
    if isinstance(value, dict):
        for key in value:
            yield {name: each for name, each in value.items() if name != key}
            for part in changed(value[key], replacement):
                yield {**copy.deepcopy(value), key: part}
    elif isinstance(value, list):
        for position, each in enumerate(value):
            for part in changed(each, replacement):
                yield [*value[:position], part, *value[position + 1 :]]


def bodies(answer):
    for replacement in VALUES:
        for body in changed(answer, replacement):
            yield json.dumps(body).encode()
    whole = json.dumps(answer, ensure_ascii=False).encode()
    for length in range(len(whole)):
        yield whole[:length]
    yield from (
        b"\xff\xfe",
        b"<html>",
        b"[" * 100_000,
        b"\xef\xbb\xbf" + whole,
        whole + b"x",
        b"NaN",
        b'{"a":1e999}',
    )


def check_error(error):
    assert isinstance(error, DownspoutError), error
    assert len(error.message) < 2000
    assert error.message.isprintable()


@pytest.mark.parametrize("uri", ["oracle:D1", "oracle:D1?version=3", "oracle:D1?link=LD1"])
def test_what_is_said_of_a_file_is_right_or_refused(call, far, answer, described_file, uri):
    caller = call()
    for body in bodies(described_file()):
        far.answers[f"GET {API}/files/D1"] = answer(body)
        try:
            outcome = caller.resolve(uri)
        except DownspoutError as error:
            outcome = error
        if isinstance(outcome, Link):
            assert outcome.url.partition("?")[0] == f"{far.url}{API}/files/D1/data"
        else:
            check_error(outcome)


@pytest.mark.parametrize("uri", ["oracle:/", "oracle:/report.pdf"])
def test_a_listing_is_right_or_refused(call, far, answer, uri):
    caller = call()
    for body in bodies(LISTED):
        far.answers[f"GET {API}/folders/self/items"] = answer(body)
        try:
            outcome = caller.resolve(uri)
        except DownspoutError as error:
            outcome = error
        if isinstance(outcome, Folder):
            assert all("/" not in child.path.removesuffix("/") for child in outcome.children)
        elif isinstance(outcome, Link):
            assert outcome.url.partition("/files/")[2].partition("/")[0].isalnum()
        else:
            check_error(outcome)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 500, 503])
def test_a_failure_is_told_whatever_its_body(call, far, answer, status):
    caller = call()
    link = Link(Reference("oracle", "D1"), f"{far.url}{API}/files/D1/data")
    for body in bodies(FAILED):
        far.answers[f"GET {API}/files/D1/data"] = answer(body, status)
        with pytest.raises(DownspoutError) as caught:
            caller.open(link)
        check_error(caught.value)


def test_a_grant_is_right_or_refused(call, other, answer):
    caller = call(token_endpoint=f"{other.url}/t", client_id="me", client_secret="se:cret")
    for status in (200, 400):
        for body in bodies(
            {"access_token": "granted", "expires_in": 3600, "error": "x", "error_description": "y"}
        ):
            other.answers["POST /t"] = answer(body, status)
            try:
                credential = caller.authenticate()
            except DownspoutError as error:
                check_error(error)
            else:
                assert credential.reveal("authorization").isprintable()


def test_a_renewal_is_right_or_refused(call, far, answer, refusal):
    caller = call(applink_token="old", applink_refresh_token="long")
    credential = caller.authenticate()
    far.answers[f"GET {API}/files/D1"] = refusal("-20")
    for body in bodies({"accessToken": "fresh", "type": "applink", "errorCode": "0"}):
        far.answers[f"PUT {API}/applinks/token"] = answer(body)
        with pytest.raises(AuthenticationError):
            caller.resolve("oracle:D1?applink=L", credential)
        try:
            renewed = caller.authenticate(refused=credential)
        except DownspoutError as error:
            check_error(error)
        else:
            assert renewed.reveal("applink_token").isprintable()
            assert renewed.reveal("applink_token") or renewed.reveal("applink_spent")
