"""Settings: read once, checked, and never where they should not go."""

import pytest

from downspout import Secret
from downspout.errors import ConfigurationError, ProtocolError
from downspout_icloud import provider
from downspout_icloud._session import Session, direct, is_direct, service_address
from downspout_icloud._settings import Site


@pytest.fixture
def site(hooks):
    return lambda **settings: Site.of(hooks(settings).account)


def test_the_settings_are_those_of_the_design():
    names = "username password region auth_endpoint setup_endpoint share_endpoint endpoint dsid token client_id"
    assert [setting.name for setting in provider.settings] == names.split()
    assert {setting.name for setting in provider.settings if setting.secret} == {"password", "token"}
    assert not any(setting.required for setting in provider.settings)


def test_the_regions_have_their_own_hosts(site):
    assert site().setup == "https://setup.icloud.com/setup/ws/1"
    china = site(region="China")
    assert china.setup == "https://setup.icloud.com.cn/setup/ws/1"
    assert china.share == "https://ckdatabasews.icloud.com.cn"
    assert china.region.home == "https://www.icloud.com.cn"
    assert site(region="china", setup_endpoint="https://proxy.example/s/").setup == "https://proxy.example/s"


def test_an_apple_id_is_lower_case(site):
    assert site(username=" Jo@ACME.example ").username == "jo@acme.example"


@pytest.mark.parametrize(
    "settings",
    [
        {"region": "mars"},
        {"setup_endpoint": "setup.icloud.com"},
        {"auth_endpoint": "https://user@idmsa.example"},
        {"endpoint": "https://docws.example?x=1"},
        {"dsid": "1 2"},
        {"token": "a\r\nb"},
        {"client_id": "é"},
    ],
)
def test_a_setting_that_cannot_be_is_named(site, settings):
    with pytest.raises(ConfigurationError) as caught:
        site(**settings)
    assert next(iter(settings)) in caught.value.message


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://p61-docws.icloud.com:443", "https://p61-docws.icloud.com"),
        ("https://p61-docws.icloud.com.cn:443/", "https://p61-docws.icloud.com.cn"),
        ("https://P61-docws.ICLOUD.com:8443/x/", "https://p61-docws.icloud.com:8443/x"),
        (None, None),
    ],
)
def test_apple_s_hosts_are_taken_from_the_map(site, url, address):
    assert service_address(url, site(), "docws") == address


@pytest.mark.parametrize(
    "url",
    [
        "http://p61-docws.icloud.com",
        "https://evil.example",
        "https://icloud.com.evil.example",
        "https://xicloud.com",
        "https://docws.icloud.com@evil.example",
        "https://user@docws.icloud.com",
        "https://docws.icloud.com?x",
        "https://docws.icloud.com/#x",
        "https://docws.icloud.com/ x",
        "https://[",
        "ftp://docws.icloud.com",
        "",
        "//docws.icloud.com",
    ],
)
def test_no_other_host_gets_into_the_map(site, url):
    with pytest.raises(ProtocolError, match="none of Apple's"):
        service_address(url, site(), "docws")


def test_a_configured_setup_service_may_name_others(site):
    assert service_address("https://docs.example", site(setup_endpoint="https://setup.example"), "docws")
    assert service_address("http://127.0.0.1:1", site(setup_endpoint="http://127.0.0.1:2"), "docws")
    with pytest.raises(ProtocolError):
        service_address("http://docs.example", site(setup_endpoint="https://setup.example"), "docws")


def test_a_session_survives_being_a_credential(site):
    session = Session(
        "jo@acme.example",
        "client-1",
        {"a": '"b"'},
        "https://p1-drivews.icloud.com",
        "https://p1-docws.icloud.com",
        "123",
        "session",
        "trust",
        "USA",
    )
    credential = session.credential(site())
    assert Session.of(credential) == session
    assert credential.origins == {
        "https://setup.icloud.com",
        "https://ckdatabasews.icloud.com",
        "https://p1-drivews.icloud.com",
        "https://p1-docws.icloud.com",
    }
    secret = {name for name, value in credential.values.items() if isinstance(value, Secret)}
    assert secret == {"cookies", "session_token", "trust_token"}
    assert "trust" not in repr(session)


def test_a_direct_credential_is_for_the_documents_service(site):
    credential = direct(site(endpoint="https://p1-docws.icloud.com:443", dsid="1", token="t", client_id="c"))
    assert is_direct(credential)
    assert Session.of(credential) is None
    assert "https://p1-docws.icloud.com" in credential.origins
    assert not any("content" in origin for origin in credential.origins)
