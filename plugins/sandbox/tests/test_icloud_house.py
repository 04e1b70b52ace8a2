"""What the iCloud emulation says of itself, held to what it is."""

import pytest

from downspout_sandbox import Sandbox, icloud
from downspout_sandbox.documents import Library
from downspout_sandbox.icloud.items import CLOUD_DOCS, Drive, Kind, docwsid_of
from downspout_sandbox.switches import describe


def test_every_switch_is_in_the_table():
    missing = [name for name, _, _ in describe(icloud.Switches) if f"`{name}`" not in icloud.__doc__]

    assert missing == []


def test_no_switch_is_on_that_an_option_could_not_turn_off():
    assert [name for name, default, _ in describe(icloud.Switches) if default is True] == []


def test_the_environment_signs_in_or_carries_a_token():
    with Sandbox(services=["icloud"]) as sandbox:
        seeded = set(sandbox.environment)
        sandbox.set(sign_in=True)
        signing = set(sandbox.environment)

    endpoints = {f"DOWNSPOUT_ICLOUD_{name}_ENDPOINT" for name in ("AUTH", "SETUP", "SHARE")}
    assert endpoints <= seeded & signing
    assert {f"DOWNSPOUT_ICLOUD_{name}" for name in ("ENDPOINT", "DSID", "TOKEN", "CLIENT_ID")} == seeded - signing
    assert signing - seeded == {"DOWNSPOUT_ICLOUD_USERNAME", "DOWNSPOUT_ICLOUD_PASSWORD"}


def test_each_endpoint_is_an_origin_of_its_own():
    with Sandbox(services=["icloud"]) as sandbox:
        ports = dict(sandbox.world.ports)

    wanted = ["icloud-auth", "icloud-setup", "icloud-drive", "icloud-docs", "icloud-content", "icloud-share"]
    assert list(ports) == wanted
    assert len(set(ports.values())) == len(wanted)


def test_every_item_has_one_place_and_every_file_its_bytes():
    drive = Drive(Library(1000, 10), trouble=True)
    root = drive.by_path("/")
    queue, seen = [root], set()
    while queue:
        item = queue.pop()
        assert item.key not in seen
        seen.add(item.key)
        queue.extend(drive.children(item))
        assert (drive.document(item) is not None) is (item.kind is Kind.FILE)
    assert len(seen) > 40


@pytest.mark.parametrize("number", [0, 9, 123_456])
def test_small_documents_are_there_whether_listed_or_not(number):
    drive = Drive(Library(1000, 10), trouble=False)

    item = drive.find(CLOUD_DOCS, docwsid_of(f"small-{number:05}"))

    assert drive.document(item).size == 16 * 1024
    assert drive.find(CLOUD_DOCS, "00000000-0000-4000-8000-x") is None
