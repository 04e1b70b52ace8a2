"""`downspout completion`: what makes a shell complete commands and options."""

import click


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the script that makes SHELL complete downspout's commands.

    For bash: downspout completion bash > ~/.local/share/bash-completion/completions/downspout
    """
    from click.shell_completion import get_completion_class

    from downspout._cli import cli

    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(cli, {}, "downspout", "_DOWNSPOUT_COMPLETE").source())
