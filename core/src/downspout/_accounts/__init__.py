"""Accounts: who can be named in a URI, with which settings, and where their credentials are kept."""

from downspout._accounts.accounts import Accounts
from downspout._accounts.config import (
    AccountEntry,
    Configuration,
    configuration_path,
    read_configuration,
    variable,
)
from downspout._accounts.fingerprint import marked, still_right, unmarked
from downspout._accounts.keyrings import UserStore, default_store
from downspout._accounts.settings import COMMON
from downspout._accounts.store import FileStore, MemoryStore

__all__ = [
    "COMMON",
    "AccountEntry",
    "Accounts",
    "Configuration",
    "FileStore",
    "MemoryStore",
    "UserStore",
    "configuration_path",
    "default_store",
    "marked",
    "read_configuration",
    "still_right",
    "unmarked",
    "variable",
]
