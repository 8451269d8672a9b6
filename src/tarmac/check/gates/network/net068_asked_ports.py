"""Pods ask a Service for a port that it has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import dig, fields, items, number, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.marks import is_mark
from tarmac.check.gates.views.network.asked_hosts import AskedHost, asked_hosts
from tarmac.check.gates.views.objects.metadata import name_of, space_of, title
from tarmac.check.gates.views.scope import counted_in_files

#: Of so many ports a reader is told.
_SHOWN = 6


def check(files: Files) -> Iterator[Finding]:
    """Yield addresses with a port that no Service of that name has."""
    services = _services(files)
    said = set[tuple[str, str, int]]()
    for one in asked_hosts(files):
        found = services.get((one.space or space_of(one.own.artifact), one.name), [])
        ports = _ports(found)
        place = (one.where, one.name, one.port or 0)
        if one.port is None or not ports or one.port in ports or place in said:
            continue
        if not one.is_written and any(str(port) in str(one.own.spec.data) for port in ports):
            continue  # it may be told the port by itself
        said.add(place)
        has = ", ".join(map(str, sorted(ports)[:_SHOWN]))
        what = f"{title(one.own.artifact)} asks for {one.name} at port {one.port}, and Service"
        advice = f"write {has}" if len(ports) == 1 else "write one of them"
        yield Finding(one.where, f"{what} {one.name} has {has}: nothing answers; {advice}")


def _services(files: Files) -> Mapping[tuple[str, str], list[Artifact]]:
    """List the Services of each name; none of names that something else gives ports."""
    found: dict[tuple[str, str], list[Artifact]] = {}
    for one in files.objects("Service"):
        found.setdefault((space_of(one), name_of(one)), []).append(one)
    made = {string(one.data, "spec", "targetRef", "name") for one in files.objects("Canary")}
    return {key: own for key, own in found.items() if key[1] not in made}


def _ports(services: list[Artifact]) -> set[int]:
    """List the ports of Services; none where one of them has others than are written."""
    found = set[int]()
    for one in services:
        spec = fields(one.data, "spec")
        numbers = [number(port, "port") for port in items(spec, "ports")]
        # Names of a headless Service are those of pods, which answer at any port of theirs.
        is_open = spec.get("clusterIP") == "None" or string(spec, "type") == "ExternalName"
        if is_open or None in numbers or is_mark(str(dig(spec, "ports"))):
            return set()
        found |= {port for port in numbers if port is not None}
    return found


def _judged(files: Files) -> Iterator[AskedHost]:
    services = _services(files)
    for one in asked_hosts(files):
        if (one.space or space_of(one.own.artifact), one.name) in services:
            yield one


GATE = Gate(
    id="NET068",
    title="Pods ask a Service for a port that it has",
    phase="kubernetes",
    source="https://kubernetes.io/docs/concepts/services-networking/service: clients use `port`, "
    "and pods listen on `targetPort`",
    check=check,
    of_files=check,
    scope=counted_in_files("addresses of Services that are here", _judged),
    targets=("cluster",),
    reads="addresses in variables, ConfigMaps and arguments of pods, and pairs such as DB_HOST and "
    "DB_PORT, beside the ports of Services. Headless Services, and those that Flagger makes, are "
    "left out.",
)
