"""Settings are checked before anything is sent."""

import pytest

import downspout_koodrive
from downspout import Account, Link, Reference
from downspout.errors import AuthenticationError, ConfigurationError
from downspout_koodrive import provider
from downspout_koodrive._api import authorization
from downspout_koodrive._settings import Site


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("endpoint", None),
        ("endpoint", "koodrive.example"),
        ("endpoint", "ftp://koodrive.example"),
        ("endpoint", "https://koodrive.example/?a=b"),
        ("endpoint", "https://jo@koodrive.example"),
        ("endpoint", "https://koodrive.example/a b"),
        ("container_id", "C 1"),
        ("user_id", "jo\nX-Evil: 1"),
        ("language", "en us"),
        ("trace_id", "x" * 57),
        ("trace_id", "x" * 57 + "-"),
        ("trace_id", "x" * 59),
        ("app_id", "a,b c"),
        ("token", "a\r\nX-Evil: 1"),
        ("token", "tökén"),
        ("auth_separator", "dash"),
    ],
)
def test_a_setting_that_cannot_be_right_is_named(drive, setting, value):
    account = drive(**{setting: value}) if setting != "endpoint" else None
    if account is None:
        account = drive()
        values = {**account.account.settings, "endpoint": value}
        account.account = type(account.account)("koodrive", "koodrive", values)
    with pytest.raises(ConfigurationError, match=setting) as caught:
        Site.of(account.account)
    assert caught.value.hint


def test_an_address_may_have_a_path_and_a_final_slash(drive, service):
    service.on("/gate/way/koodrive/ose/v1/files/download", {"downloads": [], "code": 0})
    drive(endpoint=f"{service.url}/gate/way/").resolve("koodrive:F1")
    assert service.asked[0].target == "/gate/way/koodrive/ose/v1/files/download"


@pytest.mark.parametrize(
    ("token", "separator", "header"),
    [
        ("abc", " ", "Bearer abc"),
        ("abc", "+", "Bearer+abc"),
        ("Bearer+abc", " ", "Bearer abc"),
        ("Bearer abc", " ", "Bearer abc"),
        ("Bearer abc", "+", "Bearer+abc"),
        ("Bearer%20abc", " ", "Bearer abc"),
        ("Bearer%2Babc", " ", "Bearer abc"),
        ("AT+abc", " ", "AT abc"),
        ("AT abc", "+", "AT+abc"),
        ("ATabc", " ", "Bearer ATabc"),
        ("bearer+a+b/c==", " ", "bearer a+b/c=="),
        (" abc\n", " ", "Bearer abc"),
        (
            "HMAC-SHA256 AppId=a,SignedHeaders=x,Signature=b",
            "+",
            "HMAC-SHA256 AppId=a,SignedHeaders=x,Signature=b",
        ),
    ],
)
def test_a_token_is_sent_in_one_form_however_it_is_written(token, separator, header):
    assert authorization(token, separator) == header


def test_without_a_credential_nobody_is_asked(drive, service):
    account = drive()
    with pytest.raises(AuthenticationError) as caught:
        downspout_koodrive.resolve_link(account.account, [Reference.parse("koodrive:F1")], None, account.http())
    assert "downspout login koodrive" in caught.value.hint
    assert service.asked == []


def test_the_hooks_leave_other_providers_accounts_alone(drive):
    account, reference = Account("web", "web", {}), Reference.parse("web:https://example.org/")
    http = drive().http()
    assert downspout_koodrive.authenticate(account, None, None, http) is None
    assert downspout_koodrive.resolve_link(account, [reference], None, http) is None
    link = Link(reference, "https://example.org/")
    assert downspout_koodrive.open_stream(account, link, 0, None, None, http) is None


def test_what_the_plugin_is_told_can_be_told_to_people():
    assert provider.batch_size == 100
    assert {setting.name for setting in provider.settings if setting.secret} == {
        "token",
        "session_id",
        "refresh_token",
        "app_secret",
    }
