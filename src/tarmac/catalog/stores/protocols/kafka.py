"""Kafka's protocol without I/O, as far as setting a broker up and emptying it needs it.

The kind `kafka` names these functions; `local` carries them out. Only versions of requests that
have been there since 2.4 and are there in 4: their layout has no tagged fields yet.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from tarmac.base.launch import Secret, Text, text
from tarmac.catalog.stores.kind import ProtocolScript, StoreContext, StoreReset
from tarmac.catalog.stores.protocols.dialogue import CommandRejected
from tarmac.catalog.stores.setup.kafka_acl import ADMIN, BrokerAcl, Grant

#: Key and version of what is asked here.
_METADATA, _HANDSHAKE, _API_VERSIONS = (3, 1), (17, 1), (18, 0)
_CREATE_TOPICS, _DELETE_RECORDS, _AUTHENTICATE = (19, 4), (21, 1), (36, 0)
_DESCRIBE_ACLS, _CREATE_ACLS, _DELETE_ACLS = (29, 1), (30, 1), (31, 1)

_ALREADY_THERE = 36
_RESOURCES = {"topic": 2, "group": 3, "cluster": 4, "transactional-id": 5}
_OPERATIONS = {"all": 2, "read": 3, "write": 4, "create": 5, "describe": 8, "describe-configs": 10}
_ANY, _LITERAL, _PREFIXED, _ALLOW = 1, 3, 4, 3
_TIMEOUT_MS = 8000
#: Where groups stand. It is never synced by itself: what a power cut takes of it is handled again,
#: and messages that no consumer waits for are not a reason to wait for the disk.
POSITIONS, NEVER = "__consumer_offsets", str(2**63 - 1)
#: To the end of what a partition holds now.
_ALL_RECORDS = -1

#: A rule as the broker has it: resource, name, pattern, principal, host, operation, permission.
Rule = tuple[int, str, int, str, str, int, int]


def _frame(api: tuple[int, int], number: int, body: bytes) -> bytes:
    payload = struct.pack("!hhih", *api, number, -1) + body
    return struct.pack("!i", len(payload)) + payload


#: A client's first question, answered before its login, and how its answer begins.
HELLO, HEARD = _frame(_API_VERSIONS, 7, b""), b"\0\0\0\x07\0\0"


def set_up(wanted: BrokerAcl) -> ProtocolScript:
    """Make the topics that are missing, and have the rules be the wanted ones and no others."""
    ask = _Asking()
    yield from ask.login(wanted.admin, wanted.password)
    answer = yield from ask(_CREATE_TOPICS, _topics(wanted))
    answer.take("i")
    for _ in range(answer.count()):
        name, error, why = answer.string(), answer.take("h"), answer.string()
        if error not in (0, _ALREADY_THERE):
            raise CommandRejected(f"topic '{name}': {why or error}")
    has = yield from _rules(ask)
    needs = {_rule(grant) for grant in wanted.grants}
    if more := sorted(needs - has):
        answer = yield from ask(_CREATE_ACLS, _array(map(_encoded, more)))
        answer.take("i")
        for _ in range(answer.count()):
            _check(answer)
    if surplus := sorted(has - needs):
        answer = yield from ask(_DELETE_ACLS, _array(map(_encoded, surplus)))
        answer.take("i")
        for _ in range(answer.count()):
            _check(answer)
            for _ in range(answer.count()):
                _check(answer)
                answer.take("b")
                answer.string()
                answer.take("b")
                for _ in range(2):
                    answer.string()
                answer.take("h")
    # The controller has stored them; the part that answers clients sees them a moment later.
    while (yield from _rules(ask)) != needs:
        pass
    while not {name for name, _ in wanted.topics} <= (yield from _topics_of(ask)).keys():
        pass


def emptying(port: str) -> StoreReset:
    """Put a broker back: each topic is emptied; groups stay where they are, behind the last."""

    def nothing_to_keep(_: StoreContext) -> ProtocolScript:
        return ()
        yield b""

    return StoreReset(
        port,
        nothing_to_keep,
        lambda context, _: _empty(context),
        "the records of every topic are deleted; topics, rights and groups stay",
    )


def _empty(context: StoreContext) -> ProtocolScript:
    ask = _Asking()
    yield from ask.login(ADMIN, context.admin)
    partitions = yield from _topics_of(ask)
    if not partitions:
        return
    asked = (
        _string(topic) + _array(struct.pack("!iq", number, _ALL_RECORDS) for number in numbers)
        for topic, numbers in partitions.items()
    )
    answer = yield from ask(_DELETE_RECORDS, _array(asked) + struct.pack("!i", _TIMEOUT_MS))
    answer.take("i")
    for _ in range(answer.count()):
        topic = answer.string()
        for _ in range(answer.count()):
            number, _, error = answer.take("i"), answer.take("q"), answer.take("h")
            if error:
                raise CommandRejected(f"topic '{topic}', partition {number}: error {error}")


class _Asking:
    """One connection: asks, and reads the answer to that."""

    def __init__(self) -> None:
        self._heard = bytearray()
        self._numbers = itertools.count(1)

    def __call__(
        self, api: tuple[int, int], body: bytes | None = None, said: Text = ()
    ) -> Generator[Text | bytes, bytes, _Answer]:
        number = next(self._numbers)
        if body is not None:
            self._heard += yield _frame(api, number, body)
        else:
            self._heard += yield said
        while True:
            while len(self._heard) < 4 or len(self._heard) < 4 + self._size():
                self._heard += yield b""
            end = 4 + self._size()
            answer = _Answer(bytes(self._heard[4:end]))
            del self._heard[:end]
            if answer.take("i") == number:
                return answer

    def _size(self) -> int:
        return int(struct.unpack_from("!i", self._heard)[0])

    def login(self, user: str, password: Secret) -> ProtocolScript:
        """Log in. A secret's text has a known length; each character stands for a byte."""
        answer = yield from self(_HANDSHAKE, _string("PLAIN"))
        if error := answer.take("h"):
            raise CommandRejected(f"PLAIN is not offered (error {error})")
        before = f"\0{user}\0"
        size = len(before) + 2 * password.size_bytes
        head = _frame(_AUTHENTICATE, 2, struct.pack("!i", size))
        whole = struct.pack("!i", len(head) - 4 + size) + head[4:]
        answer = yield from self(
            _AUTHENTICATE, said=text(whole.decode("latin-1"), before, password)
        )
        if answer.take("h"):
            raise CommandRejected(answer.string() or "the administrator's password is refused")


@dataclass
class _Answer:
    """What was answered, read field by field."""

    content: bytes
    at: int = 0

    def take(self, layout: str) -> int:
        found = struct.unpack_from(f"!{layout}", self.content, self.at)[0]
        self.at += struct.calcsize(f"!{layout}")
        return int(found)

    def count(self) -> int:
        return max(0, self.take("i"))

    def string(self) -> str:
        size = max(0, self.take("h"))
        self.at += size
        return self.content[self.at - size : self.at].decode()


def _string(value: str) -> bytes:
    encoded = value.encode()
    return struct.pack("!h", len(encoded)) + encoded


def _array(items: Iterable[bytes]) -> bytes:
    encoded = list(items)
    return struct.pack("!i", len(encoded)) + b"".join(encoded)


def _topics(wanted: BrokerAcl) -> bytes:
    topics = [_topic(name, count) for name, count in wanted.topics]
    topics.append(_topic(POSITIONS, 1, {"cleanup.policy": "compact", "flush.messages": NEVER}))
    return _array(topics) + struct.pack("!i?", _TIMEOUT_MS, False)


def _topic(name: str, partitions: int, settings: Mapping[str, str] = MappingProxyType({})) -> bytes:
    written = (_string(key) + _string(value) for key, value in settings.items())
    return _string(name) + struct.pack("!ihi", partitions, 1, 0) + _array(written)


def _rule(grant: Grant) -> Rule:
    return (
        _RESOURCES[grant.resource],
        grant.name,
        _PREFIXED if grant.prefix else _LITERAL,
        f"User:{grant.user}",
        "*",
        _OPERATIONS[grant.operation],
        _ALLOW,
    )


def _encoded(rule: Rule) -> bytes:
    """Write a rule, or a filter that only this rule passes: their layouts are the same."""
    resource, name, pattern, principal, host, operation, permission = rule
    return (
        struct.pack("!b", resource)
        + _string(name)
        + struct.pack("!b", pattern)
        + _string(principal)
        + _string(host)
        + struct.pack("!bb", operation, permission)
    )


def _rules(ask: _Asking) -> Generator[Text | bytes, bytes, set[Rule]]:
    everything = struct.pack("!bhbhhbb", _ANY, -1, _ANY, -1, -1, _ANY, _ANY)
    answer = yield from ask(_DESCRIBE_ACLS, everything)
    answer.take("i")
    error, why = answer.take("h"), answer.string()
    if error:
        raise CommandRejected(f"rules: {why or error}")
    found: set[Rule] = set()
    for _ in range(answer.count()):
        resource, name, pattern = answer.take("b"), answer.string(), answer.take("b")
        for _ in range(answer.count()):
            principal, host = answer.string(), answer.string()
            operation, permission = answer.take("b"), answer.take("b")
            found.add((resource, name, pattern, principal, host, operation, permission))
    return found


def _check(answer: _Answer) -> None:
    error, why = answer.take("h"), answer.string()
    if error:
        raise CommandRejected(f"rule: {why or error}")


def _topics_of(ask: _Asking) -> Generator[Text | bytes, bytes, dict[str, list[int]]]:
    """Ask for every topic that is not the broker's own, with its partitions."""
    answer = yield from ask(_METADATA, struct.pack("!i", -1))
    for _ in range(answer.count()):
        answer.take("i")
        answer.string()
        answer.take("i")
        answer.string()
    answer.take("i")
    found: dict[str, list[int]] = {}
    for _ in range(answer.count()):
        answer.take("h")
        topic, internal = answer.string(), answer.take("b")
        numbers = []
        for _ in range(answer.count()):
            answer.take("h")
            numbers.append(answer.take("i"))
            answer.take("i")
            for _ in range(2):
                for _ in range(answer.count()):
                    answer.take("i")
        if not internal:
            found[topic] = numbers
    return found
