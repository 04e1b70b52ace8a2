"""Against the emulated service: with state, signatures, expiry, and links that are checked."""

import hashlib
import os

import pytest

import downspout_sandbox
from downspout import Folder, Link, Reference
from downspout.errors import (
    AuthenticationError,
    ConfigurationError,
    DownspoutError,
    LinkRefused,
    NotFound,
    PermissionDenied,
    ProtocolError,
    Unavailable,
)
from downspout_koodrive import open_stream, provider
from downspout_sandbox.koodrive import names
from downspout_sandbox.koodrive.access import APP_ID, APP_SECRET

STORE_SEES = {"host", "user-agent", "accept", "accept-encoding", "range", "if-range"}


@pytest.fixture
def sandbox():
    with downspout_sandbox.Sandbox(services=["koodrive"]) as sandbox:
        yield sandbox


@pytest.fixture
def account(drive, sandbox):
    """Return a function that makes the hooks for the sandbox's own account."""

    def make(**settings):
        prefix = "DOWNSPOUT_KOODRIVE_"
        found = {
            name.removeprefix(prefix).lower(): value
            for name, value in sandbox.environment.items()
            if name.startswith(prefix)
        }
        return drive(**{"token": None, **found, **settings})

    return make


def bytes_of(drive, link: Link) -> bytes:
    stream = open_stream(drive.account, link, 0, None, None, drive.http(drive.credential))
    content, buffer = bytearray(), bytearray(1 << 16)
    while count := stream.readinto(buffer):
        content += buffer[:count]
    stream.close()
    return bytes(content)


def test_signing_off_ends_the_session(account):
    drive = account()
    credential = drive.authenticate()
    provider.sign_off(drive.account, credential, drive.http(credential))
    with pytest.raises(AuthenticationError):
        drive.resolve("koodrive:/")
    provider.sign_off(drive.account, credential, drive.http(credential))  # it has ended: nothing to tell


def test_an_app_has_no_session_to_end(account, sandbox):
    drive = account(app_id=APP_ID, app_secret=APP_SECRET)
    credential = drive.authenticate()
    sandbox.reset()
    provider.sign_off(drive.account, credential, drive.http(credential))
    assert list(sandbox.requests) == []


def renewing(drive, *uris):
    """Resolve as the core does: ask for a new credential when the one at hand is refused, at most twice."""
    for _ in range(2):
        try:
            return drive.resolve(*uris)
        except AuthenticationError:
            drive.authenticate(refused=drive.credential)
    return drive.resolve(*uris)


def test_the_published_document_comes_down_whole(account, sandbox):
    drive = account()
    (link,) = drive.resolve(f"koodrive:{names.CONTAINER}/{names.INVOICE}")
    assert link.name == "Invoice 1.pdf"
    content = bytes_of(drive, link)
    assert hashlib.sha256(content).hexdigest() == sandbox.world.library.get("invoice").sha256


def test_documents_come_down_by_their_paths_with_their_listed_sizes(account, sandbox):
    drive = account()
    uris = [
        "koodrive:/Invoice 1.pdf",
        "koodrive:/Languages/議事録.txt",
        "koodrive:/Twins/Twins",
        "koodrive:/Languages/Résumé.pdf",
    ]
    for link, document in zip(drive.resolve(*uris), ["invoice", "minutes", "twin", "resume"], strict=True):
        content = bytes_of(drive, link)
        assert hashlib.sha256(content).hexdigest() == sandbox.world.library.get(document).sha256
        assert len(content) == link.size


def test_every_document_below_the_root_is_found_and_has_its_listed_size(account, sandbox):
    sandbox.set(koodrive_short_pages=True)
    drive, left, seen = account(), [Reference.parse("koodrive:/")], 0
    while left:
        batch, left = left[:100], left[100:]
        for outcome in drive.resolve(*batch):
            assert not isinstance(outcome, DownspoutError), outcome
            if isinstance(outcome, Folder):
                left += [child.reference for child in outcome.children]
                left += [outcome.more] if outcome.more else []
            elif (outcome.size or 0) < 100_000:
                if seen % 40 == 0:
                    assert len(bytes_of(drive, outcome)) == outcome.size
                seen += 1
    assert seen > 1000


def test_250_ids_take_three_calls_and_a_bad_one_fails_alone(account, sandbox):
    ids = [names.file_id(f"small-{number:05d}") for number in range(249)] + ["Fnothing"]
    drive, outcomes = account(), []
    for first in range(0, 250, 100):
        outcomes += drive.resolve(*(f"koodrive:{each}" for each in ids[first : first + 100]))
    assert [type(outcome) for outcome in outcomes] == [Link] * 249 + [NotFound]
    assert len(sandbox.requests) == 3


@pytest.mark.parametrize(("bearer", "separator"), [("space", "space"), ("plus", "plus")])
def test_a_service_that_takes_one_form_of_token_gets_it(account, sandbox, bearer, separator):
    sandbox.set(koodrive_bearer=bearer)
    assert isinstance(account(auth_separator=separator).resolve(f"koodrive:{names.INVOICE}")[0], Link)


def test_the_wrong_form_of_token_is_refused(account, sandbox):
    sandbox.set(koodrive_bearer="plus")
    with pytest.raises(AuthenticationError):
        account().resolve(f"koodrive:{names.INVOICE}")


@pytest.mark.parametrize("gateway", [False, True])
@pytest.mark.parametrize("status", [400, 401])
@pytest.mark.parametrize("carrier", [False, True])
def test_an_ended_session_is_renewed_without_a_question(account, sandbox, carrier, status, gateway):
    sandbox.set(koodrive_carrier=carrier, koodrive_auth_status=status, koodrive_gateway=gateway)
    drive = account()
    assert isinstance(drive.resolve(f"koodrive:{names.INVOICE}")[0], Link)
    for _ in range(3):
        sandbox.advance(3600)
        with pytest.raises(AuthenticationError):
            drive.resolve(f"koodrive:{names.INVOICE}")
        assert isinstance(renewing(drive, f"koodrive:{names.INVOICE}")[0], Link)


@pytest.mark.parametrize("skew", [-3000.0, -30.0, 0.0, 30.0, 3000.0])
def test_a_signed_request_holds_whatever_the_local_clock_says(account, sandbox, skew):
    sandbox.set(koodrive_app_auth=True, clock_skew=skew)
    drive = account(app_id=APP_ID, app_secret=APP_SECRET)
    outcomes = drive.resolve(f"koodrive:{names.INVOICE}", "koodrive:/")
    assert [type(outcome) for outcome in outcomes] == [Link, Folder]


def test_an_app_finds_its_own_space_with_a_signed_query(account, sandbox):
    drive = account(app_id=APP_ID, app_secret=APP_SECRET, container_id=None)
    assert isinstance(drive.resolve(f"koodrive:{names.INVOICE}")[0], Link)


def test_a_wrong_app_secret_is_refused(account):
    drive = account(app_id=APP_ID, app_secret="wrong", token=None)
    with pytest.raises(AuthenticationError):
        drive.resolve(f"koodrive:{names.INVOICE}")


def test_a_wrong_token_is_refused_and_cannot_be_renewed(account):
    drive = account(token="wrong", session_id=None)
    with pytest.raises(AuthenticationError):
        drive.resolve(f"koodrive:{names.INVOICE}")
    with pytest.raises(AuthenticationError, match="cannot be renewed"):
        drive.authenticate(refused=drive.credential)


def test_user_and_space_are_found_out_where_the_settings_leave_them_open(account):
    drive = account(user_id=None, container_id=None)
    assert isinstance(drive.resolve(f"koodrive:{names.INVOICE}")[0], Link)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("recycled", NotFound),
        ("blocked", NotFound),
        ("failing", Unavailable),
        ("forbidden", PermissionDenied),
        (names.UNLISTED, ProtocolError),
        ("nobody", NotFound),
    ],
)
def test_a_document_in_trouble_fails_alone(account, name, kind):
    bad, good = account().resolve(f"koodrive:{names.file_id(name)}", f"koodrive:{names.INVOICE}")
    assert type(bad) is kind
    assert isinstance(good, Link)


@pytest.mark.parametrize(("container", "kind"), [(names.FOREIGN_CONTAINER, PermissionDenied), ("Cnone", NotFound)])
def test_a_space_in_trouble_is_said(account, container, kind):
    (outcome,) = account().resolve(f"koodrive:{container}/{names.INVOICE}")
    assert type(outcome) is kind


def test_a_folders_id_becomes_a_folder(account, sandbox):
    folder = next(
        each for each in sandbox.world.library.children(sandbox.world.library.root) if not hasattr(each, "size")
    )
    outcomes = account().resolve(f"koodrive:{names.folder_id(folder)}", f"koodrive:/{folder.name}")
    assert [type(outcome) for outcome in outcomes] == [Folder, Folder]
    assert outcomes[0].children == outcomes[1].children


def test_a_shared_folder_is_worked_in(account):
    option = f"?shared_folder={names.SHARED_FOLDER}"
    drive = account()
    (folder,) = drive.resolve(f"koodrive:/{option}")
    (child,) = folder.children
    listed, printed = drive.resolve(child.reference, str(child.reference))
    assert listed.size == child.size
    assert len(bytes_of(drive, printed)) == child.size


@pytest.mark.parametrize("switch", ["reverse", "code_text", "old_links", "strict_date"])
def test_what_answers_may_vary_in_makes_no_difference(account, sandbox, switch):
    sandbox.set(**{f"koodrive_{switch}": True})
    drive = account()
    ids = [names.INVOICE, names.file_id("small-00001"), names.file_id("small-00002")]
    links = drive.resolve(*(f"koodrive:{each}" for each in ids))
    assert [link.name for link in links] == ["Invoice 1.pdf", "small-00001.bin", "small-00002.bin"]
    assert all(link.expires_at is not None for link in links)
    assert len(bytes_of(drive, links[1])) == 16384


def test_records_without_a_link_and_missing_records_are_failures(account, sandbox):
    sandbox.set(koodrive_empty_url=True, koodrive_drop_every=2)
    outcomes = account().resolve(f"koodrive:{names.INVOICE}", f"koodrive:{names.file_id('small-00001')}")
    assert [type(outcome) for outcome in outcomes] == [ProtocolError, ProtocolError]


def test_an_answer_that_contradicts_itself_is_not_believed(account, sandbox):
    sandbox.set(koodrive_batch_code=2)
    assert isinstance(account().resolve(f"koodrive:{names.INVOICE}")[0], ProtocolError)


@pytest.mark.parametrize("old", [False, True])
def test_an_expired_link_is_refused_as_such(account, sandbox, old):
    sandbox.set(koodrive_old_links=old)
    drive = account()
    (link,) = drive.resolve(f"koodrive:{names.INVOICE}")
    sandbox.advance(4000)
    with pytest.raises(LinkRefused, match="expired"):
        bytes_of(drive, link)


def test_a_denied_link_is_a_matter_of_permission(account):
    drive = account()
    (link,) = drive.resolve(f"koodrive:{names.file_id(names.DENIED)}")
    with pytest.raises(LinkRefused) as caught:
        bytes_of(drive, link)
    assert isinstance(caught.value.settle(), PermissionDenied)


def test_a_warning_instead_of_the_document_has_another_size_than_listed(account, sandbox):
    drive = account()
    (folder,) = drive.resolve("koodrive:/")
    child = next(each for each in folder.children if each.size)
    sandbox.set(koodrive_warning=True)
    (link,) = drive.resolve(child.reference)
    assert link.size == child.size != len(bytes_of(drive, link))


def test_the_store_sees_nothing_of_the_user(account, sandbox):
    drive = account(trace_id="t" * 58)
    (link,) = drive.resolve(f"koodrive:{names.INVOICE}")
    bytes_of(drive, link)
    (asked,) = [each for each in sandbox.requests if each.endpoint == "koodrive-store"]
    assert {name.lower() for name in asked.headers} <= STORE_SEES


class Person:
    """Signs in with the code that the sandbox's sign-in page gives."""

    def __init__(self, code):
        self.code, self.told = code, []

    def ask(self, label):
        return self.code

    secret = ask

    def choose(self, label, options):
        return 0

    def tell(self, text):
        self.told.append(text)


def test_login_with_a_browser(account):
    drive = account(token=None, session_id=None, user_id=None)
    drive.authenticate(interaction=Person("sandbox-code"))
    assert isinstance(drive.resolve(f"koodrive:{names.INVOICE}")[0], Link)


def test_login_with_a_wrong_code(account):
    with pytest.raises(AuthenticationError):
        account(token=None, session_id=None).authenticate(interaction=Person("wrong"))


def test_an_address_without_koodrive_is_a_matter_of_configuration(account, sandbox):
    (outcome,) = account(endpoint=f"{sandbox.environment['DOWNSPOUT_KOODRIVE_ENDPOINT']}/elsewhere").resolve(
        "koodrive:F1"
    )
    assert isinstance(outcome, ConfigurationError)
    assert "endpoint" in outcome.hint


def test_nothing_here_depends_on_the_environment():
    assert not [name for name in os.environ if name.startswith("DOWNSPOUT_KOODRIVE_")]
