"""Many documents in one call: each gets its own outcome."""

import pytest

from downspout import Folder, Link, Reference
from downspout.errors import (
    AuthenticationError,
    ConfigurationError,
    InvalidURI,
    NotFound,
    PermissionDenied,
    ProtocolError,
    RateLimited,
    Unavailable,
)

PATH = "/koodrive/ose/v1/files/download"


def kinds(outcomes):
    return [type(outcome) for outcome in outcomes]


def test_records_are_matched_by_id_and_never_by_position(drive, service, make_record):
    records = [make_record("F2"), make_record("F9"), make_record("F1")]
    service.on(PATH, {"downloads": records, "batchCode": 1, "code": 0})
    outcomes = drive().resolve("koodrive:F1", "koodrive:F2", "koodrive:F3")
    assert [outcome.name for outcome in outcomes[:2]] == ["F1.txt", "F2.txt"]
    assert isinstance(outcomes[2], ProtocolError)
    assert "koodrive:F3" in outcomes[2].message


def test_an_id_that_is_asked_for_twice_is_sent_once_and_answered_twice(drive, service):
    outcomes = drive().resolve("koodrive:F1", "koodrive:C1/F1", "koodrive:F2", "koodrive:F1")
    assert service.asked[0].json["fileIds"] == ["F1", "F2"]
    assert [str(outcome.reference) for outcome in outcomes] == [
        "koodrive:F1",
        "koodrive:C1/F1",
        "koodrive:F2",
        "koodrive:F1",
    ]


def test_each_space_and_each_shared_folder_is_asked_by_itself(drive, service):
    uris = ["koodrive:F1", "koodrive:C2/F2", "koodrive:F3?shared_folder=S", "koodrive:F4"]
    outcomes = drive().resolve(*uris)
    asked = [
        (a.json["containerId"], a.headers.get("x-hw-share-folder-id"), a.json["fileIds"]) for a in service.asked
    ]
    assert asked == [("C1", None, ["F1", "F4"]), ("C2", None, ["F2"]), ("C1", "S", ["F3"])]
    assert [str(outcome.reference) for outcome in outcomes] == uris


@pytest.mark.parametrize("code", ["13000302", 13000302])
def test_one_bad_document_spoils_no_other(drive, service, make_record, code):
    bad = {"fileId": "F1", "code": code, "msg": "file not in space"}
    service.on(PATH, {"downloads": [bad, make_record("F2")], "batchCode": 0, "code": 0})
    assert kinds(drive().resolve("koodrive:F1", "koodrive:F2")) == [NotFound, Link]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("13000102", InvalidURI),
        ("13000301", NotFound),
        ("13000302", NotFound),
        ("13000306", NotFound),
        ("13000309", NotFound),
        ("13000407", NotFound),
        ("13000408", Unavailable),
        ("13000410", PermissionDenied),
        ("13000411", NotFound),
        ("13000412", PermissionDenied),
        ("13009999", ProtocolError),
        ("nonsense", ProtocolError),
        ("", ProtocolError),
        ("-0", ProtocolError),
    ],
)
def test_a_record_with_a_code_is_a_failure_that_says_so(drive, service, make_record, code, kind):
    service.on(PATH, {"downloads": [make_record("F1", code=code)], "batchCode": 2, "code": 0})
    (outcome,) = drive().resolve("koodrive:F1")
    assert type(outcome) is kind
    assert outcome.message.startswith("koodrive:F1: ")
    assert outcome.message.endswith(".")
    assert code in outcome.message


def test_the_services_words_are_shown_clean_and_short(drive, service, make_record):
    record = make_record("F1", code="777", msg="no\x1b[31m way\n" + "x" * 1000)
    service.on(PATH, {"downloads": [record], "batchCode": 2, "code": 0})
    (outcome,) = drive().resolve("koodrive:F1")
    assert "\x1b" not in outcome.message
    assert "\n" not in outcome.message
    assert len(outcome.message) < 400


@pytest.mark.parametrize(
    ("code", "batch_code", "holds"),
    [
        (0, 1, True),
        (0, 0, True),
        (0, None, True),
        (13000408, 0, True),  # partly successful: nobody knows what the code around it is then
        (0, 2, False),
        (13000408, 1, False),
        (13000408, 2, False),
        (13000408, None, False),
    ],
)
def test_success_needs_the_status_the_code_and_the_records_code(
    drive, service, make_record, code, batch_code, holds
):
    service.on(PATH, {"downloads": [make_record("F1")], "batchCode": batch_code, "code": code, "msg": "?"})
    (outcome,) = drive().resolve("koodrive:F1")
    assert isinstance(outcome, Link) is holds


def test_a_call_refused_for_one_documents_sake_is_halved_until_the_others_are_there(
    drive, service, say, make_record
):
    def answer(asked):
        ids = asked.json["fileIds"]
        if "Fbad" in ids:
            return say({"code": 13000302, "msg": "The file is not in the space."}, 400)
        return {"downloads": [make_record(each) for each in ids], "batchCode": 1, "code": 0}

    service.on(PATH, answer)
    ids = [*(f"F{number}" for number in range(40)), "Fbad", *(f"F{number}" for number in range(40, 99))]
    outcomes = drive().resolve(*(f"koodrive:{each}" for each in ids))
    assert [each for each, outcome in zip(ids, outcomes, strict=True) if not isinstance(outcome, Link)] == ["Fbad"]
    assert "koodrive:Fbad" in outcomes[40].message
    assert len(service.asked) < 20


@pytest.mark.parametrize(
    ("code", "kind"), [(13000301, NotFound), ("13000410", PermissionDenied), (13000412, PermissionDenied)]
)
def test_a_refused_space_fails_its_own_documents_in_one_call(drive, service, say, make_record, code, kind):
    def answer(asked):
        if asked.json["containerId"] == "C2":
            return say({"code": code, "msg": "no"}, 400)
        return {"downloads": [make_record(each) for each in asked.json["fileIds"]], "batchCode": 1, "code": 0}

    service.on(PATH, answer)
    outcomes = drive().resolve("koodrive:C2/F1", "koodrive:F2", "koodrive:C2/F3")
    assert kinds(outcomes) == [kind, Link, kind]
    assert "koodrive:C2/F3" in outcomes[2].message
    assert len(service.asked) == 2


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, {"code": 13000201, "msg": "token"}, AuthenticationError),
        (400, {"code": "13000201", "msg": "token"}, AuthenticationError),
        (400, b"<html>", AuthenticationError),
        (401, b"", AuthenticationError),
        (401, {"error_code": "APIGW.0301", "error_msg": "IAM", "request_id": "1"}, AuthenticationError),
        (429, {"error_code": "APIG.0308", "error_msg": "slow down"}, RateLimited),
        (400, {"error_code": "APIGW.0308", "error_msg": "slow down"}, RateLimited),
        (500, {"code": 1, "msg": "?"}, Unavailable),
        (503, b"<html>", Unavailable),
    ],
)
def test_what_a_credential_or_a_pause_mends_fails_the_whole_call(drive, service, say, status, body, kind):
    service.on(PATH, say(body, status))
    with pytest.raises(kind) as caught:
        drive().resolve("koodrive:F1", "koodrive:F2")
    assert caught.value.message.endswith(".")


@pytest.mark.parametrize(
    ("status", "kind"),
    [(403, PermissionDenied), (404, ConfigurationError), (418, ProtocolError), (302, ProtocolError)],
)
def test_other_statuses_fail_each_document(drive, service, say, status, kind):
    service.on(PATH, say(b"<html>", status))
    outcomes = drive().resolve("koodrive:F1", "koodrive:F2")
    assert kinds(outcomes) == [kind, kind]
    assert "koodrive:F2" in outcomes[1].message


def test_a_pause_is_as_long_as_the_service_says(drive, service, say):
    service.on(PATH, say({"error_code": "APIG.0308"}, 429, Retry_After="7"))
    with pytest.raises(RateLimited) as caught:
        drive().resolve("koodrive:F1")
    assert caught.value.retry_after == 7.0


@pytest.mark.parametrize(
    "answer",
    [
        {"code": 0, "batchCode": 1},
        {"code": 0, "batchCode": 1, "downloads": None},
        {"downloads": [], "batchCode": 1},
        {"code": 0, "batchCode": 1, "downloads": [{"code": "0"}]},
        {"code": 0, "batchCode": 1, "downloads": [{"fileId": "F1"}]},
        [],
    ],
)
def test_what_is_missing_in_an_answer_is_named(drive, service, answer):
    service.on(PATH, answer)
    with pytest.raises(ProtocolError) as caught:
        drive().resolve("koodrive:F1")
    if isinstance(answer, dict):
        assert any(name in caught.value.message for name in ("downloads", "code", "fileId"))


@pytest.mark.parametrize(
    "uri",
    [
        "koodrive:a/b/c",
        "koodrive:F1?version=2",
        "koodrive:F 1",
        "koodrive:C/F%0A1",
        "koodrive:发票",
        "koodrive:F1?shared_folder=",
        "koodrive:F1?shared_folder=a%0Ab",
        "koodrive:https://koodrive.example/F1",
    ],
)
def test_a_uri_that_names_nothing_is_said_without_asking_for_it(drive, service, uri):
    bad, good = drive().resolve(uri, "koodrive:F2")
    assert isinstance(bad, InvalidURI)
    assert isinstance(good, Link)
    assert len(service.asked) == 1


def test_without_a_space_the_users_own_is_asked_for_once(drive, service):
    space = {"type": 1, "ownerId": "7", "containerId": "C7"}
    service.on("/koodrive/ose/v1/space/7", {"code": 0, "data": space})
    account = drive(container_id=None, user_id="7")
    account.resolve("koodrive:F1", "koodrive:F2", "koodrive:C2/F3")
    assert service.asked[0].target == "/koodrive/ose/v1/space/7?type=1"
    assert len(service.asked) == 3
    assert service.asked[1].json == {"containerId": "C7", "fileIds": ["F1", "F2"]}


def test_a_space_that_cannot_be_found_costs_only_those_who_need_it(drive, service, say):
    service.on("/koodrive/ose/v1/space/7", say({"code": 13000301, "msg": "?"}, 400))
    outcomes = drive(container_id=None, user_id="7").resolve("koodrive:F1", "koodrive:F2", "koodrive:C2/F3")
    assert kinds(outcomes) == [NotFound, NotFound, Link]
    assert "koodrive:F2" in outcomes[1].message
    assert len(service.asked) == 2


def test_without_a_space_and_a_user_the_setting_is_named(drive, service, say):
    service.on("/koodrive/ose/v1/session/auth", say({}, 404))
    outcomes = drive(container_id=None, user_id=None).resolve("koodrive:F1", "koodrive:C2/F3")
    assert kinds(outcomes) == [ConfigurationError, Link]
    assert "container_id" in outcomes[0].hint


def test_an_id_that_is_a_folders_becomes_a_folder(drive, service):
    service.on(PATH, {"downloads": [{"fileId": "F1", "code": "13000406"}], "batchCode": 2, "code": 0})
    service.on("/koodrive/ose/v1/files/0", {"files": [{"id": "F2", "fileName": "a"}], "code": 0})
    (folder,) = drive().resolve("koodrive:F1")
    assert isinstance(folder, Folder)
    assert folder.children[0].reference == Reference("koodrive", "C1/F2")


def test_a_folder_that_turns_up_in_the_answer_may_need_a_pause_too(drive, service, say):
    service.on(PATH, {"downloads": [{"fileId": "F1", "code": "13000406"}], "batchCode": 2, "code": 0})
    service.on("/koodrive/ose/v1/files/0", say({}, 503))
    with pytest.raises(Unavailable):
        drive().resolve("koodrive:F1")
