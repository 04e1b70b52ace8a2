"""What identifies the user reaches the service and nobody else."""

import pytest

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
