"""What nginx, Apache or Caddy in front of the others does: which paths go to which service.

`compose_containers` asks. None of them is started here: the entry has their paths. What they do
besides, or cannot be read, is named.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from tarmac.adopt.containers.compose_parts import mounts_of, ports_of
from tarmac.adopt.containers.compose_places import joined_path, place_of
from tarmac.adopt.containers.container import read_dockerfile
from tarmac.adopt.stores import servers
from tarmac.adopt.survey import front_caddy
from tarmac.adopt.survey.found import Folder, has_program_file
from tarmac.adopt.survey.front_caddy import HandedOn

_COPIES = r"(?im)^(?:COPY|ADD)\s+(?!--from)(?:--\S+\s+)*(\S+)\s+(?:%s)\S*\s*$"
_UPSTREAM = re.compile(r"\bupstream\s+([\w.-]+)\s*\{([^}]*)\}")
_SERVER = re.compile(r"\bserver\s+([\w.-]+)(?::(\d+))?")
_LOCATION = re.compile(r"\blocation\s+(?:(=|~\*?|\^~)\s+)?(\S+)\s*\{")
_PASSES = re.compile(r"\bproxy_pass\s+https?://([\w.-]+)(?::(\d+))?(/[^;\s]*)?\s*;")
#: A pattern that is a prefix all the same: `~ ^/api/`.
_PREFIX = re.compile(r"\^?(/[\w./-]*?)/?(?:\.\*|\(\.\*\)|\$)?")
_NAME = re.compile(r"/[\w./-]*")


_PROXY_PASS = re.compile(r"(?im)^[ \t]*(ProxyPass(?:Match)?)\s+(?:\"?(/\S*?)\"?\s+)?\"?([^\s\"]+)")
_BALANCER = re.compile(r"(?is)<Proxy\s+\"?(balancer://[\w.-]+)/?\"?\s*>(.*?)</Proxy>")
_MEMBER = re.compile(r"(?im)^[ \t]*BalancerMember\s+\"?(\S+?)\"?(?:\s|$)")
_PLACE = re.compile(r"(?:https?|wss?)://([\w.-]+)(?::(\d+))?(/\S*)?")
_LOCATED = re.compile(r"(?is)<Location\s+\"?(/[^\s\">]*)\"?\s*>(.*?)</Location>")


class Front(NamedTuple):
    """The paths that it hands on, and what it does besides."""

    #: What it is.
    title: str

    #: (path, host, port); port 0: the usual one.
    routes: tuple[tuple[str, str, int], ...]
    #: What is not carried over, each with its reason.
    left: tuple[str, ...]
    #: The port that people use.
    port: int
    #: The file that says so.
    file: str


class _Kind(NamedTuple):
    """One of the servers that stand in front, and where its files are in a container."""

    title: str
    #: Names of images, and of the program.
    names: frozenset[str]
    folders: tuple[str, ...]
    #: What a file says that hands something on.
    says: str
    read: Callable[[str], HandedOn]


def front_of(spec: Mapping[str, Any], image: str, root: Folder) -> Front | None:
    """Read what a container hands on; None for another one, or without a file."""
    place, dockerfile = place_of(spec, root, None) if spec.get("build") else ("", "")
    kind = _kind_of(image, dockerfile)
    if kind is None:
        return None
    files = [f for folder in kind.folders for f in _mounted(spec, folder, root)]
    if spec.get("build"):
        below = root.below(place)
        serves = re.search(r"(?im)^COPY\s+--from", dockerfile)
        # One of that server's image alone starts nothing of the folder that it is built from.
        is_bare = len(re.findall(r"(?im)^FROM\s", dockerfile)) == 1 and kind is _kind_of(image, "")
        is_bare = is_bare and not below.has("package.json")
        if serves or (not is_bare and has_program_file(_without_dockerfile(below))):
            return None  # it has what is built here
        copies = re.compile(_COPIES % "|".join(map(re.escape, kind.folders)))
        copied = (joined_path(place, said.lstrip("/")) for said in copies.findall(dockerfile))
        files += [file for name in copied for file in _files(name, root)]
    for file in files:
        text = re.sub(r"(?m)(?:^|(?<=\s))#.*$", "", root.read(file))
        if kind.says in text:
            port = next((here for here, _ in ports_of(spec)), 80)
            return Front(kind.title, *kind.read(text), port, file)
    return None


def of_one_each(
    shapes: Mapping[str, Mapping[str, Any]], root: Folder
) -> dict[str, tuple[str, int, int]]:
    """List the servers that stand in front of one program each, where there are several of them.

    One address cannot have the paths of all: what asks such a server asks its program.

    Returns:
        Their names -> the program's name, the port there, and the one that people use.
    """
    found: dict[str, tuple[str, int, int]] = {}
    for own, spec in shapes.items():
        front = front_of(spec, str(spec.get("image") or ""), root)
        if front is not None and len(front.routes) == 1 and not front.left:
            ((path, target, port),) = front.routes
            if path == "/" and target in shapes:
                found[own] = target, port, front.port
    targets = {target for target, *_ in found.values()}
    return found if len(targets) > 1 and len(targets) == len(found) else {}


def _kind_of(image: str, dockerfile: str) -> _Kind | None:
    """Tell which one an image is: by its name, or by the program that is started in it."""
    name = servers.name_of(image)
    started = "".join(read_dockerfile(dockerfile, "", "").container_command[:1])
    names = {name, posixpath.basename(started)}
    return next((kind for kind in _KINDS if kind.names & names), None)


def _without_dockerfile(folder: Folder) -> Folder:
    """Look at a folder as if it had no Dockerfile: that alone makes no program of it."""
    files = tuple(f for f in folder.files if not posixpath.basename(f).startswith("Dockerfile"))
    return replace(folder, files=files)


def _mounted(spec: Mapping[str, Any], folder: str, root: Folder) -> Iterator[str]:
    for source, target in mounts_of(spec, folder):
        if target:
            yield from _files(joined_path(source), root)


def _files(name: str, root: Folder) -> list[str]:
    """List a file of settings, or those of a folder."""
    if name in root.files:
        return [name]
    ends = (".conf", ".conf.template", ".template", ".tmpl", "Caddyfile", ".caddy")
    return [f for f in root.files if posixpath.dirname(f) == name and f.endswith(ends)]


def _of_nginx(text: str) -> HandedOn:
    behind = {}
    for name, body in _UPSTREAM.findall(text):
        stated = _SERVER.findall(body)
        if len(stated) == 1:
            behind[name] = stated[0]
    routes: dict[str, tuple[str, int]] = {}
    left: list[str] = []
    for match in _LOCATION.finditer(text):
        mark, said, body = match[1] or "", match[2], _block(text, match.end())
        passes = _PASSES.search(body)
        if mark == "=" or said.startswith("@"):
            left += [f"location {said}"] if passes else []
            continue
        plain = _PREFIX.fullmatch(said) if mark.startswith("~") else _NAME.fullmatch(said)
        if passes is None:
            left.append(f"location {said}, which serves files or answers by itself")
        elif plain is None:
            left.append(f"location {said}, a pattern")
        else:
            path = (plain[1] if mark.startswith("~") else said).rstrip("/") or "/"
            host, port = behind.get(passes[1], (passes[1], passes[2]))
            to = passes[3]
            if to and to.rstrip("/") != path.rstrip("/"):
                left.append(f"location {said}, whose path it changes to {to}")
            elif path not in routes:
                routes[path] = (host, int(port or 0))
    return HandedOn(tuple((path, *to) for path, to in routes.items()), tuple(dict.fromkeys(left)))


def _of_apache(text: str) -> HandedOn:
    members = {name: _MEMBER.findall(body) for name, body in _BALANCER.findall(text)}
    behind = {name: own[0] for name, own in members.items() if len(own) == 1}
    said = [(path, line) for path, body in _LOCATED.findall(text) for line in _passes(body)]
    said += [("", line) for line in _passes(_LOCATED.sub("", text))]
    routes: dict[str, tuple[str, int]] = {}
    left: list[str] = []
    for located, (directive, own, target) in said:
        path = (own or located).rstrip("/") or "/"
        to = re.sub(r"^balancer://[\w.-]+", lambda m: behind.get(m[0], m[0]).rstrip("/"), target)
        place = _PLACE.fullmatch(to)
        if directive.lower() != "proxypass":
            left.append(f"{directive} {path}, a pattern")
        elif place is None:
            left.append(f"{directive} {path} to {target}")
        elif (place[3] or "/").rstrip("/") != path.rstrip("/"):
            left.append(f"{directive} {path}, whose path it changes to {place[3] or '/'}")
        else:
            routes.setdefault(path, (place[1], int(place[2] or 0)))
    if re.search(r"(?im)^[ \t]*DocumentRoot\s", text) and "/" not in routes:
        left.append("DocumentRoot, which serves files")
    return HandedOn(tuple((path, *to) for path, to in routes.items()), tuple(dict.fromkeys(left)))


def _passes(text: str) -> list[tuple[str, str, str]]:
    """List the lines that hand something on: directive, path, target; `!` hands nothing on."""
    return [line for line in _PROXY_PASS.findall(text) if line[2] != "!"]


def _block(text: str, start: int) -> str:
    """Read to the brace that closes the one before."""
    depth = 1
    for match in re.finditer(r"[{}]", text[start:]):
        depth += 1 if match[0] == "{" else -1
        if not depth:
            return text[start : start + match.start()]
    return text[start:]


_KINDS = (
    _Kind(
        "nginx",
        frozenset({"nginx", "nginx-unprivileged", "openresty", "bitnami-nginx"}),
        ("/etc/nginx",),
        "proxy_pass",
        _of_nginx,
    ),
    _Kind(
        "Apache httpd",
        frozenset({"httpd", "apache", "apache2ctl", "apachectl", "httpd-foreground"}),
        ("/usr/local/apache2/conf", "/etc/apache2", "/etc/httpd", "/opt/bitnami/apache"),
        "ProxyPass",
        _of_apache,
    ),
    _Kind("Caddy", frozenset({"caddy"}), ("/etc/caddy",), "reverse_proxy", front_caddy.read),
)
