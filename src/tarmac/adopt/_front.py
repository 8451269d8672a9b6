"""What a container of nginx in front of the others does: which paths it hands to which service.

`_compose_containers` asks. nginx itself is not started here: the entry has its paths. What it does
besides, or cannot be read, is named.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tarmac.adopt import _servers
from tarmac.adopt._compose_parts import mounts_of, ports_of
from tarmac.adopt._compose_places import joined_path, place_of
from tarmac.adopt._found import Folder, has_program_file

_IMAGES = frozenset({"nginx", "nginx-unprivileged", "openresty", "bitnami-nginx"})
_COPIES = re.compile(r"(?im)^(?:COPY|ADD)\s+(?!--from)(?:--\S+\s+)*(\S+)\s+/etc/nginx\S*\s*$")
_UPSTREAM = re.compile(r"\bupstream\s+([\w.-]+)\s*\{([^}]*)\}")
_SERVER = re.compile(r"\bserver\s+([\w.-]+)(?::(\d+))?")
_LOCATION = re.compile(r"\blocation\s+(?:(=|~\*?|\^~)\s+)?(\S+)\s*\{")
_PASSES = re.compile(r"\bproxy_pass\s+https?://([\w.-]+)(?::(\d+))?(/[^;\s]*)?\s*;")
#: A pattern that is a prefix all the same: `~ ^/api/`.
_PREFIX = re.compile(r"\^?(/[\w./-]*?)/?(?:\.\*|\(\.\*\)|\$)?")
_NAME = re.compile(r"/[\w./-]*")


class Front(NamedTuple):
    """The paths that it hands on, and what it does besides."""

    #: (path, host, port); port 0: the usual one.
    routes: tuple[tuple[str, str, int], ...]
    #: What is not carried over, each with its reason.
    left: tuple[str, ...]
    #: The port that people use.
    port: int
    #: The file that says so.
    file: str


def front_of(spec: Mapping[str, Any], image: str, root: Folder) -> Front | None:
    """Read what a container of nginx hands on; None for another one, or without a file."""
    if _servers.name_of(image) not in _IMAGES:
        return None
    files = [*_mounted(spec, root)]
    if spec.get("build"):
        place, dockerfile = place_of(spec, root, None)
        below = root.below(place)
        serves = re.search(r"(?im)^COPY\s+--from", dockerfile)
        if serves or has_program_file(_without_dockerfile(below)):
            return None  # it has what is built here
        copied = (joined_path(place, said.lstrip("/")) for said in _COPIES.findall(dockerfile))
        files += [file for name in copied for file in _files(name, root)]
    for file in files:
        text = re.sub(r"(?m)#.*$", "", root.read(file))
        if "proxy_pass" in text:
            port = next((here for here, _ in ports_of(spec)), 80)
            return Front(*_read(text), port, file)
    return None


def _without_dockerfile(folder: Folder) -> Folder:
    """Look at a folder as if it had no Dockerfile: that alone makes no program of it."""
    files = tuple(f for f in folder.files if not posixpath.basename(f).startswith("Dockerfile"))
    return Folder(folder.path, files, folder.read, folder.exists, folder.skip)


def _mounted(spec: Mapping[str, Any], root: Folder) -> Iterator[str]:
    for source, target in mounts_of(spec, "/etc/nginx"):
        if target:
            yield from _files(joined_path(source), root)


def _files(name: str, root: Folder) -> list[str]:
    """List a file of settings, or those of a folder."""
    if name in root.files:
        return [name]
    ends = (".conf", ".conf.template", ".template", ".tmpl")
    return [f for f in root.files if posixpath.dirname(f) == name and f.endswith(ends)]


def _read(text: str) -> tuple[tuple[tuple[str, str, int], ...], tuple[str, ...]]:
    """Read a file of nginx: routes, and what is left."""
    behind = {}
    for name, body in _UPSTREAM.findall(text):
        servers = _SERVER.findall(body)
        if len(servers) == 1:
            behind[name] = servers[0]
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
    return tuple((path, *to) for path, to in routes.items()), tuple(dict.fromkeys(left))


def _block(text: str, start: int) -> str:
    """Read to the brace that closes the one before."""
    depth = 1
    for match in re.finditer(r"[{}]", text[start:]):
        depth += 1 if match[0] == "{" else -1
        if not depth:
            return text[start : start + match.start()]
    return text[start:]
