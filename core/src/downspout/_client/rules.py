"""An account's settings, as rules for its requests."""

from collections.abc import Mapping

from downspout._http import Rules
from downspout._models import Account


def rules_of(account: Account, environ: Mapping[str, str]) -> Rules:
    """Return the rules of an account.

    Args:
        account: with its settings.
        environ: where the usual proxy variables are looked up; empty for applications.
    """
    proxy = account.text("proxy") or _first(environ, "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
    no_proxy = _first(environ, "no_proxy", "NO_PROXY") or ""
    return Rules(
        trusted=account.origins,
        allow_http=account.flag("allow_http"),
        allow_private=account.flag("allow_private"),
        ca_bundle=account.text("ca_bundle"),
        proxy=proxy,
        no_proxy=frozenset(name.strip().lower() for name in no_proxy.split(",") if name.strip()),
    )


def _first(environ: Mapping[str, str], *names: str) -> str | None:
    return next((environ[name] for name in names if environ.get(name)), None)
