"""Who a URI goes to: accounts by name, URLs by origin and host, in the order of design section 2."""

import threading

import pytest

from downspout import Provider, Setting
from downspout._accounts import AccountEntry, Accounts
from downspout._plugins.entries import Entry, claims
from downspout.errors import InvalidURI, NoProvider

ENDPOINT = (Setting("endpoint", "where"),)
PROVIDERS = {name: Provider(name, name.title(), ENDPOINT) for name in ("icloud", "oracle", "koodrive", "web")}
HOSTS = {"www.icloud.com": "icloud", "*.oraclecloud.com": "oracle", "*.cec.oraclecloud.com": "koodrive"}


def for_host(host):
    found = next(claims(host, [Entry(pattern, name) for pattern, name in HOSTS.items()]), None)
    return found and found.module


def accounts(entries=(), environ=None, web=True, describe=PROVIDERS.__getitem__):
    return Accounts(entries, PROVIDERS, describe, for_host, environ or {}, web=web)


def forbidden(name):
    raise AssertionError(f"{name} was imported")


@pytest.mark.parametrize(
    ("uri", "account", "document"),
    [
        ("icloud:DOC", "icloud", "DOC"),
        ("WORK:/a", "work", "/a"),
        ("  icloud:DOC \n", "icloud", "DOC"),
        ("https://www.icloud.com/x?y#z", "icloud", "https://www.icloud.com/x?y#z"),
        ("HTTPS://WWW.iCloud.com/x", "icloud", "HTTPS://WWW.iCloud.com/x"),
        ("https://www.icloud.com./x", "icloud", "https://www.icloud.com./x"),
        ("https://a.www.icloud.com/x", "web", "https://a.www.icloud.com/x"),
        ("https://a.oraclecloud.com/x", "oracle", "https://a.oraclecloud.com/x"),
        ("https://oraclecloud.com/x", "web", "https://oraclecloud.com/x"),
        ("https://evil-oraclecloud.com/x", "web", "https://evil-oraclecloud.com/x"),
        ("https://a.b.cec.oraclecloud.com/x", "koodrive", "https://a.b.cec.oraclecloud.com/x"),
        ("https://acme.cec.oraclecloud.com/x", "work", "https://acme.cec.oraclecloud.com/x"),
        ("https://ACME.cec.oraclecloud.com:443/x", "work", "https://ACME.cec.oraclecloud.com:443/x"),
        ("https://acme.cec.oraclecloud.com:8443/x", "koodrive", "https://acme.cec.oraclecloud.com:8443/x"),
        ("http://acme.cec.oraclecloud.com/x", "koodrive", "http://acme.cec.oraclecloud.com/x"),
        ("https://unknown.example/x", "web", "https://unknown.example/x"),
        ("oracle:https://www.icloud.com/x", "oracle", "https://www.icloud.com/x"),
        ("work:https://unknown.example/", "work", "https://unknown.example/"),
    ],
)
def test_a_uri_goes_to_its_account_and_a_url_to_whom_it_belongs(uri, account, document):
    entry = AccountEntry("work", "oracle", {"endpoint": "https://acme.cec.oraclecloud.com/documents"})
    reference = accounts([entry], describe=forbidden).reference(uri)
    assert (reference.account, reference.document) == (account, document)


def test_an_endpoint_counts_wherever_it_is_set():
    file = AccountEntry("work", "oracle", {"endpoint": "https://file.example"})
    explicit = AccountEntry(
        "work", "oracle", {"endpoint": "https://file.example"}, explicit={"endpoint": "https://explicit.example"}
    )
    environ = {
        "DOWNSPOUT_WORK_ENDPOINT": "https://environ.example",
        "DOWNSPOUT_ICLOUD_ENDPOINT": "https://i.example",
    }
    assert accounts([file]).reference("https://file.example/x").account == "work"
    assert accounts([file], environ).reference("https://environ.example/x").account == "work"
    assert accounts([file], environ).reference("https://file.example/x").account == "web"
    assert accounts([explicit], environ).reference("https://explicit.example/x").account == "work"
    assert accounts([explicit], environ).reference("https://environ.example/x").account == "web"
    assert accounts([], environ).reference("https://i.example/x").account == "icloud"


def test_an_endpoint_that_is_none_claims_nothing():
    entries = [
        AccountEntry("work", "oracle", {"endpoint": "nonsense"}),
        AccountEntry("more", "oracle", {"endpoint": 7}),
    ]
    assert accounts(entries).reference("https://unknown.example/").account == "web"


def test_any_number_of_origins_is_told_apart(monkeypatch):
    monkeypatch.setattr("downspout._accounts.accounts._MOST_ORIGINS", 3)
    made = accounts()
    for _ in range(2):
        for number in range(5):
            assert made.reference(f"https://h{number}.oraclecloud.com/x").account == "oracle"
            assert made.reference(f"https://h{number}.example/x").account == "web"
    assert len(made._by_origin) <= 3


def test_without_web_a_url_that_nobody_claims_goes_nowhere():
    with pytest.raises(NoProvider, match=r"No provider claims unknown\.example") as caught:
        accounts(web=False).reference("https://unknown.example/?sig=s3cret")
    assert "s3cret" not in str(caught.value)
    assert "ACCOUNT:https://" in caught.value.hint


@pytest.mark.parametrize("uri", ["nonsense", "https://jo:pw@h/", "https://h/ x", "icloud:"])
def test_what_is_no_uri_is_said_so(uri):
    with pytest.raises(InvalidURI):
        accounts().reference(uri)


@pytest.mark.parametrize(
    ("uri", "hint"),
    [("iclod:DOC", "Did you mean icloud?"), ("zzzz:DOC", "Configure it, or install the plugin of that name.")],
)
def test_an_unknown_account_is_named_with_what_was_probably_meant(uri, hint):
    with pytest.raises(NoProvider, match="no account and no provider") as caught:
        accounts().reference(uri)
    assert caught.value.hint == hint


def test_every_provider_has_an_account_of_its_name_and_a_configured_one_comes_first():
    made = accounts([AccountEntry("icloud", "oracle", {}), AccountEntry("work", "oracle", {})])
    assert made.names() == ["icloud", "koodrive", "oracle", "web", "work"]
    assert (made.provider_of("icloud"), made.provider_of("koodrive")) == ("oracle", "koodrive")


def test_an_account_is_looked_up_once_and_is_the_same_for_everybody():
    described = []

    def describe(name):
        described.append(name)
        return PROVIDERS[name]

    made = accounts(describe=describe)
    found = []
    threads = [threading.Thread(target=lambda: found.append(made.get("icloud"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(account) for account in found}) == 1
    assert set(described) == {"icloud"}
    assert made.get("icloud") is found[0]


@pytest.mark.parametrize(
    ("host", "found"),
    [
        ("a.b.example", ["a.b.example", "*.b.example", "*.example"]),
        ("A.B.Example.", ["a.b.example", "*.b.example", "*.example"]),
        ("b.example", ["*.example"]),
        ("example", []),
        ("xb.example", ["*.example"]),
        ("", []),
    ],
)
def test_the_closest_claim_comes_first(host, found):
    entries = [Entry(name, "m") for name in ("*.example", "*.b.example", "a.b.example")]
    assert [entry.name for entry in claims(host, entries)] == found
