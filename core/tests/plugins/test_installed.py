"""Plugins that are installed: one scan of the entry points, nothing imported before it is used."""

import json
import os
import re
import subprocess
import sys

import pytest

from downspout import Client, PluginRegistry
from downspout.errors import ConfigurationError, NoProvider, PluginError


def reports():
    found = PluginRegistry(installed=True).reports()
    return {report.name: report for report in found if report.name.startswith("t-")}


def test_a_plugin_that_is_installed_is_found_with_its_distribution(install, provider_source):
    install("t-dist", "3.4", providers={"t-svc": "t_svc"}, t_svc=provider_source("t-svc"))
    report = reports()["t-svc"]
    assert (report.kind, report.distribution, report.version, report.state) == ("provider", "t-dist", "3.4", "ok")
    assert (report.title, report.reason) == ("The service t-svc", None)
    assert {"t-svc", "web"} <= set(PluginRegistry(installed=True).names())


def test_a_module_may_be_written_with_a_part_of_it(install, provider_source):
    install("t-dist", providers={"t-svc": " t_svc:provider "}, t_svc=provider_source("t-svc"))
    assert reports()["t-svc"].state == "ok"


HOOKED = "from downspout import Provider, hookimpl\nprovider = Provider('{}', 'x')\n@hookimpl\n"
BROKEN = {
    "exits": ("raise SystemExit(0)", r"it does not import \(SystemExit: 0\)"),
    "raises": (
        "raise RuntimeError('no https://h/?sig=s3cret\\nhere')",
        r"it does not import \(RuntimeError: no https://h/\?sig=… here\)",
    ),
    "silent": ("raise ValueError", r"it does not import \(ValueError\)"),
    "base": ("class Odd(BaseException): pass\nraise Odd", r"it does not import \(Odd\)"),
    "missing": (None, r"it does not import \(ModuleNotFoundError: No module named 't_missing'\)"),
    "syntax": ("def (", r"it does not import \(SyntaxError"),
    "nothing": ("", "its module has no `provider = Provider"),
    "type": ("provider = 'oracle'", "its module has no `provider = Provider"),
    "version": (
        "from downspout import Provider\nprovider = Provider('t-version', 'x', hook_version=2)",
        "it speaks version 2 of the hooks, this downspout 1; update downspout",
    ),
    "old": (
        "from downspout import Provider\nprovider = Provider('t-old', 'x', hook_version=0)",
        "it speaks version 0 of the hooks, this downspout 1; update the plugin",
    ),
    "wrongversion": (
        "from downspout import Provider\nprovider = Provider('t-wrongversion', 'x', hook_version='1')",
        r"it does not import \(TypeError",
    ),
    "name": (
        "from downspout import Provider\nprovider = Provider('other', 'x')",
        "its entry point says t-name, its module other",
    ),
    "hookless": (
        "from downspout import Provider\nprovider = Provider('t-hookless', 'x')\ndef resolve_link(account): pass",
        "it has no function resolve_link marked with hookimpl",
    ),
    "misspelt": (
        HOOKED.format("t-misspelt") + "def resolve_link(account): pass\n@hookimpl\ndef authenticat(account): pass",
        "one of its hooks is not as hookspecs.py has it .*authenticat",
    ),
    "argument": (
        HOOKED.format("t-argument") + "def resolve_link(account, link): pass",
        "one of its hooks is not as hookspecs.py has it",
    ),
}


@pytest.mark.parametrize("kind", sorted(BROKEN))
def test_a_broken_plugin_is_said_so_and_costs_nobody_else_anything(install, provider_source, kind):
    source, reason = BROKEN[kind]
    name = f"t-{kind}"
    modules = {} if source is None else {f"t_{kind}": source}
    install("t-broken", providers={name: f"t_{kind}"}, **modules)
    install("t-good", providers={"t-svc": "t_svc"}, t_svc=provider_source("t-svc"))
    found = reports()
    assert found["t-svc"].state == "ok"
    assert (found[name].state, found[name].distribution, found[name].title) == ("broken", "t-broken", None)
    assert_matches(found[name].reason, reason)
    with Client(plugins=PluginRegistry(installed=True)) as client:
        assert client.resolve("t-svc:x").url == "https://h.example/"
        for _ in range(2):
            with pytest.raises(PluginError, match=f"The plugin {name} cannot be used: {reason}") as caught:
                client.resolve(f"{name}:x")
        assert caught.value.hint
        assert "s3cret" not in str(caught.value)


def assert_matches(text, pattern):
    assert re.search(pattern, text), text


def test_ctrl_c_during_an_import_is_not_the_plugin_s(install):
    install("t-dist", providers={"t-svc": "t_svc"}, t_svc="raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        PluginRegistry(installed=True).load("t-svc")


def test_a_name_that_two_distributions_offer_is_used_by_neither(install, provider_source):
    install(
        "t-one",
        providers={"t-svc": "t_one", "t-own": "t_own"},
        t_one=provider_source("t-svc"),
        t_own=provider_source("t-own"),
    )
    install("t-two", providers={"t-svc": "t_two"}, t_two=provider_source("t-svc"))
    registry = PluginRegistry(installed=True)
    with pytest.raises(PluginError, match="t-one and t-two both offer it, so neither is used"):
        registry.load("t-svc")
    assert registry.load("t-own").provider.name == "t-own"
    broken = [(report.distribution, report.state) for report in registry.reports() if report.name == "t-svc"]
    assert sorted(broken) == [("t-one", "broken"), ("t-two", "broken")]
    assert not {"t_one", "t_two"} & set(sys.modules)


@pytest.mark.parametrize("spelling", ["T_Dist", "t.dist", "t_dist"])
def test_a_distribution_that_is_there_twice_is_shadowed_by_the_first(
    install, provider_source, spelling, tmp_path_factory, monkeypatch
):
    install("t-dist", "1", providers={"t-svc": "t_svc"}, t_svc=provider_source("t-svc"))
    behind = tmp_path_factory.mktemp("behind")
    folder = behind / f"{spelling}-2.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {spelling}\nVersion: 2\n")
    (folder / "entry_points.txt").write_text("[downspout.providers]\nt-svc = t_gone\n")
    monkeypatch.setattr(sys, "path", [*sys.path, str(behind)])
    assert reports()["t-svc"].version == "1"


@pytest.mark.parametrize(
    "broken",
    [
        {"metadata": ""},
        {"metadata": "nonsense"},
        {"metadata": "Metadata-Version: 2.1\nVersion: 1\n"},
        {"entry_points": "nonsense\n"},
        {"entry_points": "[downspout.providers]\nnonsense\n"},
        {"entry_points": "[downspout.providers]\n = x\n"},
        {"entry_points": "[downspout.providers\nt-x = x\n"},
        {"entry_points": "[]\n[downspout.providers]\n"},
    ],
    ids=repr,
)
def test_an_installation_that_is_broken_costs_nobody_else_anything(install, provider_source, broken):
    install("t-broken", **broken)
    install("t-good", providers={"t-svc": "t_svc"}, t_svc=provider_source("t-svc"))
    assert reports()["t-svc"].state == "ok"


def test_bytes_that_are_no_text_in_an_installation_cost_nobody_else_anything(install, provider_source):
    folder = install("t-broken")
    (folder / "t_broken-1.2.dist-info" / "entry_points.txt").write_bytes(b"[downspout.providers]\n\xff\xfe = x")
    install("t-good", providers={"t-svc": "t_svc"}, t_svc=provider_source("t-svc"))
    assert reports()["t-svc"].state == "ok"


def test_a_provider_that_nobody_offers_is_named_with_what_was_probably_meant(install, provider_source):
    install("t-good", providers={"t-service": "t_svc"}, t_svc=provider_source("t-service"))
    registry = PluginRegistry(installed=True)
    with pytest.raises(NoProvider, match="There is no provider 't-servce'") as caught:
        registry.load("t-servce")
    assert caught.value.hint.startswith("Did you mean t-service? Else install its plugin")
    with pytest.raises(NoProvider) as caught:
        registry.load("qqqq")
    assert caught.value.hint.startswith("Install its plugin")


# Hosts.


def test_finding_out_who_claims_a_url_imports_nothing(install):
    install(
        "t-dist",
        providers={"t-svc": "t_svc", "t-deep": "t_deep"},
        hosts={"h.example": "t_svc", "*.h.example": "t_svc", "*.deep.h.example": "t_deep"},
        t_svc="raise RuntimeError",
    )
    registry = PluginRegistry(installed=True)
    hosts = ["h.example", "H.Example", "a.h.example", "a.deep.h.example", "deep.h.example", "example"]
    assert [registry.for_host(host) for host in hosts] == ["t-svc", "t-svc", "t-svc", "t-deep", "t-svc", None]
    assert "t_svc" not in sys.modules


def test_a_host_that_two_plugins_claim_alike_goes_to_neither(install):
    install("t-one", providers={"t-one": "t_one"}, hosts={"h.example": "t_one", "*.H.example": "t_one"})
    install("t-two", providers={"t-two": "t_two"}, hosts={"H.example": "t_two", "*.h.example": "t_two"})
    registry = PluginRegistry(installed=True)
    for host in ("h.example", "a.h.example"):
        with pytest.raises(NoProvider, match=f"More than one plugin claims {host}: t_one, t_two"):
            registry.for_host(host)


def test_a_host_that_one_plugin_claims_twice_is_its_own(install):
    install("t-one", providers={"t-one": "t_one"}, hosts={"h.example": "t_one", "H.example": "t_one"})
    assert PluginRegistry(installed=True).for_host("h.example") == "t-one"


def test_a_claimed_url_never_falls_back_to_web(install):
    install("t-one", providers={"t-one": "t_one"}, hosts={"h.example": "t_gone"})
    with pytest.raises(NoProvider, match=r"The plugin t-one claims h\.example, but offers no provider for it"):
        PluginRegistry(installed=True).for_host("h.example")
    with Client.from_user_config() as client, pytest.raises(NoProvider):
        client.reference("https://h.example/x")


def test_a_claimed_url_whose_plugin_is_broken_fails(install):
    install("t-one", providers={"t-one": "t_one"}, hosts={"h.example": "t_one"}, t_one="raise SystemExit")
    with Client.from_user_config() as client, pytest.raises(PluginError, match="t-one cannot be used"):
        client.resolve("https://h.example/x")


# Extensions.

EXTENSION = """
from downspout import hookimpl
calls = []

@hookimpl(wrapper=True)
def resolve_link(account, references):
    answer = yield
    calls.append((account.name, len(references)))
    return answer
"""


def test_an_extension_that_is_installed_sees_every_call(install, provider_source):
    install("t-dist", providers={"t-svc": "t_svc"}, t_svc=provider_source("t-svc"))
    install("t-ext", extensions={"t-audit": "t_audit"}, t_audit=EXTENSION)
    with Client(plugins=PluginRegistry(installed=True), required_extensions=["t-audit"]) as client:
        client.resolve("t-svc:x")
    assert sys.modules["t_audit"].calls == [("t-svc", 1)]
    assert (reports()["t-audit"].kind, reports()["t-audit"].state) == ("extension", "ok")


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("raise SystemExit", "it does not import"),
        (
            "from downspout import hookimpl\n@hookimpl\ndef resolve_link(account): pass",
            "its resolve_link answers by itself",
        ),
        (
            "from downspout import hookimpl\n@hookimpl(wrapper=True)\ndef resolve(account): yield",
            "not as hookspecs.py",
        ),
        (
            "from downspout import hookimpl\n@hookimpl(wrapper=True)\ndef open_stream(x): yield",
            "not as hookspecs.py",
        ),
    ],
)
def test_an_extension_that_does_not_load_costs_nothing_unless_it_is_required(
    install, provider_source, source, reason
):
    install("t-dist", providers={"t-svc": "t_svc"}, t_svc=provider_source("t-svc"))
    install("t-ext", extensions={"t-audit": "t_audit"}, t_audit=source)
    assert_matches(reports()["t-audit"].reason, reason)
    with Client(plugins=PluginRegistry(installed=True)) as client:
        assert client.resolve("t-svc:x")
    with pytest.raises(ConfigurationError, match=f"required extension t-audit is not there: .*{reason}"):
        Client(plugins=PluginRegistry(installed=True), required_extensions=["t-audit"])


def test_a_required_extension_that_is_not_installed_stops_everything():
    with pytest.raises(
        ConfigurationError, match="required extension t-audit is not there: it is not installed"
    ) as caught:
        Client(required_extensions=["t-audit"])
    assert "nothing is done without it" in caught.value.hint


def test_an_extension_that_two_distributions_offer_is_neither_s(install, provider_source):
    install("t-one", extensions={"t-audit": "t_one"}, t_one=EXTENSION)
    install("t-two", extensions={"t-audit": "t_two"}, t_two=EXTENSION)
    with pytest.raises(ConfigurationError, match="t-one and t-two both offer it, so neither is used"):
        PluginRegistry(installed=True).require(["t-audit"])


def test_a_provider_and_an_extension_may_have_one_name_and_one_module(install, provider_source):
    install(
        "t-dist",
        providers={"t-svc": "t_svc"},
        extensions={"t-svc": "t_ext"},
        t_svc=provider_source("t-svc"),
        t_ext=EXTENSION,
    )
    assert PluginRegistry(installed=True).load("t-svc").provider.name == "t-svc"


# In a process of its own.

LAZY = """
import json, sys
from downspout import Client
with Client.from_user_config() as client:
    client.reference("t-one:x"), client.reference("https://two.example/")
    before = sorted(name for name in sys.modules if name.startswith("t_"))
    client.resolve("t-one:x")
    print(json.dumps([before, sorted(name for name in sys.modules if name.startswith("t_"))]))
"""


def test_only_the_plugin_that_is_used_is_imported(install, provider_source):
    path = install("t-one", providers={"t-one": "t_one"}, t_one=provider_source("t-one"))
    install("t-two", providers={"t-two": "t_two"}, hosts={"two.example": "t_two"}, t_two="raise SystemExit")
    environ = {**os.environ, "PYTHONPATH": str(path)}
    done = subprocess.run([sys.executable, "-c", LAZY], capture_output=True, text=True, env=environ, timeout=60)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [[], ["t_one"]]


def test_the_command_says_which_plugin_is_broken_and_why(install, provider_source):
    path = install("t-one", providers={"t-one": "t_one"}, t_one=provider_source("t-one"))
    install("t-two", providers={"t-two": "t_two"}, t_two="raise RuntimeError('no such luck')")
    environ = {**os.environ, "PYTHONPATH": str(path)}
    command = [sys.executable, "-m", "downspout", "plugins", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, env=environ, timeout=60)
    told = {each["name"]: each for each in map(json.loads, done.stdout.splitlines())}
    assert (told["t-one"]["state"], told["web"]["state"]) == ("ok", "ok")
    assert told["t-two"]["state"] == "broken"
    assert "RuntimeError: no such luck" in told["t-two"]["reason"]
