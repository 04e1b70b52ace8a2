"""Oracle's plugin keeps the contract, against the emulated service."""

from contextlib import contextmanager
from typing import ClassVar

import downspout_oracle
from downspout.testing import ProviderContract
from downspout_sandbox import Sandbox
from downspout_sandbox.oracle import names

PREFIX = "DOWNSPOUT_ORACLE_"


class TestContract(ProviderContract):
    plugin = downspout_oracle
    document = f"oracle:{names.REPORT}"
    documents = (f"oracle:{names.REPORT}?version=2", f"oracle:{names.CONTRACT}")
    missing = f"oracle:{names.file_id('nobody')}"
    forbidden = f"oracle:{names.file_id(names.PRIVATE)}"
    large = f"oracle:{names.file_id('large')}"
    folder = "oracle:/Reports"
    skip: ClassVar = {
        "outlives-its-link": "A link is the address of the file in the API: it does not expire.",
    }

    @contextmanager
    def emulator(self):
        with Sandbox(services=["oracle"], large_size=3 << 20, oracle_sign_in="client") as self.sandbox:
            found = self.sandbox.environment
            yield {name.removeprefix(PREFIX).lower(): found[name] for name in found if name.startswith(PREFIX)}

    def reset(self):
        self.sandbox.reset()

    def expire_credential(self):
        self.sandbox.advance(3601)
