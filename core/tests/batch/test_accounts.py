"""Accounts whose credential ends, or is never had: renewed once for all, or the rest is left."""

import logging

from downspout._batch import Wanted
from downspout.errors import ConfigurationError
from downspout.hookspecs import hookimpl

from .rig import Bank, Depot, expected, failures, statuses, uris


def test_one_renewal_is_enough_for_all_workers(rig, caplog):
    caplog.set_level(logging.INFO)
    bank = rig.add(Bank(rig.server, batch_size=1))
    bank.wear = 40
    results = rig.run(uris(300, "bank"), jobs=16)
    assert statuses(results) == {"ok": 300}
    assert bank.issued == 2
    assert caplog.text.count("Renewing the credential of bank.") == 1
    assert rig.files() == expected(300)


def test_no_credential_is_asked_for_where_none_is_needed(rig):
    bank = rig.add(Bank(rig.server))
    rig.run(uris(3))
    assert bank.issued == 0


def test_an_account_that_nobody_signed_in_to_leaves_the_rest_and_says_what_to_do(rig):
    bank = rig.add(Bank(rig.server))
    bank.closed = True
    results = rig.run([*uris(250, "bank"), *uris(20, first=900)], ledger=rig.ledger)
    assert statuses(results) == {"ok": 20, "failed": 1, "left": 249}
    (error,) = failures(results).values()
    assert error.kind == "authentication"
    assert error.hint == "Run `downspout login bank`."
    assert {result.error for result in results if result.status == "left"} == {error}


def test_what_was_left_is_done_by_the_next_run(rig):
    bank = rig.add(Bank(rig.server))
    bank.closed = True
    rig.run(uris(5, "bank"), ledger=rig.ledger)
    bank.closed = False
    assert statuses(rig.run(uris(5, "bank"), ledger=rig.ledger)) == {"ok": 5}


def test_an_account_that_dies_half_way_keeps_what_is_down(rig):
    bank = rig.add(Bank(rig.server, batch_size=10))
    bank.wear = 3
    bank.before = lambda number: setattr(bank, "closed", True)
    results = rig.run(uris(100, "bank"), jobs=2)
    counts = statuses(results)
    assert 10 <= counts["ok"] <= 30
    assert len(rig.files()) == counts["ok"]
    assert counts["failed"] >= 1
    assert counts["left"] >= 60
    assert counts["ok"] + counts["failed"] + counts["left"] == 100


def test_what_equals_something_left_is_left_too(rig):
    bank = rig.add(Bank(rig.server))
    bank.closed = True
    results = rig.run(["bank:a", "bank:b", "bank:b"])
    assert statuses(results) == {"failed": 1, "left": 2}


def test_documents_that_come_after_the_account_died_are_left(rig):
    bank = rig.add(Bank(rig.server))
    bank.closed = True

    def late():
        yield "bank:a"
        while not bank.uses:
            pass
        yield from uris(150, "bank")

    results = rig.run(late())
    assert statuses(results) == {"failed": 1, "left": 150}


class Vault(Depot):
    """A depot whose streams want a credential, which nobody can give."""

    @hookimpl
    def authenticate(self, account, refused):
        raise ConfigurationError(f"The account {account.name} has no password.", hint="Set one.")

    @hookimpl
    def open_stream(self, link, credential, start, stop, etag, http):
        from downspout.errors import AuthenticationError

        raise AuthenticationError(f"{link.reference.shown}: who is asking?")


def test_a_credential_that_streams_lack_leaves_the_rest(rig):
    rig.add(Vault(rig.server, "vault"))
    results = rig.run([*uris(60, "vault"), *uris(5, first=900)], jobs=2)
    counts = statuses(results)
    assert counts["ok"] == 5
    assert 1 <= counts["failed"] <= 3
    assert {error.kind for error in failures(results).values()} == {"configuration"}


def test_accounts_fail_apart(rig):
    bank = rig.add(Bank(rig.server))
    bank.closed = True
    results = rig.run([*uris(5), *uris(5, "bank"), "nobody:x", Wanted("http://[broken")])
    assert statuses(results) == {"ok": 5, "failed": 3, "left": 4}
