"""What the setup service says about the account, and the cookies that it sets."""

import secrets
from collections.abc import Iterator
from email.utils import formatdate
from typing import Final

import attrs
from aiohttp import web

from downspout_sandbox.icloud.authority import DSID, PCS_DOCUMENTS, WEB_TOKEN, Session, cookie_value
from downspout_sandbox.icloud.identity import USERNAME
from downspout_sandbox.icloud.switches import Switches
from downspout_sandbox.world import World

REPAIR: Final = "X-APPLE-WEBAUTH-REPAIR"
_DAY: Final = 86_400
_DOMAINS: Final = {"china": "iCloud.com.cn", "global": "iCloud.com"}


@attrs.frozen
class Standing:
    """How an account stands after a call of the setup service.

    Attributes:
        verified: The session may ask for data.
        trusted: The browser is trusted.
        terms: New terms wait to be accepted.
    """

    verified: bool
    trusted: bool
    terms: bool = False


def wrong_region(request: web.Request, switches: Switches) -> web.Response | None:
    """Send a client away that asks in the region where the account does not live."""
    asked = "china" if request.headers.get("Origin", "").endswith(".cn") else "global"
    if asked == switches.region:
        return None
    domain = _DOMAINS.get(switches.region, switches.region)
    return web.json_response({"domainToUse": domain}, status=switches.region_status)


def account_json(world: World, standing: Standing) -> dict[str, object]:
    """Make the answer of accountLogin and validate."""
    switches = world.switches(Switches)
    setup = f"{world.url('icloud-setup')}/setup/ws/1"
    return {
        "dsInfo": _person(switches),
        "webservices": _services(world, whole=standing.verified),
        "pcsEnabled": True,
        "hsaTrustedBrowser": standing.trusted,
        "hsaChallengeRequired": not standing.verified,
        "isExtendedLogin": True,
        "version": 2,
        "termsUpdateNeeded": standing.terms,
        "appsOrder": ["mail", "iclouddrive"],
        "apps": {"iclouddrive": {}, "find": {"canLaunchWithOneFactor": True}},
        "configBag": {
            "urls": {
                "accountLogin": f"{setup}/accountLogin",
                "getICloudTerms": f"{setup}/getTerms",
                "repairDone": f"{setup}/repairDone",
            },
            "accountCreateEnabled": True,
        },
        "requestInfo": {"country": "US", "timeZone": "EST", "region": "NC"},
        "pcsServiceIdentitiesIncluded": False,
    }


def _person(switches: Switches) -> dict[str, object]:
    china = switches.region == "china"
    return {
        "dsid": DSID,
        "hsaVersion": 0 if switches.no_two_factor else 2,
        "hsaEnabled": not switches.no_two_factor,
        "appleId": USERNAME,
        "primaryEmail": USERNAME,
        "aDsID": "000000-05-0d1e2f3a-4b5c-6d7e-8f90-a1b2c3d4e5f6",
        "fullName": "Jo Acme",
        "firstName": "Jo",
        "lastName": "Acme",
        "locale": "zh-cn_CN" if china else "en-us_US",
        "languageCode": "zh-cn" if china else "en-us",
        "countryCode": "CHN" if china else "USA",
        "locked": False,
        "statusCode": 2,
        "brMigrated": True,
        "notesMigrated": True,
        "isManagedAppleID": False,
        "isWebAccessAllowed": not switches.no_web_access,
        "pcsDeleted": False,
    }


def _services(world: World, *, whole: bool) -> dict[str, object]:
    """Give the map of services; before the code it is shorter, and some entries are always empty."""
    endpoints = {"drivews": "icloud-drive", "docws": "icloud-docs"}
    if whole:
        endpoints["ckdatabasews"] = "icloud-share"
    found: dict[str, object] = {
        name: {"pcsRequired": True, "url": world.url(endpoint), "status": "active"}
        for name, endpoint in endpoints.items()
    }
    environment = {"shortId": "p", "vipSuffix": "prod"}
    account = {"iCloudEnv": environment, "url": world.url("icloud-setup"), "status": "active"}
    return found | {"schoolwork": {}, "account": account}


def cookies_for(session: Session | None, standing: Standing, switches: Switches) -> Iterator[tuple[str, str, int]]:
    """Yield the cookies that accountLogin sets: name, bare value, days (0: until the browser ends).

    Args:
        session: The session opened; None before the code and while terms wait.
        standing: How the account stands.
        switches: Say whether PCS cookies are handed out.
    """
    yield "X-APPLE-UNIQUE-CLIENT-ID", "Cw==", 0
    yield "X-APPLE-WEBAUTH-LOGIN", cookie_value(_random(), 1), 0
    yield "X-APPLE-WEBAUTH-USER", f"v=1:s=1:d={DSID}", 30
    yield "X_APPLE_WEB_KB-SANDBOX", cookie_value(_random(), 1), 60
    if standing.terms:
        yield REPAIR, cookie_value(_random(), 1), 0
        return
    yield "X-APPLE-WEBAUTH-VALIDATE", f"v=1:t=Cw==BST_IAAA{_random()}~~", 0
    yield "X-APPLE-DS-WEB-SESSION-TOKEN", _random() + "==", 30
    if session is None:
        yield "X-APPLE-WEBAUTH-HSA-LOGIN", cookie_value(_random()), 0
        return
    yield WEB_TOKEN, cookie_value(session.token), 30
    if standing.trusted:
        yield "X-APPLE-WEBAUTH-HSA-TRUST", _random() + "~~SRVX", 90
    if not switches.protection:
        yield from pcs_cookies(session)


def pcs_cookies(session: Session) -> Iterator[tuple[str, str, int]]:
    """Yield the cookies that open protected data, the session's own first."""
    if session.pcs is None:
        session.pcs = _random()
    yield PCS_DOCUMENTS, session.pcs, 30
    yield "X-APPLE-WEBAUTH-PCS-Sharing", _random(), 30


def set_cookie(response: web.Response, world: World, name: str, value: str, days: int) -> None:
    """Set one cookie as the service does, quotation marks included, for this host alone.

    A real answer also names the domain, which an address like 127.0.0.1 cannot be.
    """
    life = f";Expires={formatdate(world.now() + days * _DAY, usegmt=True)}" if days else ""
    secure = ";Secure" if world.scheme == "https" else ""
    response.headers.add("Set-Cookie", f'{name}="{value}"{life};Path=/{secure};HttpOnly')


def drop_cookie(response: web.Response, name: str) -> None:
    """Delete one cookie by an empty value, as the service does."""
    response.headers.add("Set-Cookie", f"{name}=;Path=/;Expires=Thu, 01 Jan 1970 00:00:00 GMT")


def _random() -> str:
    return secrets.token_urlsafe(48)
