"""The built-in provider `web`: any https or http URL, taken as it is."""

from collections.abc import Mapping

from downspout._models import (
    Account,
    Credential,
    Http,
    Link,
    Provider,
    Reference,
    Response,
    Secret,
    Setting,
    Stream,
    is_url,
    origin_of,
)
from downspout.errors import AuthenticationError, DownspoutError, InvalidURI
from downspout.hookspecs import hookimpl, one_by_one

provider = Provider(
    name="web",
    title="any https or http URL",
    settings=(
        Setting("endpoint", "in a named account: the origin whose URLs the account is for"),
        Setting("token", "in a named account: a bearer token, for that origin only", secret=True),
    ),
)


@hookimpl
def authenticate(account: Account, refused: Credential | None) -> Credential | None:
    """Take the account's token; there is no way to renew one."""
    token = account.text("token")
    if token is None or not account.origins or refused is not None:
        raise AuthenticationError(
            f"{account.name}: the server wants to know who is asking.",
            hint="Name an account with provider = 'web', its endpoint and a token in the configuration.",
        )
    return Credential(account.name, account.origins, {"token": Secret(token)})


@hookimpl
@one_by_one
def resolve_link(
    account: Account,  # noqa: ARG001 - what `one_by_one` calls takes all four
    reference: Reference,
    credential: Credential | None,  # noqa: ARG001
    http: Http,  # noqa: ARG001
) -> Link:
    """A URL is its own link."""
    if not is_url(reference.document):
        raise InvalidURI(f"{reference.shown} is no URL.", hint="Write a whole https: URL.")
    return Link(reference, reference.document)


@hookimpl
def open_stream(
    account: Account,
    link: Link,
    credential: Credential | None,
    start: int,
    stop: int | None,
    etag: str | None,
    http: Http,
) -> Stream | None:
    """Show the token to the account's own origin; everything else is for the core."""
    if not account.settings.get("token") or origin_of(link.url) not in account.origins:
        return None
    if credential is None:
        raise AuthenticationError(f"{link.reference.shown}: the account's token is needed.")
    headers: Mapping[str, str] = {"Authorization": f"Bearer {credential.reveal('token')}"}

    def on_error(answer: Response) -> DownspoutError:
        return answer.error(link.reference.shown)

    return http.open("GET", link.url, headers=headers, start=start, stop=stop, etag=etag, on_error=on_error)
