"""nginx listens at the ports at which it is asked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from posixpath import dirname
from typing import NamedTuple

from tarmac.base.foreign.reading import dig
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.entries import listed
from tarmac.check.gates.views.compose.files import compose_files
from tarmac.check.gates.views.compose.lookups import official
from tarmac.check.gates.views.compose.mounted_files import mounted_files
from tarmac.check.gates.views.compose.stores import words
from tarmac.check.gates.views.images.untagged import by_maker
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.containers import Container
from tarmac.check.gates.views.pods.mounted_texts import mounted_texts
from tarmac.check.gates.views.pods.pods import Pods, pods
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.servers.nginx import Directive, directives

#: The images of nginx, and where each listens by its own default.conf.
_OWN = {"nginx": 80, "nginxinc/nginx-unprivileged": 8080}
_ROOT, _FOLDER = "/etc/nginx", "/etc/nginx/conf.d"
_MAIN, _DEFAULT = "/etc/nginx/nginx.conf", f"{_FOLDER}/default.conf"
_LISTEN = re.compile(r"(?:.*:)?(\d+)")
_INNER = re.compile(r"(?:.*:)?(\d+)(?:/tcp)?")


class NginxServer(NamedTuple):
    """An nginx whose files are here, and the ports that others send to, with their places."""

    title: str
    #: The texts that it reads, by their paths inside.
    texts: Mapping[str, str]
    own: int
    asked: Mapping[int, str]


def check(files: Files) -> Iterator[Finding]:
    """Yield ports that are sent to nginx, at which none of its servers listens."""
    for one in _judged(files):
        heard = _heard(one)
        # A port beside one that is heard may be for later: 443, before there is a certificate.
        is_partly = not heard.isdisjoint(one.asked)
        for port, where in one.asked.items() if heard else ():
            if port not in heard:
                there = ", ".join(map(str, sorted(heard)))
                what = f"{one.title} is sent requests at port {port}, and its nginx listens at"
                said = f"{what} {there} alone: each is refused; write one number in both"
                yield Finding(where, said, warning=is_partly)


def _heard(one: NginxServer) -> set[int]:
    """Find where nginx listens; empty where that is not known."""
    found = set[int]()
    if any(path.startswith("/etc/nginx/templates") for path in one.texts):
        return found
    if _MAIN not in one.texts and _DEFAULT not in one.texts and _FOLDER not in one.texts:
        found.add(one.own)  # its own file of servers is still there
    for path, text in one.texts.items():
        if path not in (_FOLDER, _MAIN) and dirname(path) != _FOLDER:
            continue
        if "${" in text or "{{" in text:
            return set()
        for block in _servers(directives(text)):
            if block.words[:1] == ("include",):
                included = block.words[-1]
                if included.startswith(f"{_FOLDER}/"):
                    found |= {one.own} if {_DEFAULT, _FOLDER}.isdisjoint(one.texts) else set()
                elif not included.endswith(("mime.types", "_params")):
                    return set()
            if block.words[:1] != ("server",):
                continue
            ports = [inner.words[1] for inner in block.body if inner.words[:1] == ("listen",)]
            if any(inner.words[:1] == ("include",) for inner in block.body):
                return set()
            found |= {int(match[1]) for port in ports if (match := _LISTEN.fullmatch(port))}
            found |= set() if ports else {80}
    return found


def _servers(found: tuple[Directive, ...]) -> Iterator[Directive]:
    for block in found:
        yield block
        if block.words[:1] in (("http",), ("stream",)):
            yield from _servers(block.body)


@once
def _judged(files: Files) -> Iterator[NginxServer]:
    yield from _composed(files)
    for own in pods(files):
        for container in own.main_containers:
            if container.image and not container.words:
                yield from _in_pods(files, own, container)


def _composed(files: Files) -> Iterator[NginxServer]:
    known = {one.path: str(one.content) for one in files.artifacts if one.path.endswith(".conf")}
    for beside in compose_files(files) if known else ():
        for service in beside.services:
            port = _OWN.get(official(service))
            if port is None or words(service) or words(service, "entrypoint"):
                continue
            mounts = mounted_files(service, beside)
            texts = {inside: known[path] for path, inside in mounts if path in known}
            asked: dict[int, str] = {}
            for number, entry in enumerate(listed(dig(service.data, "ports"))):
                inner = entry.get("target") if isinstance(entry, Mapping) else entry
                if found := _INNER.fullmatch(str(inner)):
                    asked[int(found[1])] = service.at("ports", number)
            # A folder that is mounted whole may have more of them.
            nginx = {path for path in service.mounted if path.startswith(_ROOT)}
            if texts and nginx <= texts.keys():
                yield NginxServer(f"service {service.name}", texts, port, asked)


def _in_pods(files: Files, own: Pods, container: Container) -> Iterator[NginxServer]:
    port = _OWN.get(by_maker(container.image))
    if port is None:
        return
    mounts = {mount.path.rstrip("/") for mount in container.mounts}
    texts = {
        path: text
        for path, text in mounted_texts(files, own).items()
        if path in mounts or dirname(path) in mounts
    }
    folders = set(map(dirname, texts))
    if _FOLDER in mounts & folders:
        texts[_FOLDER] = ""
    if texts and {path for path in mounts if path.startswith(_ROOT)} <= texts.keys() | folders:
        asked = {
            one.number: container.at("ports", number)
            for number, one in enumerate(container.ports)
            if one.number is not None
        }
        yield NginxServer(f"{title(own.artifact)}: {container.name}", texts, port, asked)


GATE = Gate(
    id="SRV045",
    title="nginx listens where requests are sent to it",
    phase="services",
    source="https://nginx.org/en/docs/http/ngx_http_core_module.html#listen, and the "
    "default.conf of the images",
    check=check,
    of_files=check,
    scope=counted_in_files("nginx with files that are here", _judged),
    targets=(),
    reads="`listen` in the files and ConfigMaps that the images of nginx mount, beside the ports "
    "of the Compose service or of the container. Judges files without a plan only.",
)
