"""Who is asking: a token that was configured, or one exchanged for company, address and password."""

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from downspout import Account, Credential, Http, Interaction, Secret, origin_of
from downspout.errors import AuthenticationError, ConfigurationError, NotFound, PermissionDenied, ProtocolError
from downspout_esignon import _calls, _wire
from downspout_esignon._calls import Service

_TOKEN_LIFE = timedelta(days=30)
_LABELS = {"company_id": "Company ID", "username": "E-mail address", "password": "Password"}
_CHECK = "Check company_id, username and password."
_MEANINGS = {
    **_wire.MEANINGS,
    "10": _wire.Meaning(AuthenticationError, "eSignon does not accept the sign-in", _CHECK),
    "11": _wire.Meaning(AuthenticationError, "eSignon misses something in the sign-in", _CHECK),
    "13": _wire.Meaning(PermissionDenied, "eSignon lets nobody of the company in", "Ask eSignon."),
}


def sign_in(
    account: Account, refused: Credential | None, interaction: Interaction | None, http: Http
) -> Credential:
    """Return a credential that is not the refused one; for somebody who is there, one that was checked.

    Raises:
        AuthenticationError: nothing to sign in with, or it is not accepted.
        ConfigurationError: the token or the company id cannot be right.
    """
    token = _configured_token(account)
    if token is not None:
        credential = _credential(account, {"token": token}, None)
        unused = refused is None or refused.reveal("token") != token.reveal()
        if unused if interaction is None else _holds(account, credential, http):
            return credential
    return _exchange(account, _what_is_known(account, refused, interaction), http)


def _holds(account: Account, credential: Credential, http: Http) -> bool:
    """Whether eSignon accepts a token. A refusal for another reason says that it does."""
    try:
        service = Service.of(account, credential, http)
        service.body(service.listing(1, 1), _wire.Listing, f"Checking the token of {account.name}")
    except AuthenticationError:
        return False
    except (NotFound, PermissionDenied, ProtocolError):
        return True
    return True


def _exchange(account: Account, known: dict[str, str], http: Http) -> Credential:
    """Return a token for company, user and password."""
    body = {"memb_email": known["username"], "memb_pwd": known["password"]}
    response = http.request(
        "POST",
        f"{_calls.endpoint(account)}/api/{quote(known['company_id'], safe='')}/login",
        json={"header": {"request_code": "1001Q"}, "body": body},
    )
    subject = f"Signing in to {account.name}"
    if response.status == 404:
        raise ConfigurationError(
            f"{subject}: there is no such company at that address (404).", hint="Check company_id and endpoint."
        )
    if response.status in {401, 403}:
        raise AuthenticationError(f"{subject}: it is not accepted ({response.status}).", hint=_CHECK)
    signed_in: _wire.SignedIn = _wire.body_of(
        response, _wire.SignedIn, subject, meanings=_MEANINGS, hidden=(known["password"],)
    )
    fresh = _calls.as_token(signed_in.access_token)
    if fresh is None:
        raise ProtocolError(f"{subject}: the field access_token holds no token.")
    values: dict[str, Secret | str] = {name: known[name] for name in ("company_id", "username")}
    return _credential(account, {"token": fresh, **values}, _expiry(signed_in.expire_date, http.now()))


def _configured_token(account: Account) -> Secret | None:
    text = account.text("token")
    if text is None:
        return None
    token = _calls.as_token(text)
    if token is None:
        raise ConfigurationError(
            f"The token of the account {account.name} has characters that no token has.",
            hint="Copy it again, in one piece.",
        )
    return token


def _what_is_known(
    account: Account, refused: Credential | None, interaction: Interaction | None
) -> dict[str, str]:
    """Return company, user and password: configured, kept from an earlier sign-in, or asked for."""
    known = {name: account.text(name) or (refused.reveal(name) if refused else "") for name in _LABELS}
    missing = [name for name, value in known.items() if not value]
    if missing and interaction is None:
        raise AuthenticationError(
            f"The account {account.name} cannot sign in to eSignon: {', '.join(missing)} is not set.",
            hint=f"Sign in: downspout login {account.name}.",
        )
    for name in missing:
        assert interaction is not None
        ask = interaction.secret if name == "password" else interaction.ask
        known[name] = ask(_LABELS[name])
    if not all(known.values()):
        raise AuthenticationError(f"Nothing was given to sign {account.name} in with.", hint=_CHECK)
    return known


def _credential(account: Account, values: dict[str, Secret | str], expires_at: datetime | None) -> Credential:
    return Credential(account.name, frozenset({origin_of(_calls.endpoint(account))}), values, expires_at)


def _expiry(text: str | int | None, now: datetime) -> datetime:
    """Return when a token ends: as `expire_date` says if that is a date to come, else 30 days from now."""
    try:
        said = datetime.fromisoformat(str(text).strip())
    except ValueError:
        return now + _TOKEN_LIFE
    said = said.replace(tzinfo=UTC) if said.tzinfo is None else said
    return said if said > now else now + _TOKEN_LIFE
