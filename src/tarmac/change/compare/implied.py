"""Differences that follow from another one: a new service's variables, a moved port's addresses.

Each rule names what says it; without that the difference is told by itself.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from tarmac.base.launch import Text, redact
from tarmac.change.compare.change import Difference
from tarmac.change.compare.facts import TOLD_BY, Side
from tarmac.model import conventions
from tarmac.plan.ports import BROKER

#: What is reported of a workload that is on one side only; all else came or went with it.
OF_ITS_OWN = ("service", "store", "route", "volume", "egress", "permission")


#: The variables that a service gets of each call.
CALL_SUFFIXES = (
    conventions.URL_SUFFIX,
    conventions.TIMEOUT_SUFFIX,
    conventions.RETRIES_SUFFIX,
)


class DifferenceIndex:
    """All differences of an environment, by what they are about."""

    def __init__(self, every: Iterable[Difference], before: Side, after: Side) -> None:
        self.every = tuple(every)
        self.before, self.after = before, after
        self.by_what: dict[str, list[Difference]] = {}
        self._about: dict[tuple[str, str], list[Difference]] = {}
        #: What gives a service variables: its edges and calls.
        self.makers: dict[str, list[Difference]] = {}
        #: What moves an address, there and back.
        self.moves: list[Difference] = []
        for difference in self.every:
            what, subject = difference.key.what, difference.key.subject
            self.by_what.setdefault(what, []).append(difference)
            self._about.setdefault((what, subject), []).append(difference)
            if what in ("edge", "call"):
                source = difference.key.name if what == "edge" else subject
                self.makers.setdefault(source, []).append(difference)
            if difference.verb == "changed" and (
                what in ("port", "route") or _is_domain(difference)
            ):
                self.moves.append(difference)
        self.replaced = replaced(self.every)
        self.back = [dataclasses.replace(move, old=move.new, new=move.old) for move in self.moves]
        #: Workloads on one side only.
        self.partial = before.names ^ after.names
        #: Workloads and managed stores that are on one side only.
        self.single = _things(before) ^ _things(after)

    def about(self, what: str, subject: str) -> Iterator[Difference]:
        """Yield the differences of one kind and subject."""
        return iter(self._about.get((what, subject), ()))


def not_implied(every: Iterable[Difference], before: Side, after: Side) -> tuple[Difference, ...]:
    """Leave out differences that follow from others."""
    others = DifferenceIndex(every, before, after)
    return tuple(difference for difference in others.every if not _is_implied(difference, others))


def replaced(every: Iterable[Difference]) -> frozenset[str]:
    """List the stores that are of another kind, so that nothing of their workload is the same."""
    return frozenset(
        difference.key.subject
        for difference in every
        if difference.key.what == "store"
        and difference.verb == "changed"
        and difference.values[0].kind != difference.values[1].kind
    )


def _things(side: Side) -> frozenset[str]:
    return side.names | {store.name for store in side.plan.managed}


def _is_implied(found: Difference, others: DifferenceIndex) -> bool:
    what, subject = found.key.what, found.key.subject
    if what == "edge":
        return _edge(found, others)
    if subject in others.partial and what not in OF_ITS_OWN:
        return True
    if subject in others.replaced and what not in (*OF_ITS_OWN, "scale", "resources"):
        return True
    if what == "volume" and subject in others.partial:
        # A store's own line says what happens to its data.
        return found.verb == "added" or any(others.about("store", subject))
    rule = RULES.get(what)
    return rule is not None and rule(found, others)


def _edge(found: Difference, others: DifferenceIndex) -> bool:
    target = found.key.subject
    if target in others.single:
        return True
    if found.verb != "changed":
        return False
    was, now = (len(value[1]) for value in found.values)
    moved = was == now and any(others.about("port", target))
    return moved or any(others.about("store", target))


def _route(found: Difference, others: DifferenceIndex) -> bool:
    """Tell whether only the port of the service is another one."""
    if found.verb != "changed":
        return False
    same = found.values[0][0] == found.values[1][0]
    return same and any(others.about("port", found.key.subject))


def _call(found: Difference, others: DifferenceIndex) -> bool:
    """Tell whether the call is a new edge, or was the only reason of one that is gone."""
    edges = others.about("edge", found.key.name)
    return found.verb != "changed" and any(e.key.name == found.key.subject for e in edges)


def _schedule(found: Difference, others: DifferenceIndex) -> bool:
    """Tell whether the task itself came or went."""
    tasks = others.about("task", found.key.subject)
    return any(e.key.name == found.key.name and e.verb == found.verb != "changed" for e in tasks)


def _setting(found: Difference, others: DifferenceIndex) -> bool:
    if found.key.name == "domain":
        return any(other.verb == "changed" for other in others.by_what.get("route", ()))
    return any(what in others.by_what for what in TOLD_BY.get(found.key.name, ()))


def _external(found: Difference, others: DifferenceIndex) -> bool:
    edges = (other.key.name for other in others.by_what.get("egress", ()))
    return found.verb != "changed" and found.key.subject in edges


def _managed_port(found: Difference, others: DifferenceIndex) -> bool:
    return any(others.about("store", found.key.subject))


def _of_store(found: Difference, others: DifferenceIndex) -> bool:
    """Tell whether a store is only set up for other users or topics."""
    subject = found.key.subject
    if subject in others.before.system.file.services:
        return False
    users = any(others.about("edge", subject)) or any(others.about("store", subject))
    return users or (subject == BROKER and "topic" in others.by_what)


def _sized(found: Difference, others: DifferenceIndex) -> bool:
    """Tell whether only the size of a store's server differs, which its own line says."""
    subject = found.key.subject
    if subject in others.before.system.file.services:
        return False
    numbers = any(other.key.name == "connections" for other in others.about("other", subject))
    return numbers or any(others.about("resources", subject))


def _store_file(found: Difference, others: DifferenceIndex) -> bool:
    return _of_store(found, others) or _sized(found, others)


def _probe(found: Difference, others: DifferenceIndex) -> bool:
    """Tell whether a probe only follows its port."""
    was, now = found.values
    port = getattr(was, "port", None)
    return (
        now is not None
        and port is not None
        and any(
            other.values[0] == port
            and other.new is not None
            and dataclasses.replace(was, port=other.new.value) == now
            for other in others.about("port", found.key.subject)
        )
    )


def _metrics(found: Difference, others: DifferenceIndex) -> bool:
    return any(found.values == other.values for other in others.about("port", found.key.subject))


def _variable(found: Difference, others: DifferenceIndex) -> bool:
    service, name = found.key.subject, found.key.name
    was, now = found.values
    if name in ("PUBLISHES", "CONSUMES") and any(others.about("topic", service)):
        return not _is_own(found, others)
    if was is not None and now is not None:
        before, after = redact(was), redact(now)
        there = _follows(before, after, service, others.moves)
        if there and _follows(after, before, service, others.back):
            return True
    if _is_own(found, others):
        return False
    if service not in others.before.system.file.services:
        return _of_store(found, others)
    makers = (*others.makers.get(service, ()), *others.by_what.get("store", ()))
    return any(_makes(maker, found, others) for maker in makers)


def _is_own(found: Difference, others: DifferenceIndex) -> bool:
    """Tell whether the model gives the variable itself, on a side that has it."""
    service, name = found.key.subject, found.key.name
    for fact, side in ((found.old, others.before), (found.new, others.after)):
        file = side.system.file
        if fact is None or service not in file.services:
            continue
        here = file.environments[side.plan.environment].env.get(service, {})
        if name in file.services[service].env or name in file.env or name in here:
            return True
    return False


def _makes(other: Difference, found: Difference, others: DifferenceIndex) -> bool:
    """Tell whether a variable is one that the plan gives with an edge, a call or a store."""
    values = [value for value in found.values if value is not None]
    if other.key.what == "store":
        return all(_names(value, other.key.subject) for value in values)
    if other.verb != found.verb:
        return False
    if other.key.what == "call":
        return _is_of_call(found.key.name, other.key.name, others)
    return all(_names(value, other.key.subject) for value in values)


def _is_of_call(variable: str, target: str, others: DifferenceIndex) -> bool:
    """Tell whether a variable is one that the plan gives with a call, by name or by role."""
    roles = {role for side in (others.before, others.after) for role in side.system.roles(target)}
    return any(
        variable == conventions.env_prefix(name) + suffix
        for name in (target, *roles)
        for suffix in CALL_SUFFIXES
    )


def _names(value: Text, thing: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(thing)}(?![\w-])", redact(value)) is not None


def _follows(before: str, after: str, service: str, others: Iterable[Difference]) -> bool:
    """Tell whether only an address in a value moved, as a port, host or domain did."""
    if before == after:  # another secret of the same name
        return False
    for other in others:
        old, new = other.values
        if other.key.what == "port":
            own = before == str(old) and after == str(new) and other.key.subject == service
            name = re.escape(other.key.subject)
            moved = re.sub(rf"(?<![\w-])({name}):{old}(?!\d)", rf"\g<1>:{new}", before)
            if own or moved == after:
                return True
            before = moved
        else:
            old, new = (old, new) if _is_domain(other) else (old[0], new[0])
            before = re.sub(rf"(?<![\w-]){re.escape(old)}(?![\w-])", new, before)
            if before == after:
                return True
    return False


def _is_domain(found: Difference) -> bool:
    return (found.key.what, found.key.name) == ("setting", "domain")


RULES: Mapping[str, Callable[[Difference, DifferenceIndex], bool]] = {
    "setting": _setting,
    "route": _route,
    "call": _call,
    "schedule": _schedule,
    "external": _external,
    "managed port": _managed_port,
    "task": _of_store,
    "file": _store_file,
    "command": _sized,
    "probe": _probe,
    "metrics": _metrics,
    "variable": _variable,
}
