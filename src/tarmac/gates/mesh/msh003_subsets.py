"""Routes of Istio send to subsets and hosts that are there, with weights of 100 together."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.artifact import Artifact
from tarmac.errors import did_you_mean
from tarmac.foreign.reading import Fields, Path, dig, fields, items, mappings
from tarmac.gates.gate import Gate
from tarmac.gates.subject import Files
from tarmac.gates.views.durations import duration_s
from tarmac.gates.views.leniency import lenient
from tarmac.gates.views.objects.metadata import may_meet, metadata, name_of, space_of, title
from tarmac.gates.views.objects.pods import Pods, pods
from tarmac.gates.views.objects.selectors import selects
from tarmac.gates.views.scope import kinds
from tarmac.report import Finding

Fault = tuple[Path, str]
WHOLE = 100


def check(files: Files) -> Iterator[Finding]:
    """Yield subsets and hosts that are not there, and routes that contradict themselves."""
    for artifact in files.objects("VirtualService"):
        for path, what in route_faults(files, artifact):
            yield Finding(artifact.at(*path), f"{title(artifact)} {what}")
    kept = list(pods(files)) if files.objects("DestinationRule") else []
    for artifact in files.objects("DestinationRule"):
        for path, what in rule_faults(files, artifact, kept):
            yield Finding(artifact.at(*path), f"{title(artifact)} {what}")


def route_faults(files: Files, artifact: Artifact) -> Iterator[Fault]:
    """Yield what is wrong with a VirtualService."""
    hosts = [str(host) for host in items(artifact.data, "spec", "hosts")]
    if "*" in hosts and not items(artifact.data, "spec", "gateways"):
        yield ("spec", "hosts"), "takes every host that the mesh calls; name its own"
    services = [name_of(one) for one in files.objects("Service") if may_meet(one, artifact)]
    for number, host in enumerate(hosts):
        if services and host not in services and "." not in host and host != "*":
            what = f"is of the host {host}, and no Service is called so"
            yield ("spec", "hosts", number), f"{what}; {did_you_mean(host, services)}"
    rules = [one for one in files.objects("DestinationRule") if may_meet(one, artifact)]
    for number, route in enumerate(mappings(dig(artifact.data, "spec", "http"))):
        here: Path = ("spec", "http", number)
        ends = mappings(route.get("route"))
        weights = [end.get("weight") or 0 for end in ends]
        if len(ends) > 1 and all(isinstance(one, int) for one in weights) and sum(weights) != WHOLE:
            yield (*here, "route"), f"has weights of {sum(weights)} together; write {WHOLE} in all"
        for place, end in enumerate(ends):
            yield from _subset((*here, "route", place), fields(end, "destination"), rules)
        yield from _tries(here, route)


def _subset(path: Path, end: Fields, rules: list[Artifact]) -> Iterator[Fault]:
    host, subset = _short(end), str(end.get("subset") or "")
    own = [rule for rule in rules if _short(fields(rule.data, "spec")) == host]
    known = [str(one.get("name")) for rule in own for one in _subsets(rule)]
    if subset and own and subset not in known:
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


def rule_faults(files: Files, artifact: Artifact, kept: list[Pods]) -> Iterator[Fault]:
    """Yield what is wrong with a DestinationRule."""
    host = _short(fields(artifact.data, "spec"))
    if host == "*":
        yield ("spec", "host"), "is of every host that the mesh calls; name its own"
    routes = [one for one in files.objects("VirtualService") if may_meet(one, artifact)]
    ends = [
        fields(end, "destination")
        for one in routes
        for route in mappings(dig(one.data, "spec", "http"))
        for end in mappings(route.get("route"))
    ]
    used = {str(end["subset"]) for end in ends if _short(end) == host and "subset" in end}
    for number, subset in enumerate(_subsets(artifact)):
        if used and str(subset.get("name")) not in used:
            what = f"has the subset {subset.get('name')}, to which no VirtualService sends"
            yield ("spec", "subsets", number), f"{what}; remove it, or send to it"
    for service in files.objects("Service"):
        chosen = fields(service.data, "spec", "selector")
        if name_of(service) != host or space_of(service) != space_of(artifact) or not chosen:
            continue
        own = [one for one in kept if selects({"matchLabels": chosen}, one.labels)]
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
    title="Routes of Istio send to subsets and hosts that are there",
    phase="mesh",
    source="https://istio.io/latest/docs/reference/config/analysis: a route to a subset that no "
    "DestinationRule has answers 503, and the API server takes it",
    check=check,
    of_files=lenient(
        check, "no Service is called", "weights of", "to which no Virtual", "every host",
        "longer than its timeout", "sends to all of",
    ),
    scope=kinds("routes and rules of Istio", "VirtualService", "DestinationRule"),
    targets=("cluster",),
    reads="VirtualService and DestinationRule objects beside the Services and pods of their "
    "namespace in these files; hosts of other namespaces are not looked for.",
)  # fmt: skip
