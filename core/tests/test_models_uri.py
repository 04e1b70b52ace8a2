"""URIs: what is written is what is read, and what is read is what was written (design section 2)."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from downspout import Reference, origin_of
from downspout._models import checked_url, is_url
from downspout.errors import InvalidURI

ACCOUNTS = st.from_regex(r"[a-z][a-z0-9+.-]{1,12}", fullmatch=True).filter(
    lambda name: name not in {"http", "https"}
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
NASTY = st.text(st.sampled_from(" %?#&=:/\\+;@\n\t\0\x85\u3000\xa0é中😀aHtTpPsS"), max_size=30)
WORDS = TEXT | NASTY
URLS = st.sampled_from(
    [
        "https://h/a b",
        "https://h",
        "HTTPS://H/%41?q=1#f",
        "http://h:99999/",
        "https://u:p@h/",
        "https://",
        "http://[::1]:80/x",
        "https://é.example/ü",
    ]
)


@given(
    ACCOUNTS,
    (WORDS | URLS).filter(bool),
    st.dictionaries(WORDS.filter(bool), WORDS, max_size=4),
)
@example("web", "https://host/path?x=%20#y", {})
@example("oracle", "https://host/path?x=1", {"version": "2"})
@example("ab", " ", {})
@example("ab", "https://a b", {})
@example("ab", "HTTP://", {})
def test_every_reference_is_read_back_from_its_uri(account, document, options):
    reference = Reference(account, document, options)
    assert Reference.parse(str(reference)) == reference
    assert Reference.parse(str(reference).strip()) == reference  # a shell, or a file of URIs, takes blanks off


@given(WORDS | st.builds("{}:{}".format, ACCOUNTS, WORDS | URLS))
def test_any_text_is_a_uri_that_reads_back_or_an_invalid_one(text):
    try:
        reference = Reference.parse(text)
    except InvalidURI:
        return
    assert Reference.parse(str(reference)) == reference
    assert reference.shown


@pytest.mark.parametrize(
    ("uri", "account", "document", "options"),
    [
        ("icloud:DOC", "icloud", "DOC", {}),
        ("Work:D34A?version=2", "work", "D34A", {"version": "2"}),
        ("koodrive:/a b/中文.pdf", "koodrive", "/a b/中文.pdf", {}),
        ("koodrive:100%25%3F%23", "koodrive", "100%?#", {}),
        ("a+b.c-1:x", "a+b.c-1", "x", {}),
        ("oracle:x?", "oracle", "x", {}),
        ("oracle:x?link", "oracle", "x", {"link": ""}),
        ("oracle:x?a=b=c&d%26=%3D", "oracle", "x", {"a": "b=c", "d&": "="}),
        ("ab:c:d", "ab", "c:d", {}),
        ("https://Host/%41?q=1#f", "web", "https://Host/%41?q=1#f", {}),
        ("work:HTTPS://Host/x", "work", "HTTPS://Host/x", {}),
        ("work:https%3A//host/x?version=2", "work", "https://host/x", {"version": "2"}),
    ],
)
def test_a_uri_is_taken_apart_as_the_design_says(uri, account, document, options):
    reference = Reference.parse(uri)
    assert (reference.account, reference.document, dict(reference.options)) == (account, document, options)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("report.pdf", "is no URI"),
        ("", "is no URI"),
        ("x:doc", "no account name"),
        ("http:doc", "no account name"),
        ("HTTPS:doc", "no account name"),
        ("1a:doc", "no account name"),
        ("a b:doc", "no account name"),
        ("ab\n:doc", "no account name"),
        ("ab:", "names no document"),
        ("ab:?x=1", "names no document"),
        ("ab:x#y", "has a '#' in it"),
        ("ab:x%", "begins no escape"),
        ("ab:%zz", "begins no escape"),
        ("ab:x?y=%4", "begins no escape"),
        ("ab:%ff", "no UTF-8"),
        ("ab:x?=1", "empty or there twice"),
        ("ab:x?a=1&a=2", "empty or there twice"),
        ("https:///path", "names no host"),
        ("https://host:port/", "is no URL"),
        ("https://host:99999/", "is no URL"),
        ("https://[::1/", "is no URL"),
        ("https://jo:pw@host/", "user name or password"),
        ("https://jo@host/", "user name or password"),
        ("https://host/a b", "blank or a control character"),
        ("https://host/\x7f", "blank or a control character"),
        ("web:https://host/\n", "blank or a control character"),
    ],
)
def test_what_is_no_uri_says_why(text, says):
    with pytest.raises(InvalidURI, match=says):
        Reference.parse(text)


def test_a_reference_refuses_what_no_uri_could_write():
    for document, options in (("\ud800", {}), ("x", {"\udfff": ""}), ("x", {"a": "\ud800"})):
        with pytest.raises(InvalidURI, match="no Unicode text"):
            Reference("ab", document, options)
    with pytest.raises(InvalidURI, match="option without a name"):
        Reference("ab", "x", {"": "1"})


def test_a_hint_is_no_part_of_the_identity_and_not_shown():
    bare, hinted = Reference("ab", "x"), Reference("ab", "x", hint="s3cret")
    assert bare == hinted
    assert hash(bare) == hash(hinted)
    assert "s3cret" not in repr(hinted) + str(hinted)


@pytest.mark.parametrize(
    ("reference", "shown"),
    [
        (Reference("web", "https://h/p?sig=s3cret&x=1#f"), "https://h/p?sig=…&x=…#…"),
        (Reference("work", "https://h/p?sig=s3cret"), "work:https://h/p?sig=…"),
        (
            Reference("work", "https://h/p?token=s3cret", {"version": "2"}),
            "work:https://h/p?token=… with version=2",
        ),
        (Reference("web", "https://h/p?token=s3cret", {"a": "b"}), "https://h/p?token=… with a=b"),
        (Reference("work", "a b?", {"version": "2"}), "work:a b%3F?version=2"),
    ],
)
def test_messages_show_a_uri_without_what_signs_it(reference, shown):
    assert reference.shown == shown


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://Host.Example/x?y", "https://host.example"),
        ("HTTPS://host:443", "https://host"),
        ("http://host:80/", "http://host"),
        ("http://host:443/", "http://host:443"),
        ("https://host:8443/", "https://host:8443"),
        ("https://u:p@host/", "https://host"),
        ("https://[2001:DB8::1]:8443/", "https://[2001:db8::1]:8443"),
        ("https://BÜCHER.example/", "https://xn--bcher-kva.example"),
    ],
)
def test_an_origin_is_scheme_host_and_port(url, origin):
    assert origin_of(url) == origin


@pytest.mark.parametrize(
    "url", ["ftp://host/", "host", "https://", "https://h:x/", "https://[1/", "", "https://ü" + "x" * 70 + "/"]
)
def test_what_has_no_origin_is_no_url(url):
    with pytest.raises(InvalidURI):
        origin_of(url)


@given(WORDS | URLS)
def test_a_checked_url_has_an_origin_and_is_unchanged(text):
    try:
        assert checked_url(text) == text
    except InvalidURI:
        return
    if is_url(text):
        try:
            assert origin_of(text).startswith(("http://", "https://"))
        except InvalidURI:
            assert not text.isascii()
