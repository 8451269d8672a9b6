"""What a Kafka holds once it is set up: every topic that its users need, and what each may do.

Made for the kind `kafka`, which has it said to the broker. Names of topics are those of
`tarmac_kit.bus.kafka`, which makes what is missing elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from tarmac.base.launch import Secret
from tarmac.catalog.stores.kind import MONITOR, StoreContext, User

ADMIN = "tarmac"
#: Where a group puts what it could not handle.
ASIDE = ("retry", "parked")
#: As many replicas of a service share a topic as there are zones; messages of different keys are
#: handled beside each other within a partition, too.
PARTITIONS = 3

Resource = Literal["topic", "group", "cluster", "transactional-id"]
Operation = Literal["all", "read", "write", "create", "describe", "describe-configs"]


@dataclass(frozen=True)
class Grant:
    """One rule: what a user may do with which topic or group."""

    user: str
    resource: Resource
    name: str
    operation: Operation
    #: The rule is for all names that begin so.
    prefix: bool = False


@dataclass(frozen=True)
class BrokerAcl:
    """Everything that a broker is set up with."""

    admin: str
    password: Secret
    #: Partitions by topic, in pairs.
    topics: tuple[tuple[str, int], ...]
    #: Whatever rule it has beside these goes.
    grants: tuple[Grant, ...]


def wanted(context: StoreContext) -> BrokerAcl:
    """List what the users of a broker need."""
    topics: dict[str, int] = {}
    grants: dict[Grant, None] = {}
    for user in context.users:
        topics |= dict.fromkeys((*user.publishes, *user.consumes), PARTITIONS)
        for place in ASIDE:
            topics |= dict.fromkeys((f"{place}.{group}.{topic}" for group, topic in user.taken), 1)
        grants |= dict.fromkeys(_of_foreign(user) if user.foreign else _of_kit(user))
    if context.monitor is not None:
        # Names, sizes and positions; no message.
        watching: tuple[Resource, ...] = ("topic", "group")
        grants |= {Grant(MONITOR, resource, "*", "describe"): None for resource in watching}
    return BrokerAcl(ADMIN, context.admin, tuple(sorted(topics.items())), tuple(grants))


def _of_kit(user: User) -> Iterator[Grant]:
    """Hold a service to its topics and its parts' groups."""
    for topic in user.publishes:
        yield Grant(user.role, "topic", topic, "write")
    for topic in user.consumes:
        yield Grant(user.role, "topic", topic, "read")
    for group in sorted({user.service, *(group for group, _ in user.taken)}):
        yield Grant(user.role, "group", group, "read")
    for group, topic in user.taken:
        for place in ASIDE:
            yield Grant(user.role, "topic", f"{place}.{group}.{topic}", "read")
            yield Grant(user.role, "topic", f"{place}.{group}.{topic}", "write")


def _of_foreign(user: User) -> Iterator[Grant]:
    """Let another program name its groups and topics after itself, beside those that it lists.

    Of one that lists no topics nothing is known, so it may use everything.
    """
    everything = not (user.publishes or user.consumes)
    own: tuple[Resource, ...] = ("topic", "group", "transactional-id")
    for resource in own:
        if everything:
            yield Grant(user.role, resource, "*", "all")
        else:
            yield Grant(user.role, resource, user.service, "all", prefix=True)
    may: tuple[Operation, ...] = ("create", "describe", "describe-configs")
    for operation in may if everything else may[1:2]:
        yield Grant(user.role, "cluster", "kafka-cluster", operation)
    for topic in user.publishes:
        yield Grant(user.role, "topic", topic, "write")
        yield Grant(user.role, "topic", topic, "describe-configs")
    for topic in user.consumes:
        yield Grant(user.role, "topic", topic, "read")
        yield Grant(user.role, "topic", topic, "describe-configs")
