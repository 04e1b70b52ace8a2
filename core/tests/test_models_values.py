"""The values that hooks are given and answer: checked at the door, frozen from there on."""

from datetime import UTC, datetime

import attrs
import pytest

from downspout import (
    Account,
    Child,
    Credential,
    Folder,
    Headers,
    Link,
    Progress,
    Provider,
    Reference,
    Secret,
    Setting,
)
from downspout._models import FrozenMapping
from downspout.errors import InvalidURI

REFERENCE = Reference("ab", "x")


def test_values_are_frozen():
    for value, name in (
        (Provider("ab", "A"), "name"),
        (Setting("a", "b"), "help"),
        (Account("ab", "ab"), "settings"),
        (REFERENCE, "document"),
        (Credential("ab", ()), "origins"),
        (Link(REFERENCE, "https://h/"), "url"),
        (Folder(()), "children"),
    ):
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(value, name, "other")


def test_mappings_given_to_a_value_are_copied_and_read_only():
    settings = {"endpoint": "https://h"}
    account = Account("ab", "ab", settings)
    settings["endpoint"] = "https://evil"
    assert account["endpoint"] == "https://h"
    with pytest.raises(TypeError):
        account.settings["endpoint"] = "https://evil"
    assert repr(account.settings) == "{'endpoint': 'https://h'}"
    assert list(FrozenMapping()) == []
    assert len(FrozenMapping({"a": 1})) == 1


@pytest.mark.parametrize(
    "make",
    [
        lambda: Provider("", "A"),
        lambda: Provider("ab", ""),
        lambda: Provider(None, "A"),
        lambda: Provider("ab", "A", batch_size="2"),
        lambda: Provider("ab", "A", batch_size=0),
        lambda: Provider("ab", "A", hook_version="1"),
        lambda: Setting("", "help"),
        lambda: Setting("name", 7),
        lambda: Link(REFERENCE, ""),
        lambda: Link(REFERENCE, "https://h/", size=-1),
        lambda: Link(REFERENCE, "https://h/", size="5"),
        lambda: Folder([("a", "ab:x")]),
        lambda: Folder([(7, REFERENCE)]),
        lambda: Credential("ab", ["nonsense"]),
    ],
)
def test_a_value_that_makes_no_sense_is_refused(make):
    with pytest.raises((TypeError, ValueError, InvalidURI)):
        make()


def test_a_setting_s_default_may_follow_the_others():
    region = Setting("region", "where", default="global")
    endpoint = Setting("endpoint", "by region", default=lambda values: f"https://{values['region']}.example")
    provider = Provider("ab", "A", [region, endpoint, Setting("token", "proof", secret=True)])
    assert provider.defaults({}) == {"region": "global", "endpoint": "https://global.example", "token": None}
    assert provider.defaults({"region": "china"})["endpoint"] == "https://china.example"
    assert provider.defaults({"endpoint": "https://mine"})["endpoint"] == "https://mine"
    assert "default='global'" in repr(region)
    assert "default=…" in repr(endpoint)


def test_progress_counts_bytes():
    assert Progress(REFERENCE, "downloading", done=7).bytes == 7


def test_an_account_gives_its_settings_as_text_and_flags():
    account = Account(
        "ab", "ab", {"token": Secret("t"), "none": Secret(""), "n": 5, "e": "", "yes": "On", "no": "off"}
    )
    assert [account.text(name) for name in ("token", "none", "n", "e", "missing")] == ["t", None, "5", None, None]
    assert [account.flag(name) for name in ("yes", "no", "missing")] == [True, False, False]
    with pytest.raises(KeyError):
        _ = account["missing"]


def test_an_account_has_the_origins_of_all_its_endpoints_and_of_nothing_else():
    account = Account(
        "ab",
        "ab",
        {
            "endpoint": "https://A.example/path",
            "token_endpoint": "https://b.example:8443",
            "empty_endpoint": "",
            "unset_endpoint": None,
            "endpoints": "https://c.example",
            "proxy": "http://d.example",
        },
    )
    assert account.origins == {"https://a.example", "https://b.example:8443"}


def test_a_credential_is_bound_to_origins():
    credential = Credential("ab", "https://H:443/path", {"token": Secret("t"), "kind": "bearer"})
    assert credential.origins == {"https://h"}
    assert [credential.reveal(name) for name in ("token", "kind", "missing")] == ["t", "bearer", ""]
    assert credential.reveal("missing", "other") == "other"


def test_a_link_shows_its_url_without_what_signs_it():
    link = Link(REFERENCE, "https://h/p?sig=s3cret", digests={"SHA-256": "ABC"}, expires_at=datetime.now(UTC))
    assert "s3cret" not in repr(link)
    assert link.url.endswith("s3cret")
    assert dict(link.digests) == {"sha256": "abc"}


def test_a_folder_takes_plain_tuples():
    folder = Folder([("a.txt", REFERENCE), ("sub/", REFERENCE, None, "v1"), Child("b", REFERENCE, 5)])
    assert [(child.is_folder, child.size, child.version) for child in folder.children] == [
        (False, None, None),
        (True, None, "v1"),
        (False, 5, None),
    ]


def test_header_fields_have_names_without_case_and_keep_repeated_ones():
    headers = Headers([("Set-Cookie", "a=1"), ("set-cookie", "b=2"), ("ETag", '"x"')])
    assert headers["SET-COOKIE"] == "a=1, b=2"
    assert headers.all("Set-Cookie") == ("a=1", "b=2")
    assert headers.all("missing") == ()
    assert (list(headers), len(headers), headers.get("missing")) == (["set-cookie", "etag"], 2, None)
