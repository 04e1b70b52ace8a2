"""From references to links: whatever is asked for at the same place is asked for in one call."""

from collections.abc import Sequence

from attrs import define, field, frozen

from downspout import Folder, Reference
from downspout.errors import (
    AuthenticationError,
    ConfigurationError,
    DownspoutError,
    ProtocolError,
    RateLimited,
    Unavailable,
)
from downspout.hookspecs import Outcome
from downspout_koodrive._api import Api
from downspout_koodrive._documents import Known, Place, Target, is_id
from downspout_koodrive._errors import FOLDER_CODE, Failure, Refusal, code_text, refusal
from downspout_koodrive._links import link_of
from downspout_koodrive._tree import Tree, is_folder, known
from downspout_koodrive._wire import LARGEST_BATCH, Downloads, Record, SpaceAnswer, is_zero

_WHOLE_CALL = (AuthenticationError, RateLimited, Unavailable)
"""What a new credential or a pause mends for every document of a call."""

_ALONE = "Try it alone; the service may leave out what it has blocked."
_ALL_FAILED, _PARTLY = "2", "0"
_CONTRADICTION = Refusal("0", "every document failed (batchCode 2), and this one went well")


def resolve(api: Api, references: Sequence[Reference]) -> list[Outcome]:
    """Return an outcome for each of `references`, in their order.

    Raises:
        AuthenticationError: the credential is refused.
        RateLimited: the service asks for a pause.
        Unavailable: the service cannot answer.
        ProtocolError: an answer makes no sense.
    """
    call = _Call(api, Tree(api))
    found = [call.locate(reference) for reference in references]
    wanted: dict[Place, dict[str, None]] = {}
    for where in found:
        if isinstance(where, _File):
            wanted.setdefault(where.place, {})[where.file_id] = None
    answers = {place: call.ask(place, list(ids)) for place, ids in wanted.items()}
    return [
        call.outcome(reference, where, answers[where.place].get(where.file_id))
        if isinstance(where, _File)
        else where
        for reference, where in zip(references, found, strict=True)
    ]


@frozen
class _File:
    """Where a document is."""

    place: Place
    file_id: str
    known: Known


@define
class _Call:
    """One `resolve_link`."""

    api: Api
    tree: Tree
    _home: str | Failure | None = field(default=None, init=False)

    def locate(self, reference: Reference) -> _File | Folder | DownspoutError:
        """Return where a document is, a folder's page, or why there is neither."""
        try:
            return self._locate(reference)
        except _WHOLE_CALL:
            raise
        except DownspoutError as exc:
            return exc

    def ask(self, place: Place, ids: list[str]) -> dict[str, Record | Refusal]:
        """Return what the service says of each id; an id that it leaves out has no entry."""
        answers: dict[str, Record | Refusal] = {}
        for first in range(0, len(ids), LARGEST_BATCH):
            answers.update(self._ask(place, ids[first : first + LARGEST_BATCH]))
        return answers

    def outcome(self, reference: Reference, file: _File, answer: Record | Refusal | None) -> Outcome:
        """Return what becomes of a document."""
        if isinstance(answer, Record) and not is_zero(answer.code):
            answer = refusal(answer.code, answer.msg, secrets=self.api.secrets)
        try:
            if isinstance(answer, Record):
                return link_of(reference, answer, file.known)
            if answer is None:
                return ProtocolError(f"{reference.shown}: KooDrive's answer leaves it out.", hint=_ALONE)
            if answer.code == FOLDER_CODE:
                return self.tree.folder(reference, file.place, file.file_id, None)
            return answer.error(reference.shown)
        except _WHOLE_CALL:
            raise
        except DownspoutError as exc:
            return exc

    def _locate(self, reference: Reference) -> _File | Folder:
        target = Target.of(reference)
        place = Place(target.container or self._container(reference), target.shared_folder)
        hint = reference.hint if isinstance(reference.hint, Known) else Known()
        if target.file_id is not None:
            if target.is_folder or target.cursor is not None:
                return self.tree.folder(reference, place, target.file_id, target.cursor)
            return _File(place, target.file_id, hint)
        item = self.tree.find(place, target.path, reference.shown, folder=target.is_folder)
        if is_folder(item):
            return self.tree.folder(reference, place, item.id, target.cursor)
        return _File(place, item.id, known(item))

    def _ask(self, place: Place, ids: list[str]) -> dict[str, Record | Refusal]:
        body = {"containerId": place.container, "fileIds": ids}
        response = self.api.post("/files/download", body, shared_folder=place.shared_folder)
        problem = self.api.refusal(response)
        answer = None if problem is not None and not response.ok else response.json(Downloads)
        if answer is not None and (answer.downloads or (problem is None and answer.downloads is not None)):
            return _records(answer, problem)
        if problem is None:
            raise ProtocolError(f"{self.api.site.account}: KooDrive's answer has no records (field downloads).")
        if problem.concerns_one and len(ids) > 1:  # nobody's bad id spoils the others'
            half = len(ids) // 2
            return {**self._ask(place, ids[:half]), **self._ask(place, ids[half:])}
        error = problem.error(self.api.site.account)
        if isinstance(error, _WHOLE_CALL) and not problem.is_known:
            raise error
        return dict.fromkeys(ids, problem)

    def _container(self, reference: Reference) -> str:
        """Return the account's own space, which the service is asked for once."""
        if self._home is None:
            try:
                self._home = self.api.site.container_id or self._own_space(reference.shown)
            except DownspoutError as exc:
                self._home = Failure(exc, reference.shown)
        if isinstance(self._home, Failure):
            raise self._home.about(reference.shown)
        return self._home

    def _own_space(self, subject: str) -> str:
        user_id = self.api.user_id
        if user_id is None:
            raise ConfigurationError(
                f"{subject}: it does not say which space it is in.",
                hint="Set container_id, or write CONTAINER/FILE.",
            )
        response = self.api.own_space(user_id)
        problem = self.api.refusal(response)
        if problem is not None:
            raise problem.error(subject)
        container = response.json(SpaceAnswer).data.containerId
        if not is_id(container):
            raise ProtocolError(f"{subject}: KooDrive answered a space whose id is none.")
        return container


def _records(answer: Downloads, problem: Refusal | None) -> dict[str, Record | Refusal]:
    """Return the records by id. What claims success must not be contradicted by the answer around it."""
    batch = code_text(answer.batchCode)
    spoiled = batch == _ALL_FAILED or (problem is not None and batch != _PARTLY)
    records: dict[str, Record | Refusal] = {}
    for record in answer.downloads or ():
        contradicted = spoiled and is_zero(record.code)
        records.setdefault(record.fileId, (problem or _CONTRADICTION) if contradicted else record)
    return records
