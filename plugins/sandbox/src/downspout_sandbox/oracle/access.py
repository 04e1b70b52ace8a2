"""Who may call Oracle Content Management: users, public links, applinks; and the form of its errors."""

import base64
import typing

import attrs
from aiohttp import web

from downspout_sandbox.oracle.names import (
    APPLINK,
    APPLINK_REFRESH_TOKEN,
    APPLINK_TOKEN,
    FIRST_LINKS,
    PRIVATE,
    PublicLink,
    file_id,
)
from downspout_sandbox.switches import switch
from downspout_sandbox.tokens import Tokens, make_secret
from downspout_sandbox.world import World

USERNAME = "jo@acme.example"
PASSWORD = "battery staple 9"
STRANGER = "bb@acme.example"  # shown as "User BB", who may read nothing
STRANGER_PASSWORD = "stranger 7"
FEDERATED = "federated@acme.example"  # whose password grant fails
CLIENT_ID = "sandbox-client"
CLIENT_SECRET = make_secret("oracle", "client secret")

USER_LIFE = 7 * 86_400.0  # seconds: a token got with the browser
GRANT_LIFE = 3600.0
APPLINK_LIFE = 900.0
APPLINK_REFRESH_LIFE = 86_400.0
_MAY_DOWNLOAD = {"downloader", "contributor", "manager"}
_HELP_PAGE = "https://www.w3.org/Protocols/rfc2616/rfc2616-sec10.html"
_SHOWN_NAMES = {USERNAME: "Jo", STRANGER: "User BB", "": "anonymous"}


@attrs.frozen
class Switches:
    """What Oracle Content Management can do on top of the general switches."""

    sign_in: str = switch(
        "token",
        "What the environment gives: `token`, `basic`, `client` or `password`.",
        ("token", "basic", "client", "password"),
    )
    applink_status: int = switch(403, "The status where an applink's token has expired: 403 or 401.")
    open_links: bool = switch(False, "Public links need no access code.")
    login_redirect: bool = switch(False, "Answer 302 to a page for signing in where the credential does not hold.")
    numbers: bool = switch(False, "Write sizes, versions and counts as numbers, not as text.")
    plain_names: bool = switch(False, "Send documents without `Content-Disposition`.")


@attrs.frozen
class Refused(Exception):
    """A call that fails.

    Attributes:
        status: The HTTP status.
        code: `errorCode`, as text: `-20`.
        key: `errorKey`.
        message: For people.
        id: What the answer's `id` says.
    """

    status: int
    code: str
    key: str
    message: str
    id: str = ""


@attrs.define
class Applink:
    """An applink: what it is for, and its role."""

    target: str
    role: str = "downloader"


class Sessions:
    """Tokens and links."""

    def __init__(self) -> None:
        self.users = Tokens("oracle user")
        self.users.issue_first(USERNAME)
        self.grants = Tokens("oracle grant")
        self.links = {link.id: link for link in FIRST_LINKS}
        self.applinks = {APPLINK: Applink("", "downloader")}
        self.applink_tokens = Tokens("oracle applink")
        self.applink_tokens.issue_first(APPLINK, APPLINK_TOKEN)
        self.applink_refresh_tokens = Tokens("oracle applink refresh")
        self.applink_refresh_tokens.issue_first(APPLINK, APPLINK_REFRESH_TOKEN)


def user_of(request: web.Request, world: World) -> str | None:
    """Give the user that `Authorization` proves, or None without that header.

    Raises:
        Refused: The credential does not hold.
        web.HTTPFound: The same, where a switch asks for a page.
    """
    header = request.headers.get("Authorization")
    if header is None:
        return None
    scheme, _, text = header.partition(" ")
    user = None
    if scheme.lower() == "bearer":
        user = _token_user(text, world)
    elif scheme.lower() == "basic":
        user = _basic_user(text)
    if user is None:
        raise unauthorised(request, world)
    return user


def check_user(request: web.Request, world: World) -> str:
    """Give the user of a call that needs one.

    Raises:
        Refused: There is none, or the credential does not hold.
    """
    user = user_of(request, world)
    if user is None:
        raise unauthorised(request, world)
    return user


def unauthorised(request: web.Request, world: World) -> Exception:
    """Make what to raise where a call needs a credential that holds."""
    if world.switches(Switches, request).login_redirect:
        return web.HTTPFound(f"{world.url('oracle-identity')}/ui/v1/signin")
    return Refused(401, "-1", "!csUnauthorized", "The call needs a user who is signed in.")


def check_reader(request: web.Request, guid: str, world: World, *, download: bool = False) -> None:
    """Check that whoever asks may see a document or a folder, or download a document.

    Raises:
        Refused: Not with these headers.
    """
    headers = request.headers
    link_id, applink = headers.get("LinkID"), headers.get("appLinkID")
    if link_id and applink:
        raise Refused(400, "-1", "!csUnableToDownloadFile", "Unable to download file. Use one kind of link.", guid)
    if applink or headers.get("accessToken"):
        role = _check_applink(request, applink or "", guid, world)
    elif link_id:
        role = _check_public_link(request, link_id, guid, world)
    else:
        user = check_user(request, world)
        if user != USERNAME or guid == file_id(PRIVATE):
            raise no_privilege(user, guid)
        return
    if download and role not in _MAY_DOWNLOAD:
        raise no_privilege("", guid)


def no_privilege(user: str, guid: str) -> Refused:
    """Make the refusal of a user without the right."""
    shown = _SHOWN_NAMES.get(user, user)
    key = f"!csUnableToDownloadFile!csCloudItemInsufficientPrivileges,{shown},fFileGUID:{guid},GET_FILE"
    message = (
        f"Unable to download file. User '{shown}' has insufficient privilege to access fFileGUID:{guid}"
        " with service GET_FILE."
    )
    return Refused(403, "-20", key, message, guid)


def not_found(guid: str) -> Refused:
    """Make the answer for what is not there."""
    key = f"!csUnableToDownloadFile!csCloudItemNotFound,fFileGUID:{guid}"
    return Refused(404, "-16", key, "Unable to download file. The item does not exist.", guid)


def error_answer(refused: Refused, kind: str = "file") -> web.Response:
    """Make the JSON of a refusal."""
    body: dict[str, typing.Any] = {
        "errorCode": refused.code,
        "errorKey": refused.key,
        "errorMessage": refused.message,
        "errorType": kind,
        "id": refused.id,
        "title": refused.message,
        "type": _HELP_PAGE,
    }
    headers = {"WWW-Authenticate": 'Bearer realm="sandbox"'} if refused.status == 401 else {}
    return web.json_response(body, status=refused.status, headers=headers)


def _token_user(text: str, world: World) -> str | None:
    state = world.state(Sessions)
    token = state.users.use(text, world, USER_LIFE) or state.grants.use(text, world, GRANT_LIFE)
    return token.owner if token is not None else None


def _basic_user(text: str) -> str | None:
    try:
        user, _, password = base64.b64decode(text, validate=True).decode().partition(":")
    except ValueError:
        return None
    known = {USERNAME: PASSWORD, STRANGER: STRANGER_PASSWORD}
    return user if known.get(user) == password else None


def _check_public_link(request: web.Request, link_id: str, guid: str, world: World) -> str:
    """Give the role of a link that holds for a document or a folder."""
    link = world.state(Sessions).links.get(link_id)
    if link is None or link.expired or link.target not in {None, guid}:
        message = "Unable to download file. The link is invalid or has expired."
        raise Refused(400, "-26", "!csUnableToDownloadFile!csLinkInvalidOrExpired", message, guid)
    if not link.anyone:
        check_user(request, world)
    _check_code(request, link, guid, world)
    return link.role


def _check_code(request: web.Request, link: PublicLink, guid: str, world: World) -> None:
    if link.code is None or world.switches(Switches, request).open_links:
        return
    cookies = (each.strip().partition("=") for each in request.headers.get("Cookie", "").split(";"))
    given = next((value for name, _, value in cookies if name == f"dAccessCode-{link.id}"), None)
    if given is None:
        message = "Unable to download file. The access code must be provided to access the link."
        raise Refused(403, "-18", "!csUnableToDownloadFile!csAccessCodeRequiredForLinkAccess", message, guid)
    if given != link.code:
        message = "Unable to download file. The access code is wrong."
        raise Refused(403, "-18", "!csUnableToDownloadFile!csAccessCodeInvalidForLinkAccess", message, guid)


def _check_applink(request: web.Request, applink: str, guid: str, world: World) -> str:
    """Give the role of an applink that holds for a document or a folder."""
    state = world.state(Sessions)
    token = state.applink_tokens.use(request.headers.get("accessToken", ""), world, APPLINK_LIFE)
    link = state.applinks.get(applink)
    if token is None or link is None or token.owner != applink:
        status = world.switches(Switches, request).applink_status
        message = "Unable to download file. The applink's access token is not valid."
        raise Refused(status, "-20", "!csUnableToDownloadFile!csApplinkTokenInvalid", message, guid)
    if link.target not in {"", guid}:
        raise no_privilege("", guid)
    return link.role
