"""iCloud Drive, emulated: sign-in, drive, documents, content and public shares, each on an origin of its own."""

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


def examples(world: World) -> list[str]:  # noqa: ARG001
    """Give some URIs that work with that environment."""
    return [f"icloud:{SEED_ID}", f"icloud:{docwsid_of('large')}", f"icloud:{SEED_ID}?part=thumbnail"]
