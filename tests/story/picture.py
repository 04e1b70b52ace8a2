"""Take the picture of a running batch that the README shows.

Run from the root of the repository: `python -m tests.story.picture docs/images/batch.svg`.
"""

import io
import re
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import SVG_EXPORT_THEME

import downspout
from downspout._cli.display import Live
from downspout.errors import NotFound, PermissionDenied
from downspout.testing import Document, LyingServer, Pattern

WIDTH = 100
COUNT = 120
_FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


class Archive:
    """A provider in one object: contracts of many sizes; two of them cannot be had."""

    provider = downspout.Provider("archive", "Archive", batch_size=100)

    def __init__(self, server: LyingServer) -> None:
        self.server = server

    @downspout.hookimpl
    def resolve_link(self, references):
        return [self._outcome(reference) for reference in references]

    def _outcome(self, reference):
        number = int(reference.document)
        if number == 17:
            return NotFound("archive:0017: there is no such contract.", hint="Check its number.")
        if number == 31:
            return PermissionDenied("archive:0031 is sealed.", hint="Ask the registrar.")
        path = f"/{number}"
        size = 40_000 + 977_351 * (number * number % 13)
        self.server.documents[path] = Document(Pattern(size), etag=f'"{number}"')
        name = f"Contract 2025-{number:04}, {('lease', 'sale', 'service', 'labour')[number % 4]}.pdf"
        return downspout.Link(reference, self.server.link(path), name=name, size=size, version="1")


def taken(folder: Path) -> Console:
    """Run a batch, and return a console that shows what a terminal shows in the middle of it."""
    paper = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, highlight=False)
    paper.print("[b]$[/] downspout get -i contracts.txt -d contracts -j 6 > paths.txt")
    live = Live(COUNT)
    live._console = paper
    account = downspout.Account("archive", "archive", {"allow_http": True, "allow_private": True})
    with LyingServer(rate=1_500_000) as server, downspout.Client([account], plugins=[Archive(server)]) as client:
        uris = (f"archive:{number:04}" for number in range(1, COUNT + 1))
        results = client.download_many(uris, folder, jobs=6, connections=1, progress=live.progress)
        began = time.monotonic()
        for number, result in enumerate(results, 1):
            live.ended(result)
            live._render()
            if number >= 40 and time.monotonic() - began > 4:
                time.sleep(0.5)
                paper.print(live._render())
                results.close()
                break
    return paper


def main(path: str) -> None:
    """Write the picture."""
    with tempfile.TemporaryDirectory() as folder:
        picture = taken(Path(folder)).export_svg(title="downspout", theme=SVG_EXPORT_THEME, unique_id="batch")
    picture = _FONTS.sub("", picture).replace("<!-- Generated with Rich https://www.textualize.io -->", "")
    Path(path).write_text("\n".join(line.rstrip() for line in picture.splitlines()) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
