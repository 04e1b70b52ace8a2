import email.utils
import os
import ssl
import threading
import time

import pytest
import urllib3

from downspout_sandbox import Sandbox


def test_each_endpoint_is_an_origin_of_its_own():
    with Sandbox() as sandbox:
        ports = list(sandbox.world.ports.values())
        assert len(set(ports)) == len(ports) >= 6
        for name in ("koodrive", "koodrive-store", "esignon", "esignon-documents", "oracle", "oracle-identity"):
            assert sandbox.url(name).startswith("http://127.0.0.1:")


def test_it_starts_fast_and_leaves_nothing_behind():
    threads = threading.active_count()
    begun = time.monotonic()
    with Sandbox(["koodrive"], tls=True) as sandbox:
        bundle = sandbox.environment["DOWNSPOUT_CA_BUNDLE"]
        assert os.path.exists(bundle)
        assert time.monotonic() - begun < 3
    assert threading.active_count() == threads
    assert not os.path.exists(bundle)


def test_only_its_own_authority_proves_it(pool):
    with Sandbox(["koodrive"], tls=True) as sandbox:
        url = f"{sandbox.url('koodrive')}/koodrive/ose/v1/session/auth"
        with pytest.raises(urllib3.exceptions.SSLError):
            pool.request("GET", url)
        context = ssl.create_default_context(cafile=sandbox.environment["DOWNSPOUT_CA_BUNDLE"])
        with urllib3.PoolManager(ssl_context=context, retries=False) as trusting:
            assert trusting.request("GET", url).status == 401


def test_the_environment_names_every_setting():
    with Sandbox(["koodrive", "esignon", "oracle"]) as sandbox:
        found = {name.removeprefix("DOWNSPOUT_") for name in sandbox.environment}
    assert found == {
        "ALLOW_INSECURE",
        *(f"KOODRIVE_{each}" for each in ("ENDPOINT", "CONTAINER_ID", "USER_ID", "TOKEN", "SESSION_ID")),
        *(f"ESIGNON_{each}" for each in ("ENDPOINT", "COMPANY_ID", "USERNAME", "PASSWORD", "CLIENT_ID", "TOKEN")),
        *(f"ORACLE_{each}" for each in ("ENDPOINT", "TOKEN", "ACCESS_CODE")),
        *(f"ORACLE_APPLINK_{each}" for each in ("TOKEN", "REFRESH_TOKEN")),
    }


def test_sign_in_leaves_every_token_out():
    with Sandbox(["koodrive", "esignon", "oracle"], sign_in=True) as sandbox:
        environment = sandbox.environment
    assert not [name for name in environment if name.endswith(("TOKEN", "SESSION_ID", "CODE"))]
    assert environment["DOWNSPOUT_ORACLE_USERNAME"] == "jo@acme.example"


def test_requests_are_remembered_until_reset(koodrive):
    drive = koodrive()
    drive.download("F1", headers=drive.headers(X_Mark="here"))
    (asked,) = drive.sandbox.requests
    assert (asked.service, asked.endpoint, asked.method, asked.status) == ("koodrive", "koodrive", "POST", 200)
    assert asked.path == "/koodrive/ose/v1/files/download"
    assert asked.headers["x-mark"] == "here"
    drive.sandbox.reset()
    assert drive.sandbox.requests == []


def test_switches_are_set_and_read_from_outside(koodrive, pool):
    drive = koodrive()
    control = drive.sandbox.url("koodrive-store") + "/_sandbox"
    answer = pool.request("POST", f"{control}/switches", json={"link_life": 7, "koodrive_old_links": "on"})
    assert (answer.json()["link_life"], answer.json()["koodrive_old_links"]) == (7.0, True)
    assert "&Expires=" in drive.link()
    for wrong in ({"nonsense": 1}, {"rate": "fast"}, {"koodrive_old_links": "perhaps"}, {"fail_every": None}, []):
        assert pool.request("POST", f"{control}/switches", json=wrong).status == 400
    assert pool.request("GET", f"{control}/switches").json()["link_life"] == 7.0
    assert [each["path"] for each in pool.request("GET", f"{control}/requests").json()] == [
        "/koodrive/ose/v1/files/download"
    ]
    assert pool.request("GET", f"{control}/other").status == 404
    assert pool.request("POST", f"{control}/change", json={"id": "nothing"}).status == 400


def test_documents_change_and_the_clock_advances_from_outside(koodrive, pool):
    drive = koodrive()
    control = drive.sandbox.url("koodrive") + "/_sandbox"
    link = drive.link()
    pool.request("POST", f"{control}/change", json={"id": "invoice"})
    assert drive.link().split("?")[0] != link.split("?")[0]
    pool.request("POST", f"{control}/advance", json={"seconds": 3600})
    assert pool.request("GET", link).status == 403
    pool.request("POST", f"{control}/reset")
    assert pool.request("GET", link).status == 200


def test_a_header_sets_a_switch_for_one_request(koodrive):
    drive = koodrive()
    assert drive.download("F1", headers=drive.headers(X_Sandbox_Koodrive_Batch_Code="1")).json()["batchCode"] == 1
    assert drive.download("F1").json()["batchCode"] == 2


def test_an_unknown_switch_or_service_is_refused():
    with pytest.raises(KeyError, match="nonsense"):
        Sandbox(["koodrive"], nonsense=1)
    with pytest.raises(ValueError, match="The switch bearer is one of space, plus, both, not minus"):
        Sandbox(["koodrive"], koodrive_bearer="minus")
    with pytest.raises(ValueError, match="There is no service dropbox"):
        Sandbox(["dropbox"])


def test_every_third_request_fails_at_the_endpoint_named(koodrive, pool):
    drive = koodrive(fail_every=3, faults_at="koodrive-store", retry_after="2")
    link = drive.link()
    answers = [pool.request("GET", link) for _ in range(6)]
    assert [answer.status for answer in answers] == [200, 200, 503, 200, 200, 503]
    assert answers[2].headers["Retry-After"] == "2"
    assert [drive.download("F1").status for _ in range(4)] == [200] * 4


def test_requests_are_throttled_with_any_retry_after(koodrive):
    drive = koodrive(throttle_every=2, retry_after="soon")
    answers = [drive.download("F1") for _ in range(4)]
    assert [answer.status for answer in answers] == [200, 429, 200, 429]
    assert answers[1].headers["Retry-After"] == "soon"
    drive.sandbox.set(throttle_every=0, fail_first=6, fail_status=500)
    assert [drive.download("F1").status for _ in range(3)] == [500, 500, 200]


def test_an_answer_waits_as_long_as_asked(koodrive):
    drive = koodrive(latency=0.2)
    begun = time.monotonic()
    drive.download("F1")
    assert time.monotonic() - begun >= 0.2


def test_the_date_shows_a_clock_that_is_ahead(koodrive):
    drive = koodrive(clock_skew=7200)
    date = email.utils.parsedate_to_datetime(drive.download("F1").headers["Date"]).timestamp()
    assert abs(date - time.time() - 7200) < 5
