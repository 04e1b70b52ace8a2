"""Every example of the vendor's page "Download File"."""

import json

import pytest

from downspout import Link
from downspout.errors import NotFound, PermissionDenied

FILE = "D34A657B8723A96097F80926T0000000000100000001"
DATA = f"GET /documents/api/1.2/files/{FILE}/data"
INFO = f"GET /documents/api/1.2/files/{FILE}"
LINK = "LF8D36FAFAB4388BECEAC4AEB5D17B95F47087F4E518"
APPLINK_FILE = "DED694950C14AFF280419F9AB5D17B95F47087F4E518"
APPLINK = (
    "LF5Bxj4TPo_p4n4qWn0tbKTicR2cTUJKv7X_ng9E7ry93rRuDokPqS1d6-wKwhb_wtcGYFDsI_cNMxeKQ-HR-FXQhiVoGRTYM_"
    "MPZY8qpICfYU94mmnMjM_cvsRhKMzc0NJgvwEJfqqDwPsAVrhc8cmg=="
)
APPLINK_TOKEN = "352FpiMmW66PeYI1Gh5b83I9CXRwZhLfYAu4TXdqpzD8uNKUBMZVVJ3ZvivUW8kQ"

FORBIDDEN = """{
    "errorCode": "-20",
    "errorKey": "!csUnableToDownloadFile!csCloudItemInsufficientPrivileges,User BB,fFileGUID:D34A657B8723A96097F80926T0000000000100000001,GET_FILE",
    "errorMessage": "Unable to download file. User 'User BB' has insufficient privilege to access fFileGUID:D34A657B8723A96097F80926T0000000000100000001 with service GET_FILE.",
    "errorType": "file",
    "id": "DBFC40982617C949CA373B08B5D17B95F47087F4E518",
    "title": "Unable to download file. User 'User BB' has insufficient privilege to access fFileGUID:D34A657B8723A96097F80926T0000000000100000001 with service GET_FILE.",
    "type": "https://www.w3.org/Protocols/rfc2616/rfc2616-sec10.html"
}"""  # noqa: E501
CODE_NEEDED = """{
    "errorCode": "-18",
    "errorKey": "!csUnableToDownloadFile!csAccessCodeRequiredForLinkAccess",
    "errorMessage": "Unable to download file. The access code must be provided to access the link.",
    "errorType": "file",
    "id": "D34A657B8723A96097F80926T0000000000100000001",
    "title": "Unable to download file. The access code must be provided to access the link.",
    "type": "https://www.w3.org/Protocols/rfc2616/rfc2616-sec10.html"
}"""


@pytest.fixture
def caller(call, far, answer, described_file):
    """A service that tells what files are, and sends them."""
    for guid in (FILE, APPLINK_FILE):
        far.answers[f"GET /documents/api/1.2/files/{guid}"] = lambda asked, guid=guid: answer(
            described_file(guid, version=asked.path.partition("version=")[2] or "3")
        )
        far.answers[f"GET /documents/api/1.2/files/{guid}/data"] = answer(b"%PDF-1.7 data", media_type="x/y")
    return call()


def test_example_1_downloads_version_2(caller, far):
    link = caller.resolve(f"oracle:{FILE}?version=2")
    assert caller.read(link) == b"%PDF-1.7 data"
    assert (link.name, link.size, link.version) == ("report.pdf", 13, "2")
    assert far.asked[-1].path == f"/documents/api/1.2/files/{FILE}/data?version=2"
    assert far.asked[-1].headers["Authorization"] == "Bearer eyJ.secret"


def test_example_2_uses_a_public_link(caller, far):
    link = caller.resolve(f"oracle:{FILE}?version=1&link={LINK}", signed=False)
    assert caller.read(link, signed=False) == b"%PDF-1.7 data"
    for asked in far.asked:
        assert asked.headers["LinkID"] == LINK
        assert "Cookie" not in asked.headers
        assert "Authorization" not in asked.headers


def test_example_3_sends_the_access_code_in_a_cookie(caller, far):
    code = caller.signed(access_code="test12345")
    link = caller.resolve(f"oracle:{FILE}?version=1&link={LINK}", code)
    assert caller.read(link, credential=code) == b"%PDF-1.7 data"
    for asked in far.asked:
        assert asked.headers["LinkID"] == LINK
        assert asked.headers["Cookie"] == f"dAccessCode-{LINK}=test12345"


def test_example_4_is_refused_for_want_of_privilege(caller, far, answer):
    far.answers[DATA] = far.answers[INFO] = answer(FORBIDDEN.encode(), 403)
    link = caller.resolve(f"oracle:{FILE}?version=1")
    assert isinstance(link, Link)
    with pytest.raises(PermissionDenied) as caught:
        caller.open(link)
    assert "'User BB' has insufficient privilege" in caught.value.message
    assert "-20" in caught.value.message
    assert caught.value.message.startswith(f"oracle:{FILE}?version=1: ")


def test_example_5_wants_the_access_code(caller, far, answer):
    far.answers[DATA] = answer(CODE_NEEDED.encode(), 403)
    link = caller.resolve(f"oracle:{FILE}?version=1&link={LINK}", signed=False)
    for _ in range(2):
        with pytest.raises(PermissionDenied) as caught:
            caller.open(link, signed=False)
        assert "The access code must be provided" in caught.value.message
        assert "access_code" in caught.value.hint
        far.answers[INFO] = answer(CODE_NEEDED.encode(), 403)
        link = caller.resolve(f"oracle:{FILE}?version=1&link={LINK}", signed=False)


def test_example_6_uses_an_application_link(caller, far):
    pair = caller.signed(applink_token=APPLINK_TOKEN)
    link = caller.resolve(f"oracle:{APPLINK_FILE}?applink={APPLINK}", pair)
    assert caller.read(link, credential=pair) == b"%PDF-1.7 data"
    for asked in far.asked:
        assert asked.headers["appLinkID"] == APPLINK
        assert asked.headers["accessToken"] == APPLINK_TOKEN
    assert far.asked[-1].path.startswith(f"/documents/api/1.2/files/{APPLINK_FILE}/data")


@pytest.mark.parametrize(
    ("start", "stop", "field"), [(0, 500, "bytes=0-499"), (500, None, "bytes=500-"), (-500, None, "bytes=-500")]
)
def test_ranges_are_asked_for_in_the_three_forms(caller, far, start, stop, field):
    link = caller.resolve(f"oracle:{FILE}")
    caller.open(link, start, stop, '"tag"').close()
    assert far.asked[-1].headers["Range"] == field
    assert far.asked[-1].headers["If-Range"] == '"tag"'


def test_206_is_the_part_that_it_says(caller, far, answer):
    far.answers[DATA] = answer(b"data", 206, {"Content-Range": "bytes 9-12/13", "ETag": '"v3"'}, "x/y")
    stream = caller.open(caller.resolve(f"oracle:{FILE}"), 9)
    assert (stream.start, stream.stop, stream.size, stream.etag) == (9, 13, 13, '"v3"')
    stream.close()


def test_416_has_no_bytes(caller, far, answer):
    far.answers[DATA] = answer(json.loads(FORBIDDEN) | {"errorCode": "-1"}, 416, {"Content-Range": "bytes */13"})
    stream = caller.open(caller.resolve(f"oracle:{FILE}"), 13)
    assert stream.unsatisfied
    assert stream.size == 13


def test_403_and_404_are_what_they_say(caller, far, answer):
    link = caller.resolve(f"oracle:{FILE}?version=1")
    for status, kind in ((403, PermissionDenied), (404, NotFound)):
        far.answers[DATA] = answer(b"<html>", status, media_type="text/html")
        with pytest.raises(kind):
            caller.open(link)
