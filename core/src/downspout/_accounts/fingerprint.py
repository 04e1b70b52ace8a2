"""Which settings made a stored credential: it is ignored when they have changed."""

import hashlib
import json
import os
from collections.abc import Mapping

from attrs import evolve

from downspout._accounts.secrets import DeferredSecret
from downspout._models import Account, Credential, Secret

KEY = "downspout:settings"
_ROUNDS = 20_000
_IRRELEVANT = frozenset({"allow_http", "allow_private", "ca_bundle", "proxy", "language", "trace_id"})


def marked(credential: Credential, account: Account) -> Credential:
    """Return `credential` with a note of the settings that it was made from; secrets only as salted hashes."""
    salt = os.urandom(16).hex()
    facts = {name: _fact(value, salt) for name, value in _relevant(account).items()}
    note = json.dumps({"salt": salt, "settings": facts}, sort_keys=True)
    return evolve(credential, values={**credential.values, KEY: note})


def unmarked(credential: Credential) -> Credential:
    """Return `credential` as the plugin made it."""
    return evolve(credential, values={name: value for name, value in credential.values.items() if name != KEY})


def still_right(credential: Credential, account: Account) -> bool:
    """Return whether `credential` was made from the settings that `account` has now.

    A secret that is set now must be the one that was set then: what stands in the environment wins over the
    store. A secret that was set then and is not now changes nothing, because `login` may have asked for it.
    """
    note = credential.values.get(KEY)
    if not isinstance(note, str):
        return True
    try:
        document = json.loads(note)
        salt, before = str(document["salt"]), dict(document["settings"])
    except (ValueError, KeyError, TypeError):
        return False
    now = {name: _fact(value, salt) for name, value in _relevant(account).items()}
    gone = {name for name in before if name not in now and not str(before[name]).startswith("secret:")}
    return not gone and all(before.get(name) == fact for name, fact in now.items())


def _relevant(account: Account) -> Mapping[str, object]:
    return {
        name: value
        for name, value in account.settings.items()
        # What a command or a file gives is asked for when it is needed, and not for comparing.
        if value not in (None, "") and name not in _IRRELEVANT and not isinstance(value, DeferredSecret)
    }


def _fact(value: object, salt: str) -> str:
    if isinstance(value, Secret):
        digest = hashlib.pbkdf2_hmac("sha256", value.reveal().encode(), salt.encode(), _ROUNDS)
        return f"secret:{digest.hex()}"
    return str(value)
