"""The calls: where they go, and what goes with them."""

from urllib.parse import quote

from downspout import Account, Credential, Http, Response, Secret
from downspout.errors import AuthenticationError

ENDPOINT = "https://docs.esignon.net"


def endpoint(account: Account) -> str:
    """Return the address of the service, without a final slash."""
    return (account.text("endpoint") or ENDPOINT).rstrip("/")


def login_url(account: Account, company_id: str) -> str:
    """Return the address at which users of a company sign in."""
    return f"{endpoint(account)}/api/{quote(company_id, safe='')}/login"


def signature(credential: Credential | None, account: Account) -> dict[str, str]:
    """Return the header field that says who is asking: the word `esignon`, a space, the token as it came.

    Raises:
        AuthenticationError: nobody has signed in.
    """
    token = credential.reveal("token") if credential is not None else ""
    if not token:
        raise AuthenticationError(
            f"The account {account.name} has not signed in to eSignon.",
            hint=f"Sign in: downspout login {account.name}.",
        )
    return {"Authorization": f"esignon {token}"}


def as_token(text: str) -> Secret | None:
    """Return `text` as a token, or `None` if none can look like that: it is printable ASCII without blanks."""
    token = text.strip().removeprefix("esignon ").strip()
    return Secret(token) if token and all("!" <= character <= "~" for character in token) else None


def issue(account: Account, workflow_id: str, signed: dict[str, str], http: Http) -> Response:
    """Ask for URLs with the fields of 2020-09 and later; those of 2021 and later need no `client_id`."""
    client_id = account.text("client_id")
    fields = {"workflow_id": workflow_id} | ({"client_id": client_id} if client_id else {})
    return http.request("POST", f"{endpoint(account)}/workflow/download", headers=signed, json=fields)


def issue_as_in_2020(account: Account, workflow_id: str, signed: dict[str, str], http: Http) -> Response:
    """Ask for a URL with the field names of 2020-05."""
    fields = {
        "comp_id": account.text("company_id") or "",
        "wfuid": workflow_id,
        "client_id": account.text("client_id") or "",
    }
    return http.request("POST", f"{endpoint(account)}/workflow/download", headers=signed, json=fields)


def information(account: Account, workflow_id: str, signed: dict[str, str], http: Http) -> Response:
    """Ask for all that is known of a workflow; the URLs in it are said to have no time limit."""
    path = f"/api/v2/workflows/{quote(workflow_id, safe='')}?offset=%2B09%3A00"
    return http.request("GET", endpoint(account) + path, headers=signed)


def listing(account: Account, page: int, rows: int, signed: dict[str, str], http: Http) -> Response:
    """Ask for one page (1-based) of all workflows that the user may see."""
    return http.request("GET", f"{endpoint(account)}/worklists/new?page={page}&rows={rows}", headers=signed)
