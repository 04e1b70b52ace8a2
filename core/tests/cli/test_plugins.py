"""`downspout plugins`: who is there, and what is wrong with whom."""

import pytest

KEYS = {"name", "kind", "distribution", "version", "state", "reason"}


def broken(folder, name, code, group="downspout.providers"):
    """Install one more plugin."""
    (folder / f"plugin_{name}.py").write_text(code)
    facts = folder / f"downspout_{name}-0.9.dist-info"
    facts.mkdir(parents=True)
    (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: downspout-{name}\nVersion: 0.9\n")
    (facts / "entry_points.txt").write_text(f"[{group}]\n{name} = plugin_{name}\n")


@pytest.fixture
def more(shell, tmp_path):
    folder = tmp_path / "more"
    folder.mkdir()
    shell.env["PYTHONPATH"] += f":{folder}"
    return folder


def test_plugins_are_listed(shell):
    ran = shell.run("plugins")
    assert (ran.status, ran.err) == (0, "")
    rows = {line.split()[0]: line.split()[1:] for line in ran.out.splitlines()}
    assert rows["depot"] == ["provider", "downspout-depot", "1.5", "ok"]
    assert rows["web"][-1] == "ok"


def test_json_has_exactly_the_promised_keys(shell):
    found = shell.run("plugins", "--json").json
    assert all(set(facts) >= KEYS for facts in found)
    assert {
        "name": "depot",
        "kind": "provider",
        "distribution": "downspout-depot",
        "version": "1.5",
        "state": "ok",
        "reason": None,
    }.items() <= next(facts for facts in found if facts["name"] == "depot").items()


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("raise ValueError('no')", "ValueError: no"),
        ("import sys; sys.exit(7)", "SystemExit"),
        ("x = 1", "no `provider = Provider"),
        ("import downspout; provider = downspout.Provider('rotten', 'R', hook_version=99)", "hooks"),
        ("this is no Python", "SyntaxError"),
    ],
)
def test_a_broken_plugin_is_told_with_its_reason_and_costs_nobody_else(shell, more, code, reason):
    broken(more, "rotten", code)
    ran = shell.run("plugins")
    assert ran.status == 0
    (line,) = [line for line in ran.out.splitlines() if line.startswith("rotten")]
    assert "broken: " in line
    assert reason in line
    ran = shell.run("get", "depot:d1", "rotten:x", "--json")
    assert ran.status == 1
    assert {line["uri"]: line["status"] for line in ran.json[:-1]} == {"depot:d1": "ok", "rotten:x": "failed"}
    assert "Traceback" not in ran.err


def test_a_call_that_fails_for_many_documents_is_said_once(shell, more):
    broken(
        more,
        "rotten",
        "import downspout\nprovider = downspout.Provider('rotten', 'R', batch_size=50)\n"
        "@downspout.hookimpl\ndef resolve_link(references): raise ValueError('a bug')\n",
    )
    ran = shell.run("get", *(f"rotten:{number}" for number in range(50)), "--json")
    assert [line["error"]["kind"] for line in ran.json[:-1]] == ["plugin"] * 50
    assert ran.err.count("The plugin rotten is broken") == 1
    assert ran.err.count("\n") == 2


def test_an_extension_is_listed_and_wraps(shell, more):
    code = (
        "from downspout.hookspecs import hookimpl\nfrom downspout.errors import PermissionDenied\n"
        "@hookimpl(wrapper=True)\ndef resolve_link(references):\n"
        "    if any(each.document == 'd2' for each in references): raise PermissionDenied('A rule says no.')\n"
        "    return (yield)\n"
    )
    broken(more, "rule", code, "downspout.extensions")
    assert "extension" in next(line for line in shell.run("plugins").out.splitlines() if line.startswith("rule"))
    ran = shell.run("get", "depot:d2", "--json")
    assert ran.json[0]["error"]["kind"] == "permission"
    assert shell.run("get", "depot:d1").status == 0


def test_check_says_what_it_found(shell):
    ran = shell.run("plugins", "check", "depot")
    assert ran.status in {0, 1}
    assert ran.out
    assert "Traceback" not in ran.err
    ran = shell.run("plugins", "check", "nobody")
    assert ran.status == 1
    assert "Traceback" not in ran.err
