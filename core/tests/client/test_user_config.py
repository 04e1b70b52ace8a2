"""What the command knows: configuration, environment, installed plugins."""

import pytest

from downspout import Account, Client, PluginRegistry
from downspout._accounts import UserStore
from downspout._client.rules import rules_of
from downspout.errors import ConfigurationError


@pytest.fixture
def configure(tmp_path, monkeypatch):
    def configure(text):
        path = tmp_path / "config.toml"
        path.write_text(text)
        monkeypatch.setenv("DOWNSPOUT_CONFIG", str(path))

    return configure


def test_without_any_configuration_every_provider_has_an_account(service):
    with Client.from_user_config(plugins=PluginRegistry([service, "web"])) as client:
        assert client.accounts.names() == ["svc", "web"]
        assert isinstance(client._store, UserStore)
    with Client.from_user_config() as client:
        assert "web" in client.accounts.names()


def test_the_file_and_the_environment_say_what_accounts_there_are(configure, monkeypatch, service):
    configure("[accounts.work]\nprovider = 'svc'\nendpoint = 'https://file.example'\n")
    monkeypatch.setenv("DOWNSPOUT_WORK_TOKEN", "s3cret")
    with Client.from_user_config(plugins=[service, "web"]) as client:
        account = client.accounts.get("work")
        assert (account.text("token"), account["endpoint"]) == ("s3cret", "https://file.example")
        assert client.reference("https://file.example/x").account == "work"
        assert client.reference("https://else.example/x").account == "web"


def test_what_is_given_wins_over_what_is_found(configure, monkeypatch, service):
    configure("[accounts.work]\nprovider = 'svc'\nendpoint = 'https://file.example'\nallow_http = true\n")
    monkeypatch.setenv("DOWNSPOUT_WORK_ENDPOINT", "https://environ.example")
    given = [Account("work", "svc", {"endpoint": "https://given.example"})]
    with Client.from_user_config(plugins=[service], accounts=given, timeout=7.0) as client:
        account = client.accounts.get("work")
        assert (account["endpoint"], account["allow_http"]) == ("https://given.example", True)
        assert client.settings.timeout == 7.0


def test_extensions_are_required_by_the_file_and_by_the_caller(configure, service, extension):
    configure("required_extensions = ['audit']")
    with pytest.raises(ConfigurationError, match="required extension audit is not there"):
        Client.from_user_config(plugins=[service])
    audit = extension("audit")
    Client.from_user_config(plugins=[service, audit]).close()
    with pytest.raises(ConfigurationError, match="required extension more is not there"):
        Client.from_user_config(plugins=[service, audit], required_extensions=["more"])


def test_a_file_that_is_wrong_or_gone_is_said_so(configure, monkeypatch):
    configure("[accounts")
    with pytest.raises(ConfigurationError, match="is no TOML"):
        Client.from_user_config()
    monkeypatch.setenv("DOWNSPOUT_CONFIG", "/nowhere/config.toml")
    with pytest.raises(ConfigurationError, match="There is no configuration file"):
        Client.from_user_config()
    monkeypatch.setenv("DOWNSPOUT_CONFIG", "")
    Client.from_user_config().close()


@pytest.mark.parametrize(
    ("environ", "settings", "https", "http"),
    [
        ({}, {}, None, None),
        ({"HTTPS_PROXY": "http://a"}, {}, "http://a", None),
        ({"https_proxy": "http://a", "HTTPS_PROXY": "http://b"}, {}, "http://a", None),
        ({"https_proxy": "", "HTTPS_PROXY": "http://b"}, {}, "http://b", None),
        ({"http_proxy": "http://a"}, {}, None, "http://a"),
        ({"HTTP_PROXY": "http://evil"}, {}, None, None),
        ({"ALL_PROXY": "http://a"}, {}, "http://a", "http://a"),
        ({"ALL_PROXY": "http://a"}, {"proxy": "http://own"}, "http://own", "http://own"),
    ],
)
def test_the_usual_variables_say_which_proxy(environ, settings, https, http):
    rules = rules_of(Account("work", "svc", settings), environ)
    assert (rules.proxy, rules.http_proxy) == (https, http)


def test_the_usual_variable_says_what_is_asked_directly():
    rules = rules_of(Account("work", "svc"), {"NO_PROXY": " Example , .b.example,, *"})
    assert rules.no_proxy == {"example", ".b.example", "*"}
    assert rules_of(Account("work", "svc"), {"no_proxy": "", "NO_PROXY": "a"}).no_proxy == {"a"}


def test_the_rules_of_an_account_are_its_settings():
    settings = {"allow_http": True, "allow_private": "yes", "ca_bundle": "/x", "endpoint": "https://H/p"}
    rules = rules_of(Account("work", "svc", settings), {})
    assert (rules.allow_http, rules.allow_private, rules.ca_bundle) == (True, True, "/x")
    assert rules.trusted == {"https://h"}
