"""Labels for Traefik lead to an entry point that it has, of services that it looks at."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.foreign.reading import dig
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.entries import labels_of
from tarmac.check.gates.views.compose.services import ComposeService
from tarmac.check.gates.views.compose.traefik import (
    TraefikLabel,
    entry_points,
    is_told_more,
    place_of,
    told,
    traefik_labels,
)
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

_HIDDEN = re.compile(r"(?i)exposedbydefault[\"']?[=:\s]+[\"']?false")
_ROUTER = re.compile(r"traefik\.(http|tcp|udp)\.routers\.([^.]+)\.(entrypoints|rule)")
#: A host or a path without the marks that a rule wants around it.
_BARE = re.compile(r"\b(Host|HostSNI|PathPrefix|Path)\(\s*(?![`\"'*\\])([^)\s]+?)\s*\)")


def check(files: Files) -> Iterator[Finding]:
    """Yield labels that lead nowhere."""
    said_of = set[int]()
    for one in _routed(files):
        service, label, value, proxy = one
        where = place_of(service, label)
        kind = label.rpartition(".")[2].lower()
        entries = _entries(proxy)
        unknown = [name for name in re.split(r"\s*,\s*", value) if name and name not in entries]
        if kind == "entrypoints" and entries and unknown and "$" not in value:
            what = f"service {service.name} is for the entry point {unknown[0]}, which"
            said = f"{what} {proxy.name} does not have: its router is dropped; choose one of:"
            yield Finding(where, f"{said} {', '.join(sorted(entries))}")
        if kind == "rule" and (bare := _BARE.search(value)) and "$" not in value:
            what = f"service {service.name} has the rule {bare[0]}, which Traefik cannot read: its"
            marks = f"{bare[1]}(`{bare[2]}`)"
            yield Finding(where, f"{what} router is dropped; write {marks}")
        labels = labels_of(dig(service.data, "labels"))
        if id(service) not in said_of and _is_hidden(proxy) and "traefik.enable" not in labels:
            said_of.add(id(service))
            what = f"service {service.name} has labels for {proxy.name}, which looks at none"
            said = f"{what} without traefik.enable (exposedByDefault is false): it is not reached"
            yield Finding(service.at("labels"), f"{said}; add traefik.enable=true")


def _entries(proxy: ComposeService) -> set[str]:
    """List the entry points that its own arguments and variables name; none where a file may."""
    return set() if is_told_more(proxy) else entry_points(told(proxy))


def _is_hidden(proxy: ComposeService) -> bool:
    return any(map(_HIDDEN.search, told(proxy)))


@once
def _routed(files: Files) -> Iterator[TraefikLabel]:
    yield from (one for one in traefik_labels(files) if _ROUTER.fullmatch(one.label))


GATE = Gate(
    id="IMG088",
    title="Labels for Traefik lead to an entry point that it has",
    phase="containers",
    source="https://doc.traefik.io/traefik/routing/routers: a router whose entry point or rule is "
    "not known is dropped with an error in the log",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("labels for routers of Traefik", _routed),
    targets=("compose",),
    reads="entry points and rules of routers in labels, beside the arguments and variables of the "
    "one Traefik in the same files; not what a configuration file tells it.",
)
