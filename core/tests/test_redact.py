"""No message shows what signs a URL or proves who is asking."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from downspout._redact import MASK, redact, redact_url

SECRET = "s3cretS3CRET"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("nothing here", "nothing here"),
        ("https://h/p/q", "https://h/p/q"),
        (f"https://h/p?sig={SECRET}&x=1", "https://h/p?sig=…&x=…"),
        (f"https://h/p?{SECRET}", "https://h/p?…"),
        (f"https://h/p?a=1&{SECRET}", "https://h/p?a=…&…"),
        (f"https://h/p?{'n' * 65}={SECRET}", "https://h/p?…"),
        (f"https://h/p#{SECRET}", "https://h/p#…"),
        (f"https://h/p?a=1;{SECRET}", "https://h/p?a=…;…"),
        (f"https://jo:{SECRET}@h/p", "https://…@h/p"),
        (f"https://jo:a@{SECRET}@h/p", "https://…@h/p"),
        (f"'https://h/p?a={SECRET}' is no URL.", "'https://h/p?a=…' is no URL."),
        (f"https://h/?name='a'&sig={SECRET}", "https://h/?name=…&sig=…"),
        (f'<a href="https://h/?sig={SECRET}">', '<a href="https://h/?sig=…">'),
        (f"https://h/a b?X-Amz-Signature={SECRET}", "https://h/a b?X-Amz-Signature=…"),
        (f"Authorization: Bearer {SECRET}", "Authorization: Bearer …"),
        (f"Bearer+{SECRET}", "Bearer+…"),
        (f"esignon {SECRET}", "esignon …"),
        (f"password={SECRET}", "password=…"),
        (f"HTTPS://h/?token={SECRET}", "HTTPS://h/?token=…"),
        (f"xhttps://h/?token={SECRET}", "xhttps://h/?token=…"),
    ],
)
def test_what_signs_a_url_is_not_shown(text, shown):
    assert redact(text) == shown


def test_known_secrets_are_masked_wherever_they_stand_but_not_short_ones():
    assert redact(f"the code {SECRET} and abc", [SECRET, "abc", ""]) == f"the code {MASK} and abc"


PART = st.text("abcXYZ019-._~!$()*,%+/:@'", max_size=8)
SEPARATED = st.lists(st.tuples(st.text("abcn-_.", max_size=8), st.sampled_from("=&;?"), PART), max_size=5)


@given(
    PART, SEPARATED, st.sampled_from(["value", "userinfo", "fragment", "bare"]), st.sampled_from([" ", ", ", "'."])
)
def test_no_query_value_user_or_fragment_of_any_url_survives(path, pairs, place, after):
    query = "".join(f"{name}{mark}{value}" for name, mark, value in pairs)
    url = {
        "value": f"https://host/{path}?{query}&k={SECRET}",
        "bare": f"https://host/{path}?{query}&{SECRET}",
        "userinfo": f"https://jo:{SECRET}@host/{path}?{query}",
        "fragment": f"https://host/{path}?{query}#{SECRET}",
    }[place]
    assert SECRET not in redact_url(url)
    assert SECRET not in redact(f"It failed: {url}{after}")


@given(st.text(max_size=200))
def test_redacting_twice_is_redacting_once(text):
    once = redact(text)
    assert redact(once) == once
