"""`Client`: what applications, and the command, hold in their hands."""

import contextlib
import io
import logging
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn, Self

from attrs import evolve

from downspout._access import DocumentSource, Session
from downspout._accounts import (
    AccountEntry,
    Accounts,
    MemoryStore,
    configuration_path,
    default_store,
    read_configuration,
)
from downspout._batch import Batch, BatchOptions, Ledger, Memory, Wanted, numbered
from downspout._client.rules import check_complete, rules_of
from downspout._client.settings import ClientSettings, Surroundings
from downspout._http import Pool
from downspout._models import (
    Account,
    Credential,
    CredentialStore,
    Done,
    Event,
    Failed,
    Folder,
    Interaction,
    Link,
    Progress,
    Reference,
    Result,
    done,
    origin_of,
)
from downspout._models.secret import refuse_to_pickle
from downspout._plugins import Hooks, PluginRegistry, Workers
from downspout._transfer import DocumentFile, DocumentReader, Exists, Limiter, Options, bring_down
from downspout.errors import ConfigurationError, DownspoutError, NoProvider, StorageError

_log = logging.getLogger(__name__)

Cancel = Callable[[], bool] | threading.Event
Outcome = Link | Folder | DownspoutError


class Client:
    """Brings documents down. Safe for threads; one for each tenant; close it, or use it as a context.

    It knows what it was given and nothing else: no environment, no files, no installed plugins, no `web`.
    `from_user_config` makes one that knows what the command knows.

    Args:
        accounts: the accounts that URIs may name, besides one of its own name for each provider.
        plugins: provider and extension modules, the name `"web"` for the built-in provider, or a
            `PluginRegistry` that several clients share.
        credentials: keeps credentials; `None`: in memory, as long as the client lives.
        observer: called with typed events (`Resolved`, `Opened`, `Progress`, `Done`, `Failed`) by the threads
            that they happen in; what it raises is logged and dropped.
        required_extensions: extensions without which nothing is done.
        timeout: seconds to connect, and without a byte; `None` waits for ever.
        retries: attempts in a row without progress.
        settings: further fields of `ClientSettings`: `min_speed`, `limit_rate`, `accept_html`, `hook_timeout`,
            `trust_typed`.

    Raises:
        ConfigurationError: a required extension is not there.
    """

    def __init__(
        self,
        accounts: Iterable[Account] = (),
        *,
        plugins: Iterable[object] | PluginRegistry = (),
        credentials: CredentialStore | None = None,
        observer: Callable[[Event], None] | None = None,
        required_extensions: Iterable[str] = (),
        timeout: float | None = 30.0,
        retries: int = 5,
        _surroundings: Surroundings = Surroundings(),  # noqa: B008 - frozen
        **settings: Any,
    ) -> None:
        self.settings: ClientSettings = ClientSettings(
            timeout=timeout, retries=retries, observer=observer, **settings
        )
        self.plugins: PluginRegistry = plugins if isinstance(plugins, PluginRegistry) else PluginRegistry(plugins)
        self.plugins.require(tuple(required_extensions))
        entries = {entry.name: entry for entry in _surroundings.entries}
        for account in accounts:
            entry = entries.get(account.name) or AccountEntry(account.name, account.provider)
            entries[account.name] = evolve(entry, provider=account.provider, explicit=account.settings)
        self.accounts: Accounts = Accounts(
            entries.values(),
            self.plugins.names(),
            lambda name: self.plugins.load(name).provider,
            self.plugins.for_host,
            _surroundings.environ,
            web=_surroundings.web or "web" in self.plugins.names(),
        )
        self._environ = _surroundings.environ
        self._store = credentials if credentials is not None else MemoryStore()
        self._pool = Pool(timeout)
        self._workers = Workers()
        self._limiter = Limiter(self.settings.limit_rate) if self.settings.limit_rate else None
        self._sessions: dict[str, Session] = {}
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._pid = os.getpid()

    @classmethod
    def from_user_config(cls, **overrides: Any) -> Self:
        """Return a client that knows what the command knows: configuration, environment, installed plugins.

        Args:
            overrides: arguments of `Client` that win over what is found.

        Raises:
            ConfigurationError: the configuration file is not right.
        """
        environ = dict(os.environ)
        path = configuration_path(environ)
        configuration = read_configuration(path, must_exist=bool(environ.get("DOWNSPOUT_CONFIG")))
        overrides.setdefault("plugins", PluginRegistry(installed=True))
        overrides.setdefault("credentials", default_store())
        required = (*configuration.required_extensions, *overrides.pop("required_extensions", ()))
        surroundings = Surroundings(environ, tuple(configuration.accounts.values()), web=True)
        return cls(required_extensions=required, _surroundings=surroundings, **overrides)

    # Asking.

    def reference(self, uri: str | Reference) -> Reference:
        """Return what `uri` names, with the account that it goes to.

        Raises:
            InvalidURI: it is no URI.
            NoProvider: nobody answers for it.
        """
        if isinstance(uri, Reference):
            return uri  # nobody typed it: it may come from a folder's listing, which is the service's word
        reference = self.accounts.reference(uri)
        if self.settings.trust_typed and reference.is_url:
            self.session(reference.account).trust(reference)
        return reference

    def resolve(self, uri: str | Reference) -> Link | Folder:
        """Ask where a document is, or what a folder holds.

        Raises:
            DownspoutError: the service does not say.
        """
        outcome = next(self.resolve_many([uri]))
        if isinstance(outcome, DownspoutError):
            raise outcome
        return outcome

    def resolve_many(self, uris: Iterable[str | Reference]) -> Iterator[Outcome]:
        """Yield the outcome of each of `uris`, in order; an error is a value here.

        Neighbours of one account are asked for together, as many as its provider takes.
        """
        waiting = iter(uris)
        while chunk := list(islice(waiting, _RESOLVE_CHUNK)):
            yield from self._resolved(chunk)

    def _resolved(self, uris: list[str | Reference]) -> list[Outcome]:
        outcomes: dict[int, Outcome] = {}
        by_account: dict[str, list[tuple[int, Reference]]] = {}
        for position, uri in enumerate(uris):
            try:
                reference = self.reference(uri)
                by_account.setdefault(reference.account, []).append((position, reference))
            except DownspoutError as exc:
                outcomes[position] = exc
        for account, asked in by_account.items():
            outcomes.update(self._asked(account, asked))
        return [outcomes[position] for position in range(len(uris))]

    def _asked(self, account: str, asked: list[tuple[int, Reference]]) -> dict[int, Outcome]:
        outcomes: dict[int, Outcome] = {}
        try:
            session = self.session(account)
            size = session.hooks.batch_size
        except DownspoutError as exc:
            return dict.fromkeys((position for position, _ in asked), exc)
        for start in range(0, len(asked), size):
            batch = asked[start : start + size]
            try:
                answers: list[Outcome] = session.resolve(
                    [reference for _, reference in batch], self._closed.is_set
                )
            except DownspoutError as exc:
                answers = [exc] * len(batch)
            outcomes.update(zip((position for position, _ in batch), answers, strict=True))
        return outcomes

    # Reading.

    def open(self, uri: str | Reference, *, exact: bool = False) -> DocumentFile:
        """Open a document as a seekable binary file; nothing is written to disk.

        It has `size`, `name` and `version`. The reader does not notice links, credentials and connections that
        die; a version that changes is an `IntegrityError`.

        Args:
            uri: the document.
            exact: whether `raw` asks for the bytes of each read and no others, for programs that jump about and
                keep what they read themselves. Otherwise more than is read is on its way, as helps reading in
                order.

        Raises:
            DownspoutError: it cannot be opened.
        """
        return DocumentFile(self._reader(uri, self._closed.is_set, exact=exact))

    @contextlib.contextmanager
    def open_at(
        self, uri: str | Reference, start: int, stop: int | None, cancel: Cancel | None = None
    ) -> Iterator[io.RawIOBase]:
        """Open some bytes of a document: from `start` (negative: so many last ones) up to `stop`."""
        with self._reader(uri, self._stopped(cancel), first=start, end=stop) as reader:
            yield reader

    def _reader(self, uri: str | Reference, stopped: Callable[[], bool], **how: Any) -> DocumentReader:
        reference = self.reference(uri)

        def ended(given: int, error: DownspoutError | None) -> None:
            self._tell(Done(reference, given) if error is None else Failed(reference, error))

        return DocumentReader(self._source(reference, stopped), self._options(stopped), ended=ended, **how)

    def needs_credential(self, link: Link) -> bool:
        """Return whether the URL of `link` is of no use without the account's credential."""
        session = self.session(link.reference.account)
        credential = session.credentials.current()
        if credential is None or session.hooks.opens_by_itself:
            return False
        return origin_of(link.url) in credential.origins

    def download(
        self,
        uri: str | Reference,
        target: str | os.PathLike[str],
        *,
        exists: Exists = "fail",
        connections: int | None = None,
        progress: Callable[[Progress], None] | None = None,
        cancel: Cancel | None = None,
        digest: str | None = None,
        compute_hash: bool = False,
    ) -> Result:
        """Bring one document down to a file.

        Args:
            uri: the document.
            target: the file; or a folder that is there, in which it gets its own name.
            exists: what to do if the file is there: `fail`, `skip`, `overwrite` or `rename`.
            connections: how many at most; `None`: more than one where it helps, at most 8.
            progress: called with `Progress`, now and then.
            cancel: an event, or a function that says whether to stop; what came by then is kept for the next
                call.
            digest: the SHA-256 that the bytes must have, lower-case hex, with or without `sha256:`.
            compute_hash: whether to compute the SHA-256 in any case.

        Raises:
            DownspoutError: it is not there, and the file is as it was.
        """
        stopped = self._stopped(cancel)
        options = evolve(
            self._options(stopped),
            exists=exists,
            connections=connections,
            progress=self._progress(progress),
            sha256=None if digest is None else digest.removeprefix("sha256:").lower(),
            compute_hash=compute_hash,
        )
        reference = self.reference(uri)
        path = Path(target)
        place = (lambda name: path / name) if os.path.isdir(path) else path
        try:
            brought = bring_down(self._source(reference, stopped), place, options)
        except DownspoutError as exc:
            self._tell(Failed(reference, exc))
            raise
        result = evolve(brought.result, uri=reference.shown, index=1)
        self._tell(done(reference, result, brought.digest))
        return result

    def download_many(
        self,
        references: Iterable[str | Reference | Wanted],
        directory: str | os.PathLike[str],
        *,
        jobs: int = 8,
        ledger: str | os.PathLike[str] | Ledger | None = None,
        progress: Callable[[Progress], None] | None = None,
        cancel: Cancel | None = None,
        executor: Executor | None = None,
        exists: Exists = "fail",
        connections: int | None = None,
        compute_hash: bool = False,
        refresh: bool = False,
    ) -> Iterator[Result]:
        """Bring many documents, and folders of them, down into a folder; yield each result as it comes.

        Args:
            references: read as they are needed; failures are results.
            directory: made if it is not there.
            jobs: documents at a time.
            ledger: a file that remembers what is done, so that the same call does only what is left.
            progress: as for `download`; called by several threads. What it raises ends the batch, and is raised
                to whoever iterates.
            cancel: as for `download`; what was not done is `left`.
            executor: whose threads do the work; `None`: threads of the client's own.
            exists: as for `download`.
            connections: as for `download`.
            compute_hash: as for `download`.
            refresh: ask again about what is done, and fetch what changed.

        Raises:
            StorageError: the folder or the ledger cannot be used.
        """
        folder = Path(directory)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise StorageError.from_os(f"making the folder {folder.name}", exc) from exc
        stopped = self._stopped(cancel)
        transfer = evolve(
            self._options(stopped),
            exists=exists,
            connections=connections,
            progress=self._progress(progress),
            compute_hash=compute_hash,
        )
        options = BatchOptions(jobs, transfer, refresh, self._tell, executor)
        with contextlib.ExitStack() as stack:
            if ledger is not None and not isinstance(ledger, Ledger):
                ledger = stack.enter_context(Ledger.open(ledger))
            batch = Batch(numbered(references), self.complete, self.session, Memory(folder, ledger), options)
            stack.enter_context(contextlib.closing(results := batch.run()))
            yield from results

    def complete(self, wanted: Wanted) -> Wanted:
        """Return `wanted` with its reference, or with the error that it has none."""
        if wanted.error is not None:
            return wanted
        try:
            return evolve(wanted, reference=self.reference(wanted.reference or wanted.uri))
        except DownspoutError as exc:
            return wanted.wrong(exc)

    # Signing in.

    def login(self, account: str, interaction: Interaction | None) -> Credential:
        """Get a new credential for an account, and store it.

        Raises:
            DownspoutError: it did not work; what was stored is as it was.
        """
        return self.session(account).credentials.log_in(interaction)

    def logout(self, account: str) -> None:
        """Forget the stored credential of an account, and sign off where its service has a call for that.

        What is stored for an account that is not configured any more, or whose plugin is gone, is forgotten too.

        Raises:
            DownspoutError: there is no such account, or what is stored cannot be removed. A service that does not
                answer is logged, and no reason to keep anything.
        """
        try:
            session = self.session(account)
        except (ConfigurationError, NoProvider):
            if not self._is_stored(account):
                raise
            with self._store.lock(account):
                self._store.delete(account)
        else:
            session.sign_off()

    def _is_stored(self, account: str) -> bool:
        try:
            return self._store.get(account) is not None
        except ConfigurationError:
            return True  # and damaged

    def signed_in(self, account: str) -> Credential | None:
        """Return the stored credential of an account, if it is still made from the account's settings."""
        return self.session(account).credentials.current()

    # Inside.

    def session(self, name: str) -> Session:
        """Return an account in use.

        Raises:
            DownspoutError: it cannot be used.
        """
        self._check_process()
        session = self._sessions.get(name)
        if session is None:
            account = self.accounts.get(name)
            loaded = self.plugins.load(account.provider)
            check_complete(account, loaded.provider)
            hooks = Hooks(loaded, self._workers, self.settings.hook_limit)
            rules = rules_of(account, self._environ)
            with self._lock:
                session = self._sessions.setdefault(
                    name, Session(account, hooks, self._store, self._pool, rules, self.settings.timeout)
                )
        return session

    def _check_process(self) -> None:
        if self._closed.is_set():
            raise RuntimeError("The client is closed.")
        if os.getpid() != self._pid:
            raise RuntimeError("A Client does not survive a fork. Build a new one in the worker process.")

    def _source(self, reference: Reference, stopped: Callable[[], bool]) -> DocumentSource:
        return DocumentSource(self.session(reference.account), reference, cancelled=stopped, tell=self._tell)

    def _options(self, stopped: Callable[[], bool]) -> Options:
        settings = self.settings
        return Options(
            accept_html=settings.accept_html,
            limiter=self._limiter,
            min_speed=settings.min_speed,
            retries=settings.retries,
            cancelled=stopped,
        )

    def _stopped(self, cancel: Cancel | None) -> Callable[[], bool]:
        if cancel is None:
            return self._closed.is_set
        asked = cancel.is_set if isinstance(cancel, threading.Event) else cancel
        return lambda: asked() or self._closed.is_set()

    def _progress(self, progress: Callable[[Progress], None] | None) -> Callable[[Progress], None]:
        def tell(event: Progress) -> None:
            if progress is not None:
                progress(event)
            self._tell(event)

        return tell

    def _tell(self, event: Event) -> None:
        observer = self.settings.observer
        if observer is None:
            return
        try:
            observer(event)
        except Exception:
            _log.exception("The observer failed; the download goes on.")

    def close(self) -> None:
        """End what is under way (parts are kept), close connections and threads. Again is harmless."""
        self._closed.set()
        self._pool.close()
        self._workers.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __reduce__(self) -> NoReturn:
        refuse_to_pickle("Client")


_RESOLVE_CHUNK = 1000
