"""`downspout get`: bring documents down."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from downspout._cli.common import Rate, debug_option, json_option, start_logging

if TYPE_CHECKING:
    from downspout._cli.getting import Choices


@click.command(short_help="Download documents and folders.")
@click.argument("uris", metavar="[URI]...", nargs=-1)
@click.option(
    "-i", "--input", "list_file", metavar="FILE", help="Read URIs from FILE, one a line; - is standard input."
)
@click.option(
    "-d", "--directory", default=".", metavar="DIR", help="Where to put them (made if need be). [default: .]"
)
@click.option("-o", "--output", metavar="FILE", help="Name of the one document; - is standard output.")
@click.option(
    "-j",
    "--jobs",
    default=8,
    type=click.IntRange(1, 256),
    metavar="JOBS",
    help="Documents at a time. [default: 8]",
)
@click.option(
    "-x",
    "--connections",
    type=click.IntRange(1, 64),
    metavar="CONNECTIONS",
    help="Connections per document. [default: as helps, at most 8]",
)
@click.option(
    "--exists",
    type=click.Choice(["fail", "skip", "overwrite", "rename"]),
    default="fail",
    help="What to do with a file that is there. [default: fail]",
)
@click.option("--sha256", metavar="HEX", help="The digest that the one document must have.")
@click.option("--hash", "compute_hash", is_flag=True, help="Compute the SHA-256 of each document.")
@click.option(
    "--limit-rate", type=Rate(), metavar="RATE", help="Bytes per second at most, of all together; K, M, G."
)
@click.option(
    "--timeout",
    default=30.0,
    type=click.FloatRange(min=0.1),
    metavar="SECONDS",
    help="To connect, and without a byte. [default: 30]",
)
@click.option(
    "--min-speed",
    default=1.0,
    type=Rate(),
    metavar="RATE",
    help="Give up below it, over 30 s; 0 is off. [default: 1]",
)
@click.option(
    "--retries",
    default=5,
    type=click.IntRange(0, 1000),
    metavar="N",
    help="Attempts in a row without progress. [default: 5]",
)
@click.option("--accept-html", is_flag=True, help="Take a web page for a document.")
@click.option(
    "--ledger", metavar="FILE", help="Remember what is done in FILE. [default with -i: DIR/.downspout.sqlite]"
)
@click.option("--no-ledger", is_flag=True, help="Remember nothing.")
@click.option("--refresh", is_flag=True, help="Ask again about what is done, and fetch what changed.")
@click.option("--dry-run", is_flag=True, help="Say what would be done.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but results and failures.")
@click.option("-v", "--verbose", is_flag=True, help="Say what is tried, and why.")
@json_option
@debug_option
def get(uris: tuple[str, ...], debug: bool, **options: Any) -> int:
    """Download documents, and folders of them.

    Results go to standard output: a path for each document that is there, or JSON lines.
    The status is 0 if every document is there, 1 if at least one is not.
    """
    start_logging(debug=debug, verbose=options["verbose"])
    _check(uris, options)
    from downspout._cli.getting import run

    return run(_choices(uris, options))


def _choices(uris: tuple[str, ...], options: dict[str, Any]) -> "Choices":
    from downspout._cli.getting import Choices

    return Choices(uris=uris, **options)


def _check(uris: tuple[str, ...], options: dict[str, Any]) -> None:
    """Refuse what cannot be meant."""
    output, list_file = options["output"], options["list_file"]
    if not uris and list_file is None:
        raise click.UsageError("Give a URI, or a list of them with -i.")
    single = len(uris) == 1 and list_file is None
    for name, value in (("-o", output), ("--sha256", options["sha256"])):
        if value is not None and not single:
            raise click.UsageError(f"{name} goes with exactly one URI.")
    if output == "-" and options["as_json"]:
        raise click.UsageError("-o - and --json both want standard output.")
    if options["ledger"] is not None and options["no_ledger"]:
        raise click.UsageError("--ledger and --no-ledger contradict each other.")
    sha256 = options["sha256"]
    if sha256 is not None and (len(sha256) != 64 or not all(c in "0123456789abcdefABCDEF" for c in sha256)):
        raise click.UsageError("--sha256 takes 64 hex digits.")
    if list_file not in (None, "-") and not Path(list_file).is_file() and not Path(list_file).exists():
        raise click.UsageError(f"There is no list {list_file!r}.")
    if list_file == "-" and sys.stdin is None:
        raise click.UsageError("There is no standard input.")
