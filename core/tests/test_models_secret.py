"""A secret shows itself nowhere, and never travels."""

import copy
import json
import logging
import pickle
import traceback

import attrs
import pytest

from downspout import Account, Client, Credential, Secret
from downspout._access import Credentials
from downspout._accounts import MemoryStore

PASSWORD = "correct horse battery"


def holders():
    secret = Secret(PASSWORD)
    credential = Credential("work", {"https://h"}, {"token": secret, "cookie": PASSWORD})
    account = Account("work", "svc", {"password": secret})
    keeper = Credentials(account, MemoryStore(), lambda refused, interaction: credential)
    keeper.log_in(None)
    return {"secret": secret, "credential": credential, "account": account, "keeper": keeper}


@pytest.mark.parametrize("name", holders())
def test_a_secret_is_masked_wherever_it_is_shown(name, caplog):
    value = holders()[name]
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("test").debug("%s %r", value, value)
    shown = [repr(value), str(value), f"{value}", "%s" % (value,), f"{value!a}", repr([value]), caplog.text]  # noqa: UP031
    assert not [text for text in shown if PASSWORD in text]
    if attrs.has(type(value)):
        assert "token" not in str(value) or PASSWORD not in str(attrs.asdict(value, recurse=False).get("token"))


def test_a_traceback_with_its_variables_shows_no_secret():
    def fails(secret, credential):
        raise ValueError("it failed")

    try:
        fails(Secret(PASSWORD), holders()["credential"])
    except ValueError as exc:
        shown = "".join(traceback.TracebackException.from_exception(exc, capture_locals=True).format())
    assert "secret = Secret('***')" in shown
    assert PASSWORD not in shown


def test_a_secret_is_not_written_as_json():
    with pytest.raises(TypeError):
        json.dumps({"token": Secret(PASSWORD)})


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_secret_credential_and_client_are_never_pickled(protocol):
    with Client() as client:
        values = [Secret(PASSWORD), holders()["credential"], client]
        for value in [*values, holders()["account"]] if protocol >= 2 else values:
            with pytest.raises(TypeError, match="never pickled") as caught:
                pickle.dumps(value, protocol)
            assert "build its own Client" in str(caught.value)


def test_a_copy_of_a_secret_is_the_secret():
    secret = Secret(PASSWORD)
    assert copy.copy(secret) is secret
    assert copy.deepcopy({"token": secret})["token"] is secret


def test_secrets_compare_by_what_they_hold():
    assert Secret("a") == Secret("a")
    assert hash(Secret("a")) == hash(Secret("a"))
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert (bool(Secret("")), bool(Secret("x"))) == (False, True)


def test_a_secret_has_no_place_to_look_into():
    with pytest.raises(TypeError):
        vars(Secret(PASSWORD))
