"""An application's own plugins, without entry points; one pluggy manager for each provider."""

import threading
from types import ModuleType, SimpleNamespace

import attrs
import pytest

from downspout import Client, Link, PluginRegistry, Provider, hookimpl
from downspout.errors import NoProvider, PluginError


def resolve(url="https://h.example/"):
    def resolve_link(account, references):
        return [Link(reference, url) for reference in references]

    return resolve_link


def test_a_provider_is_asked_only_about_its_own_accounts(plugin, client_of):
    asked = {"one": [], "two": []}

    def asking(name):
        def resolve_link(account, references):
            asked[name].append((account.name, [reference.document for reference in references]))
            return [Link(reference, f"https://{name}.example/") for reference in references]

        return resolve_link

    client = client_of(plugin("one", resolve_link=asking("one")), plugin("two", resolve_link=asking("two")))
    assert client.resolve("two:x").url == "https://two.example/"
    assert client.resolve("one:y").url == "https://one.example/"
    assert client.resolve("two:z").url == "https://two.example/"
    assert asked == {"one": [("one", ["y"])], "two": [("two", ["x"]), ("two", ["z"])]}


def test_each_provider_has_a_manager_of_its_own(plugin):
    registry = PluginRegistry([plugin("one", resolve_link=resolve()), plugin("two", resolve_link=resolve())])
    one, two = registry.load("one"), registry.load("two")
    assert one.hooks is not two.hooks
    assert len(one.hooks.resolve_link.get_hookimpls()) == len(two.hooks.resolve_link.get_hookimpls()) == 1
    assert registry.load("one") is one


def test_a_registry_is_shared_and_loads_once(plugin):
    registry = PluginRegistry([plugin("one", resolve_link=resolve())])
    with Client(plugins=registry) as first, Client(plugins=registry) as second:
        assert first.plugins is second.plugins is registry
        assert first.resolve("one:x") == second.resolve("one:x")
    found = []
    threads = [threading.Thread(target=lambda: found.append(registry.load("one"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(loaded) for loaded in found}) == 1


class Plugin:
    """A plugin may be an object."""

    provider = Provider("one", "One")

    def __init__(self, url="https://h.example/"):
        self.url = url

    @hookimpl
    def resolve_link(self, account, references):
        return [Link(reference, self.url) for reference in references]


@attrs.define
class Unhashable(Plugin):
    url: str = "https://h.example/"


@pytest.mark.parametrize(
    "made", [Plugin(), Unhashable(), SimpleNamespace(provider=Plugin.provider, resolve_link=Plugin().resolve_link)]
)
def test_a_plugin_may_be_any_object_with_hooks(client_of, made):
    assert client_of(made).resolve("one:x").url == "https://h.example/"


@pytest.mark.parametrize("twice", [[Plugin(), Plugin()], [Unhashable(), Plugin()]])
def test_a_name_that_an_application_offers_twice_is_nobody_s(client_of, twice):
    client = client_of(*twice)
    with pytest.raises(PluginError, match="the application and the application both offer it"):
        client.resolve("one:x")


def test_web_is_there_if_it_is_asked_for(client_of):
    assert client_of("web").plugins.names() == ["web"]
    assert client_of().plugins.names() == []
    with pytest.raises(NoProvider):
        client_of().resolve("https://h.example/")


def test_an_application_s_own_extension_and_provider_are_told_apart(plugin, extension, client_of):
    seen = []

    def resolve_link(references):
        seen.append(len(references))
        return (yield)

    client = client_of(plugin("one", resolve_link=resolve()), extension("audit", resolve_link=resolve_link))
    assert client.resolve("one:x")
    assert seen == [1]
    kinds = {(report.name, report.kind, report.distribution) for report in client.plugins.reports()}
    assert kinds == {("one", "provider", None), ("audit", "extension", None)}


def test_an_extension_may_be_an_object_with_a_name(plugin, client_of):
    class Audit:
        name = "audit"

        @hookimpl(wrapper=True, tryfirst=True)
        def resolve_link(self):
            return (yield)

    client = client_of(plugin("one", resolve_link=resolve()), Audit(), required_extensions=["audit"])
    assert client.resolve("one:x")


def test_a_provider_object_that_is_none_is_broken_not_the_program(client_of):
    strange = ModuleType("strange")
    strange.provider = "oracle"
    client = client_of(strange)
    (report,) = client.plugins.reports()
    assert (report.name, report.state) == ("strange", "broken")
    with pytest.raises(PluginError, match="no `provider = Provider"):
        client.resolve("strange:x")


def test_reports_put_providers_first_and_have_no_hooks_in_their_repr(plugin, extension):
    registry = PluginRegistry([extension("aaa"), plugin("zzz", resolve_link=resolve())])
    assert [report.name for report in registry.reports()] == ["zzz", "aaa"]
    assert "hooks" not in repr(registry.load("zzz"))


def test_a_client_that_imports_a_plugin_in_two_threads_imports_it_once(install_slow):
    registry, imported = install_slow
    threads = [threading.Thread(target=registry.load, args=("t-slow",)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert imported() == 1


@pytest.fixture
def install_slow(install, provider_source, tmp_path):
    source = f"""
import pathlib, time
with pathlib.Path({str(tmp_path / "log")!r}).open("a") as log:
    log.write("x")
time.sleep(0.05)
""" + provider_source("t-slow")
    install("t-dist", providers={"t-slow": "t_slow"}, t_slow=source)
    return PluginRegistry(installed=True), lambda: len((tmp_path / "log").read_text())
