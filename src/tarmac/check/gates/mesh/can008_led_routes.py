"""What leads the traffic of a Rollout has the routes, subsets and Services that it names."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.errors import did_you_mean
from tarmac.base.foreign.reading import Fields, Path, fields, items, numbered, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.indexes import place_of
from tarmac.check.gates.views.objects.metadata import kind_of, name_of, space_of, title
from tarmac.check.gates.views.objects.routes import ingress_paths
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.trials.rollouts import Rollout

_ROUTING: Path = ("spec", "strategy", "canary", "trafficRouting")
_KINDS = ("VirtualService", "DestinationRule", "Ingress")
_REFUSED = "so the controller refuses the Rollout"
There = dict[tuple[str, str], list[Artifact]]


def check(files: Files) -> Iterator[Finding]:
    """Yield Rollouts that name a route, subset or backend which is not in the object they name."""
    there: There = {}
    for artifact in files.objects(*_KINDS):
        there.setdefault((kind_of(artifact), name_of(artifact)), []).append(artifact)
    for artifact in _led(files):
        rollout = Rollout(artifact)
        routing = fields(artifact.data, *_ROUTING)
        at: Path = (*_ROUTING, "istio")
        istio = fields(routing, "istio")
        for number, own in numbered(istio, "virtualServices"):
            yield from _route(rollout, (*at, "virtualServices", number), own, there)
        if own := fields(istio, "virtualService"):
            yield from _route(rollout, (*at, "virtualService"), own, there)
        if own := fields(istio, "destinationRule"):
            yield from _subsets(artifact, (*at, "destinationRule"), own, there)
        for router, key in (("nginx", "stableIngress"), ("alb", "ingress")):
            if name := string(routing, router, key):
                yield from _backend(rollout, (*_ROUTING, router, key), name, there)


def _named(artifact: Artifact, kind: str, name: str, there: There) -> Artifact | None:
    """Find the one object that a Rollout means: of its folder, or of its namespace."""
    own, _, space = name.partition(".")
    found = there.get((kind, own), [])
    space = space or space_of(artifact)
    near = [one for one in found if place_of(one) == (space, place_of(artifact)[1])]
    near = near or [one for one in found if space and space_of(one) == space]
    return near[0] if len(near) == 1 else None


def _route(rollout: Rollout, at: Path, own: Fields, there: There) -> Iterator[Finding]:
    artifact = rollout.artifact
    led = _named(artifact, "VirtualService", string(own, "name"), there)
    if led is None:
        return
    of_http = items(led.data, "spec", "http")
    names = sorted({name for one in of_http if (name := string(one, "name"))})
    asked = [str(one) for one in items(own, "routes")]
    for number, name in enumerate(asked):
        # Of TLS and TCP alone, it is asked for other routes.
        if name not in names and of_http:
            what = f"{title(artifact)} leads its traffic by the route {name}, which {title(led)}"
            advice = did_you_mean(name, names) if names else f"write `name: {name}` in it"
            where = artifact.at(*at, "routes", number)
            yield Finding(where, f"{what} does not have, {_REFUSED}; {advice}")
    others = any(own.get(key) for key in ("tlsRoutes", "tcpRoutes"))
    if not asked and not others and len(of_http) > 1:
        what = f"{title(artifact)} names no route of {title(led)}, which has {len(of_http)}"
        yield Finding(artifact.at(*at), f"{what}, {_REFUSED}; write `routes`")
    services = [one for one in rollout.services if one]
    for route in of_http:
        is_led = string(route, "name") in asked or (not asked and len(of_http) == 1)
        hosts = [string(one, "destination", "host") for one in items(route, "route")]
        is_open = any("subset" in fields(one, "destination") for one in items(route, "route"))
        ends = {host.partition(".")[0] for host in hosts}
        lacks = [one for one in services if one not in ends]
        if is_led and not is_open and not others and lacks and len(services) > 1 and hosts:
            what = f"{title(artifact)} leads traffic by {title(led)}, whose route has no"
            where = artifact.at(*at)
            yield Finding(where, f"{what} destination {lacks[0]}, {_REFUSED}; add it")
        if asked and {*asked} <= {*names} and not is_led and len(services) > 1 and not lacks:
            name = string(route, "name") or "a route without a name"
            what = f"{title(artifact)} leads traffic by {', '.join(asked)} of {title(led)} alone,"
            why = f"and {name} has both Services as well: its weights stay as they are"
            said = f"{what} {why}; add it to `routes`"
            yield Finding(artifact.at(*at, "routes"), said, warning=True)


def _subsets(artifact: Artifact, at: Path, own: Fields, there: There) -> Iterator[Finding]:
    led = _named(artifact, "DestinationRule", string(own, "name"), there)
    names = [string(one, "name") for one in items(led.data, "spec", "subsets")] if led else []
    for key in ("canarySubsetName", "stableSubsetName"):
        name = string(own, key)
        if led is not None and name and name not in names:
            what = f"{title(artifact)} names the subset {name}, which {title(led)} does not have"
            advice = did_you_mean(name, sorted(names)) if names else "add it"
            yield Finding(artifact.at(*at, key), f"{what}, {_REFUSED}; {advice}")


def _backend(rollout: Rollout, at: Path, name: str, there: There) -> Iterator[Finding]:
    """Yield Ingresses that lead to another Service than the Rollout's, or past its weights."""
    artifact = rollout.artifact
    led = _named(artifact, "Ingress", name, there)
    root = string(artifact.data, *at[:-1], "rootService")
    service = root or string(rollout.strategy, "stableService")
    paths = list(ingress_paths(led)) if led is not None else []
    ends = {path.backend.service for path in paths}
    asked = [str(path.backend.port) for path in paths if path.backend.service == service]
    if led is not None and at[-2] == "alb" and asked and "use-annotation" not in asked:
        what = f"{title(artifact)} has its weights in an annotation of {title(led)}, which is read"
        said = f"{what} for a backend of the port use-annotation alone, and {service} has"
        advice = f"{asked[0]}: no step moves traffic; write `name: use-annotation`"
        yield Finding(artifact.at(*at), f"{said} {advice}")
    if led is not None and service and ends and not {None, service} & ends:
        found = ", ".join(sorted(map(str, ends)))
        what = (
            f"{title(artifact)} leads its traffic by {title(led)}, which has no backend {service}"
        )
        yield Finding(artifact.at(*at), f"{what} (it has {found}), {_REFUSED}; name it there")


def _led(files: Files) -> list[Artifact]:
    return [one for one in files.objects("Rollout") if fields(one.data, *_ROUTING)]


GATE = Gate(
    id="CAN008",
    title="What leads the traffic of a Rollout has the routes that it names",
    phase="mesh",
    source="https://argo-rollouts.readthedocs.io/en/stable/features/traffic-management/istio: the "
    "controller changes the weights of one route, and refuses a Rollout (InvalidSpec) for which it "
    "finds none; .../alb: the backend's port is called use-annotation",
    check=check,
    of_files=check,
    scope=counted_in_files("Rollouts whose traffic is led", _led),
    targets=("cluster",),
    reads="HTTP routes of VirtualServices, subsets of DestinationRules and backends of Ingresses "
    "that Rollouts name, where one of them is in these files.",
)
