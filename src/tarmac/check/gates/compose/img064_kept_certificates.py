"""Certificates that a proxy of a Compose file orders outlive its container."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from tarmac.base.foreign.reading import dig, places
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.services import ComposeService, compose_services
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

_TRAEFIK = re.compile(r"(docker\.io/)?(library/)?traefik(:.*|@.*)?")
_CADDY = re.compile(r"(docker\.io/)?(library/)?caddy:2(\..*|-.*)?")
#: A resolver of certificates in arguments and variables, and where it keeps them.
_RESOLVER = re.compile(r"(?i)certificates_?resolvers[._]([\w-]+?)[._]acme[._]")
_STORAGE = r"(?i)certificates_?resolvers[._]{name}[._]acme[._]storage\s*[=:]\s*(\S+)"
#: Where Caddy 1 had its certificates, and Caddy 2 has them.
_EARLIER, _DATA = "/root/.caddy", "/data"


def check(files: Files) -> Iterator[Finding]:
    """Yield proxies that order their certificates again with each container."""
    for service in _proxies(files):
        if _TRAEFIK.fullmatch(service.image or ""):
            yield from _of_traefik(service)
        else:
            yield from _of_caddy(service)


def _of_traefik(service: ComposeService) -> Iterator[Finding]:
    told = " ".join(_told(service))
    for name in dict.fromkeys(_RESOLVER.findall(told)):
        found = re.search(_STORAGE.format(name=re.escape(name)), told)
        path = posixpath.join("/", found[1].strip("\"'")) if found else "/acme.json"
        if "$" in path or any(_is_below(path, one) for one in service.mounted):
            continue
        what = f"service {service.name}: the resolver {name}"
        what = f"{what} keeps its certificates in {path} of the container"
        if not found:
            what = f"{what}, as it has no acme.storage"
        said = f"{what}: each new container orders them again, until Let's Encrypt refuses"
        yield Finding(service.at("command"), f"{said}; write a path on a volume")


def _of_caddy(service: ComposeService) -> Iterator[Finding]:
    mounted = [one.rstrip("/") for one in service.mounted]
    is_told = "XDG_DATA_HOME" in service.variables
    if is_told or any(_is_below("/data/caddy", one) for one in mounted):
        return
    for number, path in enumerate(mounted):
        if path == _EARLIER or path.startswith(f"{_EARLIER}/"):
            what = f"service {service.name} mounts a volume at {path}, where Caddy 1 kept its"
            said = f"{what} certificates, and Caddy 2 keeps them in {_DATA}: each new container"
            advice = f"orders them again, until Let's Encrypt refuses; mount it at {_DATA}"
            yield Finding(service.at("volumes", number), f"{said} {advice}")


def _is_below(path: str, mounted: str) -> bool:
    folder = mounted.rstrip("/")
    return path == folder or path.startswith(f"{folder}/")


def _told(service: ComposeService) -> Iterator[str]:
    for key in ("command", "entrypoint"):
        yield from (text for _, text in places(dig(service.data, key)))
    yield from (f"{name}={value}" for name, value in service.environment.items())


@once
def _proxies(files: Files) -> Iterator[ComposeService]:
    for service in compose_services(files):
        image = service.image or ""
        is_traefik = _TRAEFIK.fullmatch(image) and _RESOLVER.search(" ".join(_told(service)))
        if is_traefik or _CADDY.fullmatch(image):
            yield service


GATE = Gate(
    id="IMG064",
    title="Certificates that a proxy orders outlive its container",
    phase="containers",
    source="https://doc.traefik.io/traefik/https/acme/#storage: acme.json by default, beside the "
    "program; https://caddyserver.com/docs/conventions#data-directory: Caddy 2 of its image has "
    "/data; https://letsencrypt.org/docs/rate-limits: five a week of the same names",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("proxies that order certificates", _proxies),
    targets=("compose",),
    reads="acme.storage of Traefik in arguments and variables, and the volumes of Traefik and of "
    "the image of Caddy 2 in Compose files. Traefik's own file is not read.",
)
