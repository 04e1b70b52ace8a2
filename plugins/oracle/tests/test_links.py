"""Public links and application links."""

import pytest

from downspout import Account, Link, Reference
from downspout.errors import (
    AuthenticationError,
    ConfigurationError,
    InvalidURI,
    PermissionDenied,
    ProtocolError,
    Unavailable,
)

FILE = "GET /documents/api/1.2/files/D1"
DATA = f"{FILE}/data"
RENEW = "PUT /documents/api/1.2/applinks/token"
CODE_NEEDED = ("-18", "!csUnableToDownloadFile!csAccessCodeRequiredForLinkAccess")
NO_PRIVILEGE = ("-20", "!csUnableToDownloadFile!csCloudItemInsufficientPrivileges,User BB")


@pytest.fixture
def file(far, answer, described_file):
    far.answers |= {FILE: answer(described_file()), DATA: answer(b"%PDF-1.7 data", media_type="x/y")}


@pytest.mark.usefixtures("file")
def test_a_public_link_needs_no_account(call):
    caller = call(token="abc", password="pw")
    link = caller.resolve("oracle:D1?link=LD1", signed=False)
    assert caller.read(link, signed=False) == b"%PDF-1.7 data"


@pytest.mark.usefixtures("file")
def test_a_public_link_is_sent_with_whoever_is_signed_in(call, far):
    caller = call()
    caller.read(caller.resolve("oracle:D1?link=LD1"))
    assert [asked.headers["Authorization"] for asked in far.asked] == ["Bearer eyJ.secret"] * 2


@pytest.mark.usefixtures("file")
def test_a_configured_access_code_becomes_a_credential_first(call, far):
    caller = call(access_code="test12345")
    with pytest.raises(AuthenticationError):
        caller.resolve("oracle:D1?link=LD1", signed=False)
    assert far.asked == []
    credential = caller.authenticate()
    assert credential.origins == {far.url}
    caller.read(caller.resolve("oracle:D1?link=LD1", credential), credential=credential)
    assert {asked.headers["Cookie"] for asked in far.asked} == {"dAccessCode-LD1=test12345"}


@pytest.mark.parametrize("code", ["semi;colon", "a blank", "tést", 'quo"te', "back\\slash", "line\r\nend", ""])
def test_an_access_code_that_no_cookie_can_carry_is_refused_early(call, far, code):
    caller = call()
    credential = caller.signed(access_code=code)
    if code:
        assert isinstance(caller.resolve("oracle:D1?link=LD1", credential), ConfigurationError)
        assert far.asked == []


def test_a_wrong_access_code_costs_that_document_only(call, far, refusal):
    far.answers[FILE] = far.answers[DATA] = refusal("-18", "!csX!csAccessCodeInvalidForLinkAccess")
    caller = call(access_code="wrong")
    credential = caller.authenticate()
    link = caller.resolve("oracle:D1?link=LD1", credential)
    with pytest.raises(PermissionDenied) as caught:
        caller.open(link, credential=credential)
    assert "access_code" in caught.value.hint


def test_an_access_code_that_was_set_meanwhile_is_taken(call, far, refusal):
    far.answers[FILE] = refusal(*CODE_NEEDED)
    caller = call(access_code="test12345")
    stored = caller.signed(authorization="Bearer eyJ.secret")
    with pytest.raises(AuthenticationError):
        caller.resolve("oracle:D1?link=LD1", stored)
    assert caller.authenticate(refused=stored).reveal("access_code") == "test12345"


def test_a_dead_public_link_is_its_owners_business(call, far, refusal):
    far.answers[FILE] = refusal("-26", "!csLinkInvalidOrExpired", 400)
    error = call(token="abc").resolve("oracle:D1?link=LD1", signed=False)
    assert isinstance(error, PermissionDenied)
    assert "new link" in error.hint


@pytest.mark.parametrize("status", [401, 403])
def test_a_link_for_members_asks_who_is_asking_where_the_account_can_say(call, far, refusal, status):
    far.answers[FILE] = far.answers[DATA] = refusal(*NO_PRIVILEGE, status)
    with pytest.raises(AuthenticationError):
        call(token="abc").resolve("oracle:D1?link=LD1", signed=False)
    caller = call()
    link = caller.resolve("oracle:D1?link=LD1", signed=False)
    assert isinstance(link, Link)
    with pytest.raises(PermissionDenied) as caught:
        caller.open(link, signed=False)
    assert status == 401 or "role" in caught.value.hint


def test_a_viewers_link_is_told_as_what_it_is_once_somebody_is_signed_in(call, far, refusal):
    far.answers[FILE] = far.answers[DATA] = refusal(*NO_PRIVILEGE)
    caller = call(token="abc")
    with pytest.raises(PermissionDenied) as caught:
        caller.open(caller.resolve("oracle:D1?link=LD1"))
    assert "downloader" in caught.value.hint


@pytest.mark.parametrize(
    "uri",
    [
        "oracle:D1?link=L1&applink=L2",
        "oracle:D1?link=a b",
        "oracle:D1?link=a;b",
        "oracle:D1?link=a=b",
        "oracle:D1?link=a%0D%0Ab",
        "oracle:D1?link=",
        "oracle:D1?applink=a b",
        "oracle:D1?applink=%0A",
        "oracle:D1?version=two",
        "oracle:D1?version=-1",
        "oracle:D1?version=",
        "oracle:D1?versoin=1",
        "oracle:https://acme.example/documents/link/LF1",
        "oracle:Reports/2025",
        "oracle:..",
    ],
)
def test_a_uri_that_means_nothing_is_refused_before_anything_is_asked(call, far, uri):
    assert isinstance(call().resolve(uri), InvalidURI)
    assert far.asked == []


@pytest.fixture
def applink(far, answer, refusal, described_file):
    """A service whose application link needs the token `fresh`; its refresh token is `long`."""

    def guarded(granted):
        def check(asked):
            pair = (asked.headers.get("appLinkID"), asked.headers.get("accessToken"))
            return granted if pair == ("L==", "fresh") else refusal("-20", "!csApplinkTokenInvalid")

        return check

    def renew(asked):
        named = [asked.headers.get(name) for name in ("appLinkID", "accessToken", "refreshToken")]
        if named != ["L==", "old", "long"]:
            return refusal("-1", status=400)
        return answer({"accessToken": "fresh", "type": "applink", "errorCode": "0"})

    data = answer(b"%PDF-1.7 data", media_type="x/y")
    far.answers |= {FILE: guarded(answer(described_file())), DATA: guarded(data), RENEW: renew}
    return "oracle:D1?applink=L=="


def test_an_application_link_waits_for_its_token(call, far, applink):
    caller = call(applink_token="fresh")
    with pytest.raises(AuthenticationError):
        caller.resolve(applink, signed=False)
    assert far.asked == []
    credential = caller.authenticate()
    assert caller.read(caller.resolve(applink, credential), credential=credential) == b"%PDF-1.7 data"


def test_an_expired_token_of_an_application_link_is_renewed(call, far, applink):
    caller = call(applink_token="old", applink_refresh_token="long")
    credential = caller.authenticate()
    with pytest.raises(AuthenticationError):
        caller.resolve(applink, credential)
    renewed = caller.authenticate(refused=credential)
    assert renewed.reveal("applink_token") == "fresh"
    assert renewed.reveal("applink_refresh_token") == "long"
    assert caller.read(caller.resolve(applink, renewed), credential=renewed) == b"%PDF-1.7 data"
    assert far.paths().count(RENEW) == 1
    assert far.asked[1].body == b""


def test_a_token_renewed_a_moment_ago_is_not_renewed_for_want_of_privilege(call, far, applink, refusal):
    caller = call(applink_token="old", applink_refresh_token="long")
    credential = caller.authenticate()
    with pytest.raises(AuthenticationError):
        caller.resolve(applink, credential)
    renewed = caller.authenticate(refused=credential)
    far.answers[FILE] = far.answers[DATA] = refusal(*NO_PRIVILEGE)
    link = caller.resolve(applink, renewed)
    with pytest.raises(PermissionDenied):
        caller.open(link, credential=renewed)


def test_an_application_link_without_a_refresh_token_ends_by_itself(call, applink):
    caller = call(applink_token="old")
    credential = caller.authenticate()
    with pytest.raises(PermissionDenied):
        caller.open(caller.resolve(applink, credential), credential=credential)


def test_an_application_link_that_cannot_be_renewed_leaves_the_account_alone(call, far, applink):
    caller = call(applink_token="old", applink_refresh_token="wrong", token="abc")
    credential = caller.authenticate()
    with pytest.raises(AuthenticationError):
        caller.resolve(applink, credential)
    spent = caller.authenticate(refused=credential)
    assert spent.reveal("authorization") == "Bearer abc"
    asked = len(far.asked)
    error = caller.resolve(applink, spent)
    assert isinstance(error, PermissionDenied)
    assert "applink_refresh_token" in error.hint
    assert len(far.asked) == asked
    with pytest.raises(AuthenticationError):
        caller.authenticate(refused=spent)


def test_login_brings_a_spent_application_link_back(call, applink):
    class Somebody:
        answers = iter(("fresh", ""))

        def choose(self, label, options):
            return 3

        def secret(self, label):
            return next(self.answers)

    caller = call()
    spent = caller.signed(applink_spent="yes")
    credential = caller.authenticate(refused=spent, interaction=Somebody())
    assert set(credential.values) == {"applink_token"}
    assert caller.read(caller.resolve(applink, credential), credential=credential) == b"%PDF-1.7 data"


def test_an_application_link_without_any_token_is_a_missing_setting(call, far, applink):
    error = call(token="abc").resolve(applink)
    assert isinstance(error, ConfigurationError)
    assert "applink_token" in error.hint
    assert far.asked == []


def test_trouble_while_renewing_passes(call, far, applink, refusal):
    far.answers[RENEW] = refusal("-1", status=503)
    caller = call(applink_token="old", applink_refresh_token="long")
    credential = caller.authenticate()
    with pytest.raises(AuthenticationError):
        caller.resolve(applink, credential)
    with pytest.raises(Unavailable):
        caller.authenticate(refused=credential)


def test_a_token_is_renewed_only_for_a_link_that_was_refused(call, far):
    caller = call(applink_token="old", applink_refresh_token="long")
    with pytest.raises(AuthenticationError):
        caller.authenticate(refused=caller.authenticate())
    assert far.asked == []


@pytest.mark.parametrize("token", ["", "two words", "line\r\nX: y"])
def test_a_renewed_token_that_is_none_is_not_believed(call, far, applink, answer, token):
    far.answers[RENEW] = answer({"accessToken": token, "errorCode": "0"})
    caller = call(applink_token="old", applink_refresh_token="long")
    credential = caller.authenticate()
    with pytest.raises(AuthenticationError):
        caller.resolve(applink, credential)
    with pytest.raises(ProtocolError, match="accessToken"):
        caller.authenticate(refused=credential)


def test_no_header_of_ours_reaches_another_origin(call, far, other, answer, applink, described_file):
    far.answers |= {
        FILE: answer(b"", 302, {"Location": f"{other.url}/info"}),
        DATA: answer(b"", 307, {"Location": f"{other.url}/data"}),
    }
    other.answers |= {"GET /info": answer(described_file()), "GET /data": answer(b"%PDF", media_type="x/y")}
    caller = call()
    for uri in ("oracle:D1", "oracle:D1?link=LD1", applink):
        credential = caller.signed(authorization="Bearer secret", access_code="code1234", applink_token="fresh")
        link = caller.resolve(uri, credential)
        assert caller.read(link, 1, credential=credential) == b"%PDF"
    assert len(other.asked) == 6
    for asked in other.asked:
        names = {name.lower() for name in asked.headers}
        assert names <= {"host", "accept", "accept-encoding", "user-agent", "range"}


def test_a_service_that_repeats_secrets_shows_them_to_nobody(call, far, other, refusal, answer):
    secrets = {"authorization": "Bearer first-secret", "access_code": "second-secret"}
    secrets |= {
        "applink_token": "third-secret",
        "applink_refresh_token": "fourth-secret",
        "applink_until": "2999-01-01",
    }
    everything = "first-secret second-secret third-secret fourth-secret client-secret pass-phrase"
    far.answers |= {FILE: refusal("-1", everything, 400, everything), RENEW: refusal("-1", "", 400, everything)}
    other.answers["POST /t"] = answer({"error": everything, "error_description": everything}, 400)
    caller = call(token_endpoint=f"{other.url}/t", client_id="me", client_secret="client-secret")
    credential = caller.signed(**secrets)
    told = [caller.resolve(uri, credential) for uri in ("oracle:D1", "oracle:D1?link=L1", "oracle:D1?applink=L")]
    with pytest.raises(AuthenticationError) as caught:
        caller.authenticate()
    assert "client-secret" not in caught.value.message
    for error in told:
        assert "Unable" not in error.message
        assert not [secret for secret in ("first", "second", "third", "fourth") if f"{secret}-" in error.message]


def test_accounts_of_other_providers_are_none_of_its_business(call):
    import downspout_oracle as plugin

    stranger, http = Account("oracle", "esignon"), call().http(None)
    link = Link(Reference("oracle", "D1"), "https://x.example/")
    assert plugin.authenticate(stranger, None, None, http) is None
    assert plugin.resolve_link(stranger, [Reference("oracle", "D1")], None, http) is None
    assert plugin.open_stream(stranger, link, None, 0, None, None, http) is None
