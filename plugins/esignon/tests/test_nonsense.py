"""Whatever the service answers: a clear error or the right document, and never another exception."""

import copy
import json

import pytest

from downspout import DownspoutError, Folder, Link

DOWNLOAD = "POST /workflow/download"
INFORMATION = "GET /api/v2/workflows/12584"
LIST = "GET /worklists/new"
LOGIN = "POST /api/acme01/login"
HEADER = {"response_code": "", "result_code": "00", "result_msg": "Success", "session_id": ""}
ISSUED = {
    "header": HEADER,
    "body": {"cert_url": "https://x.example/c", "doc_url": "https://x.example/d", "workflow_name": "Contract"},
}
INFORMED = {
    "header": HEADER,
    "body": {
        "workflow_id": "12584",
        "workflow_name": "Contract",
        "workflow_status": "Complete",
        "download_url": "https://x.example/d",
        "certificate_url": "https://x.example/c",
    },
}
LISTED = {
    "header": HEADER,
    "body": {"total": "1", "workflow_list": [{"wfuid": "12584", "wfname": "Contract", "status": "Complete"}]},
}
SIGNED_IN = {"header": HEADER, "body": {"access_token": "abc", "expire_date": "2999-01-01"}}
VALUES = [None, 7, -1, 10**40, 1.5, True, [], [None], {}, {"a": 1}, "", " ", "x" * 100_000, "\x00\x1b[31m\u202e\n"]
USER = {"company_id": "acme01", "username": "jo@acme.example", "password": "pass phrase"}


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
    assert "pass phrase" not in error.message


def check_link(outcome):
    if isinstance(outcome, Link):
        assert outcome.url == "https://x.example/d"
    else:
        check_error(outcome)


@pytest.mark.parametrize(("call_name", "example"), [(DOWNLOAD, ISSUED), (INFORMATION, INFORMED)])
def test_an_answer_with_a_download_url_is_right_or_refused(call, far, answer, call_name, example):
    caller = call()
    for body in bodies(example):
        far.answers[call_name] = answer(body)
        try:
            check_link(caller.resolve("esignon:12584"))
        except DownspoutError as error:
            check_error(error)


def test_a_listing_is_right_or_refused(call, far, answer):
    caller = call()
    for body in bodies(LISTED):
        far.answers[LIST] = answer(body)
        try:
            outcome = caller.resolve("esignon:/")
        except DownspoutError as error:
            check_error(error)
            continue
        if isinstance(outcome, Folder):
            assert all(child.path.count("/") == 0 for child in outcome.children)
        else:
            check_error(outcome)


def test_a_sign_in_is_right_or_refused(call, far, answer):
    caller = call(**USER)
    for body in bodies(SIGNED_IN):
        far.answers[LOGIN] = answer(body)
        try:
            credential = caller.authenticate()
        except DownspoutError as error:
            check_error(error)
        else:
            assert credential.reveal("token").isascii()
            assert credential.reveal("token")
