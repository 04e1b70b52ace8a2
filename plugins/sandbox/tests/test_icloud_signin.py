"""The identity service of the iCloud emulation: passwords, codes and trust, asked by a plain client."""

import base64
import hashlib
import json
import secrets

import pytest
import urllib3

from downspout_sandbox import Sandbox
from downspout_sandbox.icloud import codes, srp
from downspout_sandbox.icloud.identity import PASSWORD, USERNAME, Identity

DEVICE = "/verify/trusteddevice/securitycode"
PHONE = "/verify/phone/securitycode"
HOME = "https://www.icloud.com"


@pytest.fixture(scope="module")
def running():
    with Sandbox(services=["icloud"], sign_in=True, icloud_iterations=1000) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running):
    usual = running.world.switch_values()
    running.reset()
    yield running
    running.set(**usual)


class Browser:
    """Signs in as a browser does: echoes the headers that carry the state, and no cookie."""

    def __init__(self, sandbox):
        self.base = sandbox.environment["DOWNSPOUT_ICLOUD_AUTH_ENDPOINT"]
        self.pool = urllib3.PoolManager(retries=False, timeout=10)
        self.state = {}
        self.trust_tokens = []

    def ask(self, method, path, body=None, **headers):
        sent = {"X-Apple-Widget-Key": codes.WIDGET_KEY, "Accept": "application/json", "Origin": HOME}
        sent |= self.state | {name.replace("_", "-"): value for name, value in headers.items()}
        data = None if body is None else json.dumps(body)
        answer = self.pool.request(method, self.base + path, body=data, headers=sent)
        for name in ("scnt", "X-Apple-ID-Session-Id", "X-Apple-Auth-Attributes"):
            if name in answer.headers:
                self.state[name] = answer.headers[name]
        return answer

    def password(self, password=PASSWORD, username=USERNAME):
        self.ask("GET", f"/authorize/signin?client_id={codes.WIDGET_KEY}")
        secret = int.from_bytes(secrets.token_bytes(32), "big")
        public = pow(2, secret, srp.MODULUS)
        body = {"a": b64(public.to_bytes(256, "big")), "accountName": username, "protocols": ["s2k", "s2k_fo"]}
        started = self.ask("POST", "/signin/init", body)
        if started.status != 200:
            return started
        first, second = proofs(password, username, secret, started.json())
        body = {"accountName": username, "c": started.json()["c"], "m1": b64(first), "m2": b64(second)}
        body |= {"rememberMe": True, "trustTokens": self.trust_tokens}
        return self.ask("POST", "/signin/complete?isRememberMeEnabled=true", body)

    def code(self, code="123456", path=DEVICE, **more):
        return self.ask("POST", path, {"securityCode": {"code": code}} | more)


@pytest.fixture
def browser(sandbox):
    browser = Browser(sandbox)
    yield browser
    browser.pool.clear()


def b64(data):
    return base64.b64encode(data).decode()


def proofs(password, username, secret, challenge):
    """Prove a password from the published formulas alone, every number padded."""
    n, h = srp.MODULUS, lambda *parts: hashlib.sha256(b"".join(parts)).digest()
    salt, service = base64.b64decode(challenge["salt"]), base64.b64decode(challenge["b"])
    digest = hashlib.sha256(password.encode())
    start = digest.digest() if challenge["protocol"] == "s2k" else digest.hexdigest().encode()
    stretched = hashlib.pbkdf2_hmac("sha256", start, salt, challenge["iteration"], 32)
    x = int.from_bytes(h(salt, h(b":", stretched)), "big")
    client = pow(2, secret, n).to_bytes(256, "big")
    k = int.from_bytes(h(n.to_bytes(256, "big"), (2).to_bytes(256, "big")), "big")
    u = int.from_bytes(h(client, service), "big")
    base = (int.from_bytes(service, "big") - k * pow(2, x, n)) % n
    key = h(pow(base, secret + u * x, n).to_bytes(256, "big"))
    pair = zip(h(n.to_bytes(256, "big")), h((2).to_bytes(256, "big")), strict=True)
    first = h(bytes(a ^ b for a, b in pair), h(username.encode()), salt, client, service, key)
    return first, h(client, first, key)


def error_code(answer):
    body = answer.json()
    return (body.get("serviceErrors") or body["service_errors"])[0]["code"]


@pytest.mark.parametrize("protocol", ["s2k", "s2k_fo"])
def test_a_right_password_asks_for_a_code(sandbox, browser, protocol):
    sandbox.set(icloud_protocol=protocol)

    answer = browser.password()

    assert answer.status == 409
    assert answer.json() == {"authType": "hsa2"}
    assert answer.headers["X-Apple-Session-Token"]
    assert answer.headers["X-Apple-TwoSV-Trust-Eligible"] == "true"
    assert answer.headers["X-Apple-ID-Account-Country"] == "USA"


def test_the_challenge_has_the_published_fields(browser):
    body = {"a": b64(bytes(255) + b"\x05"), "accountName": USERNAME, "protocols": ["s2k"]}

    answer = browser.ask("POST", "/signin/init", body).json()

    assert list(answer) == ["iteration", "salt", "protocol", "version", "b", "c"]
    assert answer["c"].endswith(":MSA")
    assert len(base64.b64decode(answer["b"])) == 256


@pytest.mark.parametrize(("password", "username"), [("wrong", USERNAME), (PASSWORD, "who@acme.example")])
def test_a_wrong_password_and_an_unknown_account_look_the_same(browser, password, username):
    answer = browser.password(password, username)

    assert answer.status == 401
    assert error_code(answer) == "-20101"


def test_an_account_in_capitals_needs_a_proof_in_small_letters(browser):
    assert browser.password(username=USERNAME.upper()).status == 401


def test_a_proof_serves_once(browser):
    browser.password()
    body = {"a": b64(b"\x05"), "accountName": USERNAME, "protocols": ["s2k"]}
    handle = browser.ask("POST", "/signin/init", body).json()["c"]

    for _ in range(2):
        answer = browser.ask("POST", "/signin/complete", {"c": handle, "m1": "AAAA", "m2": "AAAA"})
        assert answer.status == 401


@pytest.mark.parametrize(
    "change",
    [
        {"a": b64(bytes(256))},
        {"a": b64(srp.MODULUS.to_bytes(256, "big"))},
        {"a": "?"},
        {"a": None},
        {"protocols": ["x"]},
    ],
)
def test_a_number_that_would_need_no_password_is_refused(browser, change):
    body = {"a": b64(b"\x05"), "accountName": USERNAME, "protocols": ["s2k"]} | change

    assert browser.ask("POST", "/signin/init", body).status == 400


def test_many_wrong_passwords_lock_the_account(sandbox, browser):
    sandbox.set(icloud_lock_after=2)
    assert [browser.password("wrong").status for _ in range(2)] == [401, 401]

    answer = browser.password()

    assert answer.status == 403
    assert error_code(answer) == "-20209"


@pytest.mark.parametrize("status", [401, 403, 503])
def test_a_switch_refuses_a_right_password(sandbox, browser, status):
    sandbox.set(icloud_password_answer=status)

    assert browser.password().status == status


def test_the_first_sign_ins_can_be_turned_away(sandbox, browser):
    sandbox.set(icloud_busy=1)

    first = browser.password()
    assert (first.status, first.headers["Content-Type"].partition(";")[0]) == (503, "text/html")
    assert browser.password().status == 409


def test_an_account_without_codes_is_in_at_once(sandbox, browser):
    sandbox.set(icloud_no_two_factor=True)

    assert browser.password().status == 200


def test_the_repair_page_is_passed_by_a_call(sandbox, browser):
    sandbox.set(icloud_password_answer=412)
    assert browser.ask("POST", "/repair/complete", {}).status == 421
    answer = browser.password()
    assert answer.status == 412
    assert answer.headers["X-Apple-Repair-Session-Token"]

    repaired = browser.ask("POST", "/repair/complete", {})

    assert repaired.status == 204
    token = repaired.headers["X-Apple-Session-Token"]
    assert sandbox.world.state(Identity).granted(token).verified


def test_repair_is_no_way_around_the_code(browser):
    browser.password()

    assert browser.ask("POST", "/repair/complete", {}).status == 421


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("PUT", DEVICE),
        ("PUT", "/verify/phone"),
        ("POST", DEVICE),
        ("POST", PHONE),
        ("GET", "/2sv/trust"),
    ],
)
def test_nothing_is_open_before_the_password(browser, method, path):
    assert browser.ask(method, path, {} if method != "GET" else None).status == 421


def test_every_call_names_the_application(browser):
    for method, path in [("POST", "/federate"), ("POST", "/signin/init"), ("POST", "/signin/complete")]:
        assert browser.ask(method, path, {}, X_Apple_Widget_Key="other").status == 400
    assert browser.ask("GET", "/authorize/signin?client_id=other").status == 400


def test_a_sign_in_needs_its_own_headers(browser):
    browser.password()
    browser.state["scnt"] = "another"

    assert browser.ask("GET", "").status == 421


def test_the_ways_to_a_code_are_listed(sandbox, browser):
    browser.password()

    plural = browser.ask("GET", "").json()
    assert [phone["id"] for phone in plural["trustedPhoneNumbers"]] == [1, 2]
    assert plural["authenticationType"] == "hsa2"
    assert plural["securityCode"]["length"] == 6
    assert (plural["noTrustedDevices"], plural["trustedDeviceCount"]) == (False, 1)
    sandbox.set(icloud_context="singular")
    assert "trustedPhoneNumbers" not in browser.ask("GET", "").json()
    sandbox.set(icloud_context="wrapped", icloud_no_devices=True)
    wrapped = browser.ask("GET", "").json()
    assert wrapped["phoneNumberVerification"]["trustedPhoneNumber"]["lastTwoDigits"] == "81"
    assert wrapped["noTrustedDevices"]
    sandbox.set(icloud_security_key=True)
    assert browser.ask("GET", "").json()["keyNames"] == ["Blue key"]


def test_a_page_holds_the_ways_to_a_code_as_well(browser):
    browser.password()

    page = browser.ask("GET", "", Accept="text/html").data.decode()

    boot = json.loads(page.partition('class="boot_args">')[2].partition("</script>")[0])
    verification = boot["direct"]["twoSV"]["phoneNumberVerification"]
    assert verification["trustedPhoneNumber"]["id"] == 1
    assert boot["direct"]["hasTrustedDevices"] is True


def test_a_device_shows_a_code_that_trust_follows(sandbox, browser):
    first = browser.password().headers["X-Apple-Session-Token"]
    assert browser.ask("PUT", DEVICE, None).status == 202
    assert browser.ask("POST", "/verify/trusteddevice", {}).status == 405

    verified = browser.code()
    trusted = browser.ask("GET", "/2sv/trust")

    assert (verified.status, trusted.status) == (204, 204)
    tokens = [first, verified.headers["X-Apple-Session-Token"], trusted.headers["X-Apple-Session-Token"]]
    grants = [sandbox.world.state(Identity).granted(token) for token in tokens]
    assert [(grant.verified, grant.trusted) for grant in grants] == [(False, False), (True, False), (True, True)]
    browser.trust_tokens = [trusted.headers["X-Apple-TwoSV-Trust-Token"]]
    assert browser.password().status == 200


@pytest.mark.parametrize("mode", ["sms", "voice"])
def test_a_telephone_takes_a_code_by_text_or_voice(browser, mode):
    browser.password()
    named = {"phoneNumber": {"id": 2}, "mode": mode}
    assert browser.code(path=PHONE, **named).status == 400  # none was sent there yet

    assert browser.ask("PUT", "/verify/phone", named).status == 200
    assert browser.code(path=PHONE, **{**named, "phoneNumber": {"id": 1}}).status == 400
    assert browser.code(path=PHONE, **named).status == 204


@pytest.mark.parametrize(
    "body", [{}, {"phoneNumber": {"id": 3}, "mode": "sms"}, {"phoneNumber": {"id": 1}, "mode": "x"}]
)
def test_only_the_accounts_telephones_are_rung(browser, body):
    browser.password()

    assert browser.ask("PUT", "/verify/phone", body).status == 400


def test_a_second_text_message_may_be_refused(sandbox, browser):
    sandbox.set(icloud_sms_again=412)
    browser.password()
    named = {"phoneNumber": {"id": 1}, "mode": "sms"}

    assert [browser.ask("PUT", "/verify/phone", named).status for _ in range(2)] == [200, 412]


def test_codes_can_be_new_each_time_and_seen_on_the_telephone(sandbox, browser):
    sandbox.set(icloud_code="")
    browser.password()
    assert browser.code(code="").status == 400
    browser.ask("PUT", DEVICE)

    shown = browser.pool.request("GET", sandbox.url("icloud-auth") + "/sandbox/code").data.decode().strip()

    assert len(shown) == 6
    assert browser.code(shown).status == 204


def test_a_wrong_code_is_named_so_and_too_many_end_it(sandbox, browser):
    sandbox.set(icloud_code_attempts=2)
    browser.password()

    first, second = browser.code("000000"), browser.code("000001")

    assert (first.status, error_code(first)) == (400, "-21669")
    assert "securityCode" not in first.json()
    assert second.json()["securityCode"]["securityCodeLocked"] is True
    assert browser.code().status == 400


@pytest.mark.parametrize(
    ("answer", "status", "token"),
    [("200", 200, True), ("409", 409, True), ("409-without-token", 409, False), ("412", 412, True)],
)
def test_a_right_code_may_look_like_a_failure(sandbox, browser, answer, status, token):
    sandbox.set(icloud_verify_answer=answer)
    browser.password()

    verified = browser.code()

    assert verified.status == status
    assert verified.json()["securityCode"]["valid"] is True
    assert verified.json()["authenticationType"] == "hsa2"
    assert ("X-Apple-Session-Token" in verified.headers) is token
    assert browser.ask("GET", "/2sv/trust").status == 204


def test_a_strict_service_wants_the_home_page_as_origin(sandbox, browser):
    sandbox.set(icloud_strict_origin=True)
    browser.password()

    assert (
        browser.ask("POST", DEVICE, {"securityCode": {"code": "123456"}}, Origin="https://other.example").status
        == 403
    )
    assert browser.code().status == 204
    assert browser.ask("GET", "/2sv/trust", Origin="https://other.example").status == 403


def test_no_code_does_where_a_security_key_is_wanted(sandbox, browser):
    sandbox.set(icloud_security_key=True)
    browser.password()

    assert browser.code().status == 400
    assert browser.ask("POST", "/verify/security/key", {}).status == 400


def test_trust_can_be_off_or_run_out(sandbox, browser):
    browser.password()
    browser.code()
    browser.trust_tokens = [browser.ask("GET", "/2sv/trust").headers["X-Apple-TwoSV-Trust-Token"]]
    sandbox.set(icloud_trust_life=60)
    assert browser.password().status == 200
    sandbox.advance(61)
    assert browser.password().status == 409
    sandbox.set(icloud_no_trust=True, icloud_trust_life=None)
    assert browser.password().status == 409
    browser.code()
    assert "X-Apple-TwoSV-Trust-Token" not in browser.ask("GET", "/2sv/trust").headers


def test_nobody_signs_this_account_in_from_elsewhere(browser):
    answer = browser.ask(
        "POST", "/federate?isRememberMeEnabled=true", {"accountName": USERNAME, "rememberMe": True}
    )

    assert answer.json()["federated"] is False
    assert browser.ask("POST", "/federate", {}).status == 400


@pytest.mark.parametrize("body", ["[", "[]", "\xff", "[" * 5000])
def test_a_body_that_is_no_json_object_is_a_bad_request(sandbox, browser, body):
    headers = {"X-Apple-Widget-Key": codes.WIDGET_KEY}
    for path in ("/federate", "/signin/init", "/signin/complete", "/repair/complete", PHONE):
        answer = browser.pool.request("POST", browser.base + path, body=body.encode("latin-1"), headers=headers)
        assert answer.status == 400
