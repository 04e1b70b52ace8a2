"""Every rule of the contract bites: a provider that is right but for one thing is told about that thing."""

import importlib.util
import itertools
import sys
import tomllib
from contextlib import contextmanager
from pathlib import Path

import pytest

from downspout.testing.contract import ProviderContract, rules

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "shelf"
BITES = [
    pytest.param(bite["rule"], bite["changes"], id=f"{bite['rule']}: {bite['deed']}")
    for bite in tomllib.loads((Path(__file__).parent / "contract_bites.toml").read_text("utf-8"))["bite"]
]
_numbers = itertools.count()


def load(path: Path, name: str):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def spoilt(changes) -> str:
    text = (EXAMPLE / "src" / "downspout_shelf" / "__init__.py").read_text("utf-8")
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new) if old else f"{text}\n{new}\n"
    return text


@pytest.fixture(scope="module")
def shelf():
    return load(EXAMPLE / "tests" / "emulator.py", "shelf_emulator")


@pytest.fixture
def contract(shelf, tmp_path, monkeypatch):
    """Make a contract for the example, spoilt by these changes."""
    made = []

    def make(changes=(), **more):
        name = f"spoilt_shelf_{next(_numbers)}"
        (tmp_path / f"{name}.py").write_text(spoilt(changes), "utf-8")
        monkeypatch.syspath_prepend(tmp_path)

        class Contract(ProviderContract):
            plugin = name
            document, missing, forbidden = "shelf:1", "shelf:404", "shelf:13"
            documents = ("shelf:2", "shelf:3")
            folder = "shelf:/poetry"
            content = shelf.TEXTS["1"]

            @contextmanager
            def emulator(self):
                with shelf.Emulator() as self.service:
                    yield {"endpoint": self.service.origin, "username": "jo", "password": shelf.PASSWORD}

            def expire_link(self):
                self.service.kill_links()

            def expire_credential(self):
                self.service.tokens.clear()

        for attribute, value in more.items():
            setattr(Contract, attribute, value)
        Contract.setup_class()
        made.append(Contract)
        return Contract

    yield make
    for each in made:
        each.teardown_class()
        sys.modules.pop(each.plugin, None)


def rule_named(name):
    return next(rule for rule in rules() if rule.name == name)


@pytest.mark.parametrize(("name", "changes"), BITES)
def test_a_provider_is_caught(contract, name, changes):
    score = contract(changes).score(rule_named(name))
    assert score.verdict == "broken"
    assert score.advice
    stumbles = [detail for detail in score.details if "It did not come to an end" in detail]
    assert score.details
    assert stumbles == [] or name == "brings-it-down"  # a download that is wrong does not come to an end


def test_every_rule_has_a_provider_that_breaks_it():
    elsewhere = {"entry-points"}
    assert {bite.values[0] for bite in BITES} | elsewhere == {rule.name for rule in rules()}


def test_the_provider_that_is_spoilt_here_is_right(contract):
    card = contract().card()
    assert [score for score in card.scores if score.verdict not in {"kept", "untried"}] == []
    assert [score.rule for score in card.scores if score.verdict == "untried"] == ["entry-points"]
