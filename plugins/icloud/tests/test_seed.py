"""The published example, field by field."""

import base64
import json
import re
from datetime import UTC, datetime

import pytest

from downspout.errors import AuthenticationError, DownspoutError, NotFound, ProtocolError
from downspout.testing import Answer
from downspout_icloud import provider

SEED_ID = "8C3C0E05-FBBA-48CB-8B82-2EEE9DD923E2"
BATCH = "/docs/ws/com.apple.CloudDocs/download/batch"
DATA_URL = (
    "https://cvws.icloud-content.com/B/AS65OxsHrquZjQkYOq6_If4LTFsuAcT5ChhzhX5G7ggACNZz4dP1VZJr/"
    "Gescanntes+Dokument.pdf?o=AkO8HHfCkMAzm3Rp7WczQtFs4yoldViNY7L7DXwn9J5n&v=1&x=3&a=CAogh4RyaBPXMqr0SMODTAl6qH5aI"
    "xbkvttpweQTAseNMI8SHRChtJPy-y0YwavK8vstIgEAUgQLTFsuWgT1VZJr&e=1579446080&k=VqG4R4tD75v5RuR7cH2UVw&fl=&"
    "r=fad080d4-3ba5-47b3-ba12-65bb4680f807-1&ckc=com.apple.clouddocs&ckz=com.apple.CloudDocs&p=71&"
    "s=O0Uus8Ktksr_n0w6AgZH2QwpDfc"
)
THUMBNAIL_URL = (
    "https://cvws.icloud-content.com/B/Abf1S88Waeh0TcyejClQn0-pxuBZAbbx63gQPisIoleueUec_426Ez_j/"
    "Gescanntes+Dokument.jpg?o=Au7Y4F_5LDX3DlITEB414K2o-zCTqsHFm6nLz9p2UUBh&v=1&x=3&a=CAogWntklRpErH7LCRIEUjaEF5pAl"
    "P0ocuB_lee6Lbn7zxsSHRCgtJPy-y0YwKvK8vstIgEAUgSpxuBZWgS6Ez_j&e=1579446080&k=tT_kAcWmXVPYEJPFzA5-hw&fl=&"
    "r=fad080d4-3ba5-47b3-ba12-65bb4680f807-1&ckc=com.apple.clouddocs&ckz=com.apple.CloudDocs&p=71&"
    "s=l2vnzpK1pHGkRLJuVkRd65pr6Ow"
)
ANSWER = [
    {
        "document_id": SEED_ID,
        "data_token": {
            "url": DATA_URL,
            "token": "CAogh4RyaBPXMqr0SMODTAl6qH5aIxbkvttpweQTAseNMI8SHRChtJPy+y0YwavK8vstIgEAUgQLTFsuWgT1VZJr",
            "signature": "AS65OxsHrquZjQkYOq6/If4LTFsu",
            "wrapping_key": "VqG4R4tD75v5RuR7cH2UVw==",
            "reference_signature": "AcT5ChhzhX5G7ggACNZz4dP1VZJr",
        },
        "thumbnail_token": {
            "url": THUMBNAIL_URL,
            "token": "CAogWntklRpErH7LCRIEUjaEF5pAlP0ocuB/lee6Lbn7zxsSHRCgtJPy+y0YwKvK8vstIgEAUgSpxuBZWgS6Ez/j",
            "signature": "Abf1S88Waeh0TcyejClQn0+pxuBZ",
            "wrapping_key": "tT/kAcWmXVPYEJPFzA5+hw==",
            "reference_signature": "Abbx63gQPisIoleueUec/426Ez/j",
        },
        "double_etag": "i::h",
    }
]


def test_the_request_is_the_published_one(direct, icloud):
    icloud.on(f"POST {BATCH}", ANSWER)
    direct.resolve(f"icloud:{SEED_ID}")
    (asked,) = icloud.api.requests
    assert (asked.method, asked.path) == ("POST", BATCH)
    assert asked.params == {
        "clientBuildNumber": "1923Hotfix2",
        "clientMasteringNumber": "1923Hotfix2",
        "clientId": "0a1b2c3d-0000-11ee-8000-0242ac120002",
        "dsid": "12345678901",
        "token": "st-0123456789",
    }
    assert list(asked.params) == ["clientBuildNumber", "clientMasteringNumber", "clientId", "dsid", "token"]
    assert json.loads(asked.body) == [{"document_id": SEED_ID}]
    assert asked.headers["content-type"] == "application/json"


def test_the_answer_s_link_is_the_data_token_s_byte_for_byte(direct, icloud):
    icloud.on(f"POST {BATCH}", ANSWER)
    (link,) = direct.resolve(f"icloud:{SEED_ID}")
    assert link.url == DATA_URL
    assert link.name == "Gescanntes Dokument.pdf"
    assert link.version == "i::h"
    assert link.expires_at == datetime(2020, 1, 19, 15, 1, 20, tzinfo=UTC)
    assert link.size is None


def test_the_thumbnail_is_another_part(direct, icloud):
    icloud.on(f"POST {BATCH}", ANSWER)
    document, thumbnail = direct.resolve(f"icloud:{SEED_ID}", f"icloud:{SEED_ID}?part=thumbnail")
    assert document.url == DATA_URL
    assert thumbnail.url == THUMBNAIL_URL
    assert thumbnail.name == "Gescanntes Dokument.jpg"
    (asked,) = icloud.api.requests
    assert json.loads(asked.body) == [{"document_id": SEED_ID}], "a document is asked for once"


def test_the_example_is_read_right_by_us():
    """The URL's path is the two signatures, as the fact sheet says: a check of the transcription above."""
    for token in (ANSWER[0]["data_token"], ANSWER[0]["thumbnail_token"]):
        both = base64.b64decode(token["signature"]) + base64.b64decode(token["reference_signature"])
        assert base64.urlsafe_b64encode(both).decode() == re.search("/B/([^/]*)/", token["url"])[1]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 421, 423, 429, 500, 503])
def test_every_other_status_has_an_empty_body_and_is_an_error(direct, icloud, status):
    icloud.on(f"POST {BATCH}", b"", status)
    icloud.on("GET /docs/ws/com.apple.CloudDocs/download/by_id", b"", status)
    try:
        (outcome,) = direct.resolve(f"icloud:{SEED_ID}")
    except DownspoutError as exc:
        outcome = exc
    assert isinstance(outcome, DownspoutError)
    assert outcome.message.endswith(".")


def test_without_a_credential_the_network_is_not_asked(call, icloud):
    caller = call(endpoint=f"{icloud.api.origin}/docs")
    with pytest.raises(AuthenticationError) as caught:
        caller.resolve(f"icloud:{SEED_ID}")
    assert "downspout login icloud" in caught.value.hint
    assert icloud.api.requests == []


def test_a_batch_takes_fifty(direct, icloud):
    assert provider.batch_size == 50

    def reply(request):
        return [
            {"document_id": each["document_id"], "data_token": {"url": f"https://c.example/{each['document_id']}"}}
            for each in reversed(json.loads(request.body))
        ]

    icloud.on(f"POST {BATCH}", reply)
    links = direct.resolve(*(f"icloud:DOC-{number}" for number in range(50)))
    assert [link.url for link in links] == [f"https://c.example/DOC-{number}" for number in range(50)]
    assert len(icloud.api.requests) == 1


def test_a_failure_is_its_own_document_s(direct, icloud):
    def reply(request):
        good, _missing, refused, empty, null = json.loads(request.body)
        return [
            None,
            {"document_id": empty["document_id"], "double_etag": "e"},
            {"document_id": null["document_id"], "data_token": None, "thumbnail_token": None},
            {
                "document_id": refused["document_id"],
                "error_code": "WSObjectNotFound",
                "serverErrorCode": "NOT_FOUND",
            },
            {"document_id": good["document_id"], "data_token": {"url": "https://c.example/a.txt?e=1"}},
        ]

    icloud.on(f"POST {BATCH}", reply)
    by_id = "/docs/ws/com.apple.CloudDocs/download/by_id"
    gone = Answer.json({"error_code": "WSObjectNotFound"}, 404)

    def alone(request):
        asked = request.params["document_id"]
        return gone if asked == "missing" else {"document_id": asked, "double_etag": "e", "data_token": None}

    icloud.on(f"GET {by_id}", alone)
    outcomes = direct.resolve(*(f"icloud:{name}" for name in ("good", "missing", "refused", "empty", "null")))
    assert outcomes[0].url == "https://c.example/a.txt?e=1"
    assert [type(outcome) for outcome in outcomes[1:]] == [NotFound, NotFound, ProtocolError, ProtocolError]
    assert "icloud:missing" in outcomes[1].message
    assert "data_token" in outcomes[3].message
