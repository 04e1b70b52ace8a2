"""Downspout provider for Shelf, a small library of papers.

Speaks version 1 of its API (shelf.example/api, 2026-03-01).
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from attrs import frozen

from downspout import (
    Account,
    Child,
    Credential,
    Folder,
    Http,
    Interaction,
    Link,
    Provider,
    Reference,
    Response,
    Secret,
    Setting,
    Stream,
)
from downspout.errors import (
    AuthenticationError,
    DownspoutError,
    InvalidURI,
    LinkRefused,
    NotFound,
    PermissionDenied,
    ProtocolError,
)
from downspout.hookspecs import Outcome, hookimpl

provider = Provider(
    "shelf",
    title="Shelf",
    settings=[
        Setting("endpoint", "address of the library", default="https://shelf.example"),
        Setting("username", "name that you sign in with"),
        Setting("password", "password that goes with it", secret=True),
    ],
    batch_size=20,
)


PAPER = r"[0-9]{1,12}"
SHELF = r"/[a-z0-9-]{1,40}"


@frozen
class Paper:
    """What the service says of one paper: an error, or the rest."""

    id: str
    title: str | None = None
    size: int | None = None
    sha256: str | None = None
    revision: int | None = None
    url: str | None = None
    seconds: int = 0
    error: str | None = None


@frozen
class Papers:
    """An answer that holds papers, and the number of the next page if there is one."""

    papers: list[Paper]
    next: int | None = None


@frozen
class Session:
    """What signing in gives."""

    token: str
    seconds: int = 0


@frozen
class Shelf:
    """The service, as an account sees it."""

    account: Account
    credential: Credential | None
    http: Http

    def ask(self, method: str, path: str, json: object = None) -> Response:
        """Ask as whoever has signed in. What concerns the whole call is raised; 404 is the caller's."""
        if self.credential is None:
            raise AuthenticationError(f"The account {self.account.name} has not signed in to Shelf.")
        headers = {"Authorization": f"Bearer {self.credential.reveal('token')}"}
        answer = self.http.request(method, address(self.account, path), headers=headers, json=json)
        if not answer.ok and answer.status != 404:
            raise answer.error(f"The account {self.account.name}")
        return answer


def address(account: Account, path: str) -> str:
    """Return the URL of a call."""
    return f"{account.text('endpoint')}/v1/{path}"


@hookimpl
def resolve_link(
    account: Account, references: Sequence[Reference], credential: Credential | None, http: Http
) -> Sequence[Outcome] | None:
    """Ask for up to 20 papers in one call, and for a page of a shelf in a call of its own."""
    if account.provider != provider.name:
        return None
    shelf = Shelf(account, credential, http)
    papers = papers_of(shelf, [each.document for each in references if is_paper(each)])
    return [
        paper_outcome(each, papers.get(each.document), http.now()) if is_paper(each) else page_outcome(shelf, each)
        for each in references
    ]


def is_paper(reference: Reference) -> bool:
    """Return whether a reference names a paper, and not a shelf."""
    return re.fullmatch(PAPER, reference.document) is not None and not reference.options


def papers_of(shelf: Shelf, ids: Sequence[str]) -> dict[str, Paper]:
    """Return what the service says of papers, by their numbers."""
    if not ids:
        return {}
    answer = shelf.ask("POST", "links", {"ids": list(dict.fromkeys(ids))})
    return {paper.id: paper for paper in answer.json(Papers).papers}


def paper_outcome(reference: Reference, paper: Paper | None, now: datetime) -> Outcome:
    """Return what becomes of one paper."""
    shown = reference.shown
    if paper is None or paper.error == "not-found":
        return NotFound(f"{shown}: there is no such paper.", hint="Look its number up again.")
    if paper.error == "forbidden":
        return PermissionDenied(f"{shown}: this paper is not for you.", hint="Ask whoever put it there.")
    if paper.url is None or not re.fullmatch(r"https?://[!-~]{1,4000}", paper.url):
        return ProtocolError(f"{shown}: Shelf gives no URL for this paper.")
    return Link(
        reference,
        paper.url,
        name=paper.title,
        size=checked_size(paper.size),
        version=version_of(paper),
        digests={"sha256": paper.sha256} if re.fullmatch(r"[0-9a-f]{64}", paper.sha256 or "") else {},
        expires_at=now + timedelta(seconds=min(max(paper.seconds, 0), 3600)),
    )


def version_of(paper: Paper) -> str | None:
    """Return what names the paper's content."""
    return None if paper.revision is None else str(paper.revision)


def checked_size(size: int | None) -> int | None:
    """Return a number of bytes, or `None` for one that cannot be right."""
    return size if size is not None and 0 <= size < 2**53 else None


@hookimpl
def authenticate(
    account: Account, refused: Credential | None, interaction: Interaction | None, http: Http
) -> Credential | None:
    """Exchange name and password for a token that lives for a while."""
    if account.provider != provider.name:
        return None
    username, password = account.text("username"), account.text("password")
    if interaction is not None:
        username = username or interaction.ask("Name")
        password = password or interaction.secret("Password")
    if not username or not password:
        raise AuthenticationError(
            f"The account {account.name} cannot sign in to Shelf.",
            hint=f"Set its username and password, or run `downspout login {account.name}`.",
        )
    answer = http.request("POST", address(account, "sign-in"), json={"name": username, "password": password})
    if answer.status == 401:
        raise AuthenticationError(f"Shelf does not let {account.name} in.", hint="Check username and password.")
    if not answer.ok:
        raise answer.error(f"Signing in to {account.name}")
    session = answer.json(Session)
    expires_at = http.now() + timedelta(seconds=min(max(session.seconds, 0), 86_400))
    return Credential(account.name, account.origins, {"token": Secret(session.token)}, expires_at)


def title_of(paper: Paper) -> str:
    """Return a name that no other paper of a shelf has; a `/` would make a folder of it."""
    return f"{paper.id} {paper.title or 'untitled'}".replace("/", "_")


def page_outcome(shelf: Shelf, reference: Reference) -> Outcome:
    """Return one page of a shelf (`shelf:/poetry`, then `shelf:/poetry?page=2`)."""
    shown, name = reference.shown, reference.document.removeprefix("/")
    page = reference.options.get("page", "1")
    if not re.fullmatch(SHELF, reference.document) or not re.fullmatch(r"[1-9][0-9]{0,5}", page):
        return InvalidURI(f"{shown}: that is no paper and no shelf.", hint="Write shelf:NUMBER or shelf:/NAME.")
    answer = shelf.ask("GET", f"shelves/{name}?page={page}")
    if answer.status == 404:
        return NotFound(f"{shown}: there is no such shelf.")
    listing = answer.json(Papers)
    children = [
        Child(title_of(paper), Reference(reference.account, paper.id), checked_size(paper.size), version_of(paper))
        for paper in listing.papers
        if re.fullmatch(PAPER, paper.id)
    ]
    if listing.next is None:
        return Folder(children)
    return Folder(children, more=Reference(reference.account, f"/{name}", {"page": str(listing.next)}))


@hookimpl
def open_stream(
    account: Account, link: Link, start: int, stop: int | None, etag: str | None, http: Http
) -> Stream | None:
    """Open a paper's bytes; Shelf says of a dead link that it is in conflict (409)."""
    if account.provider != provider.name:
        return None

    def on_error(answer: Response) -> DownspoutError:
        if answer.status == 409:
            return LinkRefused(f"{link.reference.shown}: its link has expired.", final=PermissionDenied)
        return answer.error(link.reference.shown)

    return http.open("GET", link.url, start=start, stop=stop, etag=etag, on_error=on_error)
