"""A server accepts the connections that the pools of all pods may open, by files alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.foreign.reading import number
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.indexes import PodIndex
from tarmac.check.gates.views.objects.metadata import space_of, title
from tarmac.check.gates.views.objects.services import Service
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.mounted_texts import mounted_texts
from tarmac.check.gates.views.pods.pods import RUNNING, Pods, pods
from tarmac.check.gates.views.scope import counted_in_files

_ACCEPTS = re.compile(r"\bmax[_-]connections=(\d+)")
_WRITTEN = re.compile(r"^[ \t]*max[_-]connections\s*[= ]\s*(\d+)", re.MULTILINE)
#: Variables with the size of a pool, as frameworks and the people who use them name it.
_POOL = re.compile(
    r"(?i)(\w+_)?(db|database|pg|postgres|mysql|sqlalchemy|hikari)\w*_(pool_(max_)?size"
    r"|max_pool_size|pool_max|maximum_?pool_?size|max_connections|pool)"
)
_HOST = re.compile(
    r"\b(?:postgres(?:ql)?|mysql|mariadb)(?:\+\w+)?://(?:[^@/\s]*@)?([a-z][\w-]*)(?:\.([\w-]+)\.svc)?"
)
#: Variables with a database's host alone.
_NAMED = re.compile(
    r"(?i)(\w+_)?((db|database|postgres(ql)?|mysql|mariadb)_?(\w+_)?host(name)?|pghost)"
)
_ADDRESS = re.compile(r"([a-z][\w-]*)(?:\.([\w-]+)(?:\.svc(?:\.[\w.-]+)?)?)?(?::\d+)?")


class Pool(NamedTuple):
    """A workload whose pods open connections to a host."""

    own: Pods
    space: str
    host: str
    size: int
    pods: int


def check(files: Files) -> Iterator[Finding]:
    """Yield servers that would refuse connections once all pools are full."""
    used: dict[tuple[str, str], list[Pool]] = {}
    for pool in _pools(files):
        used.setdefault((pool.space, pool.host), []).append(pool)
    heads = [Service(one) for one in files.objects("Service")] if used else []
    named = {(space_of(one.artifact), one.metadata.name): one for one in heads}
    kept = PodIndex(pods(files, *RUNNING) if used else ())
    for (space, host), users in used.items():
        selector = named[space, host].selector if (space, host) in named else None
        for server in kept.selected({"matchLabels": selector}) if selector else ():
            if space_of(server.artifact) != space:
                continue
            accepts = _accepted(files, server)
            needed = sum(one.size * one.pods for one in users)
            if accepts is not None and needed > accepts:
                most = max(users, key=lambda one: one.size * one.pods)
                what = f"{title(server.artifact)} accepts {accepts} connections, and the pools of"
                which = f"{most.own.kind} {most.own.name}: {most.pods} pods of {most.size}"
                yield Finding(
                    most.own.at("spec"),
                    f"{what} its users may open {needed} ({which}); lower them, or pool them "
                    f"before it",
                    warning=True,
                )


def _accepted(files: Files, server: Pods) -> int | None:
    """Read how many connections a server takes: its command is above its file."""
    said = [word for one in server.containers for word in one.words]
    found = next((int(m[1]) for word in said if (m := _ACCEPTS.search(word))), None)
    if found is not None:
        return found
    texts = mounted_texts(files, server)
    return next((int(m[1]) for text in texts.values() if (m := _WRITTEN.search(text))), None)


@once
def _pools(files: Files) -> Iterator[Pool]:
    for own in pods(files, *RUNNING):
        for container in own.main_containers:
            values = {name: one.text for name, one in own.variables.of(container).items()}
            sizes = [
                int(v) for name, v in values.items() if _POOL.fullmatch(name) and v.isdecimal()
            ]
            hosts = {host for value in values.values() for host in _HOST.findall(value)}
            for name, value in values.items() if sizes and not hosts else ():
                if _NAMED.fullmatch(name) and (found := _ADDRESS.fullmatch(value)):
                    hosts.add((found[1], found[2] or ""))
            if sizes and len(hosts) == 1:
                many = number(own.artifact.data, "spec", "replicas")
                host, space = hosts.pop()
                space = space or space_of(own.artifact)
                yield Pool(own, space, host, max(sizes), 1 if many is None else many)


GATE = Gate(
    id="SCL008",
    title="A database accepts the connections that all pools may open",
    phase="data",
    source="https://www.postgresql.org/docs/current/runtime-config-connection.html",
    check=check,
    of_files=check,
    scope=counted_in_files("pools of connections", _pools),
    targets=("cluster",),
    reads="the size of a pool that a variable names, times replicas, beside max_connections of the "
    "server behind the Service whose address or name the same container has: in its command, or in "
    "a ConfigMap that it mounts.",
)
