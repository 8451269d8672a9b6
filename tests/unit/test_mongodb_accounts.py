"""What a MongoDB is told at its start: users with a database of their own; without a server."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

import bson
import pytest
import yaml

from tarmac.base.launch import Launch, Secret, reveal, secrets_of
from tarmac.catalog.stores.kind import ProviderCandidate, StoreContext, User
from tarmac.catalog.stores.mongodb import STORE
from tarmac.catalog.stores.protocols import bson as _bson
from tarmac.catalog.stores.protocols.bson import CommandRejected, answer, document, message
from tarmac.catalog.stores.setup.mongodb_users import DatabaseAccounts, make

ADMIN, ONE = Secret("stores/it/admin"), Secret("stores/it/one")
VALUES = {ADMIN.path: "admin-password", ONE.path: "one-password"}
WANTED = DatabaseAccounts("it", ADMIN, (("one", ONE),), roles=True)


class Server:
    """A MongoDB as far as its users go: SCRAM-SHA-256, and the first user from nearby."""

    def __init__(self, *, honest: bool = True) -> None:
        self.users: dict[tuple[str, str], dict[str, Any]] = {}
        self.commands: list[str] = []
        self.honest = honest
        self.held: dict[str, list[dict[str, Any]]] = {}
        self.full = False
        self._rest: list[dict[str, Any]] = []
        self._said, self._logged_in = b"", False

    def hear(self, raw: bytes) -> bytes:
        command = bson.decode(raw[21:])
        self.commands.append(next(iter(command)))
        try:
            answered = {"ok": 1.0, **getattr(self, f"_{self.commands[-1]}")(command)}
        except PermissionError as error:
            answered = {"ok": 0.0, "errmsg": str(error), "code": error.errno}
        body = b"\0\0\0\0\0" + bson.encode(answered)
        return (16 + len(body)).to_bytes(4, "little") + bytes(12) + body

    def _salted(self) -> bytes:
        known = self.users.get(("admin", "tarmac"), {"pwd": "nobody's"})
        return hashlib.pbkdf2_hmac("sha256", known["pwd"].encode(), b"salt", 4096)

    def _listCollections(self, command: dict[str, Any]) -> dict[str, Any]:  # noqa: N802 - as above
        assert self._logged_in
        named = [{"name": name, "type": "collection"} for name in (*self.held, "system.views")]
        return {"cursor": {"id": 0, "ns": "it.$cmd", "firstBatch": named}}

    def _find(self, command: dict[str, Any]) -> dict[str, Any]:
        first, self._rest = self.held[command["find"]][:2], self.held[command["find"]][2:]
        return {"cursor": {"id": 2**40 if self._rest else 0, "firstBatch": first}}

    def _getMore(self, command: dict[str, Any]) -> dict[str, Any]:  # noqa: N802 - as above
        assert (command["getMore"], command["collection"]) == (2**40, "users")
        batch, self._rest = self._rest[:2], self._rest[2:]
        return {"cursor": {"id": 2**40 if self._rest else 0, "nextBatch": batch}}

    def _delete(self, command: dict[str, Any]) -> dict[str, Any]:
        assert command["deletes"] == [{"q": {}, "limit": 0}]
        self.held[command["delete"]] = []
        return {"n": 1}

    def _insert(self, command: dict[str, Any]) -> dict[str, Any]:
        if self.full:
            return {"n": 0, "writeErrors": [{"index": 0, "code": 1, "errmsg": "the disk is full"}]}
        self.held[command["insert"]] += command["documents"]
        return {"n": len(command["documents"])}

    def _saslStart(self, command: dict[str, Any]) -> dict[str, Any]:  # noqa: N802 - the command's
        first = command["payload"].decode().removeprefix("n,,")
        nonce = first.split("r=")[1] + "more"
        challenge = f"r={nonce},s={base64.b64encode(b'salt').decode()},i=4096"
        self._said = f"{first},{challenge},c=biws,r={nonce}".encode()
        return {"conversationId": 7, "done": False, "payload": challenge.encode()}

    def _saslContinue(self, command: dict[str, Any]) -> dict[str, Any]:  # noqa: N802 - as above
        assert command["conversationId"] == 7
        if not command["payload"]:
            return {"conversationId": 7, "done": True, "payload": b""}
        proof = base64.b64decode(command["payload"].decode().split(",p=")[1])
        key = hmac.new(self._salted(), b"Client Key", "sha256").digest()
        signature = hmac.new(hashlib.sha256(key).digest(), self._said, "sha256").digest()
        expected = bytes(a ^ b for a, b in zip(key, signature, strict=True))
        if ("admin", "tarmac") not in self.users or proof != expected:
            raise PermissionError(18, "Authentication failed.")
        self._logged_in = True
        own = hmac.new(self._salted(), b"Server Key", "sha256").digest()
        theirs = hmac.new(own, self._said if self.honest else b"", "sha256").digest()
        return {"conversationId": 7, "done": False, "payload": b"v=" + base64.b64encode(theirs)}

    def _createUser(self, command: dict[str, Any]) -> dict[str, Any]:  # noqa: N802 - as above
        if self.users and not self._logged_in:
            raise PermissionError(13, "requires authentication")
        name = (command["$db"], command["createUser"])
        if name in self.users:
            raise PermissionError(51003, f"User {name} already exists")
        self.users[name] = command
        return {}

    def _updateUser(self, command: dict[str, Any]) -> dict[str, Any]:  # noqa: N802 - as above
        assert self._logged_in
        self.users[command["$db"], command["updateUser"]] = command
        return {}


def tell(server: Server, wanted: DatabaseAccounts = WANTED) -> None:
    """Have a server make users."""
    carry_out(server, make(wanted))


def carry_out(server: Server, dialogue: Any) -> Any:
    """Carry a dialogue out; answers come in small pieces."""
    said, answers = next(dialogue), bytearray()
    try:
        while True:
            if isinstance(said, Secret):
                said = dialogue.send(VALUES[said.path].encode())
                continue
            answers += server.hear(said) if said else b""
            piece, answers = bytes(answers[:40]), answers[40:]
            said = dialogue.send(piece)
    except StopIteration as ended:
        return ended.value


def test_every_document_is_kept_and_put_back_whatever_is_in_it():
    server = Server()
    tell(server)
    users = [{"_id": n, "at": bson.Timestamp(n, 1), "re": bson.Regex("a")} for n in range(250)]
    server.held = {"users": list(users), "empty": []}
    view = StoreContext("it", "127.0.0.1", {"main": 1}, "it", ADMIN, ())
    reset = STORE.reset
    kept = carry_out(server, reset.snapshot(view))
    server.held = {"users": [{"_id": 1}], "empty": [{"_id": 2}], "later": [{"_id": 3}]}
    server.commands.clear()
    carry_out(server, reset.restore(view, kept))
    assert server.held == {"users": users, "empty": [], "later": []}
    assert server.commands.count("insert") == 3
    server.full = True
    with pytest.raises(CommandRejected, match="the disk is full"):
        carry_out(server, reset.restore(view, kept))


def test_the_administrator_is_known_in_a_database_of_its_own():
    view = StoreContext("it", "127.0.0.1", {"main": 1}, "it", ADMIN, (User("one", ONE),))
    urls = [
        reveal(STORE.outputs["url"](view, account), VALUES)
        for account in (User(STORE.admin, ADMIN), view.users[0])
    ]
    assert urls == [
        "mongodb://tarmac:admin-password@127.0.0.1:1/it?directConnection=true&authSource=admin",
        "mongodb://one:one-password@127.0.0.1:1/it?directConnection=true",
    ]


def test_a_new_server_gets_its_administrator_and_a_user_for_one_database():
    server = Server()
    tell(server)
    assert server.users["admin", "tarmac"]["roles"] == [{"role": "root", "db": "admin"}]
    assert server.users["it", "one"]["pwd"] == "one-password"
    assert server.users["it", "one"]["roles"] == [{"role": "readWrite", "db": "it"}]


def test_a_user_that_programs_know_is_there_where_they_look_for_it_too():
    server = Server()
    known = frozenset({"one"})
    tell(server, DatabaseAccounts("it", ADMIN, (("one", ONE),), roles=True, known=known))
    assert server.users["admin", "one"]["pwd"] == "one-password"
    assert server.users["admin", "one"]["roles"] == [{"role": "readWrite", "db": "it"}]


def test_it_is_repeatable_and_renews_passwords():
    server = Server()
    tell(server)
    server.users["it", "one"]["pwd"] = "old"
    server.commands.clear()
    tell(server)
    assert server.users["it", "one"]["pwd"] == "one-password"
    assert server.commands == [
        *("saslStart", "saslContinue", "saslContinue", "createUser", "updateUser")
    ]


def test_a_server_without_roles_is_asked_for_none():
    server = Server()
    tell(server, DatabaseAccounts("it", ADMIN, (("one", ONE),), roles=False))
    assert server.users["it", "one"]["roles"] == []


def test_another_administrators_password_is_refused_and_nothing_is_made():
    server = Server()
    server.users["admin", "tarmac"] = {"pwd": "another"}
    with pytest.raises(CommandRejected, match="requires authentication"):
        tell(server)
    assert list(server.users) == [("admin", "tarmac")]


def test_a_server_that_does_not_know_the_password_itself_is_no_server_of_ours():
    server = Server(honest=False)
    with pytest.raises(CommandRejected, match="does not know the administrator's password"):
        tell(server)


def test_what_is_written_is_bson_and_what_servers_answer_is_read():
    command = {"a": "ü", "b": [{"c": 1}, b"\0\1"], "d": True, "$db": "x"}
    assert document(command) == bson.encode(command)
    assert bson.decode(message(command)[21:]) == command
    values = {
        "ok": 1.0,
        "text": "ü",
        "list": [1, 2**40, {"x": None}],
        "bytes": b"ab",
        "yes": True,
        "id": bson.ObjectId(),
        "at": bson.Timestamp(1, 2),
        "when": bson.datetime.datetime(2026, 1, 1),
    }
    body = bytes(21) + bson.encode(values)
    raw = len(body).to_bytes(4, "little") + body[4:]
    reading = answer(bytearray())
    next(reading)
    with pytest.raises(StopIteration) as ended:
        reading.send(raw)
    skipped = {"id": None, "at": None, "when": None}
    assert ended.value.value == {**values, **skipped}


def test_a_value_of_an_unknown_type_is_reported_and_none_is_written():
    with pytest.raises(CommandRejected, match="type 0x13"):
        _bson._value(0x13, b"", 0)
    with pytest.raises(TypeError, match="x: float is not written here"):
        document({"x": 1.5})


def launches() -> list[Launch]:
    view = StoreContext("it", "127.0.0.1", {"main": 1}, "it", ADMIN, (User("one", ONE),))
    offer = ProviderCandidate(
        "", {"server": ("/bin/x",), "docker": ("/bin/docker",)}, "8.0", image="mongo:8"
    )
    return [provider.launch(view, offer, False) for provider in STORE.providers]


def test_every_provider_asks_for_the_administrators_and_each_users_secret():
    for launch in launches():
        assert {ADMIN, ONE} <= set(secrets_of(launch))


def test_mongod_reads_its_settings_as_yaml_and_asks_everybody_for_a_password():
    binary = launches()[0]
    (file,) = binary.files
    settings = yaml.safe_load(reveal(file.content, {}))
    assert settings["net"] == {
        "bindIp": "127.0.0.1",
        "port": 1,
        "unixDomainSocket": {"enabled": False},
    }
    assert settings["security"] == {"authorization": "enabled"}
    assert settings["storage"]["dbPath"] == "{folder}"
    assert settings["storage"]["wiredTiger"]["engineConfig"]["cacheSizeGB"] == 0.25


@pytest.mark.parametrize(
    ("provider", "version", "said"),
    [
        ("binary", "6.0.1", "past its end of life"),
        ("binary", "8.0.4", ""),
        ("docker", "8", ""),
        ("ferretdb", "1.24.0", "both may succeed"),
    ],
)
def test_what_differs_from_a_mongodb_of_today_is_noted(provider, version, said):
    note = next(candidate.note for candidate in STORE.providers if candidate.id == provider)
    assert (
        (said in note(ProviderCandidate(provider, {}, version)))
        if said
        else not note(ProviderCandidate("", {}, "8.0"))
    )


def test_the_first_ferretdb_that_needs_more_than_itself_does_not_count():
    ferretdb = next(provider for provider in STORE.providers if provider.id == "ferretdb")
    program = ferretdb.programs["server"]
    assert program.takes((1, 24, 0))
    assert not program.takes((2, 0, 0))
    assert not program.takes((1, 9))
