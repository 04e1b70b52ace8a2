"""The plugin keeps downspout's contract."""

from contextlib import contextmanager

import downspout_shelf
from emulator import FORBIDDEN, PASSWORD, TEXTS, Emulator

from downspout.testing import ProviderContract


class TestContract(ProviderContract):
    plugin = downspout_shelf
    document = "shelf:1"
    documents = ("shelf:2", "shelf:3")
    missing = "shelf:404"
    forbidden = f"shelf:{FORBIDDEN}"
    folder = "shelf:/poetry"
    content = TEXTS["1"]

    @contextmanager
    def emulator(self):
        with Emulator() as self.service:
            yield {"endpoint": self.service.origin, "username": "jo", "password": PASSWORD}

    def expire_link(self):
        self.service.kill_links()

    def expire_credential(self):
        self.service.tokens.clear()
