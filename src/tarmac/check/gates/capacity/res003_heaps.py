"""What a program may keep in memory fits into its container, in pods and in Compose files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.foreign.reading import dig, fields, texts
from tarmac.base.report import Finding
from tarmac.base.written import amount
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.services import compose_services
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.pods import Pods, pods
from tarmac.check.gates.views.scope import counted_in_files

_UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4}
#: What says how much a program keeps: by its words or variables, and the unit of a plain number.
_SIZES = (
    (re.compile(r"(?<![\w-])-Xmx(\d+)([kmgt]?)\b", re.IGNORECASE), "", "Java's heap"),
    (re.compile(r"--max[-_]old[-_]space[-_]size[= ](\d+)()(?!\S)"), "m", "Node's old space"),
    (re.compile(r"--?maxmemory[= ](\d+)([kmg]?)b?(?!\S)", re.IGNORECASE), "", "Redis' data"),
)
#: The variables that programs read such words from.
_READ = re.compile(r"(?i).*(java|jvm|jdk|node|catalina|heap).*(opts?|options|args|size)?")
MIB = 1024**2
_STORE = "object-store-memory"
#: A store of more than this many bytes Ray keeps in /dev/shm or not at all.
_NEEDS_MEMORY = 10**10


class Bound(NamedTuple):
    """A container's memory, and what its program may keep of it."""

    where: str
    name: str
    limit: int
    kept: int
    what: str
    #: What happens then.
    end: str = "it is killed under load"
    warning: bool = False


def check(files: Files) -> Iterator[Finding]:
    """Yield programs that may keep as much as their container may use in all, or more."""
    for one in _bounds(files):
        if one.kept >= one.limit:
            what = f"{one.name} may use {one.limit // MIB} MiB, and {one.what} alone may take"
            yield Finding(
                one.where,
                f"{what} {one.kept // MIB} MiB, so {one.end}; lower that to three "
                "quarters of the limit, or raise the limit",
                warning=one.warning,
            )


@once
def _bounds(files: Files) -> Iterator[Bound]:
    for own in pods(files):
        for container in own.containers:
            said = container.amount("limits", "memory")
            told = [("", " ".join(container.words))]
            told += [(name, one.text) for name, one in own.variables.of(container).items()]
            yield from _of(container.at("resources", "limits"), str(container.name), said, told)
        yield from _shared(own)
    for service in compose_services(files):
        said = dig(service.data, "mem_limit") or dig(
            service.data, "deploy", "resources", "limits", "memory"
        )
        words = [*texts(dig(service.data, "entrypoint")), *texts(dig(service.data, "command"))]
        told = [("", " ".join(words)), *service.environment.items()]
        yield from _of(service.at(), f"service {service.name}", _docker(said), told)


def _shared(own: Pods) -> Iterator[Bound]:
    """Yield what nodes of Ray keep for all of their processes, in memory as files."""
    beside = (*own.path[:-2], "rayStartParams")
    params = fields(own.artifact.data, *beside)
    size = str(params.get(_STORE) or "")
    ray = own.main_containers[0] if own.main_containers else None
    if ray is None or not size.isdecimal() or "plasma-directory" in params:
        return
    is_slow = "RAY_OBJECT_STORE_ALLOW_SLOW_STORAGE" in own.variables.names(ray)
    try:
        most = int(amount(ray.amount("limits", "memory") or 0))
    except (ValueError, ArithmeticError):
        return
    if most and not is_slow:
        where = own.artifact.at(*beside, _STORE)
        is_large = int(size) > _NEEDS_MEMORY
        end = "does not start" if is_large else "keeps it on a disk, which is slow"
        end = f"it does not fit into /dev/shm, and Ray {end}"
        yield Bound(where, str(ray.name), most, int(size), "Ray's object store", end, not is_large)


def _of(where: str, name: str, limit: object, told: list[tuple[str, str]]) -> Iterator[Bound]:
    try:
        most = int(amount(limit)) if limit else 0
    except (ValueError, ArithmeticError):
        return
    for variable, text in told if most else ():
        if variable and not _READ.fullmatch(variable):
            continue
        for pattern, unit, what in _SIZES:
            # The last one counts, as the programs themselves read them.
            for number, own in pattern.findall(text)[-1:]:
                yield Bound(where, name, most, int(number) * _UNITS[own.lower() or unit], what)
    for variable, text in told if most else ():
        if variable == "GOMEMLIMIT" and (found := re.fullmatch(r"(\d+)(Ki|Mi|Gi|Ti)?B", text)):
            kept = int(found[1]) * _UNITS[(found[2] or " ")[0].lower().strip()]
            yield Bound(where, name, most, kept, "Go's memory")


def _docker(said: object) -> str | None:
    """Write a size of Compose as Kubernetes does: `512m` is MiB there."""
    found = re.fullmatch(r"(\d+)([bkmg]?)b?", str(said or "").lower())
    return str(int(found[1]) * _UNITS[found[2].replace("b", "")]) if found else None


GATE = Gate(
    id="RES003",
    title="What a program may keep in memory is less than its container may use",
    phase="finops",
    source="a heap grows up to its own bound before it is collected thoroughly; the kernel ends "
    "the container before that: https://kubernetes.io/docs/tasks/configure-pod-container/assign-memory-resource",
    check=check,
    of_files=check,
    scope=counted_in_files("bounds of memory", _bounds),
    targets=("cluster", "compose"),
    reads="-Xmx, --max-old-space-size and --maxmemory in commands, and in variables that such "
    "programs read (JAVA_OPTS, NODE_OPTIONS), GOMEMLIMIT, and the object store of Ray's nodes, "
    "beside the limit of their container.",
)
