"""Write the project of a new plugin: `python -m downspout.testing.new NAME [--directory DIR]`.

What it writes works at once: three hooks for a service that does not exist yet, an emulation of it on loopback,
and contract tests that pass. One then replaces, hook by hook, what is made up by what the service really does.
"""

import argparse
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from attrs import field, frozen

from downspout._models import HOOK_VERSION
from downspout._version import VERSION

_NAME = re.compile(r"[a-z][a-z0-9]*([-.+][a-z0-9]+)*")
_PLACEHOLDER = re.compile(r"\{\{([a-z]+)\}\}")
_SUFFIX = ".in"  # so that no tool takes the template's files for code
_LONGEST = 40
_PATH_WORDS = {"MODULE": "module"}


def _a_scheme_of_lower_case(_: object, __: object, value: str) -> None:
    if not _NAME.fullmatch(value) or not 2 <= len(value) <= _LONGEST or value in {"http", "https"}:
        raise ValueError(f"{value!r} is no name for a provider.")


@frozen
class Project:
    """A plugin's project.

    Attributes:
        name: the provider's name: what stands before the colon of its URIs.
    """

    name: str = field(validator=_a_scheme_of_lower_case)

    @property
    def words(self) -> Mapping[str, str]:
        """What the placeholders of the template stand for."""
        major, minor = VERSION.split(".")[:2]
        return {
            "name": self.name,
            "title": " ".join(word.capitalize() for word in re.split(r"[-.+]", self.name)),
            "module": "downspout_" + re.sub(r"[^a-z0-9]", "_", self.name),
            "distribution": "downspout-" + re.sub(r"[^a-z0-9]+", "-", self.name),
            "variable": re.sub(r"[^A-Z0-9]", "_", self.name.upper()),
            "floor": f"{major}.{minor}",
            "ceiling": f"{major}.{int(minor) + 1}" if major == "0" else str(int(major) + 1),
            "hooks": str(HOOK_VERSION),
        }

    def files(self) -> Iterator[tuple[str, str]]:
        """Yield path (parts separated by `/`) and text of each file."""
        words = self.words
        for path, text in _template(files("downspout.testing") / "_template", ""):
            for part, word in _PATH_WORDS.items():
                path = path.replace(part, words[word])
            yield path, _PLACEHOLDER.sub(lambda match: words[match[1]], text)


def _template(folder: Traversable, path: str) -> Iterator[tuple[str, str]]:
    for entry in sorted(folder.iterdir(), key=lambda each: each.name):
        if entry.is_dir():
            yield from _template(entry, f"{path}{entry.name}/")
        else:
            yield f"{path}{entry.name.removesuffix(_SUFFIX)}", entry.read_text("utf-8")


def write(name: str, directory: Path) -> list[Path]:
    """Write the project of the provider `name` into `directory`; return the files.

    Raises:
        ValueError: `name` is none that a provider can have.
        FileExistsError: there is something in `directory`.
        OSError: it cannot be written there.
    """
    project = Project(name)
    if directory.exists() and any(directory.iterdir()):
        raise FileExistsError(f"There is something in {directory} already.")
    written = []
    for path, text in project.files():
        target = directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8", newline="\n")
        if text.startswith("#!"):
            target.chmod(0o755)
        written.append(target)
    return written


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; return the exit status."""
    summary = str(__doc__).splitlines()[0].partition(":")[0] + "."
    parser = argparse.ArgumentParser("python -m downspout.testing.new", description=summary)
    parser.add_argument("name", metavar="NAME", help="of the provider: what stands before the colon of its URIs")
    parser.add_argument("--directory", type=Path, metavar="DIR", help="where to; default: downspout-NAME")
    options = parser.parse_args(arguments)
    directory = options.directory or Path(f"downspout-{options.name}")
    try:
        written = write(options.name, directory)
    except ValueError:
        sys.stderr.write(f"{options.name!r} is no name for a provider: use lower-case letters, digits and '-'.\n")
        return 2
    except OSError as exc:
        sys.stderr.write(f"{exc.strerror or exc}\n")
        return 1
    for path in written:
        sys.stdout.write(f"{path}\n")
    sys.stdout.write(_NEXT.format(directory=directory))
    return 0


_NEXT = """
Next:  cd {directory}
       python -m venv .venv && .venv/bin/pip install -e . --group test
       .venv/bin/pytest
"""

if __name__ == "__main__":  # pragma: no cover - runs in processes of its own
    sys.exit(main())
