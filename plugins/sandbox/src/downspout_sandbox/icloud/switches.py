"""What the iCloud emulation can be asked to do differently: each item of what real clients have met."""

import attrs

from downspout_sandbox.switches import switch


@attrs.frozen
class Switches:
    """The switches of this service; outside they begin with `icloud_`."""

    # Sign-in
    protocol: str = switch("s2k", "How passwords are hashed: `s2k` or `s2k_fo`.")
    iterations: int = switch(20064, "Rounds of PBKDF2 that a sign-in costs.")
    password_answer: int = switch(
        0, "The status of `signin/complete`: 200, 409, 412, 401, 403, 503; 0: as deserved."
    )
    busy: int = switch(0, "The first n sign-ins are turned away with 503; -1: all.")
    lock_after: int = switch(10, "Wrong passwords after which the account is locked; 0: never.")
    no_two_factor: bool = switch(False, "The account asks for no code.")
    no_devices: bool = switch(False, "The account has telephones, but no trusted devices.")
    context: str = switch("plural", "How telephones are listed: `plural`, `singular` or `wrapped`.")
    no_page: bool = switch(False, "The ways to a code come as JSON even to clients that ask for HTML.")
    security_key: bool = switch(False, "The account wants a security key instead of a code.")
    code: str = switch("123456", "The code that devices show; empty: a new one each time.")
    code_attempts: int = switch(5, "Wrong codes after which no more are taken.")
    verify_answer: str = switch(
        "204",
        "The answer to a right code: `204`, `200`, `409`, `409-without-token`, `412` or `412-without-token`.",
    )
    sms_again: int = switch(200, "The status of a second request for a text message: 200 or 412.")
    no_trust: bool = switch(False, "No browser is trusted, so that every sign-in needs a code.")
    trust_life: float | None = switch(None, "Seconds that a trust token lives; none: 60 days.")
    session_life: float | None = switch(None, "Seconds that a session token lives; none: 30 days.")
    strict_origin: bool = switch(False, "Codes and trust are refused unless `Origin` is www.icloud.com.")
    # Account
    region: str = switch("global", "Where the account lives: `global` or `china`.")
    region_status: int = switch(302, "The status of the answer that names another region: 302 or 200.")
    terms_pending: bool = switch(False, "New terms wait to be accepted.")
    validate_refused: bool = switch(False, "`validate` answers 421 to every session.")
    no_web_access: bool = switch(False, "Access from the web is switched off in the account.")
    protection: bool = switch(False, "Advanced Data Protection: no PCS cookies without a device's consent.")
    consent_polls: int = switch(1, "Questions for the state of consent until the device gives it; -1: never.")
    pcs_failures: int = switch(2, "Requests for PCS cookies until they are there; -1: never.")
    pcs_status: int = switch(423, "The status of a call without PCS cookies: 423 or 400.")
    # Drive and documents
    drive_answer: int = switch(
        0, "The status of every drivews and docws call, such as 421, 423, 503; 0: as deserved."
    )
    drive_errors: int = switch(-1, "How many calls `drive_answer` spoils; -1: all.")
    spurious_every: int = switch(0, "Every n-th docws call is answered 400 for no reason; 0: none.")
    batch_status: int = switch(0, "The status of every batch, such as 400, 413; 0: as deserved.")
    batch_limit: int = switch(200, "Documents that one batch may name; more are answered 400.")
    batch_failure: str = switch(
        "element",
        "How a document fails in a batch: `element`, `status`, `null`, `missing`, or `whole` (the batch fails).",
    )
    batch_reversed: bool = switch(False, "A batch is answered in the opposite order.")
    etag_moves: bool = switch(False, "Documents have other etags by the time their link is asked for.")
    no_thumbnails: bool = switch(False, "No document has a thumbnail.")
    trouble: bool = switch(False, "The root lists the folder `Trouble`, whose documents fail one way each.")
    # Content
    redirect: bool = switch(False, "Content is first answered 330 with another place.")
    refuse_first: int = switch(0, "The first n requests for content are refused although their links are fresh.")
    refuse_status: int = switch(410, "The status of a request that `refuse_first` refuses.")
    # Shares
    share_error: str = switch("", "The error of every public share, such as `NOT_FOUND`, `ACCESS_DENIED`.")
    share_size_text: bool = switch(False, "The sizes of shares come as text.")
