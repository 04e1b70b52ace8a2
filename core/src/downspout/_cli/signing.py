"""What `downspout login` does."""

import click

from downspout._accounts import variable
from downspout._cli.common import say, user_client
from downspout._cli.terminal import Terminal
from downspout._client import Client
from downspout._models import Account, Provider
from downspout.errors import NoProvider


def sign_in(name: str, provider_name: str | None) -> None:
    """Ask for what is missing, sign in, and print the configuration to keep, if any.

    Raises:
        DownspoutError: it did not work.
    """
    terminal = Terminal()
    with user_client() as client:
        known = name in client.accounts.names()
        if not known and provider_name is None:
            client.accounts.provider_of(name)  # raises, with what was probably meant
        chosen = provider_name or client.accounts.provider_of(name)
        provider = client.plugins.load(chosen).provider
        if known and client.accounts.provider_of(name) != chosen:
            raise NoProvider(f"The account {name} is one of another provider.", hint="Choose another name for it.")
        given = _asked(client, name, provider, terminal) if known else _asked_anew(name, provider, terminal)
    with user_client(accounts=[Account(name, chosen, given)] if given or not known else ()) as client:
        terminal.serve(lambda: client.login(name, terminal))
    say(f"Signed in to {name}.")
    lines = configuration_lines(name, chosen, given)
    if lines:
        say("Keep this in the configuration:")
        for line in lines:
            click.echo(line)


def _asked(client: Client, name: str, provider: Provider, terminal: Terminal) -> dict[str, object]:
    account = client.accounts.get(name)
    return {
        setting.name: terminal.ask(f"{setting.name} ({setting.help})")
        for setting in provider.settings
        if setting.required and not setting.secret and account.settings.get(setting.name) in (None, "")
    }


def _asked_anew(name: str, provider: Provider, terminal: Terminal) -> dict[str, object]:
    import os

    return {
        setting.name: os.environ.get(variable(name, setting.name))
        or terminal.ask(f"{setting.name} ({setting.help})")
        for setting in provider.settings
        if setting.required and not setting.secret
    }


def configuration_lines(name: str, provider: str, given: dict[str, object]) -> list[str]:
    """Return the lines of TOML that make the account what it was just now."""
    import json

    settings = [f"{key} = {json.dumps(str(value), ensure_ascii=False)}" for key, value in given.items() if value]
    if not settings and name == provider:
        return []
    return [f"[accounts.{name}]", f"provider = {json.dumps(provider)}", *settings]
