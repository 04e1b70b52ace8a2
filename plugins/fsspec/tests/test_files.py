"""Open documents: ranges, caches, links that die, copies in other processes."""

import gc
import io
import os
import pickle
import random
import subprocess
import sys
import zipfile
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import fsspec
import pytest

from downspout import Client
from downspout.testing import Chunked, RangeIgnored
from downspout_fsspec import DownspoutFileSystem
from downspout_koodrive import provider

LARGE = "downspout://koodrive:/large.bin"
SIZE = 20 * 2**20


@pytest.fixture
def large(sandbox):
    return sandbox.world.library.get("large")


def test_a_file_is_read_seekably(fs, large):
    with fs.open(LARGE, block_size=2**16) as file:
        assert (file.size, file.seekable(), file.readable()) == (SIZE, True, True)
        file.seek(-10, io.SEEK_END)
        assert file.read() == large.read(SIZE - 10, SIZE)
        file.seek(1000)
        assert file.read(100) == large.read(1000, 1100)
        assert file.info()["size"] == SIZE
    assert file.closed


CACHES = ["none", "readahead", "blockcache", "bytes", "first", "background", "all"]
LEAKY = pytest.param("mmap", marks=pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"))


@pytest.mark.parametrize("cache", [*CACHES, LEAKY])  # fsspec leaves the file behind its "mmap" cache open
def test_every_cache_of_fsspec_gives_the_right_bytes(fs, large, cache):
    places = random.Random(cache)
    with fs.open(LARGE, cache_type=cache, block_size=2**17) as file:
        for _ in range(12):
            start = places.randrange(SIZE)
            file.seek(start)
            assert file.read(5000) == large.read(start, min(start + 5000, SIZE))


def test_blocks_that_are_kept_are_not_fetched_again(fs, served):
    with fs.open(LARGE, cache_type="blockcache", block_size=2**16) as file:
        file.read(100)
        file.seek(50)
        file.read(100)
    assert served.ranges() == [(0, 2**16 - 1)]


def test_a_whole_document_is_read_in_order_without_ranges(fs, served, large):
    with fs.open(LARGE, block_size=0) as file:
        assert file.read() == large.read(0, SIZE)
    assert served.ranges() == [None]
    assert fs.cat_file(LARGE) == large.read(0, SIZE)


def test_ranges_are_asked_for_as_they_are(fs, served, large):
    assert fs.cat_file(LARGE, 100, 200) == large.read(100, 200)
    assert fs.cat_file(LARGE, -10) == large.read(SIZE - 10, SIZE)
    assert fs.cat_file(LARGE, -20, -10) == large.read(SIZE - 20, SIZE - 10)
    assert fs.cat_file(LARGE, 30, 20) == b""
    assert served.bytes(SIZE) == 120
    assert fs.head(LARGE, 5) == large.read(0, 5)
    assert fs.tail(LARGE, 5) == large.read(SIZE - 5, SIZE)


def test_many_ranges_of_a_document_cost_one_question(fs, sandbox, served, large):
    fs.ls("koodrive:/")
    before = [each for each in sandbox.requests if each.endpoint == "koodrive"]
    found = fs.cat_ranges([LARGE] * 3, [0, 1000, 500], [10, 1010, 510])
    assert found == [large.read(start, start + 10) for start in (0, 1000, 500)]
    assert served.bytes(SIZE) == 30
    after = [each for each in sandbox.requests if each.endpoint == "koodrive"]
    assert len(after) - len(before) <= 1


def test_a_range_that_cannot_be_had_is_an_error_in_its_place(fs):
    found = fs.cat_ranges(["koodrive:/notes.txt", "koodrive:/nothing"], 0, 5)
    assert found[0] == b"Notes"
    assert isinstance(found[1], FileNotFoundError)
    with pytest.raises(FileNotFoundError):
        fs.cat_ranges(["koodrive:/nothing"], [0], [5], on_error="raise")
    with pytest.raises(ValueError, match="as many"):
        fs.cat_ranges(["koodrive:/nothing"], [0, 1], [5])


def test_a_link_that_dies_while_a_file_is_open_is_asked_for_again(fs, sandbox, large):
    sandbox.set(link_life=600)
    with fs.open(LARGE, block_size=1000, cache_type="none") as file:
        assert file.read(10) == large.read(0, 10)
        sandbox.advance(1000)
        assert file.read(10) == large.read(10, 20)


def test_a_document_that_changes_while_it_is_read_is_an_error(fs, sandbox):
    sandbox.set(link_life=600)
    with fs.open(LARGE, block_size=1000, cache_type="none") as file:
        file.read(10)
        sandbox.change("large")
        sandbox.advance(1000)
        with pytest.raises(OSError, match="has changed"):
            file.read(10)


def test_a_document_of_unknown_length_is_read_in_order(shelf, shelf_client):
    shelf.sizes = False
    shelf.put("/a/b.txt", b"x" * 5000)
    shelf.server.script("/a/b.txt", [[RangeIgnored(), Chunked()]], repeat_last=True)
    fs = DownspoutFileSystem(client=shelf_client)
    with fs.open("shelf:/a/b.txt") as file:
        assert file.read() == b"x" * 5000
    assert fs.info("shelf:/a/b.txt")["size"] is None
    assert fs.cat_file("shelf:/a/b.txt") == b"x" * 5000
    assert fs.cat_file("shelf:/a/b.txt", -10) == b"x" * 10
    assert fs.cat_file("shelf:/a/b.txt", 10, 20) == b"x" * 10


def test_an_empty_document_is_a_file(fs, tmp_path):
    with fs.open("koodrive:/empty.dat") as file:
        assert (file.size, file.read()) == (0, b"")
    fs.get("koodrive:/empty.dat", str(tmp_path / "empty"))
    assert (tmp_path / "empty").read_bytes() == b""


def test_an_archive_is_looked_into_without_fetching_it(fs, sandbox, served):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for number in range(20):
            archive.writestr(f"{number}.bin", random.Random(number).randbytes(200_000))
    sandbox.change("large", data.getvalue())
    with fs.open(LARGE, block_size=2**14) as file, zipfile.ZipFile(file) as archive:
        assert archive.read("7.bin") == random.Random(7).randbytes(200_000)
    assert served.bytes(len(data.getvalue())) < 500_000


def test_a_copy_is_whole_and_its_progress_is_told(fs, tmp_path, large):
    seen = []

    class Watch(fsspec.Callback):
        def call(self, *args, **kwargs):
            seen.append((self.value, self.size))

    fs.get_file(LARGE, tmp_path / "below" / "large.bin", callback=Watch())
    assert (tmp_path / "below" / "large.bin").read_bytes() == large.read(0, SIZE)
    assert seen[-1] == (SIZE, SIZE)
    with open(tmp_path / "given", "wb") as file:
        fs.get_file("koodrive:/notes.txt", file)
    assert (tmp_path / "given").read_bytes().startswith(b"Notes")


def test_one_file_is_read_by_many_threads(fs, large):
    with fs.open(LARGE, cache_type="none") as file, ThreadPoolExecutor(8) as pool:
        starts = [number * 999_983 for number in range(16)]
        found = pool.map(lambda start: file._fetch_range(start, start + 1000), starts)
        assert list(found) == [bytes(large.read(start, start + 1000)) for start in starts]


# In other processes.


def test_a_pickled_file_system_carries_no_secret(configured):
    fs = DownspoutFileSystem(timeout=7.0, block_size=1000)
    assert fs.cat_file("koodrive:/notes.txt", 0, 5) == b"Notes"
    data = pickle.dumps(fs)
    for setting in provider.settings:
        secret = configured.environment.get(f"DOWNSPOUT_KOODRIVE_{setting.name.upper()}")
        assert not (setting.secret and secret) or secret.encode() not in data
    again = pickle.loads(data)
    assert (again.blocksize, again.client.settings.timeout) == (1000, 7.0)
    again.close()


def test_a_pickled_file_goes_on_where_it_was(configured):
    fs = DownspoutFileSystem()
    with fs.open("koodrive:/notes.txt", block_size=100) as file:
        file.read(7)
        with pickle.loads(pickle.dumps(file)) as again:
            assert (again.tell(), again.blocksize) == (7, 100)
            assert again.read(20) == file.read(20)
    fs.close()


def test_a_client_is_not_pickled(fs):
    with pytest.raises(TypeError, match="build its own Client"):
        pickle.dumps(fs)


def test_options_belong_to_the_client_that_is_given(sandbox):
    with pytest.raises(TypeError, match="timeout"):
        DownspoutFileSystem(client=Client, timeout=3)


def test_a_client_that_was_made_is_closed_with_its_file_system(configured):
    fs = DownspoutFileSystem()
    client = fs.client
    fs.close()
    with pytest.raises(RuntimeError, match="closed"):
        client.resolve("koodrive:/notes.txt")
    assert fs.exists("koodrive:/notes.txt")
    made = fs.client
    DownspoutFileSystem.clear_instance_cache()
    del fs
    gc.collect()
    with pytest.raises(RuntimeError, match="closed"):
        made.resolve("koodrive:/notes.txt")


def test_other_processes_make_clients_of_their_own(configured):
    fs = DownspoutFileSystem()
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        found = [pool.submit(fs.cat_file, "koodrive:/notes.txt", start, start + 5) for start in (0, 7)]
        assert [each.result(60) for each in found] == [b"Notes", b"Rain "]
    fs.close()


FORKING = """
import os, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # Python's own, on forks of processes with threads
from downspout_fsspec import DownspoutFileSystem
fs = DownspoutFileSystem()
print(fs.cat_file("koodrive:/notes.txt", 0, 5), flush=True)
if os.fork() == 0:
    print(fs.cat_file("koodrive:/notes.txt", 0, 5), flush=True)
    os._exit(0)
os.wait()
fs.close()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_file_system_that_was_taken_along_by_a_fork_makes_a_client_there(configured):
    ran = subprocess.run([sys.executable, "-c", FORKING], capture_output=True, text=True, timeout=60, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout == "b'Notes'\n" * 2
