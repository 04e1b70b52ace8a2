"""An account's settings, as rules for its requests; and whether they are all there."""

from collections.abc import Mapping

from downspout._accounts import variable
from downspout._http import Rules
from downspout._models import Account, Provider
from downspout.errors import ConfigurationError


def rules_of(account: Account, environ: Mapping[str, str]) -> Rules:
    """Return the rules of an account.

    Args:
        account: with its settings.
        environ: where the usual proxy variables are looked up; empty for applications.
    """
    chosen = account.text("proxy")
    no_proxy = _first(environ, "no_proxy", "NO_PROXY") or ""
    return Rules(
        trusted=account.origins,
        allow_http=account.flag("allow_http"),
        allow_private=account.flag("allow_private"),
        ca_bundle=account.text("ca_bundle"),
        proxy=chosen or _first(environ, "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"),
        # Not HTTP_PROXY: where we run as a CGI program, that is a header of whoever asks.
        http_proxy=chosen or _first(environ, "http_proxy", "all_proxy", "ALL_PROXY"),
        no_proxy=frozenset(name.strip().lower() for name in no_proxy.split(",") if name.strip()),
    )


def check_complete(account: Account, provider: Provider) -> None:
    """Check that the settings are there without which nothing works. Secrets may still come from a sign-in.

    Raises:
        ConfigurationError: one is missing; the hint says where to put it.
    """
    for setting in provider.settings:
        if setting.required and not setting.secret and account.text(setting.name) is None:
            raise ConfigurationError(
                f"The account {account.name} has no {setting.name} ({setting.help}).",
                hint=f"Set it under [accounts.{account.name}], or as {variable(account.name, setting.name)}.",
            )


def _first(environ: Mapping[str, str], *names: str) -> str | None:
    return next((environ[name] for name in names if environ.get(name)), None)
