"""Signing in, and renewing what has ended."""

from datetime import UTC, datetime, timedelta

import pytest

import downspout_koodrive
from downspout.errors import AuthenticationError, ProtocolError, Unavailable

REFRESH = "/koodrive/ose/v1/session/refresh"
CARRIER = "/koodrive/ose/v1/auth/refreshToken"
AUTH = "/koodrive/ose/v1/session/auth"
SPACE = "/koodrive/ose/v1/space/4%2F2"
CODE_URL = "/koodrive/ose/v1/session/authCodeURL"
CREATE = "/koodrive/ose/v1/session/"
OK = {"code": 0, "msg": "Success."}


class Person:
    """Answers questions with what a test gives."""

    def __init__(self, choice, *answers):
        self.choice, self.answers, self.told, self.asked = choice, list(answers), [], []

    def ask(self, label):
        self.asked.append(label)
        return self.answers.pop(0)

    secret = ask

    def choose(self, label, options):
        self.asked.append(label)
        return self.choice

    def tell(self, text):
        self.told.append(text)


def test_a_configured_token_is_tried_without_asking_anybody(drive, service):
    credential = drive(session_id="s1").authenticate()
    assert credential.reveal("token") == "token-of-a-session"
    assert credential.origins == {service.url}
    assert credential.expires_at is None
    assert service.asked == []


def test_without_anything_to_sign_in_with_the_command_is_named(drive):
    with pytest.raises(AuthenticationError) as caught:
        drive(token=None).authenticate()
    assert "downspout login koodrive" in caught.value.hint


def test_a_service_that_cannot_end_a_session_is_told(drive, service, say):
    service.on("/koodrive/ose/v1/session/logoff", say({"code": 13000001, "msg": "Busy."}, 500))
    account = drive(session_id="s1")
    credential = account.authenticate()
    with pytest.raises(Unavailable):
        downspout_koodrive.provider.sign_off(account.account, credential, account.http(credential))
    (asked,) = service.asked
    assert (asked.method, asked.headers["x-session-id"]) == ("GET", "s1")
    assert asked.headers["authorization"] == "Bearer token-of-a-session"


def test_a_session_is_renewed_by_its_id(drive, service):
    service.on(REFRESH, {**OK, "accessToken": "Bearer fresh"})
    account = drive(session_id="s1")
    old = account.authenticate()
    new = account.authenticate(refused=old)
    (asked,) = service.asked
    assert (asked.method, asked.headers["x-session-id"]) == ("POST", "s1")
    assert asked.headers["authorization"] == "Bearer token-of-a-session"
    assert new.reveal("token") == "Bearer fresh"
    account.resolve("koodrive:F1")
    assert service.asked[-1].headers["authorization"] == "Bearer fresh"


def test_a_renewed_token_is_renewed_again_with_its_own_text(drive, service):
    tokens = iter(["Bearer one", "Bearer two"])
    service.on(REFRESH, lambda _: {**OK, "accessToken": next(tokens)})
    account = drive(session_id="s1")
    account.authenticate(refused=account.authenticate(refused=account.authenticate()))
    assert [asked.headers["authorization"] for asked in service.asked] == [
        "Bearer token-of-a-session",
        "Bearer one",
    ]


@pytest.mark.parametrize("nested", [True, False])
def test_the_carrier_edition_renews_by_its_refresh_token(drive, service, nested):
    info = {"accessToken": "AT 3b911d72", "expiresIn": 1800, "issuedAt": "1767323045000", "refreshToken": "r2"}
    service.on(CARRIER, {**OK, "data": {"sessionInfo": info} if nested else info})
    account = drive(refresh_token="r1")
    new = account.authenticate(refused=account.authenticate())
    (asked,) = service.asked
    assert asked.headers["authorization"] == "AT token-of-a-session"
    assert asked.json == {"refreshToken": "r1"}
    assert (new.reveal("token"), new.reveal("refresh_token")) == ("AT 3b911d72", "r2")
    assert timedelta(minutes=29) < new.expires_at - datetime.now(UTC) < timedelta(minutes=31)
    account.authenticate(refused=new)
    assert service.asked[-1].json == {"refreshToken": "r2"}


def test_a_refresh_token_alone_is_enough(drive, service):
    service.on(CARRIER, {**OK, "data": {"sessionInfo": {"accessToken": "AT x", "refreshToken": "r2"}}})
    assert drive(token=None, refresh_token="r1").authenticate().reveal("token") == "AT x"
    assert "authorization" not in service.asked[0].headers


def test_what_the_session_id_does_not_renew_the_refresh_token_may(drive, service, say):
    service.on(REFRESH, say({"code": 13000201, "msg": "no"}, 401))
    service.on(CARRIER, {**OK, "data": {"accessToken": "AT x"}})
    account = drive(session_id="s1", refresh_token="r1")
    assert account.authenticate(refused=account.authenticate()).reveal("token") == "AT x"


@pytest.mark.parametrize("settings", [{}, {"session_id": "s1"}, {"refresh_token": "r1"}])
def test_the_token_that_was_refused_is_never_answered_again(drive, service, say, settings):
    for path in (REFRESH, CARRIER):
        service.on(path, say({"code": 13000201, "msg": "no"}, 401))
    account = drive(**settings)
    with pytest.raises(AuthenticationError) as caught:
        account.authenticate(refused=account.authenticate())
    assert "downspout login koodrive" in caught.value.hint


def test_a_renewal_is_not_given_up_for_the_token_that_it_came_from(drive, service):
    tokens = iter(["Bearer one", "Bearer two"])
    service.on(REFRESH, lambda _: {**OK, "accessToken": next(tokens)})
    account = drive(session_id="s1")
    renewed = account.authenticate(refused=account.authenticate())
    assert account.authenticate(refused=renewed).reveal("token") == "Bearer two"


def test_a_new_token_in_the_settings_goes_before_a_renewal(drive, service):
    old = drive(token="old").authenticate()
    assert drive(token="new", session_id="s1").authenticate(refused=old).reveal("token") == "new"
    assert service.asked == []


def test_a_service_that_is_away_is_no_reason_to_sign_in_again(drive, service, say):
    service.on(REFRESH, say({}, 503))
    account = drive(session_id="s1")
    with pytest.raises(Unavailable):
        account.authenticate(refused=account.authenticate())


@pytest.mark.parametrize("more", [{}, {"accessToken": ""}, {"accessToken": "a\nb"}, {"data": {}}])
def test_an_answer_without_a_usable_token_is_nonsense(drive, service, more):
    service.on(REFRESH, {**OK, **more})
    account = drive(session_id="s1")
    with pytest.raises(ProtocolError):
        account.authenticate(refused=account.authenticate())


def test_an_unknown_user_is_asked_for_once(drive, service):
    service.on(AUTH, {**OK, "data": {"userId": 42, "innerUserId": 43}})
    drive(user_id=None).resolve("koodrive:F1")
    assert [asked.path for asked in service.asked] == [AUTH, "/koodrive/ose/v1/files/download"]
    assert service.asked[1].headers["x-user-id"] == "42"


@pytest.mark.parametrize(
    "answer", [{"code": 0, "data": {}}, {"code": 1}, b"<html>", {"code": 0, "data": {"userId": "a b"}}]
)
def test_a_user_that_the_service_does_not_tell_is_left_out(drive, service, say, answer):
    service.on(AUTH, say(answer))
    drive(user_id=None).resolve("koodrive:F1")
    assert "x-user-id" not in service.asked[1].headers


def test_an_ended_token_of_an_unknown_user_is_renewed_at_once(drive, service, say):
    def auth(asked):
        fresh = asked.headers["authorization"] == "Bearer fresh"
        return {**OK, "data": {"userId": "42"}} if fresh else say({"code": 13000201}, 401)

    service.on(AUTH, auth)
    service.on(REFRESH, {**OK, "accessToken": "Bearer fresh"})
    credential = drive(user_id=None, session_id="s1").authenticate()
    assert (credential.reveal("token"), credential.reveal("user_id")) == ("Bearer fresh", "42")


def test_login_checks_what_is_configured(drive, service, say):
    service.on(AUTH, say({"code": 13000201}, 401))
    person = Person(0)
    with pytest.raises(AuthenticationError):
        drive().authenticate(interaction=person)
    assert person.asked == []


def test_login_with_a_token(drive, service):
    service.on(AUTH, {**OK, "data": {"userId": "42"}})
    person = Person(1, " Bearer+pasted \n", "s1")
    credential = drive(token=None, user_id=None).authenticate(interaction=person)
    assert (credential.reveal("token"), credential.reveal("session_id")) == ("Bearer+pasted", "s1")
    assert credential.reveal("user_id") == "42"


@pytest.mark.parametrize("newer", [True, False])
@pytest.mark.parametrize("pasted", ["c-1", "https://front.example/back?state=1&code=c-1"])
def test_login_with_a_browser(drive, service, newer, pasted):
    tokens = {"accessToken": "Bearer 6ebb", "sessionId": "s1", "userId": "42", "userInfo": {"role": "x"}}
    service.on(CODE_URL, {**OK, "uri": "https://orgid.example/authorize?a=b", "orgIdHost": "orgid.example"})
    service.on(CREATE, {**OK, "data": tokens} if newer else {**OK, **tokens})
    person = Person(0, pasted)
    credential = drive(token=None, user_id=None).authenticate(interaction=person)
    assert "https://orgid.example/authorize?a=b" in person.told[0]
    domain = service.url.removeprefix("http://")
    assert service.asked[0].target == f"{CODE_URL}?domain={domain.replace(':', '%3A')}"
    assert service.asked[1].json == {"code": "c-1", "domain": domain}
    assert "authorization" not in service.asked[1].headers
    values = {name: credential.reveal(name) for name in ("token", "session_id", "user_id")}
    assert values == {"token": "Bearer 6ebb", "session_id": "s1", "user_id": "42"}


@pytest.mark.parametrize("answer", [OK, b"<html>"])
def test_login_with_an_app(drive, service, say, answer):
    service.on(SPACE, say(answer, 500 if answer != OK else 200))
    person = Person(2, "app", "app-secret", "4/2")
    credential = drive(token=None, user_id=None).authenticate(interaction=person)
    values = {name: credential.reveal(name) for name in ("app_id", "app_secret", "user_id")}
    assert values == {"app_id": "app", "app_secret": "app-secret", "user_id": "4/2"}
    (asked,) = service.asked
    assert asked.target == f"{SPACE}?type=1"
    assert asked.headers["authorization"].startswith("HMAC-SHA256 AppId=app,")


@pytest.mark.parametrize("configured", [True, False])
def test_login_with_an_app_that_the_service_does_not_know(drive, service, say, configured):
    service.on(SPACE, say({"code": 13000201, "msg": "?"}, 401))
    settings = {"app_id": "app", "app_secret": "app-secret", "user_id": "4/2"} if configured else {"user_id": None}
    with pytest.raises(AuthenticationError):
        drive(token=None, **settings).authenticate(interaction=Person(2, "app", "app-secret", "4/2"))


@pytest.mark.parametrize("answer", ["", "a\x00b", "tökén"])
@pytest.mark.parametrize("way", [0, 1, 2])
def test_an_answer_that_cannot_be_sent_ends_the_login(drive, service, way, answer):
    service.on(CODE_URL, {**OK, "uri": "https://orgid.example/"})
    with pytest.raises(AuthenticationError):
        drive(token=None).authenticate(interaction=Person(way, answer, answer, answer))


@pytest.mark.parametrize("uri", ["javascript:alert(1)", "https://a/\x1b[31m", "", "x"])
def test_a_sign_in_page_that_is_no_address_is_not_shown(drive, service, uri):
    service.on(CODE_URL, {**OK, "uri": uri})
    person = Person(0, "c")
    with pytest.raises(ProtocolError):
        drive(token=None).authenticate(interaction=person)
    assert person.told == []


def test_a_service_that_cannot_tell_where_to_sign_in_is_said(drive, service, say):
    service.on(CODE_URL, say({}, 503))
    with pytest.raises(Unavailable):
        drive(token=None).authenticate(interaction=Person(0, "c"))


def test_a_configured_token_that_ended_is_renewed_by_login(drive, service, say):
    service.on(AUTH, say({"code": 13000201}, 401))
    service.on(REFRESH, {**OK, "accessToken": "Bearer fresh"})
    assert drive(session_id="s1").authenticate(interaction=Person(0)).reveal("token") == "Bearer fresh"


def test_a_second_login_renews_what_the_first_one_got(drive, service):
    service.on(AUTH, {**OK, "data": {"userId": "42"}})
    service.on(REFRESH, {**OK, "accessToken": "Bearer fresh"})
    account = drive(token=None)
    before = account.authenticate(interaction=Person(1, "pasted", "s1"))
    person = Person(0)
    assert account.authenticate(refused=before, interaction=person).reveal("token") == "Bearer fresh"
    assert person.asked == []


def test_a_second_login_asks_again_where_nothing_can_be_renewed(drive, service, say):
    service.on(AUTH, {**OK, "data": {"userId": "42"}})
    account = drive(token=None)
    before = account.authenticate(interaction=Person(1, "old", ""))
    assert account.authenticate(refused=before, interaction=Person(1, "new", "")).reveal("token") == "new"


def test_a_second_login_checks_the_configured_app_again(drive, service, say):
    service.on(SPACE, say({"code": 13000201, "msg": "?"}, 401))
    account = drive(token=None, app_id="app", app_secret="app-secret", user_id="4/2")
    person = Person(0)
    with pytest.raises(AuthenticationError):
        account.authenticate(refused=account.authenticate(), interaction=person)
    assert person.asked == []


def test_a_wrong_code_is_said(drive, service, say):
    service.on(CODE_URL, {**OK, "uri": "https://orgid.example/"})
    service.on(CREATE, say({"code": 13000201, "msg": "The code does not hold."}, 400))
    with pytest.raises(AuthenticationError, match="code does not hold"):
        drive(token=None).authenticate(interaction=Person(0, "wrong"))


def test_no_secret_shows_in_a_credential_or_an_error(drive, service, say):
    service.on(REFRESH, say({"code": 13000201, "msg": "no"}, 401))
    account = drive(token="T0ken-secret", session_id="S3ssion-secret", refresh_token="R3fresh-secret")
    credential = account.authenticate()
    with pytest.raises(AuthenticationError) as caught:
        account.authenticate(refused=credential)
    shown = repr(credential) + repr(dict(credential.values)) + caught.value.message + caught.value.hint
    assert "secret" not in shown
