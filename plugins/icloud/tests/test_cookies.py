"""Cookies: kept as they came, taken away when they end, and never able to break a header."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from downspout import Headers
from downspout_icloud._cookies import header, received, updated

NOW = datetime(2026, 11, 25, tzinfo=UTC)


def set_cookies(*fields: str) -> Headers:
    return Headers([("Set-Cookie", field) for field in fields])


def test_values_keep_their_quotes():
    cookies = updated(
        {}, set_cookies('A="v=1:t=Cw==BST~~";Path=/;Domain=.icloud.com;Secure;HttpOnly', "B=plain"), NOW
    )
    assert cookies == {"A": '"v=1:t=Cw==BST~~"', "B": "plain"}
    assert header(cookies) == 'A="v=1:t=Cw==BST~~"; B=plain'


@pytest.mark.parametrize(
    "field", ["A=", 'A=""', "A=x; Max-Age=0", "A=x; Max-Age=-5", "A=x; Expires=Thu, 01 Jan 1970 00:00:00 GMT"]
)
def test_a_cookie_is_taken_away(field):
    assert updated({"A": "old", "B": "kept"}, set_cookies(field), NOW) == {"B": "kept"}


@pytest.mark.parametrize(
    ("attributes", "end"),
    [
        ("", None),
        ("; Max-Age=60", NOW + timedelta(minutes=1)),
        ("; Expires=Wed, 25 Nov 2026 01:00:00 GMT", NOW + timedelta(hours=1)),
        ("; Expires=Wed, 25-Nov-2026 01:00:00 GMT; max-age=60", NOW + timedelta(minutes=1)),
        ("; Expires=soon", None),
        ("; Max-Age=soon", None),
    ],
)
def test_a_cookie_says_when_it_ends(attributes, end):
    (cookie,) = received(set_cookies(f"A=x{attributes}"), NOW)
    assert cookie.expires_at == end


def test_no_answer_fills_the_jar():
    cookies = updated({"A": "first"}, set_cookies(*(f"C{number}=x" for number in range(500))), NOW)
    assert len(cookies) == 64


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=80) | st.from_regex(r"[A-Za-z]+=[^;]*(; *[A-Za-z-]+=[^;]*)*"), max_size=5))
def test_whatever_is_set_can_be_sent(fields):
    text = header(updated({}, set_cookies(*fields), NOW))
    assert text.isascii()
    assert text == "" or text.isprintable()
    assert ";;" not in text
