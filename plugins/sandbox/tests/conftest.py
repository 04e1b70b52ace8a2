import time
from collections.abc import Callable, Iterator

import attrs
import pytest
import urllib3

from downspout_sandbox import Sandbox


@pytest.fixture
def pool() -> Iterator[urllib3.PoolManager]:
    with urllib3.PoolManager(retries=False, timeout=10) as manager:
        yield manager


@attrs.frozen
class KooDrive:
    """A client of the emulated KooDrive, as plain as can be."""

    sandbox: Sandbox
    pool: urllib3.PoolManager

    def headers(self, **more: str) -> dict[str, str]:
        token = self.sandbox.environment["DOWNSPOUT_KOODRIVE_TOKEN"]
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() - 5))
        found = {"Authorization": f"Bearer {token}", "X-User-Id": "1505084218764547200", "X-Date": stamp}
        return found | {name.replace("_", "-"): value for name, value in more.items()}

    def post(self, path, body, headers=None):
        url = f"{self.sandbox.url('koodrive')}/koodrive/ose/v1{path}"
        return self.pool.request("POST", url, json=body, headers=headers or self.headers())

    def get(self, path, headers=None):
        url = f"{self.sandbox.url('koodrive')}/koodrive/ose/v1{path}"
        return self.pool.request("GET", url, headers=headers or self.headers())

    def download(self, *ids, headers=None, container="IAADfsBFCO6WtAtuA9add2fea594e4e75b8feb8474ef236"):
        return self.post("/files/download", {"containerId": container, "fileIds": list(ids)}, headers)

    def link(self, file_id="Fn1bTLIOomJkTCAe9DEVBRY4U6IkuqkMZ") -> str:
        return self.download(file_id).json()["downloads"][0]["url"]


@pytest.fixture
def koodrive(pool) -> Iterator[Callable[..., KooDrive]]:
    """Start KooDrive with the given switches, as often as a test likes."""
    running = []

    def start(**switches) -> KooDrive:
        sandbox = Sandbox(["koodrive"], **switches).__enter__()
        running.append(sandbox)
        return KooDrive(sandbox, pool)

    yield start
    for sandbox in running:
        sandbox.__exit__(None, None, None)
