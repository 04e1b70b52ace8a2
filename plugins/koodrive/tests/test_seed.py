"""The vendor's page, example by example and field by field."""

import json
import re
from datetime import UTC, datetime, timedelta

from downspout import Link, Reference

CONTAINER = "IAADfsBFCO6WtAtuA9add2fea594e4e75b8feb8474ef236"
FILE = "Fn1bTLIOomJkTCAe9DEVBRY4U6IkuqkMZ"
PATH = "/koodrive/ose/v1/files/download"
LINK = (
    "https://b10-obs-ykj-uat-01.obs.cidc-rp-2006.joint.cmecloud.cn/5e3fc0c5d4fa45338f44db7177579c2c087"
    "?response-content-disposition=attachment%3B%20filename%3D%22%25E5%258F%2591%25E7%25A5%25A81.pdf%22"
    "&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=20231227T072939Z&X-Amz-SignedHeaders=host&X-Amz-Expires=3600"
    "&X-Amz-Credential=MKRISPBZAJWFHNBJ5WLB%2F20231227%2Fcidc-rp-2006%2Fs3%2Faws4_request"
    "&X-Amz-Signature=9d06798af17e2f1082b720f43af29a32b3154da4ddeee4f10025a758b599728a"
)
ANSWER = f"""
{{
  "downloads" : [ {{
    "fileId" : "{FILE}",
    "url" : "{LINK}",
    "fileName" : "Invoice 1.pdf",
    "code" : "0",
    "msg" : "success"
  }} ],
  "batchCode" : 1,
  "code" : 0,
  "msg" : "Success."
}}
"""


def test_the_example_answer_becomes_a_link(drive, service, say):
    service.on(PATH, say(ANSWER.encode()))
    (link,) = drive().resolve(f"koodrive:{CONTAINER}/{FILE}")
    assert link == Link(
        Reference("koodrive", f"{CONTAINER}/{FILE}"),
        LINK,
        name="Invoice 1.pdf",
        expires_at=datetime(2023, 12, 27, 8, 29, 39, tzinfo=UTC),
    )


def test_the_example_request_is_sent(drive, service, say):
    service.on(PATH, say(ANSWER.encode()))
    drive(token="10f88*********4791e9ff").resolve(f"koodrive:{CONTAINER}/{FILE}")
    (asked,) = service.asked
    assert (asked.method, asked.target) == ("POST", PATH)
    assert asked.json == {"containerId": CONTAINER, "fileIds": [FILE]}
    assert asked.headers["authorization"] == "Bearer 10f88*********4791e9ff"
    assert asked.headers["content-type"] == "application/json"


def test_the_example_token_may_be_written_as_the_page_prints_it(drive, service, say):
    service.on(PATH, say(ANSWER.encode()))
    account = drive(token="Bearer+10f88*********4791e9ff", auth_separator="plus")
    account.resolve(f"koodrive:{CONTAINER}/{FILE}")
    assert service.asked[0].headers["authorization"] == "Bearer+10f88*********4791e9ff"


def test_the_mandatory_headers_are_there_and_no_others_than_configured(drive, service):
    drive(user_id="42").resolve("koodrive:F1")
    headers = service.asked[0].headers
    assert headers["x-user-id"] == "42"
    assert headers["language"] == "en-US"
    assert not {"x-traceid", "x-hw-share-folder-id", "cookie"} & set(headers)


def test_the_optional_headers_are_there_when_asked_for(drive, service):
    trace = "a1_" * 19 + "Z"
    drive(trace_id=trace, language="zh-CN").resolve("koodrive:C1/F1?shared_folder=Fshared")
    headers = service.asked[0].headers
    assert headers["x-traceid"] == trace
    assert headers["language"] == "zh-CN"
    assert headers["x-hw-share-folder-id"] == "Fshared"


def test_the_date_is_a_little_in_the_past(drive, service):
    drive().resolve("koodrive:F1")
    text = service.asked[0].headers["x-date"]
    assert re.fullmatch(r"\d{8}T\d{6}Z", text)
    age = datetime.now(UTC) - datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    assert timedelta(seconds=3) < age < timedelta(minutes=1)


def test_a_hundred_ids_go_in_one_call(drive, service):
    outcomes = drive().resolve(*(f"koodrive:F{number}" for number in range(100)))
    (asked,) = service.asked
    assert asked.json["fileIds"] == [f"F{number}" for number in range(100)]
    assert [link.name for link in outcomes] == [f"F{number}.txt" for number in range(100)]


def test_more_than_a_hundred_ids_are_never_in_one_call(drive, service):
    outcomes = drive().resolve(*(f"koodrive:F{number}" for number in range(101)))
    assert [len(asked.json["fileIds"]) for asked in service.asked] == [100, 1]
    assert all(isinstance(outcome, Link) for outcome in outcomes)


def test_numbers_may_be_text_and_text_numbers(drive, service, say):
    answer = json.loads(ANSWER)
    answer["code"], answer["batchCode"], answer["downloads"][0]["code"] = "0", "1", 0
    service.on(PATH, say(answer))
    (link,) = drive().resolve(f"koodrive:{CONTAINER}/{FILE}")
    assert link.url == LINK
