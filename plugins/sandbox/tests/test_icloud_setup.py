"""The setup service of the iCloud emulation: session tokens, cookies, terms and protected data."""

import json

import pytest
import urllib3

from downspout_sandbox import Sandbox
from downspout_sandbox.icloud.identity import Identity

HOME = "https://www.icloud.com"
DRIVE_ROOT = [{"drivewsid": "FOLDER::com.apple.CloudDocs::root", "partialData": False}]


@pytest.fixture(scope="module")
def running():
    with Sandbox(services=["icloud"], sign_in=True, small_count=5) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running):
    usual = running.world.switch_values()
    running.reset()
    yield running
    running.set(**usual)


class Browser:
    """Keeps cookies as a browser does: an empty value deletes."""

    def __init__(self, sandbox):
        self.sandbox = sandbox
        self.pool = urllib3.PoolManager(retries=False, timeout=10)
        self.cookies = {}
        self.headers = {"Origin": HOME, "Content-Type": "application/json"}

    def ask(self, method, path, body=None, *, base=None, **headers):
        base = base or self.sandbox.environment["DOWNSPOUT_ICLOUD_SETUP_ENDPOINT"]
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        sent = self.headers | {"Cookie": cookies} | headers
        data = None if body is None else json.dumps(body)
        answer = self.pool.request(method, base + path, body=data, headers=sent)
        for line in answer.headers.getlist("Set-Cookie"):
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies.pop(name, None)
            if value:
                self.cookies[name] = value
        return answer

    def grant(self, *, verified=True, trusted=True):
        world = self.sandbox.world
        return world.state(Identity).grant(world.now(), verified=verified, trusted=trusted)

    def log_in(self, token=None, **headers):
        body = {"accountCountryCode": "USA", "dsWebAuthToken": token or self.grant(), "extended_login": True}
        return self.ask("POST", "/accountLogin", body | {"trustToken": ""}, **headers)

    def list_root(self):
        path = "/retrieveItemDetailsInFolders"
        return self.ask("POST", path, DRIVE_ROOT, base=self.sandbox.url("icloud-drive"))


@pytest.fixture
def browser(sandbox):
    browser = Browser(sandbox)
    yield browser
    browser.pool.clear()


def test_a_session_token_becomes_cookies_and_a_map_of_services(sandbox, browser):
    answer = browser.log_in()

    body = answer.json()
    assert answer.status == 200
    assert body["dsInfo"]["dsid"] == "12345678901"
    assert (body["hsaTrustedBrowser"], body["hsaChallengeRequired"]) == (True, False)
    assert body["webservices"]["drivews"]["url"] == sandbox.url("icloud-drive")
    assert body["webservices"]["docws"]["url"] == sandbox.url("icloud-docs")
    assert body["webservices"]["schoolwork"] == {}
    assert {"X-APPLE-WEBAUTH-TOKEN", "X-APPLE-WEBAUTH-VALIDATE", "X-APPLE-WEBAUTH-PCS-Documents"} <= set(
        browser.cookies
    )
    assert all(value[0] == value[-1] == '"' for value in browser.cookies.values())
    assert browser.list_root().status == 200


def test_cookies_do_without_quotation_marks(browser):
    browser.log_in()
    browser.cookies = {name: value.strip('"') for name, value in browser.cookies.items()}

    assert browser.list_root().status == 200


def test_before_the_code_there_is_no_cookie_that_opens_data(browser):
    answer = browser.log_in(browser.grant(verified=False, trusted=False))

    assert answer.status == 200
    assert (answer.json()["hsaTrustedBrowser"], answer.json()["hsaChallengeRequired"]) == (False, True)
    assert "ckdatabasews" not in answer.json()["webservices"]
    assert "X-APPLE-WEBAUTH-TOKEN" not in browser.cookies
    refused = browser.list_root()
    assert refused.status == 421
    assert refused.json()["errorReason"] == "Missing X-APPLE-WEBAUTH-TOKEN cookie"


def test_a_trust_token_stands_for_the_code(browser):
    token = browser.grant(verified=False, trusted=False)
    trust = browser.sandbox.world.state(Identity).issue_trust(browser.sandbox.world.now())

    answer = browser.ask("POST", "/accountLogin", {"dsWebAuthToken": token, "trustToken": trust})

    assert answer.json()["hsaTrustedBrowser"] is True
    assert browser.list_root().status == 200


@pytest.mark.parametrize(
    ("token", "error"),
    [(None, "Missing apple_id field"), ("x", "Invalid Session Token"), (7, "Invalid Session Token")],
)
def test_other_tokens_are_refused(browser, token, error):
    answer = browser.ask("POST", "/accountLogin", {"dsWebAuthToken": token})

    assert answer.status == 400
    assert answer.json() == {"success": False, "error": error}


def test_an_old_session_token_is_over(sandbox, browser):
    token = browser.grant()
    sandbox.set(icloud_session_life=60)
    sandbox.advance(61)

    assert browser.log_in(token).status == 421


@pytest.mark.parametrize("path", ["/accountLogin", "/validate"])
def test_an_origin_is_required(browser, path):
    token = browser.grant()
    del browser.headers["Origin"]

    assert browser.ask("POST", path, {"dsWebAuthToken": token}).status == 403


def test_the_other_region_is_named(sandbox, browser):
    china = "https://www.icloud.com.cn"
    answer = browser.log_in(Origin=china)
    assert (answer.status, answer.json()) == (302, {"domainToUse": "iCloud.com"})

    sandbox.set(icloud_region="china")
    answer = browser.log_in()
    assert (answer.status, answer.json()) == (302, {"domainToUse": "iCloud.com.cn"})
    assert browser.log_in(Origin=china).json()["dsInfo"]["countryCode"] == "CHN"
    sandbox.set(icloud_region_status=200)
    assert (browser.log_in().status, browser.cookies.get("none")) == (200, None)


def test_validate_gives_the_account_while_the_cookies_last(sandbox, browser):
    assert browser.ask("POST", "/validate").status == 421
    browser.log_in()

    answer = browser.ask("POST", "/validate")
    assert answer.json()["dsInfo"]["dsid"] == "12345678901"
    sandbox.set(token_life=60)
    sandbox.advance(61)
    refused = browser.ask("POST", "/validate")
    assert refused.status == 421
    assert refused.json()["error"] == "Missing X-APPLE-WEBAUTH-TOKEN cookie"
    assert "dsInfo" not in refused.json()


def test_validate_alone_can_refuse(sandbox, browser):
    browser.log_in()
    sandbox.set(icloud_validate_refused=True)

    assert browser.ask("POST", "/validate").json()["error"] == "Invalid global session"
    assert browser.list_root().status == 200


def test_the_first_session_ends_after_some_calls_and_its_token_opens_another(sandbox, browser):
    token = browser.grant()
    sandbox.set(token_uses=2)
    browser.log_in(token)

    assert [browser.list_root().status for _ in range(3)] == [200, 200, 421]
    assert browser.log_in(token).status == 200
    assert [browser.list_root().status for _ in range(5)] == [200] * 5


@pytest.mark.parametrize("keeps_trust", [True, False])
def test_logout_ends_session_and_token_and_trust_if_asked(sandbox, browser, keeps_trust):
    identity = sandbox.world.state(Identity)
    trust, token = identity.issue_trust(sandbox.world.now()), browser.grant()
    assert browser.ask("POST", "/logout", {}).status == 421
    browser.log_in(token)
    before = dict(browser.cookies)

    answer = browser.ask("POST", "/logout", {"trustBrowser": keeps_trust, "allBrowsers": False})

    assert answer.json() == {"success": True}
    assert "X-APPLE-WEBAUTH-TOKEN" not in browser.cookies
    browser.cookies = before
    assert browser.list_root().status == 421
    assert browser.log_in(token).status == 400
    assert identity.trusts(trust, sandbox.world) is keeps_trust


def test_pending_terms_give_half_a_session_until_they_are_accepted(sandbox, browser):
    sandbox.set(icloud_terms_pending=True)
    token = browser.grant()
    assert browser.ask("GET", "/repairDone", {"acceptedICloudTerms": 4711}).status == 421

    answer = browser.log_in(token)

    assert answer.json()["termsUpdateNeeded"] is True
    assert "X-APPLE-WEBAUTH-REPAIR" in browser.cookies
    assert not {"X-APPLE-WEBAUTH-TOKEN", "X-APPLE-WEBAUTH-VALIDATE"} & set(browser.cookies)
    assert browser.list_root().status == 421
    version = browser.ask("GET", "/getTerms", {"locale": "en-us"}).json()["iCloudTerms"]["version"]
    assert browser.ask("GET", "/repairDone", {"acceptedICloudTerms": 1}).status == 400
    assert browser.ask("GET", "/repairDone", {"acceptedICloudTerms": version}).json() == {"success": True}
    assert browser.log_in(token).json()["termsUpdateNeeded"] is False
    assert browser.list_root().status == 200


def test_without_protection_consent_is_not_asked(browser):
    assert browser.ask("POST", "/requestWebAccessState").status == 421
    browser.log_in()

    assert browser.ask("POST", "/requestWebAccessState").json() == {
        "dsid": 12345678901,
        "isWebAccessAllowed": True,
    }
    assert browser.ask("POST", "/requestPCS", {"appName": "iclouddrive"}).json()["status"] == "success"


def test_protected_data_wait_for_consent_and_cookies(sandbox, browser):
    sandbox.set(icloud_protection=True, icloud_consent_polls=2, icloud_pcs_failures=1)
    assert browser.ask("POST", "/requestPCS", {"appName": "iclouddrive"}).status == 500
    browser.log_in()
    refused = browser.list_root()
    assert (refused.status, refused.json()["errorReason"]) == (423, "Missing PCS cookies from the request")

    def consented():
        return browser.ask("POST", "/requestWebAccessState").json()["isDeviceConsentedForPCS"]

    def request(app="iclouddrive"):
        return browser.ask("POST", "/requestPCS", {"appName": app, "derivedFromUserAction": True}).json()

    assert not consented()
    assert request()["message"] == "Requested the device to upload cookies."
    assert browser.ask("POST", "/enableDeviceConsentForPCS").json()["isDeviceConsentNotificationSent"] is True
    assert [consented(), consented()] == [False, True]
    assert [request()["status"], request("photos")["status"]] == ["failure", "success"]
    assert browser.list_root().status == 423  # the cookie of photos opens no documents
    assert request()["status"] == "success"
    assert browser.list_root().status == 200


def test_consent_and_cookies_may_never_come(sandbox, browser):
    sandbox.set(icloud_protection=True, icloud_consent_polls=-1, icloud_pcs_status=400)
    browser.log_in()
    browser.ask("POST", "/enableDeviceConsentForPCS")

    states = [browser.ask("POST", "/requestWebAccessState").json() for _ in range(4)]

    assert not any(state["isDeviceConsentedForPCS"] for state in states)
    assert browser.list_root().json()["reason"] == "Cannot find PCS auth info from request"
    sandbox.set(icloud_consent_polls=0, icloud_pcs_failures=-1)
    browser.ask("POST", "/requestWebAccessState")
    answers = [browser.ask("POST", "/requestPCS", {"appName": "iclouddrive"}).json() for _ in range(3)]
    assert [answer["status"] for answer in answers] == ["failure"] * 3
    assert answers[2]["message"] == "Cookies not available yet on server."


def test_access_from_the_web_can_be_off(sandbox, browser):
    sandbox.set(icloud_no_web_access=True)
    answer = browser.log_in()

    assert answer.json()["dsInfo"]["isWebAccessAllowed"] is False
    assert browser.ask("POST", "/requestWebAccessState").json()["isWebAccessAllowed"] is False
    assert browser.list_root().status == 421


def test_cookies_stay_on_encrypted_connections_where_there_are_any(sandbox, browser):
    lines = browser.log_in().headers.getlist("Set-Cookie")

    assert lines
    assert all("Path=/" in line and "HttpOnly" in line and "Domain" not in line for line in lines)
    assert not any("Secure" in line for line in lines)  # this sandbox speaks http


@pytest.mark.parametrize("body", [[], "x", 3])
def test_a_body_that_is_no_object_is_a_bad_request(browser, body):
    for path in ("/accountLogin", "/logout", "/requestPCS"):
        assert browser.ask("POST", path, body).status == 400
