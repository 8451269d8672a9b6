"""Servers whose settings are here listen for other containers, not for themselves alone."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import dig, items
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.files import compose_files
from tarmac.check.gates.views.compose.lookups import official
from tarmac.check.gates.views.compose.mounted_files import mounted_files
from tarmac.check.gates.views.compose.services import compose_services
from tarmac.check.gates.views.compose.stores import words
from tarmac.check.gates.views.images.image_files import ImageFiles
from tarmac.check.gates.views.images.started import IMAGE, StartedProgram, started
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.servers.python_listeners import HOSTS, own_listeners, parsed

_SELF = r"(?:127\.0\.0\.1|localhost|-?::1)"


class Listener(NamedTuple):
    """A server, how its settings say where it listens, and what to write."""

    image: re.Pattern[str]
    line: re.Pattern[str]
    advice: str
    #: It listens for itself alone where its file has no such line; None: for all.
    silent: re.Pattern[str] | None = None


def _listener(image: str, line: str, advice: str, silent: str | None = None) -> Listener:
    said = re.compile(rf"(?mi)^[ \t]*{line}[ \t]*(?:#.*)?$")
    told = re.compile(rf"(?mi){silent}") if silent else None
    return Listener(re.compile(image), said, advice, told)


LISTENERS = (
    _listener(r"redis|valkey/valkey", rf"bind(?:[ \t]+{_SELF})+", "write bind * -::*"),
    _listener(
        r"postgres|postgis/postgis|timescale/timescaledb",
        rf"listen_addresses[ \t]*=?[ \t]*'{_SELF}(?:[ \t]*,[ \t]*{_SELF})*'",
        "write listen_addresses = '*'", r"^[ \t]*(listen_addresses|include)",
    ),
    _listener(
        r"mysql|mariadb|percona", rf"bind[-_]address[ \t]*=[ \t]*{_SELF}",
        "write bind-address = 0.0.0.0",
    ),
    _listener("mongo", rf"bindIp:[ \t]*[\"']?{_SELF}[\"']?", "write bindIp: 0.0.0.0"),
    _listener(
        "elasticsearch", rf"network\.host:[ \t]*[\"']?(?:{_SELF}|_local_)[\"']?",
        "write network.host: 0.0.0.0",
    ),
    _listener("rabbitmq", rf"listeners\.tcp\.\w+[ \t]*=[ \t]*{_SELF}:\d+", "write the port alone"),
    _listener(
        "eclipse-mosquitto", rf"listener[ \t]+\d+[ \t]+{_SELF}",
        "write listener 1883", r"^[ \t]*(listener|port|include_dir)\b",
    ),
)  # fmt: skip
#: What says where a server listens beside its file.
_TOLD = re.compile(r"(?i)listen_addresses|--bind|bind_ip|--listen|-h[ =]|bind-address")
_CONFIG = re.compile(r"(?:-c|--config)[= ]+(?:python:)?(?:file:)?(\S+)")
_DEFAULT = "gunicorn.conf.py"
#: A server of Node.js that is told its host.
_NODE = re.compile(r"\.listen\([^()\n]*?,[ \t]*([\"'])(localhost|127\.0\.0\.1)\1")
_ENTRY = re.compile(r"\bnode\s+(?:-\S+\s+)*([\w./-]+\.[cm]?js)\b")
_OPEN = re.compile(r"\.listen\([^()\n]*[\"']0\.0\.0\.0[\"']")


def check(files: Files) -> Iterator[Finding]:
    """Yield servers that no other container reaches."""
    known = ImageFiles(files)
    yield from _stores(files, known.by_path)
    python = {path: one for path, one in known.by_path.items() if path.endswith(".py")}
    services = {posixpath.normpath(one.dockerfile or "") for one in compose_services(files)}
    for one in started(files):
        if one.is_reached:
            yield from _gunicorn(one, known)
            yield from _node(one, known)
            if one.title == IMAGE and one.where.rpartition(":")[0] not in services:
                yield from _python(one, known.by_path, python)


def _stores(files: Files, by_path: Mapping[str, Artifact]) -> Iterator[Finding]:
    for beside in compose_files(files):
        for service in beside.services:
            asked = len({one.name for one in beside.services}) > 1 or items(service.data, "ports")
            told = " ".join([*words(service, "entrypoint"), *words(service)])
            known = next((one for one in LISTENERS if one.image.fullmatch(official(service))), None)
            if known is None or not asked or dig(service.data, "network_mode"):
                continue
            for path, within in mounted_files(service, beside):
                artifact = by_path.get(path)
                is_settings = path.endswith((".conf", ".cnf", ".yml", ".yaml"))
                is_whole = within in told or within.endswith("/mosquitto.conf")
                if artifact is None or not is_settings or _TOLD.search(told):
                    continue
                text = str(artifact.content)
                found = [*known.line.finditer(text)]
                what = f"listens for itself alone, and service {service.name} is a container of its"
                said = f"{what} own: no other one reaches it; {known.advice}"
                if found:
                    line = text.count("\n", 0, found[-1].start()) + 1
                    yield Finding(f"{path}:{line}", f"`{found[-1][0].strip()}` {said}")
                elif known.silent is not None and is_whole and not known.silent.search(text):
                    yield Finding(f"{path}:1", f"without a line that says where, its server {said}")


def _gunicorn(one: StartedProgram, known: ImageFiles) -> Iterator[Finding]:
    if not re.search(r"\bgunicorn\b", one.line) or re.search(r"\s(-b|--bind)\b", one.line):
        return
    told = _CONFIG.findall(one.line) or [_DEFAULT]
    artifact = known.copied(told[-1], one)
    if artifact is not None:
        for node in parsed(artifact).body:
            is_bind = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "bind"
            if isinstance(node, ast.Assign) and is_bind and _is_own(node.value):
                what = f"gunicorn listens at {ast.unparse(node.value)}, and {one.title} is to be"
                said = f"{what} reached from outside its container; write 0.0.0.0"
                yield Finding(f"{artifact.path}:{node.lineno}", said)


def _is_own(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and bool(re.match(rf"{_SELF}:", str(value.value)))


def _node(one: StartedProgram, known: ImageFiles) -> Iterator[Finding]:
    for name in _ENTRY.findall(one.line):
        artifact = known.copied(name, one)
        if artifact is not None:
            text = str(artifact.content)
            found = [] if _OPEN.search(text) else [*_NODE.finditer(text)]
            for call in found:
                line = text.count("\n", 0, call.start()) + 1
                what = f"listens on {call[2]} alone, and {one.title} is to be reached from outside"
                yield Finding(f"{artifact.path}:{line}", f"{what} its container; write 0.0.0.0")


def _python(
    one: StartedProgram, by_path: Mapping[str, Artifact], python: Mapping[str, Artifact]
) -> Iterator[Finding]:
    """Yield the same of an image that no service here is built of, which exposes a port."""
    if any(host in str(by_path[one.where.rpartition(":")[0]].content) for host in HOSTS):
        return
    for own in own_listeners(one.line, one.folder, python):
        what = f"{own.by} without a host listens on 127.0.0.1, and {one.title} has EXPOSE: nothing"
        yield Finding(own.where or one.where, f"{what} outside reaches it; write host 0.0.0.0")


def _judged(files: Files) -> Iterator[object]:
    for beside in compose_files(files):
        for service in beside.services:
            if any(one.image.fullmatch(official(service)) for one in LISTENERS):
                yield service
    yield from (one for one in started(files) if one.is_reached)


GATE = Gate(
    id="IMG087",
    title="Servers in containers listen for other containers",
    phase="containers",
    source="a container's loopback is its own; https://redis.io/docs/latest/operate/oss_and_stack/"
    "management/config; https://www.postgresql.org/docs/current/runtime-config-connection.html",
    check=check,
    of_files=check,
    scope=counted_in_files("servers that are to be reached", _judged),
    targets=("cluster", "compose"),
    reads="settings of Redis, PostgreSQL, MySQL, MongoDB, Elasticsearch, RabbitMQ and Mosquitto "
    "that Compose mounts; gunicorn's settings, and `.listen` of the file that node starts, of "
    "images that expose a port, services that publish one and pods that name one.",
)
