"""`downspout ledger`: what a batch has done."""

import sys
from pathlib import Path

import click

from downspout._cli.common import debug_option, human, json_option, start_logging


@click.command()
@click.argument("file")
@click.option("--csv", "as_csv", is_flag=True, help="Export as CSV.")
@json_option
@debug_option
def ledger(file: str, as_csv: bool, as_json: bool, debug: bool) -> int:
    """Show what the ledger FILE says is done, failed and left; or export it, as JSON lines or CSV."""
    start_logging(debug=debug)
    if as_csv and as_json:
        raise click.UsageError("--csv and --json contradict each other.")
    from downspout._batch import Ledger, to_csv, to_jsonl

    with Ledger.open(Path(file), readonly=True) as found:
        if as_json:
            to_jsonl(found.rows(), sys.stdout)
        elif as_csv:
            to_csv(found.rows(), sys.stdout)
        else:
            summary = found.summary()
            for status in ("ok", "failed", "left"):
                click.echo(f"{status:<8} {summary.counts.get(status, 0)}")
            click.echo(f"{'bytes':<8} {human(summary.bytes)}")
            for kind, count in sorted(summary.kinds.items()):
                click.echo(f"failed   {count} {kind}")
    return 0
