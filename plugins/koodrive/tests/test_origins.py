"""What identifies the user reaches the service and nobody else."""

import pytest

from downspout.errors import DownspoutError

PATH = "/koodrive/ose/v1/files/download"
OWN = {"authorization", "x-user-id", "x-date", "x-traceid", "x-hw-share-folder-id", "x-session-id", "language"}


@pytest.fixture
def elsewhere(make_service):
    other = make_service()
    yield other
    other.close()


def test_links_are_asked_for_at_the_service_alone(drive, service, elsewhere, say):
    service.on(PATH, say(b"", 307, Location=f"{elsewhere.url}{PATH}"))
    drive(trace_id="t" * 58).resolve("koodrive:F1?shared_folder=S")
    assert elsewhere.asked == []


def test_a_space_that_is_redirected_elsewhere_takes_no_header_along(drive, service, elsewhere, say):
    path = "/koodrive/ose/v1/space/1505084218764547200"
    service.on(path, say(b"", 302, Location=f"{elsewhere.url}/space"))
    drive(container_id=None, trace_id="t" * 58).resolve("koodrive:F1")
    (asked,) = elsewhere.asked
    assert not OWN & set(asked.headers)


@pytest.mark.parametrize("settings", [{"session_id": "s1"}, {"refresh_token": "r1"}])
def test_a_renewal_that_is_redirected_elsewhere_is_not_made(drive, service, elsewhere, say, settings):
    for path in ("/koodrive/ose/v1/session/refresh", "/koodrive/ose/v1/auth/refreshToken"):
        service.on(path, say(b"", 308, Location=f"{elsewhere.url}/"))
    account = drive(**settings)
    with pytest.raises(Exception, match="koodrive"):
        account.authenticate(refused=account.authenticate())
    assert elsewhere.asked == []


def test_the_store_gets_no_header_of_the_service(drive, service, elsewhere, say, make_record):
    elsewhere.on("/k", say(b"bytes"))
    url = f"{elsewhere.url}/k?X-Amz-Signature=s"
    service.on(PATH, {"downloads": [make_record("F1", url=url)], "batchCode": 1, "code": 0})
    account = drive(trace_id="t" * 58)
    (link,) = account.resolve("koodrive:F1")
    account.open(link.url).close()
    (asked,) = elsewhere.asked
    assert not OWN & set(asked.headers)


SECRETS = {
    "token": "Bearer T0ken-s3cret",
    "session_id": "S3ssion-s3cret",
    "refresh_token": "R3fresh-s3cret",
    "app_secret": "App-s3cret",
}
ECHO = " ".join(SECRETS.values()) + " T0ken-s3cret " + "x" * 150 + "T0ken-s3cret"
V1 = "/koodrive/ose/v1"


@pytest.mark.parametrize("app", [False, True])
@pytest.mark.parametrize("status", [200, 400, 401, 429, 500])
def test_secrets_that_the_service_repeats_stay_out_of_messages(drive, service, say, make_record, status, app):
    body = {"code": 777, "msg": ECHO, "error_msg": ECHO}
    for path in ("files/download", "files/0", "session/refresh", "auth/refreshToken", "session/auth", "space/u"):
        service.on(f"{V1}/{path}", say(body, status))
    account = drive(**SECRETS, app_id="app" if app else None, user_id="u", container_id=None)
    found = []
    for ask in (
        lambda: account.resolve("koodrive:C1/F1"),
        lambda: account.resolve("koodrive:C1/Fdir/"),
        lambda: account.resolve("koodrive:F1"),
        lambda: [account.authenticate(refused=account.credential)],
        lambda: [account.authenticate(interaction=object())],
    ):
        try:
            found += ask()
        except DownspoutError as exc:
            found.append(exc)
    service.on(f"{V1}/files/download", {"downloads": [make_record("F1", code="7", msg=ECHO)], "code": 0})
    account.credential = None
    found += account.resolve("koodrive:C1/F1")
    errors = [each for each in found if isinstance(each, DownspoutError)]
    assert len(errors) >= 4
    assert not [each for each in errors if "s3cret" in each.message + (each.hint or "")]
