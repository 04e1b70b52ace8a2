"""Who is asking: tokens that were configured, and sign-ins with company, address and password."""

from datetime import UTC, datetime, timedelta

import pytest

from downspout.errors import (
    AuthenticationError,
    ConfigurationError,
    PermissionDenied,
    ProtocolError,
    RateLimited,
    Unavailable,
)

TOKEN = "aB3+/w=="
LOGIN = "POST /api/acme01/login"
USER = {"company_id": "acme01", "username": "jo@acme.example", "password": "pass phrase"}


class Somebody:
    """Answers from a list, and remembers what was asked."""

    def __init__(self, *answers: str) -> None:
        self.answers, self.asked = list(answers), []

    def ask(self, label: str) -> str:
        self.asked.append(label)
        return self.answers.pop(0)

    secret = ask

    def choose(self, label: str, options: object) -> int:
        raise AssertionError("nothing is to choose")

    def tell(self, text: str) -> None:
        raise AssertionError("nothing is to tell")


@pytest.fixture
def signed_in(far, envelope):
    def fill(**values):
        body = {"access_token": TOKEN, "comp_id": "acme01", "device_id": "", "expire_date": "", "memb_email": ""}
        far.answers[LOGIN] = envelope(body | values)

    fill()
    return fill


def test_nobody_is_asked_before_there_is_a_credential(call, far):
    with pytest.raises(AuthenticationError) as caught:
        call().resolve("esignon:12584", signed=False)
    assert "downspout login esignon" in caught.value.hint
    assert far.asked == []


def test_a_configured_token_is_taken_as_it_is(call, far):
    credential = call(token=TOKEN).authenticate()
    assert credential.reveal("token") == TOKEN
    assert credential.origins == {far.url}
    assert far.asked == []


@pytest.mark.parametrize("text", [f"esignon {TOKEN}", f"  {TOKEN}\n"])
def test_a_token_may_be_pasted_with_its_scheme_or_blanks(call, text):
    assert call(token=text).authenticate().reveal("token") == TOKEN


@pytest.mark.parametrize("text", ["two words", "line\nend", "tökén"])
def test_a_token_that_no_header_can_carry_is_a_mistake_in_the_settings(call, text):
    with pytest.raises(ConfigurationError):
        call(token=text).authenticate()


def test_signing_in_sends_what_the_guide_says(call, far, signed_in):
    credential = call(**USER).authenticate()
    assert credential.reveal("token") == TOKEN
    [asked] = far.asked
    assert "Authorization" not in asked.headers
    assert asked.headers["Content-Type"] == "application/json"
    assert asked.json == {
        "header": {"request_code": "1001Q"},
        "body": {"memb_email": "jo@acme.example", "memb_pwd": "pass phrase"},
    }


def test_a_company_id_stays_one_part_of_the_path(call, far):
    with pytest.raises(ConfigurationError):
        call(**USER | {"company_id": "a/../b?c"}).authenticate()
    assert far.asked[0].path == "/api/a%2F..%2Fb%3Fc/login"


def test_a_token_lives_thirty_days_unless_a_date_to_come_is_given(call, signed_in):
    now = datetime.now(UTC)
    for text in ("", "soon", "2020-01-01 00:00:00", 7, None):
        signed_in(expire_date=text)
        expires_at = call(**USER).authenticate().expires_at
        assert timedelta(days=29) < expires_at - now < timedelta(days=31), text
    signed_in(expire_date="2999-12-31 23:59:59")
    assert call(**USER).authenticate().expires_at == datetime(2999, 12, 31, 23, 59, 59, tzinfo=UTC)


def test_what_is_missing_is_named_when_nobody_is_there(call, far):
    with pytest.raises(AuthenticationError) as caught:
        call(company_id="acme01", username="jo@acme.example").authenticate()
    assert "password" in caught.value.message
    assert "downspout login esignon" in caught.value.hint
    assert far.asked == []


def test_login_asks_only_for_what_is_missing(call, far, signed_in):
    somebody = Somebody("jo@acme.example", "pass phrase")
    credential = call(company_id="acme01").authenticate(interaction=somebody)
    assert somebody.asked == ["E-mail address", "Password"]
    assert credential.values["company_id"] == "acme01"
    assert credential.values["username"] == "jo@acme.example"
    assert "password" not in credential.values


def test_login_checks_a_configured_token(call, far, envelope):
    far.answers["GET /worklists/new"] = envelope({"total": "0", "workflow_list": []})
    caller = call(token=TOKEN)
    for refused in (None, caller.signed()):
        assert caller.authenticate(refused, Somebody()).reveal("token") == TOKEN
    far.answers["GET /worklists/new"] = envelope({}, "95", "not your call")
    assert caller.authenticate(None, Somebody()).reveal("token") == TOKEN
    assert {asked.headers["Authorization"] for asked in far.asked} == {f"esignon {TOKEN}"}


def test_login_replaces_a_configured_token_that_does_not_hold(call, far, envelope, signed_in):
    far.answers["GET /worklists/new"] = envelope({}, "94", "wrong")
    signed_in(access_token="fresh")
    assert call(token=TOKEN, **USER).authenticate(None, Somebody()).reveal("token") == "fresh"


def test_login_without_an_answer_asks_nobody_else(call, far):
    with pytest.raises(AuthenticationError):
        call(company_id="acme01", username="jo").authenticate(interaction=Somebody(""))
    assert far.asked == []


def test_a_refused_token_is_renewed_by_signing_in(call, far, signed_in):
    signed_in(access_token="fresh")
    caller = call(token=TOKEN, **USER)
    assert caller.authenticate(refused=caller.signed()).reveal("token") == "fresh"


def test_a_refused_token_without_a_password_is_the_end(call, far):
    caller = call(token=TOKEN)
    with pytest.raises(AuthenticationError):
        caller.authenticate(refused=caller.signed())
    assert far.asked == []


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("10", AuthenticationError),
        ("11", AuthenticationError),
        ("94", AuthenticationError),
        ("14", PermissionDenied),
        ("95", PermissionDenied),
        ("99", ProtocolError),
    ],
)
def test_a_refused_sign_in_is_told_by_its_code(call, far, envelope, code, kind):
    far.answers[LOGIN] = envelope({}, code, "wrong: pass phrase")
    with pytest.raises(kind) as caught:
        call(**USER).authenticate()
    assert f"{code}: wrong" in caught.value.message
    assert "pass phrase" not in str(caught.value)
    assert "wrong: …" in str(caught.value)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, AuthenticationError),
        (403, AuthenticationError),
        (404, ConfigurationError),
        (400, ProtocolError),
        (302, ProtocolError),
        (429, RateLimited),
        (503, Unavailable),
    ],
)
def test_a_refused_sign_in_is_told_by_its_status(call, far, answer, status, kind):
    far.answers[LOGIN] = answer(b"", status)
    with pytest.raises(kind):
        call(**USER).authenticate()


@pytest.mark.parametrize("text", ["", "two words", "line\r\nHost: evil.example"])
def test_a_token_that_is_none_is_not_believed(call, signed_in, text):
    signed_in(access_token=text)
    with pytest.raises(ProtocolError, match="access_token"):
        call(**USER).authenticate()


def test_an_expired_token_asks_for_a_new_one(call, far, envelope, answer):
    for refusal in (envelope({}, "94", "Authentication key is wrong."), answer(b"", 401)):
        far.answers["POST /workflow/download"] = refusal
        with pytest.raises(AuthenticationError):
            call().resolve("esignon:12584")
