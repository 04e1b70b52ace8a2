"""fsspec's own tests of file systems, as far as they read; the service's side is written to by the fixtures."""

import pytest
from fsspec.implementations.local import LocalFileSystem
from fsspec.tests.abstract import AbstractFixtures, AbstractGetTests, AbstractOpenTests

from downspout_fsspec import DownspoutFileSystem


class Written(DownspoutFileSystem):
    """A file system whose documents tests can make, as somebody else would, in the service itself."""

    cachable = False
    shelf = None

    def _document_of(self, path):
        self.invalidate_cache()
        return self._strip_protocol(path).removeprefix("shelf:")

    def mkdir(self, path, create_parents=True, **options):
        self.shelf.put(f"{self._document_of(path)}/", None)

    makedirs = mkdir

    def touch(self, path, truncate=True, **options):
        self.shelf.put(self._document_of(path), b"")

    def pipe_file(self, path, value, mode="overwrite", **options):
        self.shelf.put(self._document_of(path), value)

    def rm(self, path, recursive=False, maxdepth=None):
        self.shelf.remove(self._document_of(path))


class ShelfFixtures(AbstractFixtures):
    @pytest.fixture
    def fs(self, shelf, shelf_client):
        fs = Written(client=shelf_client)
        fs.shelf = shelf
        shelf.put("/base/", None)
        return fs

    @pytest.fixture
    def local_fs(self):
        return LocalFileSystem(auto_mkdir=True)

    @pytest.fixture
    def fs_path(self):
        return "downspout://shelf:/base"

    @pytest.fixture
    def fs_join(self):
        return lambda *parts: "/".join(parts)


class TestGet(ShelfFixtures, AbstractGetTests):
    pass


class TestOpen(ShelfFixtures, AbstractOpenTests):
    def test_open_exclusive(self, fs, fs_target):
        fs.pipe_file(fs_target, b"data")
        with fs.open(fs_target, "rb") as file:
            assert file.read() == b"data"
        for mode in ("wb", "xb", "ab"):
            with pytest.raises(OSError, match="never changed"):
                fs.open(fs_target, mode)
