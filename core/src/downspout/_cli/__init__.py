"""The command. It parses, calls, prints; this is the only place that knows click and rich, and that prints.

Nothing heavy is imported here or at the top of the commands' modules: `--help` and `--version` stay quick.
"""

import sys
from typing import Any, NoReturn

import click

from downspout._cli.accounts import accounts, login, logout
from downspout._cli.common import closed_pipe, debug_option, report, start_logging
from downspout._cli.completion import completion
from downspout._cli.get import get
from downspout._cli.ledger import ledger
from downspout._cli.plugins import plugins
from downspout._cli.show import cat, link, ls
from downspout._version import VERSION

__all__ = ["cli", "main"]


class _Commands(click.Group):
    """All commands. A reader that goes away is no error of theirs; click would make it one."""

    def invoke(self, ctx: click.Context) -> Any:
        """See click."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            return closed_pipe()


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(VERSION, prog_name="downspout", message="%(prog)s %(version)s")
@debug_option
def cli(debug: bool) -> None:
    """Bring documents down from clouds: whole, verified, resumable.

    A document is named by its URI, ACCOUNT:DOCUMENT, or by a whole https: URL.
    """
    start_logging(debug=debug)


for _command in (get, ls, link, cat, login, logout, accounts, plugins, ledger, completion):
    cli.add_command(_command)


def main() -> NoReturn:
    """Run the command, and end the process with its status."""
    from downspout.errors import DownspoutError

    status = 0
    try:
        returned = cli.main(standalone_mode=False)
        status = returned if isinstance(returned, int) else 0
        sys.stdout.flush()
    except click.ClickException as exc:
        exc.show()
        status = exc.exit_code
    except (click.Abort, KeyboardInterrupt):
        status = 130
    except BrokenPipeError:
        status = closed_pipe()
    except DownspoutError as exc:
        report(exc)
        status = 1
    sys.exit(status)
