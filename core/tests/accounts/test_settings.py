"""Where a setting is looked up: argument, environment, file, default (design section 2)."""

import itertools
import sys

import pytest

from downspout import Account, Provider, Secret, Setting
from downspout._accounts import AccountEntry, Accounts
from downspout._accounts.settings import check_variables, resolve_settings
from downspout.errors import ConfigurationError, PluginError

PROVIDER = Provider(
    "svc",
    "The service",
    (
        Setting("endpoint", "where", default="https://default.example"),
        Setting("number", "how many", default=5),
        Setting("username", "who"),
        Setting("password", "secret", secret=True),
        Setting("token", "secret, too", secret=True, default="guest"),
        Setting("token_endpoint", "where tokens are"),
        Setting("region", "where"),
        Setting(
            "setup_endpoint",
            "by region",
            default=lambda values: f"https://{values['region'] or 'global'}.example/",
        ),
    ),
)


def settings(explicit=None, file=None, **environ):
    entry = AccountEntry("work", "svc", file or {}, "config.toml", explicit or {})
    environ = {
        name if name.startswith("DOWNSPOUT") else f"DOWNSPOUT_WORK_{name}": text for name, text in environ.items()
    }
    return resolve_settings(entry, PROVIDER, environ)


PLACES = {
    "explicit": ({"explicit": {"username": "explicit"}}),
    "environment": ({"USERNAME": "environment"}),
    "file": ({"file": {"username": "file"}}),
}


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_the_first_place_that_has_a_setting_wins(count):
    for places in itertools.combinations(PLACES, count):
        given = {key: value for place in places for key, value in PLACES[place].items()}
        assert settings(**given)["username"] == (places[0] if places else None)


def test_what_nobody_set_has_its_default():
    account = settings()
    assert isinstance(account, Account)
    assert (account["endpoint"], account["number"], account["username"]) == ("https://default.example", 5, None)
    assert (account["allow_http"], account["allow_private"], account["ca_bundle"], account["proxy"]) == (
        False,
        False,
        None,
        None,
    )
    assert account.text("token") == "guest"
    assert account["password"] is None


def test_a_default_may_follow_the_others_and_yields_to_what_is_set():
    assert settings()["setup_endpoint"] == "https://global.example"
    assert settings(REGION="china")["setup_endpoint"] == "https://china.example"
    assert (
        settings(REGION="china", SETUP_ENDPOINT="https://mine.example")["setup_endpoint"] == "https://mine.example"
    )


def test_an_explicit_none_is_not_set_and_an_empty_variable_is():
    assert settings(explicit={"number": None})["number"] == 5
    assert settings(NUMBER="", file={"number": 7})["number"] == ""
    assert settings(PASSWORD="").text("password") is None


def test_an_endpoint_loses_its_last_slash_and_must_be_a_url():
    assert settings(ENDPOINT="https://h/path//")["endpoint"] == "https://h/path"
    assert settings(ENDPOINT="")["endpoint"] == ""
    for name in ("ENDPOINT", "TOKEN_ENDPOINT"):
        with pytest.raises(ConfigurationError, match=f"{name.lower()} of the account work is no https: URL"):
            settings(**{name: "h.example"})


@pytest.mark.parametrize(
    ("value", "flag"),
    [("1", True), ("TRUE", True), (" on ", True), (True, True), ("no", False), ("", False), (False, False)],
)
def test_a_flag_is_yes_or_no(value, flag):
    assert settings(file={"allow_http": value})["allow_http"] is flag


@pytest.mark.parametrize("value", ["maybe", 2, "ja"])
def test_a_flag_that_is_neither_is_a_mistake(value):
    with pytest.raises(
        ConfigurationError, match=r"config\.toml: allow_private of the account work is neither true nor false"
    ):
        settings(file={"allow_private": value})


def test_one_variable_allows_what_sandboxes_need():
    account = settings(file={"allow_http": False}, DOWNSPOUT_ALLOW_INSECURE="1")
    assert (account["allow_http"], account["allow_private"]) == (True, True)
    for word in ("0", "true", ""):
        assert settings(DOWNSPOUT_ALLOW_INSECURE=word)["allow_private"] is False


def test_certificates_for_all_accounts_yield_to_those_of_one():
    assert settings(DOWNSPOUT_CA_BUNDLE="/all.pem")["ca_bundle"] == "/all.pem"
    assert settings(DOWNSPOUT_CA_BUNDLE="/all.pem", CA_BUNDLE="/one.pem")["ca_bundle"] == "/one.pem"
    assert settings(DOWNSPOUT_CA_BUNDLE="")["ca_bundle"] is None


@pytest.mark.parametrize("value", [[1], {"a": 1}])
def test_a_value_of_another_kind_is_a_mistake(value):
    with pytest.raises(ConfigurationError, match="username of the account work is no text, number or flag"):
        settings(file={"username": value})


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("pasword_command", "It has: "),
        ("usrname", "Did you mean username?"),
        ("endpiont", "Did you mean endpoint?"),
        ("xyz", "It has: allow_http, "),
        ("username_file", "Did you mean username?"),
        ("_file", "It has: "),
    ],
)
@pytest.mark.parametrize("place", ["file", "explicit"])
def test_an_unknown_setting_is_named_with_what_was_probably_meant(place, name, hint):
    with pytest.raises(ConfigurationError, match=f"has no setting '{name}'") as caught:
        settings(**{place: {name: "x"}})
    assert caught.value.hint.startswith(hint) or "Did you mean" in caught.value.hint


# Secrets.


@pytest.mark.parametrize("elsewhere", [{}, {"PASSWORD": "x"}, {"explicit": {"password": "x"}}])
def test_a_secret_in_the_file_is_refused_wherever_else_it_stands(elsewhere):
    with pytest.raises(
        ConfigurationError, match=r"config\.toml: the secret password of the account work stands"
    ) as caught:
        settings(file={"password": "s3cret"}, **elsewhere)
    assert "password_command" in caught.value.hint
    assert "s3cret" not in str(caught.value) + caught.value.hint


def test_a_secret_is_masked_whatever_it_comes_from(tmp_path):
    (tmp_path / "secret").write_text("s3cret\n")
    for account in (
        settings(explicit={"password": "s3cret"}),
        settings(explicit={"password": Secret("s3cret")}),
        settings(PASSWORD="s3cret"),
        settings(PASSWORD_FILE=str(tmp_path / "secret")),
        settings(file={"password_file": str(tmp_path / "secret")}),
    ):
        assert isinstance(account["password"], Secret)
        assert account.text("password") == "s3cret"
        assert "s3cret" not in repr(account)


PRINT = f"{sys.executable} -c \"print('from a command')\""


def test_the_places_of_a_secret_have_an_order(tmp_path):
    (tmp_path / "a").write_text("from a file")
    file = str(tmp_path / "a")
    every = {
        "explicit": {"password": "explicit"},
        "PASSWORD": "environment",
        "PASSWORD_FILE": file,
        "file": {"password_command": PRINT},
    }
    assert settings(**every).text("password") == "explicit"
    del every["explicit"]
    assert settings(**every).text("password") == "environment"
    assert settings(**every, explicit={"password_file": file}).text("password") == "from a file"
    del every["PASSWORD"]
    assert settings(**every).text("password") == "from a file"
    del every["PASSWORD_FILE"]
    assert settings(**every).text("password") == "from a command"
    assert settings(PASSWORD_COMMAND=PRINT).text("password") == "from a command"


# Variables that two settings would share.


def accounts(*entries, providers=("svc",), environ=None, described=None):
    made = described or {"svc": PROVIDER}
    return Accounts(
        [AccountEntry(name, provider, {}) for name, provider in entries],
        providers,
        lambda name: made[name],
        lambda host: None,
        environ or {},
        web=False,
    )


def test_two_settings_that_would_share_a_variable_are_named_both():
    with pytest.raises(
        ConfigurationError, match="endpoint of the account work-token and token_endpoint of the account work"
    ) as caught:
        accounts(("work", "svc"), ("work-token", "svc")).get("work-token")
    assert "DOWNSPOUT_WORK_TOKEN_ENDPOINT" in caught.value.message
    with pytest.raises(
        ConfigurationError, match="token_endpoint of the account work and endpoint of the account work-token"
    ):
        accounts(("work", "svc"), ("work-token", "svc")).get("work")


def test_two_accounts_that_are_written_alike_share_everything():
    with pytest.raises(ConfigurationError, match="would share the environment variable DOWNSPOUT_S_VC_"):
        accounts(("s-vc", "svc"), ("s.vc", "svc")).get("s.vc")


def test_accounts_that_only_begin_alike_share_nothing():
    made = accounts(("work", "svc"), ("work-eu", "svc"), ("works", "svc"))
    assert made.get("work").name == "work"


def test_a_neighbour_whose_plugin_is_broken_is_no_reason_to_stop():
    made = accounts(("work", "svc"), ("work-token", "gone"))
    assert made.get("work").name == "work"


def test_one_setting_twice_is_one():
    check_variables([("work", (Setting("a", "x"), Setting("a", "x")))])
    with pytest.raises(ConfigurationError):
        check_variables([("work", (Setting("a.b", "x"), Setting("a_b", "x")))])


def test_a_default_that_breaks_is_the_plugin_s_fault():
    provider = Provider("svc", "The service", (Setting("region", "where", default=lambda values: values["gone"]),))
    with pytest.raises(PluginError, match="plugin svc is broken: the default of region raised KeyError") as caught:
        resolve_settings(AccountEntry("work", "svc"), provider, {})
    assert isinstance(caught.value.__cause__, KeyError)
