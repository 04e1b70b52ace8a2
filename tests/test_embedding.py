"""The five programs of the documentation that embed downspout, and the page that explains them."""

import contextlib
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest

import downspout_koodrive
from downspout import Account, Client, Done, Secret
from downspout.errors import Cancelled
from downspout.testing import Document, LyingServer, Pattern
from downspout_sandbox import Sandbox
from downspout_sandbox.koodrive import names

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = ROOT / "docs" / "examples" / "embedding"
PAGE = ROOT / "docs" / "embedding.md"
MIB = 2**20
SECONDS = 60


@pytest.fixture(scope="module")
def services():
    with Sandbox(services=["koodrive"], small_count=40) as running:
        yield running


@pytest.fixture
def sandbox(services):
    services.reset()
    return services


@pytest.fixture
def environment(sandbox, tmp_path):
    """The variables of somebody who has nothing but the sandbox."""
    kept = {name: os.environ[name] for name in ("LANG", "PATH", "SYSTEMROOT") if name in os.environ}
    home = tmp_path / "home"
    home.mkdir()
    return kept | sandbox.environment | {"HOME": str(home), "PYTHONUTF8": "1", "PYTHONWARNINGS": "error"}


@pytest.fixture
def start(environment, tmp_path):
    """Return a function that starts one of the programs; all are ended in the end."""
    processes = []

    def run(program, *arguments, **more):
        process = subprocess.Popen(
            [sys.executable, str(PROGRAMS / program), *map(str, arguments)],
            env=environment | more,
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return process

    yield run
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.communicate()


def settings_of(sandbox):
    prefix = "DOWNSPOUT_KOODRIVE_"
    variables = sandbox.environment.items()
    found = {name.removeprefix(prefix).lower(): text for name, text in variables if prefix in name}
    return found | {"allow_http": True, "allow_private": True}


@pytest.fixture
def account(sandbox):
    return Account("koodrive", "koodrive", settings_of(sandbox))


@pytest.fixture
def client(account):
    with Client([account], plugins=[downspout_koodrive], timeout=10.0, retries=2) as one:
        yield one


def load(program):
    spec = importlib.util.spec_from_file_location(program.removesuffix(".py"), PROGRAMS / program)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def small(count):
    return [f"koodrive:{names.file_id(f'small-{number:05d}')}" for number in range(count)]


# The five programs.


def test_a_script_brings_down_what_is_new_and_says_what_failed(start, sandbox, tmp_path):
    arguments = ("script.py", tmp_path / "archive", "koodrive:/Languages", "koodrive:/nothing.txt")
    first = start(*arguments)
    out, err = first.communicate(timeout=SECONDS)
    assert first.returncode == 1
    assert "議事録.txt: 1051 bytes, verified: size" in out
    assert err.startswith("koodrive:/nothing.txt: there is no document or folder 'nothing.txt'")
    asked = len(sandbox.requests)
    second = start(*arguments[:-1])
    assert second.communicate(timeout=SECONDS) == ("", "")
    assert second.returncode == 0
    stored = [each for each in sandbox.requests[asked:] if each.endpoint == "koodrive-store"]
    assert stored == []


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


@contextlib.contextmanager
def serving(application):
    module = load("web_service.py")
    with make_server("127.0.0.1", 0, application, server_class=module.Server, handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class Far:
    """A server with one large document, and a client that says when its readers end.

    Attributes:
        sent: how many bytes of the document were produced for sending, so far.
        ended: set when a reader was closed.
    """

    size = 400 * MIB

    def __init__(self, server):
        self.sent = 0
        self.ended = threading.Event()
        self.given = None
        self.content = Pattern(self.size)
        server.documents["/large"] = Document(self, name="large.bin")
        self.client = Client(plugins=["web"], trust_typed=True, timeout=10.0, observer=self.observe)
        self.uri = server.url("/large")

    def read(self, start, stop):
        found = self.content.read(start, stop)
        self.sent += len(found)
        return found

    def observe(self, event):
        if isinstance(event, Done):
            self.given = event.size
            self.ended.set()


@pytest.fixture
def far():
    with LyingServer() as server:
        made = Far(server)
        with made.client:
            yield made


def test_a_web_service_streams_a_document_to_its_user(client, sandbox):
    uris = {"letter": "koodrive:/notes.txt", "gone": "koodrive:/nothing.txt"}
    application = load("web_service.py").Documents(client, uris)
    with serving(application) as address:
        with urllib.request.urlopen(f"{address}/letter", timeout=10) as answer:
            assert answer.read() == sandbox.world.library.get("notes").read(0, MIB)
            assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''notes.txt"
        for path in ("gone", "other"):
            with pytest.raises(urllib.error.HTTPError) as caught:
                urllib.request.urlopen(f"{address}/{path}", timeout=10)
            assert (caught.value.code, caught.value.read()) == (404, b"Not Found.\n")


def test_a_web_service_reads_no_faster_than_its_user_takes(far):
    application = load("web_service.py").Documents(far.client, {"large": far.uri})
    answer = application({"PATH_INFO": "/large"}, lambda status, headers: None)
    blocks = iter(answer)
    taken = 0
    for _ in range(40):
        taken += len(next(blocks))
        assert far.sent < taken + 32 * MIB  # what sockets hold, and no more
    answer.close()
    assert far.ended.is_set()
    assert far.given == taken


def test_a_user_who_leaves_a_web_service_ends_the_download(far):
    application = load("web_service.py").Documents(far.client, {"large": far.uri})
    with serving(application) as address:
        with urllib.request.urlopen(f"{address}/large", timeout=10) as answer:
            assert int(answer.headers["Content-Length"]) == far.size
            assert len(answer.read(MIB)) == MIB
        assert far.ended.wait(10)
    assert far.sent < far.size / 2


def test_a_web_service_whose_source_breaks_breaks_off(far):
    """The user sees that the document is not whole, because fewer bytes come than were promised."""
    application = load("web_service.py").Documents(far.client, {"large": far.uri})
    answer = application({"PATH_INFO": "/large"}, lambda status, headers: None)
    blocks = iter(answer)
    next(blocks)
    far.client.close()
    with pytest.raises(Cancelled):
        for _ in blocks:
            pass
    answer.close()


def test_the_web_service_runs_as_a_program(start, sandbox):
    process = start("web_service.py", 0, "letter=koodrive:/notes.txt")
    address = process.stdout.readline().strip()
    with urllib.request.urlopen(f"{address}letter", timeout=10) as answer:
        assert answer.read().startswith(b"Notes")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=SECONDS)
    assert process.returncode == 130


@pytest.fixture
def job(sandbox, tmp_path):
    """Return a function that writes a job for the worker."""

    def write(*uris):
        plain = {name: value for name, value in settings_of(sandbox).items() if not is_secret(name)}
        described = {"name": "acme", "provider": "koodrive", "settings": plain}
        file = tmp_path / "job.json"
        file.write_text(json.dumps({"account": described, "folder": "out", "uris": uris}))
        return file

    return write


def is_secret(name):
    return any(each.name == name and each.secret for each in downspout_koodrive.provider.settings)


@pytest.fixture
def worker_secrets(sandbox):
    return {f"WORKER_{name.upper()}": text for name, text in settings_of(sandbox).items() if is_secret(name)}


def test_a_worker_keeps_its_credentials_and_tells_its_progress(start, sandbox, job, worker_secrets, tmp_path):
    sandbox.set(token_uses=2)
    file = job("acme:/Languages")
    process = start("worker.py", file, **worker_secrets)
    out, err = process.communicate(timeout=SECONDS)
    assert (process.returncode, err) == (0, "")
    told = [json.loads(line) for line in out.splitlines()]
    assert {line["document"] for line in told if line["phase"] == "done"} >= {"議事録.txt", "계약서.pdf"}
    vault = load("worker.py").Vault(file.with_suffix(".vault"))
    kept = vault.get("acme")
    assert kept is not None
    assert kept.origins == {sandbox.url("koodrive")}
    assert set(map(type, kept.values.values())) == {str, Secret}
    if os.name == "posix":
        assert file.with_suffix(".vault").stat().st_mode & 0o077 == 0
    again = start("worker.py", file, **worker_secrets)
    again.communicate(timeout=SECONDS)
    assert again.returncode == 0


def test_a_worker_that_is_told_to_stop_leaves_the_rest(start, sandbox, job, worker_secrets):
    sandbox.set(stall_after=5 * MIB)
    try:
        process = start("worker.py", job("acme:/large.bin"), **worker_secrets)
        while (line := process.stdout.readline()) and not json.loads(line)["done"]:
            pass
        process.terminate()
        _, err = process.communicate(timeout=SECONDS)
        assert (process.returncode, err) == (1, "")
    finally:
        sandbox.set(stall_after=None)


def test_the_workers_vault_is_one_for_threads_and_keeps_what_was_put(tmp_path):
    module = load("worker.py")
    vault = module.Vault(tmp_path / "vault")
    inside, most = [], []

    def turn(number):
        with vault.lock("acme"):
            inside.append(number)
            most.append(len(inside))
            vault.put("acme", module.Credential("acme", "https://a.example", {"token": Secret(str(number))}))
            found = vault.get("acme").reveal("token")
            inside.remove(number)
        return found

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(turn, range(8))) == [str(number) for number in range(8)]
    assert set(most) == {1}
    vault.delete("acme")
    assert vault.get("acme") is None


@pytest.mark.parametrize("pandas", [True, False])
def test_a_notebook_reads_a_table_where_it_is(start, sandbox, tmp_path, pandas):
    if pandas:
        pytest.importorskip("pandas", reason="pandas is not installed")
        more = {"PYTHONWARNINGS": "default"}
    else:
        (tmp_path / "without").mkdir()
        (tmp_path / "without" / "pandas.py").write_text("raise ImportError('not here')")
        more = {"PYTHONPATH": str(tmp_path / "without")}
    process = start("notebook.py", **more)
    out, err = process.communicate(timeout=SECONDS)
    assert (process.returncode, err) == (0, "")
    rows = sandbox.world.library.get("table").read(0, MIB).decode().split()[1:]
    assert out.splitlines()[-1] == f"{sum(float(row.split(',')[2]) for row in rows):.1f}"
    assert "table.csv" in out


def answer(address, **fields):
    data = urllib.parse.urlencode(fields).encode()
    with urllib.request.urlopen(address, data, timeout=10) as page:
        return page.read().decode()


def test_an_application_signs_in_with_its_own_dialog(start, sandbox, tmp_path):
    hidden = {f"DOWNSPOUT_KOODRIVE_{name}": "" for name in ("TOKEN", "SESSION_ID", "USER_ID")}
    process = start("sign_in_dialog.py", "koodrive", f"koodrive:{names.INVOICE}", tmp_path, **hidden)
    address = process.stdout.readline().split()[-1]
    with urllib.request.urlopen(address, timeout=10) as page:
        assert "How do you sign in to KooDrive" in page.read().decode()
    text = answer(address, answer="0")
    assert "Open this page and sign in: http" in text
    assert 'type="password"' in text
    assert "You can close this page" in answer(address, answer="sandbox-code")
    out, err = process.communicate(timeout=SECONDS)
    assert (process.returncode, err) == (0, "")
    assert out.strip() == str(tmp_path / "Invoice 1.pdf")


def test_a_dialog_that_is_closed_ends_the_sign_in(start, tmp_path):
    hidden = {"DOWNSPOUT_KOODRIVE_TOKEN": "", "DOWNSPOUT_KOODRIVE_SESSION_ID": ""}
    process = start("sign_in_dialog.py", "koodrive", "koodrive:/notes.txt", tmp_path, **hidden)
    address = process.stdout.readline().split()[-1]
    answer(address, close="1")
    _, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 1
    assert err.startswith("The dialog was closed.")


# The page.

PART = re.compile(r"<!-- not run: a part of (\S+), which a test runs -->\n```python\n(.*?)```", re.DOTALL)


def test_the_page_shows_parts_of_the_programs_as_they_are():
    parts = PART.findall(PAGE.read_text("utf-8"))
    assert {program for program, _ in parts} == {"script.py", "web_service.py", "worker.py", "sign_in_dialog.py"}
    wrong = [part for program, part in parts if part not in (PROGRAMS / program).read_text("utf-8")]
    assert wrong == []


def test_the_page_names_every_program():
    named = set(re.findall(r"\(examples/embedding/(\w+\.py)\)", PAGE.read_text("utf-8")))
    assert named == {path.name for path in PROGRAMS.glob("*.py")}
