"""One credential for everybody: asked for when it is needed, renewed once, at most twice in a row."""

import threading
import time

import pytest

from downspout import Account, Credential, Secret
from downspout._access import Credentials, credentials
from downspout._accounts import FileStore, MemoryStore, marked
from downspout.errors import (
    AuthenticationError,
    ConfigurationError,
    PluginError,
    RateLimited,
    StorageError,
    Unavailable,
)

ACCOUNT = Account("work", "svc", {"username": "jo"})
REFUSED = AuthenticationError("The token has ended.")


def credential(name):
    return Credential("work", ["https://h"], {"token": Secret(name)})


class Service:
    """Stands for the plugin: gives one credential after the other, or raises."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    def __call__(self, refused, interaction):
        self.asked.append((refused and refused.reveal("token"), interaction))
        answer = self.answers.pop(0) if self.answers else credential(f"new{len(self.asked)}")
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def store():
    return MemoryStore()


def made(store, service, account=ACCOUNT):
    return Credentials(account, store, service)


def token(found):
    return found and found.reveal("token")


def test_nothing_is_asked_before_it_is_needed(store):
    service = Service()
    assert made(store, service).current() is None
    assert service.asked == []


def test_what_is_stored_is_used_and_looked_up_once(store):
    store.put("work", marked(credential("stored"), ACCOUNT))
    keeper = made(store, Service())
    found = keeper.current()
    assert token(found) == "stored"
    assert set(found.values) == {"token"}
    store.delete("work")
    assert keeper.current() is found


def test_many_threads_look_it_up_once():
    class Slow(MemoryStore):
        looked = 0

        def get(self, account):
            self.looked += 1
            time.sleep(0.1)  # the others come meanwhile
            return super().get(account)

    store, found = Slow(), []
    store.put("work", marked(credential("stored"), ACCOUNT))
    keeper = made(store, Service())
    threads = [threading.Thread(target=lambda: found.append(keeper.current())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (store.looked, len({id(each) for each in found}), token(found[0])) == (1, 1, "stored")


def test_what_is_stored_is_ignored_when_the_settings_changed(store):
    store.put("work", marked(credential("stored"), Account("work", "svc", {"username": "jill"})))
    service = Service()
    keeper = made(store, service)
    assert keeper.current() is None
    assert token(keeper.renew(None, REFUSED)) == "new1"
    assert "jill" in str(dict(store.get("work").values))  # only what was stored for these settings is replaced


def test_a_secret_in_the_environment_wins_over_the_store(store):
    store.put("work", marked(credential("stored"), Account("work", "svc", {"token": Secret("old")})))
    now = Account("work", "svc", {"token": Secret("new")})
    assert made(store, Service(), now).current() is None


def test_a_renewed_credential_is_stored_only_if_one_was(store):
    keeper = made(store, Service())
    keeper.renew(None, REFUSED)
    assert store.get("work") is None
    store.put("work", marked(credential("stored"), ACCOUNT))
    keeper = made(store, Service())
    found = keeper.renew(keeper.current(), REFUSED)
    assert token(store.get("work")) == token(found) == "new1"
    assert token(made(store, Service()).current()) == "new1"


def test_what_the_service_refused_is_shown_to_the_plugin(store):
    service = Service()
    keeper = made(store, service)
    first = keeper.renew(None, REFUSED)
    keeper.renew(first, REFUSED)
    assert service.asked == [(None, None), ("new1", None)]


def test_two_renewals_in_a_row_are_all(store):
    service = Service()
    keeper = made(store, service)
    found = keeper.renew(None, REFUSED)
    for _ in range(2):
        found = keeper.renew(found, REFUSED)
    with pytest.raises(AuthenticationError, match="The token has ended") as caught:
        keeper.renew(found, REFUSED)
    assert caught.value.hint == "Run `downspout login work`."
    assert keeper.dead is caught.value
    assert len(service.asked) == 3
    with pytest.raises(AuthenticationError):
        keeper.renew(found, REFUSED)
    assert len(service.asked) == 3


def test_a_success_in_between_starts_the_count_anew(store):
    service = Service()
    keeper = made(store, service)
    found = keeper.renew(None, REFUSED)
    for _ in range(5):
        found = keeper.renew(found, REFUSED)
        keeper.worked(found)
    assert len(service.asked) == 6
    for _ in range(2):
        found = keeper.renew(found, REFUSED)
        keeper.worked(credential("another"))
    with pytest.raises(AuthenticationError):
        keeper.renew(found, REFUSED)


def test_an_outage_of_the_service_is_no_refusal(store):
    down = Unavailable("Down.")
    service = Service(credential("a"), down, down, down, down, credential("b"))
    keeper = made(store, service)
    found = keeper.renew(None, REFUSED)
    for _ in range(4):
        with pytest.raises(Unavailable):
            keeper.renew(found, REFUSED)
        assert keeper.dead is None
    assert token(keeper.renew(found, REFUSED)) == "b"


@pytest.mark.parametrize(
    "error", [AuthenticationError("No.", hint="Ask."), ConfigurationError("No.", hint="Ask.")]
)
def test_what_cannot_be_had_is_asked_for_once_in_a_while(store, error, monkeypatch):
    service = Service(error)
    keeper = made(store, service)
    for _ in range(3):
        with pytest.raises(type(error), match="No") as caught:
            keeper.renew(None, REFUSED)
        assert (caught.value.hint, keeper.dead) == ("Ask.", error)
    assert len(service.asked) == 1
    monkeypatch.setattr(credentials, "_DEAD_SECONDS", 0.0)
    assert token(keeper.renew(None, REFUSED)) == "new2"
    assert keeper.dead is None


def test_an_account_without_a_way_to_sign_in_says_why_it_was_refused(store):
    service = Service()
    service.answers = [None]
    with pytest.raises(AuthenticationError, match="The token has ended"):
        made(store, service).renew(None, REFUSED)


@pytest.mark.parametrize(("retry_after", "left"), [(7.0, 7.0), (None, 1.0)])
def test_a_pause_between_sign_ins_is_kept(store, retry_after, left):
    service = Service(RateLimited("Slow down.", retry_after=retry_after))
    keeper = made(store, service)
    with pytest.raises(RateLimited):
        keeper.renew(None, REFUSED)
    with pytest.raises(RateLimited, match="Slow down") as caught:
        keeper.renew(None, REFUSED)
    assert left - 1 < caught.value.retry_after <= left
    assert len(service.asked) == 1


def test_a_pause_that_is_over_is_over(store):
    keeper = made(store, Service(RateLimited("Slow down.", retry_after=0.05)))
    with pytest.raises(RateLimited):
        keeper.renew(None, REFUSED)
    time.sleep(0.06)
    assert token(keeper.renew(None, REFUSED)) == "new2"


def test_a_broken_plugin_is_no_refusal(store):
    keeper = made(store, Service(PluginError("Broken.")))
    with pytest.raises(PluginError):
        keeper.renew(None, REFUSED)
    assert keeper.dead is None


# Several at once.


def test_sixteen_threads_renew_once(store):
    gate = threading.Barrier(16, timeout=10)
    asked = []

    def authenticate(refused, interaction):
        asked.append(refused)
        time.sleep(0.1)  # the others come meanwhile
        return credential(f"new{len(asked)}")

    keeper = made(store, authenticate)
    keeper.renew(None, REFUSED)
    found, tokens = keeper.current(), []

    def work():
        gate.wait()
        tokens.append(token(keeper.renew(found, REFUSED)))

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert tokens == ["new2"] * 16
    assert len(asked) == 2


def test_a_thread_that_comes_late_gets_what_the_others_have(store):
    keeper = made(store, Service())
    first = keeper.renew(None, REFUSED)
    second = keeper.renew(first, REFUSED)
    assert keeper.renew(first, REFUSED) is second
    assert keeper.renew(None, REFUSED) is second


def test_what_another_process_got_is_used(store):
    store.put("work", marked(credential("old"), ACCOUNT))
    service = Service()
    keeper = made(store, service)
    old = keeper.current()
    store.put("work", marked(credential("theirs"), ACCOUNT))
    assert token(keeper.renew(old, REFUSED)) == "theirs"
    assert service.asked == []
    assert token(keeper.renew(keeper.current(), REFUSED)) == "new1"


def test_what_somebody_signed_in_with_meanwhile_is_used(store):
    service = Service()
    keeper = made(store, service)
    assert keeper.current() is None
    store.put("work", marked(credential("theirs"), ACCOUNT))
    assert token(keeper.renew(None, REFUSED)) == "theirs"
    assert service.asked == []


def test_a_credential_that_cannot_be_stored_is_used_all_the_same(tmp_path, caplog):
    class Full(FileStore):
        def put(self, account, credential):
            raise StorageError("No space left on device.")

    FileStore(tmp_path).put("work", marked(credential("stored"), ACCOUNT))
    keeper = made(Full(tmp_path), Service())
    assert token(keeper.renew(keeper.current(), REFUSED)) == "new1"
    assert "could not be stored: No space left" in caplog.text
    assert "new1" not in caplog.text


# Signing in and out.


def test_signing_in_stores_and_revives(store):
    service = Service(AuthenticationError("No."))
    keeper = made(store, service)
    with pytest.raises(AuthenticationError):
        keeper.renew(None, REFUSED)
    somebody = object()
    assert token(keeper.log_in(somebody)) == "new2"
    assert service.asked[-1] == (None, somebody)
    assert (keeper.dead, token(keeper.current()), token(store.get("work"))) == (None, "new2", "new2")
    assert token(keeper.log_in(somebody)) == "new3"
    assert service.asked[-1] == ("new2", somebody)


def test_signing_in_shows_the_plugin_what_is_stored(store):
    store.put("work", marked(credential("stored"), ACCOUNT))
    service = Service()
    made(store, service).log_in(object())
    assert service.asked[0][0] == "stored"


@pytest.mark.parametrize("answer", [AuthenticationError("Wrong password."), Unavailable("Down."), None])
def test_signing_in_that_fails_changes_nothing(store, answer):
    store.put("work", marked(credential("stored"), ACCOUNT))
    service = Service()
    service.answers = [answer]
    keeper = made(store, service)
    with pytest.raises((AuthenticationError, Unavailable)):
        keeper.log_in(object())
    assert (token(keeper.current()), token(store.get("work"))) == ("stored", "stored")


def test_signing_out_forgets_everywhere(store):
    keeper = made(store, Service())
    keeper.log_in(object())
    keeper.forget()
    assert (keeper.current(), store.get("work")) == (None, None)
    keeper.forget()
    assert token(keeper.renew(None, REFUSED)) == "new2"


def test_a_damaged_store_is_said_so_and_can_be_left(tmp_path):
    (tmp_path / "work.json").write_text("{")
    (tmp_path / "work.json").chmod(0o600)
    keeper = made(FileStore(tmp_path), Service())
    with pytest.raises(ConfigurationError, match="is damaged"):
        keeper.current()
    keeper.forget()
    assert keeper.current() is None
