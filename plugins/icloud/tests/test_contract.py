"""iCloud's plugin keeps the contract, against the emulated service."""

from contextlib import contextmanager

import downspout_icloud
from downspout.testing import ProviderContract
from downspout_sandbox import Sandbox
from downspout_sandbox.icloud import docwsid_of

PREFIX = "DOWNSPOUT_ICLOUD_"


class TestContract(ProviderContract):
    plugin = downspout_icloud
    document = f"icloud:{docwsid_of('report')}"
    documents = (f"icloud:{docwsid_of('picture')}", "icloud:/Reports/2025/report.pdf")
    missing = f"icloud:{docwsid_of('nobody')}"
    forbidden = f"icloud:{docwsid_of('trouble-denied')}"
    large = f"icloud:{docwsid_of('large')}"
    folder = "icloud:/Languages"
    changes = 80  # each sign-in is a proof by SRP, of many milliseconds

    @contextmanager
    def emulator(self):
        switches = {"no_two_factor": True, "iterations": 1000, "trouble": True}
        named = {f"icloud_{name}": value for name, value in switches.items()}
        with Sandbox(services=["icloud"], sign_in=True, large_size=3 << 20, **named) as self.sandbox:
            found = self.sandbox.environment
            yield {name.removeprefix(PREFIX).lower(): found[name] for name in found if name.startswith(PREFIX)}

    def origins(self):
        return [self.sandbox.url(name) for name in ("icloud-drive", "icloud-docs")]

    def reset(self):
        self.sandbox.reset()

    def expire_link(self):
        self.sandbox.advance(4000)

    def expire_credential(self):
        self.sandbox.advance(31 * 86_400)
