"""The rules of the house: what imports what, what is public, what is the same everywhere, what is written down."""

import ast
import inspect
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import downspout
from downspout import errors, hookspecs

ROOT = Path(__file__).resolve().parent.parent
CORE = ROOT / "core" / "src" / "downspout"
MEMBERS = [ROOT / "core", *sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml"))]
PLUGINS = MEMBERS[1:]
PROJECTS = {member.name: tomllib.loads((member / "pyproject.toml").read_text())["project"] for member in MEMBERS}
PROVIDERS = sorted(
    name
    for member in PLUGINS
    for name in PROJECTS[member.name].get("entry-points", {}).get("downspout.providers", {})
)

# The floors, the lowest first; what stands on one line does not know its neighbours.
FLOORS = [
    {"_redact", "_version"},
    {"errors"},
    {"_models"},
    {"_names"},
    {"_http", "_accounts"},
    {"hookspecs"},
    {"_plugins", "_web"},
    {"_transfer"},
    {"_access"},
    {"_batch"},
    {"_client"},
    {"testing"},
    {"_cli"},
    {"__main__"},
]
# Libraries that only some of the core's rooms know.
ONLY_IN = {
    "urllib3": {"_http"},
    "pluggy": {"hookspecs", "_plugins"},
    "click": {"_cli"},
    "rich": {"_cli"},
    "pytest": {"testing"},
    "trustme": {"testing"},
    "platformdirs": {"_accounts"},
    "keyring": {"_accounts"},
    "sqlite3": {"_batch"},
}
PUBLIC = [
    "Account",
    "Child",
    "Client",
    "Credential",
    "CredentialStore",
    "Done",
    "DownspoutError",
    "Failed",
    "Folder",
    "Headers",
    "Http",
    "Interaction",
    "Link",
    "Opened",
    "PluginRegistry",
    "Progress",
    "Provider",
    "Reference",
    "Resolved",
    "Response",
    "Result",
    "Secret",
    "Setting",
    "Stream",
    "hookimpl",
    "one_by_one",
    "origin_of",
]
HOOKS = ["authenticate", "resolve_link", "open_stream"]
ERRORS = [
    "AuthenticationError",
    "Cancelled",
    "ConfigurationError",
    "DownspoutError",
    "IntegrityError",
    "InvalidURI",
    "LinkRefused",
    "NoProvider",
    "NotFound",
    "PermissionDenied",
    "PluginError",
    "ProtocolError",
    "RateLimited",
    "StorageError",
    "TargetExists",
    "Unavailable",
]


def room_of(path: Path) -> str:
    return path.relative_to(CORE).parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[str]:
    """Yield the dotted name of everything that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def sources(*folders: Path) -> Iterator[Path]:
    for folder in folders:
        yield from sorted(folder.rglob("*.py"))


def tracked() -> list[str]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, timeout=60)
    return [name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


# What may import what.


def test_imports_point_down_only():
    floor = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
    upward = []
    for path in sources(CORE):
        room = room_of(path)
        if room == "__init__":  # the door names everything and loads nothing
            continue
        for name in imports(path):
            head, _, rest = name.partition(".")
            target = rest.partition(".")[0]
            if head == "downspout" and target != room and floor[target] >= floor[room]:
                upward.append(f"{path.relative_to(CORE)} imports {name}")
    assert upward == []


def test_every_room_of_the_core_stands_on_a_floor():
    rooms = {room_of(path) for path in sources(CORE)} - {"__init__"}
    assert rooms == set().union(*FLOORS)


@pytest.mark.parametrize("library", ONLY_IN)
def test_a_library_is_known_in_its_own_rooms_only(library):
    rooms = {room_of(path) for path in sources(CORE) if any(_is(name, library) for name in imports(path))}
    assert rooms <= ONLY_IN[library]


def _is(name: str, package: str) -> bool:
    return name.partition(".")[0] == package


@pytest.mark.parametrize("member", PLUGINS, ids=lambda path: path.name)
def test_a_plugin_knows_the_public_names_only(member):
    private = [
        f"{path.name} imports {name}"
        for path in sources(member / "src")
        for name in imports(path)
        if _is(name, "downspout") and any(part.startswith("_") for part in name.split("."))
    ]
    assert private == []


@pytest.mark.parametrize("member", PLUGINS, ids=lambda path: path.name)
def test_a_plugin_knows_no_other_plugin(member):
    own = {path.name for path in (member / "src").iterdir()}
    others = {
        name.partition(".")[0]
        for path in sources(member / "src")
        for name in imports(path)
        if name.startswith("downspout_")
    }
    assert others <= own


# What is loaded when.


def loaded_by(*arguments: str) -> set[str]:
    """Return the top-level packages that a fresh interpreter has loaded after running `-c` this."""
    code = f"{arguments[0]}\nimport sys\nprint(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    return set(ran.stdout.split("\n")[-2].split())


def test_importing_the_package_loads_nothing_heavy():
    heavy = {"click", "rich", "urllib3", "attrs", "pluggy", *(f"downspout_{name}" for name in PROVIDERS)}
    assert not loaded_by("import downspout") & heavy


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_a_question_about_the_command_loads_no_machinery(option):
    code = (
        f"import sys; sys.argv = ['downspout', '{option}']\nfrom downspout._cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass"
    )
    heavy = {"attr", "attrs", "pluggy", "urllib3", "rich", *(f"downspout_{name}" for name in PROVIDERS)}
    assert not loaded_by(code) & heavy


# What is public.


def test_the_public_names_are_these():
    assert downspout.__all__ == PUBLIC
    assert errors.__all__ == ERRORS
    assert sorted(hookspecs.__all__) == sorted([*HOOKS, "hookimpl", "one_by_one"])


def test_every_public_name_is_there():
    for module in (downspout, errors, hookspecs):
        assert [name for name in module.__all__ if not hasattr(module, name)] == []
    assert set(dir(downspout)) >= set(PUBLIC)


def test_every_class_of_failure_is_public():
    defined = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, Exception) and not name.startswith("_")
    }
    assert defined == set(ERRORS)


# What is the same everywhere.


def test_there_is_one_version():
    versions = {project["version"] for project in PROJECTS.values()}
    assert versions == {downspout.__version__}


@pytest.mark.parametrize("member", PLUGINS, ids=lambda path: path.name)
def test_a_plugin_wants_this_series_of_the_core(member):
    assert "downspout>=0.1,<0.2" in PROJECTS[member.name]["dependencies"]


@pytest.mark.parametrize("member", MEMBERS, ids=lambda path: path.name)
def test_a_member_is_whole(member):
    project = PROJECTS[member.name]
    assert project["license"] == "Apache-2.0"
    assert project["requires-python"] == ">=3.11"
    assert len((member / project["readme"]).read_text("utf-8")) > 100
    assert list(member.glob("src/*/py.typed"))
    assert (member / "tests").is_dir()


def test_the_core_holds_no_list_of_plugins():
    word = re.compile(rf"(?i)\b(?:{'|'.join(map(re.escape, PROVIDERS))})\b")
    found = []
    for path in sources(CORE):
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            schemes = "bearer" in line  # a list of Authorization schemes, one of which has a provider's name
            if word.search(line) and not schemes:
                found.append(f"{path.relative_to(CORE)}:{number}: {line.strip()}")
    assert found == []


def test_only_the_command_prints():
    found = []
    for path in sources(CORE, *(member / "src" for member in PLUGINS)):
        if "_cli" in path.parts or path.name == "cli.py":
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
                found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert found == []


def test_every_module_says_what_it_is_for():
    silent = []
    for path in sources(*(member / "src" for member in MEMBERS)):
        if path.read_text("utf-8").strip() and not ast.get_docstring(ast.parse(path.read_text("utf-8"))):
            silent.append(str(path.relative_to(ROOT)))
    assert silent == []


# What is not committed. Spelt apart, so that this file is no offence itself.
HOSTS = ["pypi" + ".org", "python" + "hosted.org", "registry.npm" + "js.org", "deb.deb" + "ian.org"]
PATHS = ["/wo" + "rk/", "/ro" + "ot/.py" + "env", "/tmp/" + "venv"]
LOCKS = {"uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "pylock.toml", "package-lock.json", "yarn.lock"}


def test_no_file_names_a_registry_or_a_place_on_somebodys_machine():
    found = []
    for name in tracked():
        text = (ROOT / name).read_bytes().decode("utf-8", "replace")
        found += [f"{name}: {word}" for word in (*HOSTS, *PATHS) if word in text]
    assert found == []


def test_no_lock_file_is_committed():
    assert {Path(name).name for name in tracked()} & LOCKS == set()


# What is written down.


def arguments_of(function) -> list[str]:
    return [name for name in function.__annotations__ if name != "return"]


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_and_its_arguments_are_documented(hook):
    text = inspect.getdoc(getattr(hookspecs, hook))
    described = re.findall(r"^    (\w+): ", text.partition("Args:")[2].partition("Returns:")[0], re.MULTILINE)
    assert described == arguments_of(getattr(hookspecs, hook))
    assert all(part in text for part in ("Returns:", "Raises:", "What does not hold:"))


def test_the_reference_shows_the_hooks():
    text = (ROOT / "docs" / "reference" / "hookspecs.md").read_text("utf-8")
    assert "::: downspout.hookspecs" in text


@pytest.mark.parametrize("name", ERRORS)
def test_a_failure_is_documented_with_its_kind(name):
    rows = (ROOT / "docs" / "errors.md").read_text("utf-8").splitlines()
    row = next((row for row in rows if row.startswith(f"| `{name}` |")), None)
    assert row is not None
    if name != "DownspoutError":
        assert f"| `{getattr(errors, name).kind}` |" in row


def commands(group: click.Group, names: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    for name, command in sorted(group.commands.items()):
        yield " ".join((*names, name)), command
        if isinstance(command, click.Group):
            yield from commands(command, (*names, name))


def section(text: str, heading: str) -> str:
    """Return what stands under a heading, up to the next one."""
    match = re.search(rf"^#+ {re.escape(heading)}$(.*?)(?=^#+ |\Z)", text, re.MULTILINE | re.DOTALL)
    assert match is not None, f"docs/cli.md has no heading {heading!r}"
    return match[1]


def test_every_command_and_option_is_documented():
    from downspout._cli import cli

    text = (ROOT / "docs" / "cli.md").read_text("utf-8")
    common = section(text, "Options of every command")
    for name, command in [("downspout", cli), *((f"downspout {name}", each) for name, each in commands(cli))]:
        own = section(text, f"`{name}`")
        for parameter in command.params:
            for option in parameter.opts if isinstance(parameter, click.Option) else ():
                assert re.search(rf"`{re.escape(option)}\b", own + common), f"{name} {option}"


READING_ORDER = re.compile(r"^\| `([^`]+)` \| (\d+) \|", re.MULTILINE)


def lines_of(name: str) -> int:
    place = ROOT / name
    files = [place] if place.is_file() else sources(place)
    return sum(len(file.read_text("utf-8").splitlines()) for file in files)


def test_the_reading_order_says_how_much_there_is_to_read():
    rows = READING_ORDER.findall((ROOT / "CONTRIBUTING.md").read_text("utf-8"))
    assert len(rows) >= 8
    counted = {name: (lines_of(name), int(said)) for name, said in rows}
    wrong = {name: pair for name, pair in counted.items() if abs(pair[0] - pair[1]) > max(pair) / 10}
    assert wrong == {}, "count again with `python tests/test_house.py`"


def count_again() -> None:
    """Write the numbers of lines into the reading order."""
    page = ROOT / "CONTRIBUTING.md"
    text = page.read_text("utf-8")
    page.write_text(READING_ORDER.sub(lambda row: f"| `{row[1]}` | {lines_of(row[1])} |", text), "utf-8")


if __name__ == "__main__":
    count_again()
