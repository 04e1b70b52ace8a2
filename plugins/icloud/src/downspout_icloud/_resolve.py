"""From references to links and folders: what can be asked for together is asked for together."""

from collections.abc import Sequence

from attrs import define, frozen

from downspout import Credential, Http, Reference
from downspout.errors import AuthenticationError, DownspoutError, InvalidURI, NotFound
from downspout.hookspecs import Outcome
from downspout_icloud._api import Api
from downspout_icloud._documents import Entry, Path, Share, Target
from downspout_icloud._drive import Drive, Place, known_size
from downspout_icloud._errors import Refusal
from downspout_icloud._links import Answer, Links, Wanted, link_of, nothing_of
from downspout_icloud._settings import Site
from downspout_icloud._shares import Shares
from downspout_icloud._wire import Download, Item


def resolve(
    site: Site, references: Sequence[Reference], credential: Credential | None, http: Http
) -> list[Outcome]:
    """Return an outcome for each of `references`, in their order.

    Raises:
        AuthenticationError: a sign-in is needed, or is over.
        RateLimited: iCloud asks for patience.
        Unavailable: iCloud cannot answer.
    """
    outcomes: dict[int, Outcome] = {}
    targets: dict[int, Target] = {}
    for position, reference in enumerate(references):
        try:
            targets[position] = Target.of(reference)
        except InvalidURI as exc:
            outcomes[position] = exc
    shares = [(position, what) for position, target in targets.items() if isinstance(what := target.what, Share)]
    if shares:
        found = Shares(site, http).resolve([(references[position], share) for position, share in shares])
        outcomes.update(zip((position for position, _ in shares), found, strict=True))
    own = [
        _Document(references[position], target) for position, target in targets.items() if position not in outcomes
    ]
    if own:
        positions = [position for position in targets if position not in outcomes]
        outcomes.update(zip(positions, _own(own, site, credential, http, alone=not outcomes), strict=True))
    return [outcomes[position] for position in range(len(references))]


def _own(
    documents: Sequence["_Document"], site: Site, credential: Credential | None, http: Http, *, alone: bool
) -> Sequence[Outcome]:
    """Return the outcomes of what only a signed-in user sees; strangers still get their shares."""
    try:
        return _Call.of(Api.of(site, credential, http)).outcomes(documents)
    except AuthenticationError as exc:
        if alone:
            raise
        return [exc] * len(documents)


@define
class _Document:
    """One reference on its way to an outcome.

    Attributes:
        reference: what was asked for.
        target: what it names.
        item: what the drive says of it, once known.
        place: the folder that it is, once known.
        error: why it is neither.
    """

    reference: Reference
    target: Target
    item: Item | None = None
    place: Place | None = None
    error: DownspoutError | None = None

    @property
    def wanted(self) -> Wanted:
        """What its links are asked for with."""
        item, what = self.item, self.target.what
        if item is None:
            assert isinstance(what, Entry)
            return Wanted(what.zone, what.docwsid)
        owner = item.owner.ownerRecordName if item.owner is not None else None
        return Wanted(item.zone, item.docwsid, owner, "IN_SHARED_FOLDER" in item.drivewsid and owner is not None)

    @property
    def is_empty(self) -> bool:
        """Whether it has no bytes, for which iCloud gives no link."""
        return self.item is not None and known_size(self.item) == 0 and not self.target.thumbnail

    def take(self, item: Item, path: tuple[str, ...] | None) -> None:
        """Note what the drive says of it."""
        if item.is_folder:
            self.place = Place.of(item, path)
        else:
            self.item = item


@frozen
class _Call:
    """One `resolve_link`, for what a signed-in user sees."""

    api: Api
    drive: Drive

    @classmethod
    def of(cls, api: Api) -> "_Call":
        """Return a call that has asked nothing yet."""
        return cls(api, Drive(api))

    def outcomes(self, documents: Sequence[_Document]) -> list[Outcome]:
        """Return what becomes of each document."""
        self._walk([each for each in documents if isinstance(each.target.what, Path)])
        self._look_at([each for each in documents if isinstance(each.target.what, Entry)])
        files = [each for each in documents if each.place is None and each.error is None and not each.is_empty]
        answers = Links(self.api).find([each.wanted for each in files])
        lost = [each for each in files if each.item is None and _is_lost(answers[each.wanted])]
        self._look_again(lost)
        self._list([each for each in documents if each.place is not None])
        return [self._outcome(each, answers) for each in documents]

    def _walk(self, documents: Sequence[_Document]) -> None:
        """Find documents by their paths, unless a folder has told already where they are."""
        walks = []
        for each in documents:
            assert isinstance(each.target.what, Path)
            if isinstance(each.reference.hint, Item):
                each.take(each.reference.hint, each.target.what.names)
            elif (error := self._no_drive(each)) is not None:
                each.error = error
            else:
                walks.append(each)
        paths = [each.target.what for each in walks if isinstance(each.target.what, Path)]
        found = self.drive.walk(
            [(path.names, path.is_folder) for path in paths], [each.reference.shown for each in walks]
        )
        for each, path, end in zip(walks, paths, found, strict=True):
            if isinstance(end, Item):
                each.take(end, path.names)
            elif isinstance(end, Place):
                each.place = end
            else:
                each.error = end

    def _look_at(self, documents: Sequence[_Document]) -> None:
        """Take ids as they are; only of somebody else's the drive has to tell whose they are."""
        shared = []
        for each in documents:
            what = each.target.what
            assert isinstance(what, Entry)
            if isinstance(each.reference.hint, Item):
                each.take(each.reference.hint, None)
            elif what.is_shared or what.is_folder:
                each.error = self._no_drive(each)
                each.place = Place(what.drivewsid) if what.is_folder and each.error is None else None
                shared += [each] if what.is_shared and each.error is None else []
        if not shared:
            return
        details = self.drive.details([_drivewsid(each) for each in shared])
        for each in shared:
            item = details.get(_drivewsid(each))
            if item is not None:
                each.place = None
                each.take(item, None)

    def _look_again(self, documents: Sequence[_Document]) -> None:
        """Look ids up that give no link: they may be empty documents, or folders."""
        if not documents or not self.api.has_drive:
            return
        try:
            details = self.drive.details([_drivewsid(each) for each in documents])
            empty = {name for name, item in details.items() if known_size(item) == 0}
            folders = [_as_folder(each) for each in documents if _drivewsid(each) not in empty]
            self.drive.read(folders)
        except AuthenticationError:
            raise
        except DownspoutError:  # then the first refusal stands
            return
        for each in documents:
            if _drivewsid(each) in empty:
                each.item = details[_drivewsid(each)]
            elif not isinstance(self.drive.listed(_as_folder(each)), Refusal | DownspoutError):
                each.place = _as_folder(each)

    def _list(self, documents: Sequence[_Document]) -> None:
        for each in documents:
            each.error = each.error or self._no_drive(each)
            if each.target.thumbnail:
                each.error = NotFound(
                    f"{each.reference.shown}: a folder has no thumbnail.", hint="Leave ?part= out."
                )
        self.drive.read([each.place for each in documents if each.place is not None and each.error is None])

    def _outcome(self, document: _Document, answers: dict[Wanted, Answer]) -> Outcome:
        if document.error is not None:
            return document.error
        try:
            if document.place is not None:
                return self.drive.folder(document.place, document.reference)
            if document.is_empty and document.item is not None:
                return nothing_of(document.reference, document.item)
            answer = answers[document.wanted]
            return link_of(document.reference, answer, document.item, thumbnail=document.target.thumbnail)
        except DownspoutError as exc:
            return exc

    def _no_drive(self, document: _Document) -> DownspoutError | None:
        try:
            self.api.check_drive(document.reference.shown)
        except DownspoutError as exc:
            return exc
        return None


def _is_lost(answer: Answer) -> bool:
    if isinstance(answer, Refusal):
        return answer.may_be_empty
    return isinstance(answer, Download) and not answer.has_bytes


def _as_folder(document: _Document) -> Place:
    return Place(_drivewsid(document).replace("FILE::", "FOLDER::", 1))


def _drivewsid(document: _Document) -> str:
    what = document.target.what
    assert isinstance(what, Entry)
    return what.drivewsid
