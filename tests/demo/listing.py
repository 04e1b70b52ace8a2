"""List what the demo brought down, and hold every byte against the sandbox's own documents."""

import hashlib
import sys
import unicodedata
from pathlib import Path

from downspout_sandbox.documents import Library

# Where a document of the sandbox belongs; a folder stands for everything below it.
DOCUMENTS = {
    "icloud/Gescanntes Dokument.pdf": "report",
    "koodrive/Invoice 1.pdf": "invoice",
    "esignon/계약서.pdf": "contract",
    "oracle/large.bin": "large",
}
FOLDERS = {"folders/languages": "languages", "folders/reports": "reports"}


def expected() -> dict[str, str]:
    """Give the SHA-256 of each file that has to be there, by its path in NFC."""
    library = Library(large_size=20 * 2**20, small_count=0)
    found = {path: library.get(key).sha256 for path, key in DOCUMENTS.items()}
    waiting = [(path, library.folder(key)) for path, key in FOLDERS.items()]
    while waiting:
        path, folder = waiting.pop()
        found |= {
            f"{path}/{_nfc(document.name)}": document.sha256 for document in map(library.get, folder.documents)
        }
        waiting += [(f"{path}/{child.name}", child) for child in folder.folders]
    return found


def _nfc(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def main(directory: Path) -> int:
    """Print one line for each file; return how many are missing, unexpected or wrong."""
    wanted = expected()
    files = sorted(path for path in directory.rglob("*") if path.is_file() and path.parent != directory)
    files = [path for path in files if not path.name.startswith(".")]
    wrong = set(wanted)
    for path in files:
        name = _nfc(path.relative_to(directory).as_posix())
        right = hashlib.sha256(path.read_bytes()).hexdigest() == wanted.get(name)
        wrong = wrong - {name} if right else wrong | {name}
        print(f"{path.stat().st_size:>12,}  {'digest right' if right else 'WRONG':<12}  {name}")
    print(f"\n{len(wanted)} documents of four services: ", end="")
    print(f"WRONG or missing: {', '.join(sorted(wrong))}" if wrong else "all there, every digest right.")
    return len(wrong)


if __name__ == "__main__":
    sys.exit(min(main(Path(sys.argv[1])), 1))
