"""The shapes of iCloud's answers, field by field.

Unknown fields are ignored; what must be there has no default, so that a change over there is named. Numbers come
as text and the other way round.
"""
# ruff: noqa: N815 - the fields have the service's names

from collections.abc import Sequence
from typing import Any

from attrs import frozen

Code = int | str
Number = int | float | str
Flag = bool | None

# Any answer: what is wrong.


@frozen
class Fault:
    """What a failure may have; every service says it in its own words."""

    error_code: Any = None
    serverErrorCode: Any = None
    errorCode: Any = None
    errorReason: Any = None
    reason: Any = None
    error: Any = None
    retryAfter: Any = None
    domainToUse: Any = None
    status: Any = None


# Sign-in.


@frozen
class ChallengeAnswer:
    """What `signin/init` answers; `c` is handed back as it came."""

    iteration: int
    salt: str
    b: str
    c: str
    protocol: str = "s2k"


@frozen
class ServiceError:
    """One reason of a refusal."""

    code: Code | None = None


@frozen
class SignInAnswer:
    """What `signin/complete` answers beside its status."""

    authType: str | None = None
    authenticationType: str | None = None
    serviceErrors: list[ServiceError] | None = None
    service_errors: list[ServiceError] | None = None

    @property
    def codes(self) -> frozenset[str]:
        """The codes of its reasons."""
        reasons = [*(self.serviceErrors or ()), *(self.service_errors or ())]
        return frozenset(str(reason.code) for reason in reasons)


@frozen
class Phone:
    """A telephone that may get codes."""

    id: int
    numberWithDialCode: str | None = None
    obfuscatedNumber: str | None = None
    nonFTEU: Flag = None


@frozen
class CodeState:
    """How it stands with codes."""

    valid: Flag = None
    length: int | None = None
    tooManyCodesSent: Flag = None
    tooManyCodesValidated: Flag = None
    securityCodeLocked: Flag = None
    securityCodeCooldown: Flag = None

    @property
    def is_closed(self) -> bool:
        """Whether no code is taken for a while."""
        return bool(self.tooManyCodesValidated or self.securityCodeLocked or self.securityCodeCooldown)


@frozen
class CodeAnswer(SignInAnswer):
    """What comes back for a code."""

    securityCode: CodeState | None = None


@frozen
class Ways:
    """The ways to a code. Some accounts have all of it one level deeper."""

    trustedPhoneNumbers: list[Phone] | None = None
    trustedPhoneNumber: Phone | None = None
    securityCode: CodeState | None = None
    noTrustedDevices: Flag = None
    trustedDeviceCount: int | None = None
    fsaChallenge: Any = None
    phoneNumberVerification: "Ways | None" = None

    @property
    def phones(self) -> Sequence[Phone]:
        """All telephones, each once."""
        single = [] if self.trustedPhoneNumber is None else [self.trustedPhoneNumber]
        inner = self.phoneNumberVerification.phones if self.phoneNumberVerification is not None else ()
        found = {phone.id: phone for phone in reversed([*(self.trustedPhoneNumbers or ()), *single, *inner])}
        return list(reversed(found.values()))

    @property
    def has_devices(self) -> bool:
        """Whether a device may show a code, as far as the answer says."""
        inner = self.phoneNumberVerification
        if self.noTrustedDevices or self.trustedDeviceCount == 0:
            return False
        return inner is None or inner.has_devices

    @property
    def wants_key(self) -> bool:
        """Whether only a security key will do."""
        return bool(self.fsaChallenge)


# The setup service.


@frozen
class Service:
    """Where a service is. Some entries are empty."""

    url: str | None = None
    pcsRequired: Flag = None


@frozen
class Person:
    """Whose account it is."""

    dsid: Code
    isWebAccessAllowed: Flag = None


@frozen
class AccountAnswer:
    """What `accountLogin` and `validate` answer."""

    dsInfo: Person | None = None
    webservices: dict[str, Service] | None = None
    hsaTrustedBrowser: Flag = None
    hsaChallengeRequired: Flag = None
    termsUpdateNeeded: Flag = None
    domainToUse: str | None = None


@frozen
class AccessState:
    """How it stands with protected data (`requestWebAccessState`)."""

    isWebAccessAllowed: Flag = None
    isDeviceConsentedForPCS: Flag = None
    isICDRSDisabled: Flag = None


@frozen
class PCSAnswer:
    """Whether a device has sent the cookies for protected data."""

    status: str


# Folders.


@frozen
class Owner:
    """Who shared something."""

    ownerRecordName: str | None = None


@frozen
class Item:
    """An entry of a folder."""

    drivewsid: str
    docwsid: str
    zone: str
    name: str
    type: str
    extension: str | None = None
    size: Number | None = None
    etag: str | None = None
    dateModified: str | None = None
    shareID: dict[str, Any] | None = None
    owner: Owner | None = None

    @property
    def is_folder(self) -> bool:
        """Whether it stands for several documents; a package is none."""
        return "FOLDER" in self.type.upper().removeprefix("FILE_IN_SHARED_FOLDER") or self.type.upper().startswith(
            "APP_"
        )

    @property
    def full_name(self) -> str:
        """Its name with the extension, which comes apart from it."""
        return f"{self.name}.{self.extension}" if self.extension else self.name


@frozen
class FolderAnswer:
    """One folder's answer: its entries, or a status that says why there are none."""

    drivewsid: str
    status: str | None = None
    items: list[Item] | None = None


@frozen
class Found:
    """What `retrieveItemDetails` knows of an id: an entry, a status, or further entries, which it may nest."""

    drivewsid: str | None = None
    docwsid: str | None = None
    zone: str | None = None
    name: str | None = None
    type: str | None = None
    extension: str | None = None
    size: Number | None = None
    etag: str | None = None
    dateModified: str | None = None
    shareID: dict[str, Any] | None = None
    owner: Owner | None = None
    items: "list[Found] | None" = None

    def entries(self) -> "Sequence[Item]":
        """Return the entries that are whole, this one and those inside."""
        inner = [entry for found in self.items or () for entry in found.entries()]
        if self.drivewsid and self.docwsid and self.zone and self.name is not None and self.type:
            own = Item(
                self.drivewsid,
                self.docwsid,
                self.zone,
                self.name,
                self.type,
                self.extension,
                self.size,
                self.etag,
                self.dateModified,
                self.shareID,
                self.owner,
            )
            return [own, *inner]
        return inner


# Documents.


@frozen
class Token:
    """A link and what signs it; only the link is of use."""

    url: str


@frozen
class Download:
    """The links of one document, or why there are none."""

    document_id: str
    data_token: Token | None = None
    package_token: Token | None = None
    thumbnail_token: Token | None = None
    double_etag: str | None = None
    error_code: Any = None
    serverErrorCode: Any = None
    errorCode: Any = None
    errorReason: Any = None
    reason: Any = None
    error: Any = None
    status: Any = None

    @property
    def has_bytes(self) -> bool:
        """Whether there is a link to the document itself."""
        return self.data_token is not None or self.package_token is not None


BatchAnswer = list[Download | None] | Download
"""An array as a rule; of a single document some have seen the bare object."""

DetailsAnswer = list[Found] | Found

# Public shares.


@frozen
class ShortGUID:
    """The identifier of a share."""

    value: str


@frozen
class Text:
    """A field of a record whose value is text."""

    value: str | None = None


@frozen
class Amount:
    """A field of a record whose value is a number."""

    value: Number | None = None


@frozen
class Asset:
    """The bytes behind a record."""

    downloadURL: str | None = None
    fileChecksum: str | None = None
    size: Number | None = None


@frozen
class AssetField:
    """A field of a record whose value is an asset."""

    value: Asset | None = None


@frozen
class RecordFields:
    """The fields of a document's record."""

    encryptedBasename: Text | None = None
    extension: Text | None = None
    size: Amount | None = None
    mtime: Amount | None = None
    fileContent: AssetField | None = None


@frozen
class Record:
    """What a share is of."""

    recordType: str | None = None
    fields: RecordFields | None = None


@frozen
class ShareResult:
    """One share, or why it is not shown; failures come with status 200."""

    shortGUID: ShortGUID
    serverErrorCode: Any = None
    reason: Any = None
    requireAppleLogin: Flag = None
    anonymousPublicAccess: Any = None
    rootRecord: Record | None = None


@frozen
class ShareAnswer:
    """What `records/resolve` answers."""

    results: list[ShareResult]


def whole_number(value: Any) -> int | None:
    """Return a number that may be written as text, or `None` where it is none, negative, or absurd."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float) and not value.is_integer():
        return None
    text = str(int(value)) if isinstance(value, int | float) and abs(value) < 10**18 else str(value).strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None
