"""Services of Compose files reach each other, and their checks ask programs that are there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from tarmac.base.foreign.reading import Path, dig, fields, items
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.entries import listed
from tarmac.check.gates.views.compose.files import ComposeFiles, compose_files, waited
from tarmac.check.gates.views.compose.lookups import heard, lookups, official
from tarmac.check.gates.views.compose.ports import asked_twice, outer_ports
from tarmac.check.gates.views.compose.services import ComposeService
from tarmac.check.gates.views.compose.shared import sharing
from tarmac.check.gates.views.marks import is_mark
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files

Fault = tuple[Path, str]
_ADDRESS = re.compile(r"(?<![\w.@/-])(?:\w+://(?:[^\s/@]*@)?)?([a-z][\w-]*):(\d{2,5})(?![\w.:-])")
#: Modes in which a service has no network of its own.
_SHARED = ("host", "none", "service:", "container:")


def check(files: Files) -> Iterator[Finding]:
    """Yield calls that reach nothing, ports that two ask for, and checks that cannot run."""
    for beside in compose_files(files):
        yield from asked_twice(beside)
        #: A file of variables may be of many services, and is wrong once.
        alike: dict[tuple[str, str], list[str]] = {}
        for service in beside.services:
            faults = (*_calls(service, beside), *_asked(service), *_unheard(service, beside))
            for path, what in faults:
                alike.setdefault((service.at(*path), what), []).append(service.name)
            others = [one for one in beside.services if one.name != service.name]
            # What has its network from this one is itself for it.
            is_joined = any(_mode(one) == f"service:{service.name}" for one in others)
            if not is_joined and not _mode(service).startswith(_SHARED):
                yield from lookups(service, others)
        for (where, what), (name, *more) in alike.items():
            also = f" (and {', '.join(more)})" if more else ""
            yield Finding(where, f"service {name}{also} {what}")


def _calls(service: ComposeService, beside: ComposeFiles) -> Iterator[Fault]:
    """Yield addresses of other services that lead nowhere."""
    others = {one.name: one for one in beside.services if one.name != service.name}
    if _mode(service).startswith(_SHARED):
        return
    for path, text in service.texts:
        for host, port in _ADDRESS.findall(text):
            other = others.get(host)
            if other is None or _mode(other).startswith(_SHARED):
                continue
            own, its = beside.networks(service), beside.networks(other)
            # A file of variables may be of several services, of which one calls it.
            alike = sharing(service, path, beside.services)
            is_apart = not own & its and not any(beside.networks(one) & its for one in alike)
            # Variables that all services have may name one that is not started with them.
            is_apart = is_apart and not _profiles(other) - _profiles(service)
            if is_apart and beside.is_whole and not any(map(is_mark, own | its)):
                what = f"calls {host}, with which it shares no network ({_told(own)}, {_told(its)})"
                yield path, f"{what}; give both one"
                return
            outer = [
                key[1] for entry in listed(dig(other.data, "ports")) for key in outer_ports(entry)
            ]
            listens = heard(other)
            if port in outer and listens and int(port) not in listens:
                what = f"calls {host}:{port}, which is the port of the host; inside of the network "
                yield path, f"{what}{host} listens on {', '.join(map(str, sorted(listens)))}"


def _unheard(service: ComposeService, beside: ComposeFiles) -> Iterator[Fault]:
    """Yield services that wait for themselves, and ports at which an image does not listen."""
    found = waited(service.name, beside)
    ring = [name for name in found if {name, service.name} <= waited(name, beside)]
    if service.name in found and service.name == min(ring):
        what = f"waits for itself, by {', '.join(sorted({*ring} - {service.name})) or 'its name'}"
        yield ("depends_on",), f"{what}: nothing of these starts; remove one from `depends_on`"
    known = published("compose")["images"].get(official(service), {}).get("ports", [])
    # By these a server may be told another port, or more of them.
    told = {"command", "entrypoint", "configs", "extends"} & fields(service.data).keys()
    told |= {"env_file"} if service.settings.is_open else set()
    told |= {one for one in service.mounted if re.search(r"conf|/etc|plugin|\$", one)}
    for number, port in enumerate(service.ports if known and not told else ()):
        is_moved = str(port) in str(service.environment)
        if isinstance(port, int) and port not in known and not is_moved:
            there = ", ".join(map(str, known))
            there += ", which is published" if {*service.ports} & {*known} else ""
            what = f"publishes its port {port}, at which {official(service)} does not listen"
            yield ("ports", number), f"{what}; it listens on {there}"


def _mode(service: ComposeService) -> str:
    return str(dig(service.data, "network_mode") or "")


def _profiles(service: ComposeService) -> set[str]:
    return set(map(str, items(service.data, "profiles")))


def _told(names: set[str]) -> str:
    return " and ".join(sorted(names))


def _asked(service: ComposeService) -> Iterator[Fault]:
    """Yield checks by a program that the image does not have."""
    image = published("compose")["images"].get(official(service))
    tag = str(service.image or "").rpartition(":")[2]
    if image is None or "$" in str(service.image):
        return
    major = re.match(r"\d+", tag)
    if major and int(major[0]) < image.get("from", 0):
        return
    lacks = image.get("alpine", image["lacks"]) if "alpine" in tag else image["lacks"]
    test: Any = dig(service.data, "healthcheck", "test")
    words = _program(test)
    for word in words:
        if word in lacks:
            what = (
                f"is checked by {word}, which {official(service)} does not have, so it is unhealthy"
            )
            yield ("healthcheck", "test"), f"{what} for ever; ask by what it has: {image['has']}"
            return


def _program(test: Any) -> list[str]:
    """List the programs that a check runs first in each of its commands."""
    if isinstance(test, list) and test and test[0] == "CMD":
        return [str(test[1]).rpartition("/")[2]] if len(test) > 1 else []
    text = str(test[1]) if isinstance(test, list) and len(test) > 1 else str(test or "")
    try:
        words = ["&&", *shlex.split(text.replace(";", " ; "))]
    except ValueError:
        return []
    # Behind `||` is what is tried where the first one is not there.
    return (
        [one for sign, one in pairwise(words) if sign in ("&&", ";")]
        if "||" not in text or (words[-2:] == ["exit", "1"] or words[-1] in ("false", "1"))
        else []
    )


def _judged(files: Files) -> Iterator[object]:
    for beside in compose_files(files):
        yield from beside.services


GATE = Gate(
    id="IMG016",
    title="Services of Compose files reach each other, and can be checked",
    phase="containers",
    source="https://docs.docker.com/compose/how-tos/networking: services of other networks are not "
    "found by name, and a published port is one of the host; a check by a program that the image "
    "lacks never passes, and what waits for it never starts",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("services of Compose files", _judged),
    targets=("compose",),
    reads="addresses in variables, those of `env_file` and `.env` on disk among them, beside "
    "`networks` and `ports`; `healthcheck` beside what official images have, by "
    "assets/published.yaml.",
)
