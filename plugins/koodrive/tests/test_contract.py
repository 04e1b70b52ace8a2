"""KooDrive's plugin keeps the contract, against the emulated service."""

from contextlib import contextmanager

import downspout_koodrive
from downspout.testing import ProviderContract
from downspout_sandbox import Sandbox
from downspout_sandbox.koodrive import names

PREFIX = "DOWNSPOUT_KOODRIVE_"


class TestContract(ProviderContract):
    plugin = downspout_koodrive
    document = f"koodrive:{names.INVOICE}"
    documents = (f"koodrive:{names.file_id('small-00001')}", f"koodrive:{names.CONTAINER}/{names.INVOICE}")
    missing = f"koodrive:{names.file_id('nobody')}"
    forbidden = f"koodrive:{names.file_id('forbidden')}"
    large = f"koodrive:{names.file_id('large')}"
    folder = "koodrive:/Languages"

    @contextmanager
    def emulator(self):
        with Sandbox(services=["koodrive"], large_size=3 << 20) as self.sandbox:
            found = self.sandbox.environment
            yield {name.removeprefix(PREFIX).lower(): found[name] for name in found if name.startswith(PREFIX)}

    def reset(self):
        self.sandbox.reset()

    def expire_link(self):
        self.sandbox.advance(3700)

    def expire_credential(self):
        self.sandbox.advance(1201)
