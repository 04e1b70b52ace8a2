"""`downspout plugins`: who is there, and what is wrong with whom."""

from typing import Any

import click

from downspout._cli.common import debug_option, emit, json_option, start_logging, visible


@click.group(invoke_without_command=True)
@json_option
@debug_option
@click.pass_context
def plugins(ctx: click.Context, as_json: bool, debug: bool) -> int:
    """List providers and extensions: name, version, distribution, state, and why one is broken."""
    start_logging(debug=debug)
    if ctx.invoked_subcommand is not None:
        return 0
    from attrs import asdict

    from downspout._plugins import PluginRegistry

    for found in PluginRegistry(installed=True).reports():
        facts = asdict(found)
        emit(facts) if as_json else click.echo(visible(_row(facts)))
    return 0


def _row(facts: dict[str, Any]) -> str:
    origin = f"{facts['distribution'] or '-'} {facts['version'] or ''}".strip()
    state = facts["state"] if facts["reason"] is None else f"broken: {facts['reason']}"
    return f"{facts['name']:<16} {facts['kind']:<10} {origin:<26} {state}"


@plugins.command()
@click.argument("name")
@debug_option
def check(name: str, debug: bool) -> int:
    """Run the part of the contract that needs no service against the provider NAME."""
    start_logging(debug=debug)
    from downspout.testing import check_offline

    card = check_offline(name)
    click.echo(visible_lines(card.as_text()))
    return 0 if card.passed else 1


def visible_lines(text: str) -> str:
    """Return `text`, line by line without what a terminal would act on."""
    return "\n".join(visible(line) for line in text.splitlines())
