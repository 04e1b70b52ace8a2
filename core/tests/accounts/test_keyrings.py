"""Credentials in a keyring: an in-memory one here, with the manners of the real ones."""

import sys
import threading
import time

import pytest

from downspout import Credential, Secret
from downspout._accounts import UserStore
from downspout._accounts.keyrings import usable_backend
from downspout.errors import ConfigurationError


class Ring:
    """A keyring that keeps its entries in a dictionary, and takes no more than Windows does."""

    priority = 1

    def __init__(self):
        self.entries = {}
        self.broken = False

    def get_password(self, service, name):
        if self.broken:
            raise RuntimeError("locked")
        return self.entries.get((service, name))

    def set_password(self, service, name, value):
        if self.broken or len(value.encode("utf-16-le")) > 2560:
            raise RuntimeError("too long, or locked")
        self.entries[service, name] = value

    def delete_password(self, service, name):
        del self.entries[service, name]


CREDENTIAL = Credential("work", {"https://a.example"}, {"token": Secret("hush" * 800), "note": "n"})


@pytest.fixture
def ring():
    return Ring()


@pytest.fixture
def store(tmp_path, ring):
    return UserStore(tmp_path / "state", lambda: ring)


def test_a_long_credential_comes_back_from_the_keyring_whole(store, ring, tmp_path):
    store.put("work", CREDENTIAL)
    assert store.get("work") == CREDENTIAL
    assert len(ring.entries) > 2
    for file in (tmp_path / "state").iterdir():
        assert b"hush" not in file.read_bytes()


def test_a_shorter_credential_takes_the_place_of_a_longer_one(store):
    store.put("work", CREDENTIAL)
    short = Credential("work", {"https://a.example"}, {"token": Secret("new")})
    store.put("work", short)
    assert store.get("work") == short


def test_forgetting_leaves_nothing_behind(store, ring):
    store.put("work", CREDENTIAL)
    store.delete("work")
    assert ring.entries == {}
    assert store.get("work") is None


def test_without_a_keyring_there_are_files(tmp_path):
    store = UserStore(tmp_path, lambda: None)
    store.put("work", CREDENTIAL)
    assert store.get("work") == CREDENTIAL
    assert (tmp_path / "work.json").stat().st_mode & 0o777 == 0o600


def test_a_keyring_that_takes_nothing_costs_nothing(store, ring):
    ring.broken = True
    store.put("work", CREDENTIAL)
    assert store.get("work") == CREDENTIAL


def test_a_keyring_that_went_away_is_said_with_what_to_do(store, tmp_path):
    store.put("work", CREDENTIAL)
    later = UserStore(tmp_path / "state", lambda: None)
    with pytest.raises(ConfigurationError, match="does not answer") as caught:
        later.get("work")
    assert "downspout login work" in caught.value.hint


def test_an_account_that_never_signed_in_does_not_wake_the_keyring(tmp_path):
    def woken():
        raise AssertionError("the keyring was asked")

    assert UserStore(tmp_path, woken).get("work") is None


def test_a_damaged_head_is_no_credential(store, ring):
    store.put("work", CREDENTIAL)
    for nonsense in ("", "[]", '{"pieces": -1}', '{"pieces": 100000}', '{"pieces": "2"}'):
        ring.entries["downspout", "work"] = nonsense
        assert store.get("work") is None


def test_a_backend_that_hangs_is_not_waited_for(monkeypatch):
    keyring = pytest.importorskip("keyring")

    over = threading.Event()

    class Hanging(Ring):
        def get_password(self, service, name):
            over.wait(30)

    monkeypatch.setattr("downspout._accounts.keyrings._PROBE_SECONDS", 0.1)
    monkeypatch.setattr(keyring, "get_keyring", Hanging)
    begun = time.monotonic()
    assert usable_backend() is None
    assert time.monotonic() - begun < 5
    over.set()


def test_a_backend_that_works_is_used_and_one_that_never_does_is_not(monkeypatch):
    keyring = pytest.importorskip("keyring")
    null = pytest.importorskip("keyring.backends.null")
    monkeypatch.setattr(keyring, "get_keyring", Ring)
    assert isinstance(usable_backend(), Ring)
    monkeypatch.setattr(keyring, "get_keyring", null.Keyring)
    assert usable_backend() is None


def test_a_credential_that_is_too_long_for_a_keyring_goes_to_a_file(store, ring, tmp_path, caplog):
    huge = Credential("work", {"https://a.example"}, {"token": Secret("hush" * 60_000)})
    store.put("work", huge)
    assert store.get("work") == huge
    assert ring.entries == {}
    assert (tmp_path / "state" / "work.json").exists()
    assert "too long for a keyring" in caplog.text


def test_one_at_a_time_holds_an_account(store):
    with store.lock("work"):
        pass


def test_forgetting_what_is_in_a_keyring_that_went_away(store, tmp_path):
    store.put("work", CREDENTIAL)
    UserStore(tmp_path / "state", lambda: None).delete("work")
    assert UserStore(tmp_path / "state", lambda: None).get("work") is None
    store.delete("work")


def test_without_the_extra_there_is_no_keyring(monkeypatch):
    monkeypatch.setitem(sys.modules, "keyring", None)
    assert usable_backend() is None
