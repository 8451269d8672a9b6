"""Small mutations of valid objects: each is one change that an API server takes or refuses."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator, Mapping
from typing import Any

TEXTS = (
    "", "A_b", "x" * 64, "x" * 16, "a b", "-a", "a/b", "a.b", "../a", "/a", "1", "0",
    "*/5 * * * * *", "0 9 * * 7", "0 0 L * *", "@hourly", "61 * * * *", "TZ=UTC 0 3 * * *",
    "None", "Always", "Never", "Exists", "Recreate", "OnDelete", "Localhost", "ClusterIP", "Pods",
    "10.0.0.0/99", "1.5", "-1Gi", "2Gi", "64m",
)  # fmt: skip
NUMBERS = (-1, 0, 1, 2, 3, 101, 70000, 4000000000)
#: Fields that rule out, or require, what is beside them.
ADDED: tuple[tuple[str, Any], ...] = (
    ("maxUnavailable", 1), ("nodePort", 30081), ("clusterIP", "None"), ("privileged", True),
    ("localhostProfile", "a.json"), ("value", "x"), ("externalName", "a.example.com"),
    ("terminationGracePeriodSeconds", 5), ("livenessProbe", {"exec": {"command": ["true"]}}),
    ("nonResourceURLs", ["/healthz"]), ("podSelector", {}), ("averageValue", "1"), ("hostPort", 80),
    ("rollingUpdate", {"maxUnavailable": 1}), ("loadBalancerClass", "a/b"), ("endPort", 80),
    ("labels", {"-": "a"}), ("annotations", {"a/b/c": "a"}), ("unknownField", 1),
)  # fmt: skip
#: What an object is found by, and what is not its server's to refuse.
KEPT = (("apiVersion",), ("kind",), ("metadata",), ("metadata", "namespace"))


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield every place of an object."""
    if path:
        yield path
    parts = value.items() if isinstance(value, Mapping) else ()
    parts = enumerate(value) if isinstance(value, list) else parts
    for key, part in parts:
        yield from places(part, (*path, key))


def mutate(valid: Mapping[str, Any], chance: random.Random) -> tuple[dict[str, Any], str]:
    """Change one place of an object; return the object, and what was changed."""
    changed = copy.deepcopy(dict(valid))
    path = chance.choice([place for place in places(changed) if place not in KEPT])
    holder = changed
    for step in path[:-1]:
        holder = holder[step]  # type: ignore[index]
    value, where = holder[path[-1]], ".".join(map(str, path))
    if chance.random() < 0.15:
        del holder[path[-1]]
        return changed, f"without {where}"
    if isinstance(value, bool):
        holder[path[-1]] = not value
    elif isinstance(value, int):
        holder[path[-1]] = chance.choice(NUMBERS)
    elif isinstance(value, str):
        holder[path[-1]] = chance.choice(TEXTS)
    elif isinstance(value, list) and value:
        value.append(copy.deepcopy(chance.choice(value)))
        return changed, f"{where} with an item twice"
    elif isinstance(value, dict):
        key, added = chance.choice(ADDED)
        value[key] = added
        return changed, f"{where}.{key} added: {added}"
    return changed, f"{where}: {holder[path[-1]]}"
