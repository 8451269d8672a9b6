"""Routes of Istio send to subsets and hosts that exist, with weights of 100 together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property

from tarmac.base.artifact import Artifact
from tarmac.base.errors import did_you_mean
from tarmac.base.foreign.reading import Fields, Path, dig, fields, items, mappings
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.monitoring.durations import duration_s
from tarmac.check.gates.views.objects.indexes import MOST_COMPARED, Neighbours, PodIndex
from tarmac.check.gates.views.objects.metadata import metadata, name_of, space_of, title
from tarmac.check.gates.views.objects.selectors import selects
from tarmac.check.gates.views.pods.pods import pods
from tarmac.check.gates.views.scope import kinds

Fault = tuple[Path, str]
#: A host, and some of its subsets.
Hosts = tuple[str, Iterable[str]]
WHOLE = 100


def check(files: Files) -> Iterator[Finding]:
    """Yield subsets and hosts that are not there, and routes that contradict themselves."""
    if not files.objects("VirtualService", "DestinationRule"):
        return
    near = Near(files)
    for artifact in files.objects("VirtualService"):
        for path, what in route_faults(near, artifact):
            yield Finding(artifact.at(*path), f"{title(artifact)} {what}")
    for artifact in files.objects("DestinationRule"):
        for path, what in rule_faults(near, artifact):
            yield Finding(artifact.at(*path), f"{title(artifact)} {what}")


class Near:
    """What is applied beside a route or a rule."""

    def __init__(self, files: Files) -> None:
        self.pods = PodIndex(pods(files))
        self._objects = {
            kind: Neighbours(files.objects(kind), lambda one: one)
            for kind in ("Service", "DestinationRule", "VirtualService")
        }
        self._services: dict[str, list[Artifact]] = {}
        for service in self._objects["Service"].things:
            self._services.setdefault(name_of(service), []).append(service)
        self._read: dict[tuple[str, int], dict[str, dict[str, None]]] = {}

    def named(self, host: str, space: str) -> list[Artifact]:
        """List the Services of a name in a namespace."""
        return [one for one in self._services.get(host, ()) if space_of(one) == space]

    def services(self, artifact: Artifact) -> dict[str, dict[str, None]]:
        """Give the names of the Services that are near an object, without more of them."""
        return self._once("Service", artifact, lambda one: [(name_of(one), ())])

    def subsets(self, artifact: Artifact) -> dict[str, dict[str, None]]:
        """Give the subsets of each host that the rules near an object have."""
        return self._once("DestinationRule", artifact, _made)

    def is_ruled(self, host: str) -> bool:
        """Tell whether any rule is of a host, or of several."""
        return host in self._ruled or any("*" in one for one in self._ruled)

    @cached_property
    def _ruled(self) -> frozenset[str]:
        rules = self._objects["DestinationRule"].things
        return frozenset(_short(fields(one.data, "spec")) for one in rules)

    def used(self, artifact: Artifact) -> dict[str, dict[str, None]]:
        """Give the subsets of each host that the routes near an object send to."""
        return self._once("VirtualService", artifact, _sent)

    def _once(
        self, kind: str, artifact: Artifact, read: Callable[[Artifact], Iterable[Hosts]]
    ) -> dict[str, dict[str, None]]:
        listed = self._objects[kind].of(artifact)
        found = self._read.get((kind, id(listed)))
        if found is None:
            found = self._read[kind, id(listed)] = {}
            for host, subsets in (pair for one in listed for pair in read(one)):
                found.setdefault(host, {}).update(dict.fromkeys(subsets))
        return found


def _made(rule: Artifact) -> Iterator[Hosts]:
    yield _short(fields(rule.data, "spec")), [str(one.get("name")) for one in _subsets(rule)]


def _sent(route: Artifact) -> Iterator[Hosts]:
    for http in mappings(dig(route.data, "spec", "http")):
        for end in (fields(one, "destination") for one in mappings(http.get("route"))):
            yield _short(end), [str(end["subset"])] if "subset" in end else []


def route_faults(near: Near, artifact: Artifact) -> Iterator[Fault]:
    """Yield what is wrong with a VirtualService."""
    hosts = [str(host) for host in items(artifact.data, "spec", "hosts")]
    if "*" in hosts and not items(artifact.data, "spec", "gateways"):
        yield ("spec", "hosts"), "applies to every host of the mesh; name its own"
    services = near.services(artifact)
    for number, host in enumerate(hosts):
        if services and host not in services and "." not in host and host != "*":
            what = f"is of the host {host}, and no Service is called so"
            likely = did_you_mean(host, list(services)[:MOST_COMPARED])
            yield ("spec", "hosts", number), f"{what}; {likely}"
    rules = near.subsets(artifact)
    for number, route in enumerate(mappings(dig(artifact.data, "spec", "http"))):
        here: Path = ("spec", "http", number)
        ends = mappings(route.get("route"))
        weights = [end.get("weight") or 0 for end in ends]
        if len(ends) > 1 and all(isinstance(one, int) for one in weights) and sum(weights) != WHOLE:
            yield (*here, "route"), f"has weights of {sum(weights)} together; write {WHOLE} in all"
        for place, end in enumerate(ends):
            sent = fields(end, "destination")
            yield from _subset((*here, "route", place), sent, rules)
            host, subset = _short(sent), sent.get("subset")
            if subset and host in services and not near.is_ruled(host):
                what = f"sends to the subset {subset} of {host}, and no DestinationRule is of that"
                at: Path = (*here, "route", place, "destination")
                yield at, f"{what} host: each request is answered by 503; add one with the subset"
        yield from _tries(here, route)


def _subset(path: Path, end: Fields, rules: dict[str, dict[str, None]]) -> Iterator[Fault]:
    host, subset = _short(end), str(end.get("subset") or "")
    known = list(rules.get(host, ()))
    if subset and host in rules and subset not in known:
        what = f"sends to the subset {subset} of {host}, which no DestinationRule has"
        yield (
            (*path, "destination"),
            f"{what}; {did_you_mean(subset, known) if known else 'add it'}",
        )
    elif known and not subset:
        what = f"sends to all of {host}, whose DestinationRule has the subsets {', '.join(known)}"
        yield (*path, "destination"), f"{what}; name one"


def _tries(path: Path, route: Fields) -> Iterator[Fault]:
    tries = fields(route, "retries")
    number, whole = tries.get("attempts"), duration_s(route.get("timeout"))
    each_s = duration_s(tries.get("perTryTimeout"))
    if isinstance(number, int) and whole and each_s and each_s * number > whole:
        what = f"tries {number} times for {tries['perTryTimeout']}, longer than its timeout"
        yield (*path, "retries"), f"{what} of {route['timeout']}; raise that, or try less"
    if number == 0 and (told := tries.keys() & {"perTryTimeout", "retryOn"}):
        what = f"has {' and '.join(sorted(told))} beside 0 attempts, so nothing is tried again"
        yield (*path, "retries", "attempts"), f"{what}; write attempts, or remove them"


def rule_faults(near: Near, artifact: Artifact) -> Iterator[Fault]:
    """Yield what is wrong with a DestinationRule."""
    host = _short(fields(artifact.data, "spec"))
    if host == "*":
        yield ("spec", "host"), "applies to every host of the mesh; name its own"
    used = near.used(artifact).get(host, ())
    for number, subset in enumerate(_subsets(artifact)):
        if used and str(subset.get("name")) not in used:
            what = f"has the subset {subset.get('name')}, to which no VirtualService sends"
            yield ("spec", "subsets", number), f"{what}; remove it, or send to it"
    for service in near.named(host, space_of(artifact)):
        if not (chosen := fields(service.data, "spec", "selector")):
            continue
        own = near.pods.selected({"matchLabels": chosen})
        own = [one for one in own if metadata(one.artifact).namespace == space_of(service)]
        for number, subset in enumerate(_subsets(artifact) if own else ()):
            labels = fields(subset, "labels")
            if not any(selects({"matchLabels": labels}, one.labels) for one in own):
                what = f"has the subset {subset.get('name')}, whose labels no pod of {host} has"
                yield ("spec", "subsets", number), f"{what}; write labels of a pod template"


def _subsets(rule: Artifact) -> list[Fields]:
    return mappings(dig(rule.data, "spec", "subsets"))


def _short(data: Fields) -> str:
    """Take the first label of a host: the name of a Service."""
    host = str(data.get("host"))
    return host.partition(".")[0] if ".svc" in host or "." not in host else host


GATE = Gate(
    id="MSH003",
    title="Routes of Istio send to subsets and hosts that exist",
    phase="mesh",
    source="https://istio.io/latest/docs/reference/config/analysis: a route to a subset that no "
    "DestinationRule has answers 503, and the API server takes it",
    check=check,
    of_files=check,
    scope=kinds("routes and rules of Istio", "VirtualService", "DestinationRule"),
    targets=("cluster",),
    reads="VirtualService and DestinationRule objects beside the Services and pods of their "
    "namespace in these files; hosts of other namespaces are not checked.",
)  # fmt: skip
