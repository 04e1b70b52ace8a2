"""`login`, `logout` and `accounts`: who is asking."""

from typing import TYPE_CHECKING, Any

import click

from downspout._cli.common import (
    debug_option,
    emit,
    json_option,
    rfc3339,
    say,
    start_logging,
    user_client,
    visible,
)

if TYPE_CHECKING:
    from downspout._client import Client
    from downspout._models import Account


@click.command()
@click.argument("account")
@click.option("--provider", metavar="NAME", help="The provider of an account that is not configured yet.")
@debug_option
def login(account: str, provider: str | None, debug: bool) -> int:
    """Sign in to ACCOUNT and keep what proves it; asks for what it needs."""
    start_logging(debug=debug)
    from downspout._cli.signing import sign_in

    sign_in(account.lower(), provider)
    return 0


@click.command()
@click.argument("account")
@debug_option
def logout(account: str, debug: bool) -> int:
    """Forget what proves who is asking for ACCOUNT."""
    start_logging(debug=debug)
    with user_client() as client:
        client.logout(account.lower())
    say(f"Forgot the credential of {account}.")
    return 0


@click.command()
@json_option
@debug_option
def accounts(as_json: bool, debug: bool) -> int:
    """List accounts: their provider, whether they are signed in, and until when. Never a secret."""
    start_logging(debug=debug)
    with user_client() as client:
        for name in client.accounts.names():
            facts = _facts(client, name)
            if as_json:
                emit(facts)
            else:
                until = f" until {facts['expires_at']}" if facts["expires_at"] else ""
                broken = facts["state"] == "broken"
                state = facts["error"] if broken else facts["state"] + until
                click.echo(visible(f"{name:<16} {facts['provider']:<12} {state}"))
    return 0


def _facts(client: "Client", name: str) -> dict[str, Any]:
    from downspout.errors import ConfigurationError, DownspoutError

    facts: dict[str, Any] = {
        "account": name,
        "provider": client.accounts.provider_of(name),
        "signed_in": False,
        "state": "not signed in",
        "expires_at": None,
        "error": None,
    }
    try:
        client.session(name)
    except DownspoutError as exc:
        known = isinstance(exc, ConfigurationError)
        return facts | {"state": "not configured" if known else "broken", "error": exc.message}
    try:
        credential = client.signed_in(name)
    except DownspoutError as exc:
        return facts | {"state": "broken", "error": exc.message}
    if credential is not None:
        return facts | {
            "signed_in": True,
            "state": "signed in",
            "expires_at": rfc3339(credential.expires_at),
        }
    return facts | ({"state": "has secrets in its settings"} if _has_secrets(client, name) else {})


def _has_secrets(client: "Client", name: str) -> bool:
    from downspout._models import Secret

    account: Account = client.accounts.get(name)
    return any(isinstance(value, Secret) and value for value in account.settings.values())
