"""App authentication."""

import hashlib
import hmac
from datetime import UTC, datetime

import pytest

from downspout import Secret
from downspout.errors import AuthenticationError, ConfigurationError
from downspout_koodrive import _sign

PATH = "/koodrive/ose/v1/files/download"
SIGNED = {"host": "koodrive.example", "x-date": "20260101T000000Z", "x-user-id": "1505084218764547200"}
BODY = b'{"containerId":"C1","fileIds":["F1"]}'


def test_the_known_vector_comes_out():
    canonical = _sign.canonical_request("POST", PATH, (), SIGNED, BODY)
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    assert hashed == "2f84c6a2f5ac5227273e3096f3ea0bc04aa310403fc4e1616b9c0bf68674a7ae"
    signature = "18ff060850b90fc841de126911f3bb849682860dc6aa996ed6c0aa6ce855c809"
    header = _sign.authorization("app", Secret("app-secret"), SIGNED, canonical)
    assert header == f"HMAC-SHA256 AppId=app,SignedHeaders=host;x-date;x-user-id,Signature={signature}"


def test_the_query_is_signed_encoded_and_sorted():
    assert _sign.query_string([("type", "1"), ("a b", "ü/~"), ("empty", "")]) == "a%20b=%C3%BC%2F~&empty=&type=1"


def test_a_date_is_written_as_the_service_wants_it():
    assert _sign.x_date(datetime(2024, 9, 9, 3, 33, 25, 999, tzinfo=UTC)) == "20240909T033325Z"


def test_an_app_signs_the_bytes_that_it_sends(drive, service):
    drive(token=None, app_id="app", app_secret="app-secret").resolve("koodrive:F1")
    (asked,) = service.asked
    signed = {name: asked.headers[name] for name in ("host", "x-date", "x-user-id")}
    canonical = "\n".join(
        [
            "POST",
            f"{PATH}/",
            "",
            *(f"{name}:{value}" for name, value in signed.items()),
            "",
            "host;x-date;x-user-id",
            hashlib.sha256(asked.body).hexdigest(),
        ]
    )
    text = "HMAC-SHA256\n" + hashlib.sha256(canonical.encode()).hexdigest()
    expected = hmac.new(b"app-secret", text.encode(), "sha256").hexdigest()
    assert asked.headers["authorization"].endswith(f"Signature={expected}")


def test_an_app_goes_before_a_token(drive, service):
    drive(app_id="app", app_secret="app-secret").resolve("koodrive:F1")
    assert service.asked[0].headers["authorization"].startswith("HMAC-SHA256 AppId=app,")


@pytest.mark.parametrize("missing", ["app_secret", "user_id"])
def test_an_app_without_a_part_is_a_matter_of_configuration(drive, missing):
    settings = {"app_id": "app", "app_secret": "s3cret", "token": None, missing: None}
    with pytest.raises(ConfigurationError, match="app_id, app_secret and user_id") as caught:
        drive(**settings).authenticate()
    assert missing in caught.value.hint


def test_a_refused_signature_is_not_made_again(drive):
    account = drive(token=None, app_id="app", app_secret="app-secret")
    with pytest.raises(AuthenticationError, match="signature") as caught:
        account.authenticate(refused=account.authenticate())
    assert "clock" in caught.value.hint


def test_a_refused_signature_gives_way_to_a_configured_token(drive):
    account = drive(app_id="app", app_secret="app-secret")
    assert account.authenticate(refused=account.authenticate()).reveal("token") == "token-of-a-session"


@pytest.mark.parametrize("ahead", [-7200.0, 7200.0])
def test_a_clock_that_is_off_is_mended_by_the_refusal_and_asked_once_more(drive, service, say, ahead):
    service.clock_ahead = ahead
    dates = []

    def answer(asked):
        dates.append(asked.headers["x-date"])
        if len(dates) == 1:
            return say({"code": 13000201, "msg": "X-Date is out of the window"}, 400)
        return {"downloads": [], "batchCode": 2, "code": 0}

    service.on(PATH, answer)
    drive(token=None, app_id="app", app_secret="app-secret").resolve("koodrive:F1")
    first, second = (datetime.strptime(date, "%Y%m%dT%H%M%SZ") for date in dates)
    assert abs((second - first).total_seconds() - ahead) < 60


def test_a_refusal_with_the_right_clock_is_not_repeated(drive, service, say):
    service.on(PATH, say({"code": 13000201, "msg": "no"}, 401))
    with pytest.raises(AuthenticationError):
        drive().resolve("koodrive:F1")
    assert len(service.asked) == 1
