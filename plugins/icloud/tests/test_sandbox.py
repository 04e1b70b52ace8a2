"""Against the emulated iCloud: sessions, codes, trust, folders, shares, links that end."""

import contextlib
import hashlib
import json

import pytest
from attrs import evolve

import downspout_icloud
from downspout import Account, Client, Folder, Link, Reference, Secret
from downspout.errors import (
    AuthenticationError,
    ConfigurationError,
    DownspoutError,
    LinkRefused,
    NotFound,
    PermissionDenied,
    RateLimited,
    Unavailable,
)
from downspout_sandbox import Sandbox
from downspout_sandbox.icloud import docwsid_of

SHARE = "icloud:https://www.icloud.com/iclouddrive/"
COOKIES_FOR = {"icloud-setup", "icloud-drive", "icloud-docs"}
APIS = {"icloud-auth", "icloud-setup", "icloud-drive", "icloud-docs", "icloud-share"}


@pytest.fixture
def start(hooks):
    """Start a sandbox whose environment wants a sign-in; return it, with the hooks of its account."""
    with contextlib.ExitStack() as stack:

        def start(*, sign_in: bool = True, settings: dict | None = None, **switches):
            named = {name if name in GENERAL else f"icloud_{name}": value for name, value in switches.items()}
            named.setdefault("icloud_iterations", 1000)
            sandbox = stack.enter_context(Sandbox(["icloud"], sign_in=sign_in, **named))
            return sandbox, hooks(settings_of(sandbox) | (settings or {}))

        yield start


GENERAL = {"link_life", "token_life", "token_uses", "redirect", "no_etag", "fail_status", "small_count"}


def settings_of(sandbox) -> dict[str, str]:
    prefix = "DOWNSPOUT_ICLOUD_"
    found = sandbox.environment.items()
    return {name.removeprefix(prefix).lower(): value for name, value in found if name.startswith(prefix)}


@pytest.fixture
def someone(answers):
    """Return a function that makes somebody who answers the usual questions."""
    return lambda **more: answers(**{"How": "devices", "Code": "123456", **more})


@pytest.fixture
def logged_in(start, someone):
    """Start a sandbox, and sign in there."""

    def log_in(**switches):
        sandbox, caller = start(**switches)
        caller.authenticate(None, someone())
        return sandbox, caller

    return log_in


def outcome_of(caller, uri):
    (outcome,) = caller.resolve(uri)
    return outcome


def calls(sandbox, endpoint: str) -> list[str]:
    return [f"{each.method} {each.path}" for each in sandbox.requests if each.endpoint == endpoint]


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


# Signing in.


def test_signing_off_ends_the_session_and_the_trust(logged_in, someone):
    sandbox, caller = logged_in()
    before = caller.credential
    downspout_icloud.provider.sign_off(caller.account, before, caller.http(before))
    assert calls(sandbox, "icloud-setup")[-1] == "POST /setup/ws/1/logout"
    with pytest.raises(AuthenticationError):
        caller.resolve("icloud:/")
    downspout_icloud.provider.sign_off(caller.account, before, caller.http(before))  # it has ended already
    who = someone()
    caller.authenticate(before, who)
    assert any("Code" in label for label in who.labels)


def test_where_the_settings_say_it_all_there_is_nothing_to_end(hooks):
    caller = hooks({"endpoint": "http://127.0.0.1:9", "dsid": "1", "token": "t", "client_id": "c"})
    credential = caller.authenticate()
    downspout_icloud.provider.sign_off(caller.account, credential, caller.http(credential))


def test_a_sign_in_with_password_and_code_opens_the_drive(start, someone):
    sandbox, caller = start()
    who = someone()
    caller.authenticate(None, who)
    assert who.labels == ["How do you want to get the code?", "Code"]
    link = outcome_of(caller, "icloud:/notes.txt")
    assert sha256(caller.read(link)) == sandbox.world.library.get("notes").sha256


@pytest.mark.parametrize("protocol", ["s2k", "s2k_fo"])
def test_both_ways_of_hashing_passwords_work(logged_in, protocol):
    _, caller = logged_in(protocol=protocol)
    assert isinstance(outcome_of(caller, "icloud:/"), Folder)


def test_a_device_s_code_that_is_wrong_may_be_corrected(start, someone):
    _, caller = start()
    who = someone(Code=["12 34 57", "nonsense", "123-456"])
    caller.authenticate(None, who)
    assert who.said[1:] == ["Apple does not accept this code.", "A code has digits only."]


@pytest.mark.parametrize("context", ["plural", "singular", "wrapped"])
@pytest.mark.parametrize("way", ["text message", "call"])
def test_a_code_comes_by_telephone(start, someone, context, way):
    _, caller = start(no_devices=True, context=context, no_page=True)
    who = someone(How=way)
    caller.authenticate(None, who)
    assert "on its way" in who.said[0]
    assert isinstance(outcome_of(caller, "icloud:/"), Folder)


@pytest.mark.parametrize("answer", ["204", "200", "409", "409-without-token", "412", "412-without-token"])
def test_a_right_code_is_right_whatever_the_status(logged_in, answer):
    _, caller = logged_in(verify_answer=answer)
    assert isinstance(outcome_of(caller, "icloud:/"), Folder)


def test_codes_are_given_with_the_web_app_s_origin(logged_in):
    _, caller = logged_in(strict_origin=True)
    assert isinstance(outcome_of(caller, "icloud:/"), Folder)


def test_too_many_wrong_codes_end_it(start, someone):
    _, caller = start(code_attempts=2)
    with pytest.raises(AuthenticationError) as caught:
        caller.authenticate(None, someone(Code="111111"))
    assert "downspout login icloud" in caught.value.hint


def test_without_anybody_to_ask_a_code_is_an_error_that_names_the_command(start):
    _, caller = start()
    with pytest.raises(AuthenticationError) as caught:
        caller.authenticate()
    assert "downspout login icloud" in caught.value.hint


def test_an_account_without_codes_signs_in_by_its_settings_alone(start):
    _, caller = start(no_two_factor=True)
    caller.authenticate()
    assert isinstance(outcome_of(caller, "icloud:/"), Folder)


def test_a_trusted_client_is_not_asked_again(logged_in):
    sandbox, caller = logged_in()
    sandbox.set(icloud_validate_refused=True, icloud_session_life=5)
    sandbox.advance(10)
    refused = caller.credential
    caller.authenticate(refused)
    assert "POST /appleauth/auth/signin/complete" in calls(sandbox, "icloud-auth")
    assert isinstance(outcome_of(caller, "icloud:/"), Folder)


def test_a_client_that_apple_does_not_trust_signs_in_all_the_same(logged_in):
    _, caller = logged_in(no_trust=True)
    assert caller.credential.reveal("trust_token") == ""
    assert isinstance(outcome_of(caller, "icloud:/"), Folder)


@pytest.mark.parametrize(
    ("switches", "error", "words"),
    [
        ({"password_answer": 401}, AuthenticationError, "does not accept this Apple ID"),
        ({"password_answer": 403}, AuthenticationError, "locked"),
        ({"password_answer": 503}, RateLimited, "takes no sign-ins"),
        ({"busy": -1}, RateLimited, "takes no sign-ins"),
        ({"security_key": True}, AuthenticationError, "security key"),
        ({"terms_pending": True}, AuthenticationError, "terms"),
        ({"region": "china"}, ConfigurationError, "region china"),
        ({"region": "china", "region_status": 200}, ConfigurationError, "region china"),
        ({"no_web_access": True}, PermissionDenied, "switched off"),
        ({"protection": True, "consent_polls": 1, "pcs_failures": 1, "drive_answer": 0}, None, ""),
    ],
)
def test_what_stands_in_the_way_of_a_sign_in_is_said(start, someone, switches, error, words):
    _, caller = start(**switches)
    if error is None:
        caller.authenticate(None, someone())
        return
    with pytest.raises(error) as caught:
        caller.authenticate(None, someone())
    assert words in caught.value.message
    assert caught.value.hint


def test_a_repair_page_is_passed(logged_in):
    _, caller = logged_in(password_answer=412)
    assert isinstance(outcome_of(caller, "icloud:/"), Folder)


def test_a_wrong_password_is_tried_once(start, someone):
    sandbox, caller = start(settings={"password": "wrong"})
    with pytest.raises(AuthenticationError):
        caller.authenticate(None, someone())
    complete = [call for call in calls(sandbox, "icloud-auth") if "signin/complete" in call]
    assert len(complete) <= 2, "once more only where the shared number was ambiguous"


def test_the_password_is_asked_for_where_it_is_not_set(start, someone):
    _, caller = start(settings={"username": None, "password": None})
    who = someone(Apple_ID="Jo@ACME.example", Password="rain barrel 7")  # Apple compares lower-case names
    caller.authenticate(None, who)
    assert who.labels[:2] == ["Apple ID", "Password of jo@acme.example"]


def test_the_region_says_where_its_services_are():
    with Client([Account("icloud", "icloud", {"region": "china"})], plugins=[downspout_icloud]) as client:
        account = client.accounts.get("icloud")
    assert account["setup_endpoint"] == "https://setup.icloud.com.cn/setup/ws/1"
    assert account["share_endpoint"] == "https://ckdatabasews.icloud.com.cn"
    assert "https://setup.icloud.com.cn" in account.origins


def test_an_account_of_the_chinese_region_signs_in(logged_in):
    _, caller = logged_in(region="china", settings={"region": "china"})
    assert isinstance(outcome_of(caller, "icloud:/"), Folder)


# Renewal.


def test_cookies_that_ended_are_renewed_by_the_session_s_token(logged_in):
    sandbox, caller = logged_in(token_life=60)
    sandbox.advance(120)
    with pytest.raises(AuthenticationError):
        caller.resolve("icloud:/")
    before = len(calls(sandbox, "icloud-auth"))
    caller.authenticate(caller.credential)
    assert len(calls(sandbox, "icloud-auth")) == before, "no password, no code"
    assert isinstance(outcome_of(caller, "icloud:/"), Folder)


def test_a_second_login_asks_nothing(logged_in, someone):
    _, caller = logged_in()
    who = someone()
    caller.authenticate(caller.credential, who)
    assert who.labels == []
    assert who.said == ["Signed in already, as jo@acme.example."]


def test_a_session_without_any_way_on_names_the_command(logged_in, hooks):
    sandbox, caller = logged_in()
    sandbox.set(icloud_validate_refused=True, icloud_session_life=5)
    sandbox.advance(10)
    other = hooks(settings_of(sandbox) | {"password": None})
    with pytest.raises(AuthenticationError) as caught:
        other.authenticate(caller.credential)
    assert "downspout login icloud" in caught.value.hint


# Advanced Data Protection.


def test_protected_data_opens_once_a_device_consents(start, someone):
    _, caller = start(protection=True, consent_polls=1, pcs_failures=1)
    who = someone()
    caller.authenticate(None, who)
    assert "allow access on one of your devices" in " ".join(who.said)
    assert isinstance(outcome_of(caller, "icloud:/notes.txt"), Link)


@pytest.mark.parametrize("status", [423, 400])
def test_data_that_is_held_back_again_opens_at_the_next_login(start, someone, status):
    _, caller = start(protection=True, consent_polls=1, pcs_failures=0, pcs_status=status)
    caller.authenticate(None, someone())
    values = dict(caller.credential.values)
    cookies = json.loads(caller.credential.reveal("cookies"))
    del cookies["X-APPLE-WEBAUTH-PCS-Documents"]
    values["cookies"] = Secret(json.dumps(cookies))
    caller.credential = evolve(caller.credential, values=values)
    for uri in ("icloud:/", f"icloud:{docwsid_of('notes')}"):
        with pytest.raises(AuthenticationError, match="holds its data back"):
            caller.resolve(uri)
    caller.authenticate(caller.credential, someone())
    assert isinstance(outcome_of(caller, "icloud:/"), Folder)


def test_protection_without_anybody_to_consent_says_what_to_do(start):
    _, caller = start(protection=True, no_two_factor=True)
    with pytest.raises(AuthenticationError) as caught:
        caller.authenticate()
    assert "Advanced Data Protection" in caught.value.message
    assert "downspout login icloud" in caught.value.hint


# Documents.


def test_documents_come_down_by_id_path_and_share(logged_in):
    sandbox, caller = logged_in()
    library = sandbox.world.library
    wanted = {
        f"icloud:{docwsid_of('report')}": "report",
        "icloud:/reports/2025/REPORT.PDF": "report",
        "icloud:/Languages/議事録.txt": "minutes",
        "icloud:/Languages/Résumé.pdf": "resume",
        f"icloud:FILE::com.apple.CloudDocs::{docwsid_of('notes')}": "notes",
    }
    for link, name in zip(caller.resolve(*wanted), wanted.values(), strict=True):
        content = caller.read(link)
        assert sha256(content) == library.get(name).sha256, name
        assert link.size in (None, len(content))


def test_a_public_share_needs_no_account(start):
    _, caller = start()
    (link,) = caller.resolve(f"{SHARE}0b9SandboxSharedDocument0#Gescanntes_Dokument")
    assert (link.name, link.size) == ("Gescanntes Dokument.pdf", len(caller.read(link)))


def test_shares_and_what_wants_a_sign_in_may_come_in_one_call(start):
    _, caller = start()
    share, own = caller.resolve(f"{SHARE}0b9SandboxSharedDocument0", "icloud:/notes.txt")
    assert isinstance(share, Link)
    assert isinstance(own, AuthenticationError)


@pytest.mark.parametrize(
    ("guid", "error"),
    [
        ("0c3SandboxSharedFolder000", NotFound),
        ("05aSandboxPrivateShare000", PermissionDenied),
        ("0zzNobodyKnows", NotFound),
    ],
)
def test_a_share_that_cannot_be_had_says_why(start, guid, error):
    _, caller = start()
    assert isinstance(outcome_of(caller, SHARE + guid), error)


def test_several_shares_are_asked_for_together(start):
    sandbox, caller = start()
    outcomes = caller.resolve(
        *(SHARE + guid for guid in ("0b9SandboxSharedDocument0", "0zz", "0d7SandboxSharedLarge0000"))
    )
    assert [type(outcome) for outcome in outcomes] == [Link, NotFound, Link]
    assert len(calls(sandbox, "icloud-share")) == 1


@pytest.mark.parametrize("code", ["NOT_FOUND", "ACCESS_DENIED", "AUTHENTICATION_REQUIRED", "THROTTLED", "ODD"])
def test_a_share_s_failure_comes_with_status_200(start, code):
    _, caller = start(share_error=code)
    error = outcome_of(caller, f"{SHARE}0b9SandboxSharedDocument0")
    assert isinstance(error, DownspoutError)
    assert error.message.endswith(".")


def test_a_share_s_size_may_be_text(start):
    _, caller = start(share_size_text=True)
    link = outcome_of(caller, f"{SHARE}0b9SandboxSharedDocument0")
    assert link.size == len(caller.read(link))


def test_a_package_is_a_zip_and_named_so(logged_in):
    _, caller = logged_in()
    for uri, name in (
        ("icloud:/Slides.key", "Slides.key.zip"),
        ("icloud:/Pages/Letter.pages", "Letter.pages.zip"),
    ):
        link = outcome_of(caller, uri)
        assert (link.name, link.size, link.media_type) == (name, None, "application/zip")
        assert caller.read(link).startswith(b"PK")


@pytest.mark.parametrize("uri", ["icloud:/empty.dat", f"icloud:{docwsid_of('empty')}"])
def test_a_document_without_bytes_comes_without_a_request_for_them(logged_in, uri):
    sandbox, caller = logged_in()
    link = outcome_of(caller, uri)
    assert (link.size, link.name) == (0, "empty.dat")
    assert caller.read(link) == b""
    assert caller.open(link, start=5).unsatisfied
    assert calls(sandbox, "icloud-content") == []


@pytest.mark.parametrize("uri", ["icloud:/Reports/", "icloud:/reports", "icloud:/", "icloud:/Shared plans/Older/"])
def test_a_folder_s_references_work_without_their_hints(logged_in, uri):
    _, caller = logged_in()
    folder = outcome_of(caller, uri)
    for child in folder.children:
        outcome = outcome_of(caller, str(child.reference))
        assert isinstance(outcome, Folder if child.is_folder else Link), child


def test_a_folder_goes_by_its_id_too(logged_in):
    _, caller = logged_in()
    root = outcome_of(caller, "icloud:/")
    (reports,) = [child for child in root.children if child.path == "Reports/"]
    by_path = outcome_of(caller, reports.reference)
    docwsid = reports.reference.hint.docwsid
    for uri in (f"icloud:{docwsid}", f"icloud:{docwsid}/", f"icloud:FOLDER::com.apple.CloudDocs::{docwsid}"):
        by_id = outcome_of(caller, uri)
        assert [child.path for child in by_id.children] == [child.path for child in by_path.children]


def test_an_application_s_documents_are_found_in_their_zone(logged_in):
    _, caller = logged_in()
    (library,) = [child for child in outcome_of(caller, "icloud:/").children if child.path == "Pages/"]
    (plain,) = [child for child in outcome_of(caller, library.reference).children if child.path == "Plain.txt"]
    assert "zone=com.apple.Pages" in str(plain.reference)
    assert isinstance(outcome_of(caller, str(plain.reference)), Link)
    assert isinstance(outcome_of(caller, f"icloud:{plain.reference.document}"), NotFound)


def test_what_somebody_shared_is_found_by_path_and_by_id(logged_in):
    _, caller = logged_in()
    folder = outcome_of(caller, "icloud:/Shared plans/")
    (older,) = [child for child in folder.children if child.is_folder]
    inner = outcome_of(caller, str(older.reference))
    for child in inner.children:
        assert isinstance(outcome_of(caller, str(child.reference)), Link)
        by_id = outcome_of(caller, f"icloud:{child.reference.hint.drivewsid}")
        assert caller.read(by_id)


@pytest.mark.parametrize("failure", ["element", "status", "null", "missing", "whole"])
def test_one_document_in_trouble_costs_no_other(logged_in, failure):
    _, caller = logged_in(trouble=True, batch_failure=failure)
    folder = outcome_of(caller, "icloud:/Trouble/")
    names = [child.path for child in folder.children]
    outcomes = dict(zip(names, caller.resolve(*(child.reference for child in folder.children)), strict=True))
    for name in ("no-token.txt", "gone.txt", "broken.txt", "denied.txt"):
        assert isinstance(outcomes[name], DownspoutError), name
    assert isinstance(outcomes["gone.txt"], NotFound)
    assert isinstance(outcomes["denied.txt"], PermissionDenied)
    assert isinstance(outcomes["broken.txt"], Unavailable)
    assert isinstance(outcomes["absent.txt"], Link)


@pytest.mark.parametrize(
    "switches",
    [
        {"batch_status": 400},
        {"batch_status": 413},
        {"batch_status": 404},
        {"batch_limit": 2},
        {"batch_reversed": True},
    ],
)
def test_batches_that_are_refused_or_reordered_give_the_same_links(logged_in, switches):
    sandbox, caller = logged_in(**switches)
    ids = ["notes", "large", "picture", "invoice"]
    for name, link in zip(ids, caller.resolve(*(f"icloud:{docwsid_of(name)}" for name in ids)), strict=True):
        assert sha256(caller.read(link)) == sandbox.world.library.get(name).sha256


def test_a_document_that_changed_since_it_was_listed_has_no_size_to_hold_it_to(logged_in):
    sandbox, caller = logged_in()
    folder = outcome_of(caller, "icloud:/")
    (notes,) = [child for child in folder.children if child.path == "notes.txt"]
    sandbox.set(icloud_etag_moves=True)
    link = outcome_of(caller, notes.reference)
    assert link.size is None
    assert link.version != notes.version


def test_spurious_400s_are_asked_again(logged_in):
    _, caller = logged_in(spurious_every=3)
    for _ in range(6):
        assert isinstance(outcome_of(caller, f"icloud:{docwsid_of('notes')}"), Link)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (421, AuthenticationError),
        (423, AuthenticationError),
        (429, RateLimited),
        (503, RateLimited),
        (500, Unavailable),
    ],
)
@pytest.mark.parametrize("uri", [f"icloud:{docwsid_of('notes')}", "icloud:/notes.txt"])
def test_what_ails_the_service_is_told_apart(logged_in, status, error, uri):
    _, caller = logged_in(drive_answer=status)
    try:
        outcome = outcome_of(caller, uri)
    except DownspoutError as exc:
        outcome = exc
    assert isinstance(outcome, error)


def test_one_document_s_bytes_come_in_parts_that_say_what_they_are(logged_in):
    _, caller = logged_in()
    link = outcome_of(caller, f"icloud:{docwsid_of('large')}")
    stream = caller.open(link, 1000, 3000)
    assert (stream.start, stream.stop, stream.size) == (1000, 3000, 20 * 1024 * 1024)
    assert (stream.version, stream.etag) == (link.version, f'"{link.version}"')
    stream.close()


def test_a_link_that_ended_is_refused(logged_in):
    sandbox, caller = logged_in(link_life=5)
    link = outcome_of(caller, f"icloud:{docwsid_of('notes')}")
    sandbox.advance(60)
    with pytest.raises(LinkRefused):
        caller.open(link)


def test_apple_s_own_redirect_is_followed_without_a_word_about_the_user(logged_in):
    sandbox, caller = logged_in(redirect=True)
    link = outcome_of(caller, f"icloud:{docwsid_of('notes')}")
    assert sha256(caller.read(link)) == sandbox.world.library.get("notes").sha256


def test_the_seed_s_credential_reaches_documents_by_id_and_says_what_paths_need(start):
    _, caller = start(sign_in=False)
    caller.authenticate()
    assert isinstance(outcome_of(caller, f"icloud:{docwsid_of('notes')}"), Link)
    error = outcome_of(caller, "icloud:/notes.txt")
    assert isinstance(error, ConfigurationError)
    assert "username" in error.hint


def test_a_refused_seed_credential_is_not_tried_again(start):
    _, caller = start(sign_in=False)
    caller.authenticate()
    with pytest.raises(AuthenticationError):
        caller.authenticate(caller.credential)


# Where things go.


def test_no_cookie_and_no_token_leaves_apple_s_api_origins(logged_in):
    sandbox, caller = logged_in(redirect=True)
    uris = ("icloud:/notes.txt", f"{SHARE}0b9SandboxSharedDocument0", "icloud:/Slides.key")
    for link in caller.resolve(*uris):
        caller.read(link)
    secrets = [caller.credential.reveal(name) for name in ("session_token", "trust_token")]
    secrets += [value.strip('"') for value in json.loads(caller.credential.reveal("cookies")).values()]
    seen = set()
    for request in sandbox.requests:
        seen.add(request.endpoint)
        names = {name.lower() for name in request.headers}
        text = repr((request.path, sorted(request.headers.items())))
        if request.endpoint not in COOKIES_FOR:
            assert "cookie" not in names, request
            assert request.endpoint == "icloud-auth" or not any(secret in text for secret in secrets)
        if request.endpoint not in APIS:
            assert not {"origin", "referer", "authorization", "scnt"} & names
    assert seen > APIS


def test_the_credential_names_the_api_s_origins_and_no_other(logged_in):
    sandbox, caller = logged_in()
    named = {sandbox.url(name) for name in ("icloud-setup", "icloud-drive", "icloud-docs", "icloud-share")}
    assert caller.credential.origins == named


# Everything together.


@pytest.fixture
def client_of(hooks):
    """Return a function that makes a client of a sandbox."""

    def make(sandbox) -> Client:
        account = hooks(settings_of(sandbox) | {"allow_http": True, "allow_private": True}).account
        return Client([account], plugins=[downspout_icloud], timeout=5.0)

    return make


def test_a_client_brings_a_batch_down_through_expired_cookies(start, client_of, tmp_path):
    sandbox, _ = start(token_uses=2, small_count=120, no_two_factor=True)
    with client_of(sandbox) as client:
        results = list(client.download_many(["icloud:/Batch/"], tmp_path, jobs=4))
    assert [result.status for result in results].count("ok") == 120
    assert len({result.path for result in results}) == 120
    logins = [call for call in calls(sandbox, "icloud-setup") if "accountLogin" in call]
    assert len(logins) == 2, "the first, and one renewal for everybody"


def test_a_client_goes_on_where_a_link_ended(start, client_of, tmp_path):
    sandbox, _ = start(no_two_factor=True)
    sandbox.set(cut_after=1_000_000, cut_times=2)
    with client_of(sandbox) as client:
        result = client.download(f"icloud:{docwsid_of('large')}", tmp_path / "large.bin")
    assert sha256((tmp_path / "large.bin").read_bytes()) == sandbox.world.library.get("large").sha256
    assert result.status == "ok"


def test_a_client_keeps_an_empty_document(start, client_of, tmp_path):
    sandbox, _ = start(no_two_factor=True)
    with client_of(sandbox) as client:
        client.download("icloud:/empty.dat", tmp_path / "empty.dat")
    assert (tmp_path / "empty.dat").read_bytes() == b""


def test_references_survive_printing(logged_in):
    _, caller = logged_in(trouble=True)
    for uri in ("icloud:/", "icloud:/Trouble/", "icloud:/Languages/"):
        for child in outcome_of(caller, uri).children:
            assert Reference.parse(str(child.reference)) == child.reference
