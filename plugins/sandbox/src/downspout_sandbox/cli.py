"""The command `downspout-sandbox`."""

import os
import shlex
import signal
import subprocess
import sys
import threading
import types
import typing
from collections.abc import Callable, Sequence

import click

from downspout_sandbox import services, switches

if typing.TYPE_CHECKING:
    from downspout_sandbox.server import Sandbox

F = typing.TypeVar("F", bound=Callable[..., object])


def _options(command: F) -> F:
    """Give a command the options `--service`, `--tls` and one for each switch."""
    kinds = services.switch_kinds(services.chosen(()))
    for service, kind in reversed(kinds.items()):
        prefix = f"{service}_" if service else ""
        for name, default, text in reversed(list(switches.describe(kind, prefix))):
            command = _switch_option(name, default, text)(command)
    command = click.option("--tls", is_flag=True, help="Serve https with a throw-away certificate.")(command)
    choice = click.Choice(services.NAMES)
    return click.option("--service", "chosen", multiple=True, type=choice, help="Only this; may be repeated.")(
        command
    )


def _switch_option(name: str, default: switches.Value, text: str) -> Callable[[F], F]:
    option = "--" + name.replace("_", "-")
    if isinstance(default, bool):
        return click.option(option, name, is_flag=True, default=None, help=text)
    shown = f"{text} [default: {default}]" if default not in {None, ""} else text
    return click.option(option, name, metavar="VALUE", default=None, help=shown)


@click.group()
@click.version_option(package_name="downspout-sandbox")
def main() -> None:
    """The four services that downspout speaks to, emulated on loopback."""


@main.command()
@_options
def serve(chosen: Sequence[str], tls: bool, **given: object) -> None:
    """Print the environment to use, then serve until interrupted."""
    ended = threading.Event()

    def end(_number: int, _frame: types.FrameType | None) -> None:
        ended.set()

    signal.signal(signal.SIGINT, end)
    signal.signal(signal.SIGTERM, end)
    with _make(chosen, tls, given) as sandbox:
        for name, value in sandbox.environment.items():
            click.echo(f"export {name}={shlex.quote(value)}")
        for endpoint in sandbox.world.ports:
            click.echo(f"# {endpoint}: {sandbox.url(endpoint)}")
        for line in sandbox.sign_in_help:
            click.echo(f"# {line}")
        click.echo(f"# try: downspout get {' '.join(map(shlex.quote, sandbox.examples))}")
        sys.stdout.flush()
        ended.wait()


@main.command(context_settings={"allow_interspersed_args": False})
@_options
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def run(chosen: Sequence[str], tls: bool, command: Sequence[str], **given: object) -> None:
    """Run COMMAND with the services and their environment; exit with its status."""
    with _make(chosen, tls, given) as sandbox:
        try:
            process = subprocess.Popen(command, env=os.environ | sandbox.environment)
        except OSError as error:
            raise click.ClickException(f"The command {command[0]} does not start: {error.strerror}.") from None
        status = _wait(process)
    sys.exit(status if status >= 0 else 128 - status)


@main.command("switches")
@click.option(
    "--service", "service", type=click.Choice(("", *services.NAMES)), default="", help="Whose; none: all's."
)
def list_switches(service: str) -> None:
    """Print the switches of all services, or one service's own, as a table in Markdown."""
    kinds = services.switch_kinds(services.chosen([service] if service else services.NAMES))
    click.echo("| switch | default | what it does |\n|---|---|---|")
    for name, default, text in switches.describe(kinds[service], f"{service}_" if service else ""):
        click.echo(f"| `{name}` | {_shown(default)} | {text} |")


def _shown(default: switches.Value) -> str:
    if isinstance(default, bool):
        return "on" if default else "off"
    if default is None:
        return "none"
    return str(default) or "empty"


def _wait(process: subprocess.Popen[bytes]) -> int:
    """Wait for a command; what interrupts us is its business, so pass SIGTERM on and leave SIGINT to it."""
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return process.wait()


def _make(chosen: Sequence[str], tls: bool, given: dict[str, object]) -> "Sandbox":
    from downspout_sandbox.server import Sandbox

    asked = {name: value for name, value in given.items() if value is not None}
    try:
        return Sandbox(chosen, tls=tls, **asked)
    except ValueError as error:
        raise click.UsageError(str(error)) from None


if __name__ == "__main__":
    main()
