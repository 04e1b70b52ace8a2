"""A client that nobody here wrote, pointed at the iCloud emulation over TLS: it signs in, lists and downloads."""

import contextlib
import hashlib
import unicodedata
import zipfile
from io import BytesIO

import pytest

from downspout_sandbox import Sandbox
from downspout_sandbox.icloud.identity import PASSWORD, USERNAME

pyicloud = pytest.importorskip("pyicloud")
pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def client(monkeypatch, tmp_path):
    """Give a function that starts a sandbox with switches and gives it with a maker of clients."""
    with contextlib.ExitStack() as stack:

        def start(**switches):
            sandbox = stack.enter_context(
                Sandbox(services=["icloud"], tls=True, sign_in=True, icloud_iterations=1000, **switches)
            )
            monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
            monkeypatch.setenv("REQUESTS_CA_BUNDLE", sandbox.environment["DOWNSPOUT_CA_BUNDLE"])

            class Service(pyicloud.PyiCloudService):
                def _setup_endpoints(self):
                    stack.callback(lambda: self.session.close())  # whether the constructor raises or not
                    self._idmsa_endpoint = sandbox.url("icloud-auth")
                    self._auth_endpoint = sandbox.environment["DOWNSPOUT_ICLOUD_AUTH_ENDPOINT"]
                    self._home_endpoint = "https://www.icloud.com"
                    self._setup_endpoint = sandbox.environment["DOWNSPOUT_ICLOUD_SETUP_ENDPOINT"]

            def make(password=PASSWORD, **arguments):
                return Service(USERNAME, password, cookie_directory=str(tmp_path), **arguments)

            return sandbox, make

        yield start


def sent(sandbox, name):
    return [each.path for each in sandbox.requests if each.path.endswith(name)]


def digest(data):
    return hashlib.sha256(data).hexdigest()


def signed_in(make):
    service = make()
    assert service.requires_2fa
    assert service.validate_2fa_code("123456")
    return service


@pytest.mark.parametrize(
    ("switches", "way"),
    [
        ({}, "/verify/trusteddevice/securitycode"),
        ({"icloud_no_page": True}, "/verify/phone/securitycode"),
        ({"icloud_no_page": True, "icloud_context": "wrapped"}, "/verify/phone/securitycode"),
        ({"icloud_protocol": "s2k_fo"}, "/verify/trusteddevice/securitycode"),
        ({"icloud_verify_answer": "409"}, "/verify/trusteddevice/securitycode"),
        ({"icloud_verify_answer": "409-without-token"}, "/verify/trusteddevice/securitycode"),
    ],
)
def test_it_signs_in_with_password_and_code_then_lists_and_downloads(client, switches, way):
    sandbox, make = client(**switches)
    service = make()
    assert service.requires_2fa
    assert not service.validate_2fa_code("000000")
    assert service.validate_2fa_code("123456")
    assert len(sent(sandbox, way)) == 2

    drive = service.drive
    assert {"Reports", "Languages", "Pages", "notes.txt", "Gescanntes Dokument.pdf"} <= set(drive.dir())
    answer = drive["large.bin"].open(stream=True)
    assert digest(answer.content) == sandbox.world.library.get("large").sha256
    nested = drive["Reports"]["2025"]["report.pdf"]
    assert digest(nested.open().content) == sandbox.world.library.get("report").sha256


def test_it_signs_in_again_without_a_code_once_it_is_trusted(client):
    sandbox, make = client()
    signed_in(make)

    again = make()
    assert not again.requires_2fa
    again.session.cookies.clear()
    again.session.data.pop("session_token")
    again.authenticate(force_refresh=True)

    assert not again.requires_2fa
    assert len(sent(sandbox, "/signin/complete")) == 2
    assert len(sent(sandbox, "/securitycode")) == 1


def test_it_takes_app_documents_packages_shares_and_empty_files(client):
    sandbox, make = client()
    drive = signed_in(make).drive

    note = drive["Obsidian"]["Vault"]["Note.md"].open()
    assert digest(note.content) == sandbox.world.library.get("notes").sha256
    package = drive["Slides.key"].open()
    with zipfile.ZipFile(BytesIO(package.content)) as archive:
        assert {name.split("/")[0] for name in archive.namelist()} == {"Slides.key"}
    shared = drive["Shared plans"]["Older"]["table.csv"].open()
    assert digest(shared.content) == sandbox.world.library.get("table").sha256
    assert drive["empty.dat"].open().raw.read() == b""
    names = {unicodedata.normalize("NFC", name) for name in drive["Languages"].dir()}
    assert {"Résumé.pdf", "議事録.txt", "إيصال.txt"} <= names


def test_it_lists_the_trash_and_the_folders_of_applications(client):
    _, make = client()
    drive = signed_in(make).drive

    names = {unicodedata.normalize("NFC", name) for name in drive.trash.dir()}
    assert names == {"계약서 certificate.pdf", "page.html"}
    assert {each["name"] for each in drive.get_app_data()} == {"Pages", "Obsidian"}


def test_it_says_that_a_password_is_wrong(client):
    _, make = client()

    with pytest.raises(pyicloud.exceptions.PyiCloudFailedLoginException):
        make(password="another")


def test_it_recognises_a_locked_account(client):
    _, make = client(icloud_password_answer=403)

    with pytest.raises(pyicloud.exceptions.PyiCloudAccountLockedException):
        make()


def test_it_reports_and_accepts_pending_terms(client):
    _, make = client(icloud_terms_pending=True)
    with pytest.raises(pyicloud.exceptions.PyiCloudAcceptTermsException):
        signed_in(make)

    assert make(accept_terms=True).drive.dir()


def test_it_waits_for_a_device_under_advanced_data_protection(client, monkeypatch):
    monkeypatch.setattr("pyicloud.base.PCS_SLEEP_TIME", 0)
    sandbox, make = client(icloud_protection=True)
    drive = signed_in(make).drive

    assert drive["notes.txt"].open().status_code == 200
    assert len(sent(sandbox, "/requestPCS")) == 3


def test_it_reports_an_expired_link(client):
    sandbox, make = client(link_life=0)
    drive = signed_in(make).drive

    with pytest.raises(pyicloud.exceptions.PyiCloudEndpointGoneException):
        drive["notes.txt"].open()
    sandbox.set(link_life=None)
    assert drive["notes.txt"].open().status_code == 200
