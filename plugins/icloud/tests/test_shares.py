"""Public shares: several in one call, failures inside, and names that are data."""

import base64
import json

import pytest

from downspout import Link
from downspout.errors import DownspoutError, NotFound, PermissionDenied, ProtocolError, RateLimited, Unavailable

SHARES = "/share/database/1/com.apple.cloudkit/production/public/records/resolve"
URL = "icloud:https://www.icloud.com/iclouddrive/"


def share(guid: str, base: str = "Song One", extension: str | None = "flac", **more: object) -> dict:
    fields = {
        "encryptedBasename": {"value": base64.b64encode(base.encode()).decode(), "type": "ENCRYPTED_BYTES"},
        "size": {"value": "3", "type": "NUMBER_INT64"},
        "mtime": {"value": 1700000000, "type": "NUMBER_INT64"},
        "fileContent": {
            "type": "ASSETID",
            "value": {
                "fileChecksum": "AQID",
                "size": 3,
                "downloadURL": "https://cvws.icloud-content.com/B/sig/${f}?o=1&e=1579446080&k=%2B${u}",
            },
        },
    }
    if extension is not None:
        fields["extension"] = {"value": extension}
    return {"shortGUID": {"value": guid}, "rootRecord": {"recordType": "content", "fields": fields | more}}


@pytest.fixture
def one(call, icloud):
    """Return a function that gives the outcome of one share for what the service answers."""
    caller = call()

    def resolve(result: object, status: int = 200, uri: str = f"{URL}0abc#Song_One"):
        icloud.on(f"POST {SHARES}", result, status)
        (outcome,) = caller.resolve(uri)
        return outcome

    return resolve


def test_the_link_is_the_answer_s_with_the_name_in_its_place(one):
    link = one({"results": [share("0abc", "a/b & 100%")]})
    assert link.url == "https://cvws.icloud-content.com/B/sig/a%2Fb%20%26%20100%25.flac?o=1&e=1579446080&k=%2B${u}"
    assert (link.name, link.size, link.version) == ("a/b & 100%.flac", 3, "AQID")
    assert link.modified_at.year == 2023


def test_no_cookie_and_no_address_of_the_account_goes_with_it(signed, icloud):
    icloud.on(f"POST {SHARES}", {"results": [share("0abc")]})
    signed.resolve(f"{URL}0abc")
    (asked,) = icloud.api.requests
    assert json.loads(asked.body) == {"shortGUIDs": [{"value": "0abc"}]}
    assert asked.headers["content-type"] == "application/json"
    assert "cookie" not in asked.headers
    assert asked.query == ""


def test_who_is_left_out_is_asked_for_alone(call, icloud):
    def reply(request):
        guids = [each["value"] for each in json.loads(request.body)["shortGUIDs"]]
        return {"results": [share(guid) for guid in guids[:1]]}

    icloud.on(f"POST {SHARES}", reply)
    links = call().resolve(f"{URL}0a", f"{URL}0b", f"{URL}0a")
    assert [type(link) for link in links] == [Link] * 3
    assert len(icloud.api.requests) == 2


@pytest.mark.parametrize(
    ("result", "error"),
    [
        ({"serverErrorCode": "NOT_FOUND", "reason": "Cannot resolve shortGUID"}, NotFound),
        ({"serverErrorCode": "BAD_REQUEST"}, NotFound),
        ({"serverErrorCode": "ACCESS_DENIED"}, PermissionDenied),
        ({"serverErrorCode": "AUTHENTICATION_REQUIRED"}, PermissionDenied),
        ({"requireAppleLogin": True}, PermissionDenied),
        ({"serverErrorCode": "TRY_AGAIN_LATER"}, Unavailable),
        ({"serverErrorCode": "THROTTLED"}, RateLimited),
        ({"serverErrorCode": "\u202eodd\n"}, ProtocolError),
        ({}, ProtocolError),
        ({"rootRecord": {"recordType": "folder"}}, NotFound),
        ({"rootRecord": {"recordType": "content", "fields": {}}}, ProtocolError),
    ],
)
def test_a_share_s_failure_is_its_own(one, result, error):
    outcome = one({"results": [{"shortGUID": {"value": "0abc"}, **result}]})
    assert type(outcome) is error
    assert outcome.message.isprintable()


@pytest.mark.parametrize(
    ("status", "error"), [(429, RateLimited), (503, RateLimited), (500, Unavailable), (404, NotFound)]
)
def test_the_database_s_trouble_is_told_apart(one, status, error):
    assert type(one(b"", status)) is error


def test_another_share_s_answer_is_none(one):
    assert isinstance(one({"results": [share("0xyz")]}), ProtocolError)


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ({"encryptedBasename": {"value": "!!"}}, "Song One"),
        ({"encryptedBasename": {"value": "/w=="}}, "Song One"),
        ({"encryptedBasename": {"value": None}}, "Song One"),
        ({"extension": None}, "Song One"),
    ],
)
def test_without_a_name_of_its_own_the_url_s_will_do(one, field, name):
    link = one({"results": [share("0abc", **field)]})
    assert link.name in (name, f"{name}.flac")


def test_a_share_s_fault_is_never_an_exception_of_another_kind(one):
    for body in (b"", b"[]", b'{"results":null}', b'{"results":[null]}', b'{"serverErrorCode":"NOT_FOUND"}'):
        assert isinstance(one(body), DownspoutError)
