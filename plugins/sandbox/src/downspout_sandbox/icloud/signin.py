"""The identity service up to the password: the page that opens a sign-in, the two halves of the proof, repair."""

import base64
import binascii
import secrets
from typing import Final

import attrs
from aiohttp import web

from downspout_sandbox.icloud import answers, codes
from downspout_sandbox.icloud.codes import headers_for
from downspout_sandbox.icloud.identity import USERNAME, Identity, Phase, SignIn, verifier_of
from downspout_sandbox.icloud.srp import Handshake
from downspout_sandbox.icloud.switches import Switches
from downspout_sandbox.world import World

PREFIX: Final = "/appleauth/auth"

_PAGE: Final = "<!DOCTYPE html><html><head><title>Sign in</title></head><body></body></html>\n"
_FORCED: Final = {403: ("-20209", "This account is locked."), 401: ("-20101", "Check the account and password.")}


@attrs.frozen
class Passwords:
    """The handlers of a sign-in's first half."""

    world: World

    async def authorize(self, request: web.Request) -> web.Response:
        """`GET /authorize/signin`: the page; what counts are its headers."""
        if request.query.get("client_id") != codes.WIDGET_KEY:
            return web.Response(status=400, text="client_id is missing or unknown.\n")
        sign_in = self._identity.open()
        response = web.Response(text=_PAGE, content_type="text/html", headers=headers_for(sign_in))
        secure = ";Secure" if self.world.scheme == "https" else ""
        response.headers.add("Set-Cookie", f"aasp={secrets.token_hex(64).upper()};Path=/{secure};HttpOnly")
        response.headers.add("Set-Cookie", f"dslang=US-EN;Path=/{secure};HttpOnly")
        return response

    async def federate(self, request: web.Request) -> web.Response:
        """`POST /federate`: whether another organisation signs this account in. It does not."""
        body = await answers.read_object(request)
        refused = codes.wrong_client(request)
        if refused is not None:
            return refused
        if not answers.text_of(body.get("accountName")):
            return answers.service_errors(400, "-20101", "The account's name is missing.")
        return web.json_response({"federated": False, "showFederatedIdpConfirmation": False})

    async def init(self, request: web.Request) -> web.Response:
        """`POST /signin/init`: the client's number comes, the service's goes."""
        body = await answers.read_object(request)
        switches = self.world.switches(Switches, request)
        refused = codes.wrong_client(request) or self._turned_away(switches)
        if refused is not None:
            return refused
        name, protocols = answers.text_of(body.get("accountName")), body.get("protocols")
        if not isinstance(protocols, list) or switches.protocol not in protocols:
            return answers.service_errors(400, "-20100", "No protocol is known to both sides.")
        try:
            verifier = verifier_of(name.lower(), switches.iterations, switches.protocol)
            number = int.from_bytes(_unpacked(body.get("a")), "big")
            handshake = Handshake(name.lower(), verifier, number)
        except ValueError:
            return answers.service_errors(400, "-20100", "The public number is missing or wrong.")
        sign_in = codes.current(request, self.world) or self._identity.open()
        answer = {
            "iteration": verifier.iterations,
            "salt": base64.b64encode(verifier.salt).decode(),
            "protocol": verifier.protocol,
            "version": 1,
            "b": base64.b64encode(handshake.public_bytes).decode(),
            "c": self._identity.challenge(sign_in, handshake),
        }
        return web.json_response(answer, headers=headers_for(sign_in))

    async def complete(self, request: web.Request) -> web.Response:
        """`POST /signin/complete`: the two proofs, and the trust that spares the code."""
        body = await answers.read_object(request)
        switches = self.world.switches(Switches, request)
        refused = codes.wrong_client(request) or _forced(switches)
        if refused is not None:
            return refused
        taken = self._identity.take(answers.text_of(body.get("c")))
        if taken is None:
            return answers.service_errors(401, "-20101", "The sign-in is over.")
        if switches.lock_after and self._identity.failures >= switches.lock_after:
            return answers.service_errors(403, *_FORCED[403])
        sign_in, handshake = taken
        if not self._proves(handshake, body):
            self._identity.failures += 1
            return answers.service_errors(401, *_FORCED[401])
        self._identity.failures = 0
        return self._signed_in(sign_in, self._status(body, switches))

    async def repair(self, request: web.Request) -> web.Response:
        """`POST /repair/complete`: the account's owner has read what the service wanted to say."""
        await answers.read_object(request)
        refused = codes.wrong_client(request)
        sign_in = codes.current(request, self.world)
        if refused is not None:
            return refused
        if sign_in is None or sign_in.phase not in {Phase.REPAIR, Phase.CODE}:
            return codes.no_session()
        trusted = sign_in.phase is Phase.REPAIR
        sign_in.phase = Phase.CODE
        token = self._identity.grant(self.world.now(), verified=True, trusted=trusted)
        return web.Response(status=204, headers=headers_for(sign_in, token))

    @property
    def _identity(self) -> Identity:
        return self.world.state(Identity)

    def _turned_away(self, switches: Switches) -> web.Response | None:
        if switches.password_answer == 503 or switches.busy < 0:
            return answers.busy()
        if switches.busy and self.world.count("icloud sign-ins") <= switches.busy:
            return answers.busy()
        return None

    def _proves(self, handshake: Handshake, body: dict[str, object]) -> bool:
        try:
            first, second = _unpacked(body.get("m1")), _unpacked(body.get("m2"))
        except ValueError:
            return False
        return handshake.username == USERNAME and handshake.accepts(first, second)

    def _status(self, body: dict[str, object], switches: Switches) -> int:
        if switches.password_answer:
            return switches.password_answer
        tokens = body.get("trustTokens")
        trusted = isinstance(tokens, list) and any(
            self._identity.trusts(token, self.world) for token in tokens if isinstance(token, str)
        )
        if trusted or (switches.no_two_factor and not switches.security_key):
            return 200
        return 409

    def _signed_in(self, sign_in: SignIn, status: int) -> web.Response:
        """Answer a right password: trusted (200), with a code to come (409), with a page to read first (412)."""
        done = status == 200
        sign_in.phase = {200: Phase.CODE, 412: Phase.REPAIR}.get(status, Phase.PASSWORD)
        token = self._identity.grant(self.world.now(), verified=done, trusted=done)
        headers = headers_for(sign_in, None if status == 412 else token)
        headers |= {"X-Apple-TwoSV-Trust-Eligible": "true", "X-Apple-I-Rscd": str(status)}
        headers["X-Apple-ID-Account-Country"] = codes.country_of(self.world)
        if status == 412:
            headers["X-Apple-Repair-Session-Token"] = secrets.token_urlsafe(60)
        if status == 409:
            headers["Location"] = "/auth"
        return web.json_response({"authType": "sa" if status == 412 else "hsa2"}, status=status, headers=headers)


def _forced(switches: Switches) -> web.Response | None:
    status = switches.password_answer
    if status == 503:
        return answers.busy()
    return answers.service_errors(status, *_FORCED[status]) if status in _FORCED else None


def _unpacked(value: object) -> bytes:
    """Decode base64 (ValueError: it is none, or empty)."""
    try:
        data = base64.b64decode(answers.text_of(value), validate=True)
    except binascii.Error as error:
        raise ValueError("no base64") from error
    if not data:
        raise ValueError("no bytes")
    return data


def make_app(world: World) -> web.Application:
    """Make the application of the identity service."""
    passwords, verification = Passwords(world), codes.Codes(world)
    app = web.Application(middlewares=[answers.bad_bodies])
    router = app.router
    router.add_get(f"{PREFIX}/authorize/signin", passwords.authorize)
    router.add_post(f"{PREFIX}/federate", passwords.federate)
    router.add_post(f"{PREFIX}/signin/init", passwords.init)
    router.add_post(f"{PREFIX}/signin/complete", passwords.complete)
    router.add_post(f"{PREFIX}/repair/complete", passwords.repair)
    verification.add_to(router, PREFIX)
    return app
