"""Who may call eSignon, and the envelope of its answers."""

import base64
import typing
from collections.abc import Mapping

import attrs
from aiohttp import web

from downspout_sandbox.switches import switch
from downspout_sandbox.tokens import Token, Tokens, make_secret
from downspout_sandbox.world import World

USERNAME = "jo@acme.example"
PASSWORD = "correct horse battery"
LATE_USERNAME = "late@acme.example"  # whose contract has ended
LIFE = 30 * 86_400.0  # seconds


@attrs.frozen
class Switches:
    """What eSignon can do on top of the general switches."""

    revision: str = switch(
        "2020-09",
        "Whose fields the download call has: `2020-05`, `2020-09` or `2021`.",
        ("2020-05", "2020-09", "2021"),
    )
    code: str = switch("", "The `result_code` of every download call, right or wrong.")
    login_code: str = switch("", "The `result_code` of every login.")
    auth_status: int = switch(200, "The status where the token does not hold: 200 with code 94, or 401.")
    dead_link: str = switch(
        "403",
        "What a dead link answers: a status, or `html` for a page with 200.",
        ("400", "401", "403", "404", "410", "html"),
    )
    dead_links: bool = switch(False, "Every link of the old download call is dead at once.")
    no_old_call: str = switch(
        "",
        "The old download call is away: `code` refuses it with 95, a status answers so.",
        ("", "code", "403", "404", "405", "410"),
    )
    empty_body: bool = switch(False, "Success with an empty `body`.")
    no_header: bool = switch(False, "Answers without `header`.")
    numbers: bool = switch(False, "Write numbers in lists as numbers, not as text.")


@attrs.frozen
class Refused(Exception):
    """A call that fails: HTTP 200 all the same, unless `status` says otherwise."""

    code: str
    message: str
    status: int = 200


class Sessions:
    """The tokens of eSignon, and who fetched what."""

    def __init__(self) -> None:
        self.tokens = Tokens("esignon")
        self.history: list[tuple[int, str]] = []
        self.tokens.issue_first(USERNAME, token_text(0))


def token_text(number: int) -> str:
    """Give a token as eSignon's look: base64, with `+`, `/` and `=` in it."""
    return f"+{base64.b64encode(bytes.fromhex(make_secret('esignon', number))).decode()[1:-3]}/w=="


def check_caller(request: web.Request, world: World) -> Token:
    """Accept `Authorization: esignon TOKEN`; one page calls the header `Authentication`.

    Raises:
        Refused: The scheme, the space or the token is not as it must be.
    """
    header = request.headers.get("Authorization") or request.headers.get("Authentication") or ""
    scheme, space, text = header.partition(" ")
    token = None
    if scheme == "esignon" and space:
        token = world.state(Sessions).tokens.use(text, world, LIFE)
    if token is None:
        raise Refused("94", "Authentication key is wrong.", world.switches(Switches, request).auth_status)
    return token


def answer(
    body: Mapping[str, typing.Any],
    options: Switches,
    *,
    response_code: str = "",
    code: str = "00",
    message: str = "Success",
    status: int = 200,
) -> web.Response:
    """Make an answer in eSignon's envelope."""
    header = {"response_code": response_code, "result_code": code, "result_msg": message, "session_id": ""}
    envelope = {"body": body} if options.no_header else {"header": header, "body": body}
    return web.json_response(envelope, status=status)
