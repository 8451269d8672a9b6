"""MongoDB set up by the shell of its own image, as a Job in a cluster does it: run by Node here."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from tarmac.base.launch import Secret, reveal, text
from tarmac.catalog.stores.kind import MONITOR, StoreContext, User
from tarmac.catalog.stores.mongodb import STORE

SECRETS = {name: f"{name}-password" for name in ("admin", "one", "monitor")}
#: As much of the shell as the script uses: who is there, and who is made or changed.
SHELL = """
const users = JSON.parse(process.argv[2]), asked = [];
const database = (name) => ({
  getUser: (user) => users[`${name}.${user}`] ?? null,
  createUser: ({ user, ...rest }) => { users[`${name}.${user}`] = rest; asked.push("create"); },
  updateUser: (user, rest) => { users[`${name}.${user}`] = rest; asked.push("update"); },
});
globalThis.connect = (url) => ({
  getSiblingDB: (name) => { asked.push(url); return database(name); },
});
"""


def run(node: str, users: dict[str, object]) -> tuple[dict[str, object], list[str]]:
    names = {name: Secret(name) for name in SECRETS}
    view = StoreContext(
        "pages",
        "pages",
        {"main": 27017},
        "it",
        names["admin"],
        (User("one", names["one"]),),
        monitor=names["monitor"],
    )
    assert STORE.script is not None
    (file,) = STORE.script(view).files
    told = reveal(
        text(SHELL, file.content, "console.log(JSON.stringify({users, asked}));"), SECRETS
    )
    argv = [node, "-e", told, "-", json.dumps(users)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=True)
    said = json.loads(done.stdout)
    return said["users"], said["asked"]


def test_each_service_has_its_database_and_the_exporter_has_none():
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not on this machine; apt install nodejs")
    users, asked = run(node, {})
    url = "mongodb://tarmac:admin-password@pages:27017/admin"
    assert asked == [url, "create", url, "create"]
    scram = ["SCRAM-SHA-256"]
    own = {"role": "readWrite", "db": "it"}
    watching = {"role": "clusterMonitor", "db": "admin"}
    assert users == {
        "it.one": {"pwd": "one-password", "roles": [own], "mechanisms": scram},
        f"admin.{MONITOR}": {"pwd": "monitor-password", "roles": [watching], "mechanisms": scram},
    }
    # It can be repeated, and renews a password.
    users["it.one"] = {"pwd": "old"}
    again, asked = run(node, users)
    assert again["it.one"]["pwd"] == "one-password"
    assert asked == [url, "update", url, "update"]
