"""Every example of the vendor's page "Create Download URL"."""

import json
from datetime import UTC, datetime, timedelta

from downspout import Link
from downspout.errors import NotFound, PermissionDenied, ProtocolError

TOKEN = "aB3+/w=="
SUCCESS = """{
	"header":{
		"response_code": "",
		"result_code": "00",
		"result_msg": "Success",
		"session_id": ""
	},
	"body":{
		"cert_url": "{History Certificate Download URL}",
		"doc_url": "{Document Download URL}",
		"workflow_name": "{Completed Document Name}"
	}
}"""
REQUEST = """{
  "client_id":"{ID issued by esignon}",
	"workflow_id": "{ID of completed document}"
}"""
FAILURE = """{
    "header":{
        "response_code": "",
        "result_code": "{Result code}",
        "result_msg": "{'Message by code'}",
        "session_id": ""
    },
    "body":{}
}"""


def filled(**values: str) -> bytes:
    text = SUCCESS
    for place, value in values.items():
        text = text.replace("{" + place.replace("_", " ") + "}", value)
    return text.encode()


def test_the_example_request_is_what_is_sent(call, far, answer):
    far.answers["POST /workflow/download"] = answer(SUCCESS.encode())
    call(client_id="{ID issued by esignon}").resolve("esignon:{ID of completed document}")
    asked = far.asked[0]
    assert (asked.method, asked.path) == ("POST", "/workflow/download")
    assert asked.headers["Authorization"] == f"esignon {TOKEN}"
    assert asked.headers["Content-Type"] == "application/json"
    assert asked.json == json.loads(REQUEST)


def test_the_example_answer_gives_the_document(call, far, store, answer):
    body = filled(Document_Download_URL=f"{store.url}/d?k=1", Completed_Document_Name="계약서")
    far.answers["POST /workflow/download"] = answer(body)
    store.answers["GET /d"] = answer(b"%PDF-1.7 document", media_type="application/pdf")
    caller = call()
    link = caller.resolve("esignon:12584")
    assert isinstance(link, Link), link
    assert (link.url, link.name, link.media_type) == (f"{store.url}/d?k=1", "계약서.pdf", "application/pdf")
    assert caller.read(link) == b"%PDF-1.7 document"


def test_the_example_answer_gives_the_certificate(call, far, answer):
    body = filled(
        History_Certificate_Download_URL="https://x.example/c", Document_Download_URL="https://x.example/d"
    )
    far.answers["POST /workflow/download"] = answer(body)
    link = call().resolve("esignon:12584?part=certificate")
    assert link.url == "https://x.example/c"
    assert link.name == "{Completed Document Name} - certificate.pdf"


def test_the_created_url_is_valid_for_five_minutes(call, far, answer):
    far.answers["POST /workflow/download"] = answer(filled(Document_Download_URL="https://x.example/d"))
    before = datetime.now(UTC) - timedelta(seconds=3)
    link = call().resolve("esignon:12584")
    assert timedelta(minutes=5) <= link.expires_at - before <= timedelta(minutes=5, seconds=10)


def test_the_example_error_is_a_failure_with_its_code_and_message(call, far, answer):
    far.answers["POST /workflow/download"] = answer(FAILURE.encode())
    error = call().resolve("esignon:12584")
    assert isinstance(error, ProtocolError)
    assert "{Result code}" in error.message
    assert "'Message by code'" in error.message
    assert "esignon:12584" in error.message


def test_only_documents_that_the_user_can_view_are_had(call, far, envelope):
    far.answers["POST /workflow/download"] = envelope({}, "10", "No such document")
    error = call().resolve("esignon:12584")
    assert isinstance(error, NotFound)
    assert "10: No such document" in error.message


def test_a_company_that_may_not_call_is_told_so(call, far, envelope):
    far.answers["POST /workflow/download"] = envelope({}, "95", "not allowed")
    assert isinstance(call().resolve("esignon:12584"), PermissionDenied)
