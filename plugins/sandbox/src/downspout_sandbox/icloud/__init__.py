"""iCloud Drive, emulated: sign-in, drive, documents, content and public shares, each on an origin of its own.

| endpoint | stands for |
|---|---|
| `icloud-auth` | `idmsa.apple.com`: password by SRP-6a, codes, trust; below `/appleauth/auth` |
| `icloud-setup` | `setup.icloud.com`: cookies, terms, protected data; below `/setup/ws/1` |
| `icloud-drive` | `drivews`: folders |
| `icloud-docs` | `docws`: links by batch and one by one, lookups |
| `icloud-content` | `cvws.icloud-content.com`: the bytes |
| `icloud-share` | `ckdatabasews.icloud.com`: public share links |

One account lives here, `jo@acme.example`, password `rain barrel 7`; its devices show the code 123456, and `GET /sandbox/code` on
`icloud-auth` shows the last one sent. Without `sign_in` the environment carries the query of the service's published example
instead, which docws takes in place of cookies if all five parameters are there.

The drive holds the sandbox's documents (`docwsid_of("large")` gives the identifier of one) and besides:

| item | why |
|---|---|
| `8C3C0E05-FBBA-48CB-8B82-2EEE9DD923E2` | the document of the published example: a PDF with a thumbnail |
| `Slides.key`, `Pages/Letter.pages` | packages: a ZIP behind `package_token`, `data_token` null or missing, another size than listed |
| `Pages`, `Obsidian` | applications' folders, whose documents are found in zones of their own only |
| `Shared plans`, `From Ann.txt` | somebody else's: folders below want `shareID`, files there the owner in the path |
| `TRASH_ROOT` | the trash, with two documents |
| `empty.dat` | no bytes, thus 400 to who asks for a link |
| `Trouble/` (listed if `icloud_trouble`) | `no-token` `gone` `absent` (left out of batches) `broken` (500) `short` (size) `denied`, a hostile name |

Public shares, behind `https://www.icloud.com/iclouddrive/`: `0b9SandboxSharedDocument0`, `0d7SandboxSharedLarge0000`,
`0c3SandboxSharedFolder000` (a folder), `05aSandboxPrivateShare000` (wants a sign-in); any other is not found.

What real clients have met, and what makes it happen here (every name begins with `icloud_`):

| situation | switch |
|---|---|
| passwords hashed as `s2k` or `s2k_fo`, at what cost | `protocol`, `iterations` |
| `signin/complete` answers 200, 409, 412 (repair page), 401, 403, 503 | `password_answer`; by itself: 409, or 200 with a trust token |
| 503 at sign-in; an account locked by wrong passwords | `busy`, `lock_after` |
| an account without codes, without devices, with security keys | `no_two_factor`, `no_devices`, `security_key` |
| the ways to a code, as JSON in three shapes or inside a page | `context`, `no_page` |
| the code; too many wrong ones; a text message asked for twice | `code`, `code_attempts`, `sms_again` |
| a right code answered 204, 200, 409, 412, with or without a token | `verify_answer`; a wrong one: 400, -21669 |
| `Origin` checked where codes are given | `strict_origin` |
| trust given, refused, ended; a session token ended | `no_trust`, `trust_life`, `session_life` |
| cookies ended | `token_life`, `token_uses` (of all services); `validate` alone: `validate_refused` |
| the account lives in the other region | `region`, `region_status` |
| terms wait to be accepted; access from the web switched off | `terms_pending`, `no_web_access` |
| Advanced Data Protection: consent, waiting, calls without PCS cookies | `protection`, `consent_polls`, `pcs_failures`, `pcs_status` |
| drivews and docws answer 421, 423, 429, 500, 503 with `Retry-After`; 400 now and then | `drive_answer`, `drive_errors`, `spurious_every` |
| a batch refused, too long, in another order; how one document fails in it | `batch_status`, `batch_limit`, `batch_reversed`, `batch_failure` |
| a document changed between listing and link; no thumbnails | `etag_moves`, `no_thumbnails` |
| one document in trouble | `trouble` |
| links live 900 s by batch, 3600 s by id and share; 410 after that, 400 when altered | `link_life` (of all services) |
| a fresh link refused; 330 with another place | `refuse_first`, `refuse_status`; `redirect` |
| content cut, slow, silent, 503, without ranges | the switches of all services |
| a share that fails with 200; sizes as text | `share_error`, `share_size_text` |

Where nobody outside knows the service's answer (a call without a sign-in, a batch with a failing document, its limit), the
emulation has chosen one, and where clients may meet several, a switch chooses.
"""  # noqa: E501

from downspout_sandbox.icloud import content, docs, drive, setup, shares, signin
from downspout_sandbox.icloud.authority import CLIENT_ID, DSID, SEED_TOKEN
from downspout_sandbox.icloud.identity import PASSWORD, USERNAME
from downspout_sandbox.icloud.items import SEED_ID, docwsid_of
from downspout_sandbox.icloud.switches import Switches
from downspout_sandbox.world import Apps, World

__all__ = ["Switches", "docwsid_of", "environment", "examples", "make_apps"]


def make_apps(world: World) -> Apps:
    """Make the applications of the service by endpoint name."""
    return {
        "icloud-auth": signin.make_app(world),
        "icloud-setup": setup.make_app(world),
        "icloud-drive": drive.make_app(world),
        "icloud-docs": docs.make_app(world),
        "icloud-content": content.make_app(world),
        "icloud-share": shares.make_app(world),
    }


def environment(world: World) -> dict[str, str]:
    """Give the settings with which a client finds and may use the service."""
    found = {
        "DOWNSPOUT_ICLOUD_AUTH_ENDPOINT": world.url("icloud-auth") + signin.PREFIX,
        "DOWNSPOUT_ICLOUD_SETUP_ENDPOINT": world.url("icloud-setup") + setup.PREFIX,
        "DOWNSPOUT_ICLOUD_SHARE_ENDPOINT": world.url("icloud-share"),
    }
    if world.general.sign_in:
        return found | {"DOWNSPOUT_ICLOUD_USERNAME": USERNAME, "DOWNSPOUT_ICLOUD_PASSWORD": PASSWORD}
    return found | {
        "DOWNSPOUT_ICLOUD_ENDPOINT": world.url("icloud-docs"),
        "DOWNSPOUT_ICLOUD_DSID": DSID,
        "DOWNSPOUT_ICLOUD_TOKEN": SEED_TOKEN,
        "DOWNSPOUT_ICLOUD_CLIENT_ID": CLIENT_ID,
    }


def examples(world: World) -> list[str]:
    """Give some URIs that work with that environment."""
    found = [f"icloud:{SEED_ID}", f"icloud:{docwsid_of('large')}"]
    found.append(f"https://www.icloud.com/iclouddrive/{shares.SHARED_DOCUMENT}")
    return [*found, "icloud:/Reports/2025/report.pdf"] if world.general.sign_in else found
