"""The calls: where they go, and what goes with them."""

from typing import Any, Self
from urllib.parse import quote

from attrs import field, frozen

from downspout import Account, Credential, Http, Response, Secret
from downspout.errors import AuthenticationError
from downspout_esignon import _wire

ENDPOINT = "https://docs.esignon.net"


def endpoint(account: Account) -> str:
    """Return the address of the service, without a final slash."""
    return (account.text("endpoint") or ENDPOINT).rstrip("/")


def as_token(text: str) -> Secret | None:
    """Return `text` as a token, or `None` if none can look like that: it is printable ASCII without blanks."""
    token = text.strip().removeprefix("esignon ").strip()
    return Secret(token) if token and all("!" <= character <= "~" for character in token) else None


@frozen
class Service:
    """Calls as somebody who has signed in.

    Attributes:
        account: its endpoint is asked.
        token: says who is asking.
        http: sends it to the endpoint's origin only.
    """

    account: Account
    token: str = field(repr=False)
    http: Http

    @classmethod
    def of(cls, account: Account, credential: Credential | None, http: Http) -> Self:
        """Return the service as the owner of `credential` sees it.

        Raises:
            AuthenticationError: nobody has signed in.
        """
        token = credential.reveal("token") if credential is not None else ""
        if not token:
            raise AuthenticationError(
                f"The account {account.name} has not signed in to eSignon.",
                hint=f"Sign in: downspout login {account.name}.",
            )
        return cls(account, token, http)

    def issue(self, workflow_id: str) -> Response:
        """Ask for URLs with the fields of 2020-09 and later; those of 2021 and later need no `client_id`."""
        client_id = self.account.text("client_id")
        fields = {"workflow_id": workflow_id} | ({"client_id": client_id} if client_id else {})
        return self._ask("POST", "/workflow/download", fields)

    def issue_as_in_2020(self, workflow_id: str) -> Response:
        """Ask for a URL with the field names of 2020-05."""
        company_id, client_id = (self.account.text(name) or "" for name in ("company_id", "client_id"))
        fields = {"comp_id": company_id, "wfuid": workflow_id, "client_id": client_id}
        return self._ask("POST", "/workflow/download", fields)

    def information(self, workflow_id: str) -> Response:
        """Ask for all that is known of a workflow; the URLs in it are said to have no time limit."""
        return self._ask("GET", f"/api/v2/workflows/{quote(workflow_id, safe='')}?offset=%2B09%3A00")

    def listing(self, page: int, rows: int) -> Response:
        """Ask for one page (1-based) of all workflows that the user may see."""
        return self._ask("GET", f"/worklists/new?page={page}&rows={rows}")

    def _ask(self, method: str, path: str, fields: dict[str, str] | None = None) -> Response:
        # The scheme's word, a space, the token as it came: base64 with `+`, `/` and `=` in it.
        signed = {"Authorization": f"esignon {self.token}"}
        return self.http.request(method, endpoint(self.account) + path, headers=signed, json=fields)

    def body(self, response: Response, shape: type, subject: str) -> Any:
        """Return an answer's body as a `shape`; see `_wire.body_of`.

        Raises:
            DownspoutError: it is a failure, or makes no sense.
        """
        return _wire.body_of(response, shape, subject, hidden=(self.token,))
