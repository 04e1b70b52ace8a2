"""The sign-in, call by call, against an Apple that says what a test tells it to."""

import base64
import json

import pytest

from downspout.errors import AuthenticationError, ProtocolError, RateLimited, Unavailable
from downspout.testing import Answer
from downspout_icloud._srp import G, N, padded

USER, PASSWORD = "jo@acme.example", "rain barrel 7"
CODES = {"authType": "hsa2"}
TOKEN = "X-APPLE-WEBAUTH-TOKEN"
ACCOUNT = {
    "dsInfo": {"dsid": "12345678901"},
    "webservices": {
        "drivews": {"url": "https://p61-drivews.icloud.com:443", "pcsRequired": False},
        "docws": {"url": "https://p61-docws.icloud.com:443", "pcsRequired": False},
        "schoolwork": {},
    },
    "hsaTrustedBrowser": True,
    "hsaChallengeRequired": False,
}


def challenge(b: int = pow(G, 12345, N)) -> dict:
    salt = base64.b64encode(bytes(16)).decode()
    return {
        "iteration": 10,
        "salt": salt,
        "protocol": "s2k",
        "b": base64.b64encode(padded(b)).decode(),
        "c": "d-1",
    }


@pytest.fixture
def apple(icloud):
    """An Apple where everything goes well, and no code is wanted."""
    icloud.on("GET /auth/authorize/signin", b"<html>", 200, {"scnt": "s-1", "X-Apple-Auth-Attributes": "attr"})
    icloud.on("POST /auth/signin/init", challenge(), 200, {"scnt": "s-2", "X-Apple-ID-Session-Id": "sid"})
    headers = {"X-Apple-Session-Token": "session-1", "X-Apple-ID-Account-Country": "USA"}
    icloud.on("POST /auth/signin/complete", CODES, 200, headers)
    icloud.on("POST /setup/accountLogin", ACCOUNT, 200, {"Set-Cookie": f'{TOKEN}="new"; Max-Age=2592000'})
    icloud.on("POST /setup/validate", {"error": "Missing X-APPLE-WEBAUTH-TOKEN cookie"}, 421)
    return icloud


@pytest.fixture
def caller(call):
    return call(username=USER, password=PASSWORD)


def paths(icloud) -> list[str]:
    return [f"{request.method} {request.path}" for request in icloud.api.requests]


def body_of(icloud, path: str):
    return json.loads(icloud.asked(path)[-1].body)


def test_the_state_of_the_conversation_is_handed_back(caller, apple):
    caller.authenticate()
    init, complete = apple.asked("/signin/init")[0], apple.asked("/signin/complete")[0]
    assert init.headers["scnt"] == "s-1"
    assert init.headers["x-apple-auth-attributes"] == "attr"
    assert complete.headers["scnt"] == "s-2"
    assert complete.headers["x-apple-id-session-id"] == "sid"
    for request in (init, complete):
        assert request.headers["origin"] == "https://www.icloud.com"
        assert "Safari" in request.headers["user-agent"]
        assert request.headers["x-apple-oauth-client-id"] == request.headers["x-apple-widget-key"]


def test_the_proofs_go_in_base64_with_what_the_service_gave(caller, apple):
    caller.authenticate()
    init, complete = body_of(apple, "/signin/init"), body_of(apple, "/signin/complete")
    assert init["accountName"] == USER
    assert init["protocols"] == ["s2k", "s2k_fo"]
    assert len(base64.b64decode(init["a"])) == 256
    assert complete["c"] == "d-1"
    assert complete["trustTokens"] == []
    assert [len(base64.b64decode(complete[name])) for name in ("m1", "m2")] == [32, 32]
    assert PASSWORD not in json.dumps([init, complete])


def test_the_session_s_token_turns_into_cookies(caller, apple):
    credential = caller.authenticate()
    assert body_of(apple, "accountLogin") == {
        "accountCountryCode": "USA",
        "dsWebAuthToken": "session-1",
        "extended_login": True,
        "trustToken": "",
    }
    assert json.loads(credential.reveal("cookies")) == {TOKEN: '"new"'}
    assert credential.reveal("dsid") == "12345678901"
    assert (credential.expires_at - caller.clock.now()).days in (29, 30)


def test_a_renewal_goes_by_cookies_then_token_then_password(signed, apple, hooks):
    apple.on("POST /setup/accountLogin", {"success": False, "error": "Invalid Session Token"}, 400)
    with pytest.raises(AuthenticationError) as caught:
        signed.authenticate(signed.credential)
    assert paths(apple) == ["POST /setup/validate", "POST /setup/accountLogin"]
    assert "downspout login icloud" in caught.value.hint
    assert apple.asked("validate")[0].body == b"null"
    assert body_of(apple, "accountLogin")["trustToken"] == "trust-1"


def test_the_trust_token_goes_with_the_next_password(signed, caller, apple):
    answers = iter([Answer.json({"error": "Invalid Session Token"}, 421)])
    good = Answer.json(ACCOUNT, 200, {"Set-Cookie": f'{TOKEN}="new"'})
    apple.on("POST /setup/accountLogin", lambda _: next(answers, good))
    caller.authenticate(signed.credential)
    assert body_of(apple, "/signin/complete")["trustTokens"] == ["trust-1"]


def test_cookies_that_still_hold_but_were_refused_are_not_answered_again(signed, apple):
    apple.on("POST /setup/validate", ACCOUNT)
    origin = apple.api.origin
    same = ACCOUNT | {
        "webservices": {
            "drivews": {"url": f"{origin}/drive"},
            "docws": {"url": f"{origin}/docs", "pcsRequired": False},
        }
    }
    apple.on("POST /setup/validate", same)
    apple.on("POST /setup/accountLogin", same, 200, {"Set-Cookie": f'{TOKEN}="new"'})
    credential = signed.authenticate(signed.credential)
    assert paths(apple) == ["POST /setup/validate", "POST /setup/accountLogin"]
    assert f'{TOKEN}=\\"new\\"' in credential.reveal("cookies") or '\\"new\\"' in credential.reveal("cookies")


def test_documents_that_moved_are_news_enough(signed, apple):
    apple.on("POST /setup/validate", ACCOUNT)
    credential = signed.authenticate(signed.credential)
    assert paths(apple) == ["POST /setup/validate"]
    assert credential.reveal("docs") == "https://p61-docws.icloud.com"


def test_an_ambiguous_proof_is_tried_once_more_with_a_fresh_number(caller, apple):
    apple.on("POST /auth/signin/init", challenge(7))  # its first byte is zero
    apple.on("POST /auth/signin/complete", {"serviceErrors": [{"code": "-20101"}]}, 401)
    with pytest.raises(AuthenticationError):
        caller.authenticate()
    starts = [json.loads(request.body)["a"] for request in apple.asked("/signin/init")]
    assert len(starts) == 2
    assert starts[0] != starts[1]


def test_a_wrong_password_is_otherwise_tried_once(caller, apple):
    apple.on("POST /auth/signin/complete", {"serviceErrors": [{"code": "-20101"}]}, 401)
    for _ in range(3):
        apple.api.requests.clear()
        with pytest.raises(AuthenticationError, match="does not accept"):
            caller.authenticate()
    assert len(apple.asked("/signin/complete")) in (3, 4), "one in 256 is ambiguous"


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (403, {"serviceErrors": [{"code": "-20209"}]}, "locked"),
        (403, {}, "does not accept"),
        (409, b"<html>", "does not accept"),
        (409, {"authType": "sa"}, "not known here"),
    ],
)
def test_refusals_of_the_password_are_told_apart(caller, apple, status, body, words):
    apple.on("POST /auth/signin/complete", body, status)
    with pytest.raises(AuthenticationError, match=words):
        caller.authenticate()


@pytest.mark.parametrize(
    "call_", ["GET /auth/authorize/signin", "POST /auth/signin/init", "POST /auth/signin/complete"]
)
@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_throttled_sign_in_is_left_alone_for_minutes(caller, apple, call_, status):
    apple.on(call_, b"<html>503 Service Temporarily Unavailable</html>", status)
    with pytest.raises(RateLimited) as caught:
        caller.authenticate()
    assert caught.value.retry_after == 600
    assert len(apple.asked(call_.split()[1])) == 1


def test_a_pause_that_apple_names_is_the_one(caller, apple):
    apple.on("POST /auth/signin/init", b"", 503, {"Retry-After": "90"})
    with pytest.raises(RateLimited) as caught:
        caller.authenticate()
    assert caught.value.retry_after == 90


@pytest.mark.parametrize(
    "odd",
    [
        {"b": "AA=="},
        {"b": "!!"},
        {"salt": ""},
        {"salt": "é"},
        {"iteration": 0},
        {"iteration": 10**9},
        {"protocol": "plain"},
        {"b": base64.b64encode(bytes(300)).decode()},
    ],
)
def test_a_challenge_that_gives_passwords_away_is_not_answered(caller, apple, odd):
    apple.on("POST /auth/signin/init", challenge() | odd)
    with pytest.raises(ProtocolError):
        caller.authenticate()
    assert apple.asked("/signin/complete") == []


def test_a_code_is_wanted_only_once(call, apple, answers):
    apple.on("POST /auth/signin/complete", CODES, 200, {"X-Apple-Session-Token": "session-1"})
    apple.on(
        "GET /auth",
        {"trustedPhoneNumbers": [{"id": 3, "numberWithDialCode": "+1 ..81"}], "noTrustedDevices": True},
    )
    apple.on("PUT /auth/verify/phone", {})
    apple.on("POST /auth/verify/phone/securitycode", b"", 204, {"X-Apple-Session-Token": "session-2"})
    apple.on(
        "GET /auth/2sv/trust", b"", 204, {"X-Apple-Session-Token": "session-3", "X-Apple-TwoSV-Trust-Token": "t"}
    )
    answered = iter([Answer.json(ACCOUNT | {"hsaChallengeRequired": True})])
    good = Answer.json(ACCOUNT, 200, {"Set-Cookie": f'{TOKEN}="new"'})
    apple.on("POST /setup/accountLogin", lambda _: next(answered, good))
    caller = call(username=USER, password=PASSWORD)
    credential = caller.authenticate(None, answers(How="text message", Code="1234 56"))
    assert body_of(apple, "/verify/phone/securitycode") == {
        "phoneNumber": {"id": 3},
        "mode": "sms",
        "securityCode": {"code": "123456"},
    }
    assert json.loads(apple.asked("/verify/phone")[0].body) == {"phoneNumber": {"id": 3}, "mode": "sms"}
    assert body_of(apple, "accountLogin")["dsWebAuthToken"] == "session-3"
    assert credential.reveal("trust_token") == "t"


def test_no_session_in_the_end_is_an_error(caller, apple):
    apple.on("POST /setup/accountLogin", ACCOUNT)  # no cookie comes
    with pytest.raises(AuthenticationError):
        caller.authenticate()


def test_an_account_without_a_drive_is_said(caller, apple):
    apple.on("POST /setup/accountLogin", ACCOUNT | {"webservices": {}}, 200, {"Set-Cookie": f'{TOKEN}="new"'})
    with pytest.raises(ProtocolError, match="where the account's Drive is"):
        caller.authenticate()


@pytest.mark.parametrize(("status", "error"), [(429, RateLimited), (503, RateLimited), (500, Unavailable)])
def test_trouble_at_the_setup_service_is_no_wrong_password(caller, apple, status, error):
    apple.on("POST /setup/accountLogin", b"", status)
    with pytest.raises(error):
        caller.authenticate()
