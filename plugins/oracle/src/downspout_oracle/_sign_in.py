"""Who is asking: whatever an account has of tokens, passwords, access codes and application links."""

from datetime import datetime
from typing import NamedTuple

from attrs import evolve

from downspout import Account, Credential, Http, Interaction, Secret, origin_of
from downspout.errors import AuthenticationError, ConfigurationError
from downspout_oracle import _api, _applinks, _oauth, _wire

Values = dict[str, Secret | str]

_CHOICES = (
    "A bearer token",
    "A user name and a password",
    "The access code of a public link",
    "The tokens of an application link",
)


_APPLINK = ("applink_token", "applink_refresh_token")


class Proof(NamedTuple):
    """An `Authorization` field: its value, and when it ends."""

    authorization: Secret
    expires_at: datetime | None = None


def sign_in(
    account: Account, refused: Credential | None, interaction: Interaction | None, http: Http
) -> Credential:
    """Return a credential that differs from the refused one.

    Raises:
        AuthenticationError: there is nothing (new) to make one of, or it is not accepted.
        ConfigurationError: a setting is missing or wrong.
    """
    base_url = _api.base_url(account)
    applink = _applinks.take(account)
    if refused is not None and interaction is None and applink is not None:
        return evolve(refused, values=_with_renewed_applink(base_url, applink, refused, http))
    before: Values = dict(refused.values) if refused is not None else {}
    if interaction is not None:
        return _log_in(base_url, account, before, interaction, http)
    proof = _proof(account, before.get("authorization"), http)
    values = _configured(account, before) | before | _as_values(proof)
    if not values or values == before:
        raise _nothing_new(account, refused)
    return _credential(base_url, account, values, proof)


def _log_in(base_url: str, account: Account, before: Values, interaction: Interaction, http: Http) -> Credential:
    """Check what is configured; ask where nothing is."""
    proof = _proof(account, None, http)
    values = _configured(account, {}) | _as_values(proof)
    if not values:
        asked_for = _asked_for(account, interaction)
        values = {name: value for name, value in {**before, **asked_for}.items() if value}
    if "authorization" in values:
        _try(base_url, account, values["authorization"], http)
    return _credential(base_url, account, values, proof)


def _credential(base_url: str, account: Account, values: Values, proof: Proof | None) -> Credential:
    expires_at = proof.expires_at if proof is not None else None
    return Credential(account.name, frozenset({origin_of(base_url)}), values, expires_at)


def _nothing_new(account: Account, refused: Credential | None) -> AuthenticationError:
    hint = f"Set token (or access_code, applink_token), or sign in: downspout login {account.name}."
    if refused is None:
        return AuthenticationError(f"The account {account.name} has nothing to sign in with.", hint=hint)
    return AuthenticationError(
        f"Oracle Content Management does not accept what the account {account.name} signs in with.", hint=hint
    )


def _proof(account: Account, before: Secret | str | None, http: Http) -> Proof | None:
    """Return the best proof that is not the one before; a token that was issued already goes first."""
    token, username, password = (account.text(name) for name in ("token", "username", "password"))
    if token and before is None:
        return Proof(_bearer(token, account))
    if _oauth.is_configured(account):
        grant = _oauth.ask(account, http)
        return Proof(Secret(f"Bearer {grant.access_token}"), _oauth.expiry(grant, http.now()))
    proofs = [Proof(_bearer(token, account))] if token else []
    proofs += [Proof(Secret(_oauth.basic(username, password)))] if username and password else []
    fresh = (proof for proof in proofs if proof.authorization != before)
    return next(fresh, None)


def _bearer(token: str, account: Account) -> Secret:
    token = token.strip().removeprefix("Bearer ").strip()
    if not _wire.is_token(token):
        raise ConfigurationError(
            f"The token of the account {account.name} has characters that no token has.",
            hint="Copy it again, in one piece.",
        )
    return Secret(f"Bearer {token}")


def _as_values(proof: Proof | None) -> Values:
    return {} if proof is None else {"authorization": proof.authorization}


def _configured(account: Account, before: Values) -> Values:
    """Return what the settings have besides a proof; no pair of an application link that is spent."""
    names = ("access_code", *(() if _applinks.SPENT in before else _APPLINK))
    return {name: Secret(text) for name in names if (text := account.text(name))}


def _with_renewed_applink(base_url: str, applink: str, refused: Credential, http: Http) -> Values:
    """Return the values with a new token for an application link, or without any if that is over.

    Whatever else the account is used for goes on.
    """
    token, refresh_token = (refused.reveal(name) for name in _APPLINK)
    others: Values = {name: value for name, value in refused.values.items() if name not in _APPLINK}
    try:
        fresh = _applinks.renew(base_url, applink, token, refresh_token, http)
    except AuthenticationError:
        return {**others, _applinks.SPENT: "yes"}
    until = (http.now() + _applinks.LIFE).isoformat()
    return {**refused.values, "applink_token": fresh, _applinks.UNTIL: until}


def _asked_for(account: Account, interaction: Interaction) -> Values:
    """Ask what there is to sign in with."""
    choice = interaction.choose("What do you have?", _CHOICES)
    if choice == 0:
        return {"authorization": _bearer(interaction.secret("Token"), account)}
    if choice == 1:
        username = interaction.ask("User name")
        authorization = Secret(_oauth.basic(username, interaction.secret("Password")))
        return {"authorization": authorization, "username": username}
    if choice == 2:
        return {"access_code": Secret(_api.as_cookie(interaction.secret("Access code")))}
    token = Secret(interaction.secret("Access token"))
    refresh_token = Secret(interaction.secret("Refresh token (empty: none)"))
    pair: Values = {"applink_token": token, "applink_refresh_token": refresh_token}
    return {**pair, _applinks.SPENT: "", _applinks.UNTIL: ""}


def _try(base_url: str, account: Account, authorization: Secret | str, http: Http) -> None:
    """Ask for the home folder, so that a wrong password is noticed while somebody is there to mend it.

    Raises:
        AuthenticationError: it is not accepted.
    """
    text = authorization.reveal() if isinstance(authorization, Secret) else authorization
    response = http.request("GET", f"{base_url}/folders/items?limit=1", headers={"Authorization": text})
    if response.status == 401 or response.headers.get("content-type", "").lower().startswith("text/html"):
        raise AuthenticationError(
            f"Oracle Content Management does not accept what {account.name} signs in with ({response.status}).",
            hint="Check it. Users of single sign-on need a bearer token instead of a password.",
        )
