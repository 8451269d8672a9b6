"""A server behind TLS of a proxy takes what that says of the request."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import items
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.services import compose_services
from tarmac.check.gates.views.compose.stores import words as compose_words
from tarmac.check.gates.views.images.dockerfiles import dockerfiles, stages, words
from tarmac.check.gates.views.network.senders import Senders
from tarmac.check.gates.views.objects.metadata import metadata, space_of, title
from tarmac.check.gates.views.objects.routes import backends
from tarmac.check.gates.views.pods.containers import Container
from tarmac.check.gates.views.pods.pods import Pods, pods
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.servers.nginx import configurations
from tarmac.check.gates.views.servers.nginx_settings import secure_servers

_HANDS_ON = re.compile(r"http://([a-z][\w-]*)(?::\d+)?(?:/.*)?")
_PORT = re.compile(r"--port[ =](\d{1,5})\b")


class Program(NamedTuple):
    """What runs a server."""

    command: str
    where: str
    #: The names of variables that are set for it.
    variables: frozenset[str]

    @property
    def port(self) -> int:
        """Where it listens."""
        found = _PORT.search(self.command)
        return int(found[1]) if found else int(published("forwarded")["port"])


def check(files: Files) -> Iterator[Finding]:
    """Yield servers that take the scheme of a request from no proxy but their own host's."""
    yield from _composed(files)
    led = dict(_led(files))
    if not led:
        return
    built, senders = list(_built(files)), Senders(files)
    known = published("forwarded")
    for own in pods(files):
        space, containers = space_of(own.artifact), own.main_containers
        names = [(space, one.metadata.name) for one in senders.services(own)]
        ingress = next((led[name] for name in names if name in led), None)
        # Another container of the pod may be the proxy, and asks from 127.0.0.1.
        if ingress is None or len(containers) != 1:
            continue
        program = _program(own, containers[0], built)
        if program is not None and not program.variables & {*known["variables"]}:
            what = f"{title(own.artifact)} is behind TLS of {title(ingress)}, and {known['title']}"
            said = f"{what} takes X-Forwarded-Proto of 127.0.0.1 alone: its redirects lead to http"
            advice = "write --forwarded-allow-ips with the addresses of the proxies"
            yield Finding(program.where, f"{said}; {advice}", warning=True)


def _composed(files: Files) -> Iterator[Finding]:
    """Yield the same of Compose services behind a server of nginx that ends TLS."""
    behind = dict(_behind(files))
    if not behind:
        return
    built, known = (
        {one.where.rpartition(":")[0]: one for one in _built(files)},
        published("forwarded"),
    )
    for service in compose_services(files):
        told = " ".join([*compose_words(service, "entrypoint"), *compose_words(service)])
        own = built.get(posixpath.normpath(service.dockerfile or "")) if not told else None
        if told and _is_server(told):
            own = Program(told, service.at("command"), frozenset())
        if own is None or service.name not in behind:
            continue
        if not (own.variables | service.variables) & {*known["variables"]}:
            what = f"service {service.name} is behind TLS of {behind[service.name]}, and"
            said = f"{what} {known['title']} takes X-Forwarded-Proto of 127.0.0.1 alone: its"
            advice = "redirects lead to http; write --forwarded-allow-ips with the proxy's address"
            yield Finding(own.where, f"{said} {advice}", warning=True)


def _behind(files: Files) -> Iterator[tuple[str, str]]:
    """Yield hosts to which servers of nginx with TLS hand a scheme on, with the file of each."""
    for own in configurations(files):
        for block in secure_servers(own):
            words_in = [one.words for inner in block.body for one in (inner, *inner.body)]
            named = [w[1].lower() for w in words_in if w[:1] == ("proxy_set_header",) and w[1:]]
            for said in words_in if "x-forwarded-proto" in named else ():
                found = _HANDS_ON.fullmatch(said[-1]) if said[0] == "proxy_pass" else None
                if found is not None:
                    yield found[1], own.name


def _led(files: Files) -> Iterator[tuple[tuple[str, str], Artifact]]:
    """Yield the Services that an Ingress leads to, where it ends TLS."""
    for artifact in files.objects("Ingress"):
        notes = metadata(artifact).annotations
        is_handed_on = any("passthrough" in key or "backend-protocol" in key for key in notes)
        if items(artifact.data, "spec", "tls") and not is_handed_on:
            for name in backends(artifact):
                yield (space_of(artifact), str(name)), artifact


def _program(own: Pods, container: Container, built: list[Program]) -> Program | None:
    """Find what a container runs: its own command, or that of the one image which is built here."""
    given = own.variables.names(container)
    command = " ".join(container.words)
    if not own.variables.are_known(container):
        return None
    if _is_server(command):
        return Program(command, container.at("command"), given)
    ports = {port.number for port in container.ports}
    is_ours = len(built) == 1 and built[0].port in ports and not container.words
    return built[0]._replace(variables=built[0].variables | given) if is_ours else None


def _built(files: Files) -> Iterator[Program]:
    """Yield the images that are built here and run such a server."""
    for artifact in dockerfiles(files):
        found = stages(str(artifact.content))
        last = found[-1].instructions if found else ()
        runs = [one for one in last if one.word in ("CMD", "ENTRYPOINT")]
        command = " ".join(" ".join(words(one.rest)) for one in runs)
        if runs and _is_server(command):
            named = (re.findall(r"(\w+)(?:=|\s)", one.rest) for one in last if one.word == "ENV")
            variables = frozenset(name for names in named for name in names)
            yield Program(command, f"{artifact.path}:{runs[-1].line}", variables)


def _is_server(command: str) -> bool:
    known = published("forwarded")
    is_told = re.search(known["told"], command) is not None
    return re.search(known["run"], command) is not None and not is_told


def _judged(files: Files) -> Iterator[object]:
    yield from dict(_led(files))
    yield from dict(_behind(files))


GATE = Gate(
    id="SRV008",
    title="A server behind TLS of a proxy takes what that says of the request",
    phase="services",
    source="https://www.uvicorn.org/deployment/#proxies-and-forwarded-headers: headers of a proxy "
    "are taken from 127.0.0.1 alone where nothing else is written",
    check=check,
    of_files=check,
    scope=counted_in_files("Services behind TLS", _judged),
    targets=(),
    reads="commands of pods behind an Ingress with TLS, of Compose services behind TLS of nginx, "
    "or of the one Dockerfile here that runs uvicorn on the port of a pod. What the program's own "
    "code sets is not known, so all are warnings. Judges files without a plan only.",
)
