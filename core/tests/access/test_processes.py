"""Two processes share a credential through the store: it is renewed once for both."""

import json
import subprocess
import sys

from downspout import Account, Credential, Secret
from downspout._accounts import FileStore, marked
from downspout.testing import Answer, Document, FakeService

WORKER = """
import sys, threading
from types import ModuleType
from pathlib import Path
from downspout import Account, Client, Credential, Link, Provider, Secret, hookimpl
from downspout._accounts import FileStore
from downspout.errors import AuthenticationError

origin, folder = sys.argv[1:]
plugin = ModuleType("plugin")
plugin.provider = Provider("svc", "Service")

@hookimpl
def authenticate(account, refused, http):
    answer = http.request("POST", origin + "/token", json={"refused": refused.reveal("token")})
    return Credential(account.name, [origin], {"token": Secret(answer.json()["token"])})

@hookimpl
def resolve_link(account, references, credential, http):
    answer = http.request("POST", origin + "/link", headers={"X-Token": credential.reveal("token")})
    if answer.status == 401:
        raise AuthenticationError("It has ended.")
    return [Link(reference, origin + "/doc") for reference in references]

plugin.authenticate, plugin.resolve_link = authenticate, resolve_link
account = Account("svc", "svc", {"allow_http": True, "allow_private": True})
with Client([account], plugins=[plugin], credentials=FileStore(Path(folder))) as client:
    print("ready", flush=True)
    sys.stdin.readline()
    threads = [threading.Thread(target=client.resolve, args=(f"svc:{n}",)) for n in range(8)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    print(client.signed_in("svc").reveal("token"), flush=True)
"""


def test_two_processes_of_eight_threads_renew_a_credential_once(tmp_path):
    with FakeService() as service:
        issued = []

        @service.post("/token")
        def token(request):
            assert json.loads(request.body) == {"refused": "old"}
            issued.append(f"new{len(issued)}")
            return {"token": issued[-1]}

        @service.post("/link")
        def link(request):
            return {} if request.headers["x-token"] in issued else Answer.json({}, 401)

        service.documents["/doc"] = Document(b"hello")
        account = Account("svc", "svc", {"allow_http": True, "allow_private": True})
        store = FileStore(tmp_path)
        store.put("svc", marked(Credential("svc", [service.origin], {"token": Secret("old")}), account))
        command = [sys.executable, "-c", WORKER, service.origin, str(tmp_path)]
        processes = [
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)
        ]
        for process in processes:
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            process.stdin.write("go\n")
            process.stdin.flush()
        outputs = [process.communicate(timeout=60)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert (issued, outputs) == (["new0"], ["new0\n", "new0\n"])
    assert store.get("svc").reveal("token") == "new0"
