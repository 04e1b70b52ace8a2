"""docs/writing-a-plugin.md says what is so. Run as a program, this file writes the tables there anew."""

import inspect
import re
import sys
import textwrap
from pathlib import Path

import pytest

import downspout.hookspecs
from downspout import PluginRegistry, Provider
from downspout._models import HOOK_VERSION
from downspout.testing import check_offline
from downspout.testing.contract import rules

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "writing-a-plugin.md"
EXAMPLE = ROOT / "docs" / "examples" / "shelf"
BLOCK = re.compile(r'^```(\w+) title="([^"]+)"\n(.*?)^```$', re.MULTILINE | re.DOTALL)
SECTION = "(<!-- {name}: .*?-->\n).*?(<!-- /{name} -->)"


def blocks(language: str) -> list[tuple[str, str]]:
    """Return title and text of the page's blocks that have a title."""
    return [(title, text) for found, title, text in BLOCK.findall(PAGE.read_text("utf-8")) if found == language]


def built(steps: int | None = None) -> dict[str, str]:
    """Return the files that somebody has who follows the page: blocks of one file follow each other."""
    files: dict[str, list[str]] = {}
    for title, text in [*blocks("toml"), *blocks("python")][:steps]:
        files.setdefault(title, []).append(text)
    return {title: "\n\n".join(parts) for title, parts in files.items()}


# The reference, generated.


def cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def sections(docstring: str) -> dict[str, str]:
    """Return the sections of a docstring by their titles; the first has none."""
    parts = re.split(r"^(\w[\w ]*):\n", inspect.cleandoc(docstring), flags=re.MULTILINE)
    return {"": parts[0]} | dict(zip(parts[1::2], parts[2::2], strict=True))


def entries(section: str) -> list[tuple[str, str]]:
    """Return name and text of each entry of an `Args` or `Raises` section."""
    joined = re.sub(r"\n {6,}", " ", textwrap.dedent(section.partition("\n\n")[0]).replace("\n    ", "\n      "))
    return [(name, text) for name, _, text in (line.partition(": ") for line in joined.strip().splitlines())]


def hooks_table() -> str:
    parts = []
    for name in ("authenticate", "resolve_link", "open_stream"):
        function = getattr(downspout.hookspecs, name)
        signature = inspect.signature(function)
        found = sections(function.__doc__)
        question, _, rest = found[""].partition("\n\n")
        arguments = ", ".join(signature.parameters)
        parts += [f"#### `{name}({arguments})`", f"*{question}* {cell(rest)}"]
        rows = [f"| `{argument}` | {cell(text)} |" for argument, text in entries(found["Args"])]
        rows += [f"| returns | {cell(found['Returns'].partition('Raises')[0])} |"]
        rows += [f"| raises `{error}` | {cell(text)} |" for error, text in entries(found["Raises"])]
        parts.append("\n".join(["| | |", "|---|---|", *rows]))
        parts.append(f"What does not hold: {cell(found['Raises'].partition('What does not hold:')[2])}")
    return "\n\n".join(parts)


def rules_table() -> str:
    head = ["| | rule | what it asks for | what to do about a breach |", "|---|---|---|---|"]
    rows = [
        f"| {'○' if rule.offline else ''} | `{rule.name}` | {cell(rule.title)} | {cell(rule.advice)} |"
        for rule in rules()
    ]
    return "\n".join([*head, *rows])


def written(page: str) -> str:
    """Return the page with its tables as they should be."""
    for name, table in (("hooks", hooks_table()), ("rules", rules_table())):
        pattern = re.compile(SECTION.format(name=name), re.DOTALL)
        page = pattern.sub(lambda found, table=table: f"{found[1]}\n{table}\n\n{found[2]}", page)
    return page


def test_the_tables_are_those_of_the_code():
    page = PAGE.read_text("utf-8")
    assert written(page) == page, "run `python core/tests/testing/test_contract_docs.py`"


@pytest.mark.parametrize("name", ["authenticate", "resolve_link", "open_stream"])
def test_every_argument_of_a_hook_is_explained(name):
    function = getattr(downspout.hookspecs, name)
    explained = [argument for argument, _ in entries(sections(function.__doc__)["Args"])]
    assert explained == list(inspect.signature(function).parameters)


# The tutorial.


def test_the_card_is_as_the_page_shows_it():
    ((_, excerpt),) = [block for block in blocks("text") if block[0] == "pytest"]
    first, *lines = excerpt.splitlines()
    assert first == f"shelf (Shelf): {len(rules())} of {len(rules())} rules kept"
    assert lines == [f"  ✓ {rule.title}  [{rule.name}]" for rule in rules()[: len(lines)]]


def test_following_the_page_gives_the_example():
    for title, text in built().items():
        assert text == (EXAMPLE / title).read_text("utf-8"), title


def test_every_file_of_the_example_is_in_the_page():
    files = {path.relative_to(EXAMPLE).as_posix() for path in EXAMPLE.rglob("*") if path.is_file()}
    kept = {name for name in files if "__pycache__" not in name and ".pytest_cache" not in name}
    assert kept - {"src/downspout_shelf/py.typed"} == set(built())


def test_the_first_steps_are_judged_as_the_page_says(tmp_path, monkeypatch):
    (tmp_path / "downspout_shelf.py").write_text(built(2)["src/downspout_shelf/__init__.py"], "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, "downspout_shelf", None)
    del sys.modules["downspout_shelf"]
    card = check_offline("downspout_shelf")
    ((_, excerpt),) = [block for block in blocks("text") if block[0] == "downspout plugins check shelf"]
    lines = card.as_text().splitlines()
    assert [line for line in excerpt.splitlines()[1:] if line not in lines] == []


@pytest.mark.parametrize(
    ("version", "advice"), [(HOOK_VERSION + 1, "update downspout"), (HOOK_VERSION - 1, "update the plugin")]
)
def test_a_plugin_of_another_hook_version_is_told_what_to_do(version, advice):
    class Plugin:
        provider = Provider("old", "Old", hook_version=version)

    (report,) = PluginRegistry([Plugin()]).reports()
    assert (report.state, report.reason) == (
        "broken",
        f"it speaks version {version} of the hooks, this downspout {HOOK_VERSION}; {advice}",
    )
    (score, *_) = check_offline(Plugin()).scores
    assert score.details == (f"hook_version is {version}, and this downspout speaks {HOOK_VERSION}",)


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text("utf-8")), "utf-8")
