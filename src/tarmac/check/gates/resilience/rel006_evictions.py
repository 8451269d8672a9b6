"""A Redis that holds a queue of tasks throws none of them away when its memory is full."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import dig, fields
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.entries import listed, mount
from tarmac.check.gates.views.compose.files import ComposeFiles, compose_files
from tarmac.check.gates.views.compose.services import ComposeService
from tarmac.check.gates.views.compose.stores import words
from tarmac.check.gates.views.json_files import json_object
from tarmac.check.gates.views.objects.indexes import PodIndex, place_of
from tarmac.check.gates.views.objects.metadata import name_of, title
from tarmac.check.gates.views.objects.services import Service
from tarmac.check.gates.views.pods.mounted_texts import mounted_texts
from tarmac.check.gates.views.pods.pods import RUNNING, Pods, pods
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files

_REDIS = re.compile(r"([\w.-]+/)*(redis|valkey|redis-stack-server|keydb)(:.*|@.*)?")
_POLICY = re.compile(r"maxmemory-policy[ =]+[\"']?((?:allkeys|volatile)-\w+)")
_LIMIT = re.compile(r"(?:^|\s)(?:--)?maxmemory[ =]+[\"']?[1-9]", re.MULTILINE)
_ADDRESS = re.compile(r"\b(?:rediss?|valkey)://(?:[^@/\s]*@)?([a-z][\w-]*)")
_HOST = re.compile(r"(?i)(\w+_)?redis_?(host|hostname|server)")
_OF_BULL = "BullMQ"
_CONF = re.compile(r"([^:\s]+\.conf):(/[^:\s]+)(:.*)?")


class Cache(NamedTuple):
    """A server of Redis: where its policy is, which service it is, and what it is told."""

    where: str
    name: str
    text: str


def check(files: Files) -> Iterator[Finding]:
    """Yield policies by which a server throws away the tasks of a queue."""
    for server, user in (*_in_compose(files), *_in_pods(files)):
        policy = _POLICY.search(server.text)
        if policy and _LIMIT.search(server.text):
            is_any = policy[1].startswith("allkeys")
            if not is_any and not user.startswith(_OF_BULL):
                continue
            what = f"{server.name} throws away {'any key' if is_any else 'keys with an end'} when"
            what = f"{what} its memory is full ({policy[1]}), and"
            said = f"{what} {user} has its queue there: waiting tasks are lost"
            advice = "write noeviction, or give the queue a server of its own"
            yield Finding(server.where, f"{said}; {advice}", warning=not is_any)


def _in_compose(files: Files) -> Iterator[tuple[Cache, str]]:
    texts = {one.path: str(one.content) for one in files.artifacts if one.path.endswith(".conf")}
    for beside in compose_files(files):
        servers = {one.name: one for one in beside.services if _REDIS.fullmatch(one.image or "")}
        yield from _of_bull(files, beside, servers, texts)
        for service in beside.services if servers else ():
            told = [*words(service), *words(service, "entrypoint")]
            for host in _queues(service.environment, " ".join(told)):
                if host in servers:
                    yield _of_compose(servers[host], texts), f"service {service.name}"
                    break


def _of_bull(
    files: Files,
    beside: ComposeFiles,
    servers: Mapping[str, ComposeService],
    texts: Mapping[str, str],
) -> Iterator[tuple[Cache, str]]:
    """Yield servers by the host alone, where a package here is a queue that keeps keys by times."""
    found = [one.path for one in files.artifacts if _is_bull(one)] if servers else []
    for service in beside.services if found else ():
        for name, value in service.environment.items():
            if value in servers and _HOST.fullmatch(name):
                yield _of_compose(servers[value], texts), f"{_OF_BULL} of {found[0]}"
                return


def _is_bull(artifact: Artifact) -> bool:
    is_list = artifact.path.rpartition("/")[2] == "package.json"
    content = artifact.content
    found = json_object(content) if is_list and isinstance(content, str) else artifact.data
    return is_list and bool({"bullmq", "bull"} & {*fields(found, "dependencies")})


def _of_compose(server: ComposeService, texts: Mapping[str, str]) -> Cache:
    told = " ".join(words(server))
    name = f"service {server.name}"
    folder = posixpath.dirname(server.artifact.path)
    for entry in listed(dig(server.data, "volumes")):
        found = _CONF.fullmatch(mount(entry))
        path = posixpath.normpath(posixpath.join(folder, found[1])) if found else ""
        if found and found[2] in told and path in texts and "maxmemory-policy" not in told:
            line = _line(texts[path])
            return Cache(f"{path}:{line}", name, f"{_plain(texts[path])} {told}")
    return Cache(server.at("command"), name, told)


def _in_pods(files: Files) -> Iterator[tuple[Cache, str]]:
    every = list(pods(files, *RUNNING, "DaemonSet"))
    heads = {(place_of(one)[0], name_of(one)): Service(one) for one in files.objects("Service")}
    kept = PodIndex(own for own in every if _server(own))
    for own in every if kept.kept else ():
        space = place_of(own.artifact)[0]
        for container in own.main_containers:
            values = {name: one.text for name, one in own.variables.of(container).items()}
            for host in _queues(values, " ".join(container.words)):
                selector = heads[space, host].selector if (space, host) in heads else None
                for server in kept.selected({"matchLabels": selector}) if selector else ():
                    if place_of(server.artifact)[0] == space:
                        yield _of_pods(files, server), title(own.artifact)


def _server(own: Pods) -> bool:
    return any(_REDIS.fullmatch(one.image) for one in own.main_containers)


def _of_pods(files: Files, server: Pods) -> Cache:
    container = next(one for one in server.main_containers if _REDIS.fullmatch(one.image))
    told = " ".join(container.words)
    texts = mounted_texts(files, server)
    read = [_plain(text) for path, text in texts.items() if path in told]
    return Cache(container.at(), title(server.artifact), " ".join([told, *read]))


def _queues(values: Mapping[str, str], told: str) -> list[str]:
    """List the hosts at which a program has its queue of tasks."""
    queues = published("queues")
    is_worker = re.search(queues["programs"], told) is not None
    named = [
        value for name, value in values.items()
        if re.fullmatch(queues["variables"], name)
        or (is_worker and re.fullmatch(r"(?i)redis_?(url|uri)", name))
    ]  # fmt: skip
    return [host for value in named for host in _ADDRESS.findall(value)]


def _plain(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))


def _line(text: str) -> int:
    for number, line in enumerate(text.splitlines(), start=1):
        if line.lstrip().startswith("maxmemory-policy"):
            return number
    return 1


def _judged(files: Files) -> Iterator[object]:
    yield from _in_compose(files)
    yield from _in_pods(files)


GATE = Gate(
    id="REL006",
    title="A queue's Redis throws nothing away",
    phase="resilience",
    source="https://redis.io/docs/latest/develop/reference/eviction: by allkeys-lru any key goes "
    "when the memory is full, the list of a queue as well",
    check=check,
    of_files=check,
    scope=counted_in_files("queues in Redis", _judged),
    reads="maxmemory and maxmemory-policy in commands, ConfigMaps and files that Compose mounts, "
    "beside addresses of Redis in variables of queues and of the programs that "
    "assets/published.yaml lists, or the host of a service beside a package.json with BullMQ.",
)
