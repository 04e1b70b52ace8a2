"""Somebody at the keyboard: implements `downspout.Interaction`."""

import sys
from collections.abc import Sequence

import click

from downspout._cli.common import say, visible
from downspout.errors import AuthenticationError


class Terminal:
    """Asks on the terminal; what is asked goes to standard error."""

    def ask(self, label: str) -> str:
        """See `Interaction`."""
        return self._prompt(label, hidden=False)

    def secret(self, label: str) -> str:
        """See `Interaction`."""
        return self._prompt(label, hidden=True)

    def choose(self, label: str, options: Sequence[str]) -> int:
        """See `Interaction`."""
        if not options:
            raise AuthenticationError(f"{visible(label)}: there is nothing to choose from.")
        for number, option in enumerate(options, 1):
            say(f"  {number}. {option}")
        chosen: int = click.prompt(
            visible(label),
            type=click.IntRange(1, len(options)),
            err=True,
            default=1 if len(options) == 1 else None,
        )
        return chosen - 1

    def tell(self, text: str) -> None:
        """See `Interaction`."""
        say(text)

    def _prompt(self, label: str, *, hidden: bool) -> str:
        if sys.stdin is None:
            raise AuthenticationError("There is nobody to ask.", hint="Run it in a terminal.")
        if hidden and not sys.stdin.isatty():
            say(f"{label}:")
            return sys.stdin.readline().rstrip("\r\n")  # a script that answers: there is no echo to hide
        answer: str = click.prompt(visible(label), hide_input=hidden, err=True, default="", show_default=False)
        return answer
