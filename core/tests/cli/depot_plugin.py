"""A provider for the tests of the command: it asks a service on loopback, which the test plays.

It is put on the path of the commands as an installed distribution would be; see `rig`.
"""

from datetime import datetime

from downspout import Credential, Folder, Link, Provider, Reference, Secret, Setting
from downspout.errors import AuthenticationError, NotFound, PermissionDenied
from downspout.hookspecs import hookimpl

provider = Provider(
    "depot",
    "Depot",
    settings=(
        Setting("endpoint", "the address of your depot", required=True),
        Setting("username", "who you are"),
        Setting("token", "the key to your depot", secret=True),
    ),
    batch_size=100,
)


@hookimpl
def authenticate(account, refused, interaction, http):
    token = account.text("token")
    if token and refused is None:
        return Credential(account.name, account.origins, {"token": Secret(token)})
    if interaction is None:
        raise AuthenticationError(f"{account.name}: the depot does not know who is asking.")
    interaction.tell("The depot wants to know who you are.")
    name = account.text("username") or interaction.ask("Name")
    password = interaction.secret("Password")
    door = interaction.choose("Which door?", ["front", "back"])
    asked = {"name": name, "password": password, "door": door}
    answer = http.request("POST", f"{account['endpoint']}/login", json=asked)
    if not answer.ok:
        raise answer.error(account.name)
    return Credential(
        account.name,
        account.origins,
        {"token": Secret(answer.json()["token"])},
        expires_at=datetime.fromisoformat("2031-02-03T04:05:06+01:00"),
    )


@hookimpl
def resolve_link(account, references, credential, http):
    headers = {} if credential is None else {"X-Depot-Token": credential.reveal("token")}
    asked = {"documents": [[each.document, each.hint, dict(each.options)] for each in references]}
    answer = http.request("POST", f"{account['endpoint']}/resolve", json=asked, headers=headers)
    if not answer.ok:
        raise answer.error(account.name)
    pairs = zip(references, answer.json(), strict=True)
    return [_outcome(account, reference, facts) for reference, facts in pairs]


def _outcome(account, reference, facts):
    if facts == "not-found":
        return NotFound(f"{reference.shown}: there is no such document.", hint="Check its name.")
    if facts == "denied":
        return PermissionDenied(f"{reference.shown}: not for you, holder of {account.text('token')}.")
    if "children" in facts:
        children = [(path, Reference(account.name, name), size, None) for path, name, size in facts["children"]]
        more = facts.get("more")
        return Folder(children, None if more is None else Reference(account.name, reference.document, hint=more))
    expires = facts.pop("expires_at", None)
    return Link(reference, expires_at=None if expires is None else datetime.fromisoformat(expires), **facts)
