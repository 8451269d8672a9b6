"""The facts of one side, from the model and the plan of one environment.

A field of the plan that has no kind of its own here is a fact all the same (`other`): what is
rendered comes from the plan alone, so no difference of the rendered files can be missed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tarmac.change.compare.change import Difference, Fact, Facts, Key, Verb
from tarmac.change.compare.cloud_facts import cloud_values, permission_values
from tarmac.model.location import Path
from tarmac.model.system import System
from tarmac.plan import callers
from tarmac.plan.cluster import ClusterPlan, Workload
from tarmac.plan.ports import BROKER

#: Fields of the plan that become facts below; `settings` are facts field by field.
PLAN = {"system", "environment", "settings", "owner", "domain", "namespace", "model"}
PLAN |= {"workloads", "managed", "allowed", "externals"}
#: What each environment says of itself is told of itself; objectives are the model's.
PLAN |= {"environments", "objectives", "delivery"}
#: What `cloud_facts` lists.
PLAN |= {"cloud", "roles"}
#: What follows from edges and scales, and from stores on managed servers.
PLAN |= {"connects", "setups"}
#: How a store is asked follows from its kind.
PLAN |= {"asked", "catalogue"}
WORKLOAD = {"name", "role", "about", "image", "place", "ports", "env", "scale", "resources"}
WORKLOAD |= {
    "user",
    "live",
    "ready",
    "metrics",
    "drain_s",
    "grace_s",
    "stop_signal",
    "after_start",
    "before_stop",
    "stop_command",
    "argv",
    "files",
    "volumes",
}
WORKLOAD |= {"routes", "once", "sources", "parts"}
#: What follows from edges, routes and `trust`.
WORKLOAD |= {"caller_tokens", "caller_keys"}
#: What follows from variables.
WORKLOAD |= {"timing"}
TRUST = "trust"
#: Settings that are reported by their effect on workloads, by the kind of fact that reports them.
TOLD_BY = {
    "version": ("image",),
    "images": ("image",),
    "registry": ("image",),
    "replicas": ("scale",),
    "resources": ("resources",),
    "servers": ("store",),
    "broker": ("store",),
    "env": ("variable",),
    "stores": ("resources", "other"),
    "infrastructure": ("cloud", "permission"),
}


@dataclass(frozen=True)
class StoreFacts:
    """A store: what it is, and where."""

    kind: str
    version: str
    #: The server that the cloud manages; empty: in the cluster.
    server: str
    #: Without its tag; empty where the cloud manages it.
    image: str = ""


@dataclass(frozen=True)
class Side:
    """One environment of a system on one side."""

    system: System
    plan: ClusterPlan

    @property
    def names(self) -> frozenset[str]:
        """Its workloads' names."""
        return frozenset(workload.name for workload in self.plan.workloads)

    def place(self, *path: str | int) -> str:
        """Find where the model says something of this environment; else where it begins."""
        return str(self.system.locate(("environments", self.plan.environment, *path), key=True))


@dataclass(frozen=True)
class ComparedFact:
    """A difference and both of its sides, as a judge gets it."""

    difference: Difference
    before: Side
    after: Side

    @property
    def key(self) -> Key:
        """What it is about."""
        return self.difference.key

    @property
    def verb(self) -> Verb:
        """Whether it was added, removed or changed."""
        return self.difference.verb

    @property
    def values(self) -> tuple[Any, Any]:
        """Both values; None where there is none."""
        return self.difference.values


def facts(side: Side) -> Facts:
    """List the facts of one environment."""
    return dict(_facts(side))


def _facts(side: Side) -> Iterator[tuple[Key, Fact]]:
    plan = side.plan
    yield from _settings(side)
    for workload in plan.workloads:
        yield from _workload(side, workload)
    yield from _stores(side)
    ports: dict[tuple[str, str], list[int]] = {}
    for edge in plan.allowed:
        ports.setdefault((edge.source, edge.target), []).append(edge.port)
    for edge in plan.allowed:
        if edge.source == "world":  # the routes say it
            continue
        if edge.target_role == "external":
            where = side.system.locate(("services", edge.source, "externals", edge.target))
            yield Key("egress", edge.source, edge.target), Fact(edge.port, str(where))
            continue
        on = tuple(sorted(ports[edge.source, edge.target]))
        yield Key("edge", edge.target, edge.source), Fact((edge.target_role, on), edge.place)
    for name, hosts in plan.externals.items():
        place = str(side.system.locate(("externals", name), key=True))
        yield Key("external", name), Fact(tuple(sorted(hosts)), place)
    yield from _model(side.system)
    for name, value, path in cloud_values(plan):
        yield Key("cloud", plan.system, name), Fact(value, side.place("infrastructure", *path))
    for user, what, given in permission_values(plan):
        place = side.place("infrastructure", "roles", user)
        yield Key("permission", user, what), Fact(given, place)
    for field in dataclasses.fields(plan):
        if field.name not in PLAN:
            yield Key("other", plan.system, field.name), Fact(repr(getattr(plan, field.name)))


def _settings(side: Side) -> Iterator[tuple[Key, Fact]]:
    plan, system = side.plan, side.system.name
    owner = str(side.system.locate(("owner",), key=True))
    yield Key("setting", system, "owner"), Fact(plan.owner, owner)
    yield Key("setting", system, "domain"), Fact(plan.domain, side.place("domain"))
    yield Key("setting", system, "namespace"), Fact(plan.namespace, side.place("namespace"))
    for name, value in plan.settings:
        # What a second region is made of is told of the first one's environment.
        if name in ("domain", "namespace") or (
            name == "infrastructure" and plan.settings.standby_of
        ):
            continue
        if name == "quota":
            for resource, most in value.items():
                yield (
                    Key("quota", system, resource),
                    Fact(str(most), side.place("quota", resource)),
                )
        elif name == "ingress":
            for key, setting in value:
                yield Key("ingress", system, key), Fact(setting, side.place("ingress", key))
        else:
            yield Key("setting", system, name), Fact(value, side.place(name))


def _workload(side: Side, workload: Workload) -> Iterator[tuple[Key, Fact]]:
    name, place = workload.name, workload.place
    if workload.role == "service":
        yield Key("service", name), Fact(workload.role, place)
        settings = side.plan.settings
        own = ("images", name) if name in settings.images else ("version",)
        yield Key("image", name), Fact(workload.image, side.place(*own))
    yield from _numbers(side, workload)
    for port, number in workload.ports.items():
        where = side.system.locate(("services", name, "ports", port), key=True)
        found = str(where) if workload.role == "service" else place
        yield Key("port", name, port), Fact(number, found)
    for variable, setting in workload.env.items():
        if setting.origin == callers.ORIGIN:
            continue  # edges and routes say it
        yield Key("variable", name, variable), Fact(setting.value, setting.origin)
    for probe, asked in (("liveness", workload.live), ("readiness", workload.ready)):
        if asked is not None:
            yield Key("probe", name, probe), Fact(asked, place)
    for volume, folder in workload.volumes.items():
        where = side.system.locate(("services", name, "volumes", volume), key=True)
        yield Key("volume", name, volume), Fact(folder, place if _kept(workload) else str(where))
    for file in workload.files:
        yield Key("file", name, file.path), Fact(file.content, place)
    for route in workload.routes:
        where = side.system.locate(("services", name, "public"), key=True)
        for path in route.paths:
            yield Key("route", name, path), Fact((route.host, route.port), str(where))
    for once in workload.once:
        where = side.system.locate(("services", name, "tasks", once.name), key=True)
        found = place if _kept(workload) else str(where)
        if once.schedule:
            yield Key("schedule", name, once.name), Fact(once.schedule, found)
        env, files = tuple(sorted(once.env.items())), tuple(once.files)
        yield Key("task", name, once.name), Fact((once.argv, env, files), found)


def _numbers(side: Side, workload: Workload) -> Iterator[tuple[Key, Fact]]:
    """Yield the single values of a workload."""
    name, place, resources = workload.name, workload.place, workload.resources
    yield Key("scale", name), Fact(workload.scale, side.place("replicas"))
    given = {
        f"{resource} {kind}": str(amount)
        for kind, amounts in (("request", resources.requests), ("limit", resources.limits))
        for resource, amount in amounts.items()
    }
    yield Key("resources", name), Fact(given, side.place("resources"))
    yield Key("user", name), Fact(workload.user, place)
    yield (
        Key("shutdown", name),
        Fact((workload.drain_s, workload.grace_s, workload.stop_signal), place),
    )
    for hook in (workload.after_start, workload.before_stop, workload.stop_command):
        if hook is not None:
            yield Key("hook", name, hook.name), Fact((hook.argv, hook.within_s), place)
    if workload.metrics:
        yield Key("metrics", name), Fact(workload.metrics, place)
    if workload.role == "service":
        yield Key("command", name), Fact((workload.about, workload.argv), place)
        yield Key("source", name), Fact((workload.parts, workload.sources), place)
    elif workload.argv:
        yield Key("command", name), Fact((workload.about, workload.argv), place)
    for field in dataclasses.fields(workload):
        if field.name not in WORKLOAD:
            value = repr(getattr(workload, field.name))
            yield Key("other", name, field.name), Fact(value, place)


def _stores(side: Side) -> Iterator[tuple[Key, Fact]]:
    file, plan = side.system.file, side.plan
    broker = plan.settings.broker or file.broker
    for workload in plan.stores:
        asked = broker if workload.name == BROKER else file.stores[workload.name]
        image, _, tag = workload.image.rpartition(":")
        kind = asked.kind if asked else workload.about
        yield Key("store", workload.name), Fact(StoreFacts(kind, tag, "", image), workload.place)
    for managed in plan.managed:
        asked = broker if managed.name == BROKER else file.stores[managed.name]
        path: Path = (BROKER,) if managed.name == BROKER else ("stores", managed.name)
        kept = StoreFacts(managed.kind, (asked and asked.version) or "", managed.server)
        place = str(side.system.locate(path, key=True))
        yield Key("store", managed.name), Fact(kept, place)
        yield Key("managed port", managed.name), Fact(managed.port, place)


def _model(system: System) -> Iterator[tuple[Key, Fact]]:
    """Yield the edges and objectives of the model, the same in every environment."""
    for name, service in system.file.services.items():
        place = str(system.locate(("services", name, "trust"), key=True))
        yield Key("other", name, TRUST), Fact(service.trust, place)
        for target, call in service.calls.items():
            place = str(system.locate(("services", name, "calls", target), key=True))
            yield Key("call", name, target), Fact((call.timeout, call.retries), place)
        for how, topics in (("publishes", service.publishes), ("consumes", service.consumes)):
            place = str(system.locate(("services", name, how), key=True))
            for topic in topics:
                yield Key("topic", name, f"{how} {topic}"), Fact(True, place)
    for number, promise in enumerate(system.file.objectives):
        place = str(system.locate(("objectives", number)))
        what = f"{promise.latency:g} s" if promise.latency else "availability"
        share = promise.percent if promise.latency else promise.availability
        window = f"{promise.window / 86400:g}d"
        yield Key("objective", promise.service, f"{what} over {window}"), Fact(share, place)
        for order, alert in enumerate(promise.alerts):
            where = str(system.locate(("objectives", number, "alerts", order)))
            asked = f"{alert.of} over {alert.over:g} s below {alert.below:g} for {alert.for_:g} s"
            told = f"{asked}, {alert.severity}, {alert.team or system.file.owner}"
            yield Key("other", promise.service, f"alert {alert.name}"), Fact(told, where)
    for field, value in system.file.delivery or ():
        place = str(system.locate(("delivery", field)))
        yield Key("other", system.name, f"delivery's {field}"), Fact(repr(value), place)


def _kept(workload: Workload) -> bool:
    return workload.role != "service"
