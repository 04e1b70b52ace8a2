import hashlib
import struct
import unicodedata
import zlib

from hypothesis import given
from hypothesis import strategies as st

from downspout_sandbox import samples
from downspout_sandbox.documents import Folder, Library, small_id

LIBRARY = Library(large_size=20 * 2**20, small_count=300)
SIZE = 3_000_000
WHOLE = bytes(samples.Noise(SIZE, 5).read(0, SIZE))


@given(st.integers(0, SIZE), st.integers(0, SIZE + 10))
def test_a_range_of_noise_is_that_range_of_the_whole(start, stop):
    assert bytes(samples.Noise(SIZE, 5).read(start, stop)) == WHOLE[start:stop]


@given(st.integers(0, 30), st.integers(0, 40))
def test_noise_with_a_head_begins_with_it(start, stop):
    content = samples.Headed(b"%PDF-1.4\n", samples.Noise(25, 1))
    whole = b"%PDF-1.4\n" + bytes(samples.Noise(25, 1).read(9, 25))
    assert bytes(content.read(start, stop)) == whole[start:stop]
    assert content.sha256() == hashlib.sha256(whole).hexdigest()


def test_no_two_blocks_of_the_large_document_are_alike():
    large = LIBRARY.get("large")
    blocks = {bytes(large.read(start, start + 4096)) for start in range(0, large.size, 2**16)}
    assert len(blocks) == large.size // 2**16


def test_a_digest_is_that_of_the_bytes():
    for name in ("large", "report", "empty", "small-00007"):
        document = LIBRARY.get(name)
        assert document.sha256 == hashlib.sha256(document.read(0, document.size)).hexdigest()


def test_there_are_a_million_small_documents_and_all_differ():
    assert LIBRARY.get(small_id(999_999)).size == 16 * 1024
    assert len({LIBRARY.get(small_id(number)).sha256 for number in range(0, 10_000, 97)}) == 104
    for wrong in ("small-1", "small-1000000", "small-0000x", "small-", "other"):
        assert LIBRARY.get(wrong) is None


def test_the_pdf_has_its_objects_where_its_table_says():
    data = samples.pdf("Title")
    table = int(data.rpartition(b"startxref\n")[2].split()[0])
    assert data[table:].startswith(b"xref\n0 7\n")
    for number, line in enumerate(data[table:].splitlines()[3:9], 1):
        assert data[int(line.split()[0]) :].startswith(b"%d 0 obj" % number)


def test_the_picture_is_a_png_of_64_by_64():
    data = samples.png()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", data[16:24]) == (64, 64)
    length = int.from_bytes(data[33:37])
    assert len(zlib.decompress(data[41 : 41 + length])) == 64 * (1 + 64 * 3)


def test_names_come_in_several_scripts_and_one_is_decomposed():
    names = [child.name for child in LIBRARY.children(LIBRARY.folder("languages"))]
    assert names[:3] == ["계약서.pdf", "議事録.txt", "إيصال.txt"]
    assert unicodedata.is_normalized("NFD", names[3])
    assert not unicodedata.is_normalized("NFC", names[3])


def test_every_document_of_the_tree_exists_once_and_two_levels_down():
    seen = []
    deepest = 0
    stack = [(0, LIBRARY.root)]
    while stack:
        depth, folder = stack.pop()
        deepest = max(deepest, depth)
        children = list(LIBRARY.children(folder))
        assert len(children) == len(folder.documents) + len(folder.folders)
        for child in children:
            assert LIBRARY.parent(child.id) is folder
            if isinstance(child, Folder):
                stack.append((depth + 1, child))
            else:
                seen.append(child.id)
    assert deepest == 2
    assert len(seen) == len(set(seen))


def test_a_document_can_be_given_bytes():
    library = Library(large_size=100, small_count=0)
    library.change("table", b"a,b")
    table = library.get("table")
    assert (table.read(0, 10), table.size, table.version, len(table.versions)) == (b"a,b", 3, 2, 1)


def test_a_changed_document_keeps_its_old_version():
    library = Library(1000, 1)
    before = library.get("large")
    library.change("large")
    after = library.get("large")
    assert (after.version, after.size) == (2, before.size)
    assert after.sha256 != before.sha256
    assert after.at_version(1).sha256 == before.sha256
    assert after.at_version(3) is None
