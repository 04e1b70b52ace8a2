"""The values that everything else speaks in (design section 3.1)."""

from downspout._models.mapping import FrozenMapping
from downspout._models.ports import CredentialStore, Headers, Http, Interaction, Response, Stream
from downspout._models.results import (
    Done,
    Event,
    Failed,
    Opened,
    Phase,
    Progress,
    Resolved,
    Result,
    Status,
    Verified,
    done,
)
from downspout._models.secret import Secret
from downspout._models.uri import Reference, checked_url, is_url, origin_of
from downspout._models.values import HOOK_VERSION, Account, Child, Credential, Folder, Link, Provider, Setting

__all__ = [
    "HOOK_VERSION",
    "Account",
    "Child",
    "Credential",
    "CredentialStore",
    "Done",
    "Event",
    "Failed",
    "Folder",
    "FrozenMapping",
    "Headers",
    "Http",
    "Interaction",
    "Link",
    "Opened",
    "Phase",
    "Progress",
    "Provider",
    "Reference",
    "Resolved",
    "Response",
    "Result",
    "Secret",
    "Setting",
    "Status",
    "Stream",
    "Verified",
    "checked_url",
    "done",
    "is_url",
    "origin_of",
]
