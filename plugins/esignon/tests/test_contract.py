"""eSignon's plugin keeps the contract, against the emulated service."""

from contextlib import contextmanager

import downspout_esignon
from downspout.errors import NotFound
from downspout.testing import ProviderContract
from downspout_sandbox import Sandbox

PREFIX = "DOWNSPOUT_ESIGNON_"


class TestContract(ProviderContract):
    plugin = downspout_esignon
    document = "esignon:12584"
    documents = ("esignon:12584?part=certificate", "esignon:12586")
    missing = "esignon:99999"
    forbidden = "esignon:12589"
    forbidden_is = (NotFound,)  # "not visible": the service tells nobody what others have
    large = "esignon:12585"
    folder = "esignon:/"

    @contextmanager
    def emulator(self):
        with Sandbox(services=["esignon"], large_size=3 << 20) as self.sandbox:
            found = self.sandbox.environment
            yield {name.removeprefix(PREFIX).lower(): found[name] for name in found if name.startswith(PREFIX)}

    def reset(self):
        self.sandbox.reset()

    def expire_link(self):
        self.sandbox.advance(301)

    def expire_credential(self):
        self.sandbox.advance(31 * 86_400)
