"""Takes out of what was found the parts that `up` would refuse, each with the reason.

`tarmac init` calls it with what a plan of the written file says. Pure: a part is named by the
place of its line, and what it was stays in the file as a remark.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from tarmac.adopt.survey.found import Service, Store, Survey
from tarmac.base.errors import BadInput, Problem
from tarmac.model.yaml_nodes import Node, YamlMapping, YamlScalar, YamlSequence, compose

#: Keys of a service that it can do without, and how it is without them.
_FIELDS: Mapping[str, Mapping[str, Any]] = {
    "probe": {"probe": "", "grpc_health": False},
    "volumes": {"volumes": {}},
    "watch": {"watch": ()},
    "after_start": {"after_start": ""},
    "before_stop": {"before_stop": ""},
    "stop": {"stop_signal": "", "stop_grace_s": 0.0},
}
#: The same of a store.
_TRAITS: Mapping[str, Mapping[str, Any]] = {
    "init": {"init": ()},
    "shared": {"shared": False},
    "passwordless": {"passwordless": False},
    "database": {"database": ""},
    "version": {"version": ""},
    "provider": {"provider": ""},
    "local": {"known": None},
}


def repaired(found: Survey, text: str, problems: Iterable[Problem]) -> Survey:
    """Leave out what the problems are about; what has no part of its own stays.

    Args:
        text: the file that was written of it, in which the problems have their places.
    """
    try:
        written = compose(text, "")
    except BadInput:
        return found
    for problem in problems:
        found = _without(found, _path(written, problem.where), problem.what)
    return found


def _path(written: Node | None, where: str) -> tuple[str, ...]:
    """Find the key that stands at a place: the last one that begins there or before."""
    _, _, rest = where.rpartition("tarmac.yaml:")
    numbers = rest.split(":")[:2]
    if len(numbers) < 2 or not all(number.isdigit() for number in numbers):
        return ()
    place = int(numbers[0]), int(numbers[1])
    best: tuple[tuple[int, int], tuple[str, ...]] = ((0, 0), ())
    todo: list[tuple[Node | None, tuple[str, ...]]] = [(written, ())]
    while todo:
        node, path = todo.pop()
        pairs = node.pairs if isinstance(node, YamlMapping) else []
        inner: list[tuple[Node, Node, str]]
        inner = [(k, v, k.text) for k, v in pairs if isinstance(k, YamlScalar)]
        if isinstance(node, YamlSequence):
            inner = [(item, item, str(index)) for index, item in enumerate(node.items)]
        for key, value, step in inner:
            at = key.line, key.column
            if best[0] <= at <= place:
                best = at, (*path, step)
            todo.append((value, (*path, step)))
    return best[1]


def _without(found: Survey, path: tuple[str, ...], why: str) -> Survey:
    match path:
        case ("stores", name, key, *_) if key in _TRAITS:
            stores = (_plain(s, key, why) if s.name == name else s for s in found.stores)
            return replace(found, stores=tuple(stores))
        case ("broker", key, *_) if key in _TRAITS and found.broker is not None:
            return replace(found, broker=_plain(found.broker, key, why))
        case ("services", name, *rest):
            service = next((s for s in found.services if s.name == name), None)
            if service is None:
                return found
            smaller = _smaller(service, tuple(rest), why)
            if smaller is not None:
                services = (smaller if s.name == name else s for s in found.services)
                return replace(found, services=tuple(services))
            left = tuple(s for s in found.services if s.name != name)
            said = f"{name} (`{service.run}`): {why}"
            return replace(found, services=left, left_out=(*found.left_out, said))
    return found


def _plain(store: Store, key: str, why: str) -> Store:
    remarks = (*store.remarks, f"left out, `{key}`: {why}")
    return replace(replace(store, **_TRAITS[key]), remarks=remarks)


def _smaller(service: Service, path: tuple[str, ...], why: str) -> Service | None:
    """Leave one part of a service out; None where it cannot do without it."""
    match path:
        case ("env", name, *_):
            env = {key: value for key, value in service.env.items() if key != name}
            return _remarked(replace(service, env=env), f"{name}: {service.env.get(name)}", why)
        case ("secrets", index, *_) if index.isdigit():
            left = [s for number, s in enumerate(service.secrets) if number != int(index)]
            return _remarked(replace(service, secrets=tuple(left)), f"secret {index}", why)
        case ("calls", index, *_) if index.isdigit() and int(index) < len(service.calls):
            target = service.calls[int(index)]
            left = [name for name in service.calls if name != target]
            return _remarked(replace(service, calls=tuple(left)), f"calls {target}", why)
        case ("stores", name, *_):
            left = [store for store in service.stores if store != name]
            return _remarked(replace(service, stores=tuple(left)), f"uses {name}", why)
        case ("tasks", name, *_):
            tasks = {key: line for key, line in service.tasks.items() if key != name}
            said = f"task {name} (`{service.tasks.get(name)}`)"
            return _remarked(replace(service, tasks=tasks), said, why)
        case (key, *_) if key in _FIELDS:
            cleared = replace(service, **_FIELDS[key])
            return _remarked(cleared, f"`{key}`", why) if cleared != service else None
    return None


def _remarked(service: Service, what: str, why: str) -> Service:
    return replace(service, remarks=(*service.remarks, f"left out, {what}: {why}"))
