"""The identity service after the password: how a code may come, sending it, taking it, trusting the browser."""

import json
import secrets
from typing import Final

import attrs
from aiohttp import web

from downspout_sandbox.icloud import answers
from downspout_sandbox.icloud.identity import PHONES, Identity, Phase, SignIn
from downspout_sandbox.icloud.switches import Switches
from downspout_sandbox.world import World

WIDGET_KEY: Final = "d39ba9916b7251055b22c7f910e2ea796ee65e98b2ddecea8f5dde8d9d1a815d"
"""The public name of the web application; every client gives it."""

_HOMES: Final = frozenset({"https://www.icloud.com", "https://www.icloud.com.cn"})
_WRONG_CODE: Final = ("-21669", "Incorrect verification code.")


def country_of(world: World) -> str:
    """Give the account's country as its headers name it."""
    return "CHN" if world.switches(Switches).region == "china" else "USA"


def headers_for(sign_in: SignIn, token: str | None = None) -> dict[str, str]:
    """Make the headers that carry a sign-in on; clients echo the first three and keep the fourth."""
    headers = {
        "scnt": sign_in.next_scnt(),
        "X-Apple-ID-Session-Id": sign_in.id,
        "X-Apple-Auth-Attributes": secrets.token_urlsafe(60),
    }
    if token is not None:
        headers["X-Apple-Session-Token"] = token
    return headers


def wrong_client(request: web.Request) -> web.Response | None:
    """Turn away a call that does not say which application it comes from."""
    if WIDGET_KEY in (request.headers.get("X-Apple-Widget-Key"), request.headers.get("X-Apple-OAuth-Client-Id")):
        return None
    return answers.service_errors(400, "-20100", "The application is missing or unknown.")


def current(request: web.Request, world: World) -> SignIn | None:
    """Find the sign-in that a call's headers name, or None."""
    headers = request.headers
    return world.state(Identity).find(headers.get("X-Apple-ID-Session-Id"), headers.get("scnt"))


def no_session() -> web.Response:
    """Answer a call without a sign-in, or with one that has not come so far."""
    return answers.service_errors(421, "-20528", "The session is over.", key="service_errors")


@attrs.frozen
class Codes:
    """The handlers of a sign-in's second half."""

    world: World

    def add_to(self, router: web.UrlDispatcher, prefix: str) -> None:
        """Add the routes."""
        router.add_get(prefix, self.context)
        router.add_put(f"{prefix}/verify/trusteddevice/securitycode", self.send_to_devices)
        router.add_put(f"{prefix}/verify/phone", self.send_to_phone)
        router.add_post(f"{prefix}/verify/trusteddevice/securitycode", self.verify_device)
        router.add_post(f"{prefix}/verify/phone/securitycode", self.verify_phone)
        router.add_post(f"{prefix}/verify/security/key", self.verify_key)
        router.add_put(f"{prefix}/verify/trusteddevice", self.send_to_devices)  # POST: 405, as today
        router.add_get(f"{prefix}/2sv/trust", self.trust)
        router.add_get("/sandbox/code", self.show)

    async def context(self, request: web.Request) -> web.Response:
        """`GET /appleauth/auth`: the ways a code may come, as JSON or inside a page."""
        await answers.read_json(request)
        sign_in = self._challenged(request)
        if isinstance(sign_in, web.Response):
            return sign_in
        switches, accept = self.world.switches(Switches, request), request.headers.get("Accept", "")
        headers = headers_for(sign_in)
        if "html" in accept and "json" not in accept and not switches.no_page:
            return web.Response(text=_page(switches, sign_in), content_type="text/html", headers=headers)
        return web.json_response(_context(switches, sign_in), headers=headers)

    async def send_to_devices(self, request: web.Request) -> web.Response:
        """`PUT /verify/trusteddevice/securitycode`: let every trusted device show a code."""
        await answers.read_json(request)
        sign_in, switches = self._challenged(request), self.world.switches(Switches, request)
        if isinstance(sign_in, web.Response):
            return sign_in
        if switches.no_devices:
            return answers.service_errors(412, "-21660", "There is no trusted device.", key="service_errors")
        sign_in.device_code = self._identity.draw_code(switches.code)
        return web.json_response(_context(switches, sign_in), status=202, headers=headers_for(sign_in))

    async def send_to_phone(self, request: web.Request) -> web.Response:
        """`PUT /verify/phone`: send a text message or call."""
        body = await answers.read_object(request)
        sign_in, switches = self._challenged(request), self.world.switches(Switches, request)
        if isinstance(sign_in, web.Response):
            return sign_in
        phone, mode = _phone(body), answers.text_of(body.get("mode"))
        if phone not in PHONES or mode not in {"sms", "voice"}:
            return answers.service_errors(400, "-21663", "There is no such telephone.", key="service_errors")
        if (phone, mode) in sign_in.phone_codes and switches.sms_again != 200:
            return web.json_response(_context(switches, sign_in), status=switches.sms_again)
        sign_in.phone_codes[phone, mode] = self._identity.draw_code(switches.code)
        answer = _context(switches, sign_in) | {"mode": mode, "type": "verification"}
        return web.json_response(answer, headers=headers_for(sign_in))

    async def verify_device(self, request: web.Request) -> web.Response:
        """`POST /verify/trusteddevice/securitycode`: take the code that a device shows, asked for or by hand."""
        body = await answers.read_object(request)
        sign_in, switches = self._challenged(request), self.world.switches(Switches, request)
        if isinstance(sign_in, web.Response):
            return sign_in
        expected = sign_in.device_code or switches.code
        return self._verify(sign_in, "" if switches.no_devices else expected, body, switches)

    async def verify_phone(self, request: web.Request) -> web.Response:
        """`POST /verify/phone/securitycode`: take the code that a telephone was sent."""
        body = await answers.read_object(request)
        sign_in, switches = self._challenged(request), self.world.switches(Switches, request)
        if isinstance(sign_in, web.Response):
            return sign_in
        expected = sign_in.phone_codes.get((_phone(body), answers.text_of(body.get("mode"))), "")
        return self._verify(sign_in, expected, body, switches)

    async def verify_key(self, request: web.Request) -> web.Response:
        """`POST /verify/security/key`: no key was ever seen here."""
        await answers.read_object(request)
        return answers.service_errors(400, "-21671", "The security key was not accepted.", key="service_errors")

    async def trust(self, request: web.Request) -> web.Response:
        """`GET /2sv/trust`: keep this browser, so that the next sign-in needs no code."""
        await answers.read_json(request)
        sign_in, switches = current(request, self.world), self.world.switches(Switches, request)
        refused = wrong_client(request) or _wrong_origin(request, switches)
        if refused is not None:
            return refused
        if sign_in is None or sign_in.phase is not Phase.CODE:
            return no_session()
        now = self.world.now()
        token = self._identity.grant(now, verified=True, trusted=not switches.no_trust)
        headers = headers_for(sign_in, token)
        if not switches.no_trust:
            headers["X-Apple-TwoSV-Trust-Token"] = self._identity.issue_trust(now)
        return web.Response(status=204, headers=headers)

    async def show(self, _request: web.Request) -> web.Response:
        """`GET /sandbox/code`, which no real service has: look at the telephone."""
        return web.Response(text=f"{self._identity.last_code or ''}\n")

    @property
    def _identity(self) -> Identity:
        return self.world.state(Identity)

    def _challenged(self, request: web.Request) -> SignIn | web.Response:
        """Give the sign-in that waits for a code, or the answer that there is none."""
        switches = self.world.switches(Switches, request)
        refused = wrong_client(request)
        if refused is None and "/verify/" in request.path:
            refused = _wrong_origin(request, switches)
        if refused is not None:
            return refused
        sign_in = current(request, self.world)
        return sign_in if sign_in is not None and sign_in.phase is Phase.PASSWORD else no_session()

    def _verify(self, sign_in: SignIn, expected: str, body: dict[str, object], switches: Switches) -> web.Response:
        given = body.get("securityCode")
        code = answers.text_of(given.get("code")) if isinstance(given, dict) else ""
        locked = sign_in.wrong_codes >= switches.code_attempts
        if (
            locked
            or switches.security_key
            or not expected
            or not secrets.compare_digest(code.encode(), expected.encode())
        ):
            sign_in.wrong_codes += 1
            return _wrong(sign_in, switches)
        sign_in.phase = Phase.CODE
        return self._verified(sign_in, switches)

    def _verified(self, sign_in: SignIn, switches: Switches) -> web.Response:
        status, _, bare = switches.verify_answer.partition("-")
        token = None if bare else self._identity.grant(self.world.now(), verified=True, trusted=False)
        headers = headers_for(sign_in, token) | {"X-Apple-OAuth-Grant-Code": secrets.token_urlsafe(40)}
        if status == "204":
            return web.Response(status=204, headers=headers)
        headers["X-Apple-Edp"] = "true"
        answer = _context(switches, sign_in)
        answer["securityCode"] = _code_state(sign_in, switches) | {"valid": True}
        return web.json_response(answer, status=int(status), headers=headers)


def _wrong(sign_in: SignIn, switches: Switches) -> web.Response:
    code, message = _WRONG_CODE
    error = {"code": code, "title": "Incorrect Verification Code", "message": message, "suppressDismissal": False}
    body: dict[str, object] = {"service_errors": [error], "hasError": True}
    if sign_in.wrong_codes >= switches.code_attempts:
        body["securityCode"] = _code_state(sign_in, switches)
    return web.json_response(body, status=400, headers=headers_for(sign_in))


def _wrong_origin(request: web.Request, switches: Switches) -> web.Response | None:
    if not switches.strict_origin or request.headers.get("Origin") in _HOMES:
        return None
    return answers.service_errors(403, "-20101", "The origin is not allowed.", key="service_errors")


def _phone(body: dict[str, object]) -> int:
    """Give the telephone that a body names; -1 where it names none."""
    phone = body.get("phoneNumber")
    number = phone.get("id") if isinstance(phone, dict) else None
    return number if isinstance(number, int) else -1


def _phones() -> list[dict[str, object]]:
    return [
        {
            "id": number,
            "numberWithDialCode": f"+1 (•••) •••-••{digits}",
            "obfuscatedNumber": f"(•••) •••-••{digits}",
            "pushMode": "sms",
            "nonFTEU": False,
            "lastTwoDigits": digits,
        }
        for number, digits in PHONES.items()
    ]


def _code_state(sign_in: SignIn, switches: Switches) -> dict[str, object]:
    locked = sign_in.wrong_codes >= switches.code_attempts
    return {
        "length": 6,
        "tooManyCodesSent": False,
        "tooManyCodesValidated": locked,
        "securityCodeLocked": locked,
        "securityCodeCooldown": False,
    }


def _context(switches: Switches, sign_in: SignIn) -> dict[str, object]:
    phones = _phones()
    found: dict[str, object] = {"trustedPhoneNumber": phones[0]}
    if switches.context != "singular":
        found["trustedPhoneNumbers"] = phones
    found["securityCode"] = _code_state(sign_in, switches)
    if switches.context == "wrapped":
        found = {"phoneNumberVerification": found}
    found |= {
        "authenticationType": "hsa2",
        "hsa2Account": True,
        "noTrustedDevices": switches.no_devices,
        "trustedDeviceCount": 0 if switches.no_devices else 1,
        "supportsRecovery": True,
        "aboutTwoFactorAuthenticationUrl": "https://support.apple.com/kb/HT204921",
    }
    if switches.security_key:
        handles = [secrets.token_urlsafe(48)]
        challenge = {"challenge": secrets.token_urlsafe(32), "keyHandles": handles, "rpId": "apple.com"}
        found |= {"fsaChallenge": challenge, "keyNames": ["Blue key"]}
    return found


def _page(switches: Switches, sign_in: SignIn) -> str:
    """Make the page that holds the same inside a script element."""
    verification = {"trustedPhoneNumbers": _phones(), "securityCode": _code_state(sign_in, switches)}
    second = {
        "phoneNumberVerification": verification | {"trustedPhoneNumber": _phones()[0]},
        "authFactors": ["robocall", "sms", "generatedcode"],
        "sourceAppId": "1159",
    }
    direct = {
        "hasTrustedDevices": not switches.no_devices,
        "authInitialRoute": "auth/verify/phone",
        "twoSV": second,
    }
    boot = json.dumps({"direct": direct}).replace("<", "\\u003c")
    script = f'<script type="application/json" class="boot_args">{boot}</script>'
    return f"<!DOCTYPE html><html><head><title>Sign in</title></head><body>{script}</body></html>\n"
