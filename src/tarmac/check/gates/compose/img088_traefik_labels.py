"""Labels for Traefik lead to an entry point that it has, of services that it looks at."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.foreign.reading import dig, fields, places
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.entries import labels_of, listed
from tarmac.check.gates.views.compose.files import compose_files
from tarmac.check.gates.views.compose.services import ComposeService
from tarmac.check.gates.views.compose.traefik import SETTINGS, entry_points, place_of, version_of
from tarmac.check.gates.views.scope import counted_in_files

_HIDDEN = re.compile(r"(?i)exposedbydefault[\"']?[=:\s]+[\"']?false")
_ROUTER = re.compile(r"traefik\.(http|tcp|udp)\.routers\.([^.]+)\.(entrypoints|rule)")
#: A host or a path without the marks that a rule wants around it.
_BARE = re.compile(r"\b(Host|HostSNI|PathPrefix|Path)\(\s*(?![`\"'*\\])([^)\s]+?)\s*\)")


class RouterLabel(NamedTuple):
    """A service with a label for a router, and the Traefik of the same files."""

    service: ComposeService
    label: str
    value: str
    proxy: ComposeService


def check(files: Files) -> Iterator[Finding]:
    """Yield labels that lead nowhere."""
    told = set[int]()
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
        if id(service) not in told and _is_hidden(proxy) and "traefik.enable" not in labels:
            told.add(id(service))
            what = f"service {service.name} has labels for {proxy.name}, which looks at none"
            said = f"{what} without traefik.enable (exposedByDefault is false): it is not reached"
            yield Finding(service.at("labels"), f"{said}; add traefik.enable=true")


def _entries(proxy: ComposeService) -> set[str]:
    """List the entry points that its own arguments and variables name; none where a file may."""
    mounted = [*proxy.mounted, *map(str, listed(dig(proxy.data, "volumes")))]
    texts = _told(proxy)
    if any(map(SETTINGS.search, [*mounted, *texts])) or "configs" in fields(proxy.data):
        return set()
    return entry_points(texts)


def _told(proxy: ComposeService) -> list[str]:
    """List its arguments and variables, each as `name=value`."""
    arguments = [text for _, text in places(dig(proxy.data, "command"))]
    return [*arguments, *(f"{name}={value}" for name, value in proxy.environment.items())]


def _is_hidden(proxy: ComposeService) -> bool:
    return any(map(_HIDDEN.search, _told(proxy)))


def _routed(files: Files) -> Iterator[RouterLabel]:
    for beside in compose_files(files):
        proxies = [one for one in beside.services if version_of(one) is not None]
        is_one = len({one.name for one in proxies}) == 1 and beside.is_whole
        if not is_one or 1 in map(version_of, proxies):
            continue
        for service in beside.services:
            same = [one for one in beside.services if one.name == service.name]
            labels = labels_of(dig(service.data, "labels"))
            is_off = labels.get("traefik.enable", "true").lower() == "false"
            for label, value in labels.items() if not is_off and len(same) == 1 else ():
                if _ROUTER.fullmatch(label):
                    yield RouterLabel(service, label, str(value), proxies[0])


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
