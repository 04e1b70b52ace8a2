"""A stored credential is ignored when the settings that made it have changed."""

import pytest

from downspout import Account, Credential, Secret
from downspout._accounts import marked, still_right, unmarked
from downspout._accounts.fingerprint import KEY
from downspout._accounts.secrets import DeferredSecret

CREDENTIAL = Credential("work", {"https://h"}, {"token": Secret("t")})


def account(**settings):
    return Account("work", "svc", {"username": "jo", "endpoint": "https://h", **settings})


BEFORE = account(password=Secret("p"), region=None, empty="")


def test_a_mark_comes_off_again_and_holds_no_secret():
    credential = marked(CREDENTIAL, account(password=Secret("correct horse")))
    assert "correct horse" not in credential.values[KEY]
    assert "username" in credential.values[KEY]
    assert unmarked(credential) == CREDENTIAL
    assert marked(CREDENTIAL, BEFORE).values[KEY] != marked(CREDENTIAL, BEFORE).values[KEY]  # salted


@pytest.mark.parametrize(
    ("now", "right"),
    [
        (account(password=Secret("p")), True),
        (account(password=Secret("q")), False),
        (account(password=None), True),
        (account(password=Secret("p"), token=Secret("t")), False),
        (account(password=Secret("p"), username="jill"), False),
        (account(password=Secret("p"), username=None), False),
        (account(password=Secret("p"), endpoint="https://other"), False),
        (account(password=Secret("p"), region="china"), False),
        (account(password=Secret("p"), region="", empty=None), True),
        (account(password=Secret("p"), allow_http=True, allow_private=True, ca_bundle="x", proxy="y"), True),
        (account(password=Secret("p"), language="ko", trace_id="1"), True),
        (account(password=DeferredSecret(lambda: pytest.fail("it was fetched"))), True),
    ],
)
def test_a_stored_credential_holds_for_the_settings_that_made_it(now, right):
    assert still_right(marked(CREDENTIAL, BEFORE), now) is right


def test_what_was_stored_without_a_mark_holds():
    assert still_right(CREDENTIAL, account())


@pytest.mark.parametrize(
    "note",
    ["", "{", "[]", "null", '{"salt": "x"}', '{"salt": "x", "settings": 7}', '{"salt": "x", "settings": ["ab"]}'],
)
def test_a_mark_that_makes_no_sense_holds_for_nothing(note):
    credential = Credential("work", {"https://h"}, {KEY: note})
    assert not still_right(credential, account())
