"""The part of the contract that needs no service, and how a contract is set up."""

import subprocess
import sys
import time
import unittest
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace

import pytest

import downspout._web
from downspout import Provider, Setting, hookimpl
from downspout._plugins.entries import Entries, Entry
from downspout.errors import NoProvider
from downspout.testing import ProviderContract, check_offline
from downspout.testing._contract import importing
from downspout.testing._contract.subject import NoNetwork, Subject
from downspout.testing.contract import rules
from downspout.testing.contract import test_name as name_of_test


def rule(name):
    return next(each for each in rules() if each.name == name)


def verdicts(card):
    return {score.rule: score.verdict for score in card.scores}


class Plugin:
    """A provider that is an object: it answers nothing, but rightly."""

    __name__ = "plugin"
    provider = Provider("plain", "Plain")

    @hookimpl
    def resolve_link(self, account, references):
        return [] if account.provider == "plain" else None


def test_a_module_a_name_and_an_installed_provider_are_checked_alike():
    cards = [check_offline(each) for each in ("web", "downspout._web", downspout._web)]
    assert [card.title for card in cards] == ["any https or http URL"] * 3
    assert verdicts(cards[0]) == verdicts(cards[1]) == verdicts(cards[2])


def test_every_rule_that_needs_no_service_is_on_the_card():
    assert list(verdicts(check_offline("web"))) == [each.name for each in rules() if each.offline]


@pytest.mark.parametrize("name", ["no-such-provider", "no_such_package.inside", "", "."])
def test_what_is_not_there_is_told(name):
    with pytest.raises(NoProvider, match="no provider and no module"):
        check_offline(name)


@pytest.mark.parametrize(
    "source", ["raise SystemExit(3)", "import no_such_module_anywhere", "1/0", "raise BaseException('no')", "("]
)
def test_a_module_that_does_not_import_is_broken_and_ends_nothing(source, tmp_path, monkeypatch):
    (tmp_path / "broken_plugin.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "broken_plugin", raising=False)
    card = check_offline("broken_plugin")
    assert not card.passed
    assert "does not import" in card.scores[0].details[0]
    assert card.title == "cannot be used"


def test_a_package_that_trips_over_itself_is_broken(tmp_path, monkeypatch):
    (tmp_path / "tripping").mkdir()
    (tmp_path / "tripping" / "__init__.py").write_text("1/0")
    monkeypatch.syspath_prepend(tmp_path)
    assert "ZeroDivisionError" in check_offline("tripping.inside").scores[0].details[0]


def test_what_is_no_plugin_at_all_is_told():
    card = check_offline(object())
    assert (card.provider, card.title, card.passed) == ("object", "cannot be used", False)


def test_an_interrupt_is_no_matter_of_the_plugin(tmp_path, monkeypatch):
    (tmp_path / "interrupted_plugin.py").write_text("raise KeyboardInterrupt")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        check_offline("interrupted_plugin")


def test_an_object_that_is_no_module_is_checked_as_far_as_that_goes():
    found = verdicts(check_offline(Plugin()))
    assert found["describes-itself"] == "kept"
    assert found["imports-quietly"] == found["entry-points"] == found["asks-nobody"] == "untried"
    assert found["bears-any-text"] == "broken"  # it leaves the references out


def test_a_plugin_without_hooks_breaks_one_rule_and_leaves_the_others_untried():
    found = verdicts(check_offline(SimpleNamespace(provider=Provider("bare", "Bare"))))
    assert [name for name, verdict in found.items() if verdict == "broken"] == ["hooks-fit"]


def test_a_generator_is_no_hook():
    module = ModuleType("generating")
    module.provider = Provider("generating", "Generating")

    @hookimpl
    def resolve_link(account):
        yield

    module.resolve_link = resolve_link
    details = rule("hooks-fit").score(Subject("generating", module), {}).details
    assert any("generator" in detail for detail in details)


def test_hooks_that_wait_for_ever_are_given_up(monkeypatch):
    monkeypatch.setattr("downspout.testing._contract.subject.CALL_LIMIT", 0.1)

    class Waiting(Plugin):
        @hookimpl
        def authenticate(self, account):
            time.sleep(0.3)

        @hookimpl
        def resolve_link(self, account):
            time.sleep(0.3)

    card = check_offline(Waiting())
    details = {score.rule: score.details for score in card.scores if score.verdict == "broken"}
    assert set(details) == {"leaves-others-alone", "bears-any-text", "asks-nobody"}
    for found in details.values():
        assert all("does not answer within 0.1 s" in detail for detail in found)


def in_a_new_interpreter(code):
    command = [sys.executable, "-c", f"import sys\n{code}"]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_nothing_here_needs_pytest_or_trustme():
    ended = in_a_new_interpreter(
        "sys.modules.update(pytest=None, trustme=None)\n"
        "from downspout.testing import FakeService, ProviderContract, check_offline\n"
        "print(check_offline('web').summary)"
    )
    assert "rules kept" in ended.stdout, ended.stderr


def test_importing_the_package_loads_nothing_until_a_name_is_used():
    ended = in_a_new_interpreter(
        "import downspout.testing\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules} - sys.stdlib_module_names))\n"
        "print(sorted(name for name in sys.modules if name.startswith('downspout')))"
    )
    others, own = ended.stdout.splitlines()
    assert own == "['downspout', 'downspout.testing']", ended.stderr
    assert not {"attrs", "attr", "pluggy", "urllib3", "pytest", "msgspec"} & set(others[2:-2].split("', '"))


# Entry points.


def subject(*providers, hosts=()):
    installed = Entries(tuple(providers), tuple(Entry(host, "downspout._web") for host in hosts))
    return Subject("web", downspout._web, None, installed)


def test_an_entry_point_of_another_name_is_told():
    score = rule("entry-points").score(subject(Entry("wob", "downspout._web", "a")), {})
    assert score.details == ("the entry point is called wob, the provider web",)


def test_a_name_that_two_distributions_offer_is_told():
    score = rule("entry-points").score(
        subject(Entry("web", "downspout._web", "a"), Entry("web", "other", "b")), {}
    )
    assert score.details == ("a, b offer it, so none of them is used",)


@pytest.mark.parametrize(
    ("host", "verdict"),
    [
        ("www.shelf.example", "kept"),
        ("*.shelf.example", "kept"),
        ("shelf.example", "kept"),
        ("xn--bcher-kva.example", "kept"),
        ("*", "broken"),
        ("*.com", "broken"),
        ("shelf", "broken"),
        ("*.*.example", "broken"),
        ("https://shelf.example", "broken"),
        ("shelf.example/papers", "broken"),
        ("shelf..example", "broken"),
        ("-shelf.example", "broken"),
        ("127.0.0.1", "broken"),
    ],
)
def test_claims_are_of_whole_hosts(host, verdict):
    own = Entry("web", "downspout._web", "a")
    others = Entries(hosts=(Entry("*", "somebody.else"),))
    found = subject(own, hosts=[host])
    found = Subject(found.name, found.module, None, found.installed + others)
    assert rule("entry-points").score(found, {}).verdict == verdict


def test_there_is_no_network_offline():
    http = NoNetwork()
    for call in (http.request, http.open):
        with pytest.raises(Exception, match="no network"):
            call("GET", "https://shelf.example")
    assert http.asked == ["https://shelf.example"] * 2
    assert http.now().tzinfo is not None


# Importing.


def test_a_module_that_ends_the_new_interpreter_is_told(tmp_path, monkeypatch):
    (tmp_path / "ending_plugin.py").write_text("import os\nos._exit(7)")
    monkeypatch.syspath_prepend(tmp_path)
    score = rule("imports-quietly").score(Subject("ending", ModuleType("ending_plugin")), {})
    assert score.details == ("importing it in a new interpreter fails: exit status 7",)


def test_a_module_that_does_not_end_is_told(tmp_path, monkeypatch):
    (tmp_path / "endless_plugin.py").write_text("import time\ntime.sleep(60)")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(importing, "_PATIENCE", 1.0)
    score = rule("imports-quietly").score(Subject("endless", ModuleType("endless_plugin")), {})
    assert score.details == ("importing does not end within 1 s",)


# The class that authors derive theirs from.


class Contract(ProviderContract):
    plugin = downspout._web
    document = "web:https://shelf.example/1"
    missing = "web:https://shelf.example/2"


@pytest.mark.parametrize(
    ("skip", "said"),
    [
        ({"no-such-rule": "There is no such thing."}, "which is no rule"),
        ({"renews": ""}, "no reason"),
        ({"renews": "because"}, "no reason"),
        ({"renews": None}, "no reason"),
    ],
)
def test_a_rule_is_skipped_only_with_a_reason(skip, said):
    skipping = type("Skipping", (Contract,), {"skip": skip})
    with pytest.raises(ValueError, match=said):
        skipping.setup_class()


def test_a_skipped_rule_is_a_skipped_test_that_says_why():
    skipping = type("Skipping", (Contract,), {"skip": {"renews": "Nobody signs in here."}})
    skipping.setup_class()
    with pytest.raises(unittest.SkipTest, match="Nobody signs in here"):
        skipping().test_it_renews()
    assert skipping.scores["renews"].verdict == "skipped"
    skipping.teardown_class()


def test_a_broken_rule_is_a_failed_test_that_says_what_to_do():
    class Spoilt(Contract):
        plugin = SimpleNamespace(provider=Provider("Spoilt", "Spoilt", settings=[Setting("x", "y" * 200)]))

    Spoilt.setup_class()
    with pytest.raises(AssertionError, match="→ Write one line of help"):
        Spoilt().test_it_settings_told()
    Spoilt.teardown_class()


def test_without_an_emulator_the_author_is_told_to_give_one():
    Contract.setup_class()
    with pytest.raises(NotImplementedError, match="writing-a-plugin"):
        Contract().test_it_renews()
    Contract.teardown_class()


def test_every_rule_has_a_test_of_its_own():
    names = {name for name in dir(ProviderContract) if name.startswith("test_")}
    assert names == {name_of_test(each) for each in rules()}
    assert all(getattr(ProviderContract, name).__doc__ for name in names)


def test_rules_have_distinct_names_and_say_what_to_do():
    assert len({each.name for each in rules()}) == len(rules())
    for each in rules():
        assert each.title.endswith(".")
        assert each.advice.endswith(".")


def test_what_the_emulator_needs_is_started_once_and_stopped():
    events = []

    class Empty(Contract):
        @contextmanager
        def emulator(self):
            events.append("start")
            yield {}
            events.append("stop")

    Empty.setup_class()
    for name in ("forbidden-is-told", "folders-unfold"):
        score = Empty.score(rule(name))
        assert (score.verdict, len(score.details)) == ("untried", 1)
    Empty.teardown_class()
    assert events == ["start", "stop"]
