"""What the tests of the core share: clean surroundings, and small makers of clients, plugins and `Http`."""

import contextlib
import os
from types import ModuleType

import pytest

from downspout import Account, Client, Provider, hookimpl
from downspout._http import BoundHttp, Clock, Pool, Rules

_PROXIES = {"http_proxy", "https_proxy", "all_proxy", "no_proxy"}


@pytest.fixture(scope="session", autouse=True)
def clean_surroundings(tmp_path_factory):
    """Keep the configuration, credentials and proxies of whoever runs the tests out of them."""
    nowhere = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith("DOWNSPOUT_") or name.lower() in _PROXIES:
                patch.delenv(name)
        patch.setenv("HOME", str(nowhere))
        for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
            patch.setenv(name, str(nowhere / name.lower()))
        yield


@pytest.fixture
def http():
    """Make an `Http` for an account with these endpoints; allowed everything unless told otherwise."""
    with contextlib.ExitStack() as stack:

        def make(*endpoints, credential=None, timeout=5.0, pool=None, **rules):
            if pool is None:
                pool = stack.enter_context(contextlib.closing(Pool(timeout)))
            settings = {f"e{number}_endpoint": origin for number, origin in enumerate(endpoints)}
            rules = {"allow_http": True, "allow_private": True, **rules}
            account = Account("acc", "svc", settings)
            return BoundHttp(pool, Rules(**rules), account, credential, Clock(), "acc:doc", timeout)

        yield make


@pytest.fixture(scope="session")
def plugin():
    """Make a plugin's module of a provider's name and its hooks, which are marked here."""

    def make(name, *, settings=(), batch_size=1, sign_off=None, **hooks):
        module = ModuleType(f"plugin_{name}")
        module.provider = Provider(name, f"The service {name}", settings, batch_size, sign_off=sign_off)
        for hook, function in hooks.items():
            setattr(module, hook, hookimpl(function))
        return module

    return make


@pytest.fixture(scope="session")
def extension():
    """Make an extension's module; its hooks are wrappers."""

    def make(name, **hooks):
        module = ModuleType(name)
        for hook, function in hooks.items():
            setattr(module, hook, hookimpl(wrapper=True)(function))
        return module

    return make


@pytest.fixture
def client_of():
    """Make clients that are closed at the end; by default they may go to loopback."""
    with contextlib.ExitStack() as stack:

        def make(*plugins, **given):
            return stack.enter_context(Client(plugins=plugins, **given))

        yield make
