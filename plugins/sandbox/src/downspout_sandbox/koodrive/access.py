"""Who may call KooDrive: session tokens that slide, and signed requests of an app."""

import calendar
import re
import time
import typing

import attrs
from aiohttp import web

from downspout_sandbox.koodrive import appauth, names
from downspout_sandbox.switches import switch
from downspout_sandbox.tokens import Token, Tokens, make_secret
from downspout_sandbox.world import World

APP_ID = "sandbox-app"
APP_SECRET = make_secret("koodrive", "app secret")
SESSION = make_secret("koodrive", "session")[:32]
LIFE = 1200.0  # seconds, each call begins it anew
CARRIER_LIFE = 1800.0
CODE = "sandbox-code"  # what the OrgID page would hand to the front end

_TRACE = re.compile(r"[A-Za-z0-9_]{58}\Z")
_DATE_WINDOW = 900  # seconds


@attrs.frozen
class Switches:
    """What KooDrive can do on top of the general switches."""

    bearer: str = switch(
        "both",
        "Which form a token has: `space` (`Bearer TOKEN`), `plus` (`Bearer+TOKEN`) or `both`.",
        ("space", "plus", "both"),
    )
    app_auth: bool = switch(False, "Leave the token out of the environment and give `APP_ID` and `APP_SECRET`.")
    carrier: bool = switch(
        False, "Give the environment of the carrier edition: a refresh token and no session id."
    )
    strict_date: bool = switch(
        False, "Check `X-Date` against the clock with tokens too, not only with signatures."
    )
    auth_status: int = switch(401, "The status where the credential does not hold; the vendor has 401 and 400.")
    gateway: bool = switch(
        False, "Refuse credentials as the API gateway does: `{error_code, error_msg, request_id}`."
    )
    batch_code: int | None = switch(None, "The `batchCode` of every answer, right or wrong.")
    drop_every: int = switch(0, "Every n-th record is missing from an answer.")
    code_text: bool = switch(False, "Write numbers (`code`, `batchCode`, `size`) as text.")
    reverse: bool = switch(False, "Give the records in another order than they were asked for.")
    short_pages: bool = switch(False, "Give listings in short pages with an empty one among them.")
    old_links: bool = switch(False, "Give links of the older form, with `Expires` and `Signature`.")
    warning: bool = switch(False, "The store gives a warning instead of every document.")
    empty_url: bool = switch(False, "Give records that are good and have an empty `url`.")


@attrs.frozen
class Refused(Exception):
    """A call that fails as a whole.

    Attributes:
        status: The HTTP status.
        code: The business code, eight digits.
        message: For people.
    """

    status: int
    code: int
    message: str


BAD_PARAMETERS = 13000102
NO_CREDENTIAL = 13000201


class Sessions:
    """The tokens of KooDrive."""

    def __init__(self) -> None:
        self.access = Tokens("koodrive access")
        self.refresh = Tokens("koodrive refresh")
        self.access.issue_first(names.USER)
        self.refresh.issue_first(names.USER)
        self.ids = {SESSION}


def check_caller(request: web.Request, body: bytes, world: World) -> None:
    """Check the headers of a call that works with a token or a signature.

    Raises:
        Refused: A header is missing or malformed, or the credential does not hold.
    """
    options = world.switches(Switches, request)
    authorization = request.headers.get("Authorization", "")
    user, date = request.headers.get("X-User-Id", ""), request.headers.get("X-Date", "")
    if not user or not date:
        raise Refused(400, BAD_PARAMETERS, "A mandatory header is missing: X-User-Id or X-Date.")
    trace = request.headers.get("X-Traceid")
    if trace is not None and not _TRACE.match(trace):
        raise Refused(400, BAD_PARAMETERS, "X-Traceid has 58 letters, digits and underscores.")
    signed = authorization.startswith("HMAC-SHA256 ")
    _check_date(date, world, window=signed or options.strict_date)
    if signed:
        secrets = {APP_ID: APP_SECRET}
        if appauth.check(authorization, secrets, request.method, request.raw_path, request.headers, body) is None:
            raise _no_credential(options)
    else:
        use_token(authorization, options, world)
    if user != names.USER:
        raise Refused(400, 13000410, "The user has no permission on the space.")


def use_token(authorization: str, options: Switches, world: World) -> Token:
    """Accept an access token as a header carries it.

    Raises:
        Refused: It does not hold.
    """
    text = token_text(authorization, options) or token_text(authorization, options, "AT")
    token = world.state(Sessions).access.use(text, world, LIFE, slide=True) if text else None
    if token is None:
        raise _no_credential(options)
    return token


def token_text(authorization: str, options: Switches, scheme: str = "Bearer") -> str | None:
    """Give the token in a header of the form that the switches allow, or None."""
    for name, mark in (("space", " "), ("plus", "+")):
        start = scheme + mark
        if options.bearer in {name, "both"} and authorization.startswith(start):
            return authorization.removeprefix(start)
    return None


def _check_date(text: str, world: World, *, window: bool) -> None:
    try:
        moment = time.strptime(text, "%Y%m%dT%H%M%SZ")
    except ValueError:
        raise Refused(400, BAD_PARAMETERS, "X-Date has the form yyyyMMdd'T'HHmmss'Z'.") from None
    age = int(world.now()) - calendar.timegm(moment)
    if window and not 0 <= age <= _DATE_WINDOW:
        raise Refused(400, NO_CREDENTIAL, "X-Date is outside the 15 minutes before now.")


def _no_credential(options: Switches) -> Refused:
    return Refused(options.auth_status, NO_CREDENTIAL, "The credential does not hold.")


def refused_answer(refused: Refused, options: Switches) -> web.Response:
    """Make the answer to a call that fails as a whole."""
    if refused.code == NO_CREDENTIAL and options.gateway:
        body: dict[str, typing.Any] = {
            "error_code": "APIGW.0301",
            "error_msg": "Incorrect IAM authentication information: the token does not hold",
            "request_id": make_secret("request")[:32],
        }
    else:
        code = str(refused.code) if options.code_text else refused.code
        body = {"code": code, "msg": refused.message}
    return web.json_response(body, status=refused.status)
