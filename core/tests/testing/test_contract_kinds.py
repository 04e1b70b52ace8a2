"""Providers of other kinds under the contract: public ones, slow ones, emulators that can do less."""

import itertools
import sys
from contextlib import contextmanager

import pytest

from downspout.testing import Chunked, CloseDelimited, Document, FakeService, ProviderContract
from downspout.testing._contract import mutating
from downspout.testing._contract.bench import Bench
from downspout.testing._contract.subject import Subject
from downspout.testing.contract import rules

PUBLIC = """
from urllib.parse import quote

from downspout import Child, Credential, Folder, Link, Provider, Reference, Secret, Setting
from downspout.errors import *
from downspout.hookspecs import hookimpl, one_by_one

provider = Provider("public", "Public", [Setting("endpoint", "address of the service")])


def where(account, reference, credential, http):
    return Link(reference, f"{account.text('endpoint')}/{quote(reference.document)}")


@hookimpl
@one_by_one
def resolve_link(account, reference, credential, http):
    return where(account, reference, credential, http) if account.provider == provider.name else None
"""
SIGNED = (
    PUBLIC
    + """

@hookimpl
def authenticate(account, refused, interaction):
    if account.provider != provider.name:
        return None
    return signed(account, refused, interaction)


def signed(account, refused, interaction):
    return Credential(account.name, account.origins, {"token": Secret("the-only-token")})


def where(account, reference, credential, http):
    if credential is None:
        raise AuthenticationError("Nobody has signed in.")
    url = f"{account.text('endpoint')}/{quote(reference.document)}"
    answer = http.request("HEAD", url, headers={"Authorization": credential.reveal("token")})
    if not answer.ok:
        raise answer.error(reference.shown)
    return Link(reference, url)
"""
)
SIZES = {"small": 1000, "other": 1000, "tiny": 2, "large": 5 << 20}
_numbers = itertools.count()


@pytest.fixture
def contract(tmp_path, monkeypatch):
    """Make a contract for a provider of this source, with a service that has documents and nothing else."""
    made = []

    def make(source=PUBLIC, **more):
        name = f"public_provider_{next(_numbers)}"
        (tmp_path / f"{name}.py").write_text(source, "utf-8")
        monkeypatch.syspath_prepend(tmp_path)

        class Contract(ProviderContract):
            plugin = name
            document, missing = "public:small", "public:missing"
            skip = {"outlives-its-link": "Its links are addresses that do not change."}  # noqa: RUF012

            @contextmanager
            def emulator(self):
                with FakeService() as self.service:
                    for document, size in SIZES.items():
                        content = document.encode() * size
                        self.service.documents[f"/{document}"] = Document(content[:size], etag=f'"{document}"')
                    yield {"endpoint": self.service.origin}

        for attribute, value in more.items():
            setattr(Contract, attribute, value)
        Contract.setup_class()
        made.append(Contract)
        return Contract

    yield make
    for each in made:
        each.teardown_class()
        sys.modules.pop(each.plugin, None)


def score(contract, name):
    return contract.score(next(rule for rule in rules() if rule.name == name))


def test_a_public_provider_of_one_function_is_right(contract):
    card = contract().card()
    assert card.passed, card.as_text()
    assert {each.rule for each in card.scores if each.verdict == "untried"} == {
        "entry-points",
        "asks-nobody",
        "forbidden-is-told",
        "folders-unfold",
        "makes-credentials",
        "renews",
        "renews-once",
        "bears-malformed-answers",
    }
    notes = {each.rule: each.details for each in card.scores}
    assert notes["describes-the-document"] == ("The service tells no name and no size and no version.",)
    assert notes["spares-neighbours"] == ("Its batch_size is 1: nobody has neighbours.",)


@pytest.mark.parametrize(("how", "notes"), [(CloseDelimited(), 1), (Chunked(), 1), (None, 0)])
def test_bytes_that_nothing_vouches_for_are_noted(contract, how, notes):
    made = contract()
    score(made, "forbidden-is-told")  # starts the service
    made._bench.case.service.script("/small", [how], repeat_last=True)
    found = score(made, "brings-it-down")
    assert (found.verdict, len(found.details)) == ("kept", notes)


def refusing_to_renew(error):
    head = "def signed(account, refused, interaction):"
    return SIGNED.replace(head, f"{head}\n    if refused:\n        raise {error}")


def test_a_provider_with_one_token_for_ever_says_so_and_is_told_that_it_cannot_renew(contract):
    made = contract(refusing_to_renew("AuthenticationError('It is over.', hint='Buy another one.')"))
    assert score(made, "renews").verdict == "kept"
    assert "AuthenticationError: It is over" in score(made, "renews-once").details[0]


def test_a_provider_that_cannot_renew_right_now_is_right(contract):
    assert score(contract(refusing_to_renew("RateLimited('Later.')")), "renews").verdict == "kept"


def test_a_provider_that_signs_in_anew_is_renewed_by_default_too(contract):
    source = SIGNED.replace('"the-only-token"', "__import__('secrets').token_hex()")
    assert score(contract(source), "renews-once").verdict == "kept"


def test_a_token_that_the_account_itself_holds_cannot_be_let_expire(contract):
    source = SIGNED.replace(
        '"address of the service")', '"address of the service"), Setting("token", "a token", secret=True)'
    )
    source = source.replace('"the-only-token"', "account.text('token') or 'none at all'")
    made = contract(source)
    made.emulator = with_settings(made.emulator, token="a-token-for-ever")
    assert "override `expire_credential`" in score(made, "renews-once").details[0]


def with_settings(emulator, **settings):
    @contextmanager
    def more(self):
        with emulator(self) as found:
            yield {**found, **settings}

    return more


def test_values_of_credentials_are_texts(contract):
    source = SIGNED.replace('Secret("the-only-token")', "7")
    assert "neither text nor Secret" in score(contract(source), "makes-credentials").details[0]


def test_somebody_who_answers_is_not_asked_for_ever(contract):
    head = "def signed(account, refused, interaction):"
    greeting = "    if interaction:\n        interaction.tell('Hello.')"
    asking = "    while interaction:\n        interaction.choose('Which?', ['a'])"
    made = contract(SIGNED.replace(head, f"{head}\n{greeting}\n{asking}"))
    assert score(made, "prompts-nobody").verdict == "kept"


@pytest.mark.parametrize("name", ["goes-on", "outlives-its-link"])
def test_a_document_of_two_bytes_cannot_break_off(contract, name):
    assert "too small" in score(contract(document="public:tiny", skip={}), name).details[0]


def test_a_large_document_is_none_to_try_ranges_on(contract):
    assert "give a small one" in score(contract(document="public:large"), "says-where-it-starts").details[0]


def test_a_link_that_is_said_to_have_died_and_lives_is_told(contract):
    made = contract(document="public:large", skip={}, expire_link=lambda self: None)
    assert score(made, "outlives-its-link").details == ("its link died, and no new one was asked for",)


def test_a_link_that_is_refused_for_ever_is_told(contract):
    assert "the download fails" in score(contract(skip={}), "outlives-its-link").details[0]


def test_other_bytes_after_an_interruption_are_told(contract):
    opening = """

@hookimpl
def open_stream(account, link, start, stop, etag, http):
    if account.provider != provider.name:
        return None
    return http.open("GET", link.url.replace("small", "other") if start else link.url, start=start, stop=stop)
"""
    made = contract(PUBLIC + opening)
    inner = made.emulator

    @contextmanager
    def emulator(self):
        with inner(self) as settings:
            for name in ("small", "other"):
                document = self.service.documents[f"/{name}"]
                self.service.documents[f"/{name}"] = Document(document.content, etag='"same"')
            yield settings

    made.emulator = emulator
    assert score(made, "goes-on").details == ("other bytes came than without an interruption",)


def test_a_stream_that_does_not_say_where_it_starts_is_begun_again(contract):
    opening = """

@hookimpl
def open_stream(account, link, http):
    if account.provider != provider.name:
        return None
    stream = http.open("GET", link.url)
    stream.start = None
    return stream
"""
    assert score(contract(PUBLIC + opening), "says-where-it-starts").verdict == "kept"


def test_an_answer_that_takes_long_is_told(contract, monkeypatch):
    monkeypatch.setattr(mutating, "_MOST_SECONDS", -1.0)
    source = PUBLIC.replace(
        "    return Link(",
        "    http.request('GET', f\"{account.text('endpoint')}/json\").json()\n    return Link(",
    )
    made = contract(source, changes=3)
    made.emulator = with_json(made.emulator)
    assert "resolve_link takes" in score(made, "bears-malformed-answers").details[0]


def with_json(emulator):
    @contextmanager
    def more(self):
        with emulator(self) as found:
            self.service.get("/json")(lambda request: {"a": 1})
            yield found

    return more


def test_a_header_that_the_core_let_through_would_be_seen(contract, monkeypatch):
    monkeypatch.setattr("downspout._http.client.bare", dict)  # as if nothing were taken out
    details = score(contract(SIGNED), "takes-nothing-along").details
    assert "the stranger gets the header authorization" in details
    assert "the stranger gets a secret" in details


def test_what_comes_of_a_document_that_opens_is_told(contract):
    assert "a Link, not NotFound" in score(contract(missing="public:other"), "missing-is-not-found").details[0]


def test_a_document_that_is_not_there_is_told_wherever_it_is_needed(contract):
    made = contract(SIGNED, document="public:missing")
    assert "instead of a link" in score(made, "tells-trouble").details[0]
    assert score(made, "prompts-nobody").verdict == "kept"


def test_a_sign_in_that_believes_nothing_may_go_on(contract):
    asking = "    http.request('GET', f\"{account.text('endpoint')}/small\")\n    return signed("
    source = SIGNED.replace("interaction):\n    if", "interaction, http):\n    if").replace(
        "    return signed(", asking
    )
    details = score(contract(source), "bears-nonsense").details
    assert details  # a link is made of anything
    assert not [detail for detail in details if "authenticate" in detail]


def test_a_hook_that_does_not_end_is_left_alone(contract):
    source = PUBLIC.replace("    return Link(", "    __import__('time').sleep(2)\n    return Link(")
    made = contract(source)
    with Bench.started(made(), Subject.of(made.plugin)) as bench:
        answered = bench.ask([bench.document], None, limit=0.1)
        assert answered.breaches == ("resolve_link does not answer within 0.1 s",)


def test_a_contract_that_could_not_be_set_up_notes_nothing():
    class Unready(ProviderContract):
        pass

    assert Unready.test_it_renews.contract_note(Unready) == []
