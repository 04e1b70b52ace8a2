"""Who is asking: tokens, passwords, grants, access codes."""

from base64 import b64encode
from datetime import UTC, datetime, timedelta

import pytest

from downspout.errors import AuthenticationError, ConfigurationError, ProtocolError, RateLimited, Unavailable

HOME = "GET /documents/api/1.2/folders/items"
TOKENS = "POST /oauth2/v1/token"


def basic(pair: str) -> str:
    return f"Basic {b64encode(pair.encode()).decode()}"


@pytest.fixture
def granting(call, other, answer):
    """A caller with an OAuth client, and an identity domain that gives it a token."""
    other.answers[TOKENS] = answer({"access_token": "granted", "token_type": "Bearer", "expires_in": "3600"})

    def make(**settings):
        client = {"token_endpoint": f"{other.url}/oauth2/v1/token", "client_id": "me", "client_secret": "se:cret"}
        return call(**client, **settings)

    return make


class Somebody:
    """Chooses an option, then answers from a list."""

    def __init__(self, choice: int, *answers: str) -> None:
        self.choice, self.answers = choice, list(answers)

    def choose(self, label, options):
        assert 0 <= self.choice < len(options)
        return self.choice

    def ask(self, label: str) -> str:
        return self.answers.pop(0)

    secret = ask

    def tell(self, text: str) -> None:
        raise AssertionError("nothing is to tell")


def test_nobody_is_asked_before_there_is_a_credential(call, far):
    with pytest.raises(AuthenticationError) as caught:
        call(token="abc").resolve("oracle:D1", signed=False)
    assert "downspout login oracle" in caught.value.hint
    assert far.asked == []


@pytest.mark.parametrize("text", ["abc", " Bearer abc\n"])
def test_a_token_that_was_issued_already_goes_first(granting, far, other, text):
    credential = granting(token=text, username="jo", password="pw").authenticate()
    assert credential.reveal("authorization") == "Bearer abc"
    assert credential.origins == {far.url}
    assert far.asked == other.asked == []


def test_a_user_name_and_a_password_are_sent_as_basic(call, far):
    credential = call(username="jo@acme.example", password="päss:word").authenticate()
    assert credential.reveal("authorization") == basic("jo@acme.example:päss:word")
    assert far.asked == []


def test_a_client_is_granted_a_token(granting, far, other):
    credential = granting(scope="https://acme.example/urn:opc:cec:all").authenticate()
    assert credential.reveal("authorization") == "Bearer granted"
    assert credential.origins == {far.url}
    assert timedelta(minutes=59) < credential.expires_at - datetime.now(UTC) < timedelta(minutes=61)
    [asked] = other.asked
    assert asked.headers["Authorization"] == basic("me:se:cret")
    assert asked.body == b"grant_type=client_credentials&scope=https%3A%2F%2Facme.example%2Furn%3Aopc%3Acec%3Aall"


def test_a_user_is_granted_a_token_and_the_scope_is_known(granting, far, other):
    granting(username="jo", password="p&w").authenticate()
    form = other.asked[0].body.decode()
    scope = f"{far.url}/urn:opc:cec:all".replace(":", "%3A").replace("/", "%2F")
    assert form == f"grant_type=password&scope={scope}&username=jo&password=p%26w"


def test_a_token_endpoint_may_be_the_identity_domains_address(call, other, answer):
    other.answers[TOKENS] = answer({"access_token": "granted"})
    credential = call(token_endpoint=f"{other.url}/", client_id="me", client_secret="s").authenticate()
    assert credential.expires_at is None


def test_a_refused_token_gives_way_to_a_granted_one(granting):
    caller = granting(token="abc")
    credential = caller.authenticate(refused=caller.signed(authorization="Bearer abc"))
    assert credential.reveal("authorization") == "Bearer granted"


def test_a_refused_token_gives_way_to_a_password(call):
    caller = call(token="abc", username="jo", password="pw")
    credential = caller.authenticate(refused=caller.signed(authorization="Bearer abc"))
    assert credential.reveal("authorization") == basic("jo:pw")


@pytest.mark.parametrize("settings", [{"token": "abc"}, {"username": "jo", "password": "pw"}, {}])
def test_what_was_refused_is_never_tried_again(call, settings):
    caller = call(**settings)
    first = caller.authenticate() if settings else caller.signed(authorization="Bearer kept")
    with pytest.raises(AuthenticationError) as caught:
        caller.authenticate(refused=first)
    assert "downspout login oracle" in caught.value.hint


def test_without_anything_to_sign_in_with_the_hint_says_what_to_do(call):
    with pytest.raises(AuthenticationError) as caught:
        call().authenticate()
    assert "downspout login oracle" in caught.value.hint


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, {"error": "invalid_grant", "error_description": "A federated user can't"}, AuthenticationError),
        (401, {"error": "invalid_client"}, AuthenticationError),
        (400, {"error": "invalid_scope"}, ConfigurationError),
        (404, b"", ConfigurationError),
        (302, b"", ProtocolError),
        (429, b"", RateLimited),
        (503, b"", Unavailable),
    ],
)
def test_a_grant_that_is_refused_says_why(granting, other, answer, status, body, kind):
    other.answers[TOKENS] = answer(body, status)
    with pytest.raises(kind) as caught:
        granting(username="jo", password="pass phrase").authenticate()
    assert "pass phrase" not in caught.value.message
    if isinstance(body, dict) and "error_description" in body:
        assert "A federated user can't" in caught.value.message
        assert "single sign-on" in caught.value.hint


@pytest.mark.parametrize("seconds", [0, -5, 10**30, None])
def test_a_lifetime_that_makes_no_sense_is_none(granting, other, answer, seconds):
    other.answers[TOKENS] = answer({"access_token": "granted", "expires_in": seconds})
    assert granting().authenticate().expires_at is None


@pytest.mark.parametrize("token", ["", "two words", "line\r\nX: y", "tökén"])
def test_a_token_that_is_none_is_not_believed(granting, other, answer, token):
    other.answers[TOKENS] = answer({"access_token": token})
    with pytest.raises(ProtocolError, match="access_token"):
        granting().authenticate()


@pytest.mark.parametrize(
    ("choice", "answers", "values"),
    [
        (0, ["Bearer abc"], {"authorization": "Bearer abc"}),
        (1, ["jo", "pw"], {"authorization": basic("jo:pw"), "username": "jo"}),
        (2, ["test12345"], {"access_code": "test12345"}),
        (3, ["short", "long"], {"applink_token": "short", "applink_refresh_token": "long"}),
        (3, ["short", ""], {"applink_token": "short"}),
    ],
)
def test_login_asks_what_there_is(call, far, answer, choice, answers, values):
    far.answers[HOME] = answer({"items": []})
    caller = call()
    credential = caller.authenticate(interaction=Somebody(choice, *answers))
    assert {name: credential.reveal(name) for name in credential.values} == values


def test_login_notices_a_wrong_password(call, far, answer):
    for refusal in (answer(b"", 401), answer(b"<html>", media_type="text/html; charset=utf-8")):
        far.answers[HOME] = refusal
        with pytest.raises(AuthenticationError) as caught:
            call().authenticate(interaction=Somebody(1, "jo", "wrong"))
        assert "single sign-on" in caught.value.hint
    assert far.asked[0].headers["Authorization"] == basic("jo:wrong")


def test_login_again_checks_what_is_configured(call, far, answer):
    far.answers[HOME] = answer({"items": []})
    caller = call(token="abc", access_code="kept12345")
    for refused in (None, caller.authenticate()):
        credential = caller.authenticate(refused=refused, interaction=Somebody(9))
        assert credential.reveal("authorization") == "Bearer abc"
        assert credential.reveal("access_code") == "kept12345"
    far.answers[HOME] = answer(b"", 401)
    with pytest.raises(AuthenticationError):
        caller.authenticate(interaction=Somebody(9))


def test_login_again_adds_to_what_was_told_before(call, far, answer):
    far.answers[HOME] = answer({"items": []})
    caller = call()
    stored = caller.signed(authorization="Bearer abc", access_code="kept12345")
    credential = caller.authenticate(refused=stored, interaction=Somebody(0, "def"))
    assert credential.reveal("authorization") == "Bearer def"
    assert credential.reveal("access_code") == "kept12345"


@pytest.mark.parametrize("settings", [{"token": "two words"}, {"token": "a\nb"}, {"endpoint": ""}])
def test_a_setting_that_cannot_be_is_named(call, settings):
    with pytest.raises(ConfigurationError, match=next(iter(settings))):
        call(**settings).authenticate()


def test_401_asks_for_a_new_credential(call, far, refusal):
    far.answers["GET /documents/api/1.2/files/D1"] = refusal("-1", status=401)
    with pytest.raises(AuthenticationError):
        call().resolve("oracle:D1")


def test_a_page_for_signing_in_asks_for_a_new_credential(call, far, answer):
    far.answers["GET /documents/api/1.2/files/D1"] = answer(b"<html>sign in", media_type="text/html")
    with pytest.raises(AuthenticationError):
        call().resolve("oracle:D1")
