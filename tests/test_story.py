"""Lists of documents from four services, brought down by the command through everything that goes wrong."""

import hashlib
import random
import sqlite3
import time

import pytest

from downspout.testing import Document, LyingServer
from downspout_sandbox import Sandbox
from downspout_sandbox.oracle.names import file_id

from .story.shell import PAPER, ROTTEN, Shell, fetches, install, resolves, right, small

ICLOUD = "icloud:8C3C0E05-FBBA-48CB-8B82-2EEE9DD923E2"


@pytest.fixture
def sandbox():
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def shell(sandbox, tmp_path):
    return Shell(tmp_path, sandbox)


def get(shell, uris, *more, **options):
    return shell.get("-i", shell.list_of(uris), "-d", "out", "-j", "16", *more, **options)


def test_250_ids_are_three_calls_and_one_bad_id_fails_alone(shell, sandbox):
    uris = small(250)
    uris[7] = "koodrive:Fbad"
    ran = get(shell, uris)
    assert ran.status == 1
    assert resolves(sandbox.requests) == 3
    assert ran.by_status() == {"ok": 249, "failed": 1}
    assert [line["index"] for line in ran.lines if line["status"] == "failed"] == [8]
    expected = right(sandbox, 250)
    del expected["small-00007.bin"]
    assert shell.files() == expected


def test_the_same_command_again_does_what_is_left(shell, sandbox):
    uris = [*small(120), "koodrive:Fbad"]
    get(shell, uris)
    sandbox.reset()
    ran = get(shell, uris)
    assert ran.by_status() == {"skipped": 120, "failed": 1}
    assert len(fetches(sandbox.requests)) == 0
    assert resolves(sandbox.requests) == 1


def test_links_that_live_one_second_and_500_documents_that_wait(shell, sandbox):
    sandbox.set(link_life=1, latency=0.03)
    begun, jobs = time.monotonic(), 8
    ran = get(shell, small(500), "-j", str(jobs))
    seconds = time.monotonic() - begun
    assert ran.status == 0
    assert ran.by_status() == {"ok": 500}
    assert shell.files() == right(sandbox, 500)
    refused = sum(each.status == 403 for each in sandbox.requests if each.endpoint == "koodrive-store")
    assert refused <= jobs * (seconds + 1)  # whenever links die, some are on their way to the store


def test_300_documents_and_a_token_that_ends_after_40_calls(shell, sandbox):
    sandbox.set(token_uses=40, oracle_sign_in="client")
    uris = [f"oracle:{file_id(f'small-{number:05d}')}" for number in range(300)]
    ran = get(shell, uris)
    assert ran.status == 0, ran.err
    assert ran.by_status() == {"ok": 300}
    signed_in = [each for each in sandbox.requests if each.endpoint == "oracle-identity"]
    assert len(signed_in) == 2  # once at first, once again
    assert shell.files() == right(sandbox, 300)


def test_a_service_that_throttles_slows_nobody_else(shell, sandbox):
    sandbox.set(throttle_every=4, retry_after="1", faults_at="koodrive-store")
    others = ["esignon:/", "oracle:/Languages"]
    ran = get(shell, [*small(12), *others])
    assert ran.status == 0
    order = [line["uri"].partition(":")[0] for line in ran.lines]
    assert order.index("koodrive") < len(order) - 1
    assert order[-1] == "koodrive"
    assert ran.by_status()["ok"] > 12


def test_a_session_that_cannot_be_renewed_leaves_the_rest(sandbox, tmp_path):
    shell = Shell(tmp_path, sandbox, {"DOWNSPOUT_KOODRIVE_TOKEN": "no", "DOWNSPOUT_KOODRIVE_SESSION_ID": ""})
    ran = get(shell, [*small(150), "oracle:/Reports/2025"])
    assert ran.status == 1
    counts = ran.by_status()
    assert (counts["failed"], counts["left"]) == (1, 149)
    assert counts["ok"] >= 1
    (failed,) = [line for line in ran.lines if line["status"] == "failed"]
    assert failed["error"]["kind"] == "authentication"
    assert "downspout login koodrive" in failed["error"]["hint"]


def test_a_mixed_list_brings_everything_that_can_come(sandbox, tmp_path):
    site = tmp_path / "site"
    site.mkdir()
    install(site, "rotten", ROTTEN)
    shell = Shell(tmp_path, sandbox, {"PYTHONPATH": str(site)})
    sandbox.set(throttle_every=5, retry_after="1", faults_at="oracle")
    with LyingServer() as server:
        server.documents["/page.txt"] = Document(b"from the web\n")
        web = server.url("/page.txt?signature=planted").replace("127.0.0.1", "localhost")
        uris = [
            "# everything at once",  # 1
            ICLOUD,  # 2
            "koodrive:/Languages",  # 3
            "esignon:12584",  # 4
            "oracle:/Reports/2025",  # 5
            web,  # 6
            "nonsense",  # 7
            "",  # 8
            f"{ICLOUD}",  # 9: again
            "rotten:a",  # 10
            "rotten:b",  # 11
            f"koodrive:F{7:032d}\tchosen/seven.bin\t{'0' * 64}",  # 12: another digest
            f"koodrive:F{8:032d}\tchosen/eight.bin",  # 13
            "koodrive:Fbad",  # 14
            "esignon:12589",  # 15: somebody else's, which eSignon calls not found
            "oracle:/no/such/folder",  # 16
            f"koodrive:F{9:032d}\t../up.bin",  # 17
            "nobody:x",  # 18
            "esignon:12584?part=certificate",  # 19
        ]
        ran = get(shell, uris)
    assert ran.status == 1
    kinds = {line["index"]: line["error"]["kind"] for line in ran.lines if line["status"] == "failed"}
    assert kinds == {
        7: "invalid-uri",
        10: "plugin",
        11: "plugin",
        12: "integrity",
        14: "not-found",
        15: "not-found",
        16: "not-found",
        17: "storage",
        18: "no-provider",
    }
    arrived = {line["index"] for line in ran.lines if line["status"] == "ok"}
    assert arrived == {2, 3, 4, 5, 6, 13, 19}
    assert [line["index"] for line in ran.lines if line["status"] == "skipped"] == [9]
    assert ran.summary["ok"] == len([line for line in ran.lines if line["status"] == "ok"])
    assert ran.summary["failed"] == len(kinds)
    assert ran.summary["kinds"]["plugin"] == 2
    assert ran.summary["bytes"] > 0
    assert shell.files()["chosen/eight.bin"] == right(sandbox, 1, 8)["small-00008.bin"]
    assert "planted" not in ran.err + str(ran.lines)
    assert not (tmp_path / "up.bin").exists()
    for line in ran.lines:
        if line["status"] == "ok":
            assert (tmp_path / line["path"]).stat().st_size == line["size"]
    again = get(shell, uris)
    assert again.summary["ok"] == 0
    assert again.summary["failed"] == len(kinds)


def killed_again_and_again(shell, sandbox, count, moments, seed):
    """Kill runs at random moments, then run once to the end; return what was asked for after it was recorded."""
    rng = random.Random(seed)
    arguments = ("-i", shell.list_of(small(count)), "-d", "out", "-j", "16")
    ledger = shell.folder / "out" / ".downspout.sqlite"
    asked_twice, asked_for = set(), set()
    for _ in range(moments):
        sandbox.reset()
        done = recorded(ledger)
        process = shell.start(*arguments)
        time.sleep(rng.uniform(0.3, 1.3))
        process.kill()
        process.wait()
        asked_for |= asked(sandbox)
        asked_twice |= done & asked(sandbox)
    sandbox.reset()
    done = recorded(ledger)
    ran = shell.get(*arguments)
    assert ran.status == 0
    assert ran.summary["ok"] + ran.summary["skipped"] == count
    assert asked_for | asked(sandbox) == set(range(count))
    return asked_twice | (done & asked(sandbox))


def recorded(ledger):
    """Return the numbers of the documents that a ledger has as done, read as any program could."""
    if not ledger.exists():
        return set()
    connection = sqlite3.connect(ledger)
    try:
        rows = connection.execute("SELECT key FROM documents WHERE status = 'ok'").fetchall()
    except sqlite3.OperationalError:  # killed before it was laid out
        return set()
    finally:
        connection.close()
    return {int(key.partition(":F")[2]) for (key,) in rows}


def asked(sandbox):
    """Return the numbers of the documents that the store was asked for."""
    names = (bytes.fromhex(path.removeprefix("/0001")).decode() for path in fetches(sandbox.requests))
    return {int(name.removeprefix("small-")) for name in names}


def test_killed_at_random_moments_a_batch_is_right_in_the_end(shell, sandbox):
    assert killed_again_and_again(shell, sandbox, 700, 4, seed=5) == set()
    assert shell.files() == right(sandbox, 700)
    assert shell.work_files() == []


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_5000_documents_killed_ten_times(shell, sandbox):
    assert killed_again_and_again(shell, sandbox, 5000, 10, seed=11) == set()
    assert shell.files() == right(sandbox, 5000)
    assert shell.work_files() == []


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_10000_ids_are_a_hundred_calls_in_120_mebibytes(shell, sandbox):
    ran = get(shell, small(10_000), limit=500)
    assert ran.status == 0
    assert resolves(sandbox.requests) == 100
    assert ran.by_status() == {"ok": 10_000}
    assert ran.peak <= 120 << 20
    for name, data in shell.files().items():
        number = int(name[6:11])
        document = sandbox.world.library.get(f"small-{number:05d}")
        assert hashlib.sha256(data).hexdigest() == document.sha256
    assert len(shell.files()) == 10_000


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_100000_documents_are_linear_in_time_and_200_mebibytes(sandbox, tmp_path):
    """Documents that come from nowhere, so that what is measured is the batch: list, ledger, names and files."""
    site = tmp_path / "site"
    site.mkdir()
    install(site, "paper", PAPER)
    shell = Shell(tmp_path, sandbox, {"PYTHONPATH": str(site)})
    seconds = {}
    for count in (10_000, 50_000, 100_000):
        uris = [f"paper:{number:06}" for number in range(count)]
        ran = shell.get("-i", shell.list_of(uris), "-d", f"out-{count}", "-j", "4", limit=1200)
        assert ran.by_status() == {"ok": count}
        assert ran.peak <= 200 << 20
        seconds[count] = ran.summary["seconds"]
    again = shell.get("-i", shell.list_of(uris), "-d", f"out-{count}", limit=300)
    assert again.by_status() == {"skipped": count}
    assert again.peak <= 200 << 20
    print(f"{seconds} s, again {again.summary['seconds']} s; {ran.peak >> 20} and {again.peak >> 20} MiB")
    assert seconds[100_000] < 14 * seconds[10_000]
