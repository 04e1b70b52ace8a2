"""A worker that brings documents down for an application: with the application's accounts, vault and progress.

    python worker.py JOB.json

A job is `{"account": {"name": …, "provider": …, "settings": {…}}, "folder": …, "uris": […]}`. Secrets come from
the environment, `WORKER_<SETTING>`. Credentials live in a database beside the job, shared by all workers: whoever
finds one expired renews it, once, for all. SIGTERM stops the worker; what came by then is kept for the next one.
"""

import json
import os
import signal
import sqlite3
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

from downspout import Account, Client, Credential, PluginRegistry, Progress, Secret


class Vault:
    """Keeps credentials in a database: implements `downspout.CredentialStore`, for threads and processes.

    Yours encrypts what it writes. What is locked while a credential is renewed is a file of its own, because the
    renewed one is put meanwhile.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.locked = path, path.with_suffix(".lock")
        with closing(self.connect(self.path)) as database:
            database.execute("CREATE TABLE IF NOT EXISTS credentials (account TEXT PRIMARY KEY, data TEXT)")

    def connect(self, path: Path) -> sqlite3.Connection:
        path.touch(mode=0o600)
        return sqlite3.connect(path, timeout=60, isolation_level=None)

    def get(self, account: str) -> Credential | None:
        with closing(self.connect(self.path)) as database:
            row = database.execute("SELECT data FROM credentials WHERE account = ?", [account]).fetchone()
        return None if row is None else decoded(account, row[0])

    def put(self, account: str, credential: Credential) -> None:
        with closing(self.connect(self.path)) as database:
            database.execute("REPLACE INTO credentials VALUES (?, ?)", [account, encoded(credential)])

    def delete(self, account: str) -> None:
        with closing(self.connect(self.path)) as database:
            database.execute("DELETE FROM credentials WHERE account = ?", [account])

    @contextmanager
    def lock(self, account: str) -> Iterator[None]:
        with closing(self.connect(self.locked)) as database:
            database.execute("BEGIN EXCLUSIVE")
            yield


def encoded(credential: Credential) -> str:
    values = {
        name: {"secret": value.reveal()} if isinstance(value, Secret) else value
        for name, value in credential.values.items()
    }
    expires = credential.expires_at and credential.expires_at.isoformat()
    return json.dumps({"origins": sorted(credential.origins), "values": values, "expires_at": expires})


def decoded(account: str, text: str) -> Credential:
    found = json.loads(text)
    values = {
        name: Secret(value["secret"]) if isinstance(value, dict) else value
        for name, value in found["values"].items()
    }
    expires = found["expires_at"] and datetime.fromisoformat(found["expires_at"])
    return Credential(account, found["origins"], values, expires)


def account_of(description: Mapping, environment: Mapping[str, str]) -> Account:
    secrets = {
        name.removeprefix("WORKER_").lower(): Secret(value)
        for name, value in environment.items()
        if name.startswith("WORKER_")
    }
    return Account(description["name"], description["provider"], {**description["settings"], **secrets})


def report(progress: Progress) -> None:
    """Say how far a document is; called by the threads that do the work."""
    name = progress.name or progress.reference.shown
    state = {"document": name, "phase": progress.phase, "done": progress.done, "size": progress.size}
    print(json.dumps(state), flush=True)


def work(job: Path, environment: Mapping[str, str], stop: threading.Event) -> int:
    """Do a job; return how many documents are not there."""
    wanted = json.loads(job.read_text())
    account = account_of(wanted["account"], environment)
    vault = Vault(job.with_suffix(".vault"))
    with Client([account], plugins=PluginRegistry(installed=True), credentials=vault) as client:
        if vault.get(account.name) is None:
            client.login(account.name, None)  # nobody is asked; only a login stores what it gets
        folder, missing = job.parent / wanted["folder"], 0
        for result in client.download_many(wanted["uris"], folder, exists="skip", progress=report, cancel=stop):
            missing += result.status in {"failed", "left"}
    return missing


def main() -> int:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())  # the application's own business: the library has none
    return min(work(Path(sys.argv[1]), os.environ, stop), 1)


if __name__ == "__main__":
    sys.exit(main())
