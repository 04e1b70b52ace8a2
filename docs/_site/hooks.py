"""What the site adds to the pages: a page for each provider and package that is there, and links that hold.

So that a new plugin is one new folder, no list of plugins stands in the site's configuration.
"""

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[2]
LINK = re.compile(r"\[([^\]]+)\]\(([^)#:\s]+)(#[^)\s]*)?\)")
# Pages of the repository that are not in docs/, by what they are called in the site.
OUTSIDE = {
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security.md",
    "core/README.md": "packages/downspout.md",
} | {
    f"plugins/{readme.parent.name}/README.md": f"packages/{readme.parent.name}.md"
    for readme in sorted(ROOT.glob("plugins/*/README.md"))
}
PLACES = {page: source for source, page in OUTSIDE.items()}


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the providers' and the packages' pages into the navigation, where it names their folders."""
    providers = sorted(Path(config.docs_dir).glob("providers/*.md"), key=lambda path: path.name != "index.md")
    found = {
        "providers/": [f"providers/{path.name}" for path in providers],
        "packages/": [page for page in PLACES if page.startswith("packages/")],
    }
    config.nav = _filled(config.nav, found)
    return config


def _filled(nav, found: dict[str, list[str]]):
    if isinstance(nav, list):
        return [_filled(entry, found) for entry in nav]
    if isinstance(nav, dict):
        return {title: _filled(entry, found) for title, entry in nav.items()}
    return found.get(nav, nav)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are not in docs/."""
    for source, page in OUTSIDE.items():
        files.append(File.generated(config, page, content=(ROOT / source).read_text("utf-8")))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Make relative links lead where they lead in the repository; those to code become plain words."""
    here = PLACES.get(page.file.src_uri, f"docs/{page.file.src_uri}")

    def link(match: re.Match[str]) -> str:
        words, target, anchor = match[1], match[2], match[3] or ""
        there = posixpath.normpath(posixpath.join(posixpath.dirname(here), target))
        uri = OUTSIDE.get(there, there.removeprefix("docs/") if there.startswith("docs/") else None)
        if uri is None or files.get_file_from_path(uri) is None:
            return words if (ROOT / there).exists() else match[0]  # what is nowhere is for the strict build to see
        return f"[{words}]({posixpath.relpath(uri, posixpath.dirname(page.file.src_uri) or '.')}{anchor})"

    return LINK.sub(link, markdown)
