"""The configuration file: read in one place, every mistake named with its place."""

from pathlib import Path

import pytest

from downspout._accounts import configuration_path, read_configuration, variable
from downspout.errors import ConfigurationError


@pytest.fixture
def read(tmp_path):
    def read(text, *, must_exist=True):
        path = tmp_path / "config.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_configuration(path, must_exist=must_exist)

    return read


def test_accounts_stand_under_their_names(read):
    configuration = read(
        """
        required_extensions = ["audit"]
        [accounts.Work]
        provider = "oracle"
        endpoint = "https://acme.example"
        allow_http = true
        [accounts."a.b"]
        [accounts.icloud]
        username = "jo"
        """
    )
    assert configuration.required_extensions == ("audit",)
    assert {name: entry.provider for name, entry in configuration.accounts.items()} == {
        "work": "oracle",
        "a.b": "a.b",
        "icloud": "icloud",
    }
    assert dict(configuration.accounts["work"].settings) == {
        "endpoint": "https://acme.example",
        "allow_http": True,
    }
    assert "acme" not in repr(configuration)


def test_an_empty_file_or_none_configures_nothing(read, tmp_path):
    assert not read("").accounts
    assert not read_configuration(tmp_path / "none.toml", must_exist=False).accounts


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[accounts", "is no TOML"),
        (b"\xff\xfe", "cannot be read"),
        ("account = 1", "unknown key 'account'"),
        ("accounts = 1", "not laid out as it should be"),
        ("required_extensions = 'a'", "not laid out as it should be"),
        ("[accounts.x]", "'x' in .* is no name for an account"),
        ("[accounts.https]", "is no name for an account"),
        ("[accounts.'a b']", "is no name for an account"),
        ("accounts.work = 1", r"\[accounts.work\] is no table"),
        ("accounts.work.provider = 1", "the provider of the account work is no text"),
        ("[accounts.a-b]\n[accounts.'a.b']", "accounts a-b and a.b would share their environment variables"),
        ("[accounts.ab]\n[accounts.AB]", "accounts ab and ab would share"),
    ],
)
def test_a_mistake_is_named_with_its_place(read, text, says):
    with pytest.raises(ConfigurationError, match=says) as caught:
        read(text)
    assert "config.toml" in caught.value.message


def test_a_file_that_is_named_must_be_there(tmp_path):
    with pytest.raises(ConfigurationError, match="There is no configuration file") as caught:
        read_configuration(tmp_path / "none.toml", must_exist=True)
    assert "DOWNSPOUT_CONFIG" in caught.value.hint
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_configuration(tmp_path, must_exist=False)


def test_the_file_is_the_one_that_is_named_or_the_user_s(tmp_path, monkeypatch):
    assert configuration_path({"DOWNSPOUT_CONFIG": str(tmp_path / "x.toml")}) == tmp_path / "x.toml"
    assert configuration_path({"DOWNSPOUT_CONFIG": "~/x.toml"}) == Path.home() / "x.toml"
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for environ in ({}, {"DOWNSPOUT_CONFIG": ""}):
        assert configuration_path(environ) == tmp_path / "downspout" / "config.toml"


def test_a_file_in_the_folder_of_nobody_is_a_mistake():
    with pytest.raises(ConfigurationError, match="user who is not there"):
        configuration_path({"DOWNSPOUT_CONFIG": "~nobody-of-that-name/x.toml"})


@pytest.mark.parametrize(
    ("account", "setting", "name"),
    [
        ("work", "endpoint", "DOWNSPOUT_WORK_ENDPOINT"),
        ("my-work.eu", "token_endpoint", "DOWNSPOUT_MY_WORK_EU_TOKEN_ENDPOINT"),
        ("a+b", "tökén", "DOWNSPOUT_A_B_T_K_N"),
    ],
)
def test_a_setting_has_an_environment_variable(account, setting, name):
    assert variable(account, setting) == name
